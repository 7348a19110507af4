//! Properties over random histories: a microbatch table equals its full rebuild, a snapshot equals a simple model of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};

use crate::world::World;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

#[test]
fn a_microbatch_table_equals_its_full_rebuild() {
    for seed in [7, 1_000_003] {
        let mut random = Random(seed);
        let mut world = World::new();
        world.write(
            "seeds/seeds.yml",
            "seeds: [{name: raw, config: {event_time: at, column_types: {id: bigint, at: timestamp, v: bigint}}}]",
        );
        world.write(
            "models/events.sql",
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day', \
             begin='2025-05-20', lookback=2) }} select id, at, v from {{ ref('raw') }}",
        );
        world.write("models/whole.sql", "select id, at, v from {{ ref('raw') }}");
        let mut now: DateTime<Utc> = "2025-05-21T03:00:00Z".parse().unwrap();
        let mut rows: BTreeMap<u64, (DateTime<Utc>, u64)> = BTreeMap::new();
        for _ in 0..8 {
            now += TimeDelta::minutes(60 + random.below(2_000) as i64);
            // Whatever comes, changes or goes does so within the batches that are looked back to.
            let oldest = (now - TimeDelta::days(2)).date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
            let oldest = oldest.max("2025-05-20T00:00:00Z".parse().unwrap());
            let span = (now - oldest).num_minutes() as u64;
            for _ in 0..random.below(6) {
                let at = oldest + TimeDelta::minutes(random.below(span) as i64);
                rows.insert(random.below(1_000_000), (at, random.below(100)));
            }
            let recent: Vec<u64> = rows.iter().filter(|(_, (at, _))| *at >= oldest).map(|(id, _)| *id).collect();
            for id in recent {
                match random.below(6) {
                    0 => {
                        rows.remove(&id);
                    }
                    1 => rows.get_mut(&id).unwrap().1 += 1,
                    _ => {}
                }
            }
            let mut text = String::from("id,at,v\n");
            for (id, (at, v)) in &rows {
                writeln!(text, "{id},{},{v}", at.format("%Y-%m-%d %H:%M:%S")).unwrap();
            }
            world.write("seeds/raw.csv", &text);
            world.set_clock(&now.to_rfc3339());
            let told = world.run("build");
            assert!(told.contains("ERROR=0"), "{told}");
            let of = |table: &str| world.query(&format!("select * from main.{table} order by id"));
            assert_eq!(of("events"), of("whole"), "seed {seed} at {now}");
        }
        let before = world.query("select * from main.events order by id");
        world.set_clock(&now.to_rfc3339());
        world.run("run --full-refresh");
        assert_eq!(world.query("select * from main.events order by id"), before);
    }
}

/// A row of the source: key, value, day of the change.
type Row = (u64, String, u64);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    key: u64,
    value: String,
    from: String,
    to: Option<String>,
    is_deleted: bool,
}

/// What a snapshot should be, in the plainest words.
struct Model {
    is_check: bool,
    deletes: &'static str,
    versions: Vec<Version>,
}

impl Model {
    fn run(&mut self, rows: &[Row], now: &str) {
        let mut by_key: BTreeMap<u64, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            by_key.entry(row.0).or_default().push(row);
        }
        let by_time = by_key.values().any(|rows| rows.len() > 1);
        let mut next = self.versions.clone();
        for (key, rows) in &mut by_key {
            rows.sort_by_key(|row| row.2);
            let known = self.versions.iter().filter(|version| version.key == *key);
            let since = known.clone().map(|version| version.from.clone()).max();
            let current = known.clone().find(|version| version.to.is_none());
            let is_back = current.is_none_or(|current| current.is_deleted);
            let single = rows.len() == 1;
            let count = rows.len();
            let candidates = rows.iter().enumerate().filter(|(at, row)| {
                let is_newer = since.as_ref().is_none_or(|since| day(row.2) > *since);
                match (by_time, self.is_check) {
                    (false, true) => true,
                    (false, false) => is_back || is_newer_than(current, row),
                    (true, is_check) => is_newer || (is_back && at + 1 == count) || (is_check && single),
                }
            });
            let candidates: Vec<&&Row> = candidates.map(|(_, row)| row).collect();
            let mut kept: Vec<&Row> = Vec::new();
            for (at, row) in candidates.iter().enumerate() {
                let is_kept = if !self.is_check {
                    true
                } else if at == 0 {
                    is_back || current.is_some_and(|current| current.value != row.1)
                } else {
                    candidates[at - 1].1 != row.1
                };
                if is_kept {
                    kept.push(row);
                }
            }
            if let (Some(first), Some(current)) = (kept.first(), current) {
                let at = next.iter().position(|version| version == current).unwrap();
                next[at].to = Some(day(first.2));
            }
            for (at, row) in kept.iter().enumerate() {
                let to = kept.get(at + 1).map(|row| day(row.2));
                next.push(Version { key: *key, value: row.1.clone(), from: day(row.2), to, is_deleted: false });
            }
        }
        if self.deletes != "ignore" {
            for version in self.versions.iter().filter(|version| version.to.is_none() && !version.is_deleted) {
                if by_key.contains_key(&version.key) {
                    continue;
                }
                let at = next.iter().position(|other| other == version).unwrap();
                next[at].to = Some(now.to_owned());
                if self.deletes == "new_record" {
                    next.push(Version { from: now.to_owned(), to: None, is_deleted: true, ..version.clone() });
                }
            }
        }
        self.versions = next;
    }
}

fn is_newer_than(current: Option<&Version>, row: &Row) -> bool {
    current.is_none_or(|current| day(row.2) > current.from)
}

fn day(number: u64) -> String {
    let start: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
    (start + TimeDelta::days(number as i64)).format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[test]
fn snapshots_equal_a_simple_model() {
    for seed in [11, 424_242] {
        let mut random = Random(seed);
        let mut world = World::new();
        world.write(
            "seeds/seeds.yml",
            "seeds: [{name: source, config: {column_types: {id: bigint, v: varchar, updated_at: timestamp}}}]",
        );
        let mut models: Vec<(String, Model)> = Vec::new();
        for is_check in [false, true] {
            for deletes in ["ignore", "invalidate", "new_record"] {
                let name = format!("snap_{}_{deletes}", if is_check { "check" } else { "time" });
                let strategy = if is_check { "strategy='check', check_cols=['v']" } else { "strategy='timestamp'" };
                world.write(
                    &format!("snapshots/{name}.sql"),
                    &format!(
                        "{{% snapshot {name} %}}{{{{ config({strategy}, unique_key='id', updated_at='updated_at', \
                         hard_deletes='{deletes}') }}}} select * from {{{{ ref('source') }}}}{{% endsnapshot %}}"
                    ),
                );
                models.push((name, Model { is_check, deletes, versions: Vec::new() }));
            }
        }
        let mut rows: Vec<Row> = Vec::new();
        let mut today = 1;
        let mut now: DateTime<Utc> = "2025-06-01T00:00:00Z".parse().unwrap();
        for step in 0..9 {
            change(&mut rows, &mut random, &mut today);
            let mut text = String::from("id,v,updated_at\n");
            for (key, value, at) in &rows {
                writeln!(text, "{key},{value},{}", day(*at).replace('T', " ")).unwrap();
            }
            world.write("seeds/source.csv", &text);
            now += TimeDelta::hours(2);
            world.set_clock(&now.to_rfc3339());
            let told = world.run("build");
            assert!(told.contains("ERROR=0"), "seed {seed}, step {step}: {told}\n{text}");
            for (name, model) in &mut models {
                model.run(&rows, &now.format("%Y-%m-%dT%H:%M:%S").to_string());
                let mut expected = model.versions.clone();
                expected.sort();
                let mut found = found(&world, name, model.deletes);
                found.sort();
                assert_eq!(found, expected, "seed {seed}, step {step}, {name}, of\n{text}");
                let ids = world.query(&format!("select count(*) - count(distinct dbt_scd_id) from main.{name}"));
                assert_eq!(ids, "0\n", "seed {seed}, step {step}, {name}: ids are unique");
            }
        }
    }
}

/// Keys come, change, go back in time, go away and come back; some steps keep all versions of a key.
fn change(rows: &mut Vec<Row>, random: &mut Random, today: &mut u64) {
    for key in 0..5 {
        let known: Vec<Row> = rows.iter().filter(|row| row.0 == key).cloned().collect();
        let value = format!("v{}", random.below(3));
        match random.below(8) {
            0 => rows.retain(|row| row.0 != key),
            1 if known.len() == 1 => {
                // Changed, and older than what is known.
                rows.retain(|row| row.0 != key);
                rows.push((key, value, known[0].2.saturating_sub(random.below(3))));
            }
            2 => {
                *today += 1;
                rows.push((key, value, *today));
                *today += 1;
                rows.push((key, format!("v{}", random.below(3)), *today));
            }
            3 | 4 => {
                *today += 1;
                rows.retain(|row| row.0 != key);
                rows.push((key, value, *today));
            }
            _ => {}
        }
    }
}

fn found(world: &World, name: &str, deletes: &str) -> Vec<Version> {
    let deleted = if deletes == "new_record" { "dbt_is_deleted" } else { "'False'" };
    let told = world.query(&format!("select id, v, dbt_valid_from, dbt_valid_to, {deleted} from main.{name}"));
    told.lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            Version {
                key: cells[0].parse().unwrap(),
                value: cells[1].to_owned(),
                from: cells[2].to_owned(),
                to: (cells[3] != "null").then(|| cells[3].to_owned()),
                is_deleted: cells[4] == "True",
            }
        })
        .collect()
}
