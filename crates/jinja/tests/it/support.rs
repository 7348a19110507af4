//! An environment, a resolver and a warehouse for the tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{TimeZone, Utc};
use millstream_core::{Error, Result};
use millstream_jinja::*;
use serde_json::{Map, Value as Json, json};

/// Options with a project `shop`, some variables, and these macro texts in it.
pub fn options(macros: &[&str]) -> EnvironmentOptions {
    let file = |(position, text): (usize, &&str)| MacroFile {
        package: "shop".to_owned(),
        path: format!("macros/m{position}.sql"),
        text: (*text).to_owned(),
    };
    let vars =
        json!({"start": "2025-06-01", "days": 30, "nested": {"a": [1, 2]}, "templated": "{{ env_var('HOME_TOWN') }}!"});
    EnvironmentOptions {
        project_name: "shop".to_owned(),
        macros: macros.iter().enumerate().map(file).collect(),
        target: json!({"name": "dev", "schema": "analytics", "database": "lake", "type": "millstream", "threads": 4, "profile_name": "shop"}),
        vars: Vars { overrides: Map::new(), by_package: BTreeMap::from([("shop".to_owned(), object(vars))]) },
        env: BTreeMap::from([
            ("HOME_TOWN".to_owned(), "Ulm".to_owned()),
            ("DBT_ENV_SECRET_TOKEN".to_owned(), "hunter2".to_owned()),
            ("DBT_ENV_CUSTOM_ENV_TEAM".to_owned(), "data".to_owned()),
        ]),
        now: Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap(),
        invocation_id: "11111111-2222-3333-4444-555555555555".to_owned(),
        flags: object(json!({"FULL_REFRESH": false, "STORE_FAILURES": false, "WHICH": "build"})),
        ..EnvironmentOptions::default()
    }
}

pub fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        other => panic!("{other} is not an object"),
    }
}

pub fn environment(macros: &[&str]) -> Environment {
    // Loading the built-in macros takes most of a test's time: those without macros of their own share one environment.
    static PLAIN: OnceLock<Environment> = OnceLock::new();
    if macros.is_empty() { PLAIN.get_or_init(|| made(options(&[]))).clone() } else { made(options(macros)) }
}

pub fn made(options: EnvironmentOptions) -> Environment {
    Environment::new(options).unwrap_or_else(|problems| panic!("{:#?}", problems.sorted()))
}

/// Resolves everything but `missing`.
pub struct Names;

impl Resolver for Names {
    fn resolve_ref(&self, package: Option<&str>, name: &str, version: Option<&str>) -> Result<Relation> {
        if name == "missing" {
            return Err(Error::user("model 'missing' is not known").hint("did you mean 'mission'?"));
        }
        let name = version.map_or_else(|| name.to_owned(), |version| format!("{name}_v{version}"));
        Ok(Relation::new(package.unwrap_or("analytics"), name).with_database("lake", false))
    }
    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation> {
        Ok(Relation::new(source, table))
    }
}

/// A warehouse that answers by script and remembers what it was asked.
#[derive(Default)]
pub struct Scripted {
    pub answers: Mutex<Vec<Table>>,
    pub asked: Mutex<Vec<String>>,
    pub logged: Mutex<Vec<String>>,
    pub columns: Vec<Column>,
    pub relations: Vec<Relation>,
}

impl Adapter for Scripted {
    fn execute(&self, sql: &str, _fetch: bool) -> Result<(Response, Table)> {
        self.asked.lock().unwrap().push(sql.trim().to_owned());
        let mut answers = self.answers.lock().unwrap();
        let table = if answers.is_empty() { Table::default() } else { answers.remove(0) };
        Ok((Response { message: "SELECT".to_owned(), rows_affected: Some(table.rows.len() as i64) }, table))
    }
    fn get_relation(&self, _: Option<&str>, schema: &str, identifier: &str) -> Result<Option<Relation>> {
        let same = |r: &&Relation| r.schema.as_deref() == Some(schema) && r.identifier.as_deref() == Some(identifier);
        Ok(self.relations.iter().find(same).cloned())
    }
    fn get_columns(&self, _relation: &Relation) -> Result<Vec<Column>> {
        Ok(self.columns.clone())
    }
    fn list_relations(&self, _: Option<&str>, _: &str) -> Result<Vec<Relation>> {
        Ok(self.relations.clone())
    }
    fn log(&self, message: &str, _info: bool) {
        self.logged.lock().unwrap().push(message.to_owned());
    }
}

pub fn node() -> Json {
    json!({
        "unique_id": "model.shop.orders", "name": "orders", "resource_type": "model", "schema": "marts", "alias": "orders",
        "config": {"materialized": "incremental", "tags": ["a", "b"], "meta": {"owner": "me"}},
    })
}

pub fn context(adapter: Arc<dyn Adapter>) -> RenderContext {
    RenderContext { adapter, ..RenderContext::new(node(), Arc::new(Names)) }
}

pub fn template(text: &str) -> Template<'_> {
    Template::file("shop", "models/orders.sql", text)
}

/// Renders with these macros.
pub fn render_with(macros: &[&str], text: &str) -> Result<String> {
    environment(macros).render(&template(text), &context(Arc::new(Scripted::default())))
}

/// Renders; panics with the error.
pub fn render(text: &str) -> String {
    render_with(&[], text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The error of a rendering.
pub fn error(macros: &[&str], text: &str) -> Error {
    match render_with(macros, text) {
        Err(error) => error,
        Ok(out) => panic!("{text} gave {out}"),
    }
}

pub fn parse(text: &str) -> Parsed {
    parse_with(&[], text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

pub fn parse_with(macros: &[&str], text: &str) -> Result<Parsed> {
    environment(macros).parse(&template(text), &ParseContext { node: node(), ..ParseContext::default() })
}
