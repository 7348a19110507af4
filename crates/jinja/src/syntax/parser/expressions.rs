//! Expressions, from the loosest binding operator to the tightest: `if … else`, `or`, `and`, `not`, comparisons,
//! `+ -`, `~`, `* / // %`, `**`, `- +`, and what follows a value: `.x`, `[x]`, `(x)`, `|x`, `is x`.

use super::{Parse, Parser, SyntaxError, grown};
use crate::limits::EXPRESSION_DEPTH_MAX;
use crate::syntax::ast::{Arg, Comparison, Expr, ExprKind};
use crate::syntax::token::TokenKind;
use crate::value::{Value, none};

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

impl Parser<'_> {
    fn made(&self, at: u32, kind: ExprKind) -> Parse<Expr> {
        let expr = Expr::new(at, kind);
        if expr.depth as usize > EXPRESSION_DEPTH_MAX {
            let message = format!("this expression is more than {EXPRESSION_DEPTH_MAX} operations deep");
            return Err(SyntaxError { message, offset: at as usize });
        }
        Ok(expr)
    }

    /// One expression, or several with commas between: a tuple. Where a condition follows (`for … if`), `if … else` is
    /// not part of it.
    pub(super) fn tuple(&mut self, with_if: bool) -> Parse<Expr> {
        let at = self.at();
        let mut items = Vec::new();
        let mut several = false;
        loop {
            if !items.is_empty() && self.ends_tuple() {
                break;
            }
            items.push(if with_if { self.expression()? } else { self.or()? });
            if !self.skip(",") {
                break;
            }
            several = true;
        }
        match items.pop() {
            Some(only) if !several => Ok(only),
            Some(last) => {
                items.push(last);
                self.made(at, ExprKind::Tuple(items))
            }
            None => self.expected("an expression"),
        }
    }

    fn ends_tuple(&self) -> bool {
        matches!(self.current().kind, TokenKind::VariableEnd | TokenKind::BlockEnd)
            || self.is(")")
            || self.is_name("recursive")
    }

    pub(super) fn expression(&mut self) -> Parse<Expr> {
        self.deeper(Self::inline_if)
    }

    /// Reads something that may hold expressions itself, within the limit of depth.
    fn deeper(&mut self, read: fn(&mut Self) -> Parse<Expr>) -> Parse<Expr> {
        if self.expression_depth >= EXPRESSION_DEPTH_MAX {
            return self.fail(format!("this expression is more than {EXPRESSION_DEPTH_MAX} operations deep"));
        }
        self.expression_depth += 1;
        let found = grown(|| read(self));
        self.expression_depth -= 1;
        found
    }

    fn inline_if(&mut self) -> Parse<Expr> {
        let mut expr = self.or()?;
        while self.skip_name("if") {
            let condition = self.or()?;
            let otherwise = if self.skip_name("else") { Some(boxed(self.expression()?)) } else { None };
            expr = self.made(expr.at, ExprKind::If(boxed(condition), boxed(expr), otherwise))?;
        }
        Ok(expr)
    }

    fn or(&mut self) -> Parse<Expr> {
        let mut left = self.and()?;
        while self.skip_name("or") {
            let right = self.and()?;
            left = self.made(left.at, ExprKind::Or(boxed(left), boxed(right)))?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Parse<Expr> {
        let mut left = self.not()?;
        while self.skip_name("and") {
            let right = self.not()?;
            left = self.made(left.at, ExprKind::And(boxed(left), boxed(right)))?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Parse<Expr> {
        let at = self.at();
        if self.skip_name("not") {
            let inner = self.deeper(Self::not)?;
            return self.made(at, ExprKind::Not(boxed(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parse<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison_operator() {
            rest.push((comparison, self.sum()?));
        }
        if rest.is_empty() { Ok(first) } else { self.made(first.at, ExprKind::Compare(boxed(first), rest)) }
    }

    fn comparison_operator(&mut self) -> Option<Comparison> {
        const OPERATORS: &[(&str, Comparison)] = &[
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            ("<", Comparison::Less),
            (">=", Comparison::GreaterOrEqual),
            (">", Comparison::Greater),
        ];
        if let Some((_, comparison)) = OPERATORS.iter().find(|(operator, _)| self.is(operator)) {
            self.position += 1;
            return Some(*comparison);
        }
        if self.skip_name("in") {
            return Some(Comparison::In);
        }
        if self.is_name("not") && self.ahead().is_name("in") {
            self.position += 2;
            return Some(Comparison::NotIn);
        }
        None
    }

    fn chain(&mut self, operators: &[&'static str], below: fn(&mut Self) -> Parse<Expr>) -> Parse<Expr> {
        let mut left = below(self)?;
        while let Some(operator) = operators.iter().find(|operator| self.is(operator)) {
            self.position += 1;
            let right = below(self)?;
            let at = left.at;
            let kind = if *operator == "~" {
                ExprKind::Join(boxed(left), boxed(right))
            } else {
                ExprKind::Arithmetic(operator, boxed(left), boxed(right))
            };
            left = self.made(at, kind)?;
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parse<Expr> {
        self.chain(&["+", "-"], Self::joined)
    }
    fn joined(&mut self) -> Parse<Expr> {
        self.chain(&["~"], Self::product)
    }
    fn product(&mut self) -> Parse<Expr> {
        self.chain(&["*", "/", "//", "%"], Self::power)
    }
    fn power(&mut self) -> Parse<Expr> {
        self.chain(&["**"], Self::filtered)
    }

    /// A signed value with its filters and tests: they apply to the signed value, as in Jinja.
    fn filtered(&mut self) -> Parse<Expr> {
        let mut expr = self.signed()?;
        loop {
            if self.is("|") {
                expr = self.filters(Some(expr), false)?;
            } else if self.is_name("is") {
                expr = self.test(expr)?;
            } else if self.is("(") {
                expr = self.call(expr)?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn signed(&mut self) -> Parse<Expr> {
        let at = self.at();
        if self.skip("-") {
            let inner = self.deeper(Self::signed)?;
            return self.made(at, ExprKind::Negate(boxed(inner)));
        }
        if self.skip("+") {
            let inner = self.deeper(Self::signed)?;
            let zero = self.made(at, ExprKind::Const(Value::from(0)))?;
            return self.made(at, ExprKind::Arithmetic("+", boxed(zero), boxed(inner)));
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    fn primary(&mut self) -> Parse<Expr> {
        let at = self.at();
        let kind = match self.current().kind.clone() {
            TokenKind::Name(name) if super::is_identifier(name) => ExprKind::Const(match name {
                "true" | "True" => Value::from(true),
                "false" | "False" => Value::from(false),
                "none" | "None" => none(),
                _ => {
                    self.position += 1;
                    return self.made(at, ExprKind::Name(name.into()));
                }
            }),
            TokenKind::Text(mut text) => {
                // Texts beside each other are one, as in Python.
                while let TokenKind::Text(more) = self.ahead() {
                    text.push_str(more);
                    self.position += 1;
                }
                ExprKind::Const(Value::from(text))
            }
            TokenKind::Integer(number) => ExprKind::Const(number),
            TokenKind::Float(number) => ExprKind::Const(Value::from(number)),
            TokenKind::Operator("(") => {
                self.position += 1;
                return self.parenthesis(at);
            }
            TokenKind::Operator("[") => {
                self.position += 1;
                let items = self.list("]", Self::expression)?;
                return self.made(at, ExprKind::List(items));
            }
            TokenKind::Operator("{") => {
                self.position += 1;
                return self.dict(at);
            }
            _ => return self.expected("an expression"),
        };
        self.position += 1;
        self.made(at, kind)
    }

    fn parenthesis(&mut self, at: u32) -> Parse<Expr> {
        if self.skip(")") {
            return self.made(at, ExprKind::Tuple(Vec::new()));
        }
        let inner = self.tuple(true)?;
        self.expect(")")?;
        Ok(inner)
    }

    /// Elements with commas between, up to the closing bracket; a comma may stand behind the last one.
    fn list<T>(&mut self, close: &str, element: fn(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = Vec::new();
        while !self.is(close) {
            if !items.is_empty() {
                self.expect(",")?;
                if self.is(close) {
                    break;
                }
            }
            items.push(element(self)?);
        }
        self.expect(close)?;
        Ok(items)
    }

    fn dict(&mut self, at: u32) -> Parse<Expr> {
        let pairs = self.list("}", |parser| {
            let key = parser.expression()?;
            parser.expect(":")?;
            Ok((key, parser.expression()?))
        })?;
        self.made(at, ExprKind::Dict(pairs))
    }

    fn postfix(&mut self, mut expr: Expr) -> Parse<Expr> {
        loop {
            let at = expr.at;
            if self.skip(".") {
                expr = match self.current().kind.clone() {
                    TokenKind::Name(name) => self.made(at, ExprKind::Attribute(boxed(expr), name.into()))?,
                    TokenKind::Integer(index) => {
                        let index = self.made(self.at(), ExprKind::Const(index))?;
                        self.made(at, ExprKind::Item(boxed(expr), boxed(index)))?
                    }
                    _ => return self.expected("a name or a number behind the dot"),
                };
                self.position += 1;
            } else if self.skip("[") {
                expr = self.subscript(expr)?;
            } else if self.is("(") {
                expr = self.call(expr)?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn subscript(&mut self, owner: Expr) -> Parse<Expr> {
        let (at, inner) = (owner.at, self.at());
        let mut bounds = [None, None, None];
        if !self.is(":") {
            let first = self.expression()?;
            if !self.is(":") {
                if !self.is(",") {
                    self.expect("]")?;
                    return self.made(at, ExprKind::Item(boxed(owner), boxed(first)));
                }
                let mut all = vec![first];
                while self.skip(",") {
                    if self.is("]") {
                        break;
                    }
                    all.push(self.expression()?);
                }
                self.expect("]")?;
                let key = self.made(inner, ExprKind::Tuple(all))?;
                return self.made(at, ExprKind::Item(boxed(owner), boxed(key)));
            }
            bounds[0] = Some(boxed(first));
        }
        for bound in &mut bounds[1..] {
            if self.skip(":") && !self.is(":") && !self.is("]") {
                *bound = Some(boxed(self.expression()?));
            }
        }
        self.expect("]")?;
        self.made(at, ExprKind::Slice(boxed(owner), bounds))
    }

    fn call(&mut self, callee: Expr) -> Parse<Expr> {
        let at = callee.at;
        let args = self.arguments()?;
        self.made(at, ExprKind::Call(boxed(callee), args))
    }

    fn arguments(&mut self) -> Parse<Vec<Arg>> {
        self.expect("(")?;
        let mut named = false;
        let mut args = Vec::new();
        while !self.is(")") {
            if !args.is_empty() {
                self.expect(",")?;
                if self.is(")") {
                    break;
                }
            }
            if self.skip("**") {
                named = true;
                args.push(Arg::SpreadNamed(self.expression()?));
            } else if self.skip("*") {
                args.push(Arg::Spread(self.expression()?));
            } else if let (TokenKind::Name(name), true) = (self.current().kind.clone(), self.ahead().is("=")) {
                self.position += 2;
                named = true;
                args.push(Arg::Named(name.into(), self.expression()?));
            } else if named {
                return self.fail("an argument without a name stands after named ones");
            } else {
                args.push(Arg::Positional(self.expression()?));
            }
        }
        self.expect(")")?;
        Ok(args)
    }

    fn dotted_name(&mut self, what: &str) -> Parse<String> {
        let mut name = self.name(what)?.to_owned();
        while self.skip(".") {
            name.push('.');
            name.push_str(self.name(what)?);
        }
        Ok(name)
    }

    /// `|a|b(c)`; with `inline` the first bar is left out (`{% filter a|b %}`).
    pub(super) fn filters(&mut self, input: Option<Expr>, inline: bool) -> Parse<Expr> {
        let mut inline = inline;
        let mut expr = input;
        while inline || self.skip("|") {
            inline = false;
            let at = self.at();
            let name = self.dotted_name("the name of a filter")?;
            let args = if self.is("(") { self.arguments()? } else { Vec::new() };
            expr = Some(self.made(at, ExprKind::Filter(expr.map(boxed), name.as_str().into(), args))?);
        }
        expr.map_or_else(|| self.expected("the name of a filter"), Ok)
    }

    fn test(&mut self, input: Expr) -> Parse<Expr> {
        let start = input.at;
        self.expect_word("is")?;
        let negated = self.skip_name("not");
        let at = self.at();
        let name = self.dotted_name("the name of a test")?;
        let args = if self.is("(") {
            self.arguments()?
        } else if self.starts_argument() {
            if self.is_name("is") {
                return self.fail("tests cannot be chained with 'is': write 'and' between them");
            }
            let primary = self.primary()?;
            vec![Arg::Positional(self.postfix(primary)?)]
        } else {
            Vec::new()
        };
        let test = self.made(at, ExprKind::Test(boxed(input), name.as_str().into(), args))?;
        if negated { self.made(start, ExprKind::Not(boxed(test))) } else { Ok(test) }
    }

    /// Whether a test without parentheses goes on with its argument (`is divisibleby 3`).
    fn starts_argument(&self) -> bool {
        match &self.current().kind {
            TokenKind::Name(name) => !matches!(*name, "else" | "or" | "and" | "if" | "not" | "in" | "recursive"),
            TokenKind::Text(_) | TokenKind::Integer(_) | TokenKind::Float(_) => true,
            kind => ["(", "[", "{"].iter().any(|open| kind.is(open)),
        }
    }
}
