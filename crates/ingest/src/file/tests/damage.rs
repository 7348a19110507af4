//! Damaged rows: each in quarantine with its place and its rules, the others loaded.

use super::*;

#[test]
fn every_kind_of_damage_is_told_with_its_place() {
    let project = Project::with(json!({"max_error_share": 1.0}));
    let content = b"\xef\xbb\xbfid,amount,note\r\n\
        1,1.10,good\r\n\
        \r\n\
        x,1000.01,two rules\n\
        ,5,no id\n\
        2,1.234,scale\n\
        3,few\n\
        4,4,a,b\n\
        5,5,\"never closed\n\
        6,6,st\"ray\n\
        7,7,\"a\"b\n\
        8,8,\xfcnicode\n\
        9,9,nul\0byte\n\
        10,10,\"multi\nline\"\n\
        11,11,";
    let report = project.ingest_one("orders_1.csv", content);
    assert_eq!((report.status, counts(&report.entry)), (UnitStatus::Loaded, (13, 3, 10)));
    assert_eq!(
        project.raw(),
        ["10|10.00|multi\nline|orders_1.csv|14", "11|11.00|~|orders_1.csv|16", "1|1.10|good|orders_1.csv|2",]
    );
    let mut rejected = project.rejected();
    rejected.sort_by_key(|row| row.split(' ').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(
        rejected,
        [
            "4 34 19 [type: column id: 'x' is not an integer of 32 bits, max: column amount: '1000.01' is more than 1000]",
            "5 54 8 [required: column id: has no value]",
            "6 63 13 [scale: column amount: '1.234' has more than 2 digits after the point]",
            "7 77 5 [ragged: 2 fields, 3 expected]",
            "8 83 7 [ragged: 4 fields, 3 expected]",
            "9 91 17 [unclosed_quote: a quote on this line is not closed where its field ends]",
            "10 109 10 [stray_quote: a quote inside a field that is not quoted]",
            "11 120 8 [text_after_quote: text after a closing quote]",
            "12 129 11 [encoding: not UTF-8]",
            "13 141 12 [nul_byte: a NUL byte]",
        ]
    );
    // The raw bytes are those at the place that is told.
    let raw = project.warehouse.column(QUARANTINE, "raw");
    for row in &rejected {
        let numbers: Vec<usize> = row.split(' ').skip(1).take(2).map(|number| number.parse().unwrap()).collect();
        let bytes = &content[numbers[0]..numbers[0] + numbers[1]];
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(raw.contains(&hex), "{row}");
    }
}

#[test]
fn a_line_of_a_gibibyte_is_one_quarantined_row() {
    // Past the limit of a record; a GiB takes the same path for longer (see the chunks' own test of memory).
    let project = Project::with(json!({"max_error_share": 0.5}));
    let mut content = b"id,amount,note\n1,1,a\n2,2,".to_vec();
    let line = 20 * 1024 * 1024;
    content.resize(content.len() + line, b'x');
    content.extend_from_slice(b"\n3,3,c\n");
    let report = project.ingest_one("orders_1.csv.gz", gzip(&content));
    assert_eq!((report.status, counts(&report.entry)), (UnitStatus::Loaded, (3, 2, 1)));
    let rejected = project.rejected();
    assert!(rejected[0].starts_with(&format!("3 21 {} [record_too_long: ", line + 4)), "{rejected:?}");
    let raw = &project.warehouse.column(QUARANTINE, "raw")[0];
    assert_eq!(raw.len(), 2 * millstream_core::limits::QUARANTINE_RAW_BYTES_MAX);
}

#[test]
fn many_rows_keep_their_lines_whatever_the_threads() {
    let mut content = String::from("id,amount,note\n");
    for id in 0..60_000 {
        match id % 997 {
            0 => content.push_str(&format!("{id},bad,\"multi\nline\"\n")),
            1 => content.push_str(&format!("{id},1.5,\"open\n")),
            2 => content.push_str(&format!("{id},{id}.25,\"multi\nline {id}\"\n")),
            _ => content.push_str(&format!("{id},{}.25,\"note, {id}\"\n", id % 900)),
        }
    }
    let mut seen = Vec::new();
    for threads in [1, 2, 5] {
        let mut project = Project::new();
        project.threads = threads;
        let report = project.ingest_one("orders_1.csv", &content);
        assert_eq!(report.entry.rows_in, 60_000);
        seen.push((project.raw(), project.quarantine()));
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2]);
    let lines: Vec<&str> = content.split('\n').collect();
    for row in &seen[0].0 {
        let (id, rest) = row.split_once('|').unwrap();
        let line: usize = rest.rsplit('|').next().unwrap().parse().unwrap();
        assert!(lines[line - 1].starts_with(&format!("{id},")), "{row}");
    }
}
