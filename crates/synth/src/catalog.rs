//! The merchants and categories of both worlds: shops for the batch files, online services for the stream.
//!
//! Guarantees: the two sets of merchants and of categories have no member in common; every merchant belongs to one
//! category; the catalog is the same for every seed and month, so dimensions grow and then settle.

use std::collections::BTreeSet;

use crate::rng::{Draw, Purpose};
use crate::{text, words};

/// Categories of the batch files, in the order of the merchants.
pub const BATCH_CATEGORIES: [&str; 7] =
    ["groceries", "utilities", "salary", "rent", "transport", "health", "entertainment"];

/// Categories of the stream.
pub const STREAM_CATEGORIES: [&str; 7] =
    ["online_shopping", "food_delivery", "ride_sharing", "subscriptions", "gaming", "digital_services", "investments"];

/// Currencies of the stream; the batch files have USD alone.
pub const STREAM_CURRENCIES: [&str; 5] = ["USD", "EUR", "GBP", "CAD", "AUD"];

/// Merchants in each batch category.
pub(crate) const SHOPS_PER_CATEGORY: u32 = 300;
/// Merchants in each stream category.
pub(crate) const SERVICES_PER_CATEGORY: u32 = 60;

/// A shop of the batch files.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Its name.
    pub(crate) name: String,
    /// Its name as a CSV field.
    pub(crate) csv: Vec<u8>,
}

/// All shops; shop `i` belongs to category `i / SHOPS_PER_CATEGORY`.
pub(crate) fn shops() -> Vec<Shop> {
    let mut draw = Draw::new(0, Purpose::Merchants, 0, 0);
    distinct(BATCH_CATEGORIES.len() as u32 * SHOPS_PER_CATEGORY, || shop_name(&mut draw))
        .into_iter()
        .map(|name| {
            let mut csv = Vec::new();
            text::csv_field(&mut csv, name.as_bytes());
            Shop { name, csv }
        })
        .collect()
}

/// All online merchants; merchant `i` belongs to category `i / SERVICES_PER_CATEGORY`.
pub(crate) fn services() -> Vec<String> {
    let mut draw = Draw::new(0, Purpose::Merchants, 0, 1);
    distinct(STREAM_CATEGORIES.len() as u32 * SERVICES_PER_CATEGORY, || {
        let mut word = |list: &[&'static str]| list[draw.below(list.len() as u32) as usize];
        format!("{}{}{}", word(&words::ONLINE_STEMS), word(&words::ONLINE_ENDINGS), word(&words::ONLINE_TAILS))
    })
}

fn distinct(count: u32, mut name: impl FnMut() -> String) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::with_capacity(count as usize);
    while names.len() < count as usize {
        let name = name();
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

/// Half of the names hold a comma and one in fifty holds quotes, so that readers of the files must know RFC 4180.
fn shop_name(draw: &mut Draw) -> String {
    let shape = draw.weighted(&[50, 24, 24, 2]);
    let mut word = |list: &[&'static str]| list[draw.below(list.len() as u32) as usize];
    match shape {
        0 => format!("{}, {} and {}", word(&words::LAST_NAMES), word(&words::LAST_NAMES), word(&words::LAST_NAMES)),
        1 => format!("{}-{}", word(&words::LAST_NAMES), word(&words::LAST_NAMES)),
        2 => format!("{} {}", word(&words::LAST_NAMES), word(&words::COMPANY_FORMS)),
        _ => format!("{}'s \"{}\" {}", word(&words::LAST_NAMES), word(&words::SHOP_SIGNS), word(&words::SHOP_KINDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_and_stream_have_nothing_in_common() {
        let shops: BTreeSet<String> = shops().into_iter().map(|shop| shop.name).collect();
        let services = services();
        assert_eq!(shops.len(), 2100);
        assert_eq!(services.len(), 420);
        assert!(services.iter().all(|name| !shops.contains(name)));
        assert!(STREAM_CATEGORIES.iter().all(|category| !BATCH_CATEGORIES.contains(category)));
    }

    #[test]
    fn some_shops_need_quoting() {
        let shops = shops();
        let share = |test: fn(&Shop) -> bool| shops.iter().filter(|shop| test(shop)).count() * 100 / shops.len();
        assert!((40..60).contains(&share(|shop| shop.name.contains(','))));
        assert!((1..5).contains(&share(|shop| shop.name.contains('"'))));
    }
}
