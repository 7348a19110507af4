//! Calls: of macros, functions and methods.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{Args, Eval, Origin, Scope, Stop, Vm};
use crate::builtins;
use crate::environment::Definition;
use crate::syntax::ast::{Expr, ExprKind, Macro};
use crate::value::{self, Kind, Native, Value, kind_of, methods, repr};

/// A macro as a value.
pub(crate) struct MacroValue {
    tree: Arc<Macro>,
    origin: Origin,
    /// The scope in which a local macro or `caller` block was written.
    closure: Option<Arc<Scope>>,
    /// Set for macros of macro files.
    definition: Option<Arc<Definition>>,
}

impl MacroValue {
    pub(super) fn local(tree: Arc<Macro>, origin: Origin, closure: Arc<Scope>) -> Self {
        Self { tree, origin, closure: Some(closure), definition: None }
    }
    pub(crate) fn of(definition: &Arc<Definition>) -> Self {
        Self {
            tree: definition.tree.clone(),
            origin: definition.origin.clone(),
            closure: None,
            definition: Some(definition.clone()),
        }
    }
}

impl fmt::Debug for MacroValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "macro {}", self.tree.name)
    }
}

impl Native for MacroValue {
    fn type_name(&self) -> &'static str {
        "Macro"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<Macro '{}'>", self.tree.name)
    }
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "name" => Some(Value::from(&*self.tree.name)),
            "arguments" => {
                Some(value::tuple(self.tree.parameters.iter().map(|(name, _)| Value::from(&**name)).collect()))
            }
            _ => None,
        }
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        vm.call_macro(self, args)
    }
}

impl Vm<'_> {
    fn call_macro(&mut self, called: &MacroValue, args: Args) -> Eval<Value> {
        let instead = called.definition.as_ref().and_then(|definition| builtins::overrides::answer(self, definition));
        if let Some(answer) = instead {
            return Ok(answer);
        }
        let name = called.definition.as_ref().map_or_else(
            || called.tree.name.to_string(),
            |definition| format!("{}.{}", definition.info.package, definition.info.name),
        );
        if let Some(definition) = &called.definition
            && self.macro_depth == 0
        {
            let id = &definition.info.unique_id;
            self.note(|found| {
                if !found.macros.contains(id) {
                    found.macros.push(id.clone());
                }
            });
        }
        let scope = called.closure.as_ref().map_or_else(Scope::root, Scope::inside);
        self.macro_depth += 1;
        let outcome = self.nested(&format!("macro {name}"), called.origin.clone(), |vm| {
            vm.bind_parameters(&called.tree, args, &scope)?;
            let mut out = String::new();
            vm.exec(&called.tree.body, &scope, &mut out)?;
            Ok(Value::from(out))
        });
        self.macro_depth -= 1;
        if called.closure.is_none() {
            scope.clear();
        }
        match outcome {
            // A `caller` block is part of the macro around it: its `return` ends that one.
            Err(Stop::Return(value)) if &*called.tree.name != "caller" => Ok(value),
            outcome => outcome,
        }
    }

    fn bind_parameters(&mut self, tree: &Macro, args: Args, scope: &Arc<Scope>) -> Eval<()> {
        self.at = tree.at;
        let Args { positional, mut named } = args;
        let given = positional.len();
        let mut positional = positional.into_iter();
        for (name, default) in &tree.parameters {
            let by_name = named.shift_remove(&**name);
            let value = match (positional.next(), by_name) {
                (Some(_), Some(_)) => {
                    return Err(self.fail(format!("macro '{}' got multiple values for argument '{name}'", tree.name)));
                }
                (Some(value), None) | (None, Some(value)) => value,
                (None, None) => match default {
                    // A default sees the parameters before it.
                    Some(default) => self.eval(default, scope)?,
                    None => Value::UNDEFINED,
                },
            };
            scope.set(name.clone(), value);
        }
        if tree.takes.caller
            && let Some(caller) = named.shift_remove("caller")
        {
            scope.set("caller".into(), caller);
        }
        let rest: Vec<Value> = positional.collect();
        if tree.takes.varargs {
            scope.set("varargs".into(), value::tuple(rest));
        } else if !rest.is_empty() {
            let most = tree.parameters.len();
            return Err(
                self.fail(format!("macro '{}' takes not more than {most} argument(s), {given} given", tree.name))
            );
        }
        if tree.takes.kwargs {
            scope.set("kwargs".into(), value::dict(named.into_iter().map(|(key, item)| (Value::from(key), item))));
        } else if let Some(name) = named.keys().next() {
            let message = format!("macro '{}' takes no keyword argument '{name}'", tree.name);
            let known: Vec<&str> = tree.parameters.iter().map(|(name, _)| &**name).collect();
            return Err(self.fail_near(message, name, known));
        }
        Ok(())
    }

    /// `callee(args)`; a method is looked for by type first, as Python does, then among the elements.
    pub(super) fn eval_call(&mut self, at: u32, callee: &Expr, args: Args, scope: &Arc<Scope>) -> Eval<Value> {
        if let ExprKind::Attribute(owner, name) = &callee.kind {
            let value = self.eval(owner, scope)?;
            self.at = at;
            if value.is_undefined() {
                // While parsing, what a query would give is undefined; but a name that nothing has is an error now.
                let unknown = matches!(&owner.kind, ExprKind::Name(name) if self.lookup(name, scope).is_none());
                return if self.parsing() && !unknown {
                    Ok(Value::UNDEFINED)
                } else {
                    Err(self.undefined_call(owner, name, scope))
                };
            }
            return self.call_method(&value, name, args);
        }
        let value = self.eval(callee, scope)?;
        self.at = at;
        if value.is_undefined() {
            let unknown = matches!(&callee.kind, ExprKind::Name(name) if self.lookup(name, scope).is_none());
            return if self.parsing() && !unknown { Ok(Value::UNDEFINED) } else { Err(self.undefined(callee, scope)) };
        }
        self.call_value(&value, args)
    }

    pub(super) fn eval_call_block(&mut self, call: &Expr, caller: Value, scope: &Arc<Scope>) -> Eval<Value> {
        let ExprKind::Call(callee, args) = &call.kind else { return Ok(Value::UNDEFINED) };
        let mut args = self.eval_args(args, scope)?;
        args.named.insert("caller".to_owned(), caller);
        self.eval_call(call.at, callee, args, scope)
    }

    /// Calls a value.
    pub(crate) fn call_value(&mut self, value: &Value, args: Args) -> Eval<Value> {
        match kind_of(value) {
            Kind::Native(native) => {
                let made = native.call(self, args)?;
                self.charge(&made)?;
                Ok(made)
            }
            _ => Err(self.fail(format!("'{}' object is not callable", value::type_name(value)))),
        }
    }

    /// `value.name(args)`.
    pub(crate) fn call_method(&mut self, value: &Value, name: &str, args: Args) -> Eval<Value> {
        if let Kind::Native(native) = kind_of(value) {
            if native.methods().contains(&name) {
                return native.call_method(self, name, args);
            }
        } else if methods::names(value).contains(&name) {
            let made = self.lift(methods::call(value, name, args))?;
            self.charge(&made)?;
            return Ok(made);
        }
        let found = self.attribute(value, name, None)?;
        if !found.is_undefined() {
            return self.call_value(&found, args);
        }
        if self.parsing() && value.is_none() {
            return Ok(Value::UNDEFINED);
        }
        let message = match kind_of(value) {
            Kind::Native(native) if native.type_name() == "package" => {
                format!("package {} has no macro '{name}'", native.text())
            }
            _ => format!("'{}' object has no attribute '{name}'", value::type_name(value)),
        };
        let known = match kind_of(value) {
            Kind::Native(native) => {
                let mut known = native.attributes(self);
                known.extend(native.methods().iter().map(|name| (*name).to_owned()));
                known
            }
            Kind::Dict(dict) => {
                let keys = dict.keys().iter().map(repr::text).collect::<Vec<_>>();
                keys.into_iter().chain(methods::names(value).iter().map(|name| (*name).to_owned())).collect()
            }
            _ => methods::names(value).iter().map(|name| (*name).to_owned()).collect(),
        };
        Err(self.fail_near(message, name, known.iter().map(String::as_str)))
    }
}
