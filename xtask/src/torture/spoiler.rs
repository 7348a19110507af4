//! Messages that break the contract, all the time, beside the producer's.
//!
//! Guarantees: every one of them is known by its key, so that nobody needs the contract to tell them from good ones.
//! Some are there twice. What becomes of one that was not acknowledged is open; the topic is asked at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::broker::TOPIC;
use super::plan::Dice;
use super::wire::{Record, Wire};

/// What their keys begin with.
pub const KEY: &[u8] = b"spoiled-";

/// Between two of them.
const PAUSE: Duration = Duration::from_millis(400);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(15);

/// The thread that sends them.
pub struct Spoiler {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Spoiler {
    pub fn start(brokers: &str, seed: u64) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (address, asked, count) = (brokers.to_owned(), Arc::clone(&stop), Arc::clone(&acknowledged));
        let thread = std::thread::spawn(move || {
            let mut dice = Dice(seed);
            let mut wire = None;
            let mut number = 0;
            while !asked.load(Ordering::SeqCst) {
                number += 1;
                // A broker that is away is tried again at the next turn.
                match send(&mut wire, &address, &mut dice, number) {
                    Ok(sent) => drop(count.fetch_add(sent, Ordering::SeqCst)),
                    Err(_) => wire = None,
                }
                std::thread::sleep(PAUSE);
            }
        });
        Self { stop, acknowledged, thread: Some(thread) }
    }

    /// Ends it; how many messages the broker has acknowledged.
    pub fn finish(&mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.acknowledged.load(Ordering::SeqCst)
    }
}

impl Drop for Spoiler {
    fn drop(&mut self) {
        self.finish();
    }
}

fn send(wire: &mut Option<Wire>, address: &str, dice: &mut Dice, number: u64) -> Result<u64, String> {
    let wire = match wire {
        Some(wire) => wire,
        none => none.insert(Wire::connect(address, ANSWER)?),
    };
    let partitions = wire.partitions(TOPIC)?;
    let Some(partition) = partitions.get(dice.below(partitions.len() as u64) as usize) else { return Ok(0) };
    let mut records = Vec::new();
    for part in 0..=dice.below(3) {
        let key = [KEY, format!("{number}-{part}").as_bytes()].concat();
        let record = Record { offset: 0, key, value: broken(dice.below(10), number) };
        if dice.below(5) == 0 {
            records.push(record.clone());
        }
        records.push(record);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    wire.send(TOPIC, *partition, &records, now.as_millis() as i64)?;
    Ok(records.len() as u64)
}

/// One of ten ways in which a message is no transaction.
fn broken(way: u64, number: u64) -> Option<Vec<u8>> {
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    let with = |id: &str, amount: &str, currency: &str, more: &str| {
        format!(
            "{{\"tx_id\":\"{id}\",\"user_id\":\"00000000-0000-4000-8000-000000000000\",\"amount\":{amount},\
             \"currency\":\"{currency}\",\"merchant\":\"Spoiled\",\"category\":\"none\",\
             \"timestamp\":\"2025-06-01T00:00:00+00:00\",\"source_system\":\"torture\",\
             \"transaction_type\":\"purchase\",\"processing_time_ms\":1{more}}}"
        )
        .into_bytes()
    };
    match way {
        0 => None,
        1 => Some(Vec::new()),
        2 => Some(b"no json".to_vec()),
        3 => Some(with(&id, "1.00", "USD", "")[..40].to_vec()),
        4 => Some(vec![0xff, 0xfe, 0x00, 0x7b]),
        5 => Some(with("not-an-id", "1.00", "USD", "")),
        6 => Some(with(&id, "\"a lot\"", "USD", "")),
        7 => Some(with(&id, "1000000.01", "USD", "")),
        8 => Some(with(&id, "1.00", "usd", "")),
        _ => Some(with(&id, "1.00", "USD", ",\"more\":1")),
    }
}
