//! What all parts of one load share.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use millstream_core::{Diagnostic, Diagnostics, Error, Place, Result};
use millstream_jinja::{Environment, MacroInfo, Relation, Resolver};

use crate::cache::inputs;
use crate::config::{Configs, render};
use crate::limits::DIAGNOSTICS_MAX;
use crate::manifest::Naming;
use crate::package::Package;
use crate::{Target, workers};

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
    /// Configurations, each made once.
    pub configs: Configs,
    problems: Mutex<Problems>,
}

/// Reported problems: the first [`DIAGNOSTICS_MAX`] of them, and how many there were.
#[derive(Default)]
struct Problems {
    shown: Vec<Diagnostic>,
    count: usize,
}

impl Problems {
    fn add(&mut self, problem: Diagnostic) {
        self.count += 1;
        if self.count <= DIAGNOSTICS_MAX {
            self.shown.push(problem);
        }
    }

    fn add_all(&mut self, others: Problems) {
        let hidden = others.count - others.shown.len();
        others.shown.into_iter().for_each(|problem| self.add(problem));
        self.count += hidden;
    }
}

thread_local! {
    /// What is reported in one batch of work that several threads share, see [`Loading::each`].
    static HELD: RefCell<Option<Problems>> = const { RefCell::new(None) };
}

/// Things that one thread works on at a time: few enough that the cores end together.
const BATCH_THINGS: usize = 16;

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
            configs: Configs::default(),
            problems: Mutex::new(Problems { count: 0, shown: diagnostics.into_iter().collect() }),
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
        let unheld = HELD.with_borrow_mut(|held| match held {
            Some(held) => {
                held.add(diagnostic);
                None
            }
            None => Some(diagnostic),
        });
        if let Some(diagnostic) = unheld {
            self.problems.lock().unwrap_or_else(PoisonError::into_inner).add(diagnostic);
        }
    }

    /// Does the work for each thing, on every core. Results, problems and what is noted of the file system are those of
    /// doing it one after the other.
    pub(crate) fn each<T: Sync, R: Send>(&self, things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let recorded = inputs::is_recorded();
        let batch = |things: &[T]| {
            let around = HELD.replace(Some(Problems::default()));
            let all = || things.iter().map(&work).collect::<Vec<R>>();
            let (results, read) = if recorded { inputs::recorded(all) } else { (all(), inputs::Inputs::default()) };
            let held = HELD.replace(around).unwrap_or_default();
            (results, held, read)
        };
        let mut results = Vec::with_capacity(things.len());
        for (some, held, read) in workers::in_batches(things, BATCH_THINGS, batch) {
            results.extend(some);
            self.problems.lock().unwrap_or_else(PoisonError::into_inner).add_all(held);
            inputs::note_all(read);
        }
        results
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
        let problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut diagnostics = Diagnostics::new();
        problems.shown.into_iter().for_each(|problem| diagnostics.push(problem));
        if problems.count > DIAGNOSTICS_MAX {
            diagnostics.push(Diagnostic::warning(
                "too-many",
                format!("{} more problems are not shown", problems.count - DIAGNOSTICS_MAX),
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
