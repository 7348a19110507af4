//! A scene for a test: a project in a folder of its own, and the program run in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The workspace folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The program, without anything of this machine's environment that it would listen to.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.current_dir(folder).env_clear().env("HOME", folder).env("TZ", "UTC");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Sends Ctrl-C to a process. The shell has `kill` built in; not every machine has the program.
pub fn interrupt(process: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", process.id())]).status().unwrap();
    assert!(sent.success());
}

/// A folder with a project.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The finance project without data.
    pub fn finance() -> Self {
        let scene = Self::empty();
        copy(&repository().join("examples/finance"), scene.path());
        scene
    }

    /// The finance project with the two real months.
    pub fn finance_with_months() -> Self {
        let scene = Self::finance();
        copy(&repository().join("tests/fixtures/incoming"), &scene.path().join("data/incoming"));
        scene
    }

    /// A small project: a seed, a model with a test on it, a model that reads it.
    pub fn small() -> Self {
        let scene = Self::empty();
        scene.write("dbt_project.yml", "name: small\nversion: '1.0'\nconfig-version: 2\nprofile: small\nseeds: {small: {+schema: seeds}}\nmodels: {small: {+materialized: table}}\n");
        scene.write(
            "profiles.yml",
            "small: {target: dev, outputs: {dev: {type: millstream, path: workspace, schema: main, threads: 1}}}\n",
        );
        scene.write(
            "macros/names.sql",
            "{% macro generate_schema_name(custom, node) %}{{ custom if custom else target.schema }}{% endmacro %}\n",
        );
        scene.write("seeds/numbers.csv", "id,name\n1,one\n2,two\n");
        scene.write("models/base.sql", "select id, name from {{ ref('numbers') }}\n");
        scene.write("models/child.sql", "select count(*) as rows_seen from {{ ref('base') }}\n");
        scene.write(
            "models/schema.yml",
            "version: 2\nmodels:\n  - name: base\n    columns:\n      - name: id\n        data_tests: [unique]\n",
        );
        scene
    }

    /// A small project for Snowflake: a seed and models in its dialect.
    pub fn snowflake() -> Self {
        let scene = Self::empty();
        scene.write("dbt_project.yml", "name: flake\nversion: '1.0'\nconfig-version: 2\nprofile: flake\n");
        scene.write(
            "profiles.yml",
            "flake: {target: dev, outputs: {dev: {type: snowflake, account: none, user: me, password: hidden-word, \
             role: DEVELOPER, warehouse: WH, database: DEV_DB, schema: ANALYTICS, threads: 1}}}\n",
        );
        scene.write("seeds/orders.csv", "ID,Customer,Amount,ordered_on\n1,ann,10.50,2025-01-31\n2,bob,4.25,2025-02-01\n3,ann,7.00,2025-02-28\n4,,1.00,2025-03-01\n");
        scene.write(
            "models/big_orders.sql",
            "select *, amount * 2 as Doubled, doubled + 1 as more from {{ ref('orders') }} where doubled > 5 qualify row_number() over (partition by customer order by id) = 1\n",
        );
        scene.write("models/totals.sql", "{{ config(materialized='table') }}\n-- depends_on: {{ ref('big_orders') }}\nselect customer, sum(amount) as total, count(*) as n from DEV_DB.Analytics.ORDERS group by all\n");
        scene
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Runs the program here.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    /// Runs the program here with variables set.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let output = program(self.path()).args(arguments).envs(variables.iter().copied()).output().unwrap();
        Ran::new(output, arguments, self.path())
    }

    /// Runs the program, which must succeed.
    pub fn must(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.told());
        ran
    }

    /// The rows of a query, without the header.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let ran = self.must(&["query", sql, "--format", "csv"]);
        csv_rows(&ran.stdout)
    }

    /// The one value of a query.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0][0].clone()
    }
}

/// Rows of a CSV with a header.
pub fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// How the program ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    arguments: String,
    folder: PathBuf,
}

impl Ran {
    pub fn new(output: Output, arguments: &[&str], folder: &Path) -> Self {
        Self {
            // A process that a signal ended has no code; no test expects that of this.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            arguments: arguments.join(" "),
            folder: folder.to_path_buf(),
        }
    }

    /// Everything, for snapshots and messages.
    pub fn told(&self) -> String {
        let text = format!(
            "$ millstream {}\nexit code: {}\n----- stdout -----\n{}----- stderr -----\n{}",
            self.arguments, self.code, self.stdout, self.stderr
        );
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        let text = text.replace(&folder.display().to_string(), "[DIR]");
        text.replace(&self.folder.display().to_string(), "[DIR]")
    }
}

/// Compares everything the program said with the snapshot of this name; what changes from run to run is left out.
#[macro_export]
macro_rules! snapshot {
    ($name:expr, $ran:expr) => {
        insta::with_settings!({
            filters => $crate::support::filters(),
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!($name, $ran.told());
        })
    };
}

/// What changes from run to run, and what stands for it.
pub fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"(?m)^\d\d:\d\d:\d\d  ", "[TIME]  "),
        (r"\d+m \d\ds|\d+\.\d\ds", "[SECS]"),
        (r"\b20(2[6-9]|[3-9]\d)-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[NOW]"),
        (r"127\.0\.0\.1:\d{4,5}", "[BROKER]"),
        (r"\b0\.\d+\.\d+\b", "[VERSION]"),
        (r" +\n", "\n"),
    ]
}

/// Copies a folder's files into another.
pub fn copy(from: &Path, to: &Path) {
    copy_without(from, to, &["workspace", "target", "logs", "dbt_packages"]);
}

/// Copies a folder with all that runs have left in it.
pub fn copy_whole(from: &Path, to: &Path) {
    copy_without(from, to, &[]);
}

fn copy_without(from: &Path, to: &Path, left_out: &[&str]) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name().to_string_lossy().into_owned();
        if left_out.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            copy_without(&path, &target, left_out);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// A broker in a process of its own, killed at the end.
pub struct BrokerProcess {
    child: Child,
    pub address: String,
}

impl BrokerProcess {
    /// Starts a broker with one topic.
    pub fn start(topic: &str) -> Self {
        Self::start_at("127.0.0.1:0", topic)
    }

    /// Starts a broker that listens there.
    pub fn start_at(listen: &str, topic: &str) -> Self {
        let folder = std::env::temp_dir();
        let mut child = program(&folder)
            .args(["broker", "--listen", listen, "--topic", topic])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "the broker did not start");
        Self { child, address: address.trim().to_owned() }
    }

    /// Sends messages as they are, each to the partition that its turn gives; `None` is a null.
    pub fn send(&self, topic: &str, partitions: i32, messages: &[(Option<&str>, Option<&[u8]>)]) {
        use rdkafka::ClientConfig;
        use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
        let producer: ThreadedProducer<DefaultProducerContext> =
            ClientConfig::new().set("bootstrap.servers", &self.address).set("acks", "all").create().unwrap();
        for (turn, (key, payload)) in messages.iter().enumerate() {
            let mut record: BaseRecord<'_, str, [u8]> =
                BaseRecord::to(topic).partition(i32::try_from(turn).unwrap() % partitions);
            if let Some(key) = key {
                record = record.key(key);
            }
            if let Some(payload) = payload {
                record = record.payload(payload);
            }
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(std::time::Duration::from_secs(30)).unwrap();
    }

    /// Sends the 500 messages of the fixtures.
    pub fn send_fixture(&self) {
        let text = std::fs::read_to_string(repository().join("tests/fixtures/kafka_500.jsonl")).unwrap();
        let messages: Vec<(Option<&str>, Option<&[u8]>)> =
            text.lines().map(|line| (None, Some(line.as_bytes()))).collect();
        assert_eq!(messages.len(), 500);
        self.send("transactions", 3, &messages);
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
