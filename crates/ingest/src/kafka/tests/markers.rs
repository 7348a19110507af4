//! Ends of partitions that hold no messages: transaction markers, which librdkafka's own broker keeps as they are sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::*;

/// Sends the marker of a committed transaction, one offset of the log and no message.
fn send_marker(setup: &Setup, partition: i32) {
    // Version 0, kind 1: a commit.
    let key = [0u8, 0, 0, 1];
    // Version 0, epoch 0 of the coordinator.
    let value = [0u8; 6];
    // Lengths are zigzag numbers, the first one of all behind it; then attributes, time and offset as in the batch.
    let record = [&[32u8, 0, 0, 0, 8][..], &key, &[12], &value, &[0]].concat();
    let mut batch = Vec::new();
    batch.extend(0i64.to_be_bytes()); // first offset: the broker's to set
    batch.extend((49 + record.len() as i32).to_be_bytes());
    batch.extend(0i32.to_be_bytes()); // leader epoch
    batch.push(2); // format
    batch.extend(0u32.to_be_bytes()); // checksum: looked at by nobody here
    batch.extend(0x30i16.to_be_bytes()); // transactional, control
    batch.extend(0i32.to_be_bytes()); // last offset, counted from the first
    batch.extend(1_750_000_000_123i64.to_be_bytes());
    batch.extend(1_750_000_000_123i64.to_be_bytes());
    batch.extend(1i64.to_be_bytes()); // producer, its epoch, its count
    batch.extend(0i16.to_be_bytes());
    batch.extend((-1i32).to_be_bytes());
    batch.extend(1i32.to_be_bytes()); // records
    batch.extend(record);

    let text = |request: &mut Vec<u8>, text: &str| {
        request.extend((text.len() as i16).to_be_bytes());
        request.extend(text.as_bytes());
    };
    let mut request = Vec::new();
    request.extend(0i16.to_be_bytes()); // Produce
    request.extend(7i16.to_be_bytes()); // its version
    request.extend(1i32.to_be_bytes()); // number of the request
    text(&mut request, "marker");
    request.extend((-1i16).to_be_bytes()); // no transactional id
    request.extend((-1i16).to_be_bytes()); // all replicas
    request.extend(5_000i32.to_be_bytes()); // milliseconds
    request.extend(1i32.to_be_bytes()); // topics
    text(&mut request, "orders");
    request.extend(1i32.to_be_bytes()); // partitions
    request.extend(partition.to_be_bytes());
    request.extend((batch.len() as i32).to_be_bytes());
    request.extend(batch);

    let brokers = setup.cluster.bootstrap_servers();
    let mut broker = TcpStream::connect(brokers.split(',').next().unwrap()).unwrap();
    broker.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    broker.write_all(&(request.len() as i32).to_be_bytes()).unwrap();
    broker.write_all(&request).unwrap();
    let mut length = [0; 4];
    broker.read_exact(&mut length).unwrap();
    let mut answer = vec![0; i32::from_be_bytes(length) as usize];
    broker.read_exact(&mut answer).unwrap();
    // Behind the number, one topic with its name, and one partition with its number.
    let error = 4 + 4 + 2 + "orders".len() + 4 + 4;
    assert_eq!(answer[error..error + 2], [0, 0], "{answer:?}");
}

/// The position of partition 0 in the raw table.
fn position(setup: &Setup) -> Option<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let state = runtime.block_on(setup.warehouse.table_state(&RAW.parse().unwrap())).unwrap();
    state?.positions.get("kafka:orders/0").copied()
}

#[test]
fn draining_goes_behind_markers_once() {
    let setup = Setup::new(1);
    (0..3).for_each(|id| setup.send_order(0, id));
    setup.flush();
    (0..2).for_each(|_| send_marker(&setup, 0));
    let reports = setup.ingest();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].entry.offset_end, reports[0].entry.rows_in), (Some(5), 3));
    assert_eq!((position(&setup), setup.warehouse.versions(RAW)), (Some(5), 1));
    assert!(setup.ingest().is_empty());
    assert_eq!(setup.warehouse.versions(RAW), 1, "there was nothing to move");
    send_marker(&setup, 0);
    assert!(setup.ingest().is_empty(), "a marker is nothing to report");
    assert_eq!((position(&setup), setup.warehouse.versions(RAW)), (Some(6), 2));
    setup.send_order(0, 3);
    assert_eq!(setup.ingest()[0].entry.offset_start, Some(6));
    assert_eq!(setup.ids(), [0, 1, 2, 3]);
    let entries = setup.ledger.entries().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.rows_in).sum::<u64>(), 4);
    let mut ranges: Vec<_> = entries.iter().map(|entry| (entry.offset_start, entry.offset_end)).collect();
    ranges.sort_unstable();
    assert_eq!(ranges, [(Some(0), Some(5)), (Some(5), Some(6)), (Some(6), Some(7))], "no offset without its line");
}

#[test]
fn a_partition_of_markers_alone_is_drained() {
    let setup = Setup::new(1);
    (0..3).for_each(|_| send_marker(&setup, 0));
    assert!(setup.ingest().is_empty());
    assert_eq!((position(&setup), setup.warehouse.rows(RAW).len()), (Some(3), 0));
}

#[test]
fn following_goes_behind_markers_and_seldom_for_their_sake() {
    let mut setup = Setup::new(1);
    setup.options.follow = true;
    setup.options.flush_ms = 20;
    (0..3).for_each(|id| setup.send_order(0, id));
    setup.flush();
    let ids = following(&setup, |until| {
        until(3);
        for _ in 0..40 {
            send_marker(&setup, 0);
            std::thread::sleep(Duration::from_millis(50));
        }
        let began = Instant::now();
        while position(&setup) != Some(43) && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(position(&setup), Some(43), "without a message that would take it along");
        setup.send_order(0, 3);
        setup.flush();
        until(4);
    });
    assert_eq!(ids, [0, 1, 2, 3]);
    assert_eq!(position(&setup), Some(44));
    let versions = setup.warehouse.versions(RAW);
    assert!(versions <= 7, "{versions} commits for 44 offsets");
}

#[test]
fn stopping_while_following_commits_what_holds_no_messages() {
    let mut setup = Setup::new(1);
    setup.options.follow = true;
    setup.options.flush_ms = 600_000;
    (0..3).for_each(|_| send_marker(&setup, 0));
    // Long enough for the end of the partition to be told, and far from the end of a segment.
    following(&setup, |_| std::thread::sleep(Duration::from_secs(2)));
    assert_eq!(position(&setup), Some(3));
}

#[test]
fn stopping_does_not_wait_for_a_broker_that_is_away() {
    for follow in [true, false] {
        let mut setup = Setup::new(1);
        setup.options.follow = follow;
        let contract = setup.contract(json!({"brokers": "127.0.0.1:1"}));
        std::thread::scope(|scope| {
            let (options, warehouse, ledger) = (setup.options.clone(), &setup.warehouse, &setup.ledger);
            let running = scope.spawn(move || run_ingest(&contract, &options, warehouse, ledger));
            std::thread::sleep(Duration::from_millis(500));
            let asked = Instant::now();
            setup.options.stop.stop();
            assert!(running.join().unwrap().unwrap().is_empty());
            assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        });
    }
}
