//! Functions of text, one file a group. Positions and lengths count characters, from 1.

mod basic;
mod distance;
mod encode;
mod pad;
mod position;
mod regex;
mod split;

use super::scalar::Function;

/// All functions of text.
pub(super) fn families() -> [&'static [Function]; 7] {
    [
        basic::FUNCTIONS,
        distance::FUNCTIONS,
        encode::FUNCTIONS,
        pad::FUNCTIONS,
        position::FUNCTIONS,
        regex::FUNCTIONS,
        split::FUNCTIONS,
    ]
}

/// Byte offset of a character, counted from 0; the end of the text when it has fewer.
fn offset(text: &str, characters: usize) -> usize {
    if text.is_ascii() {
        return characters.min(text.len());
    }
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

/// Characters of a text.
fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
