//! A side: whoever reads the topic and shows how many transactions it holds.

use super::curve::Point;

/// Something that follows the topic until it is dropped.
pub trait Side {
    /// What it is called in the output.
    fn name(&self) -> &str;

    /// How many transactions its output holds now. A side that has ended is an error.
    fn visible(&mut self) -> Result<u64, String>;

    /// Every growth of its output that was not told yet: since when it can be seen, and the transactions in it.
    fn points(&mut self) -> Result<Vec<Point>, String>;

    /// Largest resident memory so far, in MiB.
    fn peak_mib(&self) -> f64;

    /// Asks it to end, and waits.
    fn end(self: Box<Self>) -> Result<(), String>;
}
