//! Help, version, usage errors: what the command line itself says.

use crate::snapshot;
use crate::support::Scene;

const COMMANDS: [&str; 26] = [
    "demo",
    "init",
    "generate",
    "produce",
    "broker",
    "ingest",
    "ledger",
    "build",
    "run",
    "test",
    "seed",
    "snapshot",
    "retry",
    "clone",
    "run-operation",
    "compile",
    "show",
    "ls",
    "parse",
    "source",
    "docs",
    "clean",
    "query",
    "report",
    "debug",
    "list",
];

#[test]
fn the_help_groups_the_commands() {
    let scene = Scene::empty();
    snapshot!("help", scene.run(&["--help"]));
    let short = scene.run(&["-h"]);
    assert_eq!(short.code, 0);
    assert!(scene.run(&["--version"]).stdout.starts_with("millstream "));
}

#[test]
fn every_command_explains_itself() {
    let scene = Scene::empty();
    for command in COMMANDS {
        let help = scene.run(&[command, "--help"]);
        assert_eq!(help.code, 0, "{command}");
        assert!(help.stdout.contains("Usage: millstream") && help.stderr.is_empty(), "{}", help.told());
        if !["list", "parse", "clean", "debug", "source", "docs"].contains(&command) {
            assert!(help.stdout.contains("Examples:"), "{command} shows no example");
        }
    }
    snapshot!("help_ingest", scene.run(&["ingest", "--help"]));
    snapshot!("help_build", scene.run(&["build", "--help"]));
    snapshot!("help_query", scene.run(&["query", "--help"]));
}

#[test]
fn wrong_usage_is_told_with_exit_code_2() {
    let scene = Scene::empty();
    for (name, arguments) in [
        ("usage_unknown_flag", vec!["build", "--selct", "a"]),
        ("usage_unknown_command", vec!["biuld"]),
        ("usage_bad_value", vec!["generate", "--year", "2025", "--month", "13"]),
        ("usage_contradiction", vec!["produce", "--rate", "1", "--interval", "1s"]),
        ("usage_bad_property", vec!["ingest", "-X", "hunter2"]),
    ] {
        let ran = scene.run(&arguments);
        assert_eq!(ran.code, 2, "{}", ran.told());
        assert!(ran.stdout.is_empty());
        snapshot!(name, ran);
    }
    let nothing = scene.run(&[]);
    assert_eq!(nothing.code, 2, "{}", nothing.told());
}

#[test]
fn the_reference_page_has_every_command() {
    let page = Scene::empty().must(&["docs-cli"]).stdout;
    for command in COMMANDS.iter().filter(|command| **command != "list") {
        assert!(page.contains(&format!("### millstream {command}\n")), "{command}");
    }
}
