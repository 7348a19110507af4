//! Objects that templates meet but cannot make: relations, columns, modules, functions, macros.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};

use crate::vm::{Args, Eval, Vm};

/// Behaviour of one type of object. A method is called only if [`methods`](Native::methods) lists it.
pub(crate) trait Native: fmt::Debug + Send + Sync + 'static {
    /// Python's name of the type.
    fn type_name(&self) -> &'static str;
    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
    /// What `{{ x }}` writes.
    fn text(&self) -> String {
        format!("<{}>", self.type_name())
    }
    /// What it looks like inside a printed list.
    fn repr(&self) -> String {
        self.text()
    }
    /// The attribute `x.name`.
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }
    /// The attribute, where telling it needs the running template.
    fn attribute(&self, _vm: &mut Vm<'_>, name: &str) -> Option<Value> {
        self.get(name)
    }
    /// The element `x[key]`.
    fn item(&self, key: &Value) -> Option<Value> {
        self.get(key.as_str()?)
    }
    /// What iterating gives; none if it cannot be iterated.
    fn elements(&self) -> Option<Vec<Value>> {
        None
    }
    /// Whether Python takes it for true.
    fn truthy(&self) -> bool {
        true
    }
    /// Names of the attributes, for hints.
    fn attributes(&self, _vm: &Vm<'_>) -> Vec<String> {
        Vec::new()
    }
    /// Names of the methods.
    fn methods(&self) -> &'static [&'static str] {
        &[]
    }
    /// Calls a method that [`methods`](Native::methods) lists.
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, _args: Args) -> Eval<Value> {
        Err(vm.fail(format!("'{}' object has no attribute '{name}'", self.type_name())))
    }
    /// Whether it can be called.
    fn callable(&self) -> bool {
        false
    }
    /// Calls it.
    fn call(&self, vm: &mut Vm<'_>, _args: Args) -> Eval<Value> {
        Err(vm.fail(format!("'{}' object is not callable", self.type_name())))
    }
    /// `x op other`, or `other op x` if `reflected`; none if it has no such operator.
    fn binary(&self, _op: &str, _other: &Value, _reflected: bool) -> Option<Value> {
        None
    }
    /// How it compares with another of its type; none if it has no order.
    fn compare(&self, other: &dyn Native) -> Option<Ordering> {
        (self.type_name() == other.type_name() && self.text() == other.text()).then_some(Ordering::Equal)
    }
}

/// The holder that makes a [`Native`] a minijinja value.
#[derive(Debug)]
pub(crate) struct NativeValue(pub(crate) Arc<dyn Native>);

impl Object for NativeValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.0.elements().is_some() { ObjectRepr::Iterable } else { ObjectRepr::Plain }
    }
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.item(key).or_else(|| self.0.get(key.as_str()?))
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.0.elements().map_or(Enumerator::NonEnumerable, Enumerator::Values)
    }
    fn is_true(self: &Arc<Self>) -> bool {
        self.0.truthy()
    }
    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<NativeValue>()?;
        // Values need a total order; where ours has none, the text decides.
        self.0
            .compare(&*other.0)
            .or_else(|| Some((self.0.type_name(), self.0.text()).cmp(&(other.0.type_name(), other.0.text()))))
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

/// How a function of ours is called.
pub(crate) type Call = fn(&mut Vm<'_>, Args) -> Eval<Value>;

/// Functions by name.
pub(crate) type Functions = [(&'static str, Call)];

/// A function of ours.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) call: Call,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {}", self.name)
    }
}

impl Native for Function {
    fn type_name(&self) -> &'static str {
        "function"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<function {}>", self.name)
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        (self.call)(vm, args)
    }
}

/// A function of ours as a value.
pub(crate) fn function(name: &'static str, call: Call) -> Value {
    super::native(Function { name, call })
}

/// A named group of values that templates cannot change: `modules.re`, `exceptions`, `api`.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) members: Vec<(&'static str, Value)>,
}

impl Native for Module {
    fn type_name(&self) -> &'static str {
        "module"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<module '{}'>", self.name)
    }
    fn get(&self, name: &str) -> Option<Value> {
        self.members.iter().find(|(member, _)| *member == name).map(|(_, value)| value.clone())
    }
    fn attributes(&self, _vm: &Vm<'_>) -> Vec<String> {
        self.members.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}
