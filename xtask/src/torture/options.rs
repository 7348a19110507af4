//! The options of `cargo xtask torture`.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::Kind;

pub const USAGE: &str = "usage: cargo xtask torture [options]

options:
  --rounds N           disturbances, one after the other [200]
  --seed S             same seed, same kinds, moments and lengths [another one each time]
  --kinds A,B,...      only these: kill, stop, full-disk, read-only, broker-restart, broker-unreachable, partition,
                       rebalance, clock [all that this machine and the broker can do]
  --kafka WHICH        embedded, or real: Apache Kafka, as tests/services/kafka starts it [embedded]
  --rate N             messages a second [100]
  --moment-ms MS       a round's disturbance comes within so long [4000]
  --hold-ms MS         and lasts at most so long [6000]
  --dir DIR            scratch folder, empty or not there [a temporary one]
  --keep               leave the scratch folder behind; after a failure it is left anyway

MILLSTREAM_BIN names the binary; without it the release binary is built.
";

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kafka {
    Embedded,
    Real,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    pub rounds: usize,
    pub seed: u64,
    /// None: all that can be done.
    pub kinds: Option<Vec<Kind>>,
    pub kafka: Kafka,
    pub rate: u64,
    pub moment: Duration,
    pub hold: Duration,
    pub dir: Option<PathBuf>,
    pub keep: bool,
}

impl Options {
    /// Reads them from the words of the command line.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            rounds: 200,
            seed: seed_of_the_moment(),
            kinds: None,
            kafka: Kafka::Embedded,
            rate: 100,
            moment: Duration::from_millis(4_000),
            hold: Duration::from_millis(6_000),
            dir: None,
            keep: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if *word == "--keep" {
                options.keep = true;
                continue;
            }
            let value = *words.next().ok_or_else(|| format!("{word} has no value\n\n{USAGE}"))?;
            match *word {
                "--rounds" => options.rounds = number(word, value)? as usize,
                "--seed" => options.seed = number(word, value)?,
                "--kinds" => options.kinds = Some(value.split(',').map(Kind::named).collect::<Result<_, _>>()?),
                "--kafka" => options.kafka = kafka(value)?,
                "--rate" => options.rate = number(word, value)?,
                "--moment-ms" => options.moment = Duration::from_millis(number(word, value)?),
                "--hold-ms" => options.hold = Duration::from_millis(number(word, value)?),
                "--dir" => options.dir = Some(PathBuf::from(value)),
                _ => return Err(format!("there is no option {word}\n\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn number(word: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{word} wants a number, not '{value}'"))
}

fn kafka(value: &str) -> Result<Kafka, String> {
    match value {
        "embedded" => Ok(Kafka::Embedded),
        "real" => Ok(Kafka::Real),
        _ => Err(format!("--kafka is embedded or real, not '{value}'")),
    }
}

fn seed_of_the_moment() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_told() -> Result<(), String> {
        let options = Options::read(&["--rounds", "3", "--kinds", "kill,clock", "--keep"])?;
        assert_eq!((options.rounds, options.keep), (3, true));
        assert_eq!(options.kinds, Some(vec![Kind::Kill, Kind::Clock]));
        for words in [&["--rounds"][..], &["--rounds", "x"], &["--kinds", "flood"], &["--speed", "1"]] {
            assert!(Options::read(words).is_err(), "{words:?}");
        }
        Ok(())
    }
}
