//! How old an event is when `fct_daily_transactions` of the reference project shows it, on a long history: every model and
//! test of the project is kept up, and each refresh of a table is a commit.

use super::engine::Engine;
use super::history::built;
use super::search::Search;
use super::settings::number;
use super::side::Side;
use super::stage::{Outcome, Stage};
use crate::bench::scene::Scene;

/// The mart.
pub const TABLE: &str = "marts/fct_daily_transactions";
/// How many streamed transactions are in it.
pub const COUNT: &str =
    "select coalesce(sum(transaction_count), 0) from marts.fct_daily_transactions where source_system = 'streaming'";

/// Measures one rate for long, then looks for the highest.
pub fn run(scene: &Scene) -> Result<(), String> {
    let (history, users) = (number("HISTORY", 10_000_000)?, number("USERS", 10_000)?);
    let (rate, seconds) = (number("RATE", 20_000)?, number("SECONDS", 300)?);
    let project = built(scene, "live-project", history, users)?;
    let registered = project.join("data/incoming");
    let mut stage = Stage::set(scene)?;
    let brokers = stage.brokers().to_owned();
    let mut side: Box<dyn Side + '_> = Box::new(Engine::start(scene, &project, &brokers, TABLE, COUNT)?);
    println!("event time to mart, {history} rows of history, {users} users");
    stage.warm_up(side.as_mut(), &registered)?;
    let mut search = Search::default();
    let outcome = stage.run(side.as_mut(), rate, seconds, &registered)?;
    search.learn(&outcome);
    tell(&outcome, seconds);
    search.go_on(|rate, seconds| {
        let outcome = stage.run(side.as_mut(), rate, seconds, &registered)?;
        tell(&outcome, seconds);
        Ok(outcome)
    })?;
    println!("  {}", search.tell());
    println!("  peak: engine {:.0} MiB, broker {:.0} MiB", side.peak_mib(), stage.broker_mib());
    side.end()
}

fn tell(outcome: &Outcome, seconds: u64) {
    let Outcome { rate, sent, ages, updates, asked, peak_mib } = outcome;
    print!("  {rate}/s for {seconds} s ({sent:.0}/s sent): ");
    match ages {
        None => println!("it fell behind, peak {peak_mib:.0} MiB"),
        Some(ages) => println!(
            "p50 {:.2} s, p99 {:.2} s, largest {:.2} s, {updates} versions, peak {peak_mib:.0} MiB",
            ages.p50, ages.p99, ages.largest
        ),
    }
    let seen = asked
        .ages
        .map_or_else(String::new, |ages| format!("; as seen by them: p50 {:.2} s, p99 {:.2} s", ages.p50, ages.p99));
    println!(
        "    {} queries meanwhile, each process {:.3} s (median), {:.1} a second; {} behind the commits before them{seen}",
        asked.count, asked.seconds, asked.rate, asked.behind
    );
}
