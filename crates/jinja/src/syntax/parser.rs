//! Tokens to the tree, by the grammar of Jinja2 3.1 with the tags that dbt adds
//! (<https://jinja.palletsprojects.com/en/stable/templates/>).
//!
//! Guarantees: every node knows the byte offset at which it starts; nothing recurses deeper than
//! [`BLOCK_DEPTH_MAX`] blocks and [`EXPRESSION_DEPTH_MAX`] operations. `include`, `import` and `extends` are refused, as
//! dbt refuses them: it has nowhere to load templates from.

use std::sync::Arc;

use super::ast::{Expr, ExprKind, For, Macro, Name, Stmt, Takes, Target, visit};
use super::lexer;
use super::token::{Token, TokenKind};
use crate::limits::{BLOCK_DEPTH_MAX, EXPRESSION_DEPTH_MAX, TEMPLATE_BYTES_MAX};

mod expressions;
mod signature;

/// What is wrong with a text, and the byte offset of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) offset: usize,
}

/// What parsing gives.
pub(super) type Parse<T> = Result<T, SyntaxError>;

/// Stack that must be left before a nested block or expression is read, and what is added when it is not.
const STACK_LEFT_BYTES: usize = 256 * 1024;
const STACK_GROWTH_BYTES: usize = 4 * 1024 * 1024;

/// Reads a text.
pub(crate) fn parse(text: &str) -> Parse<Vec<Stmt>> {
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the text is longer than {TEMPLATE_BYTES_MAX} bytes");
        return Err(SyntaxError { message, offset: 0 });
    }
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser { tokens, position: 0, expression_depth: 0, open: Vec::new(), loops: 0 };
    parser.statements(&[])
}

pub(super) struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    position: usize,
    /// Expressions that are being read inside of each other.
    expression_depth: usize,
    /// Blocks that are open: tag and offset.
    open: Vec<(&'t str, u32)>,
    /// Loops among them, up to the next macro.
    loops: usize,
}

/// Reads deeper with enough stack.
fn grown<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_LEFT_BYTES, STACK_GROWTH_BYTES, run)
}

impl<'t> Parser<'t> {
    fn current(&self) -> &Token<'t> {
        // The last token is `End`, and `next` never goes past it.
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }
    fn ahead(&self) -> &TokenKind<'t> {
        &self.tokens[(self.position + 1).min(self.tokens.len() - 1)].kind
    }
    fn at(&self) -> u32 {
        self.current().at
    }
    fn next(&mut self) -> Token<'t> {
        let token = self.current().clone();
        self.position += 1;
        token
    }
    fn is(&self, operator: &str) -> bool {
        self.current().kind.is(operator)
    }
    fn is_name(&self, name: &str) -> bool {
        self.current().kind.is_name(name)
    }
    fn skip(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        self.position += usize::from(found);
        found
    }
    fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.position += usize::from(found);
        found
    }
    fn fail<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(SyntaxError { message: message.into(), offset: self.at() as usize })
    }
    fn expected<T>(&self, wanted: &str) -> Parse<T> {
        self.fail(format!("expected {wanted}, found {}", self.current().kind.describe()))
    }
    fn expect(&mut self, operator: &str) -> Parse<()> {
        if self.skip(operator) { Ok(()) } else { self.expected(&format!("'{operator}'")) }
    }
    fn expect_word(&mut self, word: &str) -> Parse<()> {
        if self.skip_name(word) { Ok(()) } else { self.expected(&format!("'{word}'")) }
    }
    fn name(&mut self, what: &str) -> Parse<&'t str> {
        match self.current().kind {
            TokenKind::Name(name) if is_identifier(name) => {
                self.position += 1;
                Ok(name)
            }
            _ => self.expected(what),
        }
    }
    fn end_of_tag(&mut self) -> Parse<()> {
        if self.current().kind == TokenKind::BlockEnd {
            self.position += 1;
            return Ok(());
        }
        self.expected("the end of the tag")
    }

    /// Statements up to one of the tags in `ends`, whose name is then the current token; up to the end of the text if
    /// there are none.
    fn statements(&mut self, ends: &[&str]) -> Parse<Vec<Stmt>> {
        let mut statements = Vec::new();
        loop {
            match &self.current().kind {
                TokenKind::Data(_) => {
                    let at = self.at();
                    if let TokenKind::Data(data) = self.next().kind {
                        statements.push(Stmt::Text(data.into(), at));
                    }
                }
                TokenKind::VariableBegin => {
                    self.position += 1;
                    statements.push(Stmt::Emit(self.tuple(true)?));
                    if self.current().kind != TokenKind::VariableEnd {
                        return self.expected("the end of the expression");
                    }
                    self.position += 1;
                }
                TokenKind::BlockBegin => {
                    let opened = self.at();
                    self.position += 1;
                    let TokenKind::Name(tag) = self.current().kind else { return self.expected("the name of a tag") };
                    if ends.contains(&tag) {
                        return Ok(statements);
                    }
                    statements.push(self.statement(tag, opened)?);
                }
                TokenKind::End if ends.is_empty() => return Ok(statements),
                TokenKind::End => {
                    let (tag, at) = self.open.last().copied().unwrap_or_default();
                    let wanted = ends.iter().map(|end| format!("{{% {end} %}}")).collect::<Vec<_>>().join(" or ");
                    let message = format!("this {{% {tag} %}} is not ended: {wanted} is missing");
                    return Err(SyntaxError { message, offset: at as usize });
                }
                _ => return self.expected("a tag"),
            }
        }
    }

    /// The body of a block up to one of the end tags, which stays the current token.
    fn body(&mut self, tag: &'t str, opened: u32, ends: &[&str]) -> Parse<Vec<Stmt>> {
        // For Python's sake Jinja allows a colon at the end of an opening tag.
        self.skip(":");
        self.end_of_tag()?;
        if self.open.len() >= BLOCK_DEPTH_MAX {
            return self.fail(format!("more than {BLOCK_DEPTH_MAX} blocks inside each other"));
        }
        self.open.push((tag, opened));
        let body = grown(|| self.statements(ends));
        self.open.pop();
        body
    }

    /// As [`Self::body`], with the end tag read as well.
    fn whole_body(&mut self, tag: &'t str, opened: u32, end: &str) -> Parse<Vec<Stmt>> {
        let body = self.body(tag, opened, &[end])?;
        self.position += 1;
        self.end_of_tag()?;
        Ok(body)
    }

    /// One statement; its tag is the current token and `opened` the offset of `{%`.
    fn statement(&mut self, tag: &'t str, opened: u32) -> Parse<Stmt> {
        let at = self.at();
        self.position += 1;
        let simple = match tag {
            "for" => return self.for_loop(tag, opened, at),
            "if" => return self.condition(tag, opened),
            "with" => return self.with(tag, opened),
            "set" => return self.set(tag, opened),
            "macro" | "test" | "data_test" | "materialization" | "snapshot" => {
                return self.definition(tag, opened, at);
            }
            "call" => return self.call_block(tag, opened),
            "filter" => {
                let filter = self.filters(None, true)?;
                return Ok(Stmt::FilterBlock(filter, self.whole_body(tag, opened, "endfilter")?));
            }
            "autoescape" => {
                self.expression()?;
                return Ok(Stmt::Group(self.whole_body(tag, opened, "endautoescape")?));
            }
            "block" => return self.block(tag, opened),
            "do" => Stmt::Do(self.tuple(true)?),
            "print" => self.print()?,
            "break" | "continue" if self.loops == 0 => {
                let message = format!("{{% {tag} %}} stands in no loop");
                return Err(SyntaxError { message, offset: opened as usize });
            }
            "break" => Stmt::Break,
            "continue" => Stmt::Continue,
            "include" | "import" | "from" | "extends" => {
                let message = format!(
                    "{{% {tag} %}} is not part of dbt: it has nowhere to load templates from; macros of the project and \
                     its packages are there without it"
                );
                return Err(SyntaxError { message, offset: opened as usize });
            }
            _ => return Err(SyntaxError { message: self.unknown_tag(tag), offset: opened as usize }),
        };
        self.end_of_tag()?;
        Ok(simple)
    }

    fn unknown_tag(&self, tag: &str) -> String {
        let Some((open, _)) = self.open.last() else {
            return if tag.starts_with("end") || matches!(tag, "else" | "elif") {
                format!("{{% {tag} %}} ends nothing: no block is open here")
            } else {
                format!("there is no tag {{% {tag} %}}")
            };
        };
        if tag.starts_with("end") || matches!(tag, "else" | "elif") {
            return format!("{{% {tag} %}} stands inside of {{% {open} %}}, which has no end before it");
        }
        format!("there is no tag {{% {tag} %}}")
    }

    fn for_loop(&mut self, tag: &'t str, opened: u32, at: u32) -> Parse<Stmt> {
        let target = self.target(&|parser| parser.is_name("in"))?;
        self.expect_word("in")?;
        let iterable = self.tuple(false)?;
        let condition = if self.skip_name("if") { Some(self.expression()?) } else { None };
        let recursive = self.skip_name("recursive");
        self.loops += 1;
        let body = self.body(tag, opened, &["else", "endfor"]);
        self.loops -= 1;
        let body = body?;
        let otherwise = if self.skip_name("else") { self.body(tag, opened, &["endfor"])? } else { Vec::new() };
        self.position += 1;
        self.end_of_tag()?;
        Ok(Stmt::For(Arc::new(For { at, target, iterable, condition, recursive, body, otherwise })))
    }

    fn condition(&mut self, tag: &'t str, opened: u32) -> Parse<Stmt> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            if branches.len() > EXPRESSION_DEPTH_MAX {
                return self.fail(format!("one if has more than {EXPRESSION_DEPTH_MAX} elifs"));
            }
            let condition = self.tuple(false)?;
            branches.push((condition, self.body(tag, opened, &["elif", "else", "endif"])?));
            if self.skip_name("elif") {
                continue;
            }
            if self.skip_name("else") {
                otherwise = self.body(tag, opened, &["endif"])?;
            }
            break;
        }
        self.position += 1;
        self.end_of_tag()?;
        let mut nested = otherwise;
        while let Some((condition, yes)) = branches.pop() {
            nested = vec![Stmt::If(condition, yes, nested)];
        }
        nested.pop().map_or_else(|| self.fail("an if without a condition"), Ok)
    }

    fn with(&mut self, tag: &'t str, opened: u32) -> Parse<Stmt> {
        let mut assignments = Vec::new();
        while self.current().kind != TokenKind::BlockEnd && !self.is(":") {
            if !assignments.is_empty() {
                self.expect(",")?;
            }
            let target = self.target(&|parser| parser.is("="))?;
            self.expect("=")?;
            assignments.push((target, self.expression()?));
        }
        Ok(Stmt::With(assignments, self.whole_body(tag, opened, "endwith")?))
    }

    fn set(&mut self, tag: &'t str, opened: u32) -> Parse<Stmt> {
        let target = self.target(&|parser| parser.is("="))?;
        if self.skip("=") {
            let value = self.tuple(true)?;
            self.end_of_tag()?;
            return Ok(Stmt::Set(target, value));
        }
        let filter = if self.is("|") { Some(self.filters(None, false)?) } else { None };
        Ok(Stmt::SetBlock(target, filter, self.whole_body(tag, opened, "endset")?))
    }

    fn print(&mut self) -> Parse<Stmt> {
        let mut all = Vec::new();
        while self.current().kind != TokenKind::BlockEnd {
            if !all.is_empty() {
                self.expect(",")?;
            }
            all.push(Stmt::Emit(self.expression()?));
        }
        Ok(Stmt::Group(all))
    }

    fn block(&mut self, tag: &'t str, opened: u32) -> Parse<Stmt> {
        let name = self.name("the name of the block")?;
        while self.skip_name("scoped") || self.skip_name("required") {}
        let body = self.body(tag, opened, &["endblock"])?;
        self.position += 1;
        self.skip_name(name);
        self.end_of_tag()?;
        Ok(Stmt::Group(body))
    }

    /// `macro`, and what dbt adds: `test`, `materialization`, `snapshot`.
    fn definition(&mut self, tag: &'t str, opened: u32, at: u32) -> Parse<Stmt> {
        let name: Name = self.name(&format!("the name of the {tag}"))?.into();
        let parameters = match tag {
            "materialization" => {
                // `default`, `adapter='…'` and `supported_languages=[…]` are read with the block.
                while self.skip(",") {
                    self.name("'default' or 'adapter'")?;
                    if self.skip("=") {
                        self.expression()?;
                    }
                }
                Vec::new()
            }
            "snapshot" => Vec::new(),
            _ => self.signature()?,
        };
        let loops = std::mem::take(&mut self.loops);
        let body = self.whole_body(tag, opened, &format!("end{tag}"));
        self.loops = loops;
        Ok(Stmt::Macro(Arc::new(macro_of(at, name, parameters, body?))))
    }

    fn call_block(&mut self, tag: &'t str, opened: u32) -> Parse<Stmt> {
        let parameters = if self.is("(") { self.signature()? } else { Vec::new() };
        let call = self.expression()?;
        if !matches!(call.kind, ExprKind::Call(..)) {
            let message = "{% call %} needs a call: {% call name(…) %}".to_owned();
            return Err(SyntaxError { message, offset: call.at as usize });
        }
        let loops = std::mem::take(&mut self.loops);
        let body = self.whole_body(tag, opened, "endcall");
        self.loops = loops;
        let caller = macro_of(call.at, "caller".into(), parameters, body?);
        Ok(Stmt::CallBlock(call, Arc::new(caller)))
    }

    /// What can be assigned to: names and `ns.x`, one or several.
    fn target(&mut self, ends: &dyn Fn(&Self) -> bool) -> Parse<Target> {
        let mut all = Vec::new();
        let mut several = false;
        loop {
            if !all.is_empty() && (ends(self) || self.current().kind == TokenKind::BlockEnd) {
                break;
            }
            all.push(self.one_target()?);
            if !self.skip(",") {
                break;
            }
            several = true;
        }
        match all.pop() {
            Some(only) if !several => Ok(only),
            Some(last) => {
                all.push(last);
                Ok(Target::Unpack(all))
            }
            None => self.expected("a name"),
        }
    }

    fn one_target(&mut self) -> Parse<Target> {
        if self.skip("(") {
            let inner = grown(|| self.target(&|parser| parser.is(")")))?;
            self.expect(")")?;
            return Ok(inner);
        }
        let at = self.at();
        let name = self.name("a name to assign to")?;
        if matches!(name, "true" | "false" | "none" | "True" | "False" | "None" | "self") {
            return Err(SyntaxError { message: format!("cannot assign to '{name}'"), offset: at as usize });
        }
        if !self.skip(".") {
            return Ok(Target::Name(name.into()));
        }
        let attribute = self.name("the name of an attribute")?;
        Ok(Target::Attribute(Expr::new(at, ExprKind::Name(name.into())), attribute.into()))
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn macro_of(at: u32, name: Name, parameters: Vec<(Name, Option<Expr>)>, body: Vec<Stmt>) -> Macro {
    let mut takes = Takes::default();
    let mut see = |expr: &Expr| {
        if let ExprKind::Name(name) = &expr.kind {
            match &**name {
                "varargs" => takes.varargs = true,
                "kwargs" => takes.kwargs = true,
                "caller" => takes.caller = true,
                _ => {}
            }
        }
    };
    visit(&body, &mut see);
    Macro { at, name, parameters, body, takes }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::limits::TAG_BYTES_MAX;

    #[test]
    fn a_macro_knows_which_hidden_parameters_it_uses() {
        let tree = parse("{% macro m(a, b=1) %}{{ varargs }}{{ f(caller()) }}{% endmacro %}").unwrap();
        let Some(Stmt::Macro(inner)) = tree.first() else { panic!("a macro") };
        assert_eq!(inner.takes, Takes { varargs: true, kwargs: false, caller: true });
        assert!(inner.parameters[0].1.is_none() && inner.parameters[1].1.is_some());
    }

    #[test]
    fn syntax_errors_tell_their_offset() {
        for (text, offset, word) in [
            ("ok {{ 1 +* }}", 9, "found '*'"),
            ("{% include 'x' %}", 0, "not part of dbt"),
            ("a {% if x %}b", 2, "{% if %} is not ended"),
            ("{% for x in y %}{% endif %}", 16, "inside of {% for %}"),
            ("{% endif %}", 0, "ends nothing"),
            ("{% do %}", 6, "expected an expression"),
            ("{% call 1 + f() %}{% endcall %}", 8, "needs a call"),
            ("{% break %}", 0, "in no loop"),
            ("{% frob x %}", 0, "no tag {% frob %}"),
            ("{{ f(a=1, 2) }}", 10, "after named ones"),
            ("{% set none = 1 %}", 7, "cannot assign"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.offset, offset, "{text}: {error:?}");
            assert!(error.message.contains(word), "{text}: {error:?}");
        }
    }

    #[test]
    fn a_text_at_the_limit_is_read_and_one_byte_more_is_not() {
        let text = "x".repeat(TEMPLATE_BYTES_MAX);
        assert!(parse(&text).is_ok());
        assert!(parse(&(text + "x")).is_err());
    }

    #[test]
    fn a_tag_at_the_limit_is_read_and_one_byte_more_is_not() {
        let tag = |length: usize| format!("{{{{'{}'}}}}", "x".repeat(length - 6));
        assert!(parse(&tag(TAG_BYTES_MAX)).is_ok());
        assert!(parse(&tag(TAG_BYTES_MAX + 1)).unwrap_err().message.contains("longer than"));
    }

    #[test]
    fn blocks_and_operations_nest_up_to_their_limits() {
        let blocks = |depth: usize| format!("{}{}", "{% if x %}".repeat(depth), "{% endif %}".repeat(depth));
        assert!(parse(&blocks(BLOCK_DEPTH_MAX)).is_ok());
        assert!(parse(&blocks(BLOCK_DEPTH_MAX + 1)).is_err());
        let sum = |depth: usize| format!("{{{{ 1{} }}}}", " + 1".repeat(depth));
        assert!(parse(&sum(EXPRESSION_DEPTH_MAX - 1)).is_ok());
        assert!(parse(&sum(EXPRESSION_DEPTH_MAX)).unwrap_err().message.contains("operations deep"));
        let parentheses = |depth: usize| format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&parentheses(EXPRESSION_DEPTH_MAX - 1)).is_ok());
        assert!(parse(&parentheses(EXPRESSION_DEPTH_MAX + 1)).is_err());
        let elifs = |count: usize| format!("{{% if x %}}{}{{% endif %}}", "{% elif y %}".repeat(count));
        assert!(parse(&elifs(EXPRESSION_DEPTH_MAX)).is_ok());
        assert!(parse(&elifs(EXPRESSION_DEPTH_MAX + 1)).is_err());
    }
}
