//! A loaded project.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use millstream_core::{Diagnostics, Result};
use millstream_jinja::{Environment, Response, TextMap};
use serde_json::{Map, Value};

use crate::compile::{self, CompileOptions, CompiledNode, GivenRows, Materialization};
use crate::config::ProjectFile;
use crate::manifest::{Hook, Manifest, Metadata, Naming, Node, UnitTest};
use crate::package::Package;
use crate::resolve::Lookup;
use crate::select::{self, Selected, Selection, selectors_file::Selector};
use crate::{LoadOptions, Target};

/// What `dbt_project.yml` says of the project as a whole.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ProjectConfig {
    /// Name of the project.
    pub name: String,
    /// Its own version.
    pub version: Option<String>,
    /// Where artifacts go, relative to the project folder.
    pub target_path: String,
    /// Folders that `clean` removes, relative to the project folder.
    pub clean_targets: Vec<String>,
    /// Where packages are installed, relative to the project folder.
    pub packages_install_path: String,
    /// Folders of seeds, relative to the project folder.
    pub seed_paths: Vec<String>,
    /// Folders of models, relative to the project folder.
    pub model_paths: Vec<String>,
    /// `flags:` as written.
    pub flags: Map<String, Value>,
    /// `vars:` as written.
    pub vars: Map<String, Value>,
    /// `quoting:` as written.
    pub quoting: Map<String, Value>,
    /// `query-comment:` as written.
    pub query_comment: Option<Value>,
    /// Packages in use, by name, with their folder relative to the project folder.
    pub packages: BTreeMap<String, String>,
}

impl ProjectConfig {
    pub(crate) fn new(file: &ProjectFile, packages: &[Package]) -> Self {
        Self {
            name: file.name.clone(),
            version: file.version.clone(),
            target_path: file.target_path.clone(),
            clean_targets: file.clean_targets.clone(),
            packages_install_path: file.packages_install_path.clone(),
            seed_paths: file.seed_paths.clone(),
            model_paths: file.model_paths.clone(),
            flags: file.flags.clone(),
            vars: file.vars.clone(),
            quoting: file.quoting.clone(),
            query_comment: file.query_comment.clone(),
            packages: packages[1..].iter().map(|package| (package.name.clone(), package.prefix.clone())).collect(),
        }
    }
}

/// A project that has been read and checked. See [`crate::load`]. Cheap to clone, safe to share between threads.
#[derive(Clone)]
pub struct Project {
    /// The project folder, absolute.
    pub dir: PathBuf,
    /// What `dbt_project.yml` says of the project as a whole.
    pub config: ProjectConfig,
    /// Where it is built.
    pub target: Target,
    /// Everything it declares.
    pub manifest: Arc<Manifest>,
    /// Warnings of the reading, by place.
    pub warnings: Diagnostics,
    /// The options it was loaded with.
    pub options: LoadOptions,
    /// All graph elements, parents before children, otherwise sorted.
    pub order: Vec<String>,
    pub(crate) selectors: BTreeMap<String, Selector>,
    pub(crate) environment: Environment,
    pub(crate) lookup: Arc<Lookup>,
}

impl Project {
    /// The elements that a selection names, parents before children.
    ///
    /// Errors (usage): a selector that cannot be read, an unknown method, an unknown name of a selector.
    /// A criterion that matches nothing is a warning in the result, as with dbt.
    pub fn select(&self, selection: &Selection) -> Result<Selected> {
        select::select(self, selection)
    }

    /// How the target writes names of relations.
    pub fn naming(&self) -> Naming {
        Naming::of(&self.target.kind, &self.config.quoting)
    }

    /// Renders a node's text, with ephemeral models inlined.
    ///
    /// `ref` and `source` render to `"schema"."identifier"`, both parts always quoted, because names are kept as they
    /// are given and only quoted names keep their case in SQL; a database is not written. For a Snowflake target they
    /// render to `database.schema.identifier`, see [`Naming`]. Ephemeral models render to
    /// `__dbt__cte__<name>`. Not for seeds, whose rows are in [`crate::Node::file`].
    ///
    /// Errors: an unknown id (usage); whatever the template does wrong (user), with file and line.
    pub fn compile(&self, unique_id: &str, options: &CompileOptions) -> Result<CompiledNode> {
        compile::compile(self, unique_id, options)
    }

    /// As [`Project::compile`], with where each part of the SQL comes from. Generic tests have no text of their own, so
    /// theirs comes from nowhere.
    pub fn compile_mapped(&self, unique_id: &str, options: &CompileOptions) -> Result<(CompiledNode, TextMap)> {
        compile::compile_mapped(self, unique_id, options)
    }

    /// Renders the model of a unit test with given rows in place of what it reads.
    ///
    /// Errors: as [`Project::compile`]; a model, seed or source that is read and not given (user).
    pub fn compile_unit_test(
        &self,
        test: &UnitTest,
        given: &[GivenRows],
        options: &CompileOptions,
    ) -> Result<CompiledNode> {
        compile::compile_unit_test(self, test, given, options)
    }

    /// Renders one of a node's hooks (`config.pre_hook`, `config.post_hook`); empty when it renders to nothing. To be
    /// called when the hook runs, since it may ask the warehouse what the node or an earlier hook did.
    ///
    /// Errors: as [`Project::compile`].
    pub fn compile_hook(&self, unique_id: &str, hook: &Hook, options: &CompileOptions) -> Result<String> {
        compile::compile_hook(self, unique_id, hook, options)
    }

    /// The materialization written in Jinja that builds a model; `None` when the runner builds it itself.
    pub fn materialization(&self, node: &Node) -> Option<Materialization> {
        compile::choose_materialization(self, node)
    }

    /// Runs a materialization written in Jinja for a model whose SQL is rendered. Its statements change the warehouse
    /// as they come. Gives what the statement named `main` did.
    ///
    /// Errors: as [`Project::compile`], and those of its statements.
    pub fn run_materialization(
        &self,
        unique_id: &str,
        materialization: &Materialization,
        sql: &str,
        options: &CompileOptions,
    ) -> Result<Option<Response>> {
        compile::run_materialization(self, unique_id, materialization, sql, options)
    }

    /// Renders a text that is no node, with the root project's names in sight: `query --inline`, `show`.
    pub fn compile_inline(&self, sql: &str, options: &CompileOptions) -> Result<CompiledNode> {
        compile::compile_inline(self, sql, options)
    }

    /// Calls a macro by name with arguments by name (`run-operation`). Gives what it returned.
    pub fn run_macro(&self, name: &str, arguments: &Map<String, Value>, options: &CompileOptions) -> Result<Value> {
        compile::run_macro(self, name, arguments, options)
    }

    /// Writes `target/manifest.json` in dbt's schema v12, with the instant and id of the invocation that loaded the
    /// project.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_manifest(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        self.manifest.write_json(&self.metadata(), &std::collections::BTreeMap::new(), out)
    }

    /// The manifest's metadata.
    pub fn metadata(&self) -> Metadata {
        let at = self.options.now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let custom = |(key, value): (&String, &String)| {
            Some((key.strip_prefix("DBT_ENV_CUSTOM_ENV_")?.to_owned(), value.clone()))
        };
        Metadata {
            generated_at: at.clone(),
            invocation_started_at: at,
            invocation_id: self.options.invocation_id.clone(),
            project_name: self.config.name.clone(),
            adapter_type: self.target.kind.clone(),
            env: self.options.env.iter().filter_map(custom).collect(),
        }
    }

    /// Gives templates the `graph` variable, if any text asks for it: it is large, and few do.
    pub(crate) fn with_graph(&mut self) {
        let manifest = &self.manifest;
        let texts = manifest.nodes.values().map(|node| &node.raw_code);
        let own = manifest.macros.values().filter(|found| found.package_name != "dbt").map(|found| &found.macro_sql);
        if texts.chain(own).any(|text| text.contains("graph.") || text.contains("graph[")) {
            let graph = manifest.graph_json(&self.metadata());
            self.environment = self.environment.with_graph(graph);
        }
    }
}
