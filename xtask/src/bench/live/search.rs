//! The highest rate at which 99 of 100 events are visible within [`P99_MAX`] seconds: doubled while it holds, halved while
//! it does not, then between the two.

use super::settings::number;
use super::stage::Outcome;

/// The age that 99 of 100 events may have.
const P99_MAX: f64 = 5.0;

/// Rates closer together than this are one.
const CLOSE: f64 = 1.15;

/// What is known of rates.
#[derive(Default)]
pub struct Search {
    held: Option<u64>,
    failed: Option<u64>,
}

impl Search {
    /// Takes a run into account. A rate that the producer did not reach has not been tried: it counts as failed, so that
    /// what holds is told and no more.
    pub fn learn(&mut self, outcome: &Outcome) {
        if outcome.ages.is_some_and(|ages| ages.p99 <= P99_MAX) && outcome.sent > 0.95 * outcome.rate as f64 {
            self.held = self.held.max(Some(outcome.rate));
        } else {
            self.failed = Some(self.failed.map_or(outcome.rate, |failed| failed.min(outcome.rate)));
        }
    }

    /// Runs until the rate is known, or as often as the settings say.
    pub fn go_on(&mut self, mut run: impl FnMut(u64, u64) -> Result<Outcome, String>) -> Result<(), String> {
        let seconds = number("SEARCH_SECONDS", 60)?;
        let steps = if seconds == 0 { 0 } else { number("SEARCH_STEPS", 6)? };
        for _ in 0..steps {
            let Some(rate) = self.next() else { break };
            self.learn(&run(rate, seconds)?);
        }
        Ok(())
    }

    /// The highest rate that held.
    pub fn highest(&self) -> Option<u64> {
        self.held
    }

    /// The highest rate that held and the lowest that did not, in words.
    pub fn tell(&self) -> String {
        let rate = match (self.held, self.failed) {
            (Some(held), Some(failed)) => format!("{held}/s ({failed}/s is too much)"),
            (Some(held), None) => format!("at least {held}/s"),
            (None, Some(failed)) => format!("below {failed}/s"),
            (None, None) => "not tried".to_owned(),
        };
        format!("highest rate with p99 <= {P99_MAX} s: {rate}")
    }

    fn next(&self) -> Option<u64> {
        match (self.held, self.failed) {
            (Some(held), Some(failed)) if failed as f64 <= held as f64 * CLOSE => None,
            (Some(held), Some(failed)) => Some(held.midpoint(failed)),
            (Some(held), None) => Some(held * 2),
            (None, Some(failed)) => Some(failed / 2).filter(|rate| *rate > 0),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_doubled_halved_and_then_between() {
        let next = |held, failed| Search { held, failed }.next();
        assert_eq!(
            [next(Some(10), None), next(None, Some(10)), next(Some(10), Some(20))],
            [Some(20), Some(5), Some(15)]
        );
        assert_eq!([next(Some(100), Some(110)), next(None, Some(1)), next(None, None)], [None, None, None]);
    }
}
