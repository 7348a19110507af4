//! The parameters of a macro: names with defaults, and dbt's types behind a colon (`columns: list[string] = []`),
//! which say nothing to us (<https://docs.getdbt.com/reference/resource-properties/arguments>).

use super::{Parse, Parser};
use crate::syntax::ast::{Expr, Name};

impl Parser<'_> {
    /// `(a, b: string = 1)`
    pub(super) fn signature(&mut self) -> Parse<Vec<(Name, Option<Expr>)>> {
        self.expect("(")?;
        let mut parameters: Vec<(Name, Option<Expr>)> = Vec::new();
        while !self.is(")") {
            if !parameters.is_empty() {
                self.expect(",")?;
                if self.is(")") {
                    break;
                }
            }
            let name: Name = self.name("the name of a parameter")?.into();
            if self.skip(":") {
                self.type_name()?;
            }
            let default = if self.skip("=") { Some(self.expression()?) } else { None };
            if default.is_none() && parameters.last().is_some_and(|(_, default)| default.is_some()) {
                return self.fail(format!("parameter '{name}' without a default stands after one that has a default"));
            }
            parameters.push((name, default));
        }
        self.expect(")")?;
        Ok(parameters)
    }

    /// `string`, `list[int]`, `dict[string, list[any]]`
    fn type_name(&mut self) -> Parse<()> {
        self.name("the name of a type")?;
        if self.skip("[") {
            self.type_name()?;
            while self.skip(",") {
                self.type_name()?;
            }
            self.expect("]")?;
        }
        Ok(())
    }
}
