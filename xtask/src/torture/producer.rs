//! `millstream produce`, all the time, with duplicates.
//!
//! Guarantees: what it was acknowledged is added up over all of its processes. One that ends because it could not deliver
//! in time is counted and followed by another.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::broker::TOPIC;
use super::shell::{bound, end, signal, until};
use super::site::Site;
use super::up::tail;

/// Share of messages that are sent twice.
const DUPLICATES: &str = "0.1";

/// The producer.
pub struct Producer {
    child: Child,
    log: PathBuf,
    from: u64,
    seed: u64,
    brokers: String,
    rate: u64,
    /// Messages that the broker has acknowledged, by processes that have ended.
    pub delivered: u64,
    pub sent: u64,
    /// Whether no other one is to be started.
    is_finished: bool,
    /// Processes that were started.
    pub processes: u64,
}

impl Producer {
    pub fn start(site: &Site, brokers: &str, seed: u64, rate: u64) -> Result<Self, String> {
        let log = site.dir.join("produce.log");
        let (child, from) = spawn(site, &log, brokers, seed, rate)?;
        Ok(Self {
            child,
            log,
            from,
            seed,
            brokers: brokers.to_owned(),
            rate,
            delivered: 0,
            sent: 0,
            is_finished: false,
            processes: 1,
        })
    }

    /// Starts another one when it has ended.
    pub fn tend(&mut self, site: &Site) -> Result<(), String> {
        if self.is_finished || self.child.try_wait().map_err(|error| error.to_string())?.is_none() {
            return Ok(());
        }
        self.count();
        self.seed += 1;
        self.processes += 1;
        (self.child, self.from) = spawn(site, &self.log, &self.brokers, self.seed, self.rate)?;
        Ok(())
    }

    /// Ends it when everything is delivered.
    pub fn finish(&mut self) -> Result<(), String> {
        self.is_finished = true;
        signal(&self.child, "INT")?;
        let child = &mut self.child;
        let has_ended = until(Duration::from_secs(150), || Ok(child.try_wait().is_ok_and(|status| status.is_some())))?;
        if !has_ended {
            return Err("the producer does not end".to_owned());
        }
        self.count();
        Ok(())
    }

    /// Adds what the process that has ended says of itself.
    fn count(&mut self) {
        let said = tail(&self.log, self.from).unwrap_or_default();
        let line = said.lines().rev().find(|line| line.contains(" delivered, ")).unwrap_or_default();
        self.sent += number_before(line, " message");
        self.delivered += number_before(line, " delivered");
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn spawn(site: &Site, log: &PathBuf, brokers: &str, seed: u64, rate: u64) -> Result<(Child, u64), String> {
    let told = |error: std::io::Error| format!("{}: {error}", log.display());
    let file = File::options().create(true).append(true).open(log).map_err(told)?;
    let from = file.metadata().map_err(told)?.len();
    let copy = file.try_clone().map_err(told)?;
    let (rate, seed) = (rate.max(1).to_string(), seed.to_string());
    let child = bound(&site.binary)
        .args(["produce", "--brokers", brokers, "--topic", TOPIC, "--rate", &rate, "--seed", &seed])
        .args(["--duplicates", DUPLICATES, "--users-from", "data/incoming", "--connect-timeout", "120s"])
        // Readable for a client without codecs; a broker that is away is waited for; new partitions are found soon.
        .args(["-X", "compression.type=none", "-X", "message.timeout.ms=120000", "--flush-timeout", "120s"])
        .args(["-X", "topic.metadata.refresh.interval.ms=1000"])
        .current_dir(&site.project)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .spawn()
        .map_err(|error| format!("millstream produce: {error}"))?;
    Ok((child, from))
}

/// `4,924` of `4,924 delivered`.
fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().unwrap_or_default();
    let digits = before.rsplit(' ').next().unwrap_or_default().replace(',', "");
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::number_before;

    #[test]
    fn numbers_are_found_in_what_it_says() {
        let line = "4,924 messages sent (424 repeated), 4,901 delivered, 23 failed; 1,734,606 bytes in 45.09s";
        assert_eq!([number_before(line, " message"), number_before(line, " delivered")], [4_924, 4_901]);
        assert_eq!(number_before("", " delivered"), 0);
    }
}
