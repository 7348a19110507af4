//! Python's habits.

use crate::support::*;

#[test]
fn lists_and_dicts_are_changed_in_place() {
    assert_eq!(
        render(
            "{% set l = [] %}{% for x in range(3) %}{% do l.append(x * 2) %}{% endfor %}{{ l }}{% set m = l %}{% do m.extend([9]) %}{{ l }}{{ l.pop() }}{{ l | length }}"
        ),
        "[0, 2, 4][0, 2, 4, 9]93"
    );
    assert_eq!(
        render(
            "{% set d = {} %}{% for k in ['a', 'b'] %}{% do d.update({k: loop.index}) %}{% endfor %}{% do d.setdefault('c', []).append(1) %}{{ d }} {{ d.pop('a') }} {{ d.get('a') }} {{ d.items() | list }}"
        ),
        "{'a': 1, 'b': 2, 'c': [1]} 1 None [('b', 2), ('c', [1])]"
    );
    // A fresh list each time, also for a literal inside a loop or a macro.
    assert_eq!(
        render_with(
            &["{% macro m() %}{% set l = [] %}{% do l.append(1) %}{{ return(l) }}{% endmacro %}"],
            "{{ m() }}{{ m() }}{% for x in [1,2] %}{% set l = [] %}{% do l.append(x) %}{{ l }}{% endfor %}"
        )
        .unwrap(),
        "[1][1][1][2]"
    );
    // A macro changes what it was given.
    assert_eq!(
        render_with(
            &["{% macro add(l) %}{% do l.append('x') %}{% endmacro %}"],
            "{% set l = [] %}{% do add(l) %}{{ add(l) }}{{ l }}"
        )
        .unwrap(),
        "['x', 'x']"
    );
}

#[test]
fn scopes_are_those_of_jinja() {
    assert_eq!(
        render("{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + 10 %}{{ x }} {% endfor %}{{ x }}"),
        "11 11 1"
    );
    assert_eq!(render("{% if true %}{% set x = 5 %}{% endif %}{{ x }}"), "5");
    assert_eq!(
        render("{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}"),
        "6"
    );
    assert_eq!(
        render(
            "{% set a, b = 1, [2, 3] %}{% for k, (x, y) in [('p', (1, 2))] %}{{ k }}{{ x }}{{ y }}{% endfor %}{{ a }}{{ b }}"
        ),
        "p121[2, 3]"
    );
    assert_eq!(render("{% set t %}a{% set inner = 1 %}{{ inner }}{% endset %}{{ t }}{{ inner }}"), "a1");
    assert_eq!(render("{% with x = 3 %}{{ x }}{% endwith %}{{ x }}"), "3");
    assert_eq!(render("{% macro local(a) %}{{ a ~ outer }}{% endmacro %}{% set outer = 'o' %}{{ local('x') }}"), "xo");
}

#[test]
fn the_loop_variable_tells_where_it_is() {
    assert_eq!(
        render(
            "{% for x in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('o', 'e') }}{{ ',' if not loop.last }}{% endfor %}"
        ),
        "103TrueFalsebo,212FalseFalseace,321FalseTruebo"
    );
    assert_eq!(
        render(
            "{% for x in [1, 2, 3, 4] if x is even %}{{ x }}/{{ loop.length }} {% else %}none{% endfor %}{% for x in [] %}{% else %}none{% endfor %}"
        ),
        "2/2 4/2 none"
    );
    assert_eq!(
        render(
            "{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}"
        ),
        "13"
    );
    assert_eq!(
        render(
            "{% for n in [{'n': 1, 'c': [{'n': 2, 'c': []}]}] recursive %}{{ n.n }}({{ loop(n.c) }}){{ loop.depth }}{% endfor %}"
        ),
        "1(2()2)1"
    );
    assert_eq!(render("{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}"), "True False True ");
}

/// Each line: a template, a tab, and what Jinja 3.1 (with the `do` and loop control extensions) makes of it.
#[test]
fn snippets_give_what_jinja_gives() {
    let mut wrong = Vec::new();
    for (number, line) in include_str!("python_cases.tsv").lines().enumerate() {
        let Some((template, expected)) = line.split_once('\t') else { panic!("line {}: no tab", number + 1) };
        let (template, expected) = (template.replace("\\n", "\n"), expected.replace("\\n", "\n"));
        match render_with(&[], &template) {
            Ok(got) if got == expected => {}
            Ok(got) => wrong.push(format!("{template}\n  expected {expected:?}\n  got      {got:?}")),
            Err(error) => wrong.push(format!("{template}\n  expected {expected:?}\n  got      {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
