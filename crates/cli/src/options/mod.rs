//! Options that several commands share, and the values that the command line understands.

mod global;
mod nodes;
mod property;
mod selection;
pub mod value;

pub use global::{EngineChoice, GlobalOptions};
pub use nodes::NodeOptions;
pub use property::Property;
pub use selection::SelectionOptions;
