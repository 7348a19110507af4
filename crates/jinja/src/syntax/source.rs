//! A text and where it stands in the user's files: turns byte offsets into lines and columns.

use std::sync::Arc;

use millstream_core::Place;

/// A template's text with its place.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) package: Arc<str>,
    pub(crate) path: Arc<str>,
    /// The text as the user wrote it (offsets point into it).
    pub(crate) text: Arc<str>,
    /// Line of the file on which the text starts.
    pub(crate) first_line: u32,
}

impl Source {
    pub(crate) fn new(package: &str, path: &str, text: &str, first_line: u32) -> Self {
        Self { package: package.into(), path: path.into(), text: text.into(), first_line }
    }
    /// Line and column (in characters), both from 1.
    pub(crate) fn position(&self, offset: usize) -> (u32, u32) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX);
        let start_of_line = before.rfind('\n').map_or(0, |at| at + 1);
        let column = u32::try_from(before[start_of_line..].chars().count()).unwrap_or(u32::MAX);
        (self.first_line.saturating_add(line), column.saturating_add(1))
    }
    pub(crate) fn place(&self, offset: usize) -> Place {
        let (line, column) = self.position(offset);
        Place::column(&*self.path, line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_the_start_of_the_file() {
        let source = Source::new("p", "a.sql", "äö{{ x }}\nzweite", 10);
        assert_eq!(source.position(4), (10, 3));
        assert_eq!(source.position(source.text.len()), (11, 7));
        assert_eq!(source.position(usize::MAX), (11, 7));
    }
}
