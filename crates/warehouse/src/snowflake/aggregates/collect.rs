//! Aggregates that gather a group's values and compute their result at the end. The gathering (with ORDER BY, over
//! several threads) is the engine's array_agg; nulls are left out, as in Snowflake.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::array_agg::ArrayAgg;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::Literal;

use super::super::types::user;
use super::{finish, numbers};

/// What a gathering aggregate is.
pub(super) struct Collector {
    pub name: &'static str,
    pub least: usize,
    pub most: usize,
    /// The type that values are gathered in.
    pub element: fn(&[DataType]) -> Result<DataType>,
    /// Values of a batch in that type.
    pub prepare: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
    pub returns: fn(&[DataType]) -> Result<DataType>,
    pub finish: fn(&Group<'_>) -> Result<ScalarValue>,
    /// Whether each value counts once anyway.
    pub distinct: bool,
    /// Whether it is written with WITHIN GROUP and the order is its own business.
    pub within_group: bool,
}

/// A group's values.
pub(super) struct Group<'a> {
    pub name: &'a str,
    /// Without nulls; each once, where that is asked for.
    pub values: ArrayRef,
    /// Constant arguments behind the first one.
    pub constants: &'a [ScalarValue],
    pub descending: bool,
    pub return_type: &'a DataType,
}

/// The gathering aggregates by name.
pub(super) fn functions() -> Vec<(&'static str, Arc<AggregateUDF>)> {
    finish::COLLECTORS.iter().chain(numbers::COLLECTORS).map(|collector| (collector.name, udaf(collector))).collect()
}

/// A collector as an engine function.
pub(super) fn udaf(collector: &'static Collector) -> Arc<AggregateUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(Collect { collector, signature, ordered: false }))
}

#[derive(Clone)]
struct Collect {
    collector: &'static Collector,
    signature: Signature,
    /// Whether rows come in the order that is asked for.
    ordered: bool,
}

impl std::fmt::Debug for Collect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "snowflake {}", self.collector.name)
    }
}

impl PartialEq for Collect {
    fn eq(&self, other: &Self) -> bool {
        self.collector.name == other.collector.name && self.ordered == other.ordered
    }
}

impl Eq for Collect {}

impl Hash for Collect {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.collector.name.hash(state);
        self.ordered.hash(state);
    }
}

impl Collect {
    fn check(&self, found: usize) -> Result<()> {
        if (self.collector.least..=self.collector.most).contains(&found) {
            return Ok(());
        }
        Err(user(format!(
            "{} takes {} to {} arguments, not {found}",
            self.collector.name, self.collector.least, self.collector.most
        )))
    }

    fn element(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        let types: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new("value", (self.collector.element)(&types)?, true)))
    }
}

impl AggregateUDFImpl for Collect {
    fn name(&self) -> &str {
        self.collector.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.check(arg_types.len())?;
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.check(arg_types.len())?;
        (self.collector.returns)(arg_types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let element = self.element(args.input_fields)?;
        let list = Arc::new(Field::new_list("list", Field::new_list_field(element.data_type().clone(), true), true));
        ArrayAgg::default().state_fields(StateFieldsArgs {
            name: args.name,
            input_fields: &[element],
            return_field: list,
            ordering_fields: if self.collector.within_group { &[] } else { args.ordering_fields },
            is_distinct: false,
        })
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        if self.collector.within_group {
            AggregateOrderSensitivity::Insensitive
        } else {
            AggregateOrderSensitivity::SoftRequirement
        }
    }

    fn with_beneficial_ordering(self: Arc<Self>, beneficial: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(Arc::new(Self { ordered: beneficial, ..self.as_ref().clone() })))
    }

    fn supports_within_group_clause(&self) -> bool {
        self.collector.within_group
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let element = self.element(args.expr_fields)?;
        let constants = args.exprs[1..]
            .iter()
            .map(|expr| expr.downcast_ref::<Literal>().map(|literal| literal.value().clone()))
            .collect::<Option<Vec<_>>>();
        // Further arguments are values of the rows for OBJECT_AGG, and constants for all others.
        let constants = constants.unwrap_or_default();
        let gather = Arc::new(ArrayAgg::default())
            .with_beneficial_ordering(self.ordered)?
            .ok_or_else(|| user("the aggregate cannot be ordered"))?;
        let list = Arc::new(Field::new_list("list", Field::new_list_field(element.data_type().clone(), true), true));
        let inner = gather.accumulator(AccumulatorArgs {
            return_field: list,
            schema: args.schema,
            ignore_nulls: true,
            order_bys: if self.collector.within_group { &[] } else { args.order_bys },
            is_reversed: args.is_reversed,
            name: args.name,
            is_distinct: false,
            exprs: &args.exprs[..1],
            expr_fields: std::slice::from_ref(&element),
        })?;
        Ok(Box::new(Gather {
            collector: self.collector,
            element: element.data_type().clone(),
            arguments: args.exprs.len(),
            distinct: args.is_distinct || self.collector.distinct,
            descending: args.order_bys.first().is_some_and(|order| order.options.descending),
            constants,
            return_type: args.return_field.data_type().clone(),
            inner,
        }))
    }
}

struct Gather {
    collector: &'static Collector,
    element: DataType,
    arguments: usize,
    distinct: bool,
    descending: bool,
    constants: Vec<ScalarValue>,
    return_type: DataType,
    inner: Box<dyn Accumulator>,
}

impl std::fmt::Debug for Gather {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "snowflake {}", self.collector.name)
    }
}

/// The first of each value, in order.
fn distinct(values: &ArrayRef) -> Result<ArrayRef> {
    let converter = arrow::row::RowConverter::new(vec![arrow::row::SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(values))?;
    let mut seen = std::collections::HashSet::new();
    let first: arrow::array::BooleanArray = rows.iter().map(|row| Some(seen.insert(row.owned()))).collect();
    Ok(arrow::compute::filter(values, &first)?)
}

impl Accumulator for Gather {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (arguments, orders) = values.split_at(self.arguments);
        let mut prepared = vec![(self.collector.prepare)(arguments, &self.element)?];
        if !self.collector.within_group {
            prepared.extend_from_slice(orders);
        }
        self.inner.update_batch(&prepared)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let values = match self.inner.evaluate()? {
            ScalarValue::List(list) if list.is_valid(0) => list.value(0),
            _ => arrow::array::new_empty_array(&self.element),
        };
        let mut values = values;
        if values.null_count() > 0 {
            values = arrow::compute::filter(&values, &arrow::compute::is_not_null(&values)?)?;
        }
        if self.distinct {
            values = distinct(&values)?;
        }
        (self.collector.finish)(&Group {
            name: self.collector.name,
            values,
            constants: &self.constants,
            descending: self.descending,
            return_type: &self.return_type,
        })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }
}

impl Group<'_> {
    /// The values, when they are texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.as_string::<i32>().iter().flatten()
    }
}
