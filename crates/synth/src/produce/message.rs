//! One message of the stream as JSON.
//!
//! Guarantees: the ten fields in the order of the design; amounts are JSON numbers with exactly two places, written from
//! whole cents; categories, merchants and most currencies are none that the batch files have.

use chrono::{DateTime, Timelike, Utc};

use crate::catalog::{self, SERVICES_PER_CATEGORY, STREAM_CATEGORIES, STREAM_CURRENCIES};
use crate::rng::{Draw, Purpose};
use crate::text;

/// What messages say of who sent them.
pub(crate) const SOURCE_SYSTEM: &str = "kafka_stream";

/// How often each currency occurs, in the order of [`STREAM_CURRENCIES`].
const CURRENCY_WEIGHTS: [u32; 5] = [50, 20, 12, 10, 8];
/// How often each category occurs, its usual range in cents, and its kind of transaction.
const PATTERNS: [(u32, u32, u32, &str); STREAM_CATEGORIES.len()] = [
    (28, 500, 30_000, "purchase"),
    (20, 800, 7_000, "purchase"),
    (16, 400, 6_000, "purchase"),
    (12, 300, 3_000, "subscription"),
    (9, 100, 8_000, "purchase"),
    (9, 500, 15_000, "payment"),
    (6, 5_000, 200_000, "transfer"),
];
/// Messages that take money back, in a thousand.
const REFUND_PERMILLE: u32 = 70;

/// Makes messages, one after the other.
pub(crate) struct Messages {
    draw: Draw,
    users: Vec<String>,
    merchants: Vec<String>,
    /// The second that `date` stands for; most messages fall in the second of the one before.
    second: i64,
    date: String,
}

/// A key and a value; the buffers are used again for every message.
#[derive(Debug, Default, Clone)]
pub(crate) struct Message {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) timestamp_ms: i64,
}

impl Messages {
    /// Messages of these users, who must be at least one and need no escaping in JSON.
    pub(crate) fn new(seed: u64, users: Vec<String>) -> Self {
        let draw = Draw::new(seed, Purpose::Messages, 0, 0);
        Self { draw, users, merchants: catalog::services(), second: i64::MIN, date: String::new() }
    }

    /// Whether something happens that happens so many times in a million.
    pub(crate) fn chance(&mut self, millionths: u64) -> bool {
        self.draw.below_u64(crate::spread::MILLION) < millionths
    }

    /// Writes the next message, of instant `now`, into `message`.
    pub(crate) fn next(&mut self, now: DateTime<Utc>, message: &mut Message) {
        let draw = &mut self.draw;
        let category = draw.weighted(&PATTERNS.map(|pattern| pattern.0));
        let (_, low, high, kind) = PATTERNS[category];
        let span = high - low + 1;
        let cents = (low + draw.below(span).min(draw.below(span))) as i32;
        let (cents, kind) = if draw.permille(REFUND_PERMILLE) { (-cents, "refund") } else { (cents, kind) };
        let merchant = category as u32 * SERVICES_PER_CATEGORY + draw.below(SERVICES_PER_CATEGORY);

        let Message { key, value, timestamp_ms } = message;
        *timestamp_ms = now.timestamp_millis();
        key.clear();
        text::uuid(key, &draw.uuid());
        value.clear();
        value.extend_from_slice(b"{\"tx_id\":\"");
        value.extend_from_slice(key);
        field(value, "\",\"user_id\":\"", &self.users[draw.below_u64(self.users.len() as u64) as usize]);
        value.extend_from_slice(b"\",\"amount\":");
        text::cents(value, cents);
        field(value, ",\"currency\":\"", STREAM_CURRENCIES[draw.weighted(&CURRENCY_WEIGHTS)]);
        field(value, "\",\"merchant\":\"", &self.merchants[merchant as usize]);
        field(value, "\",\"category\":\"", STREAM_CATEGORIES[category]);
        if self.second != now.timestamp() {
            self.second = now.timestamp();
            self.date = now.format("%Y-%m-%dT%H:%M:%S").to_string();
        }
        field(value, "\",\"timestamp\":\"", &self.date);
        value.push(b'.');
        let micros = now.nanosecond() / 1000 % 1_000_000;
        [micros / 10_000, micros / 100 % 100, micros % 100].into_iter().for_each(|pair| text::two(value, pair));
        field(value, "+00:00\",\"source_system\":\"", SOURCE_SYSTEM);
        field(value, "\",\"transaction_type\":\"", kind);
        value.extend_from_slice(b"\",\"processing_time_ms\":");
        text::number(value, u64::from(5 + draw.below(495).min(draw.below(495))));
        value.push(b'}');
    }
}

fn field(out: &mut Vec<u8>, before: &str, value: &str) {
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-06-13T16:20:45.000123Z".parse().unwrap()
    }

    fn made(seed: u64, count: usize) -> Vec<Message> {
        let mut messages = Messages::new(seed, vec!["u-1".into(), "u-2".into()]);
        let mut message = Message::default();
        (0..count)
            .map(|_| {
                messages.next(now(), &mut message);
                message.clone()
            })
            .collect()
    }

    #[test]
    fn a_message_has_the_ten_fields_in_order() {
        let message = &made(1, 1)[0];
        let text = std::str::from_utf8(&message.value).unwrap();
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "tx_id",
                "user_id",
                "amount",
                "currency",
                "merchant",
                "category",
                "timestamp",
                "source_system",
                "transaction_type",
                "processing_time_ms"
            ]
        );
        assert_eq!(value["tx_id"].as_str().unwrap().as_bytes(), message.key);
        assert_eq!(value["timestamp"], "2025-06-13T16:20:45.000123+00:00");
        assert_eq!(message.timestamp_ms, now().timestamp_millis());
        let amount = text.split("\"amount\":").nth(1).unwrap().split(',').next().unwrap();
        assert_eq!(amount.rsplit_once('.').unwrap().1.len(), 2, "{amount}");
    }

    #[test]
    fn messages_cover_currencies_categories_and_refunds() {
        let values: Vec<serde_json::Value> =
            made(1, 5000).iter().map(|message| serde_json::from_slice(&message.value).unwrap()).collect();
        let distinct = |name: &str| values.iter().map(|value| value[name].to_string()).collect::<BTreeSet<_>>().len();
        assert_eq!(
            [distinct("tx_id"), distinct("user_id"), distinct("currency"), distinct("category")],
            [5000, 2, 5, 7]
        );
        assert_eq!(distinct("merchant"), 420);
        for value in values {
            let (refund, amount) = (value["transaction_type"] == "refund", value["amount"].as_f64().unwrap());
            assert_eq!(refund, amount < 0.0);
            assert!((-2000.0..=2000.0).contains(&amount));
        }
    }

    #[test]
    fn same_seed_same_messages() {
        let values = |seed| made(seed, 100).into_iter().map(|message| message.value).collect::<Vec<_>>();
        assert_eq!(values(3), values(3));
        assert_ne!(values(3), values(4));
    }
}
