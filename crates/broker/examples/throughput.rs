//! Measures a broker with librdkafka on both ends: messages a second in and out, and the memory of the process.
//!
//! `cargo run --release -p millstream-broker --example throughput -- [MESSAGES] [memory|disk|mock]`; `mock` is
//! librdkafka's own mock cluster, for comparison.

use std::error::Error;
use std::time::{Duration, Instant};

use millstream_broker::{Broker, BrokerOptions, RunningBroker, Topic};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

const PARTITIONS: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let messages: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let kind = arguments.next().unwrap_or_else(|| "memory".to_owned());
    println!("{kind}: {messages} messages of about 300 bytes, {PARTITIONS} partitions, lz4, idempotent");
    if kind == "mock" {
        let cluster = MockCluster::new(1)?;
        cluster.create_topic("t", PARTITIONS as i32, 1)?;
        return measure(&cluster.bootstrap_servers(), messages);
    }
    let folder = std::env::temp_dir().join(format!("millstream-throughput-{}", std::process::id()));
    let broker = start((kind == "disk").then(|| folder.clone()))?;
    let measured = measure(&broker.bootstrap(), messages);
    broker.shutdown()?;
    if folder.exists() {
        let started = Instant::now();
        start(Some(folder.clone()))?.shutdown()?;
        println!("restarted: {:.2} s", started.elapsed().as_secs_f64());
        std::fs::remove_dir_all(folder)?;
    }
    measured
}

fn start(data_dir: Option<std::path::PathBuf>) -> Result<RunningBroker, Box<dyn Error>> {
    Ok(Broker::start(BrokerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertised: None,
        topics: vec![Topic { name: "t".into(), partitions: PARTITIONS }],
        data_dir,
    })?)
}

fn measure(servers: &str, messages: u64) -> Result<(), Box<dyn Error>> {
    let before = resident()?;
    produce(servers, messages)?;
    println!("memory: {before} MB before, {} MB after", resident()?);
    consume(servers, messages)
}

fn produce(servers: &str, messages: u64) -> Result<(), Box<dyn Error>> {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "10")
        .set("batch.size", "1000000")
        .set("queue.buffering.max.messages", "500000")
        .create()?;
    let started = Instant::now();
    for number in 0..messages {
        let key = format!("{:016x}-{number:016x}-tx", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let value = format!(
            "{{\"tx_id\":\"{key}\",\"user_id\":\"{:032x}\",\"amount\":{}.{:02},\"currency\":\"EUR\",\"merchant\":\"Shop {}\",\
             \"category\":\"online_shopping\",\"timestamp\":\"2025-06-13T16:20:45.{:06}+00:00\",\"source_system\":\
             \"kafka_stream\",\"transaction_type\":\"purchase\",\"processing_time_ms\":{}}}",
            number.wrapping_mul(0xbf58_476d_1ce4_e5b9),
            number % 2000,
            number % 100,
            number % 420,
            number % 1_000_000,
            number % 500,
        );
        let mut record = BaseRecord::to("t").key(&key).payload(&value);
        while let Err((error, back)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(1));
            record = back;
        }
    }
    producer.flush(Duration::from_secs(120))?;
    let seconds = started.elapsed().as_secs_f64();
    println!("produced: {:.0} messages/s ({seconds:.2} s)", messages as f64 / seconds);
    Ok(())
}

fn consume(servers: &str, messages: u64) -> Result<(), Box<dyn Error>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "throughput")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut range = (0, 0);
    for partition in 0..PARTITIONS {
        let (low, high) = consumer.fetch_watermarks("t", partition as i32, Duration::from_secs(10))?;
        range = (range.0 + low, range.1 + high);
    }
    println!("kept: {} of {messages}", range.1 - range.0);
    consumer.subscribe(&["t"])?;
    let (mut count, mut bytes, mut started, mut last) = (0u64, 0u64, None, Instant::now());
    while count < (range.1 - range.0) as u64 && last.elapsed() < Duration::from_secs(10) {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            bytes += message?.payload_len() as u64;
            started.get_or_insert_with(Instant::now);
            last = Instant::now();
            count += 1;
        }
    }
    let seconds = started.map_or(0.0, |started| (last - started).as_secs_f64());
    println!("consumed: {count} at {:.0} messages/s, {:.0} MB/s", count as f64 / seconds, bytes as f64 / seconds / 1e6);
    Ok(())
}

/// Resident memory of this process in MB.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse::<u64>()? / 1000)
}
