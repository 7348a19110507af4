//! Profiles of users: who registers in a month, and who registers again with another tier and city.
//!
//! Guarantees: a profile is a function of seed, month and number, so an earlier one can be made again without keeping
//! it. Age leads to income, income to tier, tier to risk, each by weights and not by rule; 85 % of users are active.

use crate::month::{Moment, Month};
use crate::rng::{Draw, Purpose};
use crate::words;

/// Income brackets, lowest first.
pub(crate) const INCOMES: [&str; 4] = ["low", "medium", "high", "very_high"];
/// Customer tiers, lowest first.
pub(crate) const TIERS: [&str; 4] = ["bronze", "silver", "gold", "platinum"];
/// Risk profiles.
pub(crate) const RISKS: [&str; 3] = ["aggressive", "moderate", "conservative"];
/// The one country and the one source system of the files.
pub(crate) const COUNTRY: &str = "USA";
pub(crate) const SOURCE_SYSTEM: &str = "third_party_registration";

const CITIES: u32 = (words::CITY_STEMS.len() * words::CITY_ENDINGS.len()) as u32;
const ACTIVE_PERMILLE: u32 = 850;

/// One line of a user file; texts are indexes into the word lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) id: [u8; 16],
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) email_number: u32,
    pub(crate) email_domain: usize,
    pub(crate) age: u32,
    pub(crate) income: usize,
    pub(crate) tier: usize,
    pub(crate) risk: usize,
    pub(crate) city: u32,
    pub(crate) state: usize,
    pub(crate) registered: Moment,
    /// Indexes into the interests, two to four of them.
    pub(crate) interests: Vec<usize>,
    pub(crate) active: bool,
}

/// What is kept of a user: what transactions need, and where the profile can be made again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) id: [u8; 16],
    /// Number of the user in the month of the first registration.
    pub(crate) index: u32,
    /// That month, counted from the first generated one.
    pub(crate) month: u16,
    pub(crate) city: u16,
    pub(crate) tier: u8,
    pub(crate) active: bool,
}

impl Profile {
    /// New user number `index` of `month`.
    pub(crate) fn new(seed: u64, month: Month, index: u32) -> Self {
        let draw = &mut Draw::new(seed, Purpose::Users, month.number(), u64::from(index));
        let age = 18 + draw.below(58);
        let income = draw.weighted(match age {
            ..30 => &[60, 35, 5, 0],
            30..50 => &[5, 45, 42, 8],
            _ => &[1, 8, 51, 40],
        });
        let tier = draw.weighted([[85, 15, 0, 0], [35, 55, 10, 0], [2, 48, 45, 5], [0, 5, 45, 50]][income].as_slice());
        let mut risks = [[60, 30, 10], [25, 40, 35], [8, 37, 55], [2, 18, 80]][tier];
        if age < 30 {
            risks[0] += 60;
        }
        Self {
            id: draw.uuid(),
            first: draw.below(words::FIRST_NAMES.len() as u32) as usize,
            last: draw.below(words::LAST_NAMES.len() as u32) as usize,
            email_number: draw.below(10_000),
            email_domain: draw.below(words::MAIL_DOMAINS.len() as u32) as usize,
            age,
            income,
            tier,
            risk: draw.weighted(&risks),
            city: draw.below(CITIES),
            state: draw.below(words::STATES.len() as u32) as usize,
            registered: moment(draw, month),
            interests: interests(draw),
            active: draw.permille(ACTIVE_PERMILLE),
        }
    }

    /// The user registers again in `month`: one tier up (mostly) or down, another town; the rest stays as it was.
    pub(crate) fn again(seed: u64, first_month: Month, known: &mut Known, month: Month) -> Option<Self> {
        let mut profile = Self::new(seed, first_month.plus(u32::from(known.month))?, known.index);
        let stream = u64::from(known.month) << 32 | u64::from(known.index);
        let draw = &mut Draw::new(seed, Purpose::Changes, month.number(), stream);
        let up = draw.permille(700);
        profile.tier = match usize::from(known.tier) {
            0 => 1,
            3 => 2,
            tier if up => tier + 1,
            tier => tier - 1,
        };
        profile.city = (u32::from(known.city) + 1 + draw.below(CITIES - 1)) % CITIES;
        profile.state = draw.below(words::STATES.len() as u32) as usize;
        profile.registered = moment(draw, month);
        *known = profile.known(known.index, known.month);
        Some(profile)
    }

    /// What is kept of this profile.
    pub(crate) fn known(&self, index: u32, month: u16) -> Known {
        Known { id: self.id, index, month, city: self.city as u16, tier: self.tier as u8, active: self.active }
    }

    /// Name of the town.
    pub(crate) fn city(&self) -> (&'static str, &'static str) {
        let endings = words::CITY_ENDINGS.len();
        (words::CITY_STEMS[self.city as usize / endings], words::CITY_ENDINGS[self.city as usize % endings])
    }
}

/// Any second of the month, its last day included.
fn moment(draw: &mut Draw, month: Month) -> Moment {
    Moment { month, day: 1 + draw.below(month.days()), second: draw.below(86_400) }
}

/// Two to four different interests, in random order.
fn interests(draw: &mut Draw) -> Vec<usize> {
    let mut left: Vec<usize> = (0..words::INTERESTS.len()).collect();
    (0..2 + draw.below(3)).map(|_| left.remove(draw.below(left.len() as u32) as usize)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn month() -> Month {
        Month::new(2025, 6).unwrap()
    }

    fn mean(values: impl Iterator<Item = usize>) -> f64 {
        let values: Vec<usize> = values.collect();
        values.iter().sum::<usize>() as f64 / values.len() as f64
    }

    #[test]
    fn age_income_tier_and_risk_go_together() {
        let users: Vec<Profile> = (0..20_000).map(|index| Profile::new(1, month(), index)).collect();
        let by = |test: &dyn Fn(&Profile) -> bool, value: fn(&Profile) -> usize| {
            mean(users.iter().filter(|user| test(user)).map(value))
        };
        assert!(by(&|u| u.age < 30, |u| u.income) + 1.0 < by(&|u| u.age >= 50, |u| u.income));
        for step in 0..3 {
            let (low, high) = (by(&|u| u.income == step, |u| u.tier), by(&|u| u.income == step + 1, |u| u.tier));
            assert!(low < high, "tier by income {step}: {low} {high}");
            let (low, high) = (by(&|u| u.tier == step, |u| u.risk), by(&|u| u.tier == step + 1, |u| u.risk));
            assert!(low < high, "risk by tier {step}: {low} {high}");
        }
        let active = by(&|_| true, |u| usize::from(u.active));
        assert!((0.84..0.86).contains(&active), "{active}");
        assert!(users.iter().all(|user| (18..=75).contains(&user.age)));
        assert!(users.iter().any(|user| user.registered.day == 30));
    }

    #[test]
    fn who_registers_again_has_another_tier_and_town_and_is_otherwise_the_same() {
        let later = month().plus(1).unwrap();
        for index in 0..500 {
            let before = Profile::new(1, month(), index);
            let mut known = before.known(index, 0);
            let after = Profile::again(1, month(), &mut known, later).unwrap();
            assert_ne!(before.tier, after.tier);
            assert_ne!(before.city, after.city);
            assert_eq!(after.registered.month, later);
            assert_eq!((known.tier as usize, u32::from(known.city), known.index), (after.tier, after.city, index));
            let same = Profile {
                tier: before.tier,
                city: before.city,
                state: before.state,
                registered: before.registered,
                ..after
            };
            assert_eq!(same, before);
        }
    }

    #[test]
    fn interests_differ_from_each_other() {
        for index in 0..500 {
            let interests = Profile::new(3, month(), index).interests;
            assert!((2..=4).contains(&interests.len()));
            assert_eq!(interests.iter().collect::<std::collections::BTreeSet<_>>().len(), interests.len());
        }
    }
}
