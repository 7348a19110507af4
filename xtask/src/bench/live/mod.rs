//! `live`: `millstream up` on a busy topic: how old an event is when a mart shows it, and up to which rate; what a burst
//! does to its memory; what a refresh costs on a long history; what the first build of dynamic tables costs beside plain
//! ones; stream processors at one job.
//!
//! Guarantees: broker, producer and engine run on the same machine at the same time, as processes of their own, and so
//! does what asks; an event's time is the producer's, in the message; the sides of a comparison read from the same kind of
//! broker one after the other, and a figure counts only when a side shows every message of the topic once.
//! Deliberately absent: a network, and any tuning of a side for one rate.
//!
//! Sizes come from the environment, each with `MILLSTREAM_BENCH_LIVE_` before it:
//!
//! | name | what | default |
//! |---|---|---|
//! | `JOBS` | which of the jobs run | `mart,burst,cost,first,peers` |
//! | `RATE`, `SECONDS` | messages a second in `mart`, and for how long | 20000, 300 |
//! | `HISTORY`, `USERS` | transactions and users that are there before (`mart`, `first`) | 10000000, 10000 |
//! | `SEARCH_SECONDS` | length of each step in the search for the highest rate; 0: no search | 60 |
//! | `SEARCH_STEPS` | steps of that search | 6 |
//! | `POLL_MS` | pause between two queries that ask what is visible, while messages are sent | 1000 |
//! | `REPEATS` | messages in a thousand that are sent a second time | 10 |
//! | `BURST_HISTORY`, `BURSTS` | history of `burst`, and messages of each burst | 1000000, `1000000,10000000` |
//! | `COST_HISTORIES`, `COST_ROWS` | histories of `cost`, and new rows | `1000000,10000000`, 10000 |
//! | `PEERS` | who is beside us in `peers`; `none`: nobody | `pathway,quixstreams,pyspark` |
//! | `PEER_RATES`, `PEER_SECONDS` | messages a second in `peers`, and for how long | `2000,20000`, 60 |

mod asks;
mod burst;
mod cost;
mod curve;
mod engine;
mod first;
mod history;
mod installed;
mod mart;
mod memory;
mod peer;
mod peers;
mod processes;
mod same;
mod search;
mod settings;
mod side;
mod stage;
mod topic;

use super::scene::Scene;
use settings::words;

/// One job: measures and prints.
type Job = fn(&Scene) -> Result<(), String>;

const JOBS: [(&str, Job); 5] =
    [("mart", mart::run), ("burst", burst::run), ("cost", cost::run), ("first", first::run), ("peers", peers::run)];

/// Runs the jobs that are asked for.
pub fn run(scene: &Scene) -> Result<(), String> {
    let known = JOBS.map(|(name, _)| name);
    let wanted = words("JOBS", &known)?;
    println!("broker, producer and engine on the same {} cores", scene.threads);
    for (name, job) in JOBS {
        if wanted.iter().any(|word| word == name) {
            println!("\n### {name}");
            job(scene)?;
        }
    }
    Ok(())
}
