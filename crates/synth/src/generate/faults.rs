//! What is wrong with the rows that are made wrong on purpose.
//!
//! Contract breaks must end in quarantine, one row each: `bad_amount`, `broken_quoting`. Business faults must load and be
//! dealt with by the models: `duplicate`, `late`, `unknown_user`. Every kind ruins its own row and no neighbour.

use millstream_core::{Error, Result};

use super::Format;
use crate::spread::MILLION;

/// Faults to inject, so that quality work has food.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Share of transactions that get a fault, 0 to 1, kept to a millionth. One transaction in every `1 / rate` gets
    /// one, and the kinds take turns: so the number of each kind is known beforehand. Two kinds of five break the contract;
    /// a rate above 0.125 therefore passes the default error share of 5 %, and ingestion refuses the file whole.
    pub rate: f64,
}

/// Kinds of injected faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The row is written a second time some rows later, byte for byte, over and above the number of transactions.
    /// Business fault: both rows load, deduplication keeps one.
    Duplicate,
    /// The timestamp lies in the month before the file's. Business fault: the row loads as late-arriving.
    Late,
    /// The amount is empty, a word, or a number in no decimal notation; null in Parquet. Contract break.
    BadAmount,
    /// The user id is that of nobody. Business fault: the row loads, the user becomes an inferred member.
    UnknownUser,
    /// The merchant holds commas and lacks the quotes it needs, so that the record has too many fields or text
    /// after a closing quote. Contract break. Not in Parquet, which has no quotes.
    BrokenQuoting,
}

impl FaultKind {
    /// All kinds, in order.
    pub const ALL: [FaultKind; 5] =
        [Self::Duplicate, Self::Late, Self::BadAmount, Self::UnknownUser, Self::BrokenQuoting];

    /// Its name in reports: `duplicate`, `late`, `bad_amount`, `unknown_user`, `broken_quoting`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::BadAmount => "bad_amount",
            Self::UnknownUser => "unknown_user",
            Self::BrokenQuoting => "broken_quoting",
        }
    }

    /// Whether the row breaks the source's contract and so belongs in quarantine. Other faults load.
    pub fn breaks_contract(self) -> bool {
        matches!(self, Self::BadAmount | Self::BrokenQuoting)
    }

    /// The kinds that files of `format` can have.
    pub(super) fn of(format: Format) -> &'static [FaultKind] {
        match format {
            Format::Csv => &Self::ALL,
            Format::Parquet => &Self::ALL[..4],
        }
    }
}

impl Faults {
    /// The rate in millionths.
    pub(super) fn millionths(self) -> Result<u64> {
        if (0.0..=1.0).contains(&self.rate) {
            return Ok((self.rate * MILLION as f64).round() as u64);
        }
        Err(Error::usage(format!("the fault rate {} is not a share", self.rate)).hint("give a number from 0 to 1"))
    }
}

/// What stands in the file in place of an amount. The last one is quoted: its comma is not what breaks the record.
pub(super) const BAD_AMOUNTS: [&[u8]; 5] = [b"", b"N/A", b"12.34.56", b"$99.90", b"\"1,234.56\""];

/// What stands in the file in place of a merchant.
pub(super) const BROKEN_MERCHANTS: [&[u8]; 3] =
    [b"Marlow, Finch and Thorne", b"\"Marlow\" and Finch, Ltd", b"The \"Old Mill\" Bakery, Books and Cafe"];
