//! `clock`: the wall clock of a running `up` jumps by up to half a day, forward or back, and back again with the next
//! `up`. The jump is made by `clock.c`, which is compiled here and loaded into `up` before anything of its own.
//!
//! Guarantees: `up` ends cleanly before and after. Deliberately absent: jumps of a day and more. Files keep the true time,
//! so that to this `up` what it has just written would be old enough to be taken for left behind; on a machine whose clock
//! jumps, files and processes agree.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::plan::Round;
use super::super::scene::Scene;
use super::super::shell::must;

/// Jumps in seconds.
const JUMPS: [i64; 6] = [-43_200, -3_600, -61, 61, 3_600, 43_200];

/// Compiles what makes the clock jump, and sees whether it does.
pub fn library(folder: &Path) -> Result<PathBuf, String> {
    let (source, library, offset) = (folder.join("clock.c"), folder.join("clock.so"), folder.join("clock"));
    std::fs::write(&source, include_str!("clock.c")).map_err(|error| format!("{}: {error}", source.display()))?;
    must(Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl"))?;
    set(&offset, 400 * 86_400)?;
    let year = |command: &mut Command| must(command.arg("+%Y").env("TORTURE_CLOCK", &offset));
    let (true_year, later) =
        (year(&mut Command::new("date"))?, year(Command::new("date").env("LD_PRELOAD", &library))?);
    if true_year == later { Err("the clock of a process cannot be set".to_owned()) } else { Ok(library) }
}

/// Lets the clock be off by so many seconds.
fn set(offset: &Path, seconds: i64) -> Result<(), String> {
    use std::os::unix::fs::FileExt;
    // In place: the process has mapped the file.
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(offset);
    let written = file.and_then(|file| file.write_all_at(&(seconds * 1_000_000_000).to_ne_bytes(), 0));
    written.map_err(|error| format!("{}: {error}", offset.display()))
}

pub fn disturb(scene: &mut Scene, round: &Round) -> Result<String, String> {
    let Some(library) = &scene.clock else { return Err("there is no clock that could jump".to_owned()) };
    let jump = JUMPS[(round.variant % JUMPS.len() as u64) as usize];
    let offset = scene.site.dir.join("clock");
    set(&offset, 0)?;
    let environment = [("LD_PRELOAD", library), ("TORTURE_CLOCK", &offset)];
    scene.environment = environment.map(|(name, path)| (name.to_owned(), path.to_string_lossy().into_owned())).to_vec();
    scene.end_up()?;
    scene.renew()?;
    scene.settle()?;
    set(&offset, jump)?;
    scene.rest(round.hold)?;
    let caught_up = scene.settle()?;
    scene.environment.clear();
    scene.end_up()?;
    scene.renew()?;
    Ok(format!("{jump:+} s for {} ms; caught up {} ms later", round.hold.as_millis(), caught_up.as_millis()))
}
