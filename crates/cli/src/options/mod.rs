//! Options that several commands share, and the values that the command line understands.

mod dbt;
mod global;
mod kafka;
mod nodes;
mod property;
pub mod reading;
mod selection;
pub mod state;
pub mod value;

pub use global::{EngineChoice, GlobalOptions};
pub use kafka::{KafkaOptions, OnGap};
pub use nodes::NodeOptions;
pub use property::Property;
pub use reading::ReadingOptions;
pub use selection::SelectionOptions;
pub use state::DeferOptions;
