//! Cutting a file at record boundaries, whatever the size of the chunks.

#![allow(clippy::unwrap_used)]
use super::*;

/// Small, so that a short content has many chunks.
const SMALL_CHUNK: usize = 1000;

/// Offset, line, what it is, bytes.
type Place = (u64, u64, Found, Vec<u8>);

/// Records of a whole content: by chunks, and in one go.
fn both(content: &[u8], width: usize) -> [Vec<Place>; 2] {
    let mut chunker = Chunker::new(content, b',');
    chunker.layout.width = Some(width);
    chunker.chunk_bytes = SMALL_CHUNK;
    let mut fields = Fields::new(width);
    let mut walk = |bytes: &[u8], offset: u64, mut line: u64, all: &mut Vec<_>| {
        let mut at = 0;
        while at < bytes.len() {
            let layout = Layout { delimiter: b',', width: Some(width) };
            let record = next_record(layout, bytes, at, true, &mut fields).unwrap();
            all.push((offset + record.bytes.start as u64, line, record.found, bytes[record.bytes.clone()].to_vec()));
            (at, line) = (record.next, line + record.lines);
        }
    };
    let [mut chunked, mut direct] = [Vec::new(), Vec::new()];
    let mut spare = Vec::new();
    while let Some(chunk) = chunker.next(spare).unwrap() {
        assert_eq!(chunk.too_long, None);
        walk(&chunk.bytes, chunk.offset, chunk.line, &mut chunked);
        spare = chunk.bytes;
    }
    walk(content, 0, 1, &mut direct);
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(chunker.finish().unwrap(), hash);
    [chunked, direct]
}

#[test]
fn chunks_give_the_records_that_one_pass_gives() {
    let good = "1,\"Torres, Williams\",x\r\n2,plain,y\n3,\"two\nlines \"\"q\"\"\",z\n\n";
    let broken = "4,\"never closed,x\n5,st\"ray,x\n6,\"a\"b,x\n7,ragged\n";
    let mut content = String::new();
    for i in 0..1_500 {
        content.push_str(good);
        if i % 149 == 17 {
            content.push_str(broken);
        }
    }
    assert!(content.len() > 50 * SMALL_CHUNK);
    // Shifted byte by byte, so that cuts fall on every place in a record.
    for shift in 0..good.len() {
        let [chunked, direct] = both(format!("{}\n{content}", "x".repeat(shift)).as_bytes(), 3);
        assert!(chunked == direct, "shift {shift}");
    }
}

#[test]
fn a_quoted_field_across_chunks_stays_whole() {
    let mut content = b"1,\"".to_vec();
    while content.len() < 30 * SMALL_CHUNK {
        content.extend_from_slice(b"line\n");
    }
    content.extend_from_slice(b"\"\n2,x\n");
    let [chunked, direct] = both(&content, 2);
    assert_eq!(chunked, direct);
    assert_eq!(chunked.len(), 2);
}

#[test]
fn a_quote_that_is_never_closed_takes_one_line_out() {
    let mut content = b"1,\"never closed\n".to_vec();
    while content.len() < RECORD_BYTES_MAX + 3 * CHUNK_BYTES {
        content.extend_from_slice(format!("2,{}\n", "x".repeat(2000)).as_bytes());
    }
    let mut chunker = Chunker::new(content.as_slice(), b',');
    chunker.layout.width = Some(2);
    let mut fields = Fields::new(2);
    let (mut bytes, mut first) = (0, None);
    while let Some(chunk) = chunker.next(Vec::new()).unwrap() {
        bytes += chunk.bytes.len();
        first.get_or_insert_with(|| next_record(chunker.layout, &chunk.bytes, 0, true, &mut fields).unwrap());
    }
    assert_eq!(bytes, content.len());
    let first = first.unwrap();
    assert_eq!((first.found, first.next), (Found::Damaged(csv::Damage::UnclosedQuote), 16));
    assert!(chunker.carry.capacity() < RECORD_BYTES_MAX + 4 * CHUNK_BYTES);
}

#[test]
fn a_line_without_end_is_read_over_in_bounded_memory() {
    let length = 40 * CHUNK_BYTES as u64;
    let long = io::repeat(b'x').take(length);
    let mut chunker = Chunker::new(io::Cursor::new(b"a,b\n1,2\n").chain(long).chain(io::Cursor::new(b"\n3,4\n")), b',');
    assert!(chunker.header().unwrap().is_some());
    let first = chunker.next(Vec::new()).unwrap().unwrap();
    assert_eq!((first.bytes.as_slice(), first.line), (&b"1,2\n"[..], 2));
    let second = chunker.next(Vec::new()).unwrap().unwrap();
    assert_eq!((second.too_long, second.line, second.offset), (Some(length), 3, 8));
    assert_eq!(second.bytes.len(), QUARANTINE_RAW_BYTES_MAX);
    assert!(chunker.carry.capacity() < RECORD_BYTES_MAX + 4 * CHUNK_BYTES);
    let third = chunker.next(Vec::new()).unwrap().unwrap();
    assert_eq!((third.bytes.as_slice(), third.line, third.offset), (&b"3,4\n"[..], 4, 9 + length));
    assert!(chunker.next(Vec::new()).unwrap().is_none());
}

#[test]
fn headers_are_found_behind_a_mark_and_blank_lines() {
    let header = |content: &[u8]| {
        let header = Chunker::new(content, b',').header().unwrap()?;
        Some(header.fields.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect::<Vec<_>>())
    };
    let expected = Some(vec!["a".to_owned(), "b, c".to_owned()]);
    for content in [
        &b"a,\"b, c\"\n1,2\n"[..],
        b"\xef\xbb\xbfa,\"b, c\"\r\n1,2\n",
        b"\r\n\na,\"b, c\"",
        b"\xef\xbb\xbf\"a\",\"b, c\"\n",
    ] {
        assert_eq!(header(content), expected, "{content:?}");
    }
    assert_eq!(header(b""), None);
    assert_eq!(header(b"\xef\xbb\xbf"), None);
    assert_eq!(header(b"\n\r\n"), None);
    assert_eq!(header(b"a,\"b"), Some(vec![]));
}
