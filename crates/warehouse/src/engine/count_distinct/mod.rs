//! `count(distinct x)` by group, exactly, in one hash set for all groups.
//!
//! The engine keeps a set of values for each group: a text that is in many groups is hashed and stored for each of
//! them. Here each value gets a number once ([`interner`]), and one set holds pairs of group and number
//! ([`accumulator`]). [`rule`] puts it in the place of `count(distinct …)` in aggregates with groups.

mod accumulator;
mod function;
mod interner;
mod rule;

pub(super) use rule::CountDistinctRule;
