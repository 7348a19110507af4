//! dbt's own filters for YAML values: `as_text`, `as_bool`, `as_number`, `as_native`.

use super::{Eval, Value, Vm, kind_of, repr};
use crate::syntax::ast::{Expr, ExprKind, Stmt};
use crate::syntax::parse;
use crate::value::{self, Kind, ops};

impl Vm<'_> {
    /// `as_number` and its kin: in a YAML value they say what a text means; in SQL they leave it as it is, as in dbt.
    pub(super) fn convert(&mut self, name: &str, input: Value) -> Eval<Value> {
        if !self.native {
            return Ok(input);
        }
        let text = repr::text(&input);
        if name == "as_text" {
            return Ok(Value::from(text));
        }
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
