//! Functions by the names that DuckDB has for them.
//!
//! Guarantees: the same meaning, nulls and missing matches among it. Left out is what the engine has under the same name.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    ObjectNamePart, TimezoneInfo, Value,
};

use crate::rewrite::{call, text};

/// DuckDB's name (or PostgreSQL's, which it has too), and the engine's for the same arguments.
const NAMES: &[(&str, &str)] = &[
    ("ceiling", "ceil"),
    ("every", "bool_and"),
    ("first", "first_value"),
    ("gen_random_uuid", "uuid"),
    ("last", "last_value"),
    ("lcase", "lower"),
    ("len", "length"),
    ("list", "array_agg"),
    ("list_value", "make_array"),
    ("prefix", "starts_with"),
    ("split", "string_to_array"),
    ("str_split", "string_to_array"),
    ("string_split", "string_to_array"),
    ("suffix", "ends_with"),
    ("ucase", "upper"),
    ("variance", "var_samp"),
];

/// Functions of one date that give a part of it.
const PARTS: &[(&str, &str)] = &[
    ("dayofmonth", "day"),
    ("dayofweek", "dow"),
    ("dayofyear", "doy"),
    ("epoch", "epoch"),
    ("isodow", "isodow"),
    ("week", "week"),
    ("weekofyear", "week"),
];

/// Gives a call the engine's name, or puts what means the same into its place.
pub(crate) fn adapt(expr: &mut Expr) {
    let Expr::Function(function) = expr else { return };
    let [ObjectNamePart::Identifier(name)] = function.name.0.as_mut_slice() else { return };
    let own = name.value.to_lowercase();
    if let Some(engines) = other(NAMES, &own) {
        name.value = engines.into();
        return;
    }
    let FunctionArguments::List(list) = &function.args else { return };
    let args: Option<Vec<&Expr>> = list.args.iter().map(value_of).collect();
    let Some(args) = args else { return };
    let made = match (own.as_str(), args.as_slice()) {
        ("dayname", [day]) => call("to_char", [(*day).clone(), text("%A")]),
        // PostgreSQL's too: there every type is a function.
        ("date", [value]) => cast((*value).clone(), DataType::Date),
        ("if", [condition, then, otherwise]) => Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition: (*condition).clone(), result: (*then).clone() }],
            else_result: Some(Box::new((*otherwise).clone())),
        },
        ("monthname", [day]) => call("to_char", [(*day).clone(), text("%B")]),
        ("date_add", [day, interval]) => Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new((*day).clone()),
            op: BinaryOperator::Plus,
            right: Box::new((*interval).clone()),
        })),
        ("strptime", [told, pattern]) => {
            let told = call("to_timestamp", [(*told).clone(), (*pattern).clone()]);
            cast(told, DataType::Timestamp(Some(6), TimezoneInfo::None))
        }
        ("regexp_extract", [told, pattern]) => extract(told, pattern, 0),
        ("regexp_extract", [told, pattern, Expr::Value(group)]) => {
            let Value::Number(group, _) = &group.value else { return };
            let Ok(group) = group.parse() else { return };
            extract(told, pattern, group)
        }
        (name, [day]) => {
            let Some(part) = other(PARTS, name) else { return };
            call("date_part", [text(part), (*day).clone()])
        }
        _ => return,
    };
    *expr = made;
}

fn other(names: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    names.iter().find(|(own, _)| *own == name).map(|(_, other)| *other)
}

fn value_of(arg: &FunctionArg) -> Option<&Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value),
        _ => None,
    }
}

fn cast(value: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(value), data_type, array: false, format: None }
}

/// The group of the first match; an empty text where nothing matches, null of null. The whole match is a group of its
/// own in front, because the engine tells the groups alone.
fn extract(told: &Expr, pattern: &Expr, group: u16) -> Expr {
    let number = |number: u32| Expr::value(Value::Number(number.to_string(), false));
    let pattern = call("concat", [text("("), pattern.clone(), text(")")]);
    let found = call("array_element", [call("regexp_match", [told.clone(), pattern]), number(u32::from(group) + 1)]);
    call("coalesce", [found, call("left", [told.clone(), number(0)])])
}

#[cfg(test)]
mod tests {
    use crate::testing::rewritten;

    #[test]
    fn names_become_the_engines() {
        assert_eq!(
            rewritten("select list(a order by b), LEN(c), string_split(d, ',') from t"),
            "SELECT array_agg(a ORDER BY b), length(c), string_to_array(d, ',') FROM t"
        );
    }

    #[test]
    fn calls_become_what_means_the_same() {
        assert_eq!(
            rewritten("select dayname(a), dayofweek(a), date_add(a, b), date(c), if(d, 1, 2) from t"),
            "SELECT to_char(a, '%A'), date_part('dow', a), (a + b), CAST(c AS DATE), \
             CASE WHEN d THEN 1 ELSE 2 END FROM t"
        );
        assert_eq!(
            rewritten("select strptime(a, '%d.%m.%Y'), regexp_extract(a, '(b)c', 1) from t"),
            "SELECT CAST(to_timestamp(a, '%d.%m.%Y') AS TIMESTAMP(6)), \
             coalesce(array_element(regexp_match(a, concat('(', '(b)c', ')')), 2), left(a, 0)) FROM t"
        );
    }
}
