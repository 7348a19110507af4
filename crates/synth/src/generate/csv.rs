//! Rows as CSV: UTF-8, LF line ends, a header line, quotes only where RFC 4180 wants them.

use super::transactions::Row;
use super::users::{self, Profile};
use crate::catalog::{BATCH_CATEGORIES, SHOPS_PER_CATEGORY, Shop};
use crate::{text, words};

/// Columns of the transaction files.
pub(super) const TRANSACTION_COLUMNS: [&str; 7] =
    ["tx_id", "user_id", "amount", "currency", "merchant", "category", "timestamp"];

/// Columns of the user files.
pub(super) const USER_COLUMNS: [&str; 15] = [
    "user_id",
    "first_name",
    "last_name",
    "email",
    "age",
    "income_bracket",
    "customer_tier",
    "risk_profile",
    "city",
    "state",
    "country",
    "registration_date",
    "preferred_categories",
    "is_active",
    "source_system",
];

/// A header line.
pub(super) fn header(columns: &[&str]) -> Vec<u8> {
    format!("{}\n", columns.join(",")).into_bytes()
}

/// One transaction as a line.
pub(super) fn transaction(out: &mut Vec<u8>, row: &Row, shops: &[Shop]) {
    text::uuid(out, &row.tx_id);
    out.push(b',');
    text::uuid(out, &row.user_id);
    out.push(b',');
    match row.bad_amount {
        Some(bad) => out.extend_from_slice(bad),
        None => text::cents(out, row.cents),
    }
    out.extend_from_slice(b",USD,");
    out.extend_from_slice(row.broken_merchant.unwrap_or(&shops[row.shop as usize].csv));
    out.push(b',');
    out.extend_from_slice(BATCH_CATEGORIES[(row.shop / SHOPS_PER_CATEGORY) as usize].as_bytes());
    out.push(b',');
    text::moment(out, &row.moment);
    out.push(b'\n');
}

/// One user as a line.
pub(super) fn user(out: &mut Vec<u8>, profile: &Profile) {
    let (stem, ending) = profile.city();
    text::uuid(out, &profile.id);
    let mut field = |parts: &[&str]| {
        out.push(b',');
        parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    };
    field(&[words::FIRST_NAMES[profile.first]]);
    field(&[words::LAST_NAMES[profile.last]]);
    field(&[&email(profile)]);
    field(&[&profile.age.to_string()]);
    field(&[users::INCOMES[profile.income]]);
    field(&[users::TIERS[profile.tier]]);
    field(&[users::RISKS[profile.risk]]);
    field(&[stem, ending]);
    field(&[words::STATES[profile.state]]);
    field(&[users::COUNTRY]);
    out.push(b',');
    text::moment(out, &profile.registered);
    // Always two or more, so always quoted.
    out.extend_from_slice(b",\"");
    out.extend_from_slice(interests(profile).as_bytes());
    out.extend_from_slice(if profile.active { b"\",true," } else { b"\",false," });
    out.extend_from_slice(users::SOURCE_SYSTEM.as_bytes());
    out.push(b'\n');
}

/// The mail address of a user.
pub(super) fn email(profile: &Profile) -> String {
    let (first, last) = (words::FIRST_NAMES[profile.first], words::LAST_NAMES[profile.last]);
    let domain = words::MAIL_DOMAINS[profile.email_domain];
    format!("{}.{}{}@{domain}", first.to_lowercase(), last.to_lowercase(), profile.email_number)
}

/// The preferred categories of a user as a comma list.
pub(super) fn interests(profile: &Profile) -> String {
    profile.interests.iter().map(|interest| words::INTERESTS[*interest]).collect::<Vec<_>>().join(",")
}
