//! Keeping what was read: a project that is restored equals one that is read fresh, whatever was changed before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use millstream_core::Result;
use millstream_jinja::NoAdapter;
use millstream_project::{CompileOptions, LoadOptions, ParseCache, Project, Selection, load};

use crate::sandbox::{Sandbox, manifest_text};

/// Keeps in memory, and counts how often something was kept, which is how often a project was read.
#[derive(Debug, Default)]
struct Memory {
    kept: Mutex<BTreeMap<std::path::PathBuf, Vec<u8>>>,
    reads: Mutex<usize>,
    program: Mutex<String>,
}

impl Memory {
    fn reads(&self) -> usize {
        *self.reads.lock().unwrap()
    }
}

impl ParseCache for Memory {
    fn get(&self, target_dir: &Path) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().get(target_dir).cloned()
    }

    fn put(&self, target_dir: &Path, bytes: &[u8]) {
        *self.reads.lock().unwrap() += 1;
        self.kept.lock().unwrap().insert(target_dir.to_path_buf(), bytes.to_vec());
    }

    fn program(&self) -> String {
        self.program.lock().unwrap().clone()
    }
}

/// All that can be asked of a project: the manifest, the order, warnings, selections, and every node's SQL.
fn told(loaded: &Result<Project>) -> String {
    let project = match loaded {
        Ok(project) => project,
        Err(error) => return format!("{error}\n{:?}", error.causes()),
    };
    let mut text = manifest_text(project);
    text += &format!("\n{:?}\n{:?}\n{:?}", project.config, project.order, project.target);
    for warning in project.warnings.sorted() {
        text += &format!("\n{warning}");
    }
    for select in ["+tag:daily", "config.materialized:table", "path:models", "test_type:generic"] {
        let selection = Selection { select: vec![select.into()], ..Selection::default() };
        text += &format!("\n{:?}", project.select(&selection).map(|selected| selected.ids));
    }
    let by_name = Selection { selector: Some("nightly".into()), ..Selection::default() };
    text += &format!("\n{:?}", project.select(&by_name).map(|selected| selected.ids));
    let options = CompileOptions::new(Arc::new(NoAdapter), "build");
    for id in project.manifest.nodes.keys() {
        match project.compile_mapped(id, &options) {
            Ok((compiled, map)) => text += &format!("\n{id}\n{}\n{map:?}", compiled.sql),
            Err(error) => text += &format!("\n{id}\n{error}"),
        }
    }
    text
}

const FILES: [(&str, &str); 15] = [
    ("macros/unused.sql", "{% macro unused() %}{% endmacro %}\n"),
    (
        "dbt_project.yml",
        "name: shop\nversion: '1.0'\nprofile: shop\nvars: {first: 1, second: two}\nmodels:\n  shop:\n    marts: {+materialized: table, +tags: [daily]}\n",
    ),
    ("macros/money.sql", "{% macro money(x) %}cast({{ x }} as decimal(18, 2)){% endmacro %}\n"),
    (
        "macros/tests.sql",
        "{% test positive(model, column_name) %}select 1 from {{ model }} where {{ column_name }} <= 0{% endtest %}\n",
    ),
    ("seeds/prices.csv", "id,price\n1,2.50\n2,3.00\n"),
    ("seeds/seeds.yml", "seeds: [{name: prices, config: {column_types: {price: 'decimal(18,2)'}}}]\n"),
    (
        "models/stg_prices.sql",
        "{{ config(materialized='ephemeral') }}\nselect id, {{ money('price') }} as price from {{ ref('prices') }}\n",
    ),
    (
        "models/marts/totals.sql",
        "{% set columns = ['price'] %}\nselect {% for c in columns %}sum({{ c }}) as {{ c }}{% endfor %}, '{{ var('second') }}' as v from {{ ref('stg_prices') }}\n",
    ),
    (
        "models/marts/from_source.sql",
        "select * from {{ source('raw', 'orders') }} where day >= '{{ env_var('SINCE', '2025-01-01') }}'\n",
    ),
    (
        "models/schema.yml",
        "sources:\n  - name: raw\n    tables: [{name: orders, columns: [{name: id, data_tests: [unique]}]}]\nmodels:\n  - name: totals\n    description: \"{{ doc('totals') }}\"\n    columns: [{name: price, data_tests: [positive, {not_null: {config: {severity: warn}}}]}]\n  - name: nobody_knows_it\n",
    ),
    ("models/docs.md", "{% docs totals %}All prices.{% enddocs %}\n"),
    (
        "snapshots/prices.yml",
        "snapshots: [{name: prices_history, relation: ref('prices'), config: {unique_key: id, strategy: check, check_cols: all}}]\n",
    ),
    ("tests/no_free_lunch.sql", "select * from {{ ref('stg_prices') }} where price = 0\n"),
    ("selectors.yml", "selectors: [{name: nightly, definition: {method: tag, value: daily}}]\n"),
    (
        "models/exposures.yml",
        "exposures: [{name: board, type: dashboard, owner: {name: cfo}, depends_on: [ref('totals')]}]\n",
    ),
];

/// One project, its cache, and the options that change with it.
struct World {
    sandbox: Sandbox,
    memory: Arc<Memory>,
    options: LoadOptions,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new(FILES);
        let memory = Arc::new(Memory::default());
        let options = LoadOptions { cache: Some(Arc::clone(&memory) as _), ..sandbox.options() };
        Self { sandbox, memory, options }
    }

    /// Whether the project was restored. It must equal a project that is read fresh.
    fn is_restored(&self, what: &str) -> bool {
        let before = self.memory.reads();
        let kept = load(&self.options);
        let fresh = load(&LoadOptions { cache: None, ..self.options.clone() });
        assert_eq!(told(&kept), told(&fresh), "after: {what}");
        kept.is_ok() && self.memory.reads() == before
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.sandbox.path().join(path)).unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        self.sandbox.write(path, text.as_bytes());
    }
}

#[test]
fn an_unchanged_project_is_restored_and_equal() {
    let world = World::new();
    assert!(!world.is_restored("nothing"));
    assert!(world.is_restored("a first reading"));
    // The same content with another time stamp is no change.
    world.write(FILES[1].0, FILES[1].1);
    assert!(world.is_restored("the same text written again"));
}

#[test]
fn every_kind_of_change_is_seen() {
    type Change = fn(&mut World);
    let changes: [(&str, Change); 24] = [
        ("a model", |w| w.write("models/stg_prices.sql", "select 1 as price from {{ ref('prices') }}")),
        ("a new model", |w| w.write("models/deep/er/new.sql", "select 1")),
        ("a model gone", |w| w.remove("models/marts/from_source.sql")),
        ("a model moved", |w| {
            std::fs::rename(
                w.sandbox.path().join("models/marts/from_source.sql"),
                w.sandbox.path().join("models/from_source.sql"),
            )
            .unwrap();
        }),
        ("a macro", |w| w.write("macros/money.sql", "{% macro money(x) %}{{ x }} + 1{% endmacro %}")),
        ("a new macro file", |w| {
            w.write("macros/schema.sql", "{% macro generate_schema_name(c, n) %}other{% endmacro %}")
        }),
        ("a macro file gone", |w| w.remove("macros/unused.sql")),
        ("properties", |w| {
            w.write("models/schema.yml", "models: [{name: totals, config: {materialized: view}}]\nsources: [{name: raw, tables: [{name: orders}]}]")
        }),
        ("a file of properties more", |w| w.write("models/more.yml", "models: [{name: stg_prices, description: new}]")),
        ("docs", |w| w.write("models/docs.md", "{% docs totals %}Other words.{% enddocs %}")),
        ("a seed", |w| w.write("seeds/prices.csv", "id,price\n1,9.99\n")),
        ("a seed's properties gone", |w| w.remove("seeds/seeds.yml")),
        ("a test", |w| w.write("tests/no_free_lunch.sql", "select 2")),
        ("a snapshot", |w| {
            w.write("snapshots/prices.yml", "snapshots: [{name: prices_history, relation: ref('prices'), config: {unique_key: id, strategy: check, check_cols: [price]}}]")
        }),
        ("selectors", |w| {
            w.write("selectors.yml", "selectors: [{name: nightly, definition: {method: tag, value: weekly}}]")
        }),
        ("the project's file", |w| w.write("dbt_project.yml", "name: shop\nprofile: shop\nvars: {second: three}\n")),
        ("the profile", |w| {
            w.write(
                "profiles.yml",
                "shop:\n  target: dev\n  outputs:\n    dev: {type: millstream, schema: other, threads: 1}\n",
            )
        }),
        ("a package", |w| {
            w.write("dbt_packages/extra/dbt_project.yml", "name: extra\nversion: '1.0'\n");
            w.write("dbt_packages/extra/models/more.sql", "select 1");
            w.write("packages.yml", "packages: [{local: dbt_packages/extra}]");
        }),
        ("a file that hides others", |w| w.write(".dbtignore", "models/marts/from_source.sql\n")),
        ("a variable of the environment", |w| {
            w.options.env.insert("SINCE".into(), "2026-01-01".into());
        }),
        ("a variable of the command line", |w| {
            w.options.vars.insert("second".into(), 5.into());
        }),
        ("another program", |w| *w.memory.program.lock().unwrap() = "2".into()),
        ("threads", |w| w.options.threads = Some(7)),
        ("damage", |w| {
            let mut kept = w.memory.kept.lock().unwrap();
            let bytes = kept.values_mut().next().unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
        }),
    ];
    for (what, change) in changes {
        let mut world = World::new();
        assert!(!world.is_restored("nothing"));
        change(&mut world);
        assert!(!world.is_restored(what), "{what} was not seen");
        assert!(world.is_restored(what), "{what} keeps the project from being restored");
    }
}

#[test]
fn a_broken_project_is_told_each_time_and_a_mended_one_restored() {
    let world = World::new();
    assert!(!world.is_restored("nothing"));
    world.write("models/stg_prices.sql", "select * from {{ ref('nowhere') }}");
    assert!(!world.is_restored("a reference to nothing"));
    assert!(!world.is_restored("a reference to nothing, again"));
    world.write(FILES[6].0, FILES[6].1);
    // What was kept before the mistake still holds.
    assert!(world.is_restored("mended"));
}

#[test]
fn what_depends_on_the_clock_is_never_kept() {
    let mut world = World::new();
    world.write("models/marts/today.sql", "{{ config(alias='on_' ~ run_started_at.strftime('%Y%m%d')) }} select 1");
    for _ in 0..2 {
        world.is_restored("a name with today's date");
        assert!(world.memory.kept.lock().unwrap().is_empty());
        world.options.now += chrono::TimeDelta::days(1);
    }
    // What only the SQL says is rendered each time, so that the rest may be kept.
    world.write("models/marts/today.sql", "select '{{ run_started_at }}' as at");
    world.is_restored("a date in the SQL");
    world.options.now += chrono::TimeDelta::days(1);
    assert!(world.is_restored("a date in the SQL, another day"));
}

#[test]
fn secrets_are_not_kept() {
    let mut world = World::new();
    world.options.env.insert("DBT_ENV_SECRET_WORD".into(), "plover-and-xyzzy".into());
    world.write(
        "profiles.yml",
        "shop:\n  target: dev\n  outputs:\n    dev: {type: millstream, schema: main, threads: 2, password: \"{{ env_var('DBT_ENV_SECRET_WORD') }}\"}\n",
    );
    assert!(!world.is_restored("nothing"));
    assert!(world.is_restored("a secret in the profile"));
    let kept = world.memory.kept.lock().unwrap();
    let bytes = kept.values().next().unwrap();
    assert!(!bytes.windows(16).any(|part| part == b"plover-and-xyzzy"));
}

/// Changes in any order, some of which break the project. A mistake here shows as a difference to a fresh reading.
#[test]
fn random_changes_never_make_a_difference() {
    // (an LCG with Knuth's constants for MMIX)
    let mut state = 0x5eed_u64;
    let mut below = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % limit as u64).unwrap()
    };
    let texts: [(&str, &[&str]); 6] = [
        (
            "models/a.sql",
            &[
                "select 1 as a",
                "select * from {{ ref('b') }}",
                "select {{ money(1) }} as a",
                "{{ config(tags=['daily']) }} select 2 as a",
            ],
        ),
        (
            "models/b.sql",
            &[
                "select 2 as b",
                "select * from {{ ref('prices') }}",
                "{{ config(enabled=false) }} select 1",
                "select * from {{ ref('a') }}",
            ],
        ),
        (
            "models/ab.yml",
            &[
                "models: [{name: a, description: one}]",
                "models: [{name: a, columns: [{name: a, data_tests: [positive]}]}, {name: b}]",
                "models: [{name: c}]",
                "models: [",
            ],
        ),
        (
            "macros/money.sql",
            &[
                "{% macro money(x) %}{{ x }}{% endmacro %}",
                "{% macro money(x) %}({{ x }} + 1){% endmacro %}",
                "{% macro money(x) %}{{ x }",
            ],
        ),
        (
            "dbt_project.yml",
            &[
                "name: shop\nprofile: shop\nvars: {second: 2}\n",
                "name: shop\nprofile: shop\nmodels: {shop: {+materialized: table}}\nvars: {second: x}\n",
            ],
        ),
        ("models/marts/totals.sql", &["select {{ var('second') }} as price", "select 1 as price"]),
    ];
    let mut restored = 0;
    for _ in 0..4 {
        let mut world = World::new();
        for step in 0..10 {
            let (path, choices) = texts[below(texts.len())];
            let what = match below(6) {
                0 if world.sandbox.path().join(path).is_file() && path != "dbt_project.yml" => {
                    world.remove(path);
                    format!("{path} gone in step {step}")
                }
                1 => {
                    let since = ["2025-01-01", "2026-01-01"][below(2)];
                    world.options.env.insert("SINCE".into(), since.into());
                    format!("SINCE={since} in step {step}")
                }
                _ => {
                    let text = choices[below(choices.len())];
                    world.write(path, text);
                    format!("{path}: {text} in step {step}")
                }
            };
            world.is_restored(&what);
            restored += usize::from(world.is_restored(&what));
        }
    }
    assert!(restored >= 10, "only {restored} of 40 loads restored anything: the test tests too little");
}
