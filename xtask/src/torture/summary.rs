//! The table of kinds at the end.

use std::collections::BTreeMap;

use super::kind::Kind;

/// What was done how often, and what came of it.
#[derive(Default)]
pub struct Summary(BTreeMap<Kind, [usize; 3]>);

impl Summary {
    /// Adds a round: times that `up` ended by itself in it, and troubles.
    pub fn add(&mut self, kind: Kind, ends: usize, troubles: usize) {
        let row = self.0.entry(kind).or_default();
        row.iter_mut().zip([1, ends, troubles]).for_each(|(sum, more)| *sum += more);
    }

    pub fn print(&self) {
        println!("\n{:<18}  {:>6}  {:>16}  {:>8}", "kind", "rounds", "ends by itself", "troubles");
        for (kind, [rounds, ends, troubles]) in &self.0 {
            println!("{:<18}  {rounds:>6}  {ends:>16}  {troubles:>8}", kind.name());
        }
        println!();
    }
}
