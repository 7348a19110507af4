//! dbt's own filters for YAML values: `as_text`, `as_bool`, `as_number`, `as_native`.

use super::{Eval, Value, Vm, kind_of, repr};
use crate::syntax::ast::{Expr, ExprKind, Stmt};
use crate::syntax::parse;
use crate::value::{self, Kind, ops};

/// The filters.
const MARKERS: [&str; 4] = ["as_text", "as_bool", "as_number", "as_native"];

/// The filter that says what the value of a whole expression means.
pub(in crate::vm) fn marker(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Filter(_, name, _) => MARKERS.iter().find(|marker| **marker == &**name).copied(),
        ExprKind::If(_, yes, no) => marker(yes).or_else(|| no.as_deref().and_then(marker)),
        _ => None,
    }
}

impl Vm<'_> {
    /// `as_number` and its kin inside of an expression: text in a YAML value, where only the whole value is converted
    /// (`{{ target.type == 'x' | as_bool }}` compares texts); nothing in SQL. As in dbt.
    pub(super) fn mark(&self, input: Value) -> Value {
        if self.native { Value::from(repr::text(&input)) } else { input }
    }

    /// What a whole YAML value means by its marker.
    pub(in crate::vm) fn convert(&self, name: &str, input: Value) -> Eval<Value> {
        if !matches!(kind_of(&input), Kind::Str(_)) || name == "as_text" {
            return Ok(input);
        }
        let text = repr::text(&input);
        let meant = literal(&text);
        match (name, meant) {
            ("as_native", meant) => Ok(meant.unwrap_or(Value::from(text))),
            ("as_bool", Some(meant)) if matches!(kind_of(&meant), Kind::Bool(_)) => Ok(meant),
            ("as_number", Some(meant)) if matches!(kind_of(&meant), Kind::Int(_) | Kind::Float(_)) => Ok(meant),
            _ => {
                let wanted = name.trim_start_matches("as_");
                Err(self.fail(format!("could not convert value '{text}' into type '{wanted}'")))
            }
        }
    }
}

/// The value that a text is as a Python literal, if it is one.
fn literal(text: &str) -> Option<Value> {
    let tree = parse(&format!("{{{{ {text} }}}}")).ok()?;
    match tree.as_slice() {
        [Stmt::Emit(expr)] => literal_of(expr),
        _ => None,
    }
}

fn literal_of(expr: &Expr) -> Option<Value> {
    let all = |items: &[Expr]| items.iter().map(literal_of).collect::<Option<Vec<_>>>();
    match &expr.kind {
        ExprKind::Const(value) => Some(value.clone()),
        ExprKind::List(items) => all(items).map(value::list),
        ExprKind::Tuple(items) => all(items).map(value::tuple),
        ExprKind::Dict(pairs) => {
            let pairs: Option<Vec<_>> =
                pairs.iter().map(|(key, item)| Some((literal_of(key)?, literal_of(item)?))).collect();
            pairs.map(value::dict)
        }
        ExprKind::Negate(inner) => ops::negate(&literal_of(inner)?).ok(),
        _ => None,
    }
}
