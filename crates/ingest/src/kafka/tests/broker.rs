//! Against the embedded broker: what librdkafka's own cannot do (partitions added, records deleted, group offsets).

use std::time::Instant;

use millstream_broker::{Broker, BrokerOptions, RunningBroker, Topic};
use millstream_core::LedgerEntry;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::*;

const WAIT: Duration = Duration::from_secs(20);

struct Real {
    broker: RunningBroker,
    producer: BaseProducer,
    warehouse: FakeWarehouse,
    ledger: FakeLedger,
    options: KafkaOptions,
}

impl Real {
    fn new(partitions: u32) -> Self {
        let broker = Broker::start(BrokerOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            advertised: None,
            topics: vec![Topic { name: "orders".into(), partitions }],
            data_dir: None,
        })
        .unwrap();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("topic.metadata.refresh.interval.ms", "200")
            .create()
            .unwrap();
        let warehouse = FakeWarehouse::new();
        let ledger = FakeLedger::new(&warehouse);
        Self { broker, producer, warehouse, ledger, options: KafkaOptions::default() }
    }
    fn contract(&self) -> Contract {
        let meta = json!({"connector": "kafka", "brokers": self.broker.bootstrap(), "topic": "orders"});
        contract("orders", meta, &[("id", "integer", json!({"required": true}))])
    }
    fn send(&self, partition: i32, ids: std::ops::Range<usize>) {
        for id in ids {
            let payload = format!(r#"{{"id":{id}}}"#);
            let started = Instant::now();
            // A partition that was just added is known to the producer a little later.
            while let Err((error, _)) =
                self.producer.send(BaseRecord::<(), str>::to("orders").partition(partition).payload(&payload))
            {
                assert!(started.elapsed() < WAIT, "{error}");
                self.producer.poll(Duration::from_millis(20));
            }
        }
        self.producer.flush(WAIT).unwrap();
    }
    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", self.broker.bootstrap()).create().unwrap()
    }
    fn ingest(&self) -> Result<Vec<UnitReport>> {
        run_ingest(&self.contract(), &self.options, &self.warehouse, &self.ledger)
    }
    fn ids(&self) -> Vec<usize> {
        let mut ids: Vec<usize> = self.warehouse.column(RAW, "id").iter().map(|id| id.parse().unwrap()).collect();
        ids.sort_unstable();
        ids
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

#[test]
fn a_partition_that_is_added_while_following_is_read() {
    let mut real = Real::new(1);
    real.options.follow = true;
    real.options.flush_ms = 50;
    real.send(0, 0..5);
    let stop = real.options.stop.clone();
    std::thread::scope(|scope| {
        let (contract, options) = (real.contract(), real.options.clone());
        let (warehouse, ledger) = (&real.warehouse, &real.ledger);
        let running = scope.spawn(move || run_ingest(&contract, &options, warehouse, ledger).unwrap());
        let grown = block_on(real.admin().create_partitions(&[NewPartitions::new("orders", 2)], &AdminOptions::new()));
        assert!(grown.unwrap()[0].is_ok());
        real.send(1, 5..10);
        real.send(0, 10..15);
        let started = Instant::now();
        while real.ids().len() < 15 && started.elapsed() < WAIT {
            std::thread::sleep(Duration::from_millis(50));
        }
        stop.stop();
        let reports = running.join().unwrap();
        assert_eq!(reports.len(), 2);
    });
    assert_eq!(real.ids(), (0..15).collect::<Vec<_>>());
    assert!(real.ingest().unwrap().is_empty());
}

#[test]
fn records_that_were_deleted_are_a_gap_of_exactly_their_offsets() {
    let mut real = Real::new(2);
    real.send(0, 0..10);
    real.send(1, 100..110);
    real.ingest().unwrap();
    real.send(0, 10..30);
    let mut deleted = TopicPartitionList::new();
    deleted.add_partition_offset("orders", 0, Offset::Offset(20)).unwrap();
    block_on(real.admin().delete_records(&deleted, &AdminOptions::new())).unwrap();
    let error = fails(real.ingest());
    assert!(error.causes()[0].contains("orders/0: offsets 10 to 19 are no longer at the broker"), "{error}");
    real.options.on_gap = OnGap::Skip;
    let reports = real.ingest().unwrap();
    assert_eq!((reports[0].entry.offset_start, reports[0].entry.offset_end), (Some(10), Some(20)));
    assert_eq!(reports[1].entry.rows_loaded, 10);
    assert_eq!(real.ids(), (0..10).chain(20..30).chain(100..110).collect::<Vec<_>>());
}

#[test]
fn other_tools_see_the_lag_in_the_consumer_group() {
    let real = Real::new(1);
    real.send(0, 0..7);
    real.ingest().unwrap();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", real.broker.bootstrap())
        .set("group.id", "millstream-raw-orders")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition("orders", 0);
    let started = Instant::now();
    loop {
        let committed = consumer.committed_offsets(list.clone(), WAIT).unwrap();
        if committed.elements()[0].offset() == Offset::Offset(7) {
            break;
        }
        assert!(started.elapsed() < WAIT, "{committed:?}");
    }
}

/// Keeps what was told.
#[derive(Default)]
struct Told {
    reading: std::sync::Mutex<Vec<PartitionAt>>,
    ends: std::sync::Mutex<Vec<(i32, i64)>>,
    troubles: std::sync::Mutex<Vec<String>>,
    commits: std::sync::Mutex<Vec<KafkaCommit>>,
}

impl Watch for Told {
    fn reading(&self, partitions: &[PartitionAt]) {
        self.reading.lock().unwrap().extend(partitions);
    }
    fn trouble(&self, message: &str) {
        self.troubles.lock().unwrap().push(message.to_owned());
    }
    /// By partition: the client tells them in the order in which it was given them, whichever that is.
    fn ends(&self, ends: &[(i32, i64)]) {
        let mut ends = ends.to_vec();
        ends.sort_unstable();
        *self.ends.lock().unwrap() = ends;
    }
    fn committed(&self, commit: &KafkaCommit) {
        self.commits.lock().unwrap().push(commit.clone());
    }
}

#[test]
fn who_is_held_is_told_how_much_waits() {
    let mut real = Real::new(2);
    let told = std::sync::Arc::new(Told::default());
    real.options.follow = true;
    real.options.flush_ms = 20;
    real.options.watch = Some(told.clone());
    real.send(0, 0..5);
    let (stop, hold) = (real.options.stop.clone(), real.options.hold.clone());
    std::thread::scope(|scope| {
        let (contract, options) = (real.contract(), real.options.clone());
        let (warehouse, ledger) = (&real.warehouse, &real.ledger);
        let running = scope.spawn(move || run_ingest(&contract, &options, warehouse, ledger).unwrap());
        let until = |what: &dyn Fn() -> bool| {
            let started = Instant::now();
            while !what() && started.elapsed() < WAIT {
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        until(&|| real.ids().len() == 5);
        hold.set(true);
        std::thread::sleep(Duration::from_millis(500));
        real.send(0, 5..10);
        real.send(1, 10..13);
        let ends = || told.ends.lock().unwrap().clone();
        until(&|| ends() == [(0, 10), (1, 3)]);
        let (while_held, rows) = (ends(), real.ids().len());
        // What the client has fetched last does not take the answer's place.
        std::thread::sleep(Duration::from_millis(1_500));
        let later = ends();
        stop.stop();
        running.join().unwrap();
        assert_eq!((while_held, later, rows), (vec![(0, 10), (1, 3)], vec![(0, 10), (1, 3)], 5));
    });
}

#[test]
fn following_tells_who_watches_and_has_one_ledger_line_for_many_commits() {
    let mut real = Real::new(1);
    let told = std::sync::Arc::new(Told::default());
    real.options.follow = true;
    real.options.flush_ms = 20;
    real.options.watch = Some(told.clone());
    real.send(0, 0..5);
    let stop = real.options.stop.clone();
    std::thread::scope(|scope| {
        let (contract, options) = (real.contract(), real.options.clone());
        let (warehouse, ledger) = (&real.warehouse, &real.ledger);
        let running = scope.spawn(move || run_ingest(&contract, &options, warehouse, ledger).unwrap());
        let until = |what: &dyn Fn() -> bool| {
            let started = Instant::now();
            while !what() {
                assert!(started.elapsed() < WAIT);
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        until(&|| real.ids().len() == 5);
        real.send(0, 5..10);
        until(&|| real.ids().len() == 10);
        until(&|| *told.ends.lock().unwrap() == [(0, 10)]);
        stop.stop();
        running.join().unwrap();
    });
    assert_eq!(told.reading.lock().unwrap()[0], PartitionAt { partition: 0, next: 0, end: Some(5) });
    assert_eq!(*told.troubles.lock().unwrap(), [""; 0], "the end of a partition is none");
    let commits = told.commits.lock().unwrap();
    assert!(commits.len() >= 2, "{commits:?}");
    assert_eq!(commits.iter().map(|commit| commit.partitions[0].rows_loaded).sum::<u64>(), 10);
    let last = commits.last().unwrap();
    assert_eq!(
        (last.partitions[0].next, last.version.is_some(), last.partitions[0].newest.is_some()),
        (10, true, true)
    );
    let entries = real.ledger.entries().unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((entries[0].offset_start, entries[0].offset_end, entries[0].rows_in), (Some(0), Some(10), 10));
    // A line that was lost is written again from the commits, each of which has its own.
    real.ledger.lose_all();
    real.options = KafkaOptions::default();
    assert!(real.ingest().unwrap().is_empty());
    let entries = real.ledger.entries().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.rows_in).sum::<u64>(), 10);
    // Beside a line that holds earlier commits, only the last commit's is written.
    let last = entries.iter().find(|entry| entry.offset_end == Some(10)).unwrap();
    let before = last.offset_start.unwrap();
    let line = LedgerEntry { offset_start: Some(0), offset_end: Some(before), rows_in: before as u64, ..last.clone() };
    real.ledger.lose_all();
    real.ledger.record(&line).unwrap();
    real.ingest().unwrap();
    let repaired = real.ledger.entries().unwrap();
    assert_eq!(repaired.iter().map(|entry| entry.rows_in).sum::<u64>(), 10, "{repaired:?}");
    assert_eq!(repaired.len(), 2);
}
