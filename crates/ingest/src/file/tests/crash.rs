//! A crash at every step, and the run after it.

use super::*;

const FIRST: &str = "id,amount,note\n1,10.50,a\nx,1,broken\n2,2,b\n";
const SECOND: &str = "id,amount,note\n1,11.00,a\n5000000000,1,too large\n3,,c\n";

/// What users see: rows, rows in quarantine, and the ledger without versions and times.
type Seen = (Vec<String>, Vec<String>, Vec<String>);

fn seen(project: &Project) -> Seen {
    let mut ledger: Vec<String> = project
        .ledger
        .entries()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {:?} {:?} {:?}", entry.unit, entry.content_hash, entry.outcome, counts(entry)))
        .collect();
    ledger.sort();
    (project.raw(), project.quarantine(), ledger)
}

/// Crashes at each step of `run` in turn; after one more run, all must be as after an undisturbed one.
fn crash_everywhere(prepare: impl Fn() -> Project, disturb_in_between: impl Fn(&Project)) {
    let undisturbed = prepare();
    disturb_in_between(&undisturbed);
    undisturbed.ingest();
    let expected = seen(&undisturbed);
    let mut crashes = 0;
    for steps in 0.. {
        let project = prepare();
        project.warehouse.crash_after(steps);
        let ended = project.try_ingest().is_ok();
        let crashed = project.warehouse.has_crashed();
        project.warehouse.heal();
        disturb_in_between(&project);
        project.try_ingest().unwrap();
        assert_eq!(seen(&project), expected, "crash at step {steps}");
        if ended && !crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 5, "{crashes}");
}

#[test]
fn a_first_load_survives_a_crash_anywhere() {
    let prepare = || {
        let mut project = Project::new();
        project.threads = 1;
        project.write("orders_1.csv", FIRST);
        project.write("orders_2.csv", SECOND);
        project
    };
    crash_everywhere(prepare, |_| {});
}

#[test]
fn a_replacement_survives_a_crash_anywhere() {
    let prepare = || {
        let mut project = Project::new();
        project.threads = 1;
        project.ingest_one("orders_1.csv", FIRST);
        project.replace = true;
        project.write("orders_1.csv", SECOND);
        project
    };
    crash_everywhere(prepare, |_| {});
}

#[test]
fn a_file_that_was_put_back_or_taken_away_after_a_crash_leaves_nothing_behind() {
    let prepare = || {
        let mut project = Project::new();
        project.threads = 1;
        project.ingest_one("orders_1.csv", FIRST);
        project.replace = true;
        project.write("orders_1.csv", SECOND);
        project.write("orders_2.csv", "id,amount,note\n7,7,x\nz,z,z\n");
        project
    };
    // Whatever was committed before: in the end, the tables have what the folder has.
    for steps in 0..40 {
        let project = prepare();
        project.warehouse.crash_after(steps);
        let _ = project.try_ingest();
        project.warehouse.heal();
        project.write("orders_1.csv", FIRST);
        project.remove("orders_2.csv");
        project.try_ingest().unwrap();
        let loaded_2 = project.raw().iter().any(|row| row.contains("orders_2"));
        let quarantined_2 = project.quarantine().iter().any(|row| row.contains("orders_2"));
        assert_eq!(loaded_2, quarantined_2, "step {steps}");
        let ones: Vec<String> = project.raw().into_iter().filter(|row| row.contains("orders_1")).collect();
        assert_eq!(ones, ["1|10.50|a|orders_1.csv|2", "2|2.00|b|orders_1.csv|4"], "step {steps}");
        let broken: Vec<String> = project.rejected().into_iter().filter(|row| row.starts_with("3 ")).collect();
        assert_eq!(broken.iter().filter(|row| row.contains("'x'")).count(), 1, "step {steps}: {broken:?}");
    }
}

#[test]
fn a_contract_that_changed_after_a_crash_loses_no_row() {
    for steps in 0..20 {
        let mut project = Project::new();
        project.threads = 1;
        project.write("orders_1.csv", FIRST);
        project.warehouse.crash_after(steps);
        let _ = project.try_ingest();
        project.warehouse.heal();
        if !project.raw().is_empty() {
            break;
        }
        // Row 1 now breaks a rule, and row x keeps all.
        project.contract = contract(
            "orders",
            json!({"connector": "file", "path": "in/orders_*.csv", "max_error_share": 0.5}),
            &[
                ("id", "text", json!({"allowed": ["x", "2"]})),
                ("amount", "decimal(18,2)", json!({})),
                ("note", "text", json!({})),
            ],
        );
        project.try_ingest().unwrap();
        assert_eq!(project.warehouse.column(RAW, "id"), ["2", "x"], "step {steps}");
        assert_eq!(project.rejected().len(), 1, "step {steps}");
    }
}

#[test]
fn a_lost_ledger_is_written_again_from_the_history() {
    let mut project = Project::new();
    project.ingest_one("orders_1.csv", FIRST);
    project.ingest_one("orders_2.csv", "id,amount,note\n");
    project.replace = true;
    project.ingest_one("orders_1.csv", SECOND);
    let sorted = |project: &Project| {
        let mut entries = project.ledger.entries().unwrap();
        entries.sort_by_key(|entry| entry.table_version);
        entries
    };
    let before = sorted(&project);
    project.ledger.lose_all();
    project.ingest();
    assert_eq!(sorted(&project), before);
    assert_eq!(before.len(), 3);
}
