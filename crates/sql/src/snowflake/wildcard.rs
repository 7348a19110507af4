//! `*` and `t.*`, with `ilike`, `exclude`, `replace` and `rename`, in that order, as in Snowflake.
//!
//! A bare star is left to the engine. One with options, or over an outer join by name, is written out, which needs the
//! columns of its relations.

use millstream_core::Result;
use sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, ObjectName, ObjectNamePart, RenameSelectItem, SelectItem,
    SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::build::{column, column_of, item};
use super::fold::{as_value, fold, folded};
use super::like::matches_ilike;
use super::problem::{did_you_mean, unsupported, wrong};
use super::query::Columns;
use super::scope::{Scope, Source};

/// What a star stands for.
pub(super) struct Written {
    pub items: Vec<SelectItem>,
    pub columns: Columns,
}

impl Rewriter<'_> {
    pub(super) fn wildcard(
        &mut self,
        kind: Option<SelectItemQualifiedWildcardKind>,
        mut options: WildcardAdditionalOptions,
        scope: &Scope,
    ) -> Result<Written> {
        let span = options.wildcard_token.0.span;
        if options.opt_except.is_some() || options.opt_alias.is_some() {
            return Err(unsupported("'except' or an alias behind a star", span, "write 'exclude'"));
        }
        let mut kind = kind;
        let qualifier = match &mut kind {
            None => None,
            Some(SelectItemQualifiedWildcardKind::ObjectName(name)) => Some(fold_qualifier(name)?),
            Some(SelectItemQualifiedWildcardKind::Expr(expr)) => {
                return Err(unsupported("a star behind an expression", expr.span(), "name the columns"));
            }
        };
        let sources: Vec<&Source> = match &qualifier {
            None => scope.sources.iter().collect(),
            Some(name) => scope.sources.iter().filter(|source| source.name.as_ref() == Some(name)).collect(),
        };
        if let (Some(name), true) = (&qualifier, sources.is_empty()) {
            let known = scope.sources.iter().filter_map(|source| source.name.as_deref());
            return Err(wrong(
                format!("there is no relation '{name}' in this 'from'"),
                kind.as_ref().map_or(span, Spanned::span),
                did_you_mean(name, known, "use the name or alias of one that is there"),
            ));
        }
        let has_options = options.opt_ilike.is_some()
            || options.opt_exclude.is_some()
            || options.opt_replace.is_some()
            || options.opt_rename.is_some();
        let has_hidden = sources.iter().any(|source| !source.hidden.is_empty());
        let columns = columns_of(&sources, qualifier.is_some());
        // A bare star shows columns that an outer join put together.
        let joined = if qualifier.is_none() { scope.joined.as_slice() } else { &[] };
        if !has_options && !has_hidden && joined.is_empty() {
            let names = columns.map(|columns| columns.into_iter().map(|(_, name)| name).collect());
            options.opt_exclude = None;
            let star = match kind {
                None => SelectItem::Wildcard(options),
                Some(kind) => SelectItem::QualifiedWildcard(kind, options),
            };
            return Ok(Written { items: vec![star], columns: names });
        }
        let Some(columns) = columns else {
            return Err(unsupported(
                "this star over columns that are not known",
                span,
                "the relation does not exist or cannot be read; name the columns",
            ));
        };
        self.written(columns, joined, options, scope, span)
    }

    fn written(
        &mut self,
        columns: Vec<(Option<String>, String)>,
        joined: &[(String, Expr)],
        options: WildcardAdditionalOptions,
        scope: &Scope,
        span: Span,
    ) -> Result<Written> {
        let mut all = columns;
        if let Some(ilike) = &options.opt_ilike {
            all.retain(|(_, name)| matches_ilike(&as_value(name), &ilike.pattern));
            if all.is_empty() {
                return Err(wrong(format!("no column is like '{}'", ilike.pattern), span, "change the pattern"));
            }
        }
        if let Some(exclude) = options.opt_exclude {
            let names = match exclude {
                ExcludeSelectItem::Single(name) => vec![name],
                ExcludeSelectItem::Multiple(names) => names,
            };
            for name in names {
                let wanted = last_part(&name);
                check_known(&all, &wanted, name.span())?;
                all.retain(|(_, column)| *column != wanted);
            }
        }
        let mut replaced: Vec<(String, Expr)> = Vec::new();
        for element in options.opt_replace.into_iter().flat_map(|replace| replace.items) {
            let mut element = *element;
            let name = folded(&element.column_name);
            check_known(&all, &name, element.column_name.span)?;
            self.expr(&mut element.expr, scope)?;
            replaced.push((name, element.expr));
        }
        let mut renamed: Vec<(String, Ident)> = Vec::new();
        let renames = match options.opt_rename {
            None => Vec::new(),
            Some(RenameSelectItem::Single(one)) => vec![one],
            Some(RenameSelectItem::Multiple(all)) => all,
        };
        for mut rename in renames {
            let name = folded(&rename.ident);
            check_known(&all, &name, rename.ident.span)?;
            fold(&mut rename.alias);
            renamed.push((name, rename.alias));
        }
        let mut written = Written { items: Vec::new(), columns: Some(Vec::new()) };
        for (source, name) in all {
            let value = replaced.iter().find(|(column, _)| *column == name).map(|(_, expr)| expr.clone());
            let value = value.or_else(|| joined.iter().find(|(own, _)| *own == name).map(|(_, expr)| expr.clone()));
            let alias = renamed.iter().find(|(column, _)| *column == name).map(|(_, alias)| alias.value.clone());
            let plain = match &source {
                Some(source) => column_of(source, &name),
                None => column(&name),
            };
            let new = match (value, &alias) {
                (None, None) => SelectItem::UnnamedExpr(plain),
                (value, alias) => item(value.unwrap_or(plain), alias.as_ref().unwrap_or(&name)),
            };
            written.items.push(new);
            if let Some(columns) = &mut written.columns {
                columns.push(alias.unwrap_or(name));
            }
        }
        Ok(written)
    }
}

/// The name in front of `.*`: its last part means the relation.
fn fold_qualifier(name: &mut ObjectName) -> Result<String> {
    let parts = super::from::relation_parts(name)?;
    Ok(parts.last().cloned().unwrap_or_default())
}

fn last_part(name: &ObjectName) -> String {
    name.0.last().and_then(ObjectNamePart::as_ident).map(folded).unwrap_or_default()
}

/// Columns of relations and the names of these; none when one relation's columns are not known.
fn columns_of(sources: &[&Source], is_qualified: bool) -> Option<Vec<(Option<String>, String)>> {
    let mut all = Vec::new();
    for source in sources {
        for name in source.columns.as_ref()? {
            if is_qualified || !source.merged.contains(name) {
                all.push((source.name.clone(), name.clone()));
            }
        }
    }
    Some(all)
}

fn check_known(all: &[(Option<String>, String)], name: &str, span: Span) -> Result<()> {
    if all.iter().any(|(_, column)| column == name) {
        return Ok(());
    }
    let known = all.iter().map(|(_, column)| column.as_str());
    Err(wrong(
        format!("there is no column '{name}' among those of the star"),
        span,
        did_you_mean(name, known, "name one that is there"),
    ))
}
