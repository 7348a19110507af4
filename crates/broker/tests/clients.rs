//! A real client library (librdkafka) against the broker: does it behave as Kafka does?
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use millstream_broker::{Broker, BrokerOptions, RunningBroker, Topic};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig, ThreadedProducer,
};
use rdkafka::{Offset, TopicPartitionList};

const WAIT: Duration = Duration::from_secs(20);

fn start(partitions: u32, data_dir: Option<PathBuf>) -> RunningBroker {
    Broker::start(BrokerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertised: None,
        topics: vec![Topic { name: "t".into(), partitions }],
        data_dir,
    })
    .unwrap()
}

fn config(broker: &RunningBroker) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap());
    config
}

fn consumer(broker: &RunningBroker, group: &str) -> BaseConsumer {
    config(broker)
        .set("group.id", group)
        .set("auto.offset.reset", "error")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "false")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "200")
        .set("topic.metadata.refresh.interval.ms", "500")
        .create()
        .unwrap()
}

fn admin(broker: &RunningBroker) -> AdminClient<DefaultClientContext> {
    config(broker).create().unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Milliseconds since 1970 of message 0; the client takes a time of 0 for "now".
const START_MS: i64 = 1_700_000_000_000;

/// Sends messages with key `k<i>`, value `value <i>` and a timestamp of `i` seconds after the start.
fn produce(broker: &RunningBroker, partition: Option<i32>, range: std::ops::Range<i64>) {
    let producer: BaseProducer = config(broker)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "50")
        .create()
        .unwrap();
    for i in range {
        let (key, value) = (format!("k{i}"), format!("value {i}"));
        let record = BaseRecord::to("t").key(&key).payload(&value).timestamp(START_MS + i * 1000);
        producer.send(partition.into_iter().fold(record, BaseRecord::partition)).unwrap();
    }
    producer.flush(WAIT).unwrap();
    assert_eq!(producer.in_flight_count(), 0);
}

fn assign(consumer: &BaseConsumer, offsets: &[(i32, Offset)]) {
    let mut list = TopicPartitionList::new();
    offsets.iter().for_each(|(partition, offset)| list.add_partition_offset("t", *partition, *offset).unwrap());
    consumer.assign(&list).unwrap();
}

/// Takes `count` messages, or what comes within the wait.
fn take<T>(consumer: &BaseConsumer, count: usize, mut see: impl FnMut(&BorrowedMessage<'_>) -> T) -> Vec<T> {
    let started = Instant::now();
    let mut taken = Vec::new();
    while taken.len() < count && started.elapsed() < WAIT {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            taken.push(see(&message.unwrap()));
        }
    }
    taken
}

fn seen(message: &BorrowedMessage<'_>) -> (String, String) {
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    (text(message.key()), text(message.payload()))
}

#[test]
fn ten_thousand_messages_go_in_and_come_out() {
    let broker = start(3, None);
    produce(&broker, None, 0..10_000);
    let consumer = consumer(&broker, "g");
    let ends: Vec<i64> = (0..3).map(|partition| consumer.fetch_watermarks("t", partition, WAIT).unwrap().1).collect();
    assert_eq!(ends.iter().sum::<i64>(), 10_000);
    assign(&consumer, &[(0, Offset::Beginning), (1, Offset::Beginning), (2, Offset::Beginning)]);
    let mut offsets: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    let messages: BTreeSet<_> = take(&consumer, 10_000, |message| {
        offsets.entry(message.partition()).or_default().push(message.offset());
        seen(message)
    })
    .into_iter()
    .collect();
    let expected: BTreeSet<_> = (0..10_000).map(|i| (format!("k{i}"), format!("value {i}"))).collect();
    assert_eq!(messages, expected);
    for (partition, offsets) in offsets {
        assert_eq!(offsets, (0..ends[partition as usize]).collect::<Vec<_>>(), "partition {partition}");
    }
    assert!(consumer.poll(Duration::from_millis(300)).is_none());
    broker.shutdown().unwrap();
}

#[test]
fn reading_starts_in_the_middle_of_a_batch_and_at_a_time() {
    let broker = start(1, None);
    produce(&broker, None, 0..1000);
    let consumer = consumer(&broker, "g");
    assert_eq!(consumer.fetch_watermarks("t", 0, WAIT).unwrap(), (0, 1000));
    assign(&consumer, &[(0, Offset::Offset(517))]);
    assert_eq!(take(&consumer, 483, |message| message.offset()), (517..1000).collect::<Vec<_>>());
    let at = |time: i64| {
        let mut times = TopicPartitionList::new();
        times.add_partition_offset("t", 0, Offset::Offset(START_MS + time)).unwrap();
        consumer.offsets_for_times(times, WAIT).unwrap().elements()[0].offset()
    };
    assert_eq!([at(0), at(1), at(500_000), at(998_001)], [0, 1, 500, 999].map(Offset::Offset));
    assert_eq!(at(999_001), Offset::End);
}

#[test]
fn a_message_arrives_without_delay_at_who_waits_for_it() {
    let broker = start(1, None);
    let consumer = consumer(&broker, "g");
    assign(&consumer, &[(0, Offset::End)]);
    assert!(consumer.poll(Duration::from_millis(500)).is_none());
    let producer: BaseProducer = config(&broker).set("linger.ms", "0").create().unwrap();
    producer.send(BaseRecord::to("t").key("k").payload("v")).unwrap();
    producer.flush(WAIT).unwrap();
    let started = Instant::now();
    assert_eq!(take(&consumer, 1, seen).len(), 1);
    assert!(started.elapsed() < Duration::from_millis(400), "{:?}", started.elapsed());
}

#[test]
fn topics_appear_when_producers_use_them_and_not_when_consumers_ask() {
    let broker = start(1, None);
    let consumer = consumer(&broker, "g");
    let topics = || -> BTreeSet<String> {
        consumer.fetch_metadata(None, WAIT).unwrap().topics().iter().map(|topic| topic.name().to_owned()).collect()
    };
    let unknown = consumer.fetch_metadata(Some("new"), WAIT).unwrap();
    assert!(unknown.topics()[0].error().is_some());
    assert_eq!(topics(), BTreeSet::from(["t".to_owned()]));
    let producer: BaseProducer = config(&broker).create().unwrap();
    producer.send(BaseRecord::to("new").key("k").payload("v")).unwrap();
    producer.flush(WAIT).unwrap();
    assert_eq!(producer.in_flight_count(), 0);
    assert_eq!(topics(), BTreeSet::from(["t".to_owned(), "new".to_owned()]));
}

#[test]
fn topics_are_made_grown_and_deleted() {
    let broker = start(1, None);
    let (admin, options) = (admin(&broker), AdminOptions::new());
    let make = |name: &'static str, partitions| {
        block_on(admin.create_topics(&[NewTopic::new(name, partitions, TopicReplication::Fixed(1))], &options)).unwrap()
    };
    assert!(make("made", 2)[0].is_ok());
    assert_eq!(make("made", 2)[0].clone().unwrap_err().1, RDKafkaErrorCode::TopicAlreadyExists);
    assert_eq!(make("not a name", 1)[0].clone().unwrap_err().1, RDKafkaErrorCode::InvalidTopic);
    let grown = block_on(admin.create_partitions(&[NewPartitions::new("made", 5)], &options)).unwrap();
    assert!(grown[0].is_ok());
    let consumer = consumer(&broker, "g");
    let partitions = |name: &str| consumer.fetch_metadata(Some(name), WAIT).unwrap().topics()[0].partitions().len();
    assert_eq!(partitions("made"), 5);
    let fewer = block_on(admin.create_partitions(&[NewPartitions::new("made", 3)], &options)).unwrap();
    assert_eq!(fewer[0].clone().unwrap_err().1, RDKafkaErrorCode::InvalidPartitions);
    assert!(block_on(admin.delete_topics(&["made"], &options)).unwrap()[0].is_ok());
    assert_eq!(partitions("made"), 0);
}

#[test]
fn deleted_records_are_out_of_range() {
    let broker = start(1, None);
    produce(&broker, None, 0..100);
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(40)).unwrap();
    block_on(admin(&broker).delete_records(&offsets, &AdminOptions::new())).unwrap();
    let consumer = consumer(&broker, "g");
    assert_eq!(consumer.fetch_watermarks("t", 0, WAIT).unwrap(), (40, 100));
    assign(&consumer, &[(0, Offset::Offset(40))]);
    assert_eq!(take(&consumer, 60, |message| message.offset()), (40..100).collect::<Vec<_>>());
    assign(&consumer, &[(0, Offset::Offset(39))]);
    let started = Instant::now();
    let error = loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Err(error)) => break error,
            Some(Ok(message)) => panic_at(&message),
            None => assert!(started.elapsed() < WAIT, "no error came"),
        }
    };
    let KafkaError::MessageConsumption(code) = error else { unreachable!("{error}") };
    assert!(matches!(code, RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange), "{code}");
}

fn panic_at(message: &BorrowedMessage<'_>) {
    unreachable!("offset {} should be gone", message.offset());
}

#[test]
fn a_group_shares_partitions_and_continues_where_it_committed() {
    let broker = start(4, None);
    produce(&broker, None, 0..2000);
    let member = || {
        let mut config = config(&broker);
        config.set("group.id", "shared").set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
        config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "200");
        let member: BaseConsumer = config.create().unwrap();
        member.subscribe(&["t"]).unwrap();
        member
    };
    let owned = |member: &BaseConsumer| member.assignment().unwrap().count();
    let (first, second) = (member(), member());
    let started = Instant::now();
    let mut messages = BTreeSet::new();
    while (owned(&first), owned(&second)) != (2, 2) || messages.len() < 2000 {
        assert!(started.elapsed() < WAIT, "{} and {}: {}", owned(&first), owned(&second), messages.len());
        for member in [&first, &second] {
            if let Some(message) = member.poll(Duration::from_millis(5)) {
                messages.insert(seen(&message.unwrap()));
            }
        }
    }
    first.commit_consumer_state(CommitMode::Sync).unwrap();
    second.commit_consumer_state(CommitMode::Sync).unwrap();
    // One leaves, the other takes over all four.
    drop(second);
    while owned(&first) != 4 {
        assert!(started.elapsed() < 2 * WAIT);
        assert!(first.poll(Duration::from_millis(20)).is_none_or(|message| message.is_ok()));
    }
    let groups = first.fetch_group_list(Some("shared"), WAIT).unwrap();
    assert_eq!((groups.groups()[0].state(), groups.groups()[0].members().len()), ("Stable", 1));
    drop(first);
    produce(&broker, None, 2000..2010);
    let late = member();
    let expected: BTreeSet<_> = (2000..2010).map(|i| (format!("k{i}"), format!("value {i}"))).collect();
    assert_eq!(take(&late, 10, seen).into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(2, Some(folder.path().to_owned()));
    produce(&broker, Some(0), 0..500);
    produce(&broker, Some(1), 500..700);
    let reader = consumer(&broker, "g");
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(123)).unwrap();
    reader.commit(&offsets, CommitMode::Sync).unwrap();
    let mut deleted = TopicPartitionList::new();
    deleted.add_partition_offset("t", 1, Offset::Offset(50)).unwrap();
    block_on(admin(&broker).delete_records(&deleted, &AdminOptions::new())).unwrap();

    // No second broker on the same folder.
    let second = Broker::start(BrokerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertised: None,
        topics: Vec::new(),
        data_dir: Some(folder.path().to_owned()),
    });
    assert!(second.unwrap_err().to_string().contains("another broker"));
    drop((reader, broker));

    // The last batch of partition 0 was cut short, as by a crash in the middle of a write.
    let log = folder.path().join("topics/t/0.log");
    let whole = std::fs::read(&log).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[..40]);
    std::fs::write(&log, torn).unwrap();

    let broker = start(3, Some(folder.path().to_owned()));
    assert_eq!(std::fs::read(&log).unwrap(), whole);
    let reader = consumer(&broker, "g");
    let range = |partition| reader.fetch_watermarks("t", partition, WAIT).unwrap();
    assert_eq!([range(0), range(1), range(2)], [(0, 500), (50, 200), (0, 0)]);
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition("t", 0);
    let committed = reader.committed_offsets(wanted, WAIT).unwrap();
    assert_eq!(committed.elements()[0].offset(), Offset::Offset(123));
    produce(&broker, Some(0), 500..510);
    assign(&reader, &[(0, Offset::Offset(490))]);
    assert_eq!(take(&reader, 20, |message| message.offset()), (490..510).collect::<Vec<_>>());
    drop((reader, broker));

    // Damage in the middle is told, not skipped.
    let mut damaged = std::fs::read(&log).unwrap();
    damaged[100] ^= 0xff;
    std::fs::write(&log, damaged).unwrap();
    let refused = Broker::start(BrokerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertised: None,
        topics: Vec::new(),
        data_dir: Some(folder.path().to_owned()),
    });
    assert!(refused.unwrap_err().to_string().contains("damaged"));
}

/// Where the child process of the next test keeps its data.
const CHILD_FOLDER: &str = "MILLSTREAM_TEST_BROKER_FOLDER";

#[test]
#[ignore = "the child process of `kill_nine_loses_nothing_that_was_acknowledged`"]
fn child_serves() {
    let broker = start(3, Some(std::env::var_os(CHILD_FOLDER).unwrap().into()));
    println!("broker at {}", broker.bootstrap());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn kill_nine_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = BTreeSet::new();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_serves", "--exact", "--ignored", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let servers =
            lines.find_map(|line| line.unwrap().split_once("broker at ").map(|(_, at)| at.to_owned())).unwrap();
        let acknowledged: Acknowledged = Arc::default();
        let producer: ThreadedProducer<Counting> = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("enable.idempotence", "true")
            .set("linger.ms", "1")
            .create_with_context(Counting(Arc::clone(&acknowledged)))
            .unwrap();
        let started = Instant::now();
        let mut number = 0;
        while acknowledged.lock().unwrap().len() < 2000 * (round + 1) {
            assert!(started.elapsed() < WAIT);
            let key = format!("{round}-{number}");
            if producer.send(BaseRecord::to("t").key(&key).payload("v")).is_ok() {
                number += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        producer.purge(PurgeConfig::default().queue().inflight());
        drop(producer);
        expected.extend(std::mem::take(&mut *acknowledged.lock().unwrap()));

        let broker = start(3, Some(folder.path().to_owned()));
        let reader = consumer(&broker, "g");
        assign(&reader, &[(0, Offset::Beginning), (1, Offset::Beginning), (2, Offset::Beginning)]);
        let count = (0..3).map(|partition| reader.fetch_watermarks("t", partition, WAIT).unwrap().1).sum::<i64>();
        let found: BTreeSet<String> = take(&reader, count as usize, |message| seen(message).0).into_iter().collect();
        assert_eq!(found.len() as i64, count, "nothing twice");
        assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}

type Acknowledged = Arc<Mutex<BTreeSet<String>>>;

struct Counting(Acknowledged);
impl ClientContext for Counting {}
impl ProducerContext for Counting {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Ok(message) = result {
            self.0.lock().unwrap().insert(seen(message).0);
        }
    }
}

#[test]
fn nonsense_closes_its_own_connection_and_no_other() {
    let broker = start(1, None);
    for nonsense in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0, 0, 0, 3, 1, 2, 3],
        &[0xff; 64],
        &[0, 0, 0, 8, 0, 99, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
    ] {
        let mut stream = TcpStream::connect(broker.address()).unwrap();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // Closed or reset: both are fine.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{answer:?}");
    }
    produce(&broker, None, 0..10);
}

#[test]
fn a_port_in_use_and_bad_options_are_told() {
    let broker = start(1, None);
    let options = BrokerOptions { listen: broker.address(), advertised: None, topics: Vec::new(), data_dir: None };
    let error = Broker::start(options.clone()).unwrap_err();
    assert_eq!(error.kind(), millstream_core::Kind::Environment);
    let listen = ([127, 0, 0, 1], 0).into();
    for wrong in [
        BrokerOptions { listen, advertised: Some("nowhere".into()), ..options.clone() },
        BrokerOptions { listen, topics: vec![Topic { name: "a/b".into(), partitions: 1 }], ..options.clone() },
        BrokerOptions { listen, topics: vec![Topic { name: "t".into(), partitions: 0 }], ..options },
    ] {
        assert_eq!(Broker::start(wrong).unwrap_err().kind(), millstream_core::Kind::Usage);
    }
}

#[test]
fn shutting_down_with_clients_connected_is_quick() {
    let broker = start(1, None);
    let consumer = consumer(&broker, "g");
    assign(&consumer, &[(0, Offset::Beginning)]);
    assert!(consumer.poll(Duration::from_millis(300)).is_none());
    let started = Instant::now();
    broker.shutdown().unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}
