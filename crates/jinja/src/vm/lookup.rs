//! What a name means: local names, then the caller's extra values, macros, the context, built-in macros, packages.

use std::sync::Arc;

use super::{MacroValue, Scope, Session, Stop, Vm};
use crate::builtins;
use crate::environment::Definition;
use crate::syntax::ast::{Expr, ExprKind};
use crate::value::{self, Value, json};

impl Vm<'_> {
    pub(super) fn lookup(&mut self, name: &str, scope: &Arc<Scope>) -> Option<Value> {
        scope.get(name).or_else(|| self.global(name))
    }

    /// What a name means outside all local scopes.
    pub(crate) fn global(&mut self, name: &str) -> Option<Value> {
        let extra = match &self.session {
            Session::Parse { context, .. } => context.extra.get(name),
            Session::Render(context) => context.extra.get(name),
            Session::Value(_) => None,
        };
        if let Some(extra) = extra {
            return Some(json::from_json(extra));
        }
        if let Some(added) = self.added.get(name) {
            return Some(added.clone());
        }
        if let Some(answer) = builtins::overrides::macro_named(self, name) {
            return Some(answer);
        }
        // As in dbt, YAML values see no macros.
        let yaml = matches!(self.session, Session::Value(_));
        if let Some(found) = self.macro_named(None, name, false).filter(|_| !yaml) {
            return Some(value::native(MacroValue::of(&found)));
        }
        if let Some(found) = builtins::context(self, name) {
            return Some(found);
        }
        if yaml {
            return None;
        }
        if let Some(found) = self.env.definition("dbt", name) {
            return Some(value::native(MacroValue::of(&found)));
        }
        let package = self.env.package_named(name)?;
        Some(value::native(builtins::Package(package)))
    }

    /// The macro of that name: in `package` if one is given, else in the order in which dbt looks (the template's
    /// package, the root project, the package of the macro in progress, and with `builtin` dbt's own).
    pub(crate) fn macro_named(&self, package: Option<&str>, name: &str, builtin: bool) -> Option<Arc<Definition>> {
        if let Some(package) = package {
            return self.env.definition(package, name);
        }
        let own = &self.origin.source.package;
        let order = [&*self.package, self.env.options.project_name.as_str(), &**own];
        let found = order
            .into_iter()
            .filter(|package| *package != "dbt")
            .find_map(|package| self.env.definition(package, name));
        found.or_else(|| if builtin { self.env.definition("dbt", name) } else { None })
    }

    /// The error for a value that is not there.
    pub(super) fn undefined(&mut self, expr: &Expr, scope: &Arc<Scope>) -> Stop {
        match &expr.kind {
            ExprKind::Name(name) => {
                let mut known: Vec<String> = scope.names().iter().map(|name| name.to_string()).collect();
                known.extend(self.env.macro_names());
                known.extend(builtins::CONTEXT_NAMES.iter().map(|name| (*name).to_owned()));
                let message = format!("'{name}' is undefined");
                match crate::hint::nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => self.fail_with_hint(message, format!("did you mean '{near}'?")),
                    None => self.fail_with_hint(
                        message,
                        "no macro, variable or package has this name; check for typos, or install the package it comes from",
                    ),
                }
            }
            _ => self.fail(format!("{} is undefined", describe(expr))),
        }
    }

    pub(super) fn undefined_attribute(&self, from: Option<&Expr>, name: &str) -> Stop {
        match from {
            Some(from) => self.fail(format!("{} is undefined, so it has no attribute '{name}'", describe(from))),
            None => self.fail(format!("an undefined value has no attribute '{name}'")),
        }
    }

    pub(super) fn undefined_call(&mut self, owner: &Expr, name: &str, scope: &Arc<Scope>) -> Stop {
        match &owner.kind {
            ExprKind::Name(package) if self.lookup(package, scope).is_none() => {
                let message = format!("'{package}' is undefined: {package}.{name} cannot be called");
                let known: Vec<String> =
                    self.env.package_names().into_iter().chain(scope.names().iter().map(|n| n.to_string())).collect();
                match crate::hint::nearest(package, known.iter().map(String::as_str)) {
                    Some(near) => self.fail_with_hint(message, format!("did you mean '{near}'?")),
                    None => self.fail_with_hint(
                        message,
                        format!(
                            "if {package} is a package, put it into packages.yml and run 'millstream deps'; if it is a variable, set it first"
                        ),
                    ),
                }
            }
            _ => self.undefined_attribute(Some(owner), name),
        }
    }
}

/// An expression in words, as far as it is a path.
fn describe(expr: &Expr) -> String {
    fn path(expr: &Expr) -> Option<String> {
        Some(match &expr.kind {
            ExprKind::Name(name) => name.to_string(),
            ExprKind::Attribute(owner, name) => format!("{}.{name}", path(owner)?),
            ExprKind::Item(owner, _) => format!("{}[…]", path(owner)?),
            ExprKind::Call(callee, _) => format!("{}(…)", path(callee)?),
            _ => return None,
        })
    }
    path(expr).map_or_else(|| "this value".to_owned(), |path| format!("'{path}'"))
}
