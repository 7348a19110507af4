//! Stream processors beside us, each at the same job on the same kind of topic: parse JSON, one row for each `tx_id`,
//! counts and sums by day, category and currency, updates as they come.
//!
//! Guarantees: each side has a broker of its own with the same messages and starts empty; each shows every transaction
//! once, or its figures do not count. Peers hold results in their own memory and are asked there; ours are committed to
//! tables behind a contract, which is to the peers' advantage. A peer that cannot be installed or does not work here is
//! told with the reason and left out.

use std::path::Path;

use super::installed::KINDS;
use super::peer::Peer;
use super::same;
use super::search::Search;
use super::settings::{number, numbers, words};
use super::side::Side;
use super::stage::{Outcome, Stage};
use crate::bench::scene::Scene;

/// What a side reached.
struct Reached {
    name: String,
    outcomes: Vec<Outcome>,
    search: Search,
    peak_mib: f64,
}

/// Measures us, then each peer.
pub fn run(scene: &Scene) -> Result<(), String> {
    let wanted = words("PEERS", &KINDS.map(|kind| kind.name))?;
    println!("parse, one row for each tx_id, count and sum by day, category and currency; empty at the start");
    let ours = measured(scene, &|brokers| Ok(Box::new(same::start(scene, brokers)?)))
        .map_err(|error| format!("millstream: {error}"))?;
    tell(&ours, None);
    for kind in KINDS.into_iter().filter(|kind| wanted.iter().any(|name| name == kind.name)) {
        match measured(scene, &|brokers| Ok(Box::new(Peer::start(scene, kind, brokers)?))) {
            Ok(peer) => tell(&peer, Some(&ours)),
            Err(reason) => println!("  {}: left out: {}", kind.label(), ending(&reason)),
        }
    }
    Ok(())
}

/// How a side is started on a broker.
type Start<'s> = dyn Fn(&str) -> Result<Box<dyn Side + 's>, String> + 's;

fn measured(scene: &Scene, start: &Start<'_>) -> Result<Reached, String> {
    let mut stage = Stage::set(scene)?;
    let mut side = start(stage.brokers())?;
    // No user files here: everybody's users are made up, and the same.
    let users = Path::new("no-users");
    stage.warm_up(side.as_mut(), users)?;
    let seconds = number("PEER_SECONDS", 60)?;
    let mut search = Search::default();
    let mut outcomes = Vec::new();
    for rate in numbers("PEER_RATES", &[2_000, 20_000])? {
        let outcome = stage.run(side.as_mut(), rate, seconds, users)?;
        search.learn(&outcome);
        outcomes.push(outcome);
    }
    search.go_on(|rate, seconds| stage.run(side.as_mut(), rate, seconds, users))?;
    let (name, peak_mib) = (side.name().to_owned(), side.peak_mib());
    side.end()?;
    Ok(Reached { name, outcomes, search, peak_mib })
}

fn tell(side: &Reached, ours: Option<&Reached>) {
    println!("  {}", side.name);
    for (at, outcome) in side.outcomes.iter().enumerate() {
        let ages = outcome.ages.map_or_else(
            || "it fell behind".to_owned(),
            |ages| format!("p50 {:.2} s, p99 {:.2} s, largest {:.2} s", ages.p50, ages.p99, ages.largest),
        );
        let our_ages = ours.and_then(|ours| ours.outcomes.get(at)?.ages);
        let ratio = our_ages.zip(outcome.ages).map_or_else(String::new, |(ours, theirs)| {
            format!("; ratio: {:.2}x our p50, {:.2}x our p99", theirs.p50 / ours.p50, theirs.p99 / ours.p99)
        });
        println!("    {}/s ({:.0}/s sent): {ages}{ratio}", outcome.rate, outcome.sent);
    }
    let highest = ours.and_then(|ours| ours.search.highest()).zip(side.search.highest());
    let ratio = highest
        .map_or_else(String::new, |(ours, theirs)| format!("; ratio: ours is {:.2}x", ours as f64 / theirs as f64));
    println!("    {}{ratio}", side.search.tell());
    println!("    peak {:.0} MiB", side.peak_mib);
}

/// The end of a reason, which is where tools say what is wrong, on one line.
fn ending(reason: &str) -> String {
    let lines: Vec<&str> = reason.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(2)..].join(" | ")
}
