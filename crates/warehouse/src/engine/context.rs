//! What names in a query mean: staged versions first, then views (planned in place, so that the optimizer sees
//! through them), then tables in the wanted version.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{TableReference, plan_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result as EngineResult;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::logical_plan::LogicalTableSource;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use millstream_core::warehouse::{AsOf, Dialect, Expectations, Expected, QueryOptions};
use millstream_core::{Error, Result, TableName};
use millstream_sql::Statement;

use super::info;
use super::table::FileTable;
use crate::catalog::Catalog;
use crate::error::{from_engine, into_engine};
use crate::log::schema::engine_schema;
use crate::log::{self, DataFile};
use crate::postgres::borrowed;
use crate::stage::staged_of;
use crate::view::ViewText;

/// Name of the only catalogue; `millstream.schema.table` is what `schema.table` means.
pub(crate) const CATALOG: &str = millstream_core::warehouse::EMBEDDED_DATABASE;

/// Views in views above which planning is given up.
const VIEW_DEPTH_MAX: usize = 64;

/// A staged version that stands in for its relation.
#[derive(Debug, Clone)]
pub(crate) enum Stand {
    Table { folder: std::path::PathBuf, files: Arc<Vec<Arc<DataFile>>>, engine_schema: SchemaRef },
    View(ViewText),
}

/// The names that one query can see.
pub(crate) struct Scope<'a> {
    catalog: &'a Catalog,
    pub(super) state: &'a SessionState,
    as_of: AsOf,
    pins: &'a BTreeMap<TableName, u64>,
    default_schema: Option<String>,
    dialect: Dialect,
    /// The time that the query is told, where its plan may depend on it.
    now: Option<DateTime<Utc>>,
    /// What will be there when the query runs; only where it is checked and not run.
    expectations: Option<&'a dyn Expectations>,
    staged: HashMap<TableName, Stand>,
    staged_names: Vec<TableName>,
    sources: RefCell<HashMap<TableName, Arc<dyn TableSource>>>,
    open_views: RefCell<Vec<TableName>>,
    /// Relations that are none of the warehouse, by names without a schema: the sides of a merge.
    sides: HashMap<String, Arc<dyn TableSource>>,
    /// What the first mention of a relation means, when that is not the relation itself.
    first: RefCell<Option<(TableName, Arc<dyn TableSource>)>>,
    bytes: Cell<u64>,
    /// Why a query that is only checked cannot be judged.
    unsure: RefCell<Option<String>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(catalog: &'a Catalog, state: &'a SessionState, options: &'a QueryOptions) -> Result<Self> {
        let mut staged = HashMap::new();
        for version in &options.staged {
            staged.insert(version.name().clone(), staged_of(version.as_ref())?);
        }
        Ok(Self {
            catalog,
            state,
            as_of: options.as_of,
            pins: &options.pins,
            default_schema: stored_schema(options.dialect, options.default_schema.as_deref()),
            dialect: options.dialect,
            now: None,
            expectations: None,
            staged_names: staged.keys().cloned().collect(),
            staged,
            sources: RefCell::default(),
            open_views: RefCell::default(),
            sides: HashMap::new(),
            first: RefCell::default(),
            bytes: Cell::new(0),
            unsure: RefCell::default(),
        })
    }

    /// The same names, at a time.
    pub(super) fn at(mut self, now: DateTime<Utc>) -> Self {
        self.now = Some(now);
        self
    }

    pub(super) fn now(&self) -> Option<DateTime<Utc>> {
        self.now
    }

    /// The same names, with what will be there when the query runs in front.
    pub(super) fn expecting(mut self, expectations: &'a dyn Expectations) -> Self {
        self.expectations = Some(expectations);
        self
    }

    /// The same names, with relations of these columns in front.
    pub(super) fn with_sides(mut self, sides: &[(&str, SchemaRef)]) -> Self {
        let source =
            |columns: &SchemaRef| -> Arc<dyn TableSource> { Arc::new(LogicalTableSource::new(columns.clone())) };
        self.sides = sides.iter().map(|(name, columns)| ((*name).to_owned(), source(columns))).collect();
        self
    }

    /// Fails where a query is only checked: what is asked for depends on rows that are not there yet.
    pub(super) fn needs_rows(&self, what: &str) -> Result<()> {
        if self.expectations.is_none() {
            return Ok(());
        }
        let reason = format!("{what} depends on rows");
        *self.unsure.borrow_mut() = Some(reason.clone());
        Err(Error::user(reason))
    }

    /// Why a query that is only checked cannot be judged, if it cannot.
    pub(super) fn unsure(&self) -> Option<String> {
        self.unsure.borrow().clone()
    }

    /// Bytes of the files that planned tables have.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Lets the first mention of a relation mean this table: the target of a change, which stands first in the
    /// `from` of its query. Later mentions (in subqueries) mean the relation.
    pub(crate) fn first_means(&self, name: TableName, table: FileTable) {
        let source = self.table(table);
        *self.first.borrow_mut() = Some((name, source));
    }

    /// Plans the query that the scope was made for.
    pub(crate) fn plan(&self, statement: millstream_sql::Statement) -> Result<LogicalPlan> {
        self.plan_parsed(statement, self.default_schema.as_deref(), self.dialect)
    }

    /// Reads one statement that only reads, in the engine's own dialect, as the engine takes it.
    pub(super) fn parse(&self, sql: &str) -> Result<Statement> {
        let mut statement = millstream_sql::parse_one(sql)?;
        millstream_sql::read_only(&statement)?;
        millstream_sql::for_engine(&mut statement);
        Ok(statement)
    }

    /// Plans one query whose unqualified names are looked up in `default_schema` first.
    fn plan_text(&self, sql: &str, default_schema: Option<&str>, dialect: Dialect) -> Result<LogicalPlan> {
        self.plan_parsed(millstream_sql::parse_one_in(dialect, sql)?, default_schema, dialect)
    }

    fn plan_parsed(
        &self,
        mut statement: millstream_sql::Statement,
        default_schema: Option<&str>,
        dialect: Dialect,
    ) -> Result<LogicalPlan> {
        millstream_sql::read_only(&statement)?;
        let plan = if dialect == Dialect::Snowflake {
            super::snowflake::plan(self, statement, default_schema)?
        } else {
            millstream_sql::for_engine(&mut statement);
            self.plan_statement(statement, default_schema).map_err(from_engine)?
        };
        self.analyzed(plan).map_err(from_engine)
    }

    /// Plans a statement in the engine's own dialect.
    pub(super) fn plan_statement(
        &self,
        statement: Statement,
        default_schema: Option<&str>,
    ) -> EngineResult<LogicalPlan> {
        let bare = matches!(statement, Statement::Query(_)).then(|| {
            let tables = millstream_sql::table_refs(&statement).into_iter();
            tables.filter_map(|mut table| (table.parts.len() == 1).then(|| table.parts.pop()).flatten()).collect()
        });
        let names = Names { scope: self, default_schema, dialect: Dialect::Native, bare };
        SqlToRel::new_with_options(&names, parser_options(self.state.config_options())).sql_statement_to_plan(statement)
    }

    /// Schema for unqualified names of the query itself.
    pub(super) fn default_schema(&self) -> Option<&str> {
        self.default_schema.as_deref()
    }

    /// The plan with the types that its columns have in the end. Planning alone takes those of a union or of a `case`
    /// from its first part; a table or view with these columns would cut the values of the others.
    pub(super) fn analyzed(&self, plan: LogicalPlan) -> EngineResult<LogicalPlan> {
        // What these tell is all text.
        if matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::DescribeTable(_)) {
            return Ok(plan);
        }
        let plan = super::asking::answered(super::join_subquery::lifted(plan)?)?;
        // Snowflake's numbers meet by its own rules, see the rewrite of its operators.
        let plan = if self.dialect == Dialect::Native { super::meeting::settled(plan)? } else { plan };
        self.state.analyzer().execute_and_check(plan, self.state.config_options(), |_, _| {})
    }

    /// Whether the name means a description of the warehouse.
    pub(super) fn is_described(&self, reference: &TableReference) -> bool {
        reference.schema() == Some(info::SCHEMA)
    }

    /// The relation that a name means.
    pub(super) fn name_of(&self, reference: &TableReference, default_schema: Option<&str>) -> Result<TableName> {
        let (schema, table) = (reference.schema(), reference.table());
        let Some(expectations) = self.expectations else {
            return self.catalog.resolve(schema, table, default_schema, &self.staged_names);
        };
        if let Some(schema) = schema.or(default_schema) {
            let name = TableName::new(schema, table);
            if expectations.expected(&name).is_some() {
                return Ok(name);
            }
        }
        // What is expected is listed only where it decides.
        self.catalog
            .resolve(schema, table, default_schema, &[])
            .or_else(|_| self.catalog.resolve(schema, table, default_schema, &expectations.names()))
    }

    /// What a name in the `from` of a query means while the query is planned.
    fn mentioned(
        &self,
        reference: &TableReference,
        default_schema: Option<&str>,
        dialect: Dialect,
    ) -> Result<Arc<dyn TableSource>> {
        let is_first = self.is_first(reference, default_schema);
        if let Some((_, source)) = self.first.borrow_mut().take_if(|_| is_first) {
            return Ok(source);
        }
        self.source(reference, default_schema, dialect)
    }

    /// Whether the next mention of a name means another table than the relation.
    fn is_first(&self, reference: &TableReference, default_schema: Option<&str>) -> bool {
        let schema = reference.schema().or(default_schema);
        let first = self.first.borrow();
        let means =
            |(first, _): &(TableName, _)| schema == Some(first.schema.as_str()) && reference.table() == first.name;
        first.as_ref().is_some_and(means)
    }

    /// Columns of what a name means: a question that is no mention.
    pub(super) fn columns_of(
        &self,
        reference: &TableReference,
        default_schema: Option<&str>,
        dialect: Dialect,
    ) -> Result<SchemaRef> {
        if self.is_first(reference, default_schema)
            && let Some((_, source)) = self.first.borrow().as_ref()
        {
            return Ok(source.schema());
        }
        Ok(self.source(reference, default_schema, dialect)?.schema())
    }

    pub(super) fn source(
        &self,
        reference: &TableReference,
        default_schema: Option<&str>,
        dialect: Dialect,
    ) -> Result<Arc<dyn TableSource>> {
        if reference.schema().is_none()
            && let Some(side) = self.sides.get(reference.table())
        {
            return Ok(side.clone());
        }
        if let Some(catalog) = reference.catalog()
            && catalog != CATALOG
        {
            return Err(Error::user(format!("there is no database '{catalog}'")).hint(format!(
                "write {}.{}",
                reference.schema().unwrap_or_default(),
                reference.table()
            )));
        }
        if reference.schema() == Some(info::SCHEMA) {
            return Ok(provider_as_source(info::table(reference.table(), self, dialect)?));
        }
        let name = self.name_of(reference, default_schema)?;
        if let Some(source) = self.sources.borrow().get(&name) {
            return Ok(source.clone());
        }
        let source = self.relation(&name)?;
        self.sources.borrow_mut().insert(name, source.clone());
        Ok(source)
    }

    /// The relation of a name, which must exist.
    pub(super) fn relation(&self, name: &TableName) -> Result<Arc<dyn TableSource>> {
        match self.staged.get(name) {
            Some(Stand::Table { folder, files, engine_schema }) => {
                return Ok(self.table(FileTable::staged(name, folder, files.clone(), engine_schema.clone())));
            }
            Some(Stand::View(text)) => return self.view(name, text),
            None => {}
        }
        match self.expectations.and_then(|expectations| expectations.expected(name)) {
            Some(Expected::Columns(_, schema)) => {
                return Ok(Arc::new(LogicalTableSource::new(engine_schema(&schema))));
            }
            Some(Expected::Unknown) => return Err(Error::user(format!("the columns of '{name}' are not known"))),
            None => {}
        }
        if let Some(view) = self.catalog.view(name)? {
            return self.view(name, &view.text);
        }
        let unknown = || Error::user(format!("there is no table or view '{name}'"));
        let folder = self.catalog.folder(name)?;
        let past = |version| self.catalog.past(name, version)?.ok_or_else(unknown);
        let snapshot = match self.as_of {
            AsOf::Latest => {
                let latest = self.catalog.table(name)?.ok_or_else(unknown)?;
                match self.pins.get(name) {
                    Some(pinned) if *pinned != latest.version => past(*pinned)?,
                    _ => latest,
                }
            }
            AsOf::Version(version) => past(version)?,
            AsOf::Time(at) => match log::history::version_at(&folder, at)? {
                Some(version) => past(version)?,
                None => {
                    return Err(Error::user(format!("table '{name}' did not exist at {}", at.to_rfc3339()))
                        .hint("choose a later time; the table's history lists its versions"));
                }
            },
        };
        Ok(self.table(FileTable::published(name, &snapshot)))
    }

    fn table(&self, table: FileTable) -> Arc<dyn TableSource> {
        self.bytes.set(self.bytes.get() + table.bytes());
        provider_as_source(Arc::new(table))
    }

    fn view(&self, name: &TableName, text: &ViewText) -> Result<Arc<dyn TableSource>> {
        {
            let mut open = self.open_views.borrow_mut();
            if open.contains(name) || open.len() >= VIEW_DEPTH_MAX {
                let path: Vec<String> = open.iter().chain([name]).map(ToString::to_string).collect();
                return Err(Error::user(format!("the view '{name}' reads itself")).why(path.join(" reads ")));
            }
            open.push(name.clone());
        }
        let default_schema = stored_schema(text.dialect, text.default_schema.as_deref());
        let plan = self.plan_text(&text.sql, default_schema.as_deref(), text.dialect);
        self.open_views.borrow_mut().pop();
        let plan = plan.map_err(|error| error.context(format!("the view '{name}' cannot be read")))?;
        Ok(provider_as_source(Arc::new(ViewTable::new(plan, Some(text.sql.clone())))))
    }

    pub(super) fn catalog(&self) -> &Catalog {
        self.catalog
    }

    pub(super) fn staged_names(&self) -> &[TableName] {
        &self.staged_names
    }

    pub(super) fn is_staged_view(&self, name: &TableName) -> Option<bool> {
        self.staged.get(name).map(|stand| matches!(stand, Stand::View(_)))
    }
}

/// The name under which the default schema is stored. Snowflake reads that of a connection as a name without quotes, in
/// whatever case a profile has it; such names are stored in lower case.
pub(crate) fn stored_schema(dialect: Dialect, default_schema: Option<&str>) -> Option<String> {
    match dialect {
        Dialect::Native => default_schema.map(str::to_owned),
        Dialect::Snowflake => default_schema.map(str::to_lowercase),
    }
}

pub(super) fn parser_options(config: &ConfigOptions) -> ParserOptions {
    let parser = &config.sql_parser;
    ParserOptions {
        parse_float_as_decimal: parser.parse_float_as_decimal,
        enable_ident_normalization: parser.enable_ident_normalization,
        enable_options_value_normalization: false,
        support_varchar_with_length: parser.support_varchar_with_length,
        map_string_types_to_utf8view: parser.map_string_types_to_utf8view,
        collect_spans: parser.collect_spans,
        default_null_ordering: parser.default_null_ordering.as_str().into(),
    }
}

/// A scope with the default schema of the text that is being planned (a view has its own).
pub(super) struct Names<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
    pub(super) default_schema: Option<&'s str>,
    pub(super) dialect: Dialect,
    /// Of a query: unqualified names that mean a table somewhere in its text. The planner asks for those of common
    /// table expressions too, and looking for a table that is not there would list the whole warehouse each time.
    pub(super) bare: Option<HashSet<String>>,
}

impl ContextProvider for Names<'_, '_> {
    fn get_table_source(&self, name: TableReference) -> EngineResult<Arc<dyn TableSource>> {
        if name.schema().is_none() && self.bare.as_ref().is_some_and(|bare| !bare.contains(name.table())) {
            return plan_err!("'{name}' is no table here");
        }
        self.scope.mentioned(&name, self.default_schema, self.dialect).map_err(into_engine)
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> EngineResult<Arc<dyn TableSource>> {
        super::query::table_function(self.scope, name, args)
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> EngineResult<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.scope.state.expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        None
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scope.state.scalar_functions().get(name).cloned().or_else(|| borrowed::scalar(name))
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.scope.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.scope.state.aggregate_functions().get(name).cloned().or_else(|| borrowed::aggregate(name))
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.scope.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.scope.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.scope.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.scope.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.scope.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.scope.state.window_functions().keys().cloned().collect()
    }
}
