//! `stop`: SIGSTOP for a while, then SIGCONT. In every second round another `up` is started meanwhile and must be refused.

use super::super::plan::Round;
use super::super::scene::Scene;
use super::super::shell::{output, said};

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    scene.up.signal("STOP")?;
    let is_doubled = round.variant.is_multiple_of(2);
    if is_doubled {
        let project = scene.site.project.clone();
        let words = ["up", "--listen", "off", "--brokers", &scene.broker.address];
        let second = output(scene.site.millstream(&project).args(words))?;
        let told = said(&second);
        // One that was stopped before it had the lock does not hold the workspace, and then the store may be its.
        let is_refused = second.status.code() == Some(3) && !told.trim().is_empty();
        if !is_refused {
            scene.trouble(format!("a second up beside one that is stopped ended with {}: {told}", second.status));
        }
    }
    std::thread::sleep(round.hold);
    scene.up.signal("CONT")?;
    let second = if is_doubled { ", a second one was refused" } else { "" };
    Ok(format!("stopped for {} ms{second}", round.hold.as_millis()))
}
