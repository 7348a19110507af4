//! The generated files, read back with readers of their own: do they keep what the generator promises?
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};
use millstream_core::SilentProgress;
use millstream_synth::{
    BATCH_CATEGORIES, FaultKind, Faults, FileKind, Format, GenerateOptions, GenerateReport, generate,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn options(folder: &Path) -> GenerateOptions {
    GenerateOptions {
        year: 2025,
        month: 6,
        months: 3,
        users: 200,
        transactions: 20_000,
        out_dir: folder.join("incoming"),
        seed: 7,
        format: Format::Csv,
        faults: None,
        changes: GenerateOptions::DEFAULT_CHANGES,
    }
}

fn run(options: &GenerateOptions) -> GenerateReport {
    generate(options, &SilentProgress).unwrap()
}

fn read(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (header, reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect())
}

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (name(&path), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn files_have_the_columns_and_values_of_the_real_ones() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let report = run(&options);
    let names: Vec<_> = report.files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "user_registrations_2025_06.csv",
            "transactions_2025_06.csv",
            "user_registrations_2025_07.csv",
            "transactions_2025_07.csv",
            "user_registrations_2025_08.csv",
            "transactions_2025_08.csv"
        ]
    );
    let mut users = BTreeSet::new();
    for (file, month) in report.files.iter().zip(["06", "06", "07", "07", "08", "08"]) {
        let (header, rows) = read(&file.path);
        assert_eq!(rows.len() as u64, file.rows);
        assert_eq!(fs::metadata(&file.path).unwrap().len(), file.bytes);
        let prefix = format!("2025-{month}-");
        if file.kind == FileKind::Users {
            assert_eq!(
                header.join(","),
                "user_id,first_name,last_name,email,age,income_bracket,customer_tier,risk_profile,city,state,country,\
                 registration_date,preferred_categories,is_active,source_system"
            );
            assert_eq!(rows.len(), 200);
            assert!(rows.iter().all(|row| row[11].starts_with(&prefix)));
            users.extend(rows.iter().map(|row| row[0].clone()));
            continue;
        }
        assert_eq!(header.join(","), "tx_id,user_id,amount,currency,merchant,category,timestamp");
        assert_eq!(rows.len(), 20_000);
        let last = if month == "06" { "30" } else { "31" };
        assert!(rows.iter().any(|row| row[6].starts_with(&format!("{prefix}{last}T"))));
        for row in &rows {
            assert!(users.contains(&row[1]), "user {} is unknown", row[1]);
            let (units, cents) = row[2].rsplit_once('.').unwrap();
            assert_eq!(cents.len(), 2);
            assert!((-20_000..=200_000).contains(&format!("{units}{cents}").parse::<i64>().unwrap()));
            assert_eq!(row[3], "USD");
            assert!(BATCH_CATEGORIES.contains(&row[5].as_str()));
            assert!(row[6].starts_with(&prefix) && row[6].len() == 19);
        }
    }
    // 200 in June, and 180 new ones in each of July and August.
    assert_eq!(users.len(), 560);
}

#[test]
fn users_who_register_again_have_another_tier_and_city() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(&GenerateOptions { transactions: 0, ..options(folder.path()) });
    let mut last: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut again = 0;
    for file in report.files.iter().filter(|file| file.kind == FileKind::Users) {
        for row in read(&file.path).1 {
            if let Some(before) = last.insert(row[0].clone(), row.clone()) {
                again += 1;
                assert_eq!(before[1..6], row[1..6]);
                assert_ne!(before[6], row[6], "tier");
                assert_ne!(before[8], row[8], "city");
                assert!(before[11] < row[11], "registration_date");
            }
        }
    }
    assert_eq!(again, 40);
}

#[test]
fn same_seed_same_bytes_and_a_month_does_not_depend_on_later_ones() {
    let folders = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let all = [
        GenerateOptions { faults: Some(Faults { rate: 0.01 }), ..options(folders[0].path()) },
        GenerateOptions { faults: Some(Faults { rate: 0.01 }), ..options(folders[1].path()) },
        GenerateOptions { faults: Some(Faults { rate: 0.01 }), months: 1, ..options(folders[2].path()) },
        GenerateOptions { faults: Some(Faults { rate: 0.01 }), seed: 8, ..options(folders[3].path()) },
    ];
    let made = all.map(|options| {
        run(&options);
        bytes(&options.out_dir)
    });
    assert_eq!(made[0], made[1]);
    assert_eq!(made[0].len(), 6);
    assert_eq!(made[2].len(), 2);
    for (name, bytes) in &made[2] {
        assert_eq!(&made[0][name], bytes, "{name}");
    }
    for (name, bytes) in &made[3] {
        assert_ne!(&made[0][name], bytes, "{name}");
    }
}

#[test]
fn faults_are_what_the_report_says() {
    let folder = tempfile::tempdir().unwrap();
    let options = GenerateOptions { months: 1, faults: Some(Faults { rate: 0.01 }), ..options(folder.path()) };
    let report = run(&options);
    assert_eq!(report.faults.iter().map(|count| count.kind).collect::<Vec<_>>(), FaultKind::ALL);
    assert!(report.faults.iter().all(|count| count.rows == 40), "{:?}", report.faults);

    let users: BTreeSet<String> = read(&report.files[0].path).1.into_iter().map(|row| row[0].clone()).collect();
    // Line by line, and leniently: what a reader makes of a broken record is its own affair.
    let text = fs::read_to_string(&report.files[1].path).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 20_040);
    assert_eq!(lines.len() - lines.iter().collect::<BTreeSet<_>>().len(), 40, "duplicates");
    let mut found = [0; 4];
    for line in lines {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        if row.len() != 7 {
            found[3] += 1;
            continue;
        }
        found[0] += usize::from(row[6].starts_with("2025-05-"));
        let (units, cents) = row[2].rsplit_once('.').unwrap_or_default();
        found[1] += usize::from(cents.len() != 2 || units.parse::<i64>().is_err());
        found[2] += usize::from(!users.contains(&row[1]));
    }
    assert_eq!(found, [40; 4]);
}

#[test]
fn parquet_holds_the_same_values_with_types() {
    let folder = tempfile::tempdir().unwrap();
    let options = GenerateOptions { months: 1, transactions: 20_000, ..options(folder.path()) };
    let csv = run(&options);
    let parquet = run(&GenerateOptions { format: Format::Parquet, ..options });
    let rows = read(&csv.files[1].path).1;
    assert_eq!(parquet.files[1].rows, 20_000);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&parquet.files[1].path).unwrap()).unwrap();
    let mut at = 0;
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            for column in [0, 1, 3, 4, 5] {
                assert_eq!(batch.column(column).as_string::<i32>().value(row), rows[at][column]);
            }
            let cents = batch.column(2).as_primitive::<Decimal128Type>().value(row);
            assert_eq!(cents, rows[at][2].replace('.', "").parse::<i128>().unwrap());
            let moment = batch.column(6).as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
            assert_eq!(moment.format("%Y-%m-%dT%H:%M:%S").to_string(), rows[at][6]);
            at += 1;
        }
    }
    assert_eq!(at, 20_000);
    let users = fs::File::open(&parquet.files[0].path).unwrap();
    let users: Vec<_> =
        ParquetRecordBatchReaderBuilder::try_new(users).unwrap().build().unwrap().map(Result::unwrap).collect();
    assert_eq!(users.iter().map(|batch| batch.num_rows()).sum::<usize>(), 200);
    assert_eq!(users[0].column(13).as_boolean().null_count(), 0);
}

#[test]
fn one_user_and_no_transactions_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(&GenerateOptions { users: 1, transactions: 0, ..options(folder.path()) });
    assert!(report.files.iter().all(|file| file.rows == u64::from(file.kind == FileKind::Users)));
    assert!(report.faults.is_empty());
    let report = run(&GenerateOptions { users: 1, transactions: 500, changes: 1.0, ..options(folder.path()) });
    let ids: BTreeSet<String> =
        report.files.iter().step_by(2).flat_map(|file| read(&file.path).1).map(|row| row[0].clone()).collect();
    assert_eq!(ids.len(), 1);
}
