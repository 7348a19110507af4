//! A seed's file as text cells.

use csv::{Position, ReaderBuilder, StringRecord};
use millstream_core::{Error, Place, Result};
use millstream_project::Node;

/// Bytes of a seed file above which it is refused. Seeds are kept in memory whole; bigger files are sources.
pub(super) const SEED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A seed's header and rows. Every row has as many cells as there are names.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) names: Vec<String>,
    rows: Vec<StringRecord>,
    /// The line on which each row starts, from 1.
    pub(super) lines: Vec<u32>,
}

impl Text {
    /// The cells of one column. Empty and `null` (in any case) are null, as in dbt.
    pub(super) fn column(&self, position: usize) -> impl Iterator<Item = Option<&str>> {
        self.rows.iter().map(move |row| {
            let cell = row.get(position).unwrap_or_default();
            let trimmed = cell.trim();
            (!trimmed.is_empty() && !trimmed.eq_ignore_ascii_case("null")).then_some(cell)
        })
    }
}

pub(super) fn read(node: &Node, bytes: &[u8]) -> Result<Text> {
    if bytes.len() > SEED_BYTES_MAX {
        return Err(Error::user(format!(
            "the seed {} has {} bytes, the limit is {SEED_BYTES_MAX}",
            node.name,
            bytes.len()
        ))
        .at(Place::file(node.file()))
        .hint("declare the file as a source and ingest it"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().delimiter(delimiter(node)?).has_headers(true).from_reader(bytes);
    let header = reader.headers().map_err(|error| explain(node, error))?.clone();
    let names = names(node, &header)?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| explain(node, error))?;
        lines.push(line(record.position()));
        rows.push(record);
    }
    Ok(Text { names, rows, lines })
}

fn delimiter(node: &Node) -> Result<u8> {
    match node.config.delimiter.as_bytes() {
        [single] => Ok(*single),
        b"\\t" => Ok(b'\t'),
        _ => Err(Error::user(format!(
            "the delimiter '{}' of the seed {} is not one character",
            node.config.delimiter, node.name
        ))
        .at(Place::file(node.file()))
        .hint("use one ASCII character, for example ';' or '|'")),
    }
}

fn names(node: &Node, header: &StringRecord) -> Result<Vec<String>> {
    let is_exact = node.config.quote_columns == Some(true);
    let names: Vec<String> =
        header.iter().map(|name| if is_exact { name.trim().to_owned() } else { name.trim().to_lowercase() }).collect();
    let wrong = |what: String| {
        Error::user(format!("the header of the seed {} {what}", node.name)).at(Place::line(node.file(), 1))
    };
    if names.iter().all(String::is_empty) {
        return Err(wrong("is empty".into()).hint("write the names of the columns into the first line"));
    }
    for (position, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(wrong(format!("has no name for column {}", position + 1)).hint("name it"));
        }
        if names[..position].contains(name) {
            return Err(wrong(format!("names the column {name} twice")).hint("rename one of them"));
        }
    }
    Ok(names)
}

fn line(position: Option<&Position>) -> u32 {
    position.and_then(|position| u32::try_from(position.line()).ok()).unwrap_or(0)
}

fn explain(node: &Node, error: csv::Error) -> Error {
    let place = error
        .position()
        .map_or_else(|| Place::file(node.file()), |position| Place::line(node.file(), line(Some(position))));
    let told = Error::user(format!("the seed {} is not a proper CSV file", node.name)).at(place);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => told
            .why(format!("this row has {len} fields, the header has {expected_len}"))
            .hint("look for a missing or extra separator, or an unclosed quote before it"),
        csv::ErrorKind::Utf8 { .. } => told.why("it is not UTF-8 text").hint("save the file as UTF-8"),
        _ => told.why(error),
    }
}
