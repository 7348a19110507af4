//! Kafka into the raw table, from an embedded broker in another process.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::snapshot;
use crate::support::{BrokerProcess, Scene, interrupt, program};

#[test]
fn messages_are_loaded_from_the_tables_position_on() {
    let scene = Scene::finance();
    let broker = BrokerProcess::start("transactions:3");
    broker.send_fixture();
    let ingest = ["ingest", "transactions_streaming", "--brokers", broker.address.as_str()];
    let ran = scene.run(&ingest);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("ingest_kafka", ran);
    assert_eq!(scene.value("select count(*) from raw.transactions_streaming"), "490");
    assert_eq!(scene.value("select count(*) from quarantine.transactions_streaming"), "10");
    let ran = scene.run(&ingest);
    assert_eq!(ran.code, 0);
    snapshot!("ingest_kafka_again", ran);
    assert_eq!(scene.value("select count(*) from raw.transactions_streaming"), "490");

    // Tombstones, nulls and bytes that are no text are quarantined, not lost.
    broker.send(
        "transactions",
        3,
        &[(Some("k"), None), (None, Some(b"\xff\xfe")), (None, Some(b"[1, {\"a\": null}]"))],
    );
    assert_eq!(scene.run(&ingest).code, 0);
    assert_eq!(scene.value("select count(*) from quarantine.transactions_streaming"), "13");
}

#[test]
fn a_broker_that_is_away_is_an_environment_error() {
    let scene = Scene::finance();
    let ran =
        scene.run(&["ingest", "transactions_streaming", "--brokers", "127.0.0.1:1", "-X", "sasl.password=hunter2"]);
    assert_eq!(ran.code, 3, "{}", ran.told());
    assert!(
        !ran.told()
            .replace("$ millstream ingest transactions_streaming --brokers 127.0.0.1:1 -X sasl.password=hunter2", "")
            .contains("hunter2")
    );
}

#[test]
fn produce_sends_users_of_the_files_and_stops_on_ctrl_c() {
    let scene = Scene::finance_with_months();
    let broker = BrokerProcess::start("transactions:3");
    let ran = scene.must(&["produce", "--brokers", &broker.address, "--unlimited", "--count", "50", "--seed", "1"]);
    snapshot!("produce", ran);

    let mut child = program(scene.path())
        .args(["produce", "--brokers", &broker.address, "--rate", "50"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    interrupt(&child);
    let asked = Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "what was sent is flushed and reported");
    assert!(asked.elapsed() < Duration::from_secs(10));

    scene.must(&["ingest", "transactions_streaming", "--brokers", &broker.address]);
    let loaded: u64 = scene.value("select count(*) from raw.transactions_streaming").parse().unwrap();
    assert!(loaded > 50, "{loaded}");
    let known = "select count(*) from raw.transactions_streaming t join raw.users u on t.user_id = u.user_id";
    scene.must(&["ingest"]);
    assert!(scene.value(known).parse::<u64>().unwrap() >= loaded, "stream and files share users");
}

#[test]
fn following_goes_on_until_ctrl_c_and_loses_nothing() {
    let scene = Scene::finance_with_months();
    let broker = BrokerProcess::start("transactions:2");
    let child = program(scene.path())
        .args(["ingest", "transactions_streaming", "--follow", "--brokers", &broker.address])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    scene.must(&["produce", "--brokers", &broker.address, "--unlimited", "--count", "300", "--seed", "2"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while scene.run(&["query", "select count(*) from raw.transactions_streaming", "--format", "csv"]).stdout.trim()
        != "count(*)\n300"
        && Instant::now() < deadline
    {
        std::thread::sleep(Duration::from_millis(200));
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!([Some(0), Some(130)].contains(&output.status.code()), "{said}");
    assert_eq!(scene.value("select count(*) from raw.transactions_streaming"), "300", "{said}");
    let left = scene.run(&["ingest", "transactions_streaming", "--brokers", &broker.address]);
    assert!(left.stderr.contains("Nothing"), "{}", left.told());
}
