//! Merged settings into a typed [`NodeConfig`] and into the values that the manifest and templates see.

use indexmap::IndexMap;
use millstream_core::{Diagnostic, Diagnostics};
use serde_json::{Map, Value, json};

use super::known;
use super::merge::{Setting, Settings, listed};
use crate::manifest::{
    Contract, Docs, Hook, NodeConfig, OnSchemaChange, ResourceType, SnapshotColumnNames, TestSeverity,
};
use crate::names::did_you_mean;

/// Types the settings of a node. Wrong types and values are errors at the setting's place, unknown names warnings.
pub(crate) fn node_config(kind: ResourceType, settings: &Settings, diagnostics: &mut Diagnostics) -> NodeConfig {
    let mut reader = Reader { kind, settings, diagnostics };
    let mut config = reader.read();
    reader.check(&config);
    reader.warn_unknown();
    config.values = values(kind, settings, &config);
    config
}

struct Reader<'a> {
    kind: ResourceType,
    settings: &'a Settings,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn read(&mut self) -> NodeConfig {
        let base = NodeConfig::default();
        let is_test = self.kind == ResourceType::Test;
        let (store_failures, store_failures_as) = self.store_failures();
        NodeConfig {
            enabled: self.bool("enabled").unwrap_or(true),
            alias: self.text("alias"),
            schema: match self.settings.get("schema") {
                None if is_test => Some("dbt_test__audit".into()),
                _ => self.text("schema"),
            },
            database: self.text("database"),
            tags: self.tags(),
            meta: self.map("meta"),
            group: self.text("group"),
            materialized: self.text("materialized").unwrap_or_else(|| default_materialization(self.kind).into()),
            incremental_strategy: self.text("incremental_strategy"),
            batch_size: self.text("batch_size"),
            lookback: self.whole("lookback").unwrap_or(base.lookback),
            begin: self.text("begin"),
            event_time: self.text("event_time"),
            persist_docs: self.map("persist_docs"),
            pre_hook: self.hooks("pre-hook"),
            post_hook: self.hooks("post-hook"),
            quoting: self.map("quoting"),
            column_types: self.column_types(),
            full_refresh: self.bool("full_refresh"),
            unique_key: self.texts("unique_key"),
            on_schema_change: self.on_schema_change(),
            on_configuration_change: self
                .one_of("on_configuration_change", &["apply", "continue", "fail"])
                .unwrap_or(base.on_configuration_change),
            merge_update_columns: self.texts("merge_update_columns"),
            merge_exclude_columns: self.texts("merge_exclude_columns"),
            incremental_predicates: match self.texts("incremental_predicates") {
                none if none.is_empty() => self.texts("predicates"),
                some => some,
            },
            grants: self.map("grants"),
            packages: self.texts("packages"),
            docs: self.docs(),
            contract: self.contract(),
            access: self.one_of("access", &["private", "protected", "public"]),
            concurrent_batches: self.bool("concurrent_batches"),
            freshness: self.value("freshness").cloned(),
            sql_header: self.text("sql_header"),
            quote_columns: self.bool("quote_columns"),
            delimiter: self.text("delimiter").unwrap_or(base.delimiter),
            strategy: self.text("strategy"),
            target_schema: self.text("target_schema"),
            target_database: self.text("target_database"),
            updated_at: self.text("updated_at"),
            check_cols: self.texts("check_cols"),
            snapshot_column_names: self.snapshot_column_names(),
            hard_deletes: self.hard_deletes(),
            dbt_valid_to_current: self.text("dbt_valid_to_current"),
            severity: self.severity(),
            where_clause: self.text("where"),
            limit: self.whole("limit"),
            fail_calc: self.text("fail_calc").unwrap_or(base.fail_calc),
            warn_if: self.text("warn_if").unwrap_or(base.warn_if),
            error_if: self.text("error_if").unwrap_or(base.error_if),
            store_failures,
            store_failures_as,
            extra: self
                .settings
                .iter()
                .filter(|(name, _)| !known::COMMON.contains(&name.as_str()))
                .map(|(name, setting)| (name.clone(), setting.value.clone()))
                .collect(),
            values: Map::new(),
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.settings.get(name).map(|setting| &setting.value).filter(|value| !value.is_null())
    }

    fn wrong(&mut self, name: &str, wanted: &str) {
        let Some(setting) = self.settings.get(name) else { return };
        self.diagnostics.push(
            Diagnostic::error("wrong-type", format!("'{name}' must be {wanted}, not {}", show(&setting.value)))
                .at(setting.place.clone()),
        );
    }

    fn bool(&mut self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(value) => Some(*value),
            // dbt reads these words, which rendered Jinja gives, as booleans.
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => {
                self.wrong(name, "true or false");
                None
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                self.wrong(name, "text");
                None
            }
        }
    }

    fn whole(&mut self, name: &str) -> Option<u64> {
        let value = self.value(name)?;
        let whole = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        if whole.is_none() {
            self.wrong(name, "a whole number from 0");
        }
        whole
    }

    fn map(&mut self, name: &str) -> Map<String, Value> {
        match self.value(name) {
            Some(Value::Object(object)) => object.clone(),
            Some(_) => {
                self.wrong(name, "a mapping");
                Map::new()
            }
            None => Map::new(),
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let items = self.value(name).map(listed).unwrap_or_default();
        let texts: Vec<String> = items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
        if texts.len() != items.len() {
            self.wrong(name, "text or a list of texts");
        }
        texts
    }

    fn tags(&mut self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for tag in self.texts("tags") {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    fn one_of(&mut self, name: &str, allowed: &[&str]) -> Option<String> {
        let text = self.text(name)?;
        if allowed.contains(&text.as_str()) {
            return Some(text);
        }
        self.wrong(name, &format!("one of {}", allowed.join(", ")));
        None
    }

    fn hooks(&mut self, name: &str) -> Vec<Hook> {
        let items = self.value(name).map(listed).unwrap_or_default();
        let mut hooks = Vec::new();
        for item in &items {
            match hook(item) {
                Some(hook) => hooks.push(hook),
                None => self.wrong(name, "SQL text, a mapping with 'sql', or a list of these"),
            }
        }
        hooks
    }

    fn column_types(&mut self) -> IndexMap<String, String> {
        let map = self.map("column_types");
        let types: IndexMap<String, String> =
            map.iter().filter_map(|(name, kind)| Some((name.clone(), kind.as_str()?.to_owned()))).collect();
        if types.len() != map.len() {
            self.wrong("column_types", "a mapping of column names to types");
        }
        types
    }

    fn on_schema_change(&mut self) -> OnSchemaChange {
        let allowed = ["ignore", "fail", "append_new_columns", "sync_all_columns"];
        match self.one_of("on_schema_change", &allowed).as_deref() {
            Some("fail") => OnSchemaChange::Fail,
            Some("append_new_columns") => OnSchemaChange::AppendNewColumns,
            Some("sync_all_columns") => OnSchemaChange::SyncAllColumns,
            _ => OnSchemaChange::Ignore,
        }
    }

    fn docs(&mut self) -> Docs {
        let map = self.map("docs");
        Docs {
            show: map.get("show").and_then(Value::as_bool).unwrap_or(true),
            node_color: map.get("node_color").and_then(Value::as_str).map(str::to_owned),
        }
    }

    fn contract(&mut self) -> Contract {
        let map = self.map("contract");
        Contract {
            enforced: map.get("enforced").and_then(Value::as_bool).unwrap_or(false),
            alias_types: map.get("alias_types").and_then(Value::as_bool).unwrap_or(true),
        }
    }

    fn snapshot_column_names(&mut self) -> SnapshotColumnNames {
        let map = self.map("snapshot_meta_column_names");
        let mut names = SnapshotColumnNames::default();
        for (key, value) in &map {
            let slot = match key.as_str() {
                "dbt_scd_id" => &mut names.dbt_scd_id,
                "dbt_updated_at" => &mut names.dbt_updated_at,
                "dbt_valid_from" => &mut names.dbt_valid_from,
                "dbt_valid_to" => &mut names.dbt_valid_to,
                "dbt_is_deleted" => &mut names.dbt_is_deleted,
                _ => {
                    self.wrong("snapshot_meta_column_names", "a mapping of dbt's own columns (dbt_valid_from, …)");
                    continue;
                }
            };
            match value.as_str() {
                Some(name) => *slot = name.to_owned(),
                None => self.wrong("snapshot_meta_column_names", "a mapping to column names"),
            }
        }
        names
    }

    fn hard_deletes(&mut self) -> String {
        if let Some(mode) = self.one_of("hard_deletes", &["ignore", "invalidate", "new_record"]) {
            return mode;
        }
        let invalidate = self.bool("invalidate_hard_deletes").unwrap_or(false);
        if invalidate { "invalidate".into() } else { "ignore".into() }
    }

    fn severity(&mut self) -> TestSeverity {
        match self.text("severity") {
            Some(text) if text.eq_ignore_ascii_case("warn") => TestSeverity::Warn,
            Some(text) if text.eq_ignore_ascii_case("error") => TestSeverity::Error,
            Some(_) => {
                self.wrong("severity", "'warn' or 'error'");
                TestSeverity::Error
            }
            None => TestSeverity::Error,
        }
    }

    /// dbt's rule: `store_failures_as` decides; without it `store_failures: true` means a table.
    fn store_failures(&mut self) -> (Option<bool>, Option<String>) {
        match self.one_of("store_failures_as", &["table", "view", "ephemeral"]) {
            Some(kind) => (Some(kind != "ephemeral"), Some(kind)),
            None => {
                let stored = self.bool("store_failures");
                let kind = stored.map(|stored| if stored { "table" } else { "ephemeral" }.to_owned());
                (stored, kind)
            }
        }
    }

    /// Settings that contradict each other.
    fn check(&mut self, config: &NodeConfig) {
        match self.kind {
            ResourceType::Snapshot => self.check_snapshot(config),
            ResourceType::Test if config.materialized != "test" => self.wrong("materialized", "'test' for tests"),
            ResourceType::Seed if config.delimiter.len() != 1 => self.wrong("delimiter", "one ASCII character"),
            ResourceType::Model => {
                let changes =
                    matches!(config.on_schema_change, OnSchemaChange::Fail | OnSchemaChange::AppendNewColumns);
                if config.contract.enforced && config.materialized == "incremental" && !changes {
                    let place = self.place_of(&["contract", "materialized"]);
                    self.report(
                        "bad-config",
                        "an incremental model with an enforced contract needs another on_schema_change",
                        place,
                        "set on_schema_change to 'append_new_columns' or 'fail'",
                    );
                }
            }
            _ => {}
        }
    }

    fn check_snapshot(&mut self, config: &NodeConfig) {
        if !config.enabled {
            return;
        }
        let place = self.place_of(&["strategy", "unique_key", "updated_at", "check_cols"]);
        match config.strategy.as_deref() {
            None => self.report(
                "bad-config",
                "a snapshot needs a 'strategy'",
                place.clone(),
                "set strategy to 'timestamp' (with updated_at) or 'check' (with check_cols)",
            ),
            Some("timestamp") if config.updated_at.is_none() => self.report(
                "bad-config",
                "a snapshot with strategy 'timestamp' needs 'updated_at'",
                place.clone(),
                "set updated_at to the column that tells when a row changed",
            ),
            Some("check") if config.check_cols.is_empty() => self.report(
                "bad-config",
                "a snapshot with strategy 'check' needs 'check_cols'",
                place.clone(),
                "set check_cols to 'all' or a list of columns",
            ),
            Some("timestamp" | "check") => {}
            Some(_) => self.wrong("strategy", "'timestamp' or 'check'"),
        }
        if config.unique_key.is_empty() {
            let hint = "set unique_key to the column or columns that identify a row";
            self.report("bad-config", "a snapshot needs a 'unique_key'", place, hint);
        }
    }

    fn place_of(&self, names: &[&str]) -> Option<millstream_core::Place> {
        let setting: Option<&Setting> = names.iter().find_map(|name| self.settings.get(*name));
        setting.map(|setting| setting.place.clone())
    }

    fn report(&mut self, code: &'static str, message: &str, place: Option<millstream_core::Place>, hint: &str) {
        let mut diagnostic = Diagnostic::error(code, message).hint(hint);
        diagnostic.place = place;
        self.diagnostics.push(diagnostic);
    }

    fn warn_unknown(&mut self) {
        for (name, setting) in self.settings {
            if known::is_known(name) {
                continue;
            }
            let hint = did_you_mean(name, known::COMMON.iter().copied(), "put your own settings under 'meta'");
            self.diagnostics.push(
                Diagnostic::warning("unknown-config", format!("'{name}' is not a setting of a {}", self.kind))
                    .at(setting.place.clone())
                    .hint(hint),
            );
        }
    }
}

/// A hook from text, from a mapping, or from the JSON text that `before_begin()` and `after_commit()` give.
fn hook(value: &Value) -> Option<Hook> {
    match value {
        Value::String(text) => {
            if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) {
                return hook(&Value::Object(object));
            }
            Some(Hook { sql: text.clone(), transaction: true, index: None })
        }
        Value::Object(object) => Some(Hook {
            sql: object.get("sql")?.as_str()?.to_owned(),
            transaction: object.get("transaction").and_then(Value::as_bool).unwrap_or(true),
            index: object.get("index").and_then(Value::as_i64),
        }),
        _ => None,
    }
}

fn default_materialization(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Seed => "seed",
        ResourceType::Snapshot => "snapshot",
        ResourceType::Test => "test",
        _ => "view",
    }
}

/// A value in messages, cut to a line.
fn show(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { format!("{}…", text.chars().take(59).collect::<String>()) } else { text }
}

/// The configuration as dbt writes it into the manifest: its fields in its order with its defaults, then the rest.
fn values(kind: ResourceType, settings: &Settings, config: &NodeConfig) -> Map<String, Value> {
    let mut all = Map::new();
    let common = ["alias", "schema", "database", "group", "static_analysis"];
    all.insert("enabled".into(), config.enabled.into());
    for name in &common[..3] {
        all.insert((*name).into(), Value::Null);
    }
    all.insert("tags".into(), json!(config.tags));
    all.insert("meta".into(), config.meta.clone().into());
    all.insert("group".into(), Value::Null);
    all.insert("static_analysis".into(), Value::Null);
    all.insert("materialized".into(), config.materialized.clone().into());
    let defaults: &[(&str, Value)] = &if kind == ResourceType::Test {
        vec![
            ("severity", json!("ERROR")),
            ("store_failures", Value::Null),
            ("store_failures_as", Value::Null),
            ("where", Value::Null),
            ("limit", Value::Null),
            ("fail_calc", json!(config.fail_calc)),
            ("warn_if", json!(config.warn_if)),
            ("error_if", json!(config.error_if)),
        ]
    } else {
        node_defaults(kind, config)
    };
    for (name, value) in defaults {
        all.insert((*name).into(), value.clone());
    }
    for (name, setting) in settings {
        let computed = matches!(
            name.as_str(),
            "enabled" | "tags" | "meta" | "pre-hook" | "post-hook" | "docs" | "contract" | "snapshot_meta_column_names"
        );
        if !computed {
            all.insert(name.clone(), setting.value.clone());
        }
    }
    if kind == ResourceType::Test {
        all.insert("schema".into(), json!(config.schema));
        all.insert("store_failures".into(), json!(config.store_failures));
        all.insert("store_failures_as".into(), json!(config.store_failures_as));
    }
    all
}

fn node_defaults(kind: ResourceType, config: &NodeConfig) -> Vec<(&'static str, Value)> {
    let hooks = |hooks: &[Hook]| -> Value {
        let one = |hook: &Hook| json!({"sql": hook.sql, "transaction": hook.transaction, "index": hook.index});
        hooks.iter().map(one).collect()
    };
    let mut all = vec![
        ("incremental_strategy", Value::Null),
        ("batch_size", Value::Null),
        ("lookback", json!(config.lookback)),
        ("begin", Value::Null),
        ("persist_docs", json!({})),
        ("post-hook", hooks(&config.post_hook)),
        ("pre-hook", hooks(&config.pre_hook)),
        ("quoting", json!({})),
        ("column_types", json!({})),
        ("full_refresh", Value::Null),
        ("unique_key", Value::Null),
        ("on_schema_change", json!("ignore")),
        ("on_configuration_change", json!(config.on_configuration_change)),
        ("grants", json!({})),
        ("packages", json!([])),
        ("docs", json!({"show": config.docs.show, "node_color": config.docs.node_color})),
        ("contract", json!({"enforced": config.contract.enforced, "alias_types": config.contract.alias_types})),
        ("event_time", Value::Null),
        ("concurrent_batches", Value::Null),
    ];
    match kind {
        ResourceType::Model => all.extend([("access", json!("protected")), ("freshness", Value::Null)]),
        ResourceType::Seed => all.extend([("delimiter", json!(",")), ("quote_columns", Value::Null)]),
        ResourceType::Snapshot => {
            let names = config.values_of_snapshot_columns();
            all.extend([
                ("strategy", Value::Null),
                ("target_schema", Value::Null),
                ("target_database", Value::Null),
                ("updated_at", Value::Null),
                ("check_cols", Value::Null),
                ("snapshot_meta_column_names", names),
                ("dbt_valid_to_current", Value::Null),
            ]);
        }
        _ => {}
    }
    all
}

impl NodeConfig {
    /// The names that were set; dbt writes null for the others.
    fn values_of_snapshot_columns(&self) -> Value {
        let base = SnapshotColumnNames::default();
        let set = |name: &str, default: &str| if name == default { Value::Null } else { json!(name) };
        let names = &self.snapshot_column_names;
        json!({
            "dbt_valid_to": set(&names.dbt_valid_to, &base.dbt_valid_to),
            "dbt_valid_from": set(&names.dbt_valid_from, &base.dbt_valid_from),
            "dbt_scd_id": set(&names.dbt_scd_id, &base.dbt_scd_id),
            "dbt_updated_at": set(&names.dbt_updated_at, &base.dbt_updated_at),
            "dbt_is_deleted": set(&names.dbt_is_deleted, &base.dbt_is_deleted),
        })
    }
}
