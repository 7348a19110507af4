//! Function calls: arguments, `within group`, windows, and the few functions that mean something about the query.

use millstream_core::Result;
use sqlparser::ast::{BinaryOperator, CastKind, DataType};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, NullTreatment, Spanned, WindowFrameBound, WindowSpec, WindowType,
};
use sqlparser::tokenizer::Span;

use super::build::{all, binary, call, case, function_call, name, nested, null, number, text, unnamed};
use super::fold::as_value;
use super::ordered::{ORDERED, whole_partition, within_window};
use super::problem::{did_you_mean, unsupported, wrong};
use super::scope::Scope;
use super::{Rewriter, SessionValue, date_parts, windows};

/// Aggregates of truth values, which numbers and texts are turned into. Source: docs.snowflake.com, "BOOLOR_AGG".
const OF_TRUTH: &[&str] = &["booland_agg", "boolor_agg"];

/// Window functions that see the whole partition unless a frame says otherwise.
const WHOLE_PARTITION: &[&str] = &["first_value", "last_value", "nth_value"];

impl Rewriter<'_> {
    pub(super) fn function(&mut self, function: Function, span: Span, scope: &Scope) -> Result<Expr> {
        let mut function = function;
        let parts: Vec<String> = function.name.0.iter().map(ToString::to_string).collect();
        let [own] = parts.as_slice() else {
            return Err(unsupported(
                format!("the user-defined function {}", function.name),
                span,
                "write it as a Jinja macro",
            ));
        };
        let own = own.trim_matches('"').to_lowercase();
        if function.uses_odbc_syntax || function.parameters != FunctionArguments::None {
            return Err(unsupported(format!("this form of calling {own}"), span, "write name(arguments)"));
        }
        if let Some(found) = self.about_query(&own, &function, span, scope)? {
            return Ok(found);
        }
        if !self.schemas.is_function(&own) {
            let known = self.schemas.functions();
            let or = "no function of this name is known here; write it another way or as a Jinja macro";
            return Err(wrong(
                format!("there is no function '{own}' on the embedded warehouse"),
                span,
                did_you_mean(&own, known.iter().map(String::as_str), or),
            ));
        }
        self.arguments(&mut function, &own, span, scope)?;
        for order in &mut function.within_group {
            self.expr(&mut order.expr, scope)?;
        }
        if function.over.is_none() && ORDERED.contains(&own.as_str()) && !function.within_group.is_empty() {
            let order = std::mem::take(&mut function.within_group);
            if let FunctionArguments::List(list) = &mut function.args {
                list.clauses.push(FunctionArgumentClause::OrderBy(order));
            }
        }
        if let Some(filter) = &mut function.filter {
            self.expr(filter, scope)?;
        }
        if let Some(over) = &mut function.over {
            self.over(over, &own, scope)?;
            within_window(&mut function, &own, span)?;
        }
        // Places in engine errors come from the name.
        let at = function.name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        function.name = name(&own);
        if let (Some(at), Some(sqlparser::ast::ObjectNamePart::Identifier(ident))) = (at, function.name.0.first_mut()) {
            ident.span = at;
        }
        Ok(Expr::Function(function))
    }

    fn arguments(&mut self, function: &mut Function, own: &str, span: Span, scope: &Scope) -> Result<()> {
        let list = match std::mem::replace(&mut function.args, FunctionArguments::None) {
            FunctionArguments::None => empty_list(),
            FunctionArguments::List(list) => list,
            FunctionArguments::Subquery(query) => {
                FunctionArgumentList { args: vec![unnamed(Expr::Subquery(query))], ..empty_list() }
            }
        };
        let part_at = date_parts::position(own);
        let mut args = Vec::with_capacity(list.args.len());
        for (position, arg) in list.args.into_iter().enumerate() {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(mut expr)) => {
                    let part = match part_at == Some(position) {
                        true => date_parts::as_text(&expr, own)?,
                        false => None,
                    };
                    match part {
                        Some(part) => expr = part,
                        None => self.expr(&mut expr, scope)?,
                    }
                    args.push(unnamed(expr));
                }
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if own == "count" || own == "hash" => match own {
                    "count" => args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard)),
                    _ => args.extend(columns_of(scope, span)?.into_iter().map(|(_, column)| unnamed(column))),
                },
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if own.starts_with("object_construct") => {
                    for (name, column) in columns_of(scope, span)? {
                        args.extend([unnamed(text(as_value(&name))), unnamed(column)]);
                    }
                }
                FunctionArg::Unnamed(_) => {
                    return Err(unsupported(format!("a star as an argument of {own}"), span, "name the columns"));
                }
                FunctionArg::Named { name, .. } => {
                    return Err(unsupported(
                        format!("the argument {name} of {own} by name"),
                        name.span,
                        "give arguments by position",
                    ));
                }
                FunctionArg::ExprNamed { .. } => {
                    return Err(unsupported("an argument by a computed name", span, "give arguments by position"));
                }
            }
        }
        let mut clauses = Vec::new();
        for clause in list.clauses {
            match clause {
                FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => function.null_treatment = Some(treatment),
                FunctionArgumentClause::OrderBy(mut order) => {
                    self.order_by_exprs(&mut order, scope)?;
                    clauses.push(FunctionArgumentClause::OrderBy(order));
                }
                other => return Err(unsupported(format!("'{other}' in {own}"), span, "leave it out")),
            }
        }
        if function.null_treatment == Some(NullTreatment::RespectNulls) {
            function.null_treatment = None;
        }
        if OF_TRUTH.contains(&own) {
            args = args.into_iter().map(truth).collect();
        }
        let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        if own == "count" && is_distinct && args.len() > 1 {
            args = vec![unnamed(distinct_row(args))];
        }
        function.args = FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: list.duplicate_treatment,
            args,
            clauses,
        });
        Ok(())
    }

    fn over(&mut self, over: &mut WindowType, own: &str, scope: &Scope) -> Result<()> {
        let mut spec = windows::spec_of(over, &scope.windows)?;
        self.window_spec(&mut spec, scope)?;
        windows::without_constants(&mut spec);
        if WHOLE_PARTITION.contains(&own) && spec.window_frame.is_none() {
            spec.window_frame = Some(whole_partition());
        }
        *over = WindowType::WindowSpec(spec);
        Ok(())
    }

    fn window_spec(&mut self, spec: &mut WindowSpec, scope: &Scope) -> Result<()> {
        for key in &mut spec.partition_by {
            self.expr(key, scope)?;
        }
        self.order_by_exprs(&mut spec.order_by, scope)?;
        let Some(frame) = &mut spec.window_frame else { return Ok(()) };
        for bound in std::iter::once(&mut frame.start_bound).chain(frame.end_bound.as_mut()) {
            if let WindowFrameBound::Preceding(Some(size)) | WindowFrameBound::Following(Some(size)) = bound {
                self.expr(size, scope)?;
            }
        }
        Ok(())
    }

    /// Functions that are about the query or the session, and not about values.
    fn about_query(&mut self, own: &str, function: &Function, span: Span, scope: &Scope) -> Result<Option<Expr>> {
        let session = match own {
            "current_database" => Some(SessionValue::Database),
            "current_schema" => Some(SessionValue::Schema),
            "current_role" => Some(SessionValue::Role),
            "current_warehouse" => Some(SessionValue::Warehouse),
            "current_user" => Some(SessionValue::User),
            "current_account" => Some(SessionValue::Account),
            _ => None,
        };
        if let Some(value) = session {
            return Ok(Some(self.schemas.session(value).map_or_else(null, text)));
        }
        if matches!(own, "seq1" | "seq2" | "seq4" | "seq8") {
            return Ok(Some(scope.sequence.clone().unwrap_or_else(row_count)));
        }
        if own == "ratio_to_report" {
            let (Some(mut args), Some(over)) = (plain_args(function.args.clone()), function.over.clone()) else {
                return Err(wrong(
                    "ratio_to_report needs one argument and 'over (…)'",
                    span,
                    "ratio_to_report(x) over (…)",
                ));
            };
            let (Some(value), true) = (args.pop(), args.is_empty()) else {
                return Err(wrong("ratio_to_report takes one argument", span, "ratio_to_report(x) over (…)"));
            };
            // The total is the partition's: an order is allowed and says nothing.
            let mut partition = windows::spec_of(&over, &scope.windows)?;
            partition.order_by.clear();
            partition.window_frame = None;
            let mut total = function_call("sum", vec![value.clone()]);
            total.over = Some(WindowType::WindowSpec(partition));
            let mut ratio = binary(value, BinaryOperator::Divide, call("nullifzero", vec![Expr::Function(total)]));
            self.expr(&mut ratio, scope)?;
            return Ok(Some(ratio));
        }
        Ok(None)
    }
}

/// Several values as one text, null if one of them is null: what `count(distinct a, b)` counts.
fn distinct_row(args: Vec<FunctionArg>) -> Expr {
    let values: Vec<Expr> = args
        .into_iter()
        .filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect();
    let are_there = all(values.iter().map(|value| Expr::IsNotNull(Box::new(nested(value.clone())))));
    let row = call("sf_cast", vec![call("array_construct", values), text("varchar")]);
    case(None, vec![(are_there, row)])
}

/// The argument as a truth value.
fn truth(arg: FunctionArg) -> FunctionArg {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => unnamed(call("sf_cast", vec![expr, text("boolean")])),
        other => other,
    }
}

/// `row_number() over () - 1`, as a whole number with a sign.
fn row_count() -> Expr {
    let mut row_number = function_call("row_number", Vec::new());
    row_number.over = Some(WindowType::WindowSpec(WindowSpec {
        window_name: None,
        partition_by: Vec::new(),
        order_by: Vec::new(),
        window_frame: None,
    }));
    let signed = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Function(row_number)),
        data_type: DataType::BigInt(None),
        array: false,
        format: None,
    };
    binary(signed, BinaryOperator::Minus, number("1"))
}

fn empty_list() -> FunctionArgumentList {
    FunctionArgumentList { duplicate_treatment: None, args: Vec::new(), clauses: Vec::new() }
}

/// Arguments that are all plain expressions.
pub(super) fn plain_args(args: FunctionArguments) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = args else { return None };
    let exprs = list.args.into_iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    exprs.collect()
}

/// Every column of the relations in sight, by name.
fn columns_of(scope: &Scope, span: Span) -> Result<Vec<(String, Expr)>> {
    let mut all = Vec::new();
    for source in &scope.sources {
        let Some(columns) = &source.columns else {
            return Err(unsupported("a star over columns that are not known", span, "name the columns"));
        };
        for column in columns.iter().filter(|column| !source.merged.contains(column)) {
            let expr = match (scope.joined(column), &source.name) {
                (Some(joined), _) => joined.clone(),
                (None, Some(relation)) => super::build::column_of(relation, column),
                (None, None) => super::build::column(column),
            };
            all.push((column.clone(), expr));
        }
    }
    Ok(all)
}

/// The place of an argument.
pub(super) fn arg_span(arg: &FunctionArg) -> Span {
    match arg {
        FunctionArg::Named { name, .. } => name.span,
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expr.span(),
        _ => Span::empty(),
    }
}
