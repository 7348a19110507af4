//! What fails holds back what needs it, and nothing else.

use std::time::Instant;

use millstream_core::warehouse::QueryOptions;
use millstream_runner::WorkspaceLock;
use millstream_runner::live::ModelBoard;

use super::*;

/// How long anything here may take. Machines that build beside it are slow.
const PATIENCE: Duration = Duration::from_secs(60);

impl Scene {
    /// Runs `up` while `meanwhile` does something.
    fn up(&self, meanwhile: impl AsyncFnOnce(&Scene)) {
        let (runner, request) = (self.runner.clone(), self.request.clone());
        self.world.runtime.block_on(async {
            let up = tokio::spawn(async move { runner.prepare_up(&request)?.run().await });
            meanwhile(self).await;
            self.request.cancel.cancel();
            up.await.unwrap().unwrap();
        });
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.request.board.snapshot());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn model(&self, name: &str) -> ModelBoard {
        self.request.board.snapshot().models.get(name).cloned().unwrap_or_default()
    }

    fn told(&self) -> Vec<String> {
        self.lines.0.lock().unwrap().clone()
    }

    async fn sql(&self, sql: &str) {
        self.runner.warehouse.execute(sql, &QueryOptions::default()).await.unwrap();
    }

    fn run_count(&self) -> usize {
        self.runner.store.runs(1_000).unwrap().len()
    }
}

const DYNAMIC: &str = "{{ config(materialized='dynamic_table', target_lag='1 second') }}";

#[test]
fn a_mart_that_fails_at_its_first_build_holds_up_no_other() {
    let scene = Scene::new(chain(), "");
    assert!(scene.summary("01T00:00:00").is_success());
    scene.world.write("models/twice.sql", &format!("{DYNAMIC} select 1 as id from {{{{ ref('v') }}}}"));
    scene.world.write("models/m.yml", "models: [{name: twice, columns: [{name: id, data_tests: [unique]}]}]");
    let scene = Scene::new(scene.world, "");
    scene.world.write("in/2.csv", "id\n3\n");
    let summary = scene.summary("01T01:00:00");
    assert!(!summary.is_success() && summary.is_prepared);
    assert_eq!(scene.told(), ["held model.shop.twice"]);
    assert_eq!(scene.world.query("select n from main.d3"), "3\n", "the others go on in a round");
    scene.up(async |scene| {
        scene
            .until("it begins", || scene.model("d1").version.is_some() && scene.model("twice").failing.is_some())
            .await;
        let before = scene.model("d1").version;
        scene.world.write("in/3.csv", "id\n4\n");
        scene.until("the others go on", || scene.model("d1").version > before).await;
        let snapshot = scene.request.board.snapshot();
        assert!(snapshot.obstacles().is_empty(), "{:?}", snapshot.obstacles());
    });
    assert_eq!(scene.world.query("select count(*) from main.d1"), "4\n");
}

#[test]
fn what_shares_a_test_with_one_that_is_held_is_not_refreshed_again_and_again() {
    let world = chain();
    for name in ["p", "d2", "d3", "aside"] {
        world.remove(&format!("models/{name}.sql"));
    }
    let late = DYNAMIC.replace("1 second", "3 seconds");
    world.write("models/late.sql", &format!("{late} select id from {{{{ ref('v') }}}}"));
    world.write("models/m.yml", "models: [{name: d1, columns: [{name: id, data_tests: [unique]}]}]");
    world.write("tests/same.sql", "select id from {{ ref('late') }} except select id from {{ ref('d1') }}");
    let scene = Scene::new(world, "");
    assert!(scene.summary("01T00:00:00").is_success());
    scene.up(async |scene| {
        scene.until("it begins", || scene.model("late").version.is_some()).await;
        scene.world.write("in/2.csv", "id\n2\n4\n");
        scene.until("d1 is held", || scene.model("d1").failing.is_some()).await;
        scene.until("late has it", || scene.model("late").version > Some(0)).await;
        // By now the change that is not in d1 is older than late may be.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let ids = || scene.runner.store.runs(1_000).unwrap().into_iter().map(|run| run.invocation_id);
        let before: Vec<_> = ids().collect();
        tokio::time::sleep(Duration::from_secs(2)).await;
        // Counted so, because of refreshes only so many are kept.
        let runs = ids().filter(|id| !before.contains(id)).count();
        assert!(runs < 10, "{runs} refreshes in two seconds in which nothing has changed");
    });
    assert_eq!(scene.world.query("select count(*) from main.late"), "4\n");
    assert_eq!(scene.world.query("select count(*) from main.d1"), "2\n");
}

#[test]
fn what_reads_a_view_that_cannot_be_made_waits_for_it_alone() {
    let world = chain();
    world.write("models/lost.sql", "{{ config(materialized='view') }} select id from main.nowhere");
    world.write(
        "models/reader.sql",
        &format!("{DYNAMIC} select id from {{{{ ref('lost') }}}} union all select id from {{{{ ref('d1') }}}}"),
    );
    let scene = Scene::new(world, "");
    let summary = scene.summary("01T00:00:00");
    assert!(!summary.is_success() && !summary.is_prepared);
    assert_eq!(scene.told(), ["held model.shop.lost"]);
    assert_eq!(scene.world.query("select n from main.d3"), "2\n");
    let failing = scene.model("reader").failing.unwrap();
    assert!(
        failing.contains("model.shop.lost, which it needs, was not built") && failing.contains("nowhere"),
        "{failing}"
    );
    scene.up(async |scene| {
        scene.until("it begins", || scene.request.board.snapshot().is_started).await;
        assert!(scene.model("reader").version.is_none());
        scene.sql("create table main.nowhere as select 7 as id").await;
        scene.until("it is tried again", || scene.model("reader").version.is_some()).await;
        assert_eq!(scene.model("reader").failing, None);
    });
    assert_eq!(scene.world.query("select count(*) from main.reader"), "3\n");
}

#[test]
fn a_hook_that_fails_is_told_and_tried_again_after_a_pause() {
    let world = chain();
    world.write(
        "dbt_project.yml",
        "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\non-run-start: ['insert into main.log values (1)']\n",
    );
    let scene = Scene::new(world, "");
    scene.up(async |scene| {
        scene.until("what it needs is held", || !scene.told().is_empty()).await;
        assert_eq!(scene.told()[0], "held model.shop.v");
        assert!(scene.model("d1").failing.is_some_and(|why| why.contains("main.log")));
        scene.sql("create table main.log (x int)").await;
        scene.until("everything is there", || scene.model("d3").version.is_some()).await;
        scene.sql("drop table main.log").await;
        let before = scene.model("d1").version;
        scene.world.write("in/2.csv", "id\n3\n");
        scene.until("it fails", || scene.model("d1").failing.is_some()).await;
        let failing = scene.model("d1").failing.unwrap();
        assert!(failing.contains("an on-run-start hook failed") && failing.contains("main.log"), "{failing}");
        assert!(scene.told().contains(&"held model.shop.d1".to_owned()));
        let runs = scene.run_count();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(scene.run_count() - runs <= 5, "it is not tried without a pause: {} times", scene.run_count() - runs);
        scene.sql("create table main.log (x int)").await;
        scene.until("it goes on", || scene.model("d1").version > before).await;
    });
}

#[test]
fn a_test_that_gates_no_model_holds_back_what_reads_all_that_it_does() {
    let world = chain();
    world.write("models/e.sql", "{{ config(materialized='ephemeral') }} select id from {{ ref('v') }}");
    world.write(
        "models/both.sql",
        &format!("{DYNAMIC} select id from {{{{ ref('d1') }}}} join {{{{ ref('e') }}}} using (id)"),
    );
    world.write("tests/t.sql", "select id from {{ ref('d1') }} join {{ ref('e') }} using (id) where id = 99");
    let scene = Scene::new(world, "");
    scene.up(async |scene| {
        scene.until("everything is there", || scene.model("both").version.is_some()).await;
        scene.world.write("in/2.csv", "id\n99\n");
        scene.until("it is held", || scene.told().contains(&"held model.shop.both".to_owned())).await;
        let runs = scene.run_count();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(scene.run_count() - runs <= 6, "{} runs", scene.run_count() - runs);
        assert!(scene.model("both").failing.is_some_and(|why| why.contains("test.shop.t did not pass")));
    });
    assert_eq!(scene.world.query("select count(*) from main.d1"), "3\n");
    let shown = scene.world.query("select count(*) from main.both where id = 99");
    assert_eq!(shown, "0\n", "the test is asked each time");
}

#[test]
fn a_first_round_that_fails_is_no_start() {
    let world = chain();
    for name in ["v", "p", "d2", "d3", "aside"] {
        world.remove(&format!("models/{name}.sql"));
    }
    world.write("models/d1.sql", &format!("{DYNAMIC} select id from {{{{ source('raw', 't') }}}}"));
    let scene = Scene::new(world, "");
    // Where the lock should be is a folder.
    let lock = scene.runner.workspace.join("lock");
    std::fs::create_dir_all(&lock).unwrap();
    scene.up(async |scene| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!scene.request.board.snapshot().is_started);
        std::fs::remove_dir(&lock).unwrap();
        scene.until("it starts", || scene.request.board.snapshot().is_started).await;
        assert!(scene.model("d1").version.is_some());
    });
}

#[test]
fn who_waits_for_the_build_of_another_process_ends_at_once() {
    let scene = Scene::new(chain(), "");
    let (workspace, events) = (scene.runner.workspace.clone(), Arc::clone(&scene.world.listener));
    let take = WorkspaceLock::take(&workspace, "lock", Duration::ZERO, &scene.request.cancel, &*events);
    let _other = scene.world.runtime.block_on(take).unwrap();
    let mut asked = Instant::now();
    scene.up(async |_| {
        tokio::time::sleep(Duration::from_millis(500)).await;
        asked = Instant::now();
    });
    assert!(asked.elapsed() < scene.request.drain / 2, "{:?}", asked.elapsed());
}

#[test]
fn a_folder_that_is_not_there_is_told_and_holds_up_no_other() {
    let world = chain();
    let table = |name: &str, path: &str| {
        format!(
            "{{name: {name}, config: {{meta: {{millstream: {{connector: file, path: '{path}'}}}}}}, columns: [{{name: id, data_type: integer}}]}}"
        )
    };
    let tables = [table("away", "away/*.csv"), table("t", "in/*.csv")].join(", ");
    world.write("models/sources.yml", &format!("sources: [{{name: raw, schema: raw, tables: [{tables}]}}]"));
    let scene = Scene::new(world, "");
    scene.up(async |scene| {
        // From the sixth failure on the pause is four seconds at least.
        scene.until("it is away", || scene.told().iter().filter(|line| *line == "down raw.away").count() == 6).await;
        scene.until("the other is read", || scene.model("d1").version.is_some()).await;
        let snapshot = scene.request.board.snapshot();
        assert!(!snapshot.sources["raw.away"].is_up && snapshot.sources["raw.t"].is_up);
        let obstacles = snapshot.obstacles().join("\n");
        assert!(
            obstacles.starts_with("raw.away cannot be read: the folder") && obstacles.contains("away"),
            "{obstacles}"
        );
        let (before, written) = (scene.model("d1").version, Instant::now());
        scene.world.write("in/2.csv", "id\n3\n");
        scene.until("the other is read", || scene.model("d1").version > before).await;
        assert!(written.elapsed() < Duration::from_millis(3_500), "{:?}", written.elapsed());
        std::fs::create_dir(scene.world.path().join("away")).unwrap();
        scene.until("it is back", || scene.request.board.snapshot().obstacles().is_empty()).await;
    });
}

#[test]
fn versions_of_a_model_are_told_apart() {
    let world = chain();
    for version in [1, 2] {
        world.write(
            &format!("models/ver_v{version}.sql"),
            &format!("{DYNAMIC} select {version} as id from {{{{ ref('v') }}}}"),
        );
    }
    world.write("models/m.yml", "models: [{name: ver, latest_version: 2, versions: [{v: 1}, {v: 2}]}]");
    let scene = Scene::new(world, "");
    assert!(scene.summary("01T00:00:00").is_success());
    assert!(scene.model("ver.v1").version.is_some() && scene.model("ver.v2").version.is_some());
}

#[test]
fn how_fresh_models_are_is_known_after_a_restart() {
    let scene = Scene::new(chain(), "");
    assert!(scene.summary("01T00:00:00").is_success());
    let scene = Scene::new(scene.world, "");
    scene.up(async |scene| {
        scene.until("it starts", || scene.request.board.snapshot().is_started).await;
        assert!(scene.model("d1").newest.is_some());
    });
}
