//! A live burst: an embedded broker, a producer, and ingestion from Kafka.
//!
//! The broker keeps its messages in memory, so that a second run starts with an empty topic whose offsets begin at 0
//! again. What the table has it has: its own positions say so, and the burst is then not sent again. After a run that
//! was killed half-way the same messages are sent in the same order to the same partitions (they follow from the
//! seed), so that going on from the table's positions is right.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{TimeZone, Utc};
use millstream_broker::{Broker, BrokerOptions, RunningBroker, Topic};
use millstream_core::{Error, TableName};
use millstream_synth::{Pace, ProduceOptions, ProduceReport};

use super::clock::SteppingClock;
use super::{Demo, Early, Step, built, ingested};
use crate::stop::Exit;
use crate::talk::{count, plural};

const TOPIC: &str = "transactions";
const PARTITIONS: u32 = 3;

/// Share of messages that come twice, as from any at-least-once producer.
const DUPLICATES: f64 = 0.02;

impl Demo<'_> {
    /// Sends and loads the burst, then builds; or says that this was done before.
    pub(super) async fn live(&self) -> Step<()> {
        let loaded = self.loaded_messages().await?;
        if self.folder.note.sent.is_some_and(|sent| loaded >= sent) {
            self.say("live", &format!("{} from Kafka loaded before; not sent again", plural(loaded, "message")));
        } else {
            self.burst().await?;
        }
        let summary = self.build().await?;
        self.say("build", &built(&summary));
        Ok(())
    }

    async fn burst(&self) -> Step<()> {
        let broker = Broker::start(BrokerOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertised: None,
            topics: vec![Topic { name: TOPIC.to_owned(), partitions: PARTITIONS }],
            data_dir: None,
        })?;
        let report = self.produce(&broker).await?;
        self.say(
            "live",
            &format!(
                "embedded broker at {}: {} delivered, {} of them twice",
                broker.bootstrap(),
                plural(report.delivered, "message"),
                count(report.repeats)
            ),
        );
        self.folder.sent(report.delivered)?;
        let summary = self.ingest(&["transactions_streaming"], Some(&broker.bootstrap())).await?;
        self.say("kafka", &ingested(&summary));
        tokio::task::block_in_place(|| broker.shutdown())?;
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

    /// Messages that the raw table's own positions say are loaded.
    async fn loaded_messages(&self) -> Step<u64> {
        let project = self.project()?;
        let workspace = self.workspace(&project).await?;
        let table = TableName::new("raw", "transactions_streaming");
        let Some(state) = workspace.warehouse.table_state(&table).await? else { return Ok(0) };
        let prefix = format!("kafka:{TOPIC}/");
        let ours = state.positions.iter().filter(|(id, _)| id.starts_with(&prefix));
        Ok(ours.map(|(_, next)| u64::try_from(*next).unwrap_or(0)).sum())
    }
}
