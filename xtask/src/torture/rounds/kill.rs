//! `kill`: SIGKILL, and the next one starts at once. One in four is killed again while it starts.

use std::time::Duration;

use super::super::plan::Round;
use super::super::scene::Scene;

/// The second kill comes within so many milliseconds.
const AGAIN_MS: u64 = 600;

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    scene.renew()?;
    if !round.variant.is_multiple_of(4) {
        return Ok("killed".to_owned());
    }
    let again = (round.variant >> 8) % AGAIN_MS;
    std::thread::sleep(Duration::from_millis(again));
    scene.renew()?;
    Ok(format!("killed, and the next one after {again} ms"))
}
