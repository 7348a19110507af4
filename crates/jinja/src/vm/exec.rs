//! Statements.

use std::sync::Arc;

use super::{Eval, Flow, MacroValue, Scope, Vm};
use crate::syntax::ast::{Expr, Macro, Stmt, Target};
use crate::value::{self, Kind, Value, kind_of, repr};

impl Vm<'_> {
    pub(super) fn exec(&mut self, statements: &[Stmt], scope: &Arc<Scope>, out: &mut String) -> Eval<Flow> {
        for statement in statements {
            let flow = self.exec_one(statement, scope, out)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn exec_one(&mut self, statement: &Stmt, scope: &Arc<Scope>, out: &mut String) -> Eval<Flow> {
        self.spend(1)?;
        match statement {
            Stmt::Text(text, at) => {
                self.map_copied(out.len(), text.len(), *at);
                self.write(out, text)?;
            }
            Stmt::Emit(expr) => {
                let value = self.eval(expr, scope)?;
                let text = repr::text(&value);
                self.map_made(out.len(), text.len(), expr);
                self.write(out, &text)?;
            }
            Stmt::Do(expr) => drop(self.eval(expr, scope)?),
            Stmt::Set(target, expr) => {
                let value = self.eval(expr, scope)?;
                self.at = expr.at;
                self.assign(target, value, scope)?;
            }
            Stmt::SetBlock(target, filter, body) => {
                let (value, flow) = self.captured(body, filter.as_ref(), scope)?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
                self.assign(target, value, scope)?;
            }
            Stmt::FilterBlock(filter, body) => {
                let (value, flow) = self.captured(body, Some(filter), scope)?;
                let text = repr::text(&value);
                self.map_made(out.len(), text.len(), filter);
                self.write(out, &text)?;
                return Ok(flow);
            }
            Stmt::If(condition, yes, no) => {
                let branch = if value::truthy(&self.eval(condition, scope)?) { yes } else { no };
                return self.exec(branch, scope, out);
            }
            Stmt::For(each) => return self.exec_for(each, scope, out),
            Stmt::With(assignments, body) => {
                let inner = Scope::inside(scope);
                for (target, expr) in assignments {
                    let value = self.eval(expr, scope)?;
                    self.assign(target, value, &inner)?;
                }
                return self.exec(body, &inner, out);
            }
            Stmt::Group(body) => return self.exec(body, scope, out),
            Stmt::Macro(definition) => {
                let value = self.local_macro(definition, scope);
                scope.set(definition.name.clone(), value);
            }
            Stmt::CallBlock(call, block) => {
                let caller = self.local_macro(block, scope);
                let value = self.eval_call_block(call, caller, scope)?;
                let text = repr::text(&value);
                self.map_made(out.len(), text.len(), call);
                self.write(out, &text)?;
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn local_macro(&mut self, definition: &Arc<Macro>, scope: &Arc<Scope>) -> Value {
        self.knotted.push(scope.clone());
        value::native(MacroValue::local(definition.clone(), self.origin.clone(), scope.clone()))
    }

    fn captured(&mut self, body: &[Stmt], filter: Option<&Expr>, scope: &Arc<Scope>) -> Eval<(Value, Flow)> {
        let mut text = String::new();
        let flow = self.unmapped(|vm| vm.exec(body, &Scope::inside(scope), &mut text))?;
        let value = Value::from(text);
        match filter {
            Some(filter) => Ok((self.eval_filter_chain(filter, value, scope)?, flow)),
            None => Ok((value, flow)),
        }
    }

    pub(super) fn assign(&mut self, target: &Target, value: Value, scope: &Arc<Scope>) -> Eval<()> {
        match target {
            Target::Name(name) => scope.set(name.clone(), value),
            Target::Attribute(owner, name) => {
                let owner = self.eval(owner, scope)?;
                match value::as_native::<crate::builtins::Namespace>(&owner) {
                    Some(namespace) => namespace.set(name, value),
                    None => {
                        let message = format!("cannot assign attribute '{name}' on a {}", value::type_name(&owner));
                        return Err(self.fail_with_hint(message, "only namespace(…) objects take {% set ns.x = … %}"));
                    }
                }
            }
            Target::Unpack(targets) => {
                let items = match kind_of(&value) {
                    Kind::Undefined | Kind::None => None,
                    _ => value::elements(&value),
                };
                let Some(items) = items else {
                    return Err(self.fail(format!("cannot unpack non-iterable {} object", value::type_name(&value))));
                };
                if items.len() != targets.len() {
                    return Err(self.fail(format!("expected {} values to unpack, got {}", targets.len(), items.len())));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, scope)?;
                }
            }
        }
        Ok(())
    }
}
