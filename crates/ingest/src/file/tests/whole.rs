//! Files as a whole: once, replaced, refused, compressed.

use super::*;

const FILE: &str = "id,amount,note\n1,10.50,a\n2,-3,\"b, c\"\n";

#[test]
fn a_file_is_loaded_once_and_says_so() {
    let project = Project::new();
    let report = project.ingest_one("orders_1.csv", FILE);
    assert_eq!(report.status, UnitStatus::Loaded);
    assert_eq!(counts(&report.entry), (2, 2, 0));
    assert_eq!(project.raw(), ["1|10.50|a|orders_1.csv|2", "2|-3.00|b, c|orders_1.csv|3"]);
    let (raw, quarantine) = (project.warehouse.versions(RAW), project.warehouse.versions(QUARANTINE));
    let again = project.ingest();
    assert_eq!(again[0].status, UnitStatus::AlreadyLoaded);
    assert_eq!(again[0].entry, report.entry, "the line of then");
    assert_eq!((project.warehouse.versions(RAW), project.warehouse.versions(QUARANTINE)), (raw, quarantine));
    assert_eq!(project.ledger.entries().unwrap().len(), 1);
}

#[test]
fn other_content_is_refused_and_replaces_when_asked() {
    let mut project = Project::new();
    project.ingest_one("orders_0.csv", "id,amount,note\n0,0,keep\n");
    project.ingest_one("orders_1.csv", "id,amount,note\n1,10.50,a\nx,1,broken\n");
    assert_eq!(project.quarantine().len(), 1);
    let refused = project.ingest_one("orders_1.csv", FILE);
    assert!(reason(&refused).contains("--replace"), "{refused:?}");
    assert_eq!(project.raw().len(), 2, "nothing changed");
    project.replace = true;
    let replaced = project.ingest_one("orders_1.csv", FILE);
    assert_eq!(replaced.status, UnitStatus::Replaced);
    assert_eq!(
        project.raw(),
        ["0|0.00|keep|orders_0.csv|2", "1|10.50|a|orders_1.csv|2", "2|-3.00|b, c|orders_1.csv|3"]
    );
    assert!(project.quarantine().is_empty(), "the broken row of the earlier content is gone");
    // Back to the first content and forth again.
    for _ in 0..2 {
        project.ingest_one("orders_1.csv", "id,amount,note\n1,10.50,a\nx,1,broken\n");
        assert_eq!((project.raw().len(), project.quarantine().len()), (2, 1));
        project.ingest_one("orders_1.csv", FILE);
        assert_eq!((project.raw().len(), project.quarantine().len()), (3, 0));
    }
    let statuses: Vec<_> = project.ingest().into_iter().map(|report| report.status).collect();
    assert_eq!(statuses, [UnitStatus::AlreadyLoaded, UnitStatus::AlreadyLoaded]);
}

#[test]
fn a_copy_and_a_compressed_copy_are_known_by_their_content() {
    let project = Project::new();
    project.write("orders_1.csv", FILE);
    project.write("orders_1.csv.gz", gzip(FILE.as_bytes()));
    project.write("orders_2.csv", FILE);
    let reports = project.ingest();
    assert_eq!(reports[0].status, UnitStatus::Loaded);
    for report in &reports[1..] {
        assert_eq!(report.status, UnitStatus::SameContent { loaded_as: "in/orders_1.csv".to_owned() });
    }
    assert_eq!(reports[2].entry.unit, "in/orders_2.csv");
    assert_eq!(project.raw().len(), 2);
}

#[test]
fn files_of_one_name_in_two_folders_are_told_apart() {
    let project = Project::with(json!({"path": "in/**/orders_*.csv"}));
    std::fs::create_dir(project.dir.path().join("in/late")).unwrap();
    project.write("orders_1.csv", FILE);
    project.write("late/orders_1.csv", "id,amount,note\n7,7,x\n");
    let reports = project.ingest();
    assert_eq!(reports[0].status, UnitStatus::Loaded);
    assert!(reason(&reports[1]).contains("rename"), "{reports:?}");
}

#[test]
fn compressed_files_are_read_to_their_last_member() {
    let project = Project::new();
    let members = [gzip(b"id,amount,note\n1,1,a\n"), gzip(b"2,2,b\n")].concat();
    assert_eq!(project.ingest_one("orders_1.csv.gz", members).status, UnitStatus::Loaded);
    let frames =
        [zstd::encode_all(&b"id,amount,note\n3,3,"[..], 3).unwrap(), zstd::encode_all(&b"c\n"[..], 3).unwrap()];
    assert_eq!(project.ingest_one("orders_2.csv.zst", frames.concat()).status, UnitStatus::Loaded);
    // By its first bytes, whatever its name.
    assert_eq!(project.ingest_one("orders_3.csv", gzip(b"id,amount,note\n4,4,d\n")).status, UnitStatus::Loaded);
    assert_eq!(project.warehouse.column(RAW, "id"), ["1", "2", "3", "4"]);
}

#[test]
fn files_that_cannot_be_read_are_refused_and_the_others_go_on() {
    let project = Project::new();
    let cut = gzip(&[b"id,amount,note\n".to_vec(), b"1,1,a\n".repeat(1000)].concat());
    project.write("orders_1.csv.gz", &cut[..cut.len() - 20]);
    project.write("orders_2.csv.gz", FILE);
    project.write("orders_3.csv", b"\xff\xfei\0d\0");
    project.write("orders_4.csv", b"i\0d\0,\0");
    project.write("orders_5.csv", "");
    project.write("orders_6.csv", b"PK\x03\x04......");
    project.write("orders_7.csv", b"id,amount,n\xf6te\n");
    project.write("orders_8.csv", "id,amount\n1,1\n");
    project.write("orders_9.csv", FILE);
    let reports = project.ingest();
    let expected = ["cut short", "is not gzip", "UTF-16", "NUL bytes", "empty", "zip", "not UTF-8", "note is missing"];
    for (report, expected) in reports.iter().zip(expected) {
        assert!(reason(report).contains(expected), "{report:?}");
    }
    assert_eq!(reports[8].status, UnitStatus::Loaded);
    assert_eq!(project.raw().len(), 2);
    assert_eq!(project.ledger.entries().unwrap().iter().filter(|entry| entry.outcome == Outcome::Refused).count(), 8);
    // A refusal is not for ever.
    assert_eq!(project.ingest_one("orders_8.csv", "id,amount,note\n8,8,x\n").status, UnitStatus::Loaded);
}

#[test]
fn a_header_without_rows_is_loaded_once() {
    let project = Project::new();
    for name in ["orders_1.csv", "orders_2.csv"] {
        let report = project.ingest_one(name, "id,amount,note\n");
        assert_eq!((report.status, counts(&report.entry)), (UnitStatus::Loaded, (0, 0, 0)));
    }
    let statuses: Vec<_> = project.ingest().into_iter().map(|report| report.status).collect();
    assert_eq!(statuses, [UnitStatus::AlreadyLoaded, UnitStatus::AlreadyLoaded]);
}

#[test]
fn a_file_with_too_many_broken_rows_is_refused_whole() {
    let project = Project::with(json!({"max_error_share": 0.25}));
    let report = project.ingest_one("orders_1.csv", "id,amount,note\n1,1,a\nx,2,b\ny,2000,c\n");
    let reason = reason(&report);
    assert!(reason.contains("2 of 3 rows (66.7 %) break the contract, max_error_share allows 25.0 %"), "{reason}");
    assert!(reason.contains("type: 2 rows, first line 3: column id: 'x' is not an integer of 32 bits"), "{reason}");
    assert!(project.raw().is_empty() && project.quarantine().is_empty());
    assert_eq!(project.warehouse.versions(RAW) + project.warehouse.versions(QUARANTINE), 0);
    // Exactly the share is allowed.
    let report = project.ingest_one("orders_2.csv", "id,amount,note\n1,1,a\n2,2,b\n3,3,c\ny,2000,c\n");
    assert_eq!((report.status, counts(&report.entry)), (UnitStatus::Loaded, (4, 3, 1)));
}

#[test]
fn headers_may_be_reordered_where_that_is_declared() {
    let project = Project::with(json!({"header": "superset", "delimiter": ";"}));
    let report = project.ingest_one("orders_1.csv", "note;x;amount;id\nn;?;1,5;1\nm;?;2.5;2\n".replace("1,5", "1.5"));
    assert_eq!(report.status, UnitStatus::Loaded);
    assert_eq!(project.raw(), ["1|1.50|n|orders_1.csv|2", "2|2.50|m|orders_1.csv|3"]);
}
