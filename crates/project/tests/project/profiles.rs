//! Where `profiles.yml` is looked for, and what the command line overrides.

use std::path::Path;

use millstream_core::Kind;
use millstream_project::{LoadOptions, load, load_target};
use serde_json::json;

use crate::sandbox::Sandbox;

fn write_profile(dir: &Path, schema: &str) {
    std::fs::create_dir_all(dir).unwrap();
    let text = format!("shop: {{target: dev, outputs: {{dev: {{type: millstream, schema: {schema}}}}}}}\n");
    std::fs::write(dir.join("profiles.yml"), text).unwrap();
}

#[test]
fn the_nearest_profiles_file_wins() {
    let sandbox = Sandbox::new([]);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut options = sandbox.options();
    let schema = |options: &LoadOptions| load_target(options).unwrap().schema;
    write_profile(&elsewhere.path().join(".dbt"), "home");
    write_profile(&elsewhere.path().join("env"), "environment");
    write_profile(&elsewhere.path().join("flag"), "flag");
    options.env.insert("HOME".into(), elsewhere.path().display().to_string());
    assert_eq!(schema(&options), "main", "the project folder comes before the home folder");
    std::fs::remove_file(sandbox.path().join("profiles.yml")).unwrap();
    assert_eq!(schema(&options), "home");
    options.env.insert("DBT_PROFILES_DIR".into(), elsewhere.path().join("env").display().to_string());
    assert_eq!(schema(&options), "environment");
    options.profiles_dir = Some(elsewhere.path().join("flag"));
    assert_eq!(schema(&options), "flag");
    options.profiles_dir = Some(elsewhere.path().join("nowhere"));
    let error = load_target(&options).unwrap_err();
    assert_eq!(error.kind(), Kind::User);
    assert!(error.to_string().contains("no profiles.yml for profile 'shop'"), "{error}");
}

#[test]
fn only_the_chosen_output_is_rendered() {
    let profiles = "shop:\n  target: \"{{ env_var('SHOP_TARGET', 'dev') }}\"\n  outputs:\n    \
        dev: {type: millstream, path: \"{{ env_var('SHOP_PATH', 'here') }}\", threads: \"{{ 1 + 2 }}\"}\n    \
        prod: {type: snowflake, schema: PUBLIC, password: \"{{ env_var('DBT_ENV_SECRET_P') }}\"}\n";
    let sandbox = Sandbox::new([("profiles.yml", profiles)]);
    let target = load_target(&sandbox.options()).unwrap();
    assert_eq!((target.name.as_str(), target.threads), ("dev", 3));
    assert_eq!(target.path, sandbox.path().canonicalize().unwrap().join("here"));
    let mut options = sandbox.options();
    options.target = Some("prod".into());
    let error = load_target(&options).unwrap_err().to_string();
    assert!(error.contains("DBT_ENV_SECRET_P"), "{error}");
    options.env.insert("DBT_ENV_SECRET_P".into(), "hush".into());
    let target = load_target(&options).unwrap();
    assert_eq!(target.raw["password"], "hush");
    assert!(!target.context().contains_key("password"), "templates never see it");
}

#[test]
fn the_command_line_wins() {
    let project = "name: shop\nprofile: shop\nvars: {size: 1}\n";
    let sandbox = Sandbox::new([
        ("dbt_project.yml", project),
        ("models/a.sql", "{{ config(tags=var('size') | string) }} select 1"),
    ]);
    let tags = |options: &LoadOptions| load(options).unwrap().manifest.node("model.shop.a").unwrap().tags.clone();
    let mut options = sandbox.options();
    assert_eq!(tags(&options), ["1"]);
    options.vars.insert("size".into(), json!(2));
    assert_eq!(tags(&options), ["2"]);
    options.profile = Some("other".into());
    assert!(load(&options).err().unwrap().to_string().contains("no profile 'other'"));
}
