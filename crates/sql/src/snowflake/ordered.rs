//! `within group (order by …)` beside `over (partition by …)`, which the engine does not have together.
//!
//! A list (`listagg`, `array_agg`) becomes one over the whole partition, whose rows come in that order. A percentile
//! sorts by itself: its key becomes its first argument, and a descending order counts the share from the other end.
//!
//! Sources: docs.snowflake.com, "LISTAGG", "PERCENTILE_CONT", "PERCENTILE_DISC" (no order and no frame in their `over`).

use millstream_core::Result;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, OrderByExpr, Value, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowType,
};
use sqlparser::tokenizer::Span;

use super::build::{number, unnamed};
use super::problem::unsupported;

/// Aggregates whose order stands in `within group` and goes to the argument list.
pub(super) const ORDERED: &[&str] = &["listagg", "array_agg", "string_agg"];

/// Every row of the partition.
pub(super) fn whole_partition() -> WindowFrame {
    WindowFrame {
        units: WindowFrameUnits::Rows,
        start_bound: WindowFrameBound::Preceding(None),
        end_bound: Some(WindowFrameBound::Following(None)),
    }
}

/// Puts the order of a rewritten function with a window where the engine takes it.
pub(super) fn within_window(function: &mut Function, own: &str, span: Span) -> Result<()> {
    let order = std::mem::take(&mut function.within_group);
    let Some(WindowType::WindowSpec(spec)) = &mut function.over else { return Ok(()) };
    if order.is_empty() {
        return Ok(());
    }
    if !spec.order_by.is_empty() || spec.window_frame.is_some() {
        return Err(unsupported(
            format!("an order or a frame in the window of {own} with 'within group'"),
            span,
            "write 'over (partition by …)' alone",
        ));
    }
    if ORDERED.contains(&own) {
        spec.order_by = order;
        spec.window_frame = Some(whole_partition());
        return Ok(());
    }
    match (order.as_slice(), &mut function.args) {
        ([OrderByExpr { expr, options, .. }], FunctionArguments::List(list)) if list.args.len() == 1 => {
            if options.asc == Some(false) {
                from_other_end(&mut list.args, own, span)?;
            }
            list.args.insert(0, unnamed(expr.clone()));
            Ok(())
        }
        _ => Err(unsupported(
            format!("'within group' of {own} in a window"),
            span,
            "aggregate in a common table expression and join it",
        )),
    }
}

/// The share of a percentile, counted from the last row. Between rows that is the same value; a discrete percentile
/// rounds to the other row.
fn from_other_end(args: &mut [FunctionArg], own: &str, span: Span) -> Result<()> {
    if own == "percentile_cont"
        && let [FunctionArg::Unnamed(FunctionArgExpr::Expr(share))] = args
        && let Expr::Value(value) = &*share
        && let Value::Number(text, _) = &value.value
        && let Ok(from_first) = text.parse::<f64>()
    {
        let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        *share = number(format!("{:.digits$}", 1.0 - from_first));
        return Ok(());
    }
    Err(unsupported(
        format!("a descending order of {own} in a window"),
        span,
        "order ascending: percentile_cont(0.1) for 0.9 from the other end",
    ))
}
