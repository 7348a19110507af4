//! Unit tests: a model's query over given rows must give the expected rows.
//!
//! Follows dbt's unit tests (<https://docs.getdbt.com/docs/build/unit-tests>): only the columns that are expected are
//! compared, as a bag of rows; columns that a given row leaves out are null; a seed without rows stands for itself.
//!
//! One point is wider than in dbt: nothing needs to be built before. Where a parent is not in the warehouse its
//! columns are worked out from the project (see [`types`]).
//!
//! Guarantees: nothing is read from the warehouse but columns and types, and nothing is written to it.

mod diff;
mod rows;
mod types;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use millstream_core::{Error, Result};
use millstream_project::{GivenRows, Node, ResourceType, UnitTest, UnitTestRows};

use crate::cells;
use crate::execute::Outcome;
use crate::execute::session::{Compiled, Session, Slot};
use crate::materialize::seed_rows;
use crate::sqltype::sql_type;
use crate::{NodeResult, Status};
use types::Types;

/// Rows that a model may give for a unit test: the rows are compared in memory and shown to people.
pub const UNIT_TEST_ROWS_MAX: usize = 100_000;

/// A unit test in the form in which the runner tells of nodes.
pub(crate) fn node(test: &UnitTest, tested: &Node, package_dir: String) -> Node {
    let version = test.version.as_ref().map(|version| format!(".v{version}")).unwrap_or_default();
    Node {
        unique_id: test.unique_id.clone(),
        resource_type: ResourceType::UnitTest,
        name: test.name.clone(),
        alias: format!("{}{version}::{}", test.model, test.name),
        package_name: test.package_name.clone(),
        package_dir,
        path: format!("{}{}.sql", test.name, version.replace('.', "_")),
        original_file_path: test.original_file_path.clone(),
        fqn: test.fqn.clone(),
        tags: test.tags.clone(),
        meta: test.meta.clone(),
        depends_on: test.depends_on.clone(),
        relation_name: None,
        place: test.place.clone(),
        patch_place: None,
        test_metadata: None,
        ..tested.clone()
    }
}

/// Runs the test. Errors are in the result.
pub(crate) async fn carry_out(session: &Arc<Session>, node: &Node, slot: Slot, mut outcome: Outcome) -> NodeResult {
    let ran = session.cancel.race(run(session, node, &mut outcome)).await;
    let result = match ran {
        Ok((status, message)) => outcome.end(session, status, message),
        Err(error) => outcome.fail(session, &error),
    };
    drop(slot);
    result
}

async fn run(session: &Arc<Session>, node: &Node, outcome: &mut Outcome) -> Result<(Status, Option<String>)> {
    let manifest = &session.project.manifest;
    let unknown = || Error::ours(format!("{} is in the plan but not in the project", node.unique_id));
    let test = manifest.unit_tests.get(&node.unique_id).ok_or_else(unknown)?;
    let tested = manifest.node(&test.tested_node).ok_or_else(unknown)?;
    let at_test = |error: Error| if error.place().is_some() { error } else { error.at(test.place.clone()) };
    let mut types = Types::new(session);
    let mut given = Vec::new();
    for rows in &test.given {
        given.push(given_rows(session, test, tested, rows, &mut types).await.map_err(at_test)?);
    }
    let compiled = session.compile_unit_test(node, test, given).await?;
    outcome.compiled(session, &compiled);
    let sql = compiled.node.sql.trim_end().trim_end_matches(';').trim_end().to_owned();
    let whole = format!("select * from (\n{sql}\n) as dbt_internal_unit_test_actual");
    session.write_run_sql(node, whole.clone()).await?;
    let (schema, actual) = read(session, &whole).await.map_err(|error| in_model(error, &whole, &sql))?;
    let (columns, expected) = expected(session, test, &schema).await.map_err(at_test)?;
    let actual = rows_of(&actual, &columns)?;
    let names: Vec<&str> = columns.iter().map(|column| schema.field(*column).name().as_str()).collect();
    match diff::diff(&names, &expected, &actual) {
        None => {
            outcome.result_mut().failures = Some(0);
            Ok((Status::Pass, None))
        }
        Some(shown) => {
            outcome.result_mut().failures = Some(1);
            Ok((Status::Fail, Some(format!("actual differs from expected:\n\n{shown}"))))
        }
    }
}

/// One input as SQL.
async fn given_rows(
    session: &Arc<Session>,
    test: &UnitTest,
    tested: &Node,
    rows: &UnitTestRows,
    types: &mut Types<'_>,
) -> Result<GivenRows> {
    let is_this = rows.input.trim() == "this";
    let unique_id = match &rows.input_unique_id {
        Some(unique_id) => unique_id.clone(),
        None => test.tested_node.clone(),
    };
    if let ("sql", Some(sql)) = (rows.format.as_str(), rows.rows.as_str()) {
        let sql = session.compile_inline(sql).await?.sql;
        return Ok(GivenRows { unique_id, is_this, sql: sql.trim_end().trim_end_matches(';').to_owned() });
    }
    let seed = session.project.manifest.node(&unique_id).filter(|node| node.resource_type == ResourceType::Seed);
    if let Some(seed) = seed.filter(|_| !rows.is_given) {
        let batch = seed_rows(session, seed).await?;
        return Ok(GivenRows { unique_id, is_this, sql: rows::of_batch(&batch, session.dialect())? });
    }
    let schema = if is_this { types.this(tested).await } else { types.of(&unique_id).await };
    let sql = rows::given(&rows.input, &rows.rows, schema.as_deref(), session.dialect())?;
    Ok(GivenRows { unique_id, is_this, sql })
}

/// Positions of the compared columns in what the model gives, and the expected rows in its types.
async fn expected(session: &Arc<Session>, test: &UnitTest, schema: &Schema) -> Result<(Vec<usize>, Vec<diff::Row>)> {
    let sql = match test.expect.rows.as_str() {
        Some(sql) if test.expect.format == "sql" => {
            let sql = session.compile_inline(sql).await?.sql;
            format!("select * from (\n{}\n) as dbt_internal_unit_test_expected", sql.trim_end().trim_end_matches(';'))
        }
        _ => rows::expected(&test.expect.rows, schema, session.dialect())?,
    };
    let (found, batch) = read(session, &sql).await?;
    let mut columns = Vec::with_capacity(found.fields().len());
    let mut typed: Vec<ArrayRef> = Vec::with_capacity(found.fields().len());
    for (position, field) in found.fields().iter().enumerate() {
        let column = rows::position(schema, field.name())?;
        let wanted = schema.field(column).data_type();
        let cast =
            cast_with_options(batch.column(position), wanted, &CastOptions { safe: false, ..CastOptions::default() });
        typed.push(cast.map_err(|error| {
            Error::user(format!("the expected values of {} are not of type {}", field.name(), sql_type(wanted)))
                .why(error)
        })?);
        columns.push(column);
    }
    let rows = (0..batch.num_rows())
        .map(|row| typed.iter().map(|column| cell(column, row)).collect())
        .collect::<Result<Vec<diff::Row>>>()?;
    Ok((columns, rows))
}

fn rows_of(batch: &RecordBatch, columns: &[usize]) -> Result<Vec<diff::Row>> {
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| cell(batch.column(*column), row)).collect()).collect()
}

fn cell(column: &ArrayRef, row: usize) -> Result<Option<String>> {
    if column.is_null(row) { Ok(None) } else { cells::text(column, row).map(Some) }
}

/// All rows of a query, within the limit.
async fn read(session: &Session, sql: &str) -> Result<(SchemaRef, RecordBatch)> {
    let mut result = session.warehouse.query(sql, &session.query_options(&[])).await?;
    let mut batches = Vec::new();
    let mut count = 0;
    while let Some(batch) = result.stream.next().await {
        let batch = batch?;
        count += batch.num_rows();
        if count > UNIT_TEST_ROWS_MAX {
            return Err(Error::user(format!("a unit test compares at most {UNIT_TEST_ROWS_MAX} rows"))
                .hint("give fewer rows, or write a data test"));
        }
        batches.push(batch);
    }
    let batch = concat_batches(&result.schema, &batches)
        .map_err(|error| Error::ours("the rows of a unit test do not fit together").why(error))?;
    Ok((result.schema, batch))
}

/// A line of the whole query as one of the compiled file, which holds the model's part.
fn in_model(error: Error, whole: &str, sql: &str) -> Error {
    crate::test::unwrapped(whole, sql, error)
}

impl Session {
    /// Renders the tested model over given rows and writes it to `target/compiled`.
    async fn compile_unit_test(&self, node: &Node, test: &UnitTest, given: Vec<GivenRows>) -> Result<Compiled> {
        let options = self.compile_options(&[], serde_json::Map::new());
        let test = test.clone();
        self.compile_to_file(node, None, move |project| project.compile_unit_test(&test, &given, &options)).await
    }
}
