//! A seed's file as text cells.

use csv::{Position, ReaderBuilder, StringRecord};
use millstream_core::{Error, Place, Result};
use millstream_project::Node;

/// Bytes of a seed file above which it is refused. Seeds are kept in memory whole; bigger files are sources.
pub(super) const SEED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A seed's header and rows. No row has more cells than there are names.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) names: Vec<String>,
    rows: Vec<StringRecord>,
    /// The line on which each row starts, from 1.
    pub(super) lines: Vec<u32>,
}

impl Text {
    /// The cells of one column. Empty and `null` (in any case) are null, and so is what a row that ends early lacks, as
    /// in dbt.
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
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter(node)?).has_headers(true).flexible(true).from_reader(bytes);
    let header = reader.headers().map_err(|error| explain(node, bytes, error))?.clone();
    let names = names(node, &header)?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| explain(node, bytes, error))?;
        let line = line(bytes, record.position());
        if record.len() > names.len() {
            return Err(improper(node, Place::line(node.file(), line))
                .why(format!("this row has {} fields, the header has {}", record.len(), names.len()))
                .hint("look for an extra separator, or an unclosed quote before it"));
        }
        lines.push(line);
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

/// The line on which a record starts. Its position is in front of what the one before it ended with: of CRLF, one half.
fn line(bytes: &[u8], position: Option<&Position>) -> u32 {
    let Some(position) = position else { return 0 };
    let before = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let ends = before.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
    u32::try_from(position.line()).unwrap_or(0) + u32::try_from(ends).unwrap_or(0)
}

fn improper(node: &Node, place: Place) -> Error {
    Error::user(format!("the seed {} is not a proper CSV file", node.name)).at(place)
}

fn explain(node: &Node, bytes: &[u8], error: csv::Error) -> Error {
    let place = error
        .position()
        .map_or_else(|| Place::file(node.file()), |position| Place::line(node.file(), line(bytes, Some(position))));
    let told = improper(node, place);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => told.why("it is not UTF-8 text").hint("save the file as UTF-8"),
        _ => told.why(error),
    }
}
