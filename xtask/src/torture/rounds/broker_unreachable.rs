//! `broker-unreachable`: the broker keeps its connections and answers nothing for a while (SIGSTOP).

use super::super::plan::Round;
use super::super::scene::Scene;

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    scene.broker.signal("STOP")?;
    let rested = scene.rest(round.hold);
    scene.broker.signal("CONT")?;
    rested?;
    Ok(format!("silent for {} ms", round.hold.as_millis()))
}
