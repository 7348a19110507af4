//! `full-disk`: the workspace's disk has only a few bytes left for a while. In every second round `up` is killed meanwhile,
//! so that the next one starts on a full disk.

use super::super::plan::Round;
use super::super::scene::Scene;

/// Less than this is left, so that some files still fit and others do not.
const LEFT: u64 = 512 << 10;

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    let left = (round.variant >> 8) % LEFT;
    let Some(disk) = &scene.disk else { return Err("the workspace has no disk of its own".to_owned()) };
    disk.fill(left)?;
    let is_killed = round.variant.is_multiple_of(2);
    if is_killed {
        scene.rest(round.hold / 2)?;
        scene.renew()?;
    }
    scene.rest(if is_killed { round.hold / 2 } else { round.hold })?;
    if let Some(disk) = &scene.disk {
        disk.free()?;
    }
    let killed = if is_killed { ", killed meanwhile" } else { "" };
    Ok(format!("{} KiB left for {} ms{killed}", left >> 10, round.hold.as_millis()))
}
