//! Where the parts of a rendered text come from: what a compiler calls a source map.
//!
//! Guarantees: text that stands in the template maps to its own line and column; text that an expression made maps to
//! the expression, and tells the macro that was called there. Deliberately absent: places inside of macros.

use std::ops::Range;
use std::sync::Arc;

use millstream_core::Place;

use crate::syntax::Source;

/// Where a byte of a rendered text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextOrigin {
    /// The place in the template.
    pub place: Place,
    /// The macro whose call stands there, if what it gave is the text.
    pub made_by: Option<String>,
    /// Whether an expression made the text, so that the place is only where the expression starts.
    pub is_made: bool,
}

/// Where the parts of a rendered text come from.
#[derive(Debug, Clone, Default)]
pub struct TextMap {
    /// In the order of the text, without overlaps; gaps are text that nobody knows of.
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    start: usize,
    bytes: usize,
    source: Arc<Source>,
    offset: usize,
    /// `None`: the source's own text.
    made: Option<Option<Arc<str>>>,
}

impl TextMap {
    pub(crate) fn copied(&mut self, start: usize, bytes: usize, source: &Arc<Source>, offset: usize) {
        self.parts.push(Part { start, bytes, source: Arc::clone(source), offset, made: None });
    }

    pub(crate) fn made(
        &mut self,
        start: usize,
        bytes: usize,
        source: &Arc<Source>,
        offset: usize,
        made_by: Option<String>,
    ) {
        let made = Some(made_by.map(Arc::from));
        self.parts.push(Part { start, bytes, source: Arc::clone(source), offset, made });
    }

    /// Where the byte at this offset comes from; `None` for text that nobody knows of.
    pub fn origin(&self, offset: usize) -> Option<TextOrigin> {
        let after = self.parts.partition_point(|part| part.start <= offset);
        // Parts that wrote nothing stand at the same offset as the part after them.
        let part = self.parts[..after].iter().rev().find(|part| part.bytes > 0)?;
        let inside = offset - part.start;
        if inside > part.bytes {
            return None;
        }
        let at = if part.made.is_some() { part.offset } else { part.offset + inside };
        Some(TextOrigin {
            place: part.source.place(at),
            made_by: part.made.as_ref().and_then(|name| name.as_deref().map(str::to_owned)),
            is_made: part.made.is_some(),
        })
    }

    /// The map of a part of the text.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut sliced = Self::default();
        for part in &self.parts {
            let start = part.start.max(range.start);
            let end = (part.start + part.bytes).min(range.end);
            if start < end {
                let cut = if part.made.is_some() { 0 } else { start - part.start };
                let offset = part.offset + cut;
                sliced.parts.push(Part { start: start - range.start, bytes: end - start, offset, ..part.clone() });
            }
        }
        sliced
    }

    /// Adds the map of a text that stands at this offset, behind all that is mapped already.
    pub fn append(&mut self, offset: usize, other: Self) {
        self.parts.extend(other.parts.into_iter().map(|part| Part { start: part.start + offset, ..part }));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn slices_and_appended_maps_keep_their_places() {
        let source = Arc::new(Source::new("p", "m.sql", "ab\ncd {{ x }} ef", 1));
        let mut map = TextMap::default();
        map.copied(0, 6, &source, 0);
        map.made(6, 10, &source, 9, Some("x".into()));
        map.copied(16, 3, &source, 13);
        let origin = map.origin(4).unwrap();
        assert_eq!((origin.place.to_string().as_str(), origin.is_made), ("m.sql:2:2", false));
        let origin = map.origin(12).unwrap();
        assert_eq!((origin.place.to_string().as_str(), origin.made_by.as_deref()), ("m.sql:2:7", Some("x")));
        assert_eq!(map.origin(17).unwrap().place.to_string(), "m.sql:2:12");
        assert_eq!(map.origin(19).unwrap().place.to_string(), "m.sql:2:14", "the end of the text");
        assert_eq!(map.origin(20), None);
        let mut whole = TextMap::default();
        whole.append(100, map.slice(4..19));
        assert_eq!(whole.origin(100).unwrap().place.to_string(), "m.sql:2:2");
        assert_eq!(whole.origin(103).unwrap().made_by.as_deref(), Some("x"));
        assert_eq!(whole.origin(113).unwrap().place.to_string(), "m.sql:2:12");
        assert_eq!(whole.origin(99), None);
    }
}
