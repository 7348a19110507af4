//! Records of CSV as RFC 4180 has them, and what becomes of those that break it.

use super::*;

/// Values, or the rule that the record breaks.
type Row = Result<Vec<Option<String>>, &'static str>;

/// Reads all of `input` with the given width; values as text, damage as the rule's name.
fn read(input: &[u8], width: usize) -> Vec<(u64, Row)> {
    let layout = Layout { delimiter: b',', width: Some(width) };
    let mut fields = Fields::new(width);
    let (mut at, mut line, mut row) = (0, 1, 0);
    let mut all = Vec::new();
    while at < input.len() {
        let Some(record) = next_record(layout, input, at, true, &mut fields) else { unreachable!("input is whole") };
        assert!(record.next > at, "no progress at {at}");
        match record.found {
            Found::Blank => {}
            Found::Damaged(damage) => all.push((line, Err(damage.rule()))),
            Found::Values => {
                let value = |column| match fields.get(input, row, column) {
                    (Kind::Null, _) => None,
                    (_, bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                };
                all.push((line, Ok((0..width).map(value).collect())));
                row += 1;
            }
        }
        at = record.next;
        line += record.lines;
    }
    assert_eq!(at, input.len());
    all
}

fn row(values: &[&str]) -> Row {
    Ok(values.iter().map(|value| (*value != "~").then(|| (*value).to_owned())).collect())
}

#[test]
fn good_records_in_every_line_end_and_quoting() {
    let input = b"a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\n,\"\"\r\n\"two\nlines\",z\n\r\n\nlast,cr\rinside";
    assert_eq!(
        read(input, 2),
        [
            (1, row(&["a", "b"])),
            (2, row(&["x, y", "say \"hi\""])),
            (3, row(&["~", ""])),
            (4, row(&["two\nlines", "z"])),
            (8, row(&["last", "cr\rinside"])),
        ]
    );
}

#[test]
fn a_record_at_the_end_needs_no_line_end() {
    for input in [&b"a,b"[..], b"a,b\r", b"a,\"b\"", b"a,\"b\"\r", b"a,b\n", b"a,b\r\n"] {
        assert_eq!(read(input, 2), [(1, row(&["a", "b"]))], "{input:?}");
    }
    assert_eq!(read(b"a,", 2), [(1, row(&["a", "~"]))]);
}

#[test]
fn damage_takes_one_line_and_reading_goes_on_at_the_next() {
    for (damaged, rule) in [
        (&b"a,b\"c,d"[..], "stray_quote"),
        (b"a,\"b\"c,d", "text_after_quote"),
        (b"a,b,c,d", "ragged"),
        (b"a", "ragged"),
        (b"   ", "ragged"),
        (b"a,\"b,c", "unclosed_quote"),
        (b"\"a,b,c", "unclosed_quote"),
        (b"a,b,\"c", "unclosed_quote"),
    ] {
        for after in [&b"1,2,3\n4,5,6\n"[..], b"1,\"2\",3\n4,5,6\n", b"1,\"2, x\",3\n4,\"5\n!\",6\n", b""] {
            let input = [damaged, b"\n", after].concat();
            let all = read(&input, 3);
            assert_eq!(all[0], (1, Err(rule)), "{}", String::from_utf8_lossy(&input));
            let alone = read(after, 3);
            let shifted: Vec<_> = alone.into_iter().map(|(line, record)| (line + 1, record)).collect();
            assert_eq!(all[1..], shifted, "{}", String::from_utf8_lossy(&input));
        }
    }
}

#[test]
fn a_line_past_the_limit_is_one_damaged_record() {
    let mut input = b"1,".to_vec();
    input.resize(RECORD_BYTES_MAX + 1, b'x');
    input.extend_from_slice(b"\n3,4\n");
    assert_eq!(read(&input, 2), [(1, Err("record_too_long")), (2, row(&["3", "4"]))]);
    // Within the limit, it is a record.
    input.drain(2..3);
    assert_eq!(read(&input, 2).iter().filter(|(_, record)| record.is_ok()).count(), 2);
}

#[test]
fn a_quoted_field_that_never_ends_within_the_limit_is_damaged() {
    let mut input = b"1,\"".to_vec();
    while input.len() < RECORD_BYTES_MAX + 10 {
        input.extend_from_slice(format!("x,{}\n", "y".repeat(2000)).as_bytes());
    }
    input.extend_from_slice(b"5,\"6\"\n");
    let all = read(&input, 2);
    assert_eq!(all[0], (1, Err("unclosed_quote")));
    assert!(all[1..].iter().skip(1).all(|(_, record)| record.is_ok()));
}

#[test]
fn an_end_in_the_middle_of_a_record_is_told_and_leaves_nothing() {
    let layout = Layout { delimiter: b',', width: Some(2) };
    let input = b"a,\"b \"\" c\nd\"\r\n";
    for end in 0..input.len() {
        let mut fields = Fields::new(2);
        assert_eq!(next_record(layout, &input[..end], 0, false, &mut fields), None, "cut at {end}");
        assert_eq!(fields.rows(), 0);
    }
    let mut fields = Fields::new(2);
    let record = next_record(layout, input, 0, false, &mut fields);
    assert_eq!(record.map(|record| (record.next, record.lines)), Some((input.len(), 2)));
}

proptest::proptest! {
    /// Whatever the bytes, reading ends, and every byte belongs to exactly one record.
    #[test]
    fn any_bytes_are_read_to_the_end(input in proptest::collection::vec(
        proptest::sample::select(b"ab,\"\n\r\0\xff".to_vec()), 0..200)) {
        read(&input, 3);
    }

    /// What a well-kept writer writes is read back.
    #[test]
    fn what_the_csv_crate_writes_is_read_back(rows in proptest::collection::vec(
        proptest::collection::vec("[ab,\"\n\r ]{0,6}", 3), 1..20)) {
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap_or_default();
        }
        let input = writer.into_inner().unwrap_or_default();
        let read: Vec<_> = read(&input, 3).into_iter().map(|(_, record)| record).collect();
        let expected: Vec<_> = rows.into_iter().map(|row| Ok(row.into_iter().map(Some).collect())).collect();
        proptest::prop_assert_eq!(read, expected);
    }
}
