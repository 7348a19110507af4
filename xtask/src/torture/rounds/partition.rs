//! `partition`: the topic gets one more partition while messages flow. That it is read is seen when `up` has caught up.

use super::super::broker::TOPIC;
use super::super::plan::Round;
use super::super::scene::Scene;

/// More than these say nothing new.
const PARTITIONS_MAX: usize = 24;

pub fn disturb(scene: &mut Scene, _round: &Round) -> Result<String, String> {
    let mut wire = scene.broker.wire()?;
    let partitions = wire.partitions(TOPIC)?.len();
    if partitions >= PARTITIONS_MAX {
        return Ok(format!("{partitions} are enough: nothing done"));
    }
    wire.grow_topic(TOPIC, partitions as i32 + 1)?;
    Ok(format!("{} partitions", partitions + 1))
}
