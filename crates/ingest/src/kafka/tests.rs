//! Whole topics, served by librdkafka's own mock cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use millstream_core::{Error, Kind, Outcome, SilentProgress};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use serde_json::json;

use super::*;
use crate::testing::{FakeLedger, FakeWarehouse, clock, contract};

mod broker;
mod markers;

const RAW: &str = "raw.orders";
const QUARANTINE: &str = "quarantine.orders";

/// librdkafka's own broker in this process, a warehouse and a ledger.
struct Setup {
    cluster: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
    warehouse: FakeWarehouse,
    ledger: FakeLedger,
    options: KafkaOptions,
    /// When messages are sent, in milliseconds.
    now: i64,
}

impl Setup {
    fn new(partitions: i32) -> Self {
        let warehouse = FakeWarehouse::new();
        let ledger = FakeLedger::new(&warehouse);
        Self::with(partitions, warehouse, ledger)
    }
    fn with(partitions: i32, warehouse: FakeWarehouse, ledger: FakeLedger) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("orders", partitions, 1).unwrap();
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .set("message.max.bytes", "50000000")
            .create()
            .unwrap();
        Self { cluster, producer, warehouse, ledger, options: KafkaOptions::default(), now: 1_750_000_000_123 }
    }
    fn send(&self, partition: i32, key: Option<&[u8]>, payload: Option<&[u8]>) {
        let mut record = BaseRecord::<[u8], [u8]>::to("orders").partition(partition).timestamp(self.now);
        record.key = key;
        record.payload = payload;
        self.producer.send(record).unwrap();
    }
    fn flush(&self) {
        self.producer.flush(Duration::from_secs(10)).unwrap();
    }
    fn send_order(&self, partition: i32, id: usize) {
        let payload = format!(r#"{{"id":{id},"amount":{id}.10,"at":"2025-06-13T12:00:00+02:00"}}"#);
        self.send(partition, Some(format!("k{id}").as_bytes()), Some(payload.as_bytes()));
    }
    fn contract(&self, more: serde_json::Value) -> Contract {
        let mut meta = json!({
            "connector": "kafka",
            "brokers": self.cluster.bootstrap_servers(),
            "topic": "orders",
            "format": "json",
        });
        meta.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        contract(
            "orders",
            meta,
            &[
                ("id", "integer", json!({"required": true})),
                ("amount", "decimal(18,2)", json!({"max": 1000})),
                ("at", "timestamp", json!({})),
            ],
        )
    }
    fn try_ingest(&self) -> Result<Vec<UnitReport>> {
        self.try_ingest_with(&self.contract(json!({})))
    }
    fn try_ingest_with(&self, contract: &Contract) -> Result<Vec<UnitReport>> {
        self.flush();
        run_ingest(contract, &self.options, &self.warehouse, &self.ledger)
    }
    fn ingest(&self) -> Vec<UnitReport> {
        let reports = self.try_ingest().unwrap();
        assert_eq!(self.warehouse.leftover_parts(), 0, "every part is committed or discarded");
        reports
    }
    fn ids(&self) -> Vec<usize> {
        let mut ids: Vec<usize> = self.warehouse.column(RAW, "id").iter().map(|id| id.parse().unwrap()).collect();
        ids.sort_unstable();
        ids
    }
}

fn run_ingest(
    contract: &Contract,
    options: &KafkaOptions,
    warehouse: &FakeWarehouse,
    ledger: &FakeLedger,
) -> Result<Vec<UnitReport>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(ingest_kafka(contract, options, warehouse, ledger, &clock(), &SilentProgress))
}

/// Key, payload, and how its rules in quarantine start (empty: it is loaded).
type Sent<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, &'static str);

fn fails(result: Result<Vec<UnitReport>>) -> Error {
    result.expect_err("an error")
}

#[test]
fn a_topic_is_drained_once_and_goes_on_where_it_ended() {
    let setup = Setup::new(3);
    (0..30).for_each(|id| setup.send_order(id as i32 % 3, id));
    let reports = setup.ingest();
    assert_eq!(setup.ids(), (0..30).collect::<Vec<_>>());
    assert_eq!(reports.len(), 3);
    for (partition, report) in reports.iter().enumerate() {
        assert_eq!(report.entry.unit, format!("orders/{partition}"));
        assert_eq!((report.entry.offset_start, report.entry.offset_end), (Some(0), Some(10)));
        assert_eq!((report.entry.rows_in, report.entry.rows_loaded), (10, 10));
    }
    assert_eq!(setup.warehouse.rows(RAW)[0], "0|0.10|1749808800000000|0|0|1750000000123000|k0");
    let versions = setup.warehouse.versions(RAW);
    assert_eq!(versions, 1, "one commit for all partitions");
    assert!(setup.ingest().is_empty());
    assert_eq!(setup.warehouse.versions(RAW), versions);
    (30..33).for_each(|id| setup.send_order(0, id));
    let reports = setup.ingest();
    assert_eq!(setup.ids(), (0..33).collect::<Vec<_>>());
    assert_eq!((reports[0].entry.offset_start, reports[0].entry.offset_end), (Some(10), Some(13)));
    assert_eq!(setup.ledger.entries().unwrap().len(), 4);
}

#[test]
fn small_batches_commit_as_they_go() {
    let mut setup = Setup::new(2);
    setup.options.max_batch_rows = 7;
    (0..40).for_each(|id| setup.send_order(id as i32 % 2, id));
    let reports = setup.ingest();
    assert_eq!(setup.ids(), (0..40).collect::<Vec<_>>());
    assert_eq!(setup.warehouse.versions(RAW), 6);
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].entry.rows_in, 20);
    let entries = setup.ledger.entries().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.rows_loaded).sum::<u64>(), 40);
    for partition in ["orders/0", "orders/1"] {
        let mut ranges: Vec<_> = entries
            .iter()
            .filter(|entry| entry.unit == partition)
            .map(|entry| (entry.offset_start.unwrap(), entry.offset_end.unwrap()))
            .collect();
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|pair| pair[0].1 == pair[1].0), "{ranges:?}");
    }
}

#[test]
fn whatever_a_message_holds_it_is_loaded_or_in_quarantine() {
    let setup = Setup::new(1);
    let messages: Vec<Sent<'_>> = vec![
        (None, Some(br#"{"id":1,"amount":"12.30","at":null}"#), ""),
        (Some(b"k"), Some(br#"{"id":2}"#), ""),
        (Some(b"k"), None, "tombstone: "),
        (Some(b"k"), Some(b""), "invalid_json: "),
        (Some(b"k"), Some(b"\xff\xfe"), "encoding: not UTF-8 at byte 0"),
        (Some(b"\xff"), Some(br#"{"id":3}"#), "encoding: the key is not UTF-8"),
        (Some(b"k"), Some(br#"{"id":{"deep":[1]}}"#), "type: column id: {\"deep\":[1]} is a nested value, not integer"),
        (
            Some(b"k"),
            Some(br#"{"amount":1000.01,"at":5}"#),
            "required: column id: has no value, max: column amount: '1000.01' is more than 1000, type: column at: 5 is a number, not timestamp",
        ),
        (Some(b"k"), Some(br#"{"id":4,"amount":0.1e1}"#), ""),
        (Some(b"k"), Some(br#"{"id":5,"amount":1.005}"#), "scale: column amount: '1.005' has more than 2 digits"),
        (Some(b"k"), Some(br#"{"id":6,"other":1}"#), "extra_field: field other is not declared"),
    ];
    for (key, payload, _) in &messages {
        setup.send(0, *key, *payload);
    }
    let reports = setup.ingest();
    assert_eq!(setup.ids(), [1, 2, 4]);
    assert_eq!(setup.warehouse.column(RAW, "kafka_key"), ["k", "k", "~"]);
    let entry = &reports[0].entry;
    assert_eq!((entry.rows_in, entry.rows_loaded, entry.rows_quarantined), (11, 3, 8));
    let mut quarantine: Vec<(usize, String, String)> = setup
        .warehouse
        .rows(QUARANTINE)
        .iter()
        .map(|row| {
            let cells: Vec<&str> = row.split('|').collect();
            assert_eq!((cells[0], cells[4]), ("orders/0", "0"));
            (cells[5].parse().unwrap(), cells[8].to_owned(), format!("{} {}", cells[9], cells[10]))
        })
        .collect();
    quarantine.sort();
    let expected: Vec<_> = messages.iter().enumerate().filter(|(_, (_, _, rules))| !rules.is_empty()).collect();
    assert_eq!(quarantine.len(), expected.len());
    for ((offset, raw, told), (index, (_, payload, rules))) in quarantine.iter().zip(expected) {
        assert_eq!(*offset, index);
        let length = payload.map_or(0, <[u8]>::len);
        assert!(told.starts_with(&format!("{length} [{rules}")), "{offset}: {told}");
        match payload {
            None => assert_eq!(raw, "~"),
            Some(payload) => {
                let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(*raw, hex, "{offset}");
            }
        }
    }
    assert!(
        reports[0].broken.iter().any(|count| count.rule == "tombstone" && count.examples[0].starts_with("offset 2:"))
    );
}

#[test]
fn a_huge_message_is_in_quarantine_with_its_first_bytes() {
    let setup = Setup::new(1);
    let huge = format!(r#"{{"id":1,"at":"{}"}}"#, "x".repeat(17 * 1024 * 1024));
    setup.send(0, None, Some(huge.as_bytes()));
    let reports = setup.ingest();
    assert_eq!((reports[0].entry.rows_in, reports[0].entry.rows_quarantined), (1, 1));
    let row = setup.warehouse.rows(QUARANTINE).remove(0);
    let cells: Vec<&str> = row.split('|').collect();
    assert_eq!(cells[8].len(), 2 * millstream_core::limits::QUARANTINE_RAW_BYTES_MAX);
    assert_eq!(cells[9], huge.len().to_string());
    assert!(cells[10].starts_with("[record_too_long: "), "{}", cells[10]);
}

#[test]
fn a_crash_anywhere_loses_and_doubles_nothing() {
    let mut setup = Setup::new(2);
    setup.options.threads = 1;
    for id in 0..6 {
        setup.send_order(id as i32 % 2, id);
        setup.send(id as i32 % 2, None, Some(b"broken"));
    }
    for steps in 0.. {
        setup.warehouse = FakeWarehouse::new();
        setup.ledger = FakeLedger::new(&setup.warehouse);
        setup.options.max_batch_rows = 4;
        setup.warehouse.crash_after(steps);
        let ended = setup.try_ingest().is_ok() && !setup.warehouse.has_crashed();
        setup.warehouse.heal();
        // Another size of batches, so that the second run does not cut where the first did.
        setup.options.max_batch_rows = 5;
        setup.try_ingest().unwrap();
        assert_eq!(setup.ids(), (0..6).collect::<Vec<_>>(), "step {steps}");
        let mut quarantined: Vec<String> =
            setup.warehouse.rows(QUARANTINE).iter().map(|row| row.split('|').skip(4).take(2).collect()).collect();
        quarantined.sort();
        assert_eq!(quarantined, ["01", "03", "05", "11", "13", "15"], "step {steps}");
        let entries = setup.ledger.entries().unwrap();
        assert_eq!(entries.iter().map(|entry| entry.rows_in).sum::<u64>(), 12, "step {steps}: {entries:?}");
        assert_eq!(entries.iter().map(|entry| entry.rows_quarantined).sum::<u64>(), 6, "step {steps}");
        if ended {
            assert!(steps > 10);
            return;
        }
    }
}

#[test]
fn following_reads_on_until_it_is_stopped() {
    let mut setup = Setup::new(1);
    setup.options.follow = true;
    setup.options.flush_ms = 50;
    setup.send_order(0, 0);
    let stop = setup.options.stop.clone();
    std::thread::scope(|scope| {
        let (contract, options) = (setup.contract(json!({})), setup.options.clone());
        let (warehouse, ledger) = (&setup.warehouse, &setup.ledger);
        let running = scope.spawn(move || run_ingest(&contract, &options, warehouse, ledger).unwrap());
        for id in 1..5 {
            std::thread::sleep(Duration::from_millis(150));
            setup.send_order(0, id);
            setup.flush();
        }
        while setup.ids().len() < 5 {
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.stop();
        let reports = running.join().unwrap();
        assert_eq!((reports.len(), reports[0].entry.rows_in), (1, 5));
    });
    assert_eq!(setup.ids(), [0, 1, 2, 3, 4]);
    assert!(setup.warehouse.versions(RAW) > 1);
    assert_eq!(setup.warehouse.leftover_parts(), 0);
}

/// Follows the topic of a setup while `meanwhile` does something, and gives what it loaded.
fn following(setup: &Setup, meanwhile: impl FnOnce(&dyn Fn(usize))) -> Vec<usize> {
    std::thread::scope(|scope| {
        let (contract, options) = (setup.contract(json!({})), setup.options.clone());
        let (warehouse, ledger) = (&setup.warehouse, &setup.ledger);
        let running = scope.spawn(move || run_ingest(&contract, &options, warehouse, ledger).unwrap());
        let until = |rows: usize| {
            let began = std::time::Instant::now();
            // What is missing after so long is told by who looks at the ids.
            while setup.ids().len() < rows && began.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let did = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| meanwhile(&until)));
        // Before anything that may fail: a follower that nobody stops would be waited for without an end.
        setup.options.stop.stop();
        if let Err(failure) = did {
            std::panic::resume_unwind(failure);
        }
        running.join().unwrap();
    });
    assert_eq!(setup.warehouse.leftover_parts(), 0);
    setup.ids()
}

#[test]
fn who_asks_has_what_was_read_committed_long_before_its_time() {
    let mut setup = Setup::new(1);
    setup.options.follow = true;
    setup.options.flush_ms = 600_000;
    let flush = setup.options.flush.clone();
    let ids = following(&setup, |until| {
        setup.send_order(0, 0);
        setup.flush();
        while !flush.has_rows() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        assert!(setup.ids().is_empty(), "nobody has asked, and ten minutes have not passed");
        flush.ask();
        until(1);
        while flush.has_rows() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Asked while nothing waits: the next message is committed as it comes.
        flush.ask();
        setup.send_order(0, 1);
        setup.flush();
        until(2);
        setup.send_order(0, 2);
        setup.flush();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(setup.ids(), [0, 1], "asking is good for one commit");
    });
    assert_eq!(ids, [0, 1, 2], "a stop commits what was read");
}

#[test]
fn who_is_held_loads_nothing_and_goes_on_where_it_was() {
    let mut setup = Setup::new(2);
    setup.options.follow = true;
    setup.options.flush_ms = 50;
    let hold = setup.options.hold.clone();
    let ids = following(&setup, |until| {
        setup.send_order(0, 0);
        setup.flush();
        until(1);
        hold.set(true);
        std::thread::sleep(Duration::from_millis(200));
        let before = setup.ids().len();
        (1..600).for_each(|id| setup.send_order(i32::try_from(id % 2).unwrap(), id));
        setup.flush();
        std::thread::sleep(Duration::from_millis(1_500));
        let meanwhile = setup.ids().len() - before;
        assert!(meanwhile < 300, "{meanwhile} rows were loaded although it was held");
        hold.set(false);
        until(600);
    });
    assert_eq!(ids, (0..600).collect::<Vec<_>>(), "each once");
}

#[test]
fn a_partition_that_was_added_is_read_from_its_start() {
    let before = Setup::new(1);
    (0..3).for_each(|id| before.send_order(0, id));
    before.ingest();
    let after = Setup::with(2, before.warehouse.clone(), FakeLedger::new(&before.warehouse));
    (0..3).for_each(|id| after.send_order(0, id));
    (10..12).for_each(|id| after.send_order(1, id));
    let reports = after.ingest();
    assert_eq!((reports.len(), reports[0].entry.unit.as_str()), (1, "orders/1"));
    assert_eq!(after.ids(), [0, 1, 2, 10, 11]);
    assert_eq!(after.ledger.entries().unwrap().len(), 2, "the lost line of the first run was written again");
}

#[test]
fn offsets_that_are_gone_stop_or_are_skipped_and_told() {
    let mut setup = Setup::new(1);
    (0..3).for_each(|id| setup.send_order(0, id));
    setup.ingest();
    // The broker in this process keeps 5 MiB of a partition.
    let filler = format!(r#"{{"id":7,"at":"{}"}}"#, "x".repeat(900_000));
    (0..8).for_each(|_| setup.send(0, None, Some(filler.as_bytes())));
    let error = fails(setup.try_ingest());
    assert_eq!(error.kind(), Kind::External);
    assert!(error.causes()[0].contains("orders/0: offsets 3 to"), "{error}");
    assert!(error.fix().unwrap().contains("--on-gap=skip"), "{error}");
    assert_eq!(setup.ids(), [0, 1, 2]);
    setup.options.on_gap = OnGap::Skip;
    let reports = setup.ingest();
    assert_eq!(reports[0].status, crate::UnitStatus::Gap);
    let gap = &reports[0].entry;
    assert_eq!((gap.outcome, gap.offset_start), (Outcome::Gap, Some(3)));
    assert_eq!(reports[1].entry.offset_start, gap.offset_end);
    assert_eq!(reports[1].entry.offset_end, Some(11));
    assert!(setup.ingest().is_empty(), "the gap is behind us");
}

#[test]
fn a_topic_that_was_made_anew_is_told() {
    let before = Setup::new(1);
    (0..5).for_each(|id| before.send_order(0, id));
    before.ingest();
    let mut after = Setup::with(1, before.warehouse.clone(), FakeLedger::new(&before.warehouse));
    (20..22).for_each(|id| after.send_order(0, id));
    let error = fails(after.try_ingest());
    assert!(error.causes()[0].contains("made anew"), "{error}");
    after.options.on_gap = OnGap::Skip;
    after.ingest();
    assert_eq!(after.ids(), [0, 1, 2, 3, 4, 20, 21]);
}

#[test]
fn a_topic_that_was_made_anew_and_has_grown_past_the_old_one_is_told() {
    let before = Setup::new(2);
    (0..4).for_each(|id| before.send_order(id as i32 % 2, id));
    before.ingest();
    let mut after = Setup::with(2, before.warehouse.clone(), FakeLedger::new(&before.warehouse));
    // The first partition's messages are those of before, sent again at their old time: nothing is lost of it.
    (0..4).step_by(2).for_each(|id| after.send_order(0, id));
    after.now += 1;
    (20..26).for_each(|id| after.send_order(1, id));
    let error = fails(after.try_ingest());
    assert!(error.causes()[0].contains("orders/1: the next offset is 2, but the message before it"), "{error}");
    assert_eq!(after.ids(), [0, 1, 2, 3]);
    after.options.on_gap = OnGap::Skip;
    let reports = after.ingest();
    assert_eq!(reports[0].status, crate::UnitStatus::Gap);
    assert_eq!(after.ids(), [0, 1, 2, 3, 20, 21, 22, 23, 24, 25]);
    assert!(after.ingest().is_empty(), "the gap is behind us");
    after.send_order(1, 26);
    after.options.on_gap = OnGap::Fail;
    after.ingest();
    assert_eq!(after.ids().len(), 11);
}

#[test]
fn a_crash_behind_a_gap_takes_back_the_rows_of_its_own_load_alone() {
    let mut before = Setup::new(1);
    before.send(0, None, Some(b"broken before"));
    before.send_order(0, 1);
    let mut after = Setup::new(1);
    after.send(0, None, Some(b"broken after"));
    after.options.on_gap = OnGap::Skip;
    for steps in 0.. {
        before.warehouse = FakeWarehouse::new();
        before.ledger = FakeLedger::new(&before.warehouse);
        before.ingest();
        after.warehouse = before.warehouse.clone();
        after.ledger = FakeLedger::new(&after.warehouse);
        after.warehouse.crash_after(steps);
        let ended = after.try_ingest().is_ok() && !after.warehouse.has_crashed();
        after.warehouse.heal();
        after.try_ingest().unwrap();
        let loads = after.warehouse.column(QUARANTINE, "load_id");
        assert_eq!(loads, ["kafka:orders@0", "kafka:orders@0.1"], "step {steps}");
        if ended {
            assert!(steps > 5);
            return;
        }
    }
}

#[test]
fn what_is_wrong_with_the_connection_is_told_without_secrets() {
    let setup = Setup::new(1);
    let error = fails(setup.try_ingest_with(&setup.contract(json!({"topic": "order"}))));
    assert_eq!(
        (error.what().contains("topic 'order' is not there"), error.fix()),
        (true, Some("did you mean 'orders'?"))
    );
    let secret = json!({"properties": {"security.protocol": "hunter2", "sasl.password": "hunter2"}});
    let error = fails(setup.try_ingest_with(&setup.contract(secret)));
    assert_eq!(error.kind(), Kind::User);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let ours = json!({"properties": {"enable.auto.commit": "true"}});
    let error = fails(setup.try_ingest_with(&setup.contract(ours)));
    assert!(error.what().contains("'enable.auto.commit' is Millstream's to set"), "{error}");
    let error = fails(setup.try_ingest_with(&setup.contract(json!({"brokers": "127.0.0.1:1"}))));
    assert_eq!(error.kind(), Kind::External);
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    let mut options = setup.options.clone();
    options.properties.insert("sasl.password".to_owned(), "hunter2".to_owned());
    assert!(!format!("{options:?}").contains("hunter2"));
}
