//! A bit for each range of numbers in which one is.
//!
//! There are hundreds of small files, nearly all of which hold none of the keys that are looked for: the bits tell it
//! while the keys are passed through in their order, which stays within the processor's cache.

/// Bits for each number: one of sixteen keys that are not there is looked for in vain.
const BITS_PER_NUMBER: usize = 16;

/// Fewest bits.
const BITS_MIN: usize = 64;

/// Ranges of evenly spread numbers.
pub(super) struct Ranges {
    bits: Vec<u64>,
    /// By how much a number is shifted to become the place of its bit.
    shift: u32,
}

impl Ranges {
    /// Of so many numbers.
    pub(super) fn new(numbers: impl Iterator<Item = u64>, count: usize) -> Self {
        let bits = (count * BITS_PER_NUMBER).next_power_of_two().max(BITS_MIN);
        let mut ranges = Self { bits: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() };
        for number in numbers {
            let (word, bit) = ranges.place(number);
            ranges.bits[word] |= bit;
        }
        ranges
    }

    /// What counts of a longer number.
    pub(super) fn of(number: u128) -> u64 {
        (number >> 64) as u64
    }

    /// Whether a number may be there; those that are may always.
    pub(super) fn may_hold(&self, number: u64) -> bool {
        let (word, bit) = self.place(number);
        self.bits[word] & bit != 0
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bits.len() * 8
    }

    fn place(&self, number: u64) -> (usize, u64) {
        let place = (number >> self.shift) as usize;
        (place / 64, 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twox_hash::XxHash64;

    #[test]
    fn what_is_there_may_be_there_and_most_of_the_rest_may_not() {
        for count in [0, 1, 5, 1_000] {
            let number = |seed: u64, at: usize| XxHash64::oneshot(seed, &at.to_le_bytes());
            let ranges = Ranges::new((0..count).map(|at| number(1, at)), count);
            assert!((0..count).all(|at| ranges.may_hold(number(1, at))));
            let wrong = (0..10_000).filter(|at| ranges.may_hold(number(2, *at))).count();
            assert!(wrong < 1_200, "{count}: {wrong}");
        }
        assert!(Ranges::new([u64::MAX, 0].into_iter(), 2).may_hold(u64::MAX));
    }
}
