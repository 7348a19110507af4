//! `row_number() over (partition by K order by O) = 1` without sorting everything.
//!
//! The engine sorts all rows by K and O. But where K hardly repeats, as in deduplication, nearly every row is the
//! only one of its key and needs no comparison. So:
//! 1. [`duplicates`]: read only K, once, and find the hashes that occur more than once. A collision of hashes makes
//!    a row look like a duplicate, never the other way round.
//! 2. [`exec`]: read the rows; one whose hash occurs once goes straight through, in its batch, uncopied.
//! 3. [`best`]: of the others keep the first by O for each K, compared exactly; in memory, else by [`spill`].
//!
//! The rows are read twice, so [`rule`] takes only inputs that give the same rows twice and cheaply: files through
//! projections, filters and unions. Everything else keeps the engine's plan.
//!
//! Where O does not order all rows of a key, which of the equal ones is kept is not defined, as in SQL.

mod best;
mod duplicates;
mod exec;
mod rule;
mod spill;

pub(super) use rule::FirstRowRule;
