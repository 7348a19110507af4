//! A live burst: an embedded broker, a producer, and ingestion from Kafka.
//!
//! The broker keeps its messages in the workspace, so that offsets go on where they ended and the user can go on too.
//! A burst that was not noted as sent is begun again on an empty broker: nothing of it is loaded before it is noted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{TimeZone, Utc};
use millstream_broker::{Broker, BrokerOptions, RunningBroker, Topic};
use millstream_core::Error;
use millstream_synth::{Pace, ProduceOptions, ProduceReport};

use super::clock::SteppingClock;
use super::{Demo, Early, Step, built, ingested};
use crate::stop::Exit;
use crate::talk::{count, plural};

const TOPIC: &str = "transactions";
const PARTITIONS: u32 = 3;

/// Share of messages that come twice, as from any at-least-once producer.
const DUPLICATES: f64 = 0.02;

/// Where the broker keeps messages, from the project folder.
pub const BROKER_FOLDER: &str = "workspace/broker";

impl Demo<'_> {
    /// Sends the burst (unless an earlier run did), loads what is new in the topic, and builds.
    pub(super) async fn live(&self) -> Step<()> {
        let data_dir = self.folder.path.join(BROKER_FOLDER);
        let sent_before = self.folder.note.sent;
        if sent_before.is_none() && data_dir.exists() {
            std::fs::remove_dir_all(&data_dir)?;
        }
        let broker = Broker::start(BrokerOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertised: None,
            topics: vec![Topic { name: TOPIC.to_owned(), partitions: PARTITIONS }],
            data_dir: Some(data_dir),
        })?;
        let story = match sent_before {
            Some(sent) => format!("{} sent by an earlier run, kept by the broker", plural(sent, "message")),
            None => {
                let report = self.produce(&broker).await?;
                self.folder.sent(report.delivered)?;
                format!("{} delivered, {} of them twice", plural(report.delivered, "message"), count(report.repeats))
            }
        };
        self.say("live", &format!("embedded Kafka broker at {}: {story}", broker.bootstrap()));
        let summary = self.ingest(&["transactions_streaming"], Some(&broker.bootstrap())).await?;
        tokio::task::block_in_place(|| broker.shutdown())?;
        let loaded = ingested(&summary);
        let summary = self.build().await?;
        self.say("kafka", &format!("{loaded}; {}", built(&summary)));
        Ok(())
    }

    async fn produce(&self, broker: &RunningBroker) -> Step<ProduceReport> {
        let options = ProduceOptions {
            brokers: broker.bootstrap(),
            topic: TOPIC.to_owned(),
            pace: Pace::Unlimited,
            count: Some(self.size.messages),
            users_from: Some(self.folder.path.join("data/incoming")),
            seed: self.seed,
            duplicates: DUPLICATES,
            properties: Vec::new(),
            stop: Arc::new(AtomicBool::new(false)),
            connect_timeout: ProduceOptions::CONNECT_TIMEOUT,
            flush_timeout: ProduceOptions::FLUSH_TIMEOUT,
        };
        // The day after the last file.
        let start = Utc.with_ymd_and_hms(2025, 9, 1, 8, 0, 0).single().unwrap_or_default();
        let bar = self.context.talk.bar();
        let report =
            tokio::task::spawn_blocking(move || millstream_synth::produce(&options, &SteppingClock::new(start), &bar))
                .await
                .map_err(|error| Error::ours("the producer ended badly").why(error))??;
        if report.failed > 0 {
            let why = report.first_failure.as_deref().unwrap_or("no answer from the broker");
            self.context.talk.failure("delivery-failed", &format!("{} messages not delivered: {why}", report.failed));
            return Err(Early::Told(Exit::Failed));
        }
        Ok(report)
    }
}
