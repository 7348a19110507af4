//! The kinds of disturbances.

/// What is done to `up`, to its disk, its broker or its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Kill,
    Stop,
    FullDisk,
    ReadOnly,
    BrokerRestart,
    BrokerUnreachable,
    Partition,
    Rebalance,
    Clock,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Kill,
        Self::Stop,
        Self::FullDisk,
        Self::ReadOnly,
        Self::BrokerRestart,
        Self::BrokerUnreachable,
        Self::Partition,
        Self::Rebalance,
        Self::Clock,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::FullDisk => "full-disk",
            Self::ReadOnly => "read-only",
            Self::BrokerRestart => "broker-restart",
            Self::BrokerUnreachable => "broker-unreachable",
            Self::Partition => "partition",
            Self::Rebalance => "rebalance",
            Self::Clock => "clock",
        }
    }

    pub fn named(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("there is no kind '{name}'; there are: {}", names()))
    }

    /// How many cards of a deck it has: `kill` is what happens most.
    pub fn cards(self) -> usize {
        if self == Self::Kill { 3 } else { 1 }
    }
}
