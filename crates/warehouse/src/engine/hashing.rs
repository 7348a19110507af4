//! Hash tables whose keys are hashes already.

use std::hash::Hasher;

/// Mark of the end of a chain of entries with the same hash.
pub(super) const NONE: u32 = u32::MAX;

/// Takes a hash as it is.
#[derive(Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _bytes: &[u8]) {}
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
