//! `cargo xtask torture`: `millstream up` is killed, stopped and robbed of its disk, broker and clock, again and again,
//! while messages with duplicates and broken ones flow and files arrive. At the end nothing may be lost or there twice.
//!
//! Guarantees: the sequence is that of the seed; each round says what was done; what cannot be done on this machine is
//! told; a failure ends with exit code 1, the rows that differ, and the scratch folder left behind.
//!
//! Deliberately absent: thresholds of time, apart from a patience after which `up` counts as not recovered; and power
//! cuts, since no process can take from the kernel what it has been given.

mod able;
mod broker;
mod checks;
mod disk;
mod kind;
mod options;
mod plan;
mod producer;
mod rounds;
mod scene;
mod shell;
mod site;
mod spoiler;
mod summary;
mod up;
mod wire;

use std::path::Path;
use std::time::Instant;

use able::Able;
use broker::Broker;
use checks::Topic;
use options::Options;
use plan::Round;
use producer::Producer;
use scene::Scene;
use site::Site;
use spoiler::Spoiler;
use summary::Summary;
use up::Up;

pub use options::USAGE;

/// Files arrive every so many rounds.
const ROUNDS_PER_MONTH: usize = 5;

/// Runs it.
pub fn run(root: &Path, words: &[&str]) -> Result<(), String> {
    let options = Options::read(words)?;
    let site = Site::prepare(root, &options)?;
    let dir = site.dir.clone();
    let again = format!("--seed {} --rounds {} --rate {}", options.seed, options.rounds, options.rate);
    println!("torture {again} in {}", dir.display());
    let failed = torture(site, &options)?;
    if failed.is_empty() {
        if !options.keep {
            std::fs::remove_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        return Ok(());
    }
    Err(format!("torture: {failed}; everything is in {}; again with {again}", dir.display()))
}

/// Runs it in a folder; what failed, in words.
fn torture(site: Site, options: &Options) -> Result<String, String> {
    let able = Able::look(&site, options)?;
    let plan = plan::draw(options.seed, options.rounds, &able.kinds, options.moment, options.hold);
    let mut scene = set(site, able, options)?;
    let mut summary = Summary::default();
    let began = Instant::now();
    let mut done = Ok(());
    for round in &plan {
        done = one(&mut scene, round, options, &mut summary);
        if done.is_err() {
            break;
        }
    }
    println!("the rounds took {:.0} s; waiting until all is in the tables", began.elapsed().as_secs_f64());
    let failed = done.and_then(|()| finish(&mut scene));
    summary.print();
    let troubles = scene.troubles.len();
    let kept = if troubles > 0 || !matches!(failed, Ok(0)) { keep(&scene) } else { Ok(()) };
    let failed = failed?;
    kept?;
    let mut words = Vec::new();
    if failed > 0 {
        words.push(format!("{failed} checks failed"));
    }
    if troubles > 0 {
        words.push(format!("{troubles} times something happened that must not"));
    }
    Ok(words.join(", "))
}

/// Starts everything.
fn set(site: Site, able: Able, options: &Options) -> Result<Scene, String> {
    let broker = Broker::start(&site, options.kafka)?;
    let producer = Producer::start(&site, &broker.address, options.seed, options.rate)?;
    let spoiler = Spoiler::start(&broker.address, options.seed);
    let up = Up::start(&site, &broker.address, &[])?;
    Ok(Scene {
        up,
        producer,
        spoiler,
        broker,
        disk: able.disk,
        clock: able.clock,
        site,
        rate: options.rate,
        environment: Vec::new(),
        troubles: Vec::new(),
        ends: Vec::new(),
    })
}

/// One round, and its line.
fn one(scene: &mut Scene, round: &Round, options: &Options, summary: &mut Summary) -> Result<(), String> {
    let (troubles, ends) = (scene.troubles.len(), scene.ends.len());
    let mut after = "the round before".to_owned();
    if round.is_settled {
        after = format!("it had caught up in {:.1} s", scene.settle()?.as_secs_f64());
        tidy(scene)?;
    }
    if round.number.is_multiple_of(ROUNDS_PER_MONTH) {
        scene.site.arrive(options.seed)?;
    }
    scene.rest(round.moment)?;
    let came = rounds::disturb(scene, round)?;
    summary.add(round.kind, scene.ends.len() - ends, scene.troubles.len() - troubles);
    let ended = match &scene.ends[ends..] {
        [] => String::new(),
        [.., last] => format!("; up ended by itself {} times, last with: {last}", scene.ends.len() - ends),
    };
    println!(
        "{:>4}  {:<18}  {:>5} ms after {after}: {came}{ended}",
        round.number,
        round.kind.name(),
        round.moment.as_millis()
    );
    Ok(())
}

/// Removes history when the disk is half full: each refresh keeps the files of the version before for days.
fn tidy(scene: &mut Scene) -> Result<(), String> {
    if !scene.disk.as_ref().is_some_and(|disk| disk.is_half_full().unwrap_or(false)) {
        return Ok(());
    }
    scene.end_up()?;
    let project = scene.site.project.clone();
    let words = ["maintain", "--retention", "1s", "--forget-history"];
    shell::must(scene.site.millstream(&project).args(words))?;
    scene.renew()?;
    println!("      the disk was half full: history was removed");
    scene.settle().map(drop)
}

/// Ends what sends, waits until `up` has everything, ends it, and checks. How many checks failed.
fn finish(scene: &mut Scene) -> Result<usize, String> {
    scene.settle()?;
    scene.producer.finish()?;
    let acknowledged = (scene.producer.delivered, scene.spoiler.finish());
    let caught_up = scene.within(0)?;
    let is_fresh = shell::until(std::time::Duration::from_secs(60), || {
        let staleness = scene.up.metric("millstream_model_staleness_seconds");
        Ok(staleness.is_ok_and(|models| !models.is_empty() && models.iter().all(|(_, seconds)| *seconds == 0.0)))
    })?;
    if !is_fresh {
        scene.trouble("models did not become as fresh as their sources");
    }
    println!("caught up in {:.1} s; {} producers were started", caught_up.as_secs_f64(), scene.producer.processes);
    scene.end_up()?;
    let topic = Topic::read(&scene.broker, acknowledged)?;
    Ok(checks::all(&scene.site, &topic))
}

/// The workspace as it is, to be looked at when its file system is gone.
fn keep(scene: &Scene) -> Result<(), String> {
    if scene.disk.is_none() {
        return Ok(());
    }
    let copy = scene.site.dir.join("workspace-at-the-end");
    shell::must(std::process::Command::new("cp").arg("-a").arg(&scene.site.workspace).arg(copy)).map(drop)
}
