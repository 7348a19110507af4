//! The disturbances: one file a kind.
//!
//! Each leaves the scene as it found it, with an `up` that runs or starts, and tells what it did.

mod broker_restart;
mod broker_unreachable;
mod clock;
mod full_disk;
mod kill;
mod partition;
mod read_only;
mod rebalance;
mod stop;

use super::kind::Kind;
use super::plan::Round;
use super::scene::Scene;

pub use clock::library as clock_library;

/// Does to the scene what the round says.
pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    match round.kind {
        Kind::Kill => kill::disturb(scene, round),
        Kind::Stop => stop::disturb(scene, round),
        Kind::FullDisk => full_disk::disturb(scene, round),
        Kind::ReadOnly => read_only::disturb(scene, round),
        Kind::BrokerRestart => broker_restart::disturb(scene, round),
        Kind::BrokerUnreachable => broker_unreachable::disturb(scene, round),
        Kind::Partition => partition::disturb(scene, round),
        Kind::Rebalance => rebalance::disturb(scene, round),
        Kind::Clock => clock::disturb(scene, round),
    }
}
