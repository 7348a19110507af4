//! The peer of Kafka ingestion in `cargo xtask bench kafka`: a bare librdkafka consumer that reads and counts.
//!
//! usage: bare_consumer BROKERS TOPIC MESSAGES. It ends when it has read that many messages, and does nothing with them.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, brokers, topic, messages] = words.as_slice() else {
        return Err("usage: bare_consumer BROKERS TOPIC MESSAGES".into());
    };
    let wanted: u64 = messages.parse()?;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bare-consumer")
        .set("enable.auto.commit", "false")
        .set("queued.min.messages", "1000000")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10))?;
    let mut assignment = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|found| found.partitions()) {
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let (mut seen, mut bytes) = (0_u64, 0_u64);
    while seen < wanted {
        if let Some(message) = consumer.poll(Duration::from_secs(10)) {
            bytes += message?.payload().map_or(0, <[u8]>::len) as u64;
            seen += 1;
        }
    }
    println!("{seen} messages, {bytes} bytes");
    Ok(())
}
