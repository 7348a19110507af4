//! What all parts of one load share.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream_core::{Diagnostic, Diagnostics, Error, Place, Result};
use millstream_jinja::{Environment, MacroInfo, Relation, Resolver};

use crate::Target;
use crate::config::render;
use crate::limits::DIAGNOSTICS_MAX;
use crate::manifest::Naming;
use crate::package::Package;

/// What all parts of one load share: packages, macros, the target, and the list of problems.
pub(crate) struct Loading {
    /// The root project first, then its packages by name.
    pub packages: Vec<Package>,
    /// Where the project is built.
    pub target: Target,
    /// Macros, variables, docs.
    pub environment: Environment,
    /// Unique ids of all `{% docs %}` blocks.
    pub docs: BTreeSet<String>,
    /// Macros by unique id.
    pub macros: BTreeMap<String, MacroInfo>,
    /// Which of `schema`, `alias` and `database` a macro of the project or of a package decides.
    pub own_name_macros: BTreeSet<&'static str>,
    diagnostics: RefCell<Diagnostics>,
    reported: RefCell<usize>,
}

impl Loading {
    pub(crate) fn new(
        packages: Vec<Package>,
        target: Target,
        environment: Environment,
        docs: BTreeSet<String>,
        diagnostics: Diagnostics,
    ) -> Self {
        let macros: BTreeMap<String, MacroInfo> =
            environment.macros().into_iter().map(|found| (found.unique_id.clone(), found)).collect();
        let decides = |component: &&'static str| {
            let name = format!("generate_{component}_name");
            // Also what `adapter.dispatch` could find.
            macros.values().any(|found| found.package != "dbt" && found.name.ends_with(&name))
        };
        let own_name_macros = ["schema", "alias", "database"].into_iter().filter(decides).collect();
        Self {
            packages,
            target,
            environment,
            docs,
            macros,
            own_name_macros,
            diagnostics: RefCell::new(diagnostics),
            reported: RefCell::new(0),
        }
    }

    /// The root project.
    pub(crate) fn root(&self) -> &Package {
        &self.packages[0]
    }

    /// How the target writes names of relations.
    pub(crate) fn naming(&self) -> Naming {
        Naming::of(&self.target.kind, &self.root().file.quoting)
    }

    /// Adds a problem.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        *self.reported.borrow_mut() += 1;
        if *self.reported.borrow() <= DIAGNOSTICS_MAX {
            self.diagnostics.borrow_mut().push(diagnostic);
        }
    }

    /// Adds a problem told by another crate's error.
    pub(crate) fn report_error(&self, code: &'static str, error: &Error, place: Place) {
        self.report(render::diagnostic(code, error, place));
    }

    /// Adds all problems that `work` finds.
    pub(crate) fn collecting<T>(&self, work: impl FnOnce(&mut Diagnostics) -> T) -> T {
        let mut found = Diagnostics::new();
        let result = work(&mut found);
        for diagnostic in found {
            self.report(diagnostic);
        }
        result
    }

    /// All problems; when there were too many, how many more.
    pub(crate) fn into_parts(self) -> (Vec<Package>, Target, Environment, Diagnostics) {
        let mut diagnostics = self.diagnostics.into_inner();
        let reported = self.reported.into_inner();
        if reported > DIAGNOSTICS_MAX {
            diagnostics.push(Diagnostic::warning(
                "too-many",
                format!("{} more problems are not shown", reported - DIAGNOSTICS_MAX),
            ));
        }
        (self.packages, self.target, self.environment, diagnostics)
    }
}

/// Refuses every name: for macros that must not read relations (`generate_schema_name` and the like).
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoResolver;

impl NoResolver {
    pub(crate) fn shared() -> Arc<dyn Resolver> {
        Arc::new(Self)
    }
}

impl Resolver for NoResolver {
    fn resolve_ref(&self, _package: Option<&str>, name: &str, _version: Option<&str>) -> Result<Relation> {
        Err(Error::user(format!("ref('{name}') cannot be used here")))
    }
    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation> {
        Err(Error::user(format!("source('{source}', '{table}') cannot be used here")))
    }
}
