//! Why a run was started.

use std::fmt;

/// Why a run was started. Kept as the text that [`fmt::Display`] gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Cause {
    /// Somebody ran a command.
    #[default]
    Cli,
    /// The time of a schedule of this name had come.
    Schedule(String),
    /// A file arrived.
    File,
    /// A topic of this name is followed.
    Topic(String),
    /// What a model reads has changed.
    Change,
    /// `millstream up` began.
    Start,
    /// An interval is built again.
    Backfill,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cli => f.write_str("cli"),
            Self::Schedule(name) => write!(f, "schedule {name}"),
            Self::File => f.write_str("file"),
            Self::Topic(name) => write!(f, "topic {name}"),
            Self::Change => f.write_str("change"),
            Self::Start => f.write_str("start"),
            Self::Backfill => f.write_str("backfill"),
        }
    }
}

impl Cause {
    /// The way back. A text of another version of us counts as `cli`.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("schedule", name)) => Self::Schedule(name.to_owned()),
            Some(("topic", name)) => Self::Topic(name.to_owned()),
            _ => match text {
                "file" => Self::File,
                "change" => Self::Change,
                "start" => Self::Start,
                "backfill" => Self::Backfill,
                _ => Self::Cli,
            },
        }
    }
}

impl serde::Serialize for Cause {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_survives_the_way_through_text() {
        let all = [
            Cause::Cli,
            Cause::Schedule("every night".into()),
            Cause::File,
            Cause::Topic("transactions".into()),
            Cause::Change,
            Cause::Start,
            Cause::Backfill,
        ];
        for cause in all {
            assert_eq!(Cause::parse(&cause.to_string()), cause);
        }
        assert_eq!(Cause::parse("of a later version"), Cause::Cli);
    }
}
