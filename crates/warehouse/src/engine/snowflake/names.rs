//! What names mean in Snowflake's dialect: relations as always, functions from Snowflake's list first.

use std::sync::{Arc, LazyLock};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{ScalarValue, TableReference};
use datafusion::config::ConfigOptions;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use millstream_core::warehouse::Dialect;
use millstream_core::{Error, Result};
use millstream_sql::Statement;
use millstream_sql::snowflake::{PivotValue, Schemas, SessionValue};

use super::flatten::FlattenPlanner;
use super::ops::SnowflakeOperators;
use crate::engine::context::{CATALOG, Names, Scope};
use crate::error::{from_engine, into_engine};
use crate::snowflake::{functions, is_native};

/// In front of a name: the engine's own function, whatever Snowflake has of that name. Only rewrites write it.
const OF_ENGINE: &str = "engine_";

/// The names that one query in Snowflake's dialect can see.
pub(super) struct SnowflakeNames<'s, 'a> {
    names: Names<'s, 'a>,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

impl<'s, 'a> SnowflakeNames<'s, 'a> {
    pub(super) fn new(scope: &'s Scope<'a>, default_schema: Option<&'s str>) -> Self {
        // The engine's own planners come second: they know `count(*)`, for example.
        let own: Arc<dyn ExprPlanner> = Arc::new(SnowflakeOperators);
        let planners = std::iter::once(own).chain(scope.state.expr_planners().iter().cloned()).collect();
        Self { names: Names { scope, default_schema, dialect: Dialect::Snowflake, bare: None }, planners }
    }

    fn is_in_engine(&self, name: &str) -> bool {
        let state = self.names.scope.state;
        state.scalar_functions().contains_key(name)
            || state.aggregate_functions().contains_key(name)
            || state.window_functions().contains_key(name)
    }
}

/// The engine's own name of a function that may be used.
fn own_name(name: &str) -> Option<&str> {
    match name.strip_prefix(OF_ENGINE) {
        Some(name) => Some(name),
        None => is_native(name).then_some(name),
    }
}

impl Schemas for SnowflakeNames<'_, '_> {
    fn columns(&self, parts: &[String]) -> Option<Vec<String>> {
        let reference = match parts {
            [name] => TableReference::bare(name.as_str()),
            [schema, name] => TableReference::partial(schema.as_str(), name.as_str()),
            _ => return None,
        };
        let Names { scope, default_schema, dialect, .. } = self.names;
        let schema = scope.columns_of(&reference, default_schema, dialect).ok()?;
        Some(schema.fields().iter().map(|field| field.name().clone()).collect())
    }

    fn is_function(&self, name: &str) -> bool {
        let known = functions();
        let is_internal = name.starts_with("sf_");
        !is_internal
            && (known.scalar.contains_key(name)
                || known.aggregate.contains_key(name)
                || known.window.contains_key(name)
                || (is_native(name) && self.is_in_engine(name)))
    }

    fn is_aggregate(&self, name: &str) -> bool {
        functions().aggregate.contains_key(name)
            || (is_native(name) && self.names.scope.state.aggregate_functions().contains_key(name))
    }

    fn functions(&self) -> Vec<String> {
        let known = functions();
        let all = known.scalar.keys().chain(known.aggregate.keys()).chain(known.window.keys());
        let native = self.names.udf_names().into_iter().chain(self.names.udaf_names()).chain(self.names.udwf_names());
        let mut all: Vec<String> =
            all.filter(|name| !name.starts_with("sf_")).cloned().chain(native.filter(|name| is_native(name))).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn session(&self, value: SessionValue) -> Option<String> {
        match value {
            SessionValue::Schema => self.names.default_schema.map(str::to_uppercase),
            SessionValue::Database => Some(CATALOG.to_uppercase()),
            SessionValue::Account | SessionValue::Role | SessionValue::User | SessionValue::Warehouse => {
                Some("LOCAL".to_owned())
            }
        }
    }

    fn values(&self, query: &millstream_sql::Query) -> Result<Vec<PivotValue>> {
        self.names.scope.needs_rows("which columns its pivot gives")?;
        let plan = self.plan(Statement::Query(Box::new(query.clone()))).map_err(from_engine)?;
        let state = self.names.scope.state.clone();
        // Planning is not asynchronous, and may happen on a thread that drives others: the question gets one of its own.
        let asked = std::thread::scope(|scope| {
            let work = move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| Error::environment("a thread cannot be started").why(error))?;
                runtime.block_on(async {
                    let physical = state.create_physical_plan(&plan).await.map_err(from_engine)?;
                    datafusion::physical_plan::collect(physical, state.task_ctx()).await.map_err(from_engine)
                })
            };
            scope.spawn(work).join()
        });
        let batches = asked.map_err(|_| Error::ours("the values of a pivot cannot be read"))??;
        let mut values = Vec::new();
        for batch in batches {
            let column = batch.columns().first().ok_or_else(|| Error::user("the query of a pivot has no column"))?;
            let is_number = column.data_type().is_numeric();
            let texts =
                cast(column, &DataType::Utf8).map_err(|error| Error::user("a pivot's value has no text").why(error))?;
            for text in texts.as_string::<i32>().iter().flatten() {
                let text = text.to_owned();
                values.push(if is_number { PivotValue::Number(text) } else { PivotValue::Text(text) });
            }
        }
        Ok(values)
    }
}

impl ContextProvider for SnowflakeNames<'_, '_> {
    fn get_table_source(&self, name: TableReference) -> EngineResult<Arc<dyn TableSource>> {
        self.names.get_table_source(name)
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> EngineResult<Arc<dyn TableSource>> {
        let scope = self.names.scope;
        let args = crate::engine::query::constants(scope, args)?.into_iter().map(whole).collect::<EngineResult<_>>()?;
        crate::engine::query::table_function(scope, name, args)
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> EngineResult<Arc<dyn TableSource>> {
        self.names.create_cte_work_table(name, schema)
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        static PLANNERS: LazyLock<Vec<Arc<dyn RelationPlanner>>> = LazyLock::new(|| vec![Arc::new(FlattenPlanner)]);
        &PLANNERS
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        None
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        match functions().scalar.get(name) {
            Some(function) => Some(function.clone()),
            None => self.names.get_function_meta(own_name(name)?),
        }
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        match functions().aggregate.get(name) {
            Some(function) => Some(function.clone()),
            None => self.names.get_aggregate_meta(own_name(name)?),
        }
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        match functions().window.get(name) {
            Some(function) => Some(function.clone()),
            None => self.names.get_window_meta(own_name(name)?),
        }
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.names.options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.names.udf_names()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.names.udaf_names()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.names.udwf_names()
    }
}

/// A whole number that arithmetic made a decimal, as the number that table functions take.
fn whole(arg: Expr) -> EngineResult<Expr> {
    let Expr::Literal(value, _) = &arg else { return Ok(arg) };
    match value {
        ScalarValue::Decimal128(Some(_), _, _) | ScalarValue::Utf8(Some(_)) | ScalarValue::UInt64(Some(_)) => {
            let whole = value.cast_to(&DataType::Int64);
            let whole = whole.map_err(|_| into_engine(Error::user(format!("{value} is not a number of rows"))))?;
            Ok(Expr::Literal(whole, None))
        }
        _ => Ok(arg),
    }
}
