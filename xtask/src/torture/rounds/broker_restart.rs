//! `broker-restart`: the broker is killed, and after a while started again on the same data and address.

use super::super::plan::Round;
use super::super::scene::Scene;

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    scene.broker.kill();
    scene.rest(round.hold)?;
    scene.broker.restart()?;
    Ok(format!("away for {} ms", round.hold.as_millis()))
}
