//! Named windows (`over w … window w as (…)`). Each use gets a copy of what its name stands for, because frames that are
//! left out depend on the function that uses the window.

use millstream_core::Result;
use sqlparser::ast::{
    Expr, Ident, NamedWindowDefinition, NamedWindowExpr, Query, SelectItem, SetExpr, WindowFrameUnits, WindowSpec,
    WindowType,
};

use super::fold::folded;
use super::problem::{did_you_mean, wrong};

/// Windows by name, as they were written.
pub(crate) type Windows = Vec<(String, WindowSpec)>;

/// What a `window` clause defines; a definition may use those before it.
pub(super) fn defined(definitions: Vec<NamedWindowDefinition>) -> Result<Windows> {
    let mut known = Windows::with_capacity(definitions.len());
    for NamedWindowDefinition(name, definition) in definitions {
        let spec = match definition {
            NamedWindowExpr::NamedWindow(other) => find(&other, &known)?.clone(),
            NamedWindowExpr::WindowSpec(spec) => complete(spec, &known)?,
        };
        known.push((folded(&name), spec));
    }
    Ok(known)
}

/// What stands behind `over`, without names.
pub(super) fn spec_of(window: &WindowType, known: &[(String, WindowSpec)]) -> Result<WindowSpec> {
    match window {
        WindowType::NamedWindow(name) => find(name, known).cloned(),
        WindowType::WindowSpec(spec) => complete(spec.clone(), known),
    }
}

/// A window that may begin with the name of another one, whose clauses it takes over.
fn complete(spec: WindowSpec, known: &[(String, WindowSpec)]) -> Result<WindowSpec> {
    let mut spec = spec;
    let Some(name) = spec.window_name.take() else { return Ok(spec) };
    let base = find(&name, known)?;
    if spec.partition_by.is_empty() {
        spec.partition_by.clone_from(&base.partition_by);
    }
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
    if spec.window_frame.is_none() {
        spec.window_frame.clone_from(&base.window_frame);
    }
    Ok(spec)
}

/// Takes constants off the order (`order by (select null)`): all rows are equal in them, so that they order nothing, and
/// the engine cannot plan a query there that reads nothing. Frames of values need an order, whatever it is.
pub(super) fn without_constants(spec: &mut WindowSpec) {
    if spec.window_frame.as_ref().is_none_or(|frame| frame.units != WindowFrameUnits::Range) {
        spec.order_by.retain(|key| !is_constant(&key.expr));
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_constant(inner),
        Expr::Subquery(query) => reads_nothing(query),
        _ => false,
    }
}

/// `select null`: one row with one constant.
fn reads_nothing(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] = select.projection.as_slice()
    else {
        return false;
    };
    query.with.is_none()
        && query.limit_clause.is_none()
        && select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && is_constant(item)
}

fn find<'k>(name: &Ident, known: &'k [(String, WindowSpec)]) -> Result<&'k WindowSpec> {
    let wanted = folded(name);
    known.iter().find(|(own, _)| *own == wanted).map(|(_, spec)| spec).ok_or_else(|| {
        let names = known.iter().map(|(own, _)| own.as_str());
        let hint = did_you_mean(&wanted, names, "define it: window name as (partition by … order by …)");
        wrong(format!("there is no window '{wanted}' in this 'select'"), name.span, hint)
    })
}
