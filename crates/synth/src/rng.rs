//! Reproducible randomness: every file and every chunk of it has a stream of its own.
//!
//! Guarantees: what is drawn depends on seed, purpose, month and stream number alone, so chunks can be made in any
//! order on any number of threads. The ways to draw are written here and not taken from `rand`, because `rand` may
//! change how it maps random bits to a range with any release, and then the same seed would give other bytes.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What random bits are used for; no two purposes share bits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Names of merchants.
    Merchants,
    /// Profiles of new users.
    Users,
    /// What changes when a user registers again.
    Changes,
    /// Which users register again, which rows get a fault.
    Picks,
    /// Transactions of a month.
    Transactions,
    /// Kafka messages.
    Messages,
    /// User ids that belong to nobody.
    Strangers,
}

impl Purpose {
    fn tag(self) -> &'static [u8; 8] {
        match self {
            Purpose::Merchants => b"merchant",
            Purpose::Users => b"users...",
            Purpose::Changes => b"changes.",
            Purpose::Picks => b"picks...",
            Purpose::Transactions => b"transact",
            Purpose::Messages => b"messages",
            Purpose::Strangers => b"stranger",
        }
    }
}

/// A stream of random draws.
#[derive(Debug, Clone)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// Stream number `stream` for `purpose` in month number `month` (0 where there is none) under `seed`.
    pub(crate) fn new(seed: u64, purpose: Purpose, month: u64, stream: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(purpose.tag());
        key[16..24].copy_from_slice(&month.to_le_bytes());
        key[24..].copy_from_slice(b"mill.v01");
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// 64 random bits.
    #[cfg(test)]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `n - 1` (0 when `n` is 0). The bias is below `n / 2^32`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// Like [`Draw::below`] for large `n`.
    pub(crate) fn below_u64(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Whether something happens that happens so many times in 1,000.
    pub(crate) fn permille(&mut self, share: u32) -> bool {
        self.below(1000) < share
    }

    /// An index into `weights`, drawn in proportion to them.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut rest = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return index;
            }
            rest -= weight;
        }
        0
    }

    /// The bytes of a version 4 UUID (RFC 9562, section 5.4).
    pub(crate) fn uuid(&mut self) -> [u8; 16] {
        let mut id = [0u8; 16];
        id[..8].copy_from_slice(&self.0.next_u64().to_le_bytes());
        id[8..].copy_from_slice(&self.0.next_u64().to_le_bytes());
        id[6] = (id[6] & 0x0f) | 0x40;
        id[8] = (id[8] & 0x3f) | 0x80;
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, purpose, month, stream| Draw::new(seed, purpose, month, stream).bits();
        let one = first(1, Purpose::Users, 0, 0);
        assert_eq!(one, first(1, Purpose::Users, 0, 0));
        for other in [
            first(2, Purpose::Users, 0, 0),
            first(1, Purpose::Changes, 0, 0),
            first(1, Purpose::Users, 1, 0),
            first(1, Purpose::Users, 0, 1),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_bytes_of_a_seed_never_change() {
        // Written down once: a change here means that every published seed gives other files.
        let mut draw = Draw::new(42, Purpose::Transactions, 666, 3);
        assert_eq!([draw.bits(), draw.bits()], [7_276_815_759_923_220_404, 11_564_518_762_391_846_775]);
    }

    #[test]
    fn below_stays_below_and_reaches_the_ends() {
        let mut draw = Draw::new(7, Purpose::Picks, 0, 0);
        let seen: std::collections::BTreeSet<u32> = (0..1000).map(|_| draw.below(7)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(draw.below(0), 0);
        assert!((0..1000).all(|_| draw.below_u64(1 << 40) < 1 << 40));
    }

    #[test]
    fn weights_are_kept() {
        let mut draw = Draw::new(7, Purpose::Picks, 0, 0);
        let mut seen = [0u32; 3];
        (0..10_000).for_each(|_| seen[draw.weighted(&[1, 0, 3])] += 1);
        assert_eq!(seen[1], 0);
        assert!((2300..2700).contains(&seen[0]), "{seen:?}");
    }
}
