//! From SQL to rows: plan, choose the number of threads by the size of the data, run.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::catalog::{TableFunctionArgs, TableProvider};
use datafusion::common::{DFSchema, plan_err};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::Result as EngineResult;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableSource};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use millstream_core::warehouse::{Dialect, QueryOptions, QueryResult};
use millstream_core::{Clock, Error, Result, TableName};

use super::context::Scope;
use super::series;
use super::session;
use super::table::FileTable;
use crate::catalog::Catalog;
use crate::error::from_engine;
use crate::log::schema::sql_type;
use crate::options::EmbeddedOptions;
use crate::snowflake::{is_variant_type, json_text};

/// Bytes of data files below which one thread is faster than several.
const ONE_THREAD_BYTES: u64 = 4 * 1024 * 1024;

/// A logical plan and what is needed to run it well.
pub(crate) struct Planned {
    pub plan: LogicalPlan,
    /// Bytes of the files that it may read.
    pub bytes: u64,
}

/// Plans and runs queries.
#[derive(Clone)]
pub(crate) struct Engine {
    small: SessionState,
    large: SessionState,
    clock: Arc<dyn Clock>,
    memory_limit_bytes: usize,
    is_lean: bool,
}

impl Engine {
    pub(crate) fn new(options: &EmbeddedOptions, spill_folder: &Path) -> Result<Self> {
        let runtime = session::runtime(options.memory_limit_bytes, spill_folder)?;
        Ok(Self {
            small: session::state(runtime.clone(), 1),
            large: session::state(runtime, options.threads.max(1)),
            clock: options.clock.clone(),
            memory_limit_bytes: options.memory_limit_bytes,
            is_lean: false,
        })
    }

    /// The same in less memory, and slower.
    ///
    /// # Errors
    /// The session cannot be made.
    pub(crate) fn lean(&self) -> Result<Self> {
        let state = session::lean(&self.large, self.memory_limit_bytes)?;
        Ok(Self { small: state.clone(), large: state, is_lean: true, ..self.clone() })
    }

    /// Whether it needs less memory.
    pub(crate) fn is_lean(&self) -> bool {
        self.is_lean
    }

    /// Plans one reading statement.
    pub(crate) fn plan(&self, catalog: &Catalog, sql: &str, options: &QueryOptions) -> Result<Planned> {
        self.plan_statement(catalog, millstream_sql::parse_one_in(options.dialect, sql)?, options, None)
    }

    /// Plans one reading statement that is parsed. `target`: what the first mention of a relation means.
    pub(crate) fn plan_statement(
        &self,
        catalog: &Catalog,
        statement: millstream_sql::Statement,
        options: &QueryOptions,
        target: Option<(TableName, FileTable)>,
    ) -> Result<Planned> {
        let scope = Scope::new(catalog, &self.large, options)?.at(self.clock.now());
        if let Some((name, table)) = target {
            scope.first_means(name, table);
        }
        let plan = scope.plan(statement)?;
        Ok(Planned { plan: described(plan)?, bytes: scope.bytes() })
    }

    /// The time that a query which is planned now is told.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The session that plans without running.
    pub(crate) fn planning_state(&self) -> &SessionState {
        &self.large
    }

    /// A condition on rows of relations with these names and columns, in the dialect of the options.
    pub(crate) fn condition(
        &self,
        catalog: &Catalog,
        sql: &str,
        relations: &[(&str, SchemaRef)],
        options: &QueryOptions,
    ) -> Result<Expr> {
        if options.dialect == Dialect::Snowflake {
            let names: Vec<&str> = relations.iter().map(|(name, _)| *name).collect();
            let scope = Scope::new(catalog, &self.large, options)?.with_sides(relations);
            return super::snowflake::condition(&scope, sql, &names);
        }
        let text = millstream_sql::condition_for_engine(sql)?;
        let mut schema = DFSchema::empty();
        for (name, columns) in relations {
            let side = DFSchema::try_from_qualified_schema(*name, columns).map_err(from_engine)?;
            schema = schema.join(&side).map_err(from_engine)?;
        }
        self.large.create_logical_expr(&text, &schema).map_err(from_engine)
    }

    /// Columns of a relation's plan as users see them.
    pub(crate) fn schema_of(plan: &LogicalPlan) -> SchemaRef {
        plain_schema(plan.schema().as_arrow())
    }

    /// The session that suits this much data; `now()` in it is the present.
    fn session(&self, bytes: u64) -> SessionState {
        let mut session = if bytes <= ONE_THREAD_BYTES { self.small.clone() } else { self.large.clone() };
        session.mark_start_execution();
        session.execution_props_mut().query_execution_start_time = Some(self.clock.now());
        session
    }

    /// The plan that runs, and its context.
    pub(crate) async fn physical(&self, planned: &Planned) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
        let session = self.session(planned.bytes);
        let physical = session.create_physical_plan(&planned.plan).await.map_err(from_engine)?;
        Ok((physical, session.task_ctx()))
    }

    /// Runs a plan; rows come as they are computed, in the engine's own types.
    pub(crate) async fn stream(&self, planned: &Planned) -> Result<impl Stream<Item = Result<RecordBatch>> + use<>> {
        let (physical, context) = self.physical(planned).await?;
        let stream = execute_stream(physical, context).map_err(from_engine)?;
        Ok(stream.map(|batch| batch.map_err(from_engine)))
    }

    /// Rows of a list of files, with some of its columns, in the engine's own types.
    pub(crate) async fn scan(
        &self,
        table: &FileTable,
        projection: Option<&Vec<usize>>,
    ) -> Result<impl Stream<Item = Result<RecordBatch>> + use<>> {
        let session = if table.bytes() <= ONE_THREAD_BYTES { &self.small } else { &self.large };
        let plan = table.scan(session, projection, &[], None).await.map_err(from_engine)?;
        let stream = execute_stream(plan, session.task_ctx()).map_err(from_engine)?;
        Ok(stream.map(|batch| batch.map_err(from_engine)))
    }

    /// As [`Engine::run`], and what fails before the first rows fails here: joins, groups and sorts have their memory
    /// by then.
    pub(crate) async fn begin(&self, planned: &Planned) -> Result<QueryResult> {
        let QueryResult { schema, mut stream } = self.run(planned).await?;
        let first = stream.try_next().await?;
        Ok(QueryResult { schema, stream: Box::pin(stream::iter(first.map(Ok)).chain(stream)) })
    }

    /// Runs a plan; rows come as they are computed.
    pub(crate) async fn run(&self, planned: &Planned) -> Result<QueryResult> {
        let (physical, context) = self.physical(planned).await?;
        let stream = execute_stream(physical, context).map_err(from_engine)?;
        let schema = shown_schema(&stream.schema());
        let plain = schema.clone();
        let stream = stream.map(move |batch| batch.map_err(from_engine).and_then(|batch| plain_batch(&batch, &plain)));
        Ok(QueryResult { schema, stream: Box::pin(stream) })
    }
}

/// Inside, text and bytes are views; whoever gets the rows gets the plain types.
fn plain_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<_> =
        schema.fields().iter().map(|field| field.as_ref().clone().with_data_type(plain(field.data_type()))).collect();
    Arc::new(Schema::new(fields))
}

/// Columns of a result: as [`plain_schema`], and VARIANTs as their JSON text.
fn shown_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = field.data_type();
            let shown = if is_variant_type(data_type) { DataType::Utf8 } else { plain(data_type) };
            field.as_ref().clone().with_data_type(shown)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn plain_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let failed = |error| Error::ours("a result cannot be handed out").why(error);
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            let text =
                if is_variant_type(column.data_type()) { Some(json_text(column).map_err(from_engine)?) } else { None };
            arrow::compute::cast(text.as_ref().unwrap_or(column), field.data_type()).map_err(failed)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(failed)
}

fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    }
}

/// The plan that stands for `describe`; any other plan as it is.
pub(super) fn described(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::DescribeTable(described) => describe(&described.schema),
        other => Ok(other),
    }
}

/// `describe`: names and types as SQL users know them.
fn describe(schema: &Schema) -> Result<LogicalPlan> {
    let text = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let fields = schema.fields();
    let batch = RecordBatch::try_from_iter([
        ("column_name", text(fields.iter().map(|field| field.name().clone()).collect())),
        ("data_type", text(fields.iter().map(|field| sql_type(field.data_type())).collect())),
    ])
    .map_err(|error| Error::ours("the description cannot be built").why(error))?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(from_engine)?;
    LogicalPlanBuilder::scan("describe", provider_as_source(Arc::new(table)), None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)
}

/// A table function of the engine (`generate_series`, `range`): its arguments must be constants, of which the time of
/// the query is one.
pub(super) fn table_function(scope: &Scope<'_>, name: &str, args: Vec<Expr>) -> EngineResult<Arc<dyn TableSource>> {
    let state = scope.state;
    let Some(function) = state.table_functions().get(name) else {
        return plan_err!("there is no table function '{name}'");
    };
    let is_momentary = series::are_momentary(&args)?;
    let args = series::arguments(constants(scope, args)?)?;
    let made = function.create_table_provider_with_args(TableFunctionArgs::new(&args, state))?;
    Ok(provider_as_source(series::result(made, is_momentary)?))
}

/// Arguments that are computed from constants, as constants.
pub(super) fn constants(scope: &Scope<'_>, args: Vec<Expr>) -> EngineResult<Vec<Expr>> {
    let context = SimplifyContext::builder()
        .with_config_options(Arc::clone(scope.state.config_options()))
        .with_query_execution_start_time(scope.now())
        .build();
    let simplifier = ExprSimplifier::new(context);
    let schema = DFSchema::empty();
    args.into_iter().map(|arg| simplifier.coerce(arg, &schema).and_then(|arg| simplifier.simplify(arg))).collect()
}
