//! Functions of numbers, one file a group.

mod arithmetic;
mod bits;
mod floats;
mod random;
mod rounding;

pub(super) use arithmetic::{divide, quotient_digits};

use super::scalar::Function;

/// All functions of numbers.
pub(super) fn families() -> [&'static [Function]; 5] {
    [arithmetic::FUNCTIONS, bits::FUNCTIONS, floats::FUNCTIONS, random::FUNCTIONS, rounding::FUNCTIONS]
}
