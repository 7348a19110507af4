//! dbt's context while rendering.

use std::sync::Arc;

use millstream_jinja::*;
use serde_json::json;

use crate::support::*;

#[test]
fn inputs_become_relations() {
    assert_eq!(
        render(
            "{{ ref('a') }} {{ ref('pkg', 'b') }} {{ ref('c', v=2) }} {{ source('raw', 't') }} {{ this }} {{ this.schema }}.{{ this.name }}"
        ),
        r#""analytics"."a" "pkg"."b" "analytics"."c_v2" "raw"."t" "marts"."orders" marts.orders"#
    );
}

#[test]
fn relations_are_written_as_they_are_asked_to_be() {
    assert_eq!(render("{{ ref('a').include(schema=false) }}"), r#""a""#);
    assert_eq!(render("{{ ref('a').include(database=true) }}"), r#""lake"."analytics"."a""#);
    assert_eq!(render("{{ ref('a').quote(identifier=false).render() | upper }}"), r#""ANALYTICS".A"#);
    assert_eq!(
        render(
            "{% set r = api.Relation.create(database='d', schema='s', identifier='x\"y', type='view') %}{{ r }} {{ r.is_view }} {{ r.type }} {{ r.database }}"
        ),
        r#""s"."x""y" True view d"#
    );
    assert_eq!(render("{{ this.incorporate(path={'identifier': 'z'}, type='table').is_table }}"), "True");
    assert_eq!(
        render("{{ ref('a') == ref('a') }} {{ ref('a') == ref('b') }} {{ ref('a') in [ref('a')] }}"),
        "True False True"
    );
    assert_eq!(Relation::cte("__dbt__cte__x").to_string(), "__dbt__cte__x");
}

#[test]
fn variables_come_from_the_command_line_the_project_or_the_default() {
    assert_eq!(
        render(
            "{{ var('start') }} {{ var('days') + 1 }} {{ var('nested').a }} {{ var('no', 'x') }} {{ var('templated') }}"
        ),
        "2025-06-01 31 [1, 2] x Ulm!"
    );
    assert_eq!(
        render(
            "{{ var.has_var('start') }} {{ var.has_var('no') }} {{ env_var('HOME_TOWN') }} {{ env_var('NO', 'd') }}"
        ),
        "True False Ulm d"
    );
    let mut options = options(&[]);
    options.vars.overrides = object(json!({"days": 7}));
    let text = made(options).render(&template("{{ var('days') }}"), &context(Arc::new(NoAdapter))).unwrap();
    assert_eq!(text, "7");
}

#[test]
fn config_is_read_while_rendering() {
    assert_eq!(
        render(
            "{{ config(materialized='table') }}{{ config.get('materialized') }} {{ config.get('no', 'd') }} {{ config.require('tags') }} {{ config.meta_get('owner') }} {{ config.get('no') }}"
        ),
        "incremental d ['a', 'b'] me None"
    );
    assert!(error(&[], "{{ config.require('no') }}").what().contains("required config parameter 'no'"));
}

#[test]
fn incremental_is_decided_as_dbt_does() {
    let environment = environment(&[]);
    let text = "{% if is_incremental() %}yes{% else %}no{% endif %}";
    let table = Arc::new(Scripted {
        relations: vec![Relation::new("marts", "orders").with_kind(RelationKind::Table)],
        ..Scripted::default()
    });
    let view = Arc::new(Scripted {
        relations: vec![Relation::new("marts", "orders").with_kind(RelationKind::View)],
        ..Scripted::default()
    });
    let run = |context: &RenderContext| environment.render(&template(text), context).unwrap();
    assert_eq!(run(&context(table.clone())), "yes");
    assert_eq!(run(&context(view)), "no");
    assert_eq!(run(&context(Arc::new(NoAdapter))), "no");
    let mut full = context(table.clone());
    full.node["config"]["full_refresh"] = json!(true);
    assert_eq!(run(&full), "no");
    let mut plain = context(table.clone());
    plain.node["config"]["materialized"] = json!("table");
    assert_eq!(run(&plain), "no");
    let mut idle = context(table.clone());
    idle.execute = false;
    assert_eq!(run(&idle), "no");
    let decided = RenderContext { is_incremental: Some(false), ..context(table) };
    assert_eq!(run(&decided), "no");
}

#[test]
fn queries_run_and_their_tables_are_read() {
    let table = Table {
        columns: vec![
            TableColumn { name: "id".to_owned(), data_type: "bigint".to_owned() },
            TableColumn { name: "amount".to_owned(), data_type: "decimal(18,2)".to_owned() },
        ],
        rows: vec![vec![json!(1), json!("2.50")], vec![json!(2), json!("12345678901234567.89")]],
    };
    let adapter = Arc::new(Scripted { answers: vec![table.clone(), table].into(), ..Scripted::default() });
    let text = "{% set t = run_query('select 1') %}{{ t.columns[0].values() | list }} {{ t.columns['amount'].values() }} \
                {{ t.column_names }} {{ t.rows[0][1] + 1 }} {{ t | length }} {% for row in t %}{{ row['ID'] }}{{ row.amount }};{% endfor %} \
                {%- call statement('s', fetch_result=True) -%} select {{ 1 + 1 }} {%- endcall %}{{ load_result('s').data }} {{ load_result('s')['response'].rows_affected }}";
    let out = environment(&[]).render(&template(text), &context(adapter.clone())).unwrap();
    assert_eq!(
        out,
        "[1, 2] (2.5, '12345678901234567.89') ('id', 'amount') 3.5 2 12.5;212345678901234567.89; \
         [(1, 2.5), (2, '12345678901234567.89')] 2"
            .replace(";  [", "; [")
            .replace("; [(", ";[(")
    );
    assert_eq!(*adapter.asked.lock().unwrap(), ["select 1", "select 2"]);
}

#[test]
fn dispatch_finds_the_most_special_macro() {
    let macros = [
        "{% macro a() %}{{ return(adapter.dispatch('a')()) }}{% endmacro %}{% macro default__a() %}d{% endmacro %}\
         {% macro millstream__a() %}m{% endmacro %}{% macro b() %}{{ adapter.dispatch('b', 'shop')(*varargs, **kwargs) }}{% endmacro %}\
         {% macro default__b(x, y=2) %}{{ x }}{{ y }}{% endmacro %}{% macro millstream__type_string() %}text{% endmacro %}",
    ];
    let render = |text: &str| render_with(&macros, text).unwrap();
    assert_eq!(render("{{ a() }}{{ shop.a() }} {{ b(1) }} {{ b(1, y=3) }}"), "mm 12 13");
    // The root project may replace a part of dbt's own macros.
    assert_eq!(render("{{ dbt.type_string() }} {{ type_string() }}"), "text text");
    let missing = error(&macros, "{{ adapter.dispatch('zz', 'shop')() }}");
    assert!(missing.fix().unwrap().contains("shop.millstream__zz, shop.postgres__zz, shop.default__zz"), "{missing}");
}

/// What a package wrote for PostgreSQL is nearer to this engine than what it wrote for all.
#[test]
fn dispatch_takes_the_macro_for_postgresql_before_the_default() {
    let macros = ["{% macro default__a() %}all{% endmacro %}{% macro postgres__a() %}pg{% endmacro %}\
         {% macro a() %}{{ return(adapter.dispatch('a', 'shop')()) }}{% endmacro %}"];
    assert_eq!(render_with(&macros, "{{ a() }}").unwrap(), "pg");
    let environment = environment(&macros);
    let depends_on = &environment.find_macro("shop", "a").unwrap().depends_on;
    assert_eq!(depends_on.iter().map(String::as_str).collect::<Vec<_>>(), ["macro.shop.postgres__a"]);
}

/// Jinja2 asks `if value` first: packages rely on it for arguments that are left out.
#[test]
fn filters_over_nothing_give_nothing() {
    let text = "{{ none | map('lower') | list }}{{ none | select | list }}{{ '' | map(attribute='a') | list }}\
                {{ none | rejectattr('a') | list }}{{ 'x' in none | map('upper') }}";
    assert_eq!(render(text), "[][][][]False");
}

#[test]
fn dispatch_order_of_the_project_is_kept() {
    let mut options = options(&["{% macro default__a() %}shop{% endmacro %}"]);
    let text = "{% macro a() %}{{ return(adapter.dispatch('a', 'lib')()) }}{% endmacro %}{% macro default__a() %}lib{% endmacro %}";
    options.macros.push(MacroFile {
        package: "lib".to_owned(),
        path: "macros/a.sql".to_owned(),
        text: text.to_owned(),
    });
    let run = |options: EnvironmentOptions| {
        made(options).render(&template("{{ lib.a() }}"), &context(Arc::new(NoAdapter))).unwrap()
    };
    assert_eq!(run(options.clone()), "shop");
    options.dispatch.insert("lib".to_owned(), vec!["lib".to_owned(), "shop".to_owned()]);
    assert_eq!(run(options), "lib");
}

/// As for dbt, a namespace that is no package is none: packages copy 'macros' from an example.
#[test]
fn dispatch_in_a_namespace_of_no_package_finds_the_macros_at_hand() {
    let mut options = options(&[]);
    let text = "{% macro a() %}{{ return(adapter.dispatch('a', 'macros')()) }}{% endmacro %}{% macro default__a() %}lib{% endmacro %}";
    options.macros.push(MacroFile {
        package: "lib".to_owned(),
        path: "macros/a.sql".to_owned(),
        text: text.to_owned(),
    });
    let text = made(options).render(&template("{{ lib.a() }}"), &context(Arc::new(NoAdapter))).unwrap();
    assert_eq!(text, "lib");
}

#[test]
fn macros_of_the_root_project_come_before_dbts() {
    let macros = [
        "{% macro generate_schema_name(custom_schema_name, node) -%}{{ custom_schema_name | trim }}{%- endmacro %}{% macro ref(name) %}{{ builtins.ref(name).include(schema=false) }}{% endmacro %}",
    ];
    assert_eq!(render_with(&macros, "{{ generate_schema_name(' x ', none) }} {{ ref('a') }}").unwrap(), "x \"a\"");
}

#[test]
fn the_context_tells_of_the_run() {
    assert_eq!(
        render(
            "{{ target.name }} {{ target.schema }} {{ target['threads'] }} {{ project_name }} {{ dbt_version }} {{ invocation_id[:4] }} {{ execute }} {{ flags.WHICH }} {{ model.name }} {{ model.config.tags[1] }} {{ schema }} {{ database }}"
        ),
        "dev analytics 4 shop 1.11.0 1111 True build orders b marts lake"
    );
    assert_eq!(
        render(
            "{{ run_started_at }} {{ run_started_at.strftime('%Y-%m-%d %H:%M') }} {{ dbt_metadata_envs }} {{ graph is none }}"
        ),
        "2026-01-02 03:04:05+00:00 2026-01-02 03:04 {'TEAM': 'data'} True"
    );
    assert_eq!(
        render(
            "{% set run = builtins.ref.config %}{{ run.project_name }} {{ run.target_name }} {{ run.profile_name }} {{ run.vars.days }} {{ run.cli_vars }} {{ run.args.which }} {{ run.dependencies['shop'].version }} {{ ref }} {{ ref.nothing is defined }}"
        ),
        "shop dev shop 30 {} build None <function ref> False"
    );
    let environment = environment(&[]).with_graph(json!({"nodes": {"model.shop.a": {"name": "a"}}}));
    let text = "{% for id, n in graph.nodes.items() %}{{ id }}={{ n.name }}{% endfor %}";
    assert_eq!(environment.render(&template(text), &context(Arc::new(NoAdapter))).unwrap(), "model.shop.a=a");
}

#[test]
fn logs_reach_the_adapter_without_secrets() {
    let adapter = Arc::new(Scripted::default());
    let text = "{{ log('a ' ~ 'hunter' ~ 2, info=True) }}{% do print('b') %}{{ exceptions.warn('c') }}";
    assert_eq!(environment(&[]).render(&template(text), &context(adapter.clone())).unwrap(), "");
    let logged = adapter.logged.lock().unwrap();
    assert_eq!(logged[..2], ["a *****", "b"]);
    assert!(logged[2].starts_with("c\n  --> models/orders.sql:1:"), "{}", logged[2]);
}

#[test]
fn call_blocks_and_hidden_parameters_work_across_files() {
    let macros = [
        "{% macro wrap(name) %}<{{ name }}>{{ caller(1, z=2) }}</{{ name }}>{% endmacro %}",
        "{% macro use(x) %}{% call(a, z) shop.wrap('b') %}{{ a }}{{ z }}{{ x }}{{ varargs }}{% endcall %}{% endmacro %}\
         {% macro all(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}",
    ];
    assert_eq!(
        render_with(&macros, "{{ use(9) }} {{ all(1, 2, 3, k='v') }}").unwrap(),
        "<b>129()</b> 1(2, 3){'k': 'v'}"
    );
}

#[test]
fn return_gives_any_value_and_ends_only_its_macro() {
    let macros = [
        "{% macro give() %}text{% for x in [1, 2, 3] %}{% if x == 2 %}{{ return({'x': [x]}) }}{% endif %}{% endfor %}never{% endmacro %}\
         {% macro outer() %}{% set got = give() %}{{ got.x[0] + 1 }} and on{% endmacro %}\
         {% macro through() %}{% call give_back() %}{{ return([7]) }}{% endcall %}{% endmacro %}{% macro give_back() %}{{ caller() }}{% endmacro %}",
    ];
    assert_eq!(render_with(&macros, "{{ give()['x'] }} {{ outer() }}").unwrap(), "[2] 3 and on");
}

#[test]
fn macros_are_called_with_json_by_the_runner() {
    let environment = environment(&["{% macro op(a, b=2) %}{{ return({'sum': a + b}) }}{% endmacro %}"]);
    let place = millstream_core::Place::file("command line");
    let named = object(json!({"a": 40}));
    let call = MacroCall { package: "shop", name: "op", positional: &[], named: &named, place: &place };
    assert_eq!(environment.call_macro(&call, &context(Arc::new(NoAdapter))).unwrap(), json!({"sum": 42}));
    let none = object(json!({}));
    let call = MacroCall {
        package: "shop",
        name: "generate_schema_name",
        positional: &[json!("marts"), json!({})],
        named: &none,
        place: &place,
    };
    assert_eq!(environment.call_macro(&call, &context(Arc::new(NoAdapter))).unwrap(), json!("analytics_marts"));
    let wrong = MacroCall { name: "generate_schema_nam", ..call };
    let error = environment.call_macro(&wrong, &context(Arc::new(NoAdapter))).unwrap_err();
    assert_eq!(error.fix(), Some("did you mean 'generate_schema_name'?"));
}

#[test]
fn macro_information_is_what_the_manifest_needs() {
    let environment = environment(&[
        "\n{% macro a(x, y=1) %}{{ b() }}{{ dbt_utils.star(x) }}{{ adapter.dispatch('c', 'shop')() }}{% endmacro %}{% macro b() %}{% endmacro %}{% macro default__c() %}{% endmacro %}\
         {% test positive(model, column_name) %}select 1{% endtest %}{% materialization mine, adapter='millstream' %}{% endmaterialization %}",
    ]);
    let a = environment.find_macro("shop", "a").unwrap();
    assert_eq!((a.unique_id.as_str(), a.line, a.arguments.join(",").as_str()), ("macro.shop.a", 2, "x,y"));
    assert_eq!(
        a.depends_on.iter().map(String::as_str).collect::<Vec<_>>(),
        ["macro.dbt_utils.star", "macro.shop.b", "macro.shop.default__c"]
    );
    assert!(a.sql.starts_with("{% macro a(x, y=1) %}") && a.sql.ends_with("{% endmacro %}"));
    assert_eq!(environment.find_test("shop", "positive").unwrap().kind, MacroKind::Test);
    assert_eq!(environment.find_test("shop", "dbt_utils.accepted_range").unwrap().package, "dbt_utils");
    assert_eq!(environment.find_test("shop", "unique").unwrap().unique_id, "macro.dbt.test_unique");
    let mine = environment.find_macro("shop", "materialization_mine_millstream").unwrap();
    assert_eq!(mine.kind, MacroKind::Materialization { adapter: "millstream".to_owned() });
}

#[test]
fn an_environment_is_shared_between_threads() {
    let environment = environment(&["{% macro m(x) %}{% set l = [] %}{% do l.append(x) %}{{ l }}{% endmacro %}"]);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let run = |n: usize| {
            let environment = environment.clone();
            scope.spawn(move || {
                environment.render(&template(&format!("{{{{ m({n}) }}}}")), &context(Arc::new(NoAdapter))).unwrap()
            })
        };
        let running: Vec<_> = (0..8).map(run).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(texts, (0..8).map(|n| format!("[{n}]")).collect::<Vec<_>>());
}

#[test]
fn modules_are_those_of_python() {
    for (text, expected) in [
        (
            "{{ modules.re.sub('[^a-z]+', '_', 'a b-c') }} {{ modules.re.match('(a)(?P<n>b)', 'abc').group('n') }} {{ modules.re.search('z', 'a') }}",
            "a_b_c b None",
        ),
        (
            "{{ modules.re.findall('[0-9]+', 'a1b22') }} {{ modules.re.split(',', 'a,b') }} {{ modules.re.sub('(a)(b)', '\\\\2\\\\1', 'ab') }}",
            "['1', '22'] ['a', 'b'] ba",
        ),
        (
            "{{ modules.re.fullmatch('a|ab', 'AB', modules.re.IGNORECASE) is not none }} {{ modules.re.fullmatch('a', 'ab') }} {{ modules.re.compile('b').search('ab').start() }}",
            "True None 1",
        ),
        (
            "{{ modules.re.findall('(?ix) (?<!un)(do) # not undo\\n (?=$|[ .])', 'undo do. DO dot') }} {{ modules.re.sub('(?<=a)b*(?=c|$)', '-', 'abbc ab b') }}",
            "['do', 'DO'] a-c ab b",
        ),
        (
            "{{ modules.re.search('{{\\s*(ref)', 'x {{ ref') .group(1) }} {{ modules.re.fullmatch('[[&]{2}', '[&') is not none }} {{ modules.re.fullmatch('a(?=b)', 'a') }}",
            "ref True None",
        ),
        (
            "{{ modules.datetime.datetime.now() }} {{ modules.datetime.date.today() }} {{ modules.datetime.datetime(2025, 1, 31).strftime('%d.%m.%y') }}",
            "2026-01-02 03:04:05 2026-01-02 31.01.25",
        ),
        (
            "{% set d = modules.datetime.datetime.strptime('2025-02-28', '%Y-%m-%d') + modules.datetime.timedelta(days=1) %}{{ d.date() }} {{ d.isoformat() }} {{ d.weekday() }}",
            "2025-03-01 2025-03-01T00:00:00 5",
        ),
        (
            "{{ (modules.datetime.date(2025, 3, 1) - modules.datetime.date(2025, 1, 1)).days }} {{ modules.datetime.timedelta(hours=25, seconds=1) }} {{ modules.datetime.date(2025, 1, 1) < modules.datetime.date(2025, 1, 2) }}",
            "59 1 day, 1:00:01 True",
        ),
        (
            "{{ run_started_at.astimezone(modules.pytz.timezone('America/New_York')) }} {{ modules.pytz.utc.localize(modules.datetime.datetime(2025, 1, 1)) }}",
            "2026-01-01 22:04:05-05:00 2025-01-01 00:00:00+00:00",
        ),
        (
            "{{ modules.itertools.product([1, 2], ['a']) }} {{ modules.itertools.chain([1], [2]) | list }} {{ modules.itertools.combinations([1, 2, 3], 2) | list | length }}",
            "[(1, 'a'), (2, 'a')] [1, 2] 3",
        ),
    ] {
        assert_eq!(render(text), expected);
    }
    assert!(error(&[], "{{ modules.datetime.date(2025, 2, 30) }}").what().contains("no such date"));
    assert!(error(&[], "{{ modules.re.match('(?!a)', 'a') }}").fix().unwrap().contains("look-around"));
}

#[test]
fn functions_on_values_are_those_of_dbt() {
    for (text, expected) in [
        (
            "{{ fromjson('{\"a\": [1, null]}') }} {{ fromjson('{', 'bad') }} {{ tojson({'b': 1, 'a': none}) }} {{ tojson({'b': 1, 'a': 2}, sort_keys=true) }}",
            "{'a': [1, None]} bad {\"b\": 1, \"a\": null} {\"a\": 2, \"b\": 1}",
        ),
        ("{{ fromyaml('a: [1, x]') }} {{ fromyaml(toyaml({'k': 'v'})) }}", "{'a': [1, 'x']} {'k': 'v'}"),
        (
            "{{ zip([1, 2], ['a', 'b']) | list }} {{ zip(1, [2], default='d') }} {{ set([1, 1, 2]) }} {{ set([1]).union([2]) }} {{ 1 in set([1]) }}",
            "[(1, 'a'), (2, 'b')] d {1, 2} {1, 2} True",
        ),
        (
            "{{ local_md5('a') }} {{ render('{{ 1 + 1 }}') }} {{ context['target'].name }} {{ context.get('nope', 'd') }}",
            "0cc175b9c0f1b6a831c399e269772661 2 dev d",
        ),
        (
            "{% macro later() %}{{ context.get('kept', 'none') }} {{ kept.n }}{% endmacro %}{% do context.update({'kept': {'n': 1}}) %}{{ later() }} {{ {'a': 1}.to_dict() }}",
            "{'n': 1} 1 {'a': 1}",
        ),
        ("{{ py_current_timestring() }}[{{ register_upstream_external_models() }}]", "20260102030405000000[]"),
        (
            "{{ diff_of_two_dicts({'A': ['x', 'Y']}, {'a': ['y']}) }} {{ api.Column.create('n', 'decimal(18,2)').data_type }} {{ api.Column('n', 'varchar(5)').string_size() }}",
            "{'A': ['x']} decimal(18,2) 5",
        ),
        (
            "{{ adapter.quote('a\"b') }} {{ adapter.type() }} {{ try_or_compiler_error('m', adapter.quote, 'x') }}",
            "\"a\"\"b\" millstream \"x\"",
        ),
    ] {
        assert_eq!(render(text), expected);
    }
    assert!(error(&[], "{{ set_strict(1) }}").what().contains("a set cannot be made"));
}

/// Expected texts are those of Python 3.11's itertools, written out as dbt would show them.
#[test]
fn itertools_are_pythons() {
    for (text, expected) in [
        ("islice(i.count(10, 5), 2, 6)", "[20, 25, 30, 35]"),
        ("islice(i.cycle(['a', 'b']), 5)", "['a', 'b', 'a', 'b', 'a']"),
        ("repeat('x', 3)", "['x', 'x', 'x']"),
        ("accumulate([1, 2, 3])", "[1, 3, 6]"),
        ("accumulate([1, 2, 3], initial=10)", "[10, 11, 13, 16]"),
        ("accumulate([1, 2, 3], bigger)", "[1, 2, 6]"),
        ("starmap(bigger, [(2, 3), (4, 5)])", "[6, 20]"),
        ("compress('abcd', [1, 0, 1, 0])", "['a', 'c']"),
        ("compress('abcd', i.cycle([true, false]))", "['a', 'c']"),
        ("chain.from_iterable([[1], [2, 3]])", "[1, 2, 3]"),
        ("combinations_with_replacement('ab', 2)", "[('a', 'a'), ('a', 'b'), ('b', 'b')]"),
        ("tee([1, 2], 3)", "([1, 2], [1, 2], [1, 2])"),
    ] {
        let template = format!(
            "{{% set i = modules.itertools %}}{{% macro bigger(a, b) %}}{{{{ return(a * b) }}}}{{% endmacro %}}{{{{ i.{text} }}}}"
        );
        assert_eq!(render(&template), expected, "{text}");
    }
    assert_eq!(render("{{ zip(['a', 'b'], modules.itertools.count(1)) }}"), "[('a', 1), ('b', 2)]");
    // What was taken is gone.
    assert_eq!(
        render("{% set i = modules.itertools %}{% set c = i.count() %}{{ i.islice(c, 2) }}{{ i.islice(c, 2) }}"),
        "[0, 1][2, 3]"
    );
    assert!(error(&[], "{{ modules.itertools.count() | list }}").what().contains("not iterable"));
    assert!(error(&[], "{{ zip(modules.itertools.count()) }}").what().contains("for ever"));
    assert!(
        error(&[], "{{ modules.itertools.islice(modules.itertools.count(), 100000000) }}").what().contains("elements")
    );
}

#[test]
fn random_is_the_same_within_an_invocation() {
    let text = "{% for _ in range(20) %}{{ range(1000) | random }} {% endfor %}{{ [] | random is undefined }}";
    let once = render(text);
    assert_eq!(once, render(text));
    let drawn: std::collections::BTreeSet<&str> = once.split(' ').collect();
    assert!(drawn.len() > 10, "{once}");
}

#[test]
fn selected_resources_are_those_of_the_command() {
    let context = RenderContext {
        selected: ["model.shop.a".to_owned(), "model.shop.b".to_owned()].into(),
        ..context(Arc::new(NoAdapter))
    };
    let text = "{{ selected_resources | length }}{{ 'model.shop.b' in selected_resources }}";
    assert_eq!(environment(&[]).render(&template(text), &context).unwrap(), "2True");
}
