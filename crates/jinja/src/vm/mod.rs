//! Runs a template's tree.
//!
//! minijinja's own machine is not used for this: dbt's templates change lists in place, leave a macro by `return()`
//! with a value of any type, pass `varargs` and `kwargs`, and call `caller()` across files; its macros can do none of
//! that. Its values are used.

mod args;
mod call;
mod eval;
mod exec;
mod filters;
mod lookup;
mod loops;
mod mapping;
mod scope;
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use md5::{Digest, Md5};
use millstream_core::{Error, Place};

pub(crate) use args::Args;
pub(crate) use call::MacroValue;
pub(crate) use scope::Scope;

use crate::environment::Inner;
use crate::limits::MADE_BYTES_MAX;
use crate::syntax::ast::Stmt;
use crate::syntax::{Source, fix, parse};
use crate::value::{self, Value};
use crate::{ParseContext, Parsed, RenderContext, TextMap, ValueScope, hint};

/// Stack that must be left before a call, and what is added when it is not: recursion ends at our limit, not at the
/// thread's.
const STACK_LEFT_BYTES: usize = 1024 * 1024;
const STACK_GROWTH_BYTES: usize = 8 * 1024 * 1024;

/// Why evaluation ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// `return(value)`; ends the macro that called it.
    Return(Value),
    /// An error.
    Fail(Error),
}

/// What evaluation gives.
pub(crate) type Eval<T> = Result<T, Stop>;

/// What a statement leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
}

/// A text, and how offsets of its tree map to it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) source: Arc<Source>,
    /// Added to an offset of the tree to give an offset of the source.
    pub(crate) base: i64,
}

impl Origin {
    pub(crate) fn place(&self, at: u32) -> Place {
        self.source.place(usize::try_from(i64::from(at) + self.base).unwrap_or(0))
    }
}

/// What a rendering is for: decides what `ref()`, `config()`, `adapter`, … do.
pub(crate) enum Session<'r> {
    Parse { context: &'r ParseContext, found: Box<Parsed> },
    Render(&'r RenderContext),
    Value(ValueScope),
}

/// One rendering in progress.
pub(crate) struct Vm<'r> {
    pub(crate) env: &'r Inner,
    pub(crate) session: Session<'r>,
    /// The package whose names are searched first.
    pub(crate) package: Arc<str>,
    origin: Origin,
    at: u32,
    /// Macros in progress: name and place of the call.
    calls: Vec<(String, Place)>,
    /// Macros among them: what the template itself calls stands at depth 0.
    macro_depth: usize,
    fuel: u64,
    written: usize,
    /// Bytes of text and elements of lists that operations have made.
    made: usize,
    /// Values of the context that are made once per rendering.
    pub(crate) cache: HashMap<&'static str, Value>,
    /// `store_result` keeps them for `load_result`.
    pub(crate) results: HashMap<String, Value>,
    /// Names that `context.update` gave to the rest of this rendering.
    pub(crate) added: HashMap<String, Value>,
    /// Scopes that hold a macro, which holds the scope: emptied at the end, or they would never be freed.
    knotted: Vec<Arc<Scope>>,
    /// Whether `as_number` and its kin convert: only in a YAML value, not in SQL.
    native: bool,
    /// Whether something was read that is another one in each invocation.
    moving: bool,
    /// Where the parts of the text come from, when somebody wants to know and the template's own text is written.
    map: Option<TextMap>,
}

impl<'r> Vm<'r> {
    pub(crate) fn new(env: &'r Inner, session: Session<'r>, source: Arc<Source>) -> Self {
        Self {
            env,
            session,
            package: source.package.clone(),
            origin: Origin { source, base: 0 },
            at: 0,
            calls: Vec::new(),
            macro_depth: 0,
            fuel: env.options.limits.fuel,
            written: 0,
            made: 0,
            cache: HashMap::new(),
            results: HashMap::new(),
            added: HashMap::new(),
            knotted: Vec::new(),
            native: false,
            moving: false,
            map: None,
        }
    }

    /// Reads and renders the source that the rendering was made for.
    pub(crate) fn run(&mut self) -> Eval<String> {
        let tree = self.parse_source(&self.origin.clone())?;
        let mut out = String::new();
        self.run_tree(&tree, &mut out).map(|()| out)
    }

    /// As [`run`](Self::run), with where each part of the text comes from.
    pub(crate) fn run_mapped(&mut self) -> Eval<(String, TextMap)> {
        self.map = Some(TextMap::default());
        let text = self.run()?;
        Ok((text, self.map.take().unwrap_or_default()))
    }

    fn parse_source(&mut self, origin: &Origin) -> Eval<Vec<Stmt>> {
        let text = origin.source.text.clone();
        grown(|| parse(&text)).map_err(|error| Stop::Fail(syntax_error(&origin.source, error.offset, &error.message)))
    }

    fn run_tree(&mut self, tree: &[Stmt], out: &mut String) -> Eval<()> {
        let root = Scope::root();
        let outcome = grown(|| self.exec(tree, &root, out));
        root.clear();
        match outcome {
            // dbt lets a `return` outside any macro end in nothing but its text.
            Ok(_) => Ok(()),
            Err(Stop::Return(value)) => self.write(out, &value::repr::text(&value)),
            Err(stop) => Err(stop),
        }
    }

    /// The value of a text that is nothing but one `{{ … }}`; otherwise its text.
    pub(crate) fn run_native(&mut self) -> Eval<Value> {
        let tree = self.parse_source(&self.origin.clone())?;
        let visible: Vec<&Stmt> =
            tree.iter().filter(|stmt| !matches!(stmt, Stmt::Text(text, _) if text.is_empty())).collect();
        match visible.as_slice() {
            [Stmt::Emit(expr)] => {
                let root = Scope::root();
                self.native = true;
                let outcome = grown(|| self.eval(expr, &root));
                self.native = false;
                match (outcome, filters::marker(expr)) {
                    (Ok(value), Some(marker)) => {
                        self.at = expr.at;
                        self.convert(marker, value)
                    }
                    (outcome, _) => outcome,
                }
            }
            _ => {
                let mut out = String::new();
                self.run_tree(&tree, &mut out).map(|()| Value::from(out))
            }
        }
    }

    /// Renders a text in the middle of another rendering (`render()`, a variable that is a template).
    pub(crate) fn render_text(&mut self, name: &str, text: &str) -> Eval<String> {
        let origin = Origin { source: Arc::new(Source::new(&self.package, name, text, 1)), base: 0 };
        self.within(origin, |vm, origin| {
            let tree = vm.parse_source(origin)?;
            let mut out = String::new();
            vm.run_tree(&tree, &mut out).map(|()| out)
        })
    }

    /// As [`render_text`](Self::render_text), keeping the type of a single expression.
    pub(crate) fn render_text_native(&mut self, name: &str, text: &str) -> Eval<Value> {
        let origin = Origin { source: Arc::new(Source::new(&self.package, name, text, 1)), base: 0 };
        self.within(origin, |vm, _| vm.run_native())
    }

    fn within<T>(&mut self, origin: Origin, run: impl FnOnce(&mut Self, &Origin) -> Eval<T>) -> Eval<T> {
        if self.calls.len() >= self.env.options.limits.call_depth {
            return Err(self.too_deep());
        }
        self.calls.push((origin.source.path.to_string(), self.place()));
        let outer = (std::mem::replace(&mut self.origin, origin.clone()), self.at);
        let outcome = self.unmapped(|vm| run(vm, &origin));
        (self.origin, self.at) = outer;
        self.calls.pop();
        outcome
    }

    /// A number below `limit` that the invocation's id, the template and how far it has come decide.
    pub(crate) fn drawn(&mut self, limit: usize) -> usize {
        self.read_moving();
        let options = &self.env.options;
        let seed = format!("{}\0{}\0{}", options.invocation_id, self.origin.source.path, self.fuel);
        let bytes: [u8; 16] = Md5::digest(seed).into();
        let number = u128::from_le_bytes(bytes) % limit.max(1) as u128;
        usize::try_from(number).unwrap_or(0)
    }

    /// Where evaluation is.
    pub(crate) fn place(&self) -> Place {
        self.origin.place(self.at)
    }
    /// An error at the place where evaluation is.
    pub(crate) fn fail(&self, message: impl Into<String>) -> Stop {
        Stop::Fail(Error::user(message).at(self.place()))
    }
    /// The same with a way out.
    pub(crate) fn fail_with_hint(&self, message: impl Into<String>, hint: impl Into<String>) -> Stop {
        Stop::Fail(Error::user(message).at(self.place()).hint(hint))
    }
    /// The same with the known name that is nearest, where one is near.
    pub(crate) fn fail_near<'k>(
        &self,
        message: impl Into<String>,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Stop {
        match hint::nearest(name, known) {
            Some(near) => self.fail_with_hint(message, format!("did you mean '{near}'?")),
            None => self.fail(message),
        }
    }
    /// Another crate's error, with our place if it has none.
    pub(crate) fn foreign(&self, error: Error) -> Stop {
        Stop::Fail(if error.place().is_some() { error } else { error.at(self.place()) })
    }
    /// A refusal in Python's words as an error here.
    pub(crate) fn lift<T>(&self, outcome: Result<T, String>) -> Eval<T> {
        outcome.map_err(|message| self.fail(message))
    }

    /// Uses up fuel; fails when there is none left.
    pub(crate) fn spend(&mut self, steps: u64) -> Eval<()> {
        match self.fuel.checked_sub(steps) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Err(self.fail_with_hint(
                format!("the template took more than {} steps", self.env.options.limits.fuel),
                "look for a loop over a huge range, or a macro that calls itself without an end",
            )),
        }
    }

    /// Fails when a text of that size would be too long.
    pub(crate) fn fits(&self, bytes: usize) -> Eval<()> {
        let most = self.env.options.limits.output_bytes;
        if bytes <= most {
            return Ok(());
        }
        Err(self.fail_with_hint(
            format!("a text of {bytes} bytes would come out; at most {most} are allowed"),
            "build long lists of rows in SQL, or as a seed",
        ))
    }

    /// Charges for what an operation made: values that a template keeps are memory.
    pub(crate) fn charge(&mut self, value: &Value) -> Eval<()> {
        let size = match value::kind_of(value) {
            value::Kind::Str(text) => text.len(),
            // An element takes some 24 bytes.
            value::Kind::List(list) => list.len().saturating_mul(24),
            value::Kind::Tuple if !value::is_shallow(value) => {
                return Err(self.fail(format!("more than {} tuples inside each other", value::TUPLE_DEPTH_MAX)));
            }
            value::Kind::Tuple => value::length(value).unwrap_or(0).saturating_mul(24),
            _ => return Ok(()),
        };
        let size = size.max(64);
        self.made = self.made.saturating_add(size);
        if self.made > MADE_BYTES_MAX {
            return Err(self.fail_with_hint(
                format!("the template made more than {MADE_BYTES_MAX} bytes of text and lists"),
                "look for a loop that repeats or joins long texts",
            ));
        }
        self.spend(size as u64 / 1024)
    }

    /// Appends to an output, within the limit.
    pub(crate) fn write(&mut self, out: &mut String, text: &str) -> Eval<()> {
        self.written = self.written.saturating_add(text.len());
        if self.written > self.env.options.limits.output_bytes {
            let most = self.env.options.limits.output_bytes;
            return Err(self.fail_with_hint(
                format!("the template wrote more than {most} bytes"),
                "build long lists of rows in SQL, or as a seed",
            ));
        }
        self.spend(text.len() as u64 / 1024)?;
        out.push_str(text);
        Ok(())
    }

    fn too_deep(&self) -> Stop {
        let most = self.env.options.limits.call_depth;
        let chain: Vec<&str> = self.calls.iter().rev().take(3).map(|(name, _)| name.as_str()).collect();
        self.fail_with_hint(
            format!("more than {most} macros are in progress at once ({} …)", chain.join(" called by ")),
            "a macro calls itself without an end",
        )
    }

    /// Whether queries may run.
    pub(crate) fn executes(&self) -> bool {
        matches!(&self.session, Session::Render(context) if context.execute)
    }
    /// Whether this rendering only finds out what a template depends on.
    pub(crate) fn parsing(&self) -> bool {
        matches!(self.session, Session::Parse { .. })
    }
    /// Notes something found while parsing.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut Parsed)) {
        if let Session::Parse { found, .. } = &mut self.session {
            change(found);
        }
    }
    /// Notes that the clock, or something else that moves, is looked at.
    pub(crate) fn read_moving(&mut self) {
        match &self.session {
            Session::Parse { .. } => self.moving = true,
            Session::Render(context) if context.execute => context.varies.set(),
            Session::Render(_) | Session::Value(_) => self.env.options.reads.settle_on_moving(),
        }
    }
    /// Notes that something is found that the manifest keeps.
    pub(crate) fn settle(&self) {
        if self.moving {
            self.env.options.reads.settle_on_moving();
        }
    }
    /// The node in work.
    pub(crate) fn node(&self) -> &serde_json::Value {
        match &self.session {
            Session::Parse { context, .. } => &context.node,
            Session::Render(context) => &context.node,
            Session::Value(_) => &serde_json::Value::Null,
        }
    }
}

impl Drop for Vm<'_> {
    fn drop(&mut self) {
        for scope in self.knotted.drain(..) {
            scope.clear();
        }
    }
}

/// Runs with enough stack for the deepest expression that the parser lets through.
pub(crate) fn grown<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(4 * STACK_LEFT_BYTES, 2 * STACK_GROWTH_BYTES, run)
}

/// An error about the text itself.
pub(crate) fn syntax_error(source: &Source, offset: usize, message: &str) -> Error {
    let error = Error::user(format!("this Jinja cannot be read: {message}")).at(source.place(offset));
    match fix::of(message) {
        Some(fix) => error.hint(fix),
        None => error,
    }
}
