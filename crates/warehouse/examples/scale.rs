//! Builds models of the finance kind over generated transactions, and tells how long each took and the peak memory.
//!
//! `cargo run --release -p millstream-warehouse --example scale -- FOLDER ROWS [QUERY…]`: makes the raw tables in
//! FOLDER when they are not there, then builds the models, or runs the given queries instead. Not part of the
//! product; figures for the documentation come from `cargo xtask bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use futures::StreamExt;
use millstream_core::TableName;
use millstream_core::warehouse::{Commit, OnSchemaChange, QueryOptions, Stage, Warehouse};
use millstream_warehouse::{EmbeddedOptions, EmbeddedWarehouse};

const BATCH: u64 = 8192;
const USERS: u64 = 100_000;

/// A small generator whose streams differ by `seed`: splitmix64.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn uuid(n: u64) -> String {
    let (a, b) = (mix(n), mix(n ^ 0xabcdef));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

fn transactions(from: u64, rows: u64) -> RecordBatch {
    // One row in fifty repeats an earlier id.
    let key = |i: u64| if i % 50 == 49 { mix(i) % i } else { i };
    let text = |of: fn(u64) -> String, n: &dyn Fn(u64) -> u64| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((from..from + rows).map(|i| of(n(i)))))
    };
    let pick = |words: &'static [&'static str], salt: u64| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            (from..from + rows).map(|i| words[(mix(i ^ salt) % words.len() as u64) as usize]),
        ))
    };
    let amounts =
        Decimal128Array::from_iter_values((from..from + rows).map(|i| (mix(i ^ 7) % 220_000) as i128 - 20_000));
    let times = TimestampMicrosecondArray::from_iter_values(
        (from..from + rows).map(|i| 1_748_736_000_000_000 + (mix(i ^ 9) % (30 * 86_400)) as i64 * 1_000_000),
    );
    RecordBatch::try_from_iter([
        ("tx_id", text(uuid, &key)),
        ("user_id", text(|n| uuid(n + (1 << 50)), &|i| mix(i ^ 3) % USERS)),
        ("amount", Arc::new(amounts.with_precision_and_scale(18, 2).unwrap()) as ArrayRef),
        ("currency", pick(&["USD", "EUR", "GBP", "JPY", "CHF"], 1)),
        ("merchant", text(|n| format!("Merchant {n}"), &|i| mix(i ^ 4) % 200)),
        (
            "category",
            pick(&["groceries", "transport", "dining", "utilities", "entertainment", "healthcare", "shopping"], 2),
        ),
        ("timestamp", Arc::new(times.with_timezone("UTC"))),
        (
            "source_file",
            Arc::new(StringArray::from_iter_values((from..from + rows).map(|_| "transactions_2025_06.csv"))),
        ),
        ("source_line", Arc::new(Int64Array::from_iter_values((from..from + rows).map(|i| i as i64 + 2)))),
    ])
    .unwrap()
}

fn users() -> RecordBatch {
    let pick = |words: &'static [&'static str], salt: u64| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            (0..USERS).map(|i| words[(mix(i ^ salt) % words.len() as u64) as usize]),
        ))
    };
    RecordBatch::try_from_iter([
        ("user_id", Arc::new(StringArray::from_iter_values((0..USERS).map(|i| uuid(i + (1 << 50))))) as ArrayRef),
        ("customer_tier", pick(&["basic", "silver", "gold", "platinum"], 5)),
        ("city", pick(&["Boston", "Austin", "Denver"], 6)),
    ])
    .unwrap()
}

async fn load(warehouse: &EmbeddedWarehouse, table: &str, batches: impl Iterator<Item = RecordBatch>) {
    let mut batches = batches.peekable();
    let load = warehouse.begin_load(&table.parse().unwrap(), batches.peek().unwrap().schema()).await.unwrap();
    let mut parts = Vec::new();
    let mut part = load.part().unwrap();
    for batch in batches {
        part.write(&batch).unwrap();
        if part.bytes() > 128 << 20 {
            parts.extend(part.finish().unwrap());
            part = load.part().unwrap();
        }
    }
    parts.extend(part.finish().unwrap());
    load.commit(parts, Commit::default()).await.unwrap();
}

const KEYS: &str = "md5(coalesce(cast({} as varchar), '_null_'))";

fn models() -> Vec<(&'static str, Stage)> {
    let key = |column: &str| KEYS.replace("{}", column);
    let table = |sql: String| Stage::Replace { sql };
    vec![
        ("staging.unified", Stage::View { sql:
            "select lower(tx_id) as tx_id, lower(user_id) as user_id, amount, currency, trim(merchant) as merchant,
             lower(trim(category)) as category, cast(timestamp as timestamp) as occurred_at, 'batch' as source_system,
             source_file as record_source, source_line as record_position from raw.transactions_batch".into() }),
        ("inter.transactions", table(
            "select * from staging.unified qualify row_number() over (partition by tx_id
             order by source_system, occurred_at desc, record_source desc, record_position desc) = 1".into())),
        ("inter.metrics", table(
            "select user_id, cast(date_trunc('month', occurred_at) as date) as month_start, source_system, currency,
             count(*) as n, cast(sum(case when amount < 0 then 1 else 0 end) as bigint) as refunds,
             cast(sum(amount) as decimal(18,2)) as total, min(amount) as low, max(amount) as high,
             min(occurred_at) as first_at, max(occurred_at) as last_at from inter.transactions group by 1, 2, 3, 4".into())),
        ("marts.dim_users", table(format!(
            "select {} as user_key, user_id, customer_tier, city, timestamp '1900-01-01 00:00:00' as applies_from,
             timestamp '2200-01-01 00:00:00' as applies_to from raw.users", key("user_id")))),
        ("marts.dim_merchants", table(format!(
            "select {} as merchant_key, merchant, min(occurred_at) as first_at, max(occurred_at) as last_at
             from inter.transactions group by merchant", key("merchant")))),
        ("marts.dim_categories", table(format!(
            "select {} as category_key, category from (select distinct category from inter.transactions)", key("category")))),
        ("marts.dim_currencies", table(format!(
            "select {} as currency_key, currency from (select distinct currency from inter.transactions)", key("currency")))),
        ("marts.dim_dates", table(
            "select distinct cast(date_part('year', d) * 10000 + date_part('month', d) * 100 + date_part('day', d) as integer) as date_key, d as date_day
             from (select distinct cast(occurred_at as date) as d from inter.transactions)".into())),
        ("marts.fct_transactions", table(
            "select t.tx_id, u.user_key, m.merchant_key, c.category_key, y.currency_key, d.date_key, t.occurred_at,
             t.source_system, u.customer_tier, t.currency as currency_code, t.amount
             from inter.transactions t
             left join marts.dim_users u on t.user_id = u.user_id and t.occurred_at >= u.applies_from and t.occurred_at < u.applies_to
             left join marts.dim_merchants m on t.merchant = m.merchant
             left join marts.dim_categories c on t.category = c.category
             left join marts.dim_currencies y on t.currency = y.currency
             left join marts.dim_dates d on cast(t.occurred_at as date) = d.date_day".into())),
        ("marts.fct_daily", table(
            "select date_key, source_system, category_key, currency_key, customer_tier, count(*) as n,
             count(distinct user_key) as users, cast(sum(amount) as decimal(18,2)) as total, min(amount) as low, max(amount) as high
             from marts.fct_transactions group by 1, 2, 3, 4, 5".into())),
    ]
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Seconds of processor time of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let rows: u64 = args[2].parse().unwrap();
    let options = EmbeddedOptions {
        threads: std::env::var("THREADS").map_or(2, |n| n.parse().unwrap()),
        memory_limit_bytes: std::env::var("MEMORY_MIB").map_or(2048, |n| n.parse::<usize>().unwrap()) << 20,
        ..EmbeddedOptions::default()
    };
    let warehouse = EmbeddedWarehouse::open(&args[1], options).unwrap();
    if warehouse.relation(&TableName::new("raw", "users")).await.unwrap().is_none() {
        let at = Instant::now();
        let batches = (0..rows.div_ceil(BATCH)).map(|n| transactions(n * BATCH, BATCH.min(rows - n * BATCH)));
        load(&warehouse, "raw.transactions_batch", batches).await;
        load(&warehouse, "raw.users", std::iter::once(users())).await;
        println!("{:28} {:>8.3} s", "raw", at.elapsed().as_secs_f64());
    }
    if args.len() > 3 {
        for sql in &args[3..] {
            let at = Instant::now();
            let mut result = warehouse.query(sql, &QueryOptions::default()).await.unwrap();
            let mut count = 0;
            while let Some(batch) = result.stream.next().await {
                let batch = batch.unwrap();
                count += batch.num_rows();
                if count <= 60 {
                    println!("{}", arrow::util::pretty::pretty_format_batches(&[batch]).unwrap());
                }
            }
            println!("{count} rows {:>8.3} s, peak {} MiB", at.elapsed().as_secs_f64(), peak_mib());
        }
        return;
    }
    let whole = Instant::now();
    for (name, stage) in models() {
        let (at, used) = (Instant::now(), cpu());
        let name: TableName = name.parse().unwrap();
        let staged = warehouse.stage(&name, stage, OnSchemaChange::Ignore, &QueryOptions::default()).await.unwrap();
        let made = staged.publish(serde_json::Map::new()).await.unwrap();
        println!(
            "{:28} {:>8.3} s {:>8.2} s cpu {:>10} rows, peak {} MiB",
            name.to_string(),
            at.elapsed().as_secs_f64(),
            cpu() - used,
            made.rows_added,
            peak_mib()
        );
    }
    println!("{:28} {:>8.3} s", "models", whole.elapsed().as_secs_f64());
}
