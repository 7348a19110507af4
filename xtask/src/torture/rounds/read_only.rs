//! `read-only`: nothing in the workspace can be opened for writing for a while. In every second round `up` is killed
//! meanwhile, so that the next one starts on it.

use super::super::plan::Round;
use super::super::scene::Scene;

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    let Some(disk) = &scene.disk else { return Err("the workspace has no disk of its own".to_owned()) };
    disk.freeze()?;
    let is_killed = round.variant.is_multiple_of(2);
    if is_killed {
        scene.rest(round.hold / 2)?;
        scene.renew()?;
    }
    scene.rest(if is_killed { round.hold / 2 } else { round.hold })?;
    if let Some(disk) = &scene.disk {
        disk.thaw()?;
    }
    let killed = if is_killed { ", killed meanwhile" } else { "" };
    Ok(format!("for {} ms{killed}", round.hold.as_millis()))
}
