//! Runs the Markdown files under `cases/`.
//!
//! A heading `## …` starts a case. A fenced block whose info string ends in a path is a file of the project. Other
//! blocks are expectations:
//! - `errors`: what loading fails with; `warnings`: what it warns of.
//! - `select ARGUMENTS`: unique ids, one a line, then warnings.
//! - `compile UNIQUE_ID [--full-refresh]`: SQL, hooks in front and behind as comments.
//! - `manifest POINTER`: that part of the manifest as JSON; with `keys` behind it only the keys.
//!
//! `MILLSTREAM_BLESS=1` writes what came out into the files; read the difference before committing it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use millstream_core::Result;
use millstream_jinja::NoAdapter;
use millstream_project::{CompileOptions, Hook, Project, Selection};

use crate::sandbox::{Sandbox, manifest_json, manifest_text};

struct Block {
    info: String,
    body: String,
    /// Lines of the body in the file, from 0.
    lines: std::ops::Range<usize>,
}

struct Case {
    name: String,
    blocks: Vec<Block>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => {
                let mut block = open.take().unwrap();
                block.lines.end = number;
                cases.last_mut().expect("a block stands under a heading").blocks.push(block);
            }
            (Some(block), _) => {
                block.body.push_str(line);
                block.body.push('\n');
            }
            (None, Some(info)) => {
                open = Some(Block { info: info.to_owned(), body: String::new(), lines: number + 1..number + 1 });
            }
            (None, None) => {
                if let Some(name) = line.strip_prefix("## ") {
                    cases.push(Case { name: name.to_owned(), blocks: Vec::new() });
                }
            }
        }
    }
    cases
}

const EXPECTATIONS: [&str; 5] = ["errors", "warnings", "select", "compile", "manifest"];

impl Block {
    fn is_expectation(&self) -> bool {
        EXPECTATIONS.contains(&self.info.split(' ').next().unwrap_or(""))
    }

    fn actual(&self, loaded: &Result<Project>) -> String {
        let (what, rest) = self.info.split_once(' ').unwrap_or((&self.info, ""));
        let project = match (what, loaded) {
            ("errors", Err(error)) => {
                let causes: Vec<&str> = error.causes().iter().map(String::as_str).collect();
                return if causes.is_empty() { format!("{error}\n") } else { causes.join("\n") + "\n" };
            }
            ("errors", Ok(_)) => return "(the project loads)\n".into(),
            (_, Err(error)) => return format!("(the project does not load)\n{error}\n"),
            (_, Ok(project)) => project,
        };
        match what {
            "warnings" => {
                project.warnings.sorted().iter().fold(String::new(), |all, warning| all + &format!("{warning}\n"))
            }
            "select" => select(project, rest),
            "compile" => compile(project, rest),
            _ => manifest(project, rest),
        }
    }
}

fn select(project: &Project, arguments: &str) -> String {
    let mut selection = Selection::default();
    let words = arguments.split('|').map(str::trim).filter(|word| !word.is_empty());
    for word in words {
        match word.split_once(' ') {
            Some(("--exclude", value)) => selection.exclude.push(value.into()),
            Some(("--selector", value)) => selection.selector = Some(value.into()),
            Some(("--indirect", value)) => selection.indirect = value.parse().unwrap(),
            Some(("--resource-type", value)) => {
                selection.resource_types.get_or_insert_default().push(value.parse().unwrap());
            }
            Some(("--exclude-resource-type", value)) => selection.exclude_resource_types.push(value.parse().unwrap()),
            _ => selection.select.push(word.into()),
        }
    }
    match project.select(&selection) {
        Ok(selected) => {
            let mut out = selected.ids.iter().fold(String::new(), |all, id| all + id + "\n");
            for warning in selected.warnings {
                writeln!(out, "warning: {warning}").unwrap();
            }
            out
        }
        Err(error) => format!("error: {error}\n"),
    }
}

fn compile(project: &Project, arguments: &str) -> String {
    let (unique_id, flag) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let mut options = CompileOptions::new(Arc::new(NoAdapter), "build");
    options.full_refresh = flag == "--full-refresh";
    match project.compile(unique_id, &options) {
        Ok(compiled) => {
            let mut out = String::new();
            let config = &project.manifest.nodes[unique_id].config;
            let hooks = |out: &mut String, when: &str, hooks: &[Hook]| {
                let rendered = hooks.iter().map(|hook| project.compile_hook(unique_id, hook, &options).unwrap());
                rendered.filter(|sql| !sql.is_empty()).for_each(|sql| writeln!(out, "-- {when}: {sql}").unwrap());
            };
            hooks(&mut out, "before", &config.pre_hook);
            writeln!(out, "{}", compiled.sql).unwrap();
            hooks(&mut out, "after", &config.post_hook);
            out
        }
        Err(error) => format!("error: {error}\n"),
    }
}

fn manifest(project: &Project, arguments: &str) -> String {
    let (pointer, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let json = manifest_json(project);
    match json.pointer(pointer) {
        Some(value) if rest == "keys" => {
            value.as_object().unwrap().keys().fold(String::new(), |all, key| all + key + "\n")
        }
        Some(value) => serde_json::to_string_pretty(value).unwrap() + "\n",
        None => "(nothing there)\n".into(),
    }
}

#[test]
fn every_case_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/project/cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let bless = std::env::var_os("MILLSTREAM_BLESS").is_some();
    let (mut failures, mut count) = (String::new(), 0);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut blessed: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        for case in cases(&text) {
            let files = case.blocks.iter().filter(|block| !block.is_expectation());
            let files = files.filter_map(|block| Some((block.info.rsplit(' ').next()?, block.body.as_str())));
            let sandbox = Sandbox::new(files);
            let loaded = sandbox.load();
            let dir = sandbox.path().canonicalize().unwrap();
            let expectations: Vec<&Block> = case.blocks.iter().filter(|block| block.is_expectation()).collect();
            assert!(!expectations.is_empty(), "case '{}' expects nothing", case.name);
            for block in expectations {
                count += 1;
                let actual = block.actual(&loaded).replace(dir.to_str().unwrap(), "DIR");
                if actual != block.body {
                    writeln!(
                        failures,
                        "{} · {} · {}\n--- expected\n{}--- actual\n{actual}",
                        file.file_name().unwrap().to_string_lossy(),
                        case.name,
                        block.info,
                        block.body
                    )
                    .unwrap();
                    blessed.push((block.lines.clone(), actual));
                }
            }
        }
        if bless {
            for (range, actual) in blessed.into_iter().rev() {
                lines.splice(range, actual.lines().map(str::to_owned));
            }
            std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        }
    }
    assert!(count > 50, "only {count} expectations were found");
    assert!(failures.is_empty(), "\n{failures}");
}

/// The same files give the same manifest, whatever order the folder lists them in.
#[test]
fn the_same_files_give_the_same_manifest() {
    let files = [
        ("models/b.sql", "select * from {{ ref('a') }}"),
        ("models/a.sql", "{{ config(tags=['x', 'y'], meta={'b': 1, 'a': 2}) }} select 1 as id"),
        ("models/m.yml", "models: [{name: a, columns: [{name: id, data_tests: [unique, not_null]}]}]"),
    ];
    let first = manifest_text(&Sandbox::new(files).load().unwrap());
    let mut turned = files;
    turned.reverse();
    let second = manifest_text(&Sandbox::new(turned).load().unwrap());
    assert_eq!(first, second);
}
