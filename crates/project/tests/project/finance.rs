//! The reference project.

use std::path::Path;
use std::sync::Arc;

use millstream_jinja::NoAdapter;
use millstream_project::{CompileOptions, LoadOptions, Project, ResourceType, Selection, load};

use crate::sandbox::now;

fn finance() -> Project {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/finance");
    load(&LoadOptions::new(dir, now(), "id")).unwrap()
}

#[test]
fn it_loads_without_a_warning() {
    let project = finance();
    let warnings: Vec<String> = project.warnings.sorted().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, Vec::<String>::new());
    for (id, schema) in [
        ("model.finance.fct_transactions", "marts"),
        ("model.finance.stg_users", "staging"),
        ("seed.finance.currencies", "seeds"),
        ("snapshot.finance.snap_users", "snapshots"),
    ] {
        assert_eq!(project.manifest.node(id).unwrap().schema, schema, "{id}");
    }
}

#[test]
fn every_node_compiles() {
    let project = finance();
    let options = CompileOptions::new(Arc::new(NoAdapter), "compile");
    for (id, node) in &project.manifest.nodes {
        let compiled = project.compile(id, &options).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(compiled.sql.is_empty(), node.resource_type == ResourceType::Seed, "{id}");
        assert!(!compiled.sql.contains("{{"), "{id}: {}", compiled.sql);
    }
}

#[test]
fn the_ingest_contract_is_in_the_sources() {
    let project = finance();
    let source = project.manifest.source("raw", "transactions_batch").unwrap();
    assert_eq!(source.meta["millstream"]["connector"], "file");
    assert_eq!(source.columns["amount"].data_type.as_deref(), Some("decimal(18,2)"));
    assert_eq!(source.columns["tx_id"].meta["millstream"]["format"], "uuid");
    let stream = project.manifest.source("raw", "transactions_streaming").unwrap();
    assert_eq!(stream.meta["millstream"]["brokers"], "localhost:9092", "Jinja in meta is rendered");
}

#[test]
fn everything_is_selected_in_an_order_that_can_be_built() {
    let project = finance();
    let ids = project.select(&Selection::default()).unwrap().ids;
    for (at, id) in ids.iter().enumerate() {
        for parent in &project.manifest.parent_map[id] {
            assert!(ids[..at].contains(parent), "{parent} must come before {id}");
        }
    }
    let marts = Selection { select: vec!["tag:marts".into()], ..Selection::default() };
    let marts = project.select(&marts).unwrap().ids;
    assert!(marts.contains(&"model.finance.fct_daily_transactions".to_owned()));
    assert!(!marts.contains(&"model.finance.stg_users".to_owned()));
}
