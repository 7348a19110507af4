//! Our side of the job that stream processors do as well: the stream under its contract, one row for each `tx_id`, counts
//! and sums by day, category and currency. Nothing else of the reference project, and no history.

use std::fs;
use std::path::{Path, PathBuf};

use super::engine::Engine;
use crate::bench::scene::Scene;

/// What is kept of the reference project.
const KEPT: [&str; 2] = ["sources.yml", "staging/stg_transactions_streaming_kafka.sql"];

const ONE_EACH: &str = "select tx_id, occurred_at, category, currency, amount
from {{ ref('stg_transactions_streaming_kafka') }}
qualify row_number() over (partition by tx_id order by occurred_at desc, record_source desc, record_position desc) = 1
";

const DAILY: &str = "select
    cast(occurred_at as date) as date_day,
    category,
    currency,
    count(*) as transaction_count,
    cast(sum(amount) as decimal(18,2)) as total_amount
from {{ ref('int_one_each') }}
group by 1, 2, 3
";

const TABLE: &str = "marts/fct_daily";
const COUNT: &str = "select coalesce(sum(transaction_count), 0) from marts.fct_daily";

/// Starts the engine on it.
pub fn start<'a>(scene: &'a Scene, brokers: &str) -> Result<Engine<'a>, String> {
    Engine::start(scene, &project(scene)?, brokers, TABLE, COUNT)
}

fn project(scene: &Scene) -> Result<PathBuf, String> {
    let folder = scene.project("live-same-project")?;
    let models = folder.join("models");
    let kept = KEPT.map(|name| (name, fs::read_to_string(models.join(name))));
    for name in ["models", "seeds", "snapshots", "tests", "analyses"] {
        fs::remove_dir_all(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    for (name, text) in kept {
        write(&models.join(name), &text.map_err(|error| format!("{name}: {error}"))?)?;
    }
    write(&models.join("intermediate/int_one_each.sql"), ONE_EACH)?;
    write(&models.join("marts/fct_daily.sql"), DAILY)?;
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
