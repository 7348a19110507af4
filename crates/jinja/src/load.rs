//! Loads macro files: splits them into blocks, reads each, and tells everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream_core::{Diagnostic, Diagnostics};

use crate::bundled;
use crate::dispatch::prefixes;
use crate::environment::{Definition, MacroInfo, MacroKind, Packages};
use crate::syntax::ast::{Arg, Expr, ExprKind, visit, visit_expr};
use crate::syntax::{Source, SyntaxError, fix, macros};
use crate::vm::Origin;
use crate::{Block, BlockKind, EnvironmentOptions, MacroFile, blocks};

/// All macros of the options and the built-in packages.
pub(crate) fn packages(options: &EnvironmentOptions) -> Result<Packages, Diagnostics> {
    let mut found: BTreeMap<String, BTreeMap<String, Definition>> = BTreeMap::new();
    let mut problems = Diagnostics::new();
    let brought: BTreeSet<&str> = options.macros.iter().map(|file| file.package.as_str()).collect();
    // A project that brings its own dbt_utils gets that one; `dbt` is always ours.
    let bundled = bundled::files().filter(|file| file.package == "dbt" || !brought.contains(file.package.as_str()));
    let bundled: Vec<MacroFile> = bundled.collect();
    for file in bundled.iter().chain(&options.macros) {
        found.entry(file.package.clone()).or_default();
        load_file(file, &mut found, &mut problems);
    }
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(linked(found, options))
}

fn load_file(file: &MacroFile, found: &mut BTreeMap<String, BTreeMap<String, Definition>>, problems: &mut Diagnostics) {
    let source = Arc::new(Source::new(&file.package, &file.path, &file.text, 1));
    let all = match blocks::find(&source) {
        Ok(all) => all,
        Err(error) => return problems.push(problem(&source, &error)),
    };
    for block in all {
        let kind = match block.kind {
            BlockKind::Macro => MacroKind::Macro,
            BlockKind::Test => MacroKind::Test,
            BlockKind::Materialization => MacroKind::Materialization { adapter: macros::adapter_of(&block.args) },
            BlockKind::Snapshot | BlockKind::Docs => continue,
        };
        let definition = match define(&source, &block, kind) {
            Ok(definition) => definition,
            Err(error) => {
                let error = SyntaxError { offset: error.offset + block.start, ..error };
                problems.push(problem(&source, &error));
                continue;
            }
        };
        let package = found.entry(file.package.clone()).or_default();
        if let Some(first) = package.get(&definition.info.name) {
            let message = format!(
                "macro '{}' of package {} is already defined at {}:{}",
                definition.info.name, file.package, first.info.path, first.info.line
            );
            let place = source.place(block.start);
            problems.push(Diagnostic::error("duplicate-macro", message).at(place).hint("remove or rename one of them"));
            continue;
        }
        package.insert(definition.info.name.clone(), definition);
    }
}

fn problem(source: &Source, error: &SyntaxError) -> Diagnostic {
    let told = Diagnostic::error("jinja-syntax", format!("this Jinja cannot be read: {}", error.message))
        .at(source.place(error.offset));
    match fix::of(&error.message) {
        Some(fix) => told.hint(fix),
        None => told,
    }
}

fn define(source: &Arc<Source>, block: &Block, kind: MacroKind) -> Result<Definition, SyntaxError> {
    let definition = macros::read(block)?;
    let name = match &kind {
        MacroKind::Macro => block.name.clone(),
        MacroKind::Test => format!("test_{}", block.name),
        MacroKind::Materialization { adapter } => format!("materialization_{}_{adapter}", block.name),
    };
    let base = block.start as i64;
    let info = MacroInfo {
        unique_id: format!("macro.{}.{name}", source.package),
        package: source.package.to_string(),
        name,
        kind,
        path: source.path.to_string(),
        line: block.line,
        sql: block.full.clone(),
        arguments: definition.parameters.iter().map(|(name, _)| name.to_string()).collect(),
        depends_on: BTreeSet::new(),
    };
    Ok(Definition { info, tree: definition, origin: Origin { source: source.clone(), base } })
}

/// Finds out which macros each macro names, once all are known.
fn linked(found: BTreeMap<String, BTreeMap<String, Definition>>, options: &EnvironmentOptions) -> Packages {
    let known: BTreeMap<&str, BTreeSet<&str>> =
        found.iter().map(|(package, macros)| (package.as_str(), macros.keys().map(String::as_str).collect())).collect();
    let adapter = options.target.get("type").and_then(|name| name.as_str()).unwrap_or("default");
    let mut named: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (package, macros) in &found {
        for (name, definition) in macros {
            let order = [package.as_str(), options.project_name.as_str(), "dbt"];
            let resolve = |packages: &[&str], name: &str| {
                let home =
                    packages.iter().find(|package| known.get(*package).is_some_and(|names| names.contains(name)));
                home.map(|package| format!("macro.{package}.{name}"))
            };
            let mut all = BTreeSet::new();
            let mut see = |expr: &Expr| {
                let ExprKind::Call(callee, args) = &expr.kind else { return };
                match &callee.kind {
                    ExprKind::Name(called) => all.extend(resolve(&order, called)),
                    ExprKind::Attribute(owner, called) => {
                        let ExprKind::Name(owner) = &owner.kind else { return };
                        if &**owner == "adapter" && &**called == "dispatch" {
                            let texts: Vec<&str> = args.iter().filter_map(text_of).collect();
                            let Some(dispatched) = texts.first() else { return };
                            let packages = [options.project_name.as_str(), texts.get(1).copied().unwrap_or(package)];
                            let mut candidates =
                                prefixes(adapter).into_iter().map(|prefix| format!("{prefix}__{dispatched}"));
                            all.extend(candidates.find_map(|candidate| resolve(&packages, &candidate)));
                        } else {
                            all.extend(resolve(&[owner], called));
                        }
                    }
                    _ => {}
                }
            };
            visit(&definition.tree.body, &mut see);
            definition
                .tree
                .parameters
                .iter()
                .filter_map(|(_, default)| default.as_ref())
                .for_each(|expr| visit_expr(expr, &mut see));
            named.insert((package.clone(), name.clone()), all);
        }
    }
    found
        .into_iter()
        .map(|(package, macros)| {
            let macros = macros.into_iter().map(|(name, mut definition)| {
                definition.info.depends_on = named.remove(&(package.clone(), name.clone())).unwrap_or_default();
                (name, Arc::new(definition))
            });
            (Arc::from(package.as_str()), macros.collect())
        })
        .collect()
}

fn text_of(arg: &Arg) -> Option<&str> {
    match arg {
        Arg::Positional(Expr { kind: ExprKind::Const(value), .. })
        | Arg::Named(_, Expr { kind: ExprKind::Const(value), .. }) => value.as_str(),
        _ => None,
    }
}
