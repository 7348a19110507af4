//! Which disturbance comes when: drawn from the seed before anything is started.
//!
//! Guarantees: the same seed, kinds and limits give the same rounds on every machine, whatever happens in them. Kinds are
//! dealt from shuffled decks, so that a short run has them all.

use std::time::Duration;

use super::kind::Kind;

/// One disturbance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub number: usize,
    pub kind: Kind,
    /// Whether `up` must have recovered and caught up before the moment is waited for. Otherwise the round follows the one
    /// before at once, and hits an `up` that starts or has not recovered.
    pub is_settled: bool,
    /// From the round's beginning to the disturbance.
    pub moment: Duration,
    /// How long it lasts.
    pub hold: Duration,
    /// Chooses among variants of the kind.
    pub variant: u64,
}

/// The rounds of a seed.
pub fn draw(seed: u64, rounds: usize, kinds: &[Kind], moment: Duration, hold: Duration) -> Vec<Round> {
    let mut dice = Dice(seed);
    let mut deck = Vec::new();
    let mut plan = Vec::new();
    for number in 1..=rounds {
        if deck.is_empty() {
            deck = kinds.iter().flat_map(|kind| std::iter::repeat_n(*kind, kind.cards())).collect();
            dice.shuffle(&mut deck);
        }
        let Some(kind) = deck.pop() else { break };
        plan.push(Round {
            number,
            kind,
            // Two of three.
            is_settled: dice.below(3) != 0,
            moment: Duration::from_millis(dice.below(moment.as_millis() as u64 + 1)),
            // At least a third, or nothing would be felt.
            hold: hold / 3 + Duration::from_millis(dice.below(hold.as_millis() as u64 * 2 / 3 + 1)),
            variant: dice.next(),
        });
    }
    plan
}

/// A small generator of our own, so that a seed means the same everywhere (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number under `end`, which is above 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence_and_a_deck_has_every_kind() {
        let second = Duration::from_secs(1);
        let plan = |seed| draw(seed, 11, &Kind::ALL, second, 3 * second);
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
        for kind in Kind::ALL {
            assert_eq!(plan(3).iter().filter(|round| round.kind == kind).count(), kind.cards());
        }
        assert!(plan(4).iter().all(|round| round.moment <= second && round.hold >= second && round.hold <= 3 * second));
        assert!(draw(1, 5, &[], second, second).is_empty());
    }
}
