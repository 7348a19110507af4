//! The reference of the command line in Markdown, made from the definitions so that it cannot disagree with them.

use std::fmt::Write;

use clap::{Arg, Command};

use crate::cli;

/// The whole page.
pub fn markdown() -> String {
    let mut root = cli::command();
    root.build();
    let mut page = String::from(
        "# Command line\n\nMade by `cargo xtask docs` from the definitions in `crates/cli`; do not edit by hand.\n\n\
         Standard output is data, standard error is talk. Exit codes: 0 all is well, 1 your data or project failed, \
         2 wrong usage, 3 the machine or a bug of ours, 130 Ctrl-C.\n",
    );
    for (title, names) in cli::GROUPS {
        let _ = write!(page, "\n## {title}\n");
        for command in names.iter().filter_map(|name| root.find_subcommand(name)) {
            section(&mut page, command);
        }
    }
    page.push_str("\n## Options of every command\n");
    let global: Vec<&Arg> = root.get_arguments().filter(|argument| argument.is_global_set()).collect();
    options(&mut page, &global);
    page
}

fn section(page: &mut String, command: &Command) {
    // A command that only holds others is told by them.
    let mut inner = command.get_subcommands().filter(|inner| inner.get_name() != "help").peekable();
    if inner.peek().is_some() {
        let _ = write!(page, "\n### millstream {}\n", command.get_name());
        inner.for_each(|inner| part(page, inner, &format!("{} {}", command.get_name(), inner.get_name())));
        return;
    }
    part(page, command, command.get_name());
}

fn part(page: &mut String, command: &Command, name: &str) {
    let _ = write!(page, "\n### millstream {name}\n\n");
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    let sentences: Vec<String> =
        about.split("\n\n").map(|paragraph| format!("{}.", paragraph.trim_end_matches('.'))).collect();
    let _ = writeln!(page, "{}", sentences.join("\n\n"));
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        let _ = write!(page, "\nAlso: `millstream {}`.\n", aliases.join("`, `millstream "));
    }
    let usage = command.clone().render_usage().to_string();
    let _ = write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: ").trim());
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set() && !argument.is_hide_set() && argument.get_id() != "help")
        .collect();
    options(page, &own);
    if let Some(examples) = command.get_after_help() {
        let text = examples.to_string();
        let _ = write!(page, "\nExamples:\n\n```sh\n{}\n```\n", dedent(text.trim_start_matches("Examples:\n")));
    }
}

fn options(page: &mut String, arguments: &[&Arg]) {
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| Option | Meaning | Default |\n|---|---|---|\n");
    for argument in arguments {
        let help = argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string);
        let mut meaning = help.unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set() && argument.get_action().takes_values())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            let _ = write!(meaning, " ({})", values.join(", "));
        }
        if let Some(variable) = argument.get_env() {
            let _ = write!(meaning, " [env: `{}`]", variable.to_string_lossy());
        }
        let _ = writeln!(page, "| `{}` | {meaning} | {} |", name(argument), default(argument));
    }
}

fn name(argument: &Arg) -> String {
    let values: Vec<String> =
        argument.get_value_names().unwrap_or_default().iter().map(|value| value.to_string()).collect();
    let takes = argument.get_action().takes_values();
    let value = if takes { values.join(" ") } else { String::new() };
    let many = takes && argument.get_num_args().is_some_and(|range| range.max_values() > 1);
    let value = if many { format!("{value}...") } else { value };
    if argument.is_positional() {
        return if argument.is_required_set() { value } else { format!("[{value}]") };
    }
    let mut flags = Vec::new();
    flags.extend(argument.get_short().map(|short| format!("-{short}")));
    flags.extend(argument.get_long().map(|long| format!("--{long}")));
    let flags = flags.join(", ");
    if value.is_empty() { flags } else { format!("{flags} {value}") }
}

fn default(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    values.join(", ")
}

fn dedent(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_shown_command_has_a_section_and_no_machine_leaks_in() {
        let page = super::markdown();
        for (_, names) in crate::cli::GROUPS {
            for name in names {
                assert!(page.contains(&format!("### millstream {name}\n")), "{name}");
            }
        }
        assert!(!page.contains("/home/"));
    }
}
