//! Generated dbt projects: small seeds, views and tables in layers over them, tests on each.
//!
//! Guarantees: the same size gives the same files on every machine; the SQL is what both engines take alike.
//! Deliberately absent: data of any size. What is measured is the tools, not the engines.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Seeds of every project.
const SEEDS: usize = 8;

/// Rows of each seed.
const SEED_ROWS: usize = 25;

/// Models of one folder, which share a yml file.
const MODELS_PER_FOLDER: usize = 25;

/// A generator of numbers that is the same everywhere (an LCG with Knuth's constants for MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit.max(1) as u64).unwrap_or(0)
    }
}

/// Writes a project of so many models into an empty folder. Gives the name of a model in the middle of it.
pub fn write(folder: &Path, models: usize) -> Result<String, String> {
    let mut numbers = Numbers(models as u64);
    file(folder, "dbt_project.yml", PROJECT)?;
    file(folder, "profiles.yml", PROFILES)?;
    for seed in 0..SEEDS {
        let mut text = String::from("id,category,amount,happened_on\n");
        for row in 1..=SEED_ROWS {
            let (category, amount) = (numbers.below(5), numbers.below(100_000));
            let day = 1 + numbers.below(28);
            let _ = writeln!(text, "{row},c{category},{}.{:02},2025-06-{day:02}", amount / 100, amount % 100);
        }
        file(folder, &format!("seeds/seed_{seed}.csv"), &text)?;
    }
    // A fifth stages seeds, two fifths are views between, two fifths are tables.
    let (staging, between) = ((models / 5).max(1), models * 3 / 5);
    let mut properties = String::from("version: 2\nmodels:\n");
    for number in 0..models {
        let (layer, name, sql) = if number < staging {
            let seed = numbers.below(SEEDS);
            (
                "staging",
                name(number, staging, between),
                format!(
                    "select\n    id,\n    category,\n    cast(amount as decimal(18, 2)) as amount,\n    cast(happened_on as date) as happened_on\nfrom {{{{ ref('seed_{seed}') }}}}\n"
                ),
            )
        } else if number < between {
            let left = name(numbers.below(staging), staging, between);
            let right = name(numbers.below(staging), staging, between);
            (
                "between",
                name(number, staging, between),
                format!(
                    "with base as (\n    select * from {{{{ ref('{left}') }}}}\n),\nother as (\n    select id, amount as other_amount from {{{{ ref('{right}') }}}}\n)\nselect\n    base.id,\n    base.category,\n    base.happened_on,\n    base.amount + coalesce(other.other_amount, 0) as amount\nfrom base\nleft join other on base.id = other.id\n"
                ),
            )
        } else {
            let above = name(staging + numbers.below((between - staging).max(1)), staging, between);
            let above = if between == staging { name(0, staging, between) } else { above };
            (
                "marts",
                name(number, staging, between),
                format!(
                    "{{{{ config(materialized='table') }}}}\n{{% set limit = 5 %}}\nselect\n    id,\n    category,\n    max(happened_on) as last_on,\n    sum(amount) as amount,\n    count(*) as row_count\nfrom {{{{ ref('{above}') }}}}\nwhere id > {{{{ limit - 5 }}}}\ngroup by id, category\n"
                ),
            )
        };
        let part = number / MODELS_PER_FOLDER;
        file(folder, &format!("models/{layer}/part_{part}/{name}.sql"), &sql)?;
        let unique = if layer == "marts" { "          - unique\n" } else { "" };
        let _ = write!(
            properties,
            "  - name: {name}\n    description: Generated model {number}\n    columns:\n      - name: id\n        description: Its key\n        data_tests:\n          - not_null\n{unique}"
        );
        let is_last = number + 1 == models || (number + 1) % MODELS_PER_FOLDER == 0;
        if is_last {
            file(folder, &format!("models/properties_{part}.yml"), &properties)?;
            properties = String::from("version: 2\nmodels:\n");
        }
    }
    Ok(name(models - 1, staging, between))
}

fn name(number: usize, staging: usize, between: usize) -> String {
    if number < staging {
        format!("stg_{number}")
    } else if number < between {
        format!("int_{number}")
    } else {
        format!("mart_{number}")
    }
}

fn file(folder: &Path, path: &str, text: &str) -> Result<(), String> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

const PROJECT: &str = "name: generated
version: '1.0'
config-version: 2
profile: generated
model-paths: [models]
seed-paths: [seeds]
models:
  generated:
    +materialized: view
";

const PROFILES: &str = "generated:
  target: ours
  outputs:
    ours:
      type: millstream
      path: workspace
      schema: analytics
      threads: 2
    peer:
      type: duckdb
      path: peer.duckdb
      schema: analytics
      threads: 2
";
