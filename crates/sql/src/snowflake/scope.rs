//! What names mean in one `select`.

use sqlparser::ast::{Cte, Expr};

use super::query::Columns;
use super::windows::Windows;

/// One relation of a `from`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// Its alias or its own name; a made-up one for subqueries without an alias.
    pub name: Option<String>,
    /// Its columns; none when they are not known.
    pub columns: Columns,
    /// Columns of ours among those of the relation, which `*` must not show. Not in `columns`.
    pub hidden: Vec<String>,
    /// Columns that `using` joined with those of a relation to the left: `*` shows them once.
    pub merged: Vec<String>,
}

impl Source {
    pub fn new(name: &str, columns: Columns) -> Self {
        Self { name: Some(name.to_owned()), columns, ..Self::default() }
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns.as_ref().is_some_and(|columns| columns.iter().any(|own| own == column))
    }

    /// Whether two columns were written with this name, see `select`.
    pub fn has_twice(&self, column: &str) -> bool {
        self.has(column) && self.has(&format!("{column}:1"))
    }
}

/// A common table expression in sight.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub name: String,
    pub columns: Columns,
    /// Itself, rewritten; none while it is being rewritten.
    pub cte: Option<Cte>,
    pub is_recursive: bool,
}

/// An alias of the select list.
#[derive(Debug, Clone)]
pub(crate) struct Alias {
    pub name: String,
    /// What it stands for, rewritten.
    pub expr: Expr,
    /// Whether each use would give another value.
    pub is_volatile: bool,
    /// Nodes in it.
    pub size: usize,
}

/// The relations and the aliases in sight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub sources: Vec<Source>,
    pub aliases: Vec<Alias>,
    /// Columns that outer joins made of one on each side, and how.
    pub joined: Vec<(String, Expr)>,
    /// What `seq4()` is, if a generator makes the rows.
    pub sequence: Option<Expr>,
    /// What the `window` clause defines.
    pub windows: Windows,
}

impl Scope {
    /// Whether a relation has this column.
    pub fn is_column(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.has(name))
    }

    /// What a bare name means that an outer join by name made one of two columns.
    pub fn joined(&self, name: &str) -> Option<&Expr> {
        self.joined.iter().find(|(own, _)| own == name).map(|(_, expr)| expr)
    }

    /// The alias of this name, the last one if there are several.
    pub fn alias(&self, name: &str) -> Option<&Alias> {
        self.aliases.iter().rev().find(|alias| alias.name == name)
    }

    /// The column at a position from 1, over all relations; none when columns are not known up to there.
    pub fn column_at(&self, position: usize) -> Option<(Option<&str>, &str)> {
        let mut left = position.checked_sub(1)?;
        for source in &self.sources {
            let columns = source.columns.as_ref()?;
            match columns.get(left) {
                Some(column) => return Some((source.name.as_deref(), column)),
                None => left -= columns.len(),
            }
        }
        None
    }
}
