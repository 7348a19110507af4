//! Limits: at the limit it works, one past it is an error that names the limit.

use millstream_jinja::*;
use std::sync::Arc;

use crate::support::*;

fn limited(limits: Limits, macros: &[&str], text: &str) -> millstream_core::Result<String> {
    let options = EnvironmentOptions { limits, ..options(macros) };
    made(options).render(&template(text), &context(Arc::new(NoAdapter)))
}

#[test]
fn output_ends_at_its_limit() {
    let limits = Limits { output_bytes: 10, ..Limits::default() };
    assert_eq!(limited(limits, &[], "0123456789").unwrap().len(), 10);
    let error = limited(limits, &[], "01234567890").unwrap_err();
    assert!(error.what().contains("wrote more than 10 bytes"), "{error}");
    // What a macro writes counts too, so that captures cannot hide a flood.
    assert!(limited(limits, &["{% macro m() %}0123456789{% endmacro %}"], "{% do m() %}x").is_err());
}

#[test]
fn recursion_ends_at_its_limit() {
    let macros = ["{% macro down(n) %}{% if n > 1 %}{{ down(n - 1) }}{% else %}ground{% endif %}{% endmacro %}"];
    let limits = Limits { call_depth: 20, ..Limits::default() };
    assert_eq!(limited(limits, &macros, "{{ down(20) }}").unwrap(), "ground");
    let error = limited(limits, &macros, "{{ down(21) }}").unwrap_err();
    assert!(error.what().contains("more than 20 macros are in progress"), "{error}");
}

#[test]
fn the_default_depth_fits_a_small_stack() {
    let macros =
        ["{% macro down(n) %}{% if n > 1 %}{{ ((((((down(n - 1))))))) }}{% else %}ground{% endif %}{% endmacro %}"];
    let depth = limits::CALL_DEPTH_MAX_DEFAULT;
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    let run = move || limited(Limits::default(), &macros, &format!("{{{{ down({depth}) }}}}"));
    let outcome = small.spawn(run).unwrap().join().unwrap();
    assert_eq!(outcome.unwrap(), "ground");
}

#[test]
fn fuel_runs_out_in_an_endless_template_and_not_before() {
    let steps = |text: &str, fuel: u64| limited(Limits { fuel, ..Limits::default() }, &[], text);
    let text = "{% for x in range(10) %}{% for y in range(10) %}{% set z = x %}{% endfor %}{% endfor %}";
    let (mut too_little, mut needed) = (0, 10_000);
    while needed - too_little > 1 {
        let middle = (needed + too_little) / 2;
        if steps(text, middle).is_ok() { needed = middle } else { too_little = middle }
    }
    assert!(steps(text, needed).is_ok());
    let error = steps(text, needed - 1).unwrap_err();
    assert!(error.what().contains(&format!("more than {} steps", needed - 1)), "{error}");
    let endless = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}";
    assert!(steps(endless, 100_000).unwrap_err().what().contains("more than 100000 steps"));
}

#[test]
fn ranges_end_at_their_limit() {
    let most = limits::SEQUENCE_LEN_MAX;
    assert_eq!(render(&format!("{{{{ range({most}) | length }}}}")), most.to_string());
    assert!(error(&[], &format!("{{{{ range({}) }}}}", most + 1)).what().contains("at most"));
    assert!(error(&[], "{{ range(0, 9000000000000000000) }}").what().contains("at most"));
}

#[test]
fn texts_cannot_grow_without_bound() {
    for text in [
        "{{ 'x' * 100000000000 }}",
        "{{ 'x'.ljust(100000000000) }}",
        "{{ '%100000000000d' % 1 }}",
        "{{ '{:>100000000000}'.format(1) }}",
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s * 2 %}{% endfor %}",
    ] {
        error(&[], text);
    }
}

/// What a loop makes over and over is stopped before it has used up the memory.
#[test]
fn memory_cannot_be_used_up() {
    let grown =
        |step: &str| format!("{{% set ns = namespace(v=[1]) %}}{{% for i in range(100000) %}}{step}{{% endfor %}}");
    for (text, told) in [
        ("{{ ('x' * 1000000).replace('', 'y' * 1000000) }}".to_owned(), "at most"),
        ("{{ 'ab' | replace('', 'y' * 60000000) }}".to_owned(), "at most"),
        ("{{ ('y' * 1000000).join('x' * 1000000) }}".to_owned(), "at most"),
        ("{{ range(1000) | join('y' * 1000000) }}".to_owned(), "at most"),
        (grown("{% do ns.v.extend(ns.v) %}"), "a list may have"),
        (grown("{% set ns.v = ns.v + ns.v %}"), "would give more than"),
        (grown("{% do ns.v.append('x' * 1000000) %}"), "made more than"),
        (grown("{% do ns.v.append([0] * 100000) %}"), "made more than"),
        (grown("{% set ns.v = (ns.v,) %}"), "tuples inside each other"),
    ] {
        let error = error(&[], &text);
        assert!(error.what().contains(told), "{text}: {error}");
    }
    // Two to the hundredth elements in a hundred lists.
    let shared = "{% set ns = namespace(v=[1]) %}{% for i in range(100) %}{% set ns.v = [ns.v, ns.v] %}{% endfor %}";
    assert!(error(&[], &format!("{shared}{{{{ tojson(ns.v) }}}}")).what().contains("values would be written"));
    assert_eq!(render(&format!("{shared}{{{{ ns.v == ns.v }}}}")), "True");
}

#[test]
fn lists_nested_without_end_are_dropped_without_taking_the_stack() {
    let deep =
        |step: &str| format!("{{% set ns = namespace(v=[]) %}}{{% for i in range(200000) %}}{step}{{% endfor %}}done");
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    let run = move || {
        for step in ["{% set ns.v = [ns.v] %}", "{% set ns.v = {'a': ns.v} %}", "{% set ns.v = [(ns.v, 1)] %}"] {
            assert_eq!(render(&deep(step)), "done");
        }
    };
    small.spawn(run).unwrap().join().unwrap();
}

#[test]
fn deep_expressions_are_refused_not_fatal() {
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(error(&[], &deep).what().contains("operations deep"));
    let chain = |operations: usize| format!("{{{{ 1{} }}}}", " + 1".repeat(operations));
    let most = limits::EXPRESSION_DEPTH_MAX;
    assert_eq!(render(&chain(most - 1)), most.to_string());
    assert!(error(&[], &chain(most)).what().contains("operations deep"));
    assert!(error(&[], &chain(limits::TAG_BYTES_MAX / 4 - 10)).what().contains("operations deep"));
    let elifs =
        |count: usize| format!("{{% if false %}}{}{{% else %}}end{{% endif %}}", "{% elif false %}".repeat(count));
    assert_eq!(render(&elifs(most)), "end");
    assert!(error(&[], &elifs(most + 1)).what().contains("elifs"));
}

#[test]
fn a_tag_ends_at_its_limit() {
    let tag = |bytes: usize| format!("{{{{ '{}' | length }}}}", "x".repeat(bytes - "{{ '' | length }}".len()));
    let most = limits::TAG_BYTES_MAX;
    assert_eq!(render(&tag(most)), (most - 17).to_string());
    assert!(error(&[], &tag(most + 1)).what().contains("this tag is longer"));
}

/// Texts that were cut, joined and sprinkled with Jinja's own characters end in a text or an error, never in a panic.
#[test]
fn garbled_templates_are_refused_not_fatal() {
    let seeds: Vec<&str> =
        include_str!("python_cases.tsv").lines().filter_map(|line| line.split_once('\t')).map(|(t, _)| t).collect();
    let pieces = [
        "{%", "%}", "{{", "}}", "{#", "#}", "'", "\"", "(", ")", "[", "]", "{", "}", "|", ".", ",", "~", "-", "ä",
        "\\", "\n", " if ", "0", "raw",
    ];
    let environment = made(EnvironmentOptions { limits: Limits { fuel: 20_000, ..Limits::default() }, ..options(&[]) });
    let context = context(Arc::new(NoAdapter));
    // A fixed sequence, so that a failure comes again.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut rendered = 0;
    for _ in 0..4_000 {
        let mut chars: Vec<char> = seeds[next(seeds.len())].chars().collect();
        for _ in 0..=next(4) {
            let at = next(chars.len() + 1);
            match next(3) {
                0 => drop(chars.drain(at.min(chars.len())..(at + next(6)).min(chars.len()))),
                1 => drop(chars.splice(at..at, pieces[next(pieces.len())].chars())),
                _ => {
                    let other = seeds[next(seeds.len())];
                    chars.splice(at..at, other.chars().skip(next(20)).take(next(30)));
                }
            }
        }
        let text: String = chars.into_iter().collect();
        rendered += usize::from(environment.render(&template(&text), &context).is_ok());
        let _ = extract_blocks("f.sql", &text);
        let _ = environment.parse(&template(&text), &ParseContext::default());
    }
    assert!(rendered > 100, "only {rendered} of the texts were still templates");
}
