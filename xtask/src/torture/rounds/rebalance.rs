//! `rebalance`: another consumer joins the group that `up` commits its offsets to, is given all partitions, and leaves, in
//! every second round without a word. `up`, which reads what its tables say, must go on meanwhile.

use std::time::{Duration, Instant};

use super::super::broker::TOPIC;
use super::super::plan::Round;
use super::super::scene::Scene;

/// The group of the source, as Millstream names it.
const GROUP: &str = "millstream-raw-transactions_streaming";
/// Between two heartbeats.
const BEAT: Duration = Duration::from_millis(500);
/// A shorter time may pass without a commit on a busy machine.
const LONG: Duration = Duration::from_secs(2);

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    let before = scene.loaded();
    let began = Instant::now();
    let mut wire = scene.broker.wire()?;
    let member = wire.join(GROUP, TOPIC)?;
    while began.elapsed() < round.hold {
        scene.rest(BEAT)?;
        wire.heartbeat(&member)?;
    }
    let after = scene.loaded();
    let is_silent = round.variant.is_multiple_of(2);
    if !is_silent {
        wire.leave(&member)?;
    }
    if let (true, true, Ok(before), Ok(after)) = (round.is_settled, round.hold >= LONG, before, after)
        && before == after
        // A producer that has not found the broker again since the round before sends nothing that could be loaded.
        && scene.behind().is_ok_and(|left| left > scene.rate.cast_signed())
    {
        scene.trouble(format!("up loaded nothing for {} ms beside another consumer", round.hold.as_millis()));
    }
    let left = if is_silent { "vanished" } else { "left" };
    Ok(format!("another consumer joined and {left} after {} ms", round.hold.as_millis()))
}
