//! The producer of made-up messages against the broker.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use millstream_broker::{Broker, BrokerOptions, RunningBroker, Topic};
use millstream_core::{Clock, FixedClock, Kind, Progress, SilentProgress, SystemClock};
use millstream_synth::{Pace, ProduceOptions, UsersSource, produce};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

fn start() -> RunningBroker {
    Broker::start(BrokerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertised: None,
        topics: vec![Topic { name: "t".into(), partitions: 3 }],
        data_dir: None,
    })
    .unwrap()
}

fn options(brokers: &str) -> ProduceOptions {
    ProduceOptions {
        brokers: brokers.to_owned(),
        topic: "t".into(),
        pace: Pace::Unlimited,
        count: Some(5000),
        users_from: None,
        seed: 3,
        duplicates: 0.0,
        properties: Vec::new(),
        stop: Arc::default(),
        connect_timeout: Duration::from_secs(5),
        flush_timeout: Duration::from_secs(20),
    }
}

fn clock() -> FixedClock {
    FixedClock("2025-06-13T16:20:45.000123Z".parse::<DateTime<Utc>>().unwrap())
}

/// All messages of the topic: partition, key, value and timestamp.
fn messages(broker: &RunningBroker) -> Vec<(i32, String, serde_json::Value, i64)> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).set("group.id", "g").create().unwrap();
    let mut list = TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..3 {
        list.add_partition_offset("t", partition, Offset::Beginning).unwrap();
        left += consumer.fetch_watermarks("t", partition, Duration::from_secs(5)).unwrap().1;
    }
    consumer.assign(&list).unwrap();
    let mut all = Vec::new();
    while left > 0 {
        let message = consumer.poll(Duration::from_secs(10)).unwrap().unwrap();
        let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
        let value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        all.push((message.partition(), key, value, message.timestamp().to_millis().unwrap()));
        left -= 1;
    }
    all
}

fn users(folder: &Path) -> BTreeSet<String> {
    let ids: BTreeSet<String> = (0..50).map(|number| format!("user-{number}")).collect();
    let lines: Vec<&str> = ids.iter().map(String::as_str).collect();
    fs::write(folder.join("user_registrations_2025_06.csv"), format!("user_id\n{}\n", lines.join("\n"))).unwrap();
    ids
}

#[test]
fn messages_arrive_once_each_with_users_of_the_file() {
    let (broker, folder) = (start(), tempfile::tempdir().unwrap());
    let ids = users(folder.path());
    let options = ProduceOptions { users_from: Some(folder.path().to_owned()), ..options(&broker.bootstrap()) };
    let report = produce(&options, &clock(), &SilentProgress).unwrap();
    assert_eq!((report.sent, report.delivered, report.failed, report.repeats), (5000, 5000, 0, 0));
    assert_eq!(
        report.users,
        UsersSource::File { path: folder.path().join("user_registrations_2025_06.csv"), users: 50 }
    );
    let all = messages(&broker);
    assert_eq!(all.len(), 5000);
    assert_eq!(all.iter().map(|(partition, ..)| partition).collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(all.iter().map(|(_, key, ..)| key).collect::<BTreeSet<_>>().len(), 5000);
    for (_, key, value, timestamp) in &all {
        assert_eq!(&value["tx_id"], key);
        assert!(ids.contains(value["user_id"].as_str().unwrap()));
        assert_eq!(*timestamp, clock().now().timestamp_millis());
    }

    // The same seed sends the same messages again.
    let again = start();
    produce(&ProduceOptions { brokers: again.bootstrap(), ..options }, &clock(), &SilentProgress).unwrap();
    let values = |all: &[(i32, String, serde_json::Value, i64)]| {
        all.iter().map(|(_, key, value, _)| (key.clone(), value.to_string())).collect::<BTreeSet<_>>()
    };
    assert_eq!(values(&messages(&again)), values(&all));
}

#[test]
fn repeats_come_on_top_and_are_the_same_messages() {
    let broker = start();
    let options = ProduceOptions { duplicates: 0.1, ..options(&broker.bootstrap()) };
    let report = produce(&options, &SystemClock, &SilentProgress).unwrap();
    assert!((400..600).contains(&report.repeats), "{}", report.repeats);
    assert_eq!((report.sent, report.delivered), (5000 + report.repeats, 5000 + report.repeats));
    let all = messages(&broker);
    assert_eq!(all.len() as u64, report.sent);
    let distinct: BTreeSet<_> = all.iter().map(|(_, key, value, _)| (key, value.to_string())).collect();
    assert_eq!(distinct.len(), 5000);
}

#[test]
fn the_pace_is_kept() {
    let broker = start();
    let paced = |pace, count| {
        let options = ProduceOptions { pace, count: Some(count), ..options(&broker.bootstrap()) };
        let report = produce(&options, &SystemClock, &SilentProgress).unwrap();
        assert_eq!(report.delivered, count);
        report.elapsed
    };
    let rate = paced(Pace::PerSecond(2000.0), 1000);
    assert!((0.48..2.0).contains(&rate.as_secs_f64()), "{rate:?}");
    let interval = paced(Pace::Every(Duration::from_millis(100)), 4);
    assert!((0.3..1.5).contains(&interval.as_secs_f64()), "{interval:?}");
}

/// Does something when so many messages are delivered.
struct When<F: Fn() + Send + Sync>(u64, F, AtomicU64);
impl<F: Fn() + Send + Sync> Progress for When<F> {
    fn start(&self, _: &str, _: Option<u64>, _: &str) {}
    fn set(&self, done: u64) {
        if done >= self.0 && self.2.fetch_add(1, Ordering::SeqCst) == 0 {
            self.1();
        }
    }
    fn note(&self, _: &str) {}
    fn finish(&self) {}
}

#[test]
fn a_stop_flushes_what_is_queued() {
    let broker = start();
    let stop = Arc::new(AtomicBool::new(false));
    let options = ProduceOptions {
        count: None,
        pace: Pace::PerSecond(5000.0),
        stop: Arc::clone(&stop),
        ..options(&broker.bootstrap())
    };
    let progress = When(500, move || stop.store(true, Ordering::SeqCst), AtomicU64::new(0));
    let report = produce(&options, &SystemClock, &progress).unwrap();
    assert!(report.sent >= 500);
    assert_eq!((report.delivered, report.failed), (report.sent, 0));
    assert_eq!(messages(&broker).len() as u64, report.sent);
}

#[test]
fn lost_messages_are_counted_and_end_the_run() {
    let broker = std::sync::Mutex::new(Some(start()));
    let brokers = broker.lock().unwrap().as_ref().unwrap().bootstrap();
    let options = ProduceOptions {
        count: None,
        pace: Pace::PerSecond(2000.0),
        properties: vec![("message.timeout.ms".into(), "1500".into())],
        flush_timeout: Duration::from_secs(5),
        ..options(&brokers)
    };
    let progress = When(200, move || drop(broker.lock().unwrap().take()), AtomicU64::new(0));
    let started = Instant::now();
    let report = produce(&options, &SystemClock, &progress).unwrap();
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert!(report.failed > 0 && report.delivered >= 200, "{report:?}");
    assert_eq!(report.sent, report.delivered + report.failed);
    assert!(report.first_failure.is_some());
}

#[test]
fn no_broker_is_told_within_the_timeout() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let options = ProduceOptions { connect_timeout: Duration::from_millis(1500), ..options(&free) };
    let started = Instant::now();
    let error = produce(&options, &SystemClock, &SilentProgress).unwrap_err();
    assert!((1..5).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(error.kind(), Kind::External);
    let text = error.to_string();
    for part in [&free, "refused", "millstream broker"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn wrong_settings_are_told_and_secrets_are_not() {
    let wrong = |name: &str, value: &str| {
        let properties = vec![(name.to_owned(), value.to_owned())];
        produce(&ProduceOptions { properties, ..options("localhost:1") }, &SystemClock, &SilentProgress).unwrap_err()
    };
    let unknown = wrong("no.such.setting", "1");
    assert_eq!(unknown.kind(), Kind::Usage);
    assert!(unknown.to_string().contains("no.such.setting"), "{unknown}");
    assert_eq!(wrong("acks", "many").kind(), Kind::Usage);
    let secret = wrong("ssl.key.pem", "hunter2");
    assert!(!secret.to_string().contains("hunter2"), "{secret}");
}
