//! Files into raw tables: what is said, what is loaded, what is refused, and that nothing is loaded twice.

use std::io::Write as _;

use crate::snapshot;
use crate::support::Scene;

const HEADER: &str = "tx_id,user_id,amount,currency,merchant,category,timestamp\n";

fn row(number: u32, amount: &str) -> String {
    format!(
        "{number:08}-0000-4000-8000-000000000000,aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa,{amount},USD,\"Shop, A\",rent,2025-09-01T10:00:00\n"
    )
}

#[test]
fn two_real_months_are_loaded_once() {
    let scene = Scene::finance_with_months();
    let ran = scene.run(&["ingest"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("ingest", ran);
    assert_eq!(scene.value("select count(*) from raw.transactions_batch"), "400");
    assert_eq!(scene.value("select count(*) from raw.users"), "100");
    assert_eq!(scene.value("select sum(amount) from raw.transactions_batch"), "348577.25");

    let ran = scene.run(&["ingest"]);
    assert_eq!(ran.code, 0);
    snapshot!("ingest_again", ran);
    assert_eq!(scene.value("select count(*) from raw.transactions_batch"), "400");
    snapshot!("ledger", scene.run(&["ledger"]));
    let entries: serde_json::Value = serde_json::from_str(&scene.must(&["ledger", "--format", "json"]).stdout).unwrap();
    for entry in entries.as_array().unwrap() {
        let number = |key: &str| entry[key].as_i64().unwrap();
        assert_eq!(number("rows_in"), number("rows_loaded") + number("rows_quarantined"), "{entry}");
    }
    assert_eq!(entries.as_array().unwrap().len(), 4);
}

#[test]
fn broken_rows_go_to_quarantine_and_the_sums_balance() {
    let scene = Scene::finance();
    let mut text = HEADER.to_owned();
    for number in 0..99 {
        text.push_str(&row(number, "10.00"));
    }
    text.push_str(&row(99, "ten"));
    scene.write("data/incoming/transactions_2025_09.csv", text);
    let ran = scene.run(&["ingest", "transactions_batch"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("ingest_quarantine", ran);
    assert_eq!(scene.value("select count(*) from raw.transactions_batch"), "99");
    assert_eq!(scene.value("select count(*) from quarantine.transactions_batch"), "1");
}

#[test]
fn a_file_beyond_its_error_share_is_refused_whole() {
    let scene = Scene::finance();
    let text = format!("{HEADER}{}{}", row(1, "10.00"), row(2, "ten"));
    scene.write("data/incoming/transactions_2025_09.csv", text);
    scene.write("data/incoming/transactions_2025_10.csv", "tx_id,user_id,sum,currency,merchant,category,timestamp\n");
    let ran = scene.run(&["ingest", "transactions_batch"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("ingest_refused", ran);
    let refused = scene.must(&["ledger", "--outcome", "refused", "--format", "jsonl"]).stdout;
    assert_eq!(refused.lines().count(), 2, "{refused}");
    assert_eq!(scene.run(&["ingest", "transactions_batch"]).code, 1, "a refused file is refused again");
}

#[test]
fn changed_files_need_replace() {
    let scene = Scene::finance();
    scene.write("data/incoming/transactions_2025_09.csv", format!("{HEADER}{}{}", row(1, "10.00"), row(2, "20.00")));
    scene.must(&["ingest", "transactions_batch"]);
    scene.write("data/incoming/transactions_2025_09.csv", format!("{HEADER}{}", row(3, "30.00")));
    let ran = scene.run(&["ingest", "transactions_batch"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("ingest_changed", ran);
    assert_eq!(scene.value("select sum(amount) from raw.transactions_batch"), "30.00");
    assert_eq!(scene.value("select count(*) from raw.transactions_batch"), "2");
    let ran = scene.run(&["ingest", "transactions_batch", "--replace"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("ingest_replace", ran);
    assert_eq!(scene.value("select count(*) from raw.transactions_batch"), "1");
    assert_eq!(scene.value("select sum(amount) from raw.transactions_batch"), "30.00");
}

#[test]
fn a_contract_gains_a_column() {
    let scene = Scene::finance_with_months();
    scene.must(&["ingest", "transactions_batch"]);
    let contract = scene.read("models/sources.yml");
    let column = "          - name: channel\n            data_type: varchar\n          - name: category\n";
    scene.write("models/sources.yml", contract.replacen("          - name: category\n", column, 1));
    // A model may read it before a row has it.
    scene.write(
        "models/channels.sql",
        "select channel, count(*) as n from {{ source('raw', 'transactions_batch') }} group by 1",
    );
    let ran = scene.run(&["build", "--select", "channels"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stderr.contains("raw.transactions_batch gets what its contract has gained: channel"), "{}", ran.told());
    let header = HEADER.replace("category,", "channel,category,");
    scene.write("data/incoming/transactions_2025_09.csv", header + &row(1, "10.00").replace("rent,", "app,rent,"));
    let ran = scene.run(&["ingest", "transactions_batch"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    scene.must(&["build", "--select", "channels"]);
    assert_eq!(scene.rows("select channel, n from channels order by n"), [["app", "1"], ["", "400"]]);
    let line = "select category, source_line from raw.transactions_batch where channel = 'app'";
    assert_eq!(scene.rows(line), [["rent", "2"]]);
    // Files of before stay loaded; a new one must have it.
    scene.write("data/incoming/transactions_2025_10.csv", HEADER.to_owned() + &row(2, "10.00"));
    let ran = scene.run(&["ingest", "transactions_batch"]);
    assert!(ran.code == 1 && ran.stderr.contains("column channel is missing"), "{}", ran.told());
}

#[test]
fn a_source_that_nobody_declared_is_told() {
    let scene = Scene::finance();
    let ran = scene.run(&["ingest", "transactions_bach"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    snapshot!("ingest_unknown_source", ran);
}

#[test]
fn a_line_of_a_gibibyte_is_one_broken_row() {
    let scene = Scene::finance();
    let path = scene.path().join("data/incoming/transactions_2025_09.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(HEADER.as_bytes()).unwrap();
    (0..50).for_each(|number| file.write_all(row(number, "10.00").as_bytes()).unwrap());
    let mebibyte = vec![b'x'; 1 << 20];
    (0..1024).for_each(|_| file.write_all(&mebibyte).unwrap());
    file.write_all(b"\n").unwrap();
    (50..99).for_each(|number| file.write_all(row(number, "10.00").as_bytes()).unwrap());
    drop(file);
    let ran = scene.run(&["ingest", "transactions_batch"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(scene.value("select count(*) from raw.transactions_batch"), "99");
    // Kept: where it is, how long it was, and its beginning.
    let kept = scene.rows("select line, raw_length, length(encode(raw, 'hex')) / 2 from quarantine.transactions_batch");
    assert_eq!(kept, [["52", "1073741824", "1048576"]]);
    assert_eq!(scene.value("select max(source_line) from raw.transactions_batch"), "101");
}
