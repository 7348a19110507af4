//! Transactions of a month, in chunks that can be drawn in any order.
//!
//! Guarantees: user ids are those of known users (but for the fault that says otherwise); amounts are whole cents from
//! -200.00 to 2000.00; moments lie in the month, its last day included (but for late rows).

use super::faults::{BAD_AMOUNTS, BROKEN_MERCHANTS, FaultKind};
use super::users::Known;
use crate::catalog::{BATCH_CATEGORIES, SHOPS_PER_CATEGORY};
use crate::month::{Moment, Month};
use crate::rng::{Draw, Purpose};
use crate::spread::Spread;

/// Rows in a chunk: large enough that a thread is worth its while, small enough to stay in the cache.
pub(crate) const CHUNK_ROWS: u64 = 16_384;

/// A duplicate follows its original within so many rows.
const DUPLICATE_DISTANCE: usize = 1024;

/// Largest and smallest amounts, in cents.
const MAX_CENTS: u32 = 200_000;
const MAX_OUTFLOW_CENTS: u32 = 20_000;
/// Rows with a negative amount (refunds, outflows), in a thousand.
const OUTFLOW_PERMILLE: u32 = 95;
/// Rows whose amount fits no pattern, in a thousand.
const ODD_PERMILLE: u32 = 100;

/// How often each category occurs, and its usual range in cents.
const PATTERNS: [(u32, u32, u32); BATCH_CATEGORIES.len()] = [
    (24, 500, 25_000),
    (12, 3_000, 45_000),
    (10, 90_000, 200_000),
    (9, 50_000, 180_000),
    (18, 200, 15_000),
    (11, 1_000, 80_000),
    (16, 500, 40_000),
];

/// How much people spend by tier, in percent.
const TIER_PERCENT: [u32; 4] = [70, 100, 130, 160];

/// When people pay: weights of the hours of the day.
const HOURS: [u32; 24] = [1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 13, 12, 11, 11, 12, 14, 15, 14, 11, 8, 5, 3];

/// One transaction; texts are indexes.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tx_id: [u8; 16],
    pub(crate) user_id: [u8; 16],
    pub(crate) cents: i32,
    pub(crate) shop: u32,
    pub(crate) moment: Moment,
    /// What stands in place of the amount, if anything.
    pub(crate) bad_amount: Option<&'static [u8]>,
    /// What stands in place of the merchant, if anything.
    pub(crate) broken_merchant: Option<&'static [u8]>,
}

/// What all chunks of a month share.
pub(crate) struct Plan<'a> {
    pub(crate) seed: u64,
    pub(crate) month: Month,
    pub(crate) previous: Month,
    pub(crate) rows: u64,
    pub(crate) users: &'a [Known],
    pub(crate) faults: Spread,
    pub(crate) kinds: &'a [FaultKind],
}

/// A chunk's rows and its faults, counted in the order of [`FaultKind::ALL`].
pub(crate) struct Chunk {
    pub(crate) rows: Vec<Row>,
    pub(crate) faults: [u64; FaultKind::ALL.len()],
}

impl Plan<'_> {
    /// Number of chunks.
    pub(crate) fn chunks(&self) -> u64 {
        self.rows.div_ceil(CHUNK_ROWS)
    }

    /// Draws chunk number `number`.
    pub(crate) fn chunk(&self, number: u64) -> Chunk {
        let draw = &mut Draw::new(self.seed, Purpose::Transactions, self.month.number(), number);
        let (from, to) = (number * CHUNK_ROWS, self.rows.min((number + 1) * CHUNK_ROWS));
        let mut picks = self.faults.picks_from(from).peekable();
        let mut chunk =
            Chunk { rows: Vec::with_capacity((to - from) as usize + 64), faults: [0; FaultKind::ALL.len()] };
        let mut repeats = Vec::new();
        for at in from..to {
            let mut row = self.row(draw);
            if let Some((pick, _)) = picks.next_if(|(_, picked)| *picked == at) {
                let kind = self.kinds[(pick % self.kinds.len() as u64) as usize];
                let variant = (pick / self.kinds.len() as u64) as usize;
                chunk.faults[kind as usize] += 1;
                match kind {
                    FaultKind::Duplicate => repeats.push(row.clone()),
                    FaultKind::Late => {
                        row.moment = Moment {
                            month: self.previous,
                            day: row.moment.day.min(self.previous.days()),
                            ..row.moment
                        };
                    }
                    FaultKind::BadAmount => row.bad_amount = Some(BAD_AMOUNTS[variant % BAD_AMOUNTS.len()]),
                    FaultKind::UnknownUser => {
                        row.user_id = Draw::new(self.seed, Purpose::Strangers, self.month.number(), pick).uuid();
                    }
                    FaultKind::BrokenQuoting => {
                        row.broken_merchant = Some(BROKEN_MERCHANTS[variant % BROKEN_MERCHANTS.len()]);
                    }
                }
            }
            chunk.rows.push(row);
            if (at + 1 - from) % DUPLICATE_DISTANCE as u64 == 0 {
                chunk.rows.append(&mut repeats);
            }
        }
        chunk.rows.append(&mut repeats);
        chunk
    }

    fn row(&self, draw: &mut Draw) -> Row {
        let tx_id = draw.uuid();
        let user = self.user(draw);
        let category = draw.weighted(&PATTERNS.map(|pattern| pattern.0));
        let second = draw.weighted(&HOURS) as u32 * 3600 + draw.below(3600);
        Row {
            tx_id,
            user_id: user.id,
            cents: cents(draw, category, user.tier),
            // The smaller of two draws: a few shops are much liked, and all are visited.
            shop: category as u32 * SHOPS_PER_CATEGORY
                + draw.below(SHOPS_PER_CATEGORY).min(draw.below(SHOPS_PER_CATEGORY)),
            moment: Moment { month: self.month, day: 1 + draw.below(self.month.days()), second },
            bad_amount: None,
            broken_merchant: None,
        }
    }

    /// Inactive users still pay now and then.
    fn user(&self, draw: &mut Draw) -> &Known {
        let mut any = || &self.users[draw.below_u64(self.users.len() as u64) as usize];
        let user = any();
        if user.active { user } else { any() }
    }
}

fn cents(draw: &mut Draw, category: usize, tier: u8) -> i32 {
    let cents = match draw.below(1000) {
        ..OUTFLOW_PERMILLE => return -(1 + draw.below(MAX_OUTFLOW_CENTS) as i32),
        shape if shape < OUTFLOW_PERMILLE + ODD_PERMILLE => 1 + draw.below(MAX_CENTS),
        _ => {
            let (_, low, high) = PATTERNS[category];
            let usual = low + draw.below(high - low + 1).min(draw.below(high - low + 1));
            (usual * TIER_PERCENT[usize::from(tier)] / 100).clamp(1, MAX_CENTS)
        }
    };
    cents as i32
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::users::Profile;
    use super::*;

    fn users() -> Vec<Known> {
        let month = Month::new(2025, 6).unwrap();
        (0..100).map(|index| Profile::new(1, month, index).known(index, 0)).collect()
    }

    fn plan(users: &[Known], rows: u64, millionths: u64) -> Plan<'_> {
        let month = Month::new(2025, 6).unwrap();
        Plan {
            seed: 1,
            month,
            previous: month.previous().unwrap(),
            rows,
            users,
            faults: Spread::new(1, month.number(), millionths),
            kinds: &FaultKind::ALL,
        }
    }

    #[test]
    fn clean_rows_keep_their_promises() {
        let users = users();
        let plan = plan(&users, 100_000, 0);
        let rows: Vec<Row> = (0..plan.chunks()).flat_map(|number| plan.chunk(number).rows).collect();
        assert_eq!(rows.len(), 100_000);
        assert!(rows.iter().all(|row| (-20_000..=200_000).contains(&row.cents)));
        assert!(rows.iter().all(|row| users.iter().any(|user| user.id == row.user_id)));
        assert!(rows.iter().all(|row| row.moment.month == plan.month && (1..=30).contains(&row.moment.day)));
        assert!(rows.iter().any(|row| row.moment.day == 30));
        let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| row.tx_id).collect();
        assert_eq!(ids.len(), rows.len());
        let outflows = rows.iter().filter(|row| row.cents < 0).count();
        assert!((9_000..10_000).contains(&outflows), "{outflows}");
    }

    #[test]
    fn faults_are_counted_and_ruin_nothing_else() {
        let users = users();
        let (clean, faulty) = (plan(&users, 50_000, 0), plan(&users, 50_000, 10_000));
        let mut counts = [0; 5];
        let mut differing = 0;
        for number in 0..faulty.chunks() {
            let (clean, faulty) = (clean.chunk(number), faulty.chunk(number));
            counts.iter_mut().zip(faulty.faults).for_each(|(sum, count)| *sum += count);
            assert_eq!(
                faulty.rows.len() as u64,
                clean.rows.len() as u64 + faulty.faults[FaultKind::Duplicate as usize]
            );
            let originals: std::collections::BTreeMap<_, _> = clean.rows.iter().map(|row| (row.tx_id, row)).collect();
            differing += faulty
                .rows
                .iter()
                .filter(|row| {
                    let clean = originals[&row.tx_id];
                    row.moment != clean.moment
                        || row.user_id != clean.user_id
                        || row.bad_amount.is_some()
                        || row.broken_merchant.is_some()
                })
                .count();
        }
        assert_eq!(counts, [100; 5]);
        assert_eq!(differing, 400);
    }
}
