//! How old an event is when `fct_daily_transactions` shows it.
//!
//! An event's time is the producer's, in the message. A version of the table is visible from the moment that its commit
//! file is there; how many events it holds is asked of each version afterwards, so that measuring costs the run nothing.
//! Events count in the order of their times: the n-th is visible with the first version that holds n.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::history::{built, query};
use super::processes::{Running, up};
use super::{number, numbers};
use crate::bench::broker::Broker;
use crate::bench::scene::Scene;

/// After the producer has ended, how long the last messages may take.
const REST: Duration = Duration::from_secs(15);

/// A moment in seconds since 1970, and how many events there were by then.
type Point = (f64, f64);

/// Measures each rate on the same history, one after the other.
pub fn run(scene: &Scene) -> Result<(), String> {
    let (history, users) = (number("HISTORY", 10_000_000)?, number("USERS", 10_000)?);
    let seconds = number("SECONDS", 60)?;
    let project = built(scene, "live-project", history, users)?;
    println!("event time to mart: {history} rows of history, {users} users, {seconds} s at each rate");
    let broker = Broker::start(scene)?;
    let engine = up(scene, &project, &broker.address)?;
    let mut before = 0.0;
    for rate in numbers("RATES", &[2_000, 5_000, 10_000, 20_000])? {
        let from = latest(&project)?;
        let (rate_text, count) = (rate.to_string(), (rate * seconds).to_string());
        let words = ["produce", "--brokers", &broker.address, "--topic", "transactions", "--rate", &rate_text];
        let rest = ["--count", &count, "--users-from", "data/incoming", "--seed", &rate_text];
        let words: Vec<&str> = words.into_iter().chain(rest).collect();
        Running::start(scene, &project, "produce.log", &words)?.wait()?;
        std::thread::sleep(REST);
        let ages = ages(scene, &project, from, before)?;
        before += (rate * seconds) as f64;
        match ages {
            None => println!("  {rate:>6}/s  it fell behind: not all was visible {} s after the end", REST.as_secs()),
            Some((ages, versions)) => println!(
                "  {rate:>6}/s  p50 {:.2} s  p99 {:.2} s  largest {:.2} s  {versions} versions  peak {:.0} MiB",
                ages[ages.len() / 2],
                ages[ages.len() * 99 / 100],
                ages[ages.len() - 1],
                engine.peak_mib()
            ),
        }
    }
    engine.end()
}

fn log_folder(project: &Path) -> std::path::PathBuf {
    project.join("workspace/warehouse/marts/fct_daily_transactions/_delta_log")
}

fn latest(project: &Path) -> Result<u64, String> {
    let entries = std::fs::read_dir(log_folder(project)).map_err(|error| error.to_string())?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| name.strip_suffix(".json")?.parse::<u64>().ok())
        .max()
        .ok_or_else(|| "fct_daily_transactions has no commit".into())
}

/// Ages of the events behind the first `before`, sorted, and how many versions showed them; `None` when the last of
/// them is not visible.
fn ages(scene: &Scene, project: &Path, from: u64, before: f64) -> Result<Option<(Vec<f64>, usize)>, String> {
    let produced = produced(scene, project, before)?;
    let mut versions: Vec<Point> = Vec::new();
    for version in from + 1..=latest(project)? {
        let file = log_folder(project).join(format!("{version:020}.json"));
        let modified = std::fs::metadata(&file).and_then(|meta| meta.modified()).map_err(|error| error.to_string())?;
        let at = modified.duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs_f64();
        let sql = "select coalesce(sum(transaction_count), 0) from marts.fct_daily_transactions where source_system = 'streaming'";
        let rows = query(scene, project, sql, &["--as-of", &version.to_string()])?;
        let count: f64 = rows.first().and_then(|row| row.first()?.parse().ok()).unwrap_or(f64::NAN);
        if versions.last().is_none_or(|(_, last)| count > *last) && count > before {
            versions.push((at, count));
        }
    }
    let total = produced.last().map_or(0.0, |(_, count)| *count);
    if versions.last().is_none_or(|(_, seen)| *seen < total) {
        return Ok(None);
    }
    let mut ages = Vec::new();
    let mut shown = 0;
    // A hundredth of the events is enough for a hundredth of the ages.
    let step = ((total - before) / 10_000.0).max(1.0);
    let mut event = before + 1.0;
    while event <= total {
        while versions[shown].1 < event {
            shown += 1;
        }
        ages.push(versions[shown].0 - time_of(&produced, event));
        event += step;
    }
    ages.sort_by(f64::total_cmp);
    Ok(Some((ages, versions.len())))
}

/// How many events there were by the end of each tenth of a second, those before the run among them.
fn produced(scene: &Scene, project: &Path, before: f64) -> Result<Vec<Point>, String> {
    let sql = "select floor(extract(epoch from occurred_at) * 10) as tenth, count(*) as n from marts.fct_transactions \
               where source_system = 'streaming' group by 1 order by 1";
    let mut points: Vec<Point> = Vec::new();
    let mut count = 0.0;
    for row in query(scene, project, sql, &[])? {
        let cell = |at: usize| row.get(at).and_then(|cell| cell.parse::<f64>().ok()).unwrap_or(f64::NAN);
        if points.is_empty() {
            points.push((cell(0) / 10.0, 0.0));
        }
        count += cell(1);
        points.push(((cell(0) + 1.0) / 10.0, count));
    }
    let first = points.iter().rposition(|(_, count)| *count <= before).unwrap_or(0);
    let mut points = points.split_off(first);
    // Between two rates nothing was sent: the first tenth of the run is its own.
    if let [(start, _), (next, _), ..] = points.as_mut_slice() {
        *start = start.max(*next - 0.1);
    }
    Ok(points)
}

/// When an event was sent: evenly within a tenth of a second.
fn time_of(produced: &[Point], event: f64) -> f64 {
    let at = produced.partition_point(|(_, count)| *count < event).clamp(1, produced.len() - 1);
    let ((from, low), (to, high)) = (produced[at - 1], produced[at]);
    if high > low { from + (to - from) * (event - low) / (high - low) } else { to }
}
