//! `sample` and `tablesample`: a share of the rows, or a number of them.
//!
//! With a seed the choice depends on the rows alone and not on their order, so that it is the same each time: rows are
//! chosen by a hash of the seed, their values, and their number among rows that are equal.
//! `system` and `block` choose rows as `bernoulli` does: tables here have no partitions of Snowflake's size.
//!
//! Source: docs.snowflake.com, "SAMPLE / TABLESAMPLE".

use millstream_core::Result;
use sqlparser::ast::{
    BinaryOperator, Expr, LimitClause, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, Spanned,
    TableAlias, TableFactor, TableSample, TableSampleMethod, TableSampleUnit, Value, WindowSpec, WindowType,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::build::{alias as alias_of, binary, call, column, derived, function_call, number, query, text};
use super::from::all_of;
use super::problem::{unsupported, wrong};
use super::scope::Source;

/// Rows that a fixed-size sample has at most.
const ROWS_MAX: u64 = 1_000_000;

impl Rewriter<'_> {
    /// Puts the sample around a relation.
    pub(super) fn sample(&mut self, factor: &mut TableFactor, source: &Source, sample: &TableSample) -> Result<()> {
        let span = sample.quantity.as_ref().map_or_else(|| factor.span(), |quantity| quantity.value.span());
        let (Some(quantity), None, None) = (&sample.quantity, &sample.bucket, &sample.offset) else {
            return Err(unsupported("this form of 'sample'", span, "write sample (10) or sample (10 rows)"));
        };
        let amount = literal(&quantity.value).ok_or_else(|| {
            wrong("the size of a sample must be a number", span, "write sample (10) or sample (10 rows)")
        })?;
        let seed = match &sample.seed {
            None => None,
            Some(seed) => Some(match &seed.value.value {
                Value::Number(digits, _) => digits.clone(),
                _ => return Err(wrong("the seed of a sample must be a number", seed.value.span, "write seed (42)")),
            }),
        };
        let is_block = matches!(sample.name, Some(TableSampleMethod::System | TableSampleMethod::Block));
        let choice = match &seed {
            None => call("engine_random", Vec::new()),
            Some(seed) => hash_of_row(source, seed, span)?,
        };
        let inner = take(factor);
        let mut rows = all_of(inner);
        let chosen = match quantity.unit {
            Some(TableSampleUnit::Rows) => {
                let count = amount.parse::<u64>().ok().filter(|count| *count <= ROWS_MAX && !is_block);
                let Some(count) = count else {
                    return Err(wrong(
                        format!("a sample of {amount} rows cannot be taken"),
                        span,
                        format!("give a whole number up to {ROWS_MAX}, without 'system' or 'block'"),
                    ));
                };
                limited(rows, choice, count)
            }
            _ => {
                let share = amount.parse::<f64>().ok().filter(|share| (0.0..=100.0).contains(share));
                let Some(share) = share else {
                    return Err(wrong(format!("{amount} is not a percentage"), span, "give a number from 0 to 100"));
                };
                let limit = match seed {
                    None => number(format!("{:.10}", share / 100.0)),
                    // The first eight digits of a hash are below this for that share of hashes.
                    Some(_) => text(hex_limit(share)),
                };
                let condition = binary(choice, BinaryOperator::Lt, limit);
                match sample.seed {
                    None => rows.selection = Some(condition),
                    Some(_) => rows.qualify = Some(condition),
                }
                query(rows)
            }
        };
        let alias: Option<TableAlias> = source.name.as_deref().map(alias_of);
        *factor = derived(chosen, alias);
        Ok(())
    }
}

fn take(factor: &mut TableFactor) -> TableFactor {
    std::mem::replace(factor, TableFactor::TableFunction { expr: super::build::null(), alias: None })
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(digits.clone()),
            _ => None,
        },
        Expr::Nested(inner) => literal(inner),
        _ => None,
    }
}

fn limited(rows: Select, choice: Expr, count: u64) -> Query {
    let mut chosen = query(rows);
    let order = OrderByExpr { expr: choice, options: OrderByOptions { asc: None, nulls_first: None }, with_fill: None };
    chosen.order_by = Some(OrderBy { kind: OrderByKind::Expressions(vec![order]), interpolate: None });
    chosen.limit_clause =
        Some(LimitClause::LimitOffset { limit: Some(number(count.to_string())), offset: None, limit_by: Vec::new() });
    chosen
}

/// `left(md5(seed, row number among equal rows, values), 8)`.
fn hash_of_row(source: &Source, seed: &str, span: Span) -> Result<Expr> {
    let Some(columns) = source.columns.as_ref().filter(|columns| !columns.is_empty()) else {
        return Err(unsupported("a seed for rows whose columns are not known", span, "leave the seed out"));
    };
    let mut row_number = function_call("row_number", Vec::new());
    row_number.over = Some(WindowType::WindowSpec(WindowSpec {
        window_name: None,
        partition_by: columns.iter().map(|name| column(name)).collect(),
        order_by: Vec::new(),
        window_frame: None,
    }));
    let mut parts = vec![text(format!("{seed}/")), as_text(Expr::Function(row_number))];
    for name in columns {
        parts.push(text("/"));
        parts.push(call("coalesce", vec![as_text(column(name)), text("null")]));
    }
    let joined = parts.into_iter().reduce(|left, right| binary(left, BinaryOperator::StringConcat, right));
    Ok(call("engine_left", vec![call("engine_md5", joined.into_iter().collect()), number("8")]))
}

fn as_text(expr: Expr) -> Expr {
    call("sf_cast", vec![expr, text("varchar")])
}

/// The share of all eight-digit hashes, as such a hash; beyond the last one for all of them.
fn hex_limit(share: f64) -> String {
    let limit = (share / 100.0 * f64::from(u32::MAX)).round();
    if share >= 100.0 { "g".to_owned() } else { format!("{:08x}", limit as u32) }
}
