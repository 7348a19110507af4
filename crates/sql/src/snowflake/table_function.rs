//! Table functions: `generator`, `flatten`, `split_to_table`.
//!
//! A generator becomes a series with one hidden column, which is what `seq4()` gives beside it. The others become
//! `sf_flatten` and `sf_split_to_table`, always lateral: the engine joins each row with what it is split into.
//!
//! Sources: docs.snowflake.com, "GENERATOR", "FLATTEN", "SPLIT_TO_TABLE".

use millstream_core::Result;
use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Spanned, TableAlias, TableFactor, TableFunctionArgs, Value,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::build::{
    alias as alias_of, binary, boolean, column, column_of, derived, from, item, name, null, number, query, select,
    text, unnamed,
};
use super::call::arg_span;
use super::from::aliased;
use super::problem::{did_you_mean, unsupported, wrong};
use super::scope::{Scope, Source};

/// Columns of `flatten`.
const FLATTEN: &[&str] = &["seq", "key", "path", "index", "value", "this"];

/// Columns of `split_to_table`.
const SPLIT: &[&str] = &["seq", "index", "value"];

impl Rewriter<'_> {
    pub(super) fn table_function(
        &mut self,
        function: &str,
        args: Vec<FunctionArg>,
        alias: Option<TableAlias>,
        span: Span,
        scope: &mut Scope,
    ) -> Result<TableFactor> {
        match function {
            "generator" => self.generator(args, alias, span, scope),
            "flatten" => {
                let args = self.flatten_args(args, span, scope)?;
                Ok(lateral("sf_flatten", args, alias, FLATTEN, scope))
            }
            "split_to_table" | "strtok_split_to_table" => {
                let args = self.positional(function, &["text", "delimiter"], args, span, scope)?;
                let internal =
                    if function == "split_to_table" { "sf_split_to_table" } else { "sf_strtok_split_to_table" };
                let args = args.into_iter().map(|arg| arg.unwrap_or_else(null)).collect();
                Ok(lateral(internal, args, alias, SPLIT, scope))
            }
            other => {
                let known = ["generator", "flatten", "split_to_table", "strtok_split_to_table"];
                let hint = did_you_mean(other, known, "use generator, flatten or split_to_table");
                Err(super::problem::at(
                    millstream_core::Error::user(format!(
                        "the table function '{other}' is not supported on the embedded warehouse"
                    ))
                    .hint(hint),
                    span,
                ))
            }
        }
    }

    /// Arguments by their names or positions; none where one is missing.
    fn positional(
        &mut self,
        function: &str,
        names: &[&str],
        args: Vec<FunctionArg>,
        span: Span,
        scope: &Scope,
    ) -> Result<Vec<Option<Expr>>> {
        let mut found: Vec<Option<Expr>> = names.iter().map(|_| None).collect();
        for (position, arg) in args.into_iter().enumerate() {
            let at = arg_span(&arg);
            let (slot, arg) = match arg {
                FunctionArg::Named { name, arg, .. } => {
                    let wanted = name.value.to_lowercase();
                    let slot = names.iter().position(|name| *name == wanted).ok_or_else(|| {
                        let hint =
                            did_you_mean(&wanted, names.iter().copied(), &format!("it has: {}", names.join(", ")));
                        wrong(format!("{function} has no argument '{wanted}'"), name.span, hint)
                    })?;
                    (Some(slot), arg)
                }
                FunctionArg::Unnamed(arg) => (Some(position), arg),
                FunctionArg::ExprNamed { .. } => (None, FunctionArgExpr::Wildcard),
            };
            let (Some(slot), FunctionArgExpr::Expr(mut expr)) = (slot.and_then(|slot| found.get_mut(slot)), arg) else {
                return Err(wrong(
                    format!("this argument of {function} is not understood"),
                    if at == Span::empty() { span } else { at },
                    format!("its arguments are: {}", names.join(", ")),
                ));
            };
            self.expr(&mut expr, scope)?;
            *slot = Some(expr);
        }
        Ok(found)
    }

    fn flatten_args(&mut self, args: Vec<FunctionArg>, span: Span, scope: &Scope) -> Result<Vec<Expr>> {
        let names = ["input", "path", "outer", "recursive", "mode"];
        let args = self.positional("flatten", &names, args, span, scope)?;
        let [Some(input), path, outer, recursive, mode]: [Option<Expr>; 5] = args.try_into().unwrap_or_default() else {
            return Err(wrong("flatten needs an input", span, "write flatten(input => column)"));
        };
        let mode = match mode {
            None => text("both"),
            Some(Expr::Value(value)) => match &value.value {
                Value::SingleQuotedString(mode) => text(mode.to_lowercase()),
                _ => {
                    return Err(wrong(
                        "the mode of flatten must be a text",
                        value.span,
                        "write 'both', 'array' or 'object'",
                    ));
                }
            },
            Some(other) => {
                return Err(wrong(
                    "the mode of flatten must be a text",
                    other.span(),
                    "write 'both', 'array' or 'object'",
                ));
            }
        };
        Ok(vec![
            input,
            path.unwrap_or_else(null),
            outer.unwrap_or_else(|| boolean(false)),
            recursive.unwrap_or_else(|| boolean(false)),
            mode,
        ])
    }

    fn generator(
        &mut self,
        args: Vec<FunctionArg>,
        alias: Option<TableAlias>,
        span: Span,
        scope: &mut Scope,
    ) -> Result<TableFactor> {
        let args = self.positional("generator", &["rowcount", "timelimit"], args, span, &Scope::default())?;
        let [rows, time]: [Option<Expr>; 2] = args.try_into().unwrap_or_default();
        if time.is_some() {
            return Err(unsupported("generator's timelimit", span, "give it a rowcount"));
        }
        let Some(rows) = rows else {
            return Err(wrong("generator needs a rowcount", span, "write table(generator(rowcount => 100))"));
        };
        let made_up = self.make_up("sequence");
        let mut alias = alias;
        let own = match &alias {
            Some(_) => None,
            None => Some(self.make_up("generator")),
        };
        let mut source = aliased(&mut alias, own.as_deref(), Some(Vec::new()));
        source.hidden.push(made_up.clone());
        let relation = source.name.clone().unwrap_or_default();
        let series = TableFactor::Table {
            name: name("generate_series"),
            alias: None,
            args: Some(TableFunctionArgs { args: vec![unnamed(number("1")), unnamed(rows)], settings: None }),
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        };
        let value = binary(column("value"), BinaryOperator::Minus, number("1"));
        let rows = select(vec![item(value, &made_up)], vec![from(series)]);
        // With several generators the number of a row is that of the first one only if it is alone.
        scope.sequence = match scope.sources.is_empty() {
            true => Some(column_of(&relation, &made_up)),
            false => None,
        };
        scope.sources.push(source);
        Ok(derived(query(rows), Some(alias_of(&relation))))
    }
}

/// A call that is joined with each row to its left.
fn lateral(
    function: &str,
    args: Vec<Expr>,
    alias: Option<TableAlias>,
    columns: &[&str],
    scope: &mut Scope,
) -> TableFactor {
    let mut alias = alias;
    let own = function.trim_start_matches("sf_");
    let columns = Some(columns.iter().map(|column| (*column).to_owned()).collect());
    let source: Source = aliased(&mut alias, Some(own), columns);
    let alias = alias.or_else(|| source.name.as_deref().map(alias_of));
    scope.sources.push(source);
    TableFactor::Function {
        lateral: true,
        name: name(function),
        args: args.into_iter().map(unnamed).collect(),
        with_ordinality: false,
        alias,
    }
}
