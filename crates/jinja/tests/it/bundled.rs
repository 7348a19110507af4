//! The built-in packages: what their macros write. That the SQL runs is proved where the engines are.

use std::sync::Arc;

use millstream_core::Place;
use millstream_jinja::*;
use serde_json::{Value as Json, json};

use crate::support::*;

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sql_of(test: &str, arguments: Json, config: Json, adapter: Scripted) -> String {
    let place = Place::line("models/schema.yml", 1);
    let arguments = object(arguments);
    let call = TestCall { package: "shop", name: test, arguments: &arguments, place: &place };
    let mut context = context(Arc::new(adapter));
    context.node["config"] = config;
    squeezed(&environment(&[]).render_test(&call, &context).unwrap_or_else(|error| panic!("{test}: {error}")))
}

fn columns() -> Scripted {
    Scripted {
        columns: vec![
            Column::new("id", "bigint"),
            Column::new("Name", "varchar"),
            Column::new("amount", "decimal(18,2)"),
        ],
        ..Scripted::default()
    }
}

fn with_columns(text: &str) -> String {
    environment(&[])
        .render(&template(text), &context(Arc::new(columns())))
        .unwrap_or_else(|error| panic!("{text}\n{error}"))
}

#[test]
fn surrogate_keys_are_those_of_dbt_utils() {
    assert_eq!(
        render("{{ dbt_utils.generate_surrogate_key(['a', 'b']) }}"),
        "md5(cast(coalesce(cast(a as varchar), '_dbt_utils_surrogate_key_null_') || '-' || coalesce(cast(b as varchar), '_dbt_utils_surrogate_key_null_') as varchar))"
    );
    let mut options = options(&[]);
    options.vars.overrides = object(json!({"surrogate_key_treat_nulls_as_empty_strings": true}));
    let text = made(options)
        .render(&template("{{ dbt_utils.generate_surrogate_key(['a']) }}"), &context(Arc::new(NoAdapter)))
        .unwrap();
    assert_eq!(text, "md5(cast(coalesce(cast(a as varchar), '') as varchar))");
}

#[test]
fn star_writes_the_columns_that_are_wanted() {
    assert_eq!(with_columns("{{ dbt_utils.star(ref('a')) }}"), "\"id\",\n  \"Name\",\n  \"amount\"");
    assert_eq!(
        with_columns("{{ dbt_utils.star(from=ref('a'), except=['NAME'], relation_alias='t', prefix='p_') }}"),
        "t.\"id\" as \"p_id\",\n  t.\"amount\" as \"p_amount\""
    );
    assert_eq!(
        with_columns("{{ dbt_utils.star(ref('a'), quote_identifiers=False, except=['id']) }}"),
        "Name,\n  amount"
    );
    assert!(error(&[], "{{ dbt_utils.star('a') }}").what().contains("expected a Relation"));
}

#[test]
fn dates_are_added_and_counted() {
    assert_eq!(render("{{ dbt.dateadd('day', 3, 'd') }}"), "(d + cast(cast((3) as varchar) || ' day' as interval))");
    assert_eq!(
        render("{{ dateadd(datepart='quarter', interval='n', from_date_or_timestamp='d') }}"),
        "(d + cast(cast((3 * (n)) as varchar) || ' month' as interval))"
    );
    assert!(render("{{ dbt.dateadd('hour', 1, 'd') }}").starts_with("(cast(d as timestamp) + "));
    assert!(render("{{ dbt.datediff('a', 'b', 'day') }}").contains("/ 86400) as bigint)"));
    assert!(error(&[], "{{ dbt.datediff('a', 'b', 'fortnight') }}").what().contains("not 'fortnight'"));
    assert_eq!(
        squeezed(&render(
            "{{ dbt_utils.date_spine('day', \"cast('2025-06-01' as date)\", \"cast('2025-07-01' as date)\") }}"
        ))[..68],
        squeezed("select (cast('2025-06-01' as date) + cast(cast((spine.step) as varchar)")[..68]
    );
}

#[test]
fn generic_tests_select_the_rows_that_fail() {
    let none = || json!({});
    assert_eq!(
        sql_of(
            "unique",
            json!({"model": "{{ get_where_subquery(ref('o')) }}", "column_name": "id"}),
            none(),
            columns()
        ),
        r#"select id as unique_field, count(*) as n_records from "analytics"."o" where id is not null group by id having count(*) > 1"#
    );
    assert_eq!(
        sql_of(
            "not_null",
            json!({"model": "{{ get_where_subquery(ref('o')) }}", "column_name": "id"}),
            json!({"where": "x = 1"}),
            columns()
        ),
        r#"select id from (select * from "analytics"."o" where x = 1) dbt_subquery where id is null"#
    );
    assert_eq!(
        sql_of(
            "not_null",
            json!({"model": "{{ ref('o') }}", "column_name": "id"}),
            json!({"store_failures": true}),
            columns()
        ),
        r#"select * from "analytics"."o" where id is null"#
    );
    assert!(
        sql_of(
            "accepted_values",
            json!({"model": "{{ ref('o') }}", "column_name": "c", "values": ["a", "it's", 3]}),
            none(),
            columns()
        )
        .ends_with("where value_field not in ( 'a', 'it''s', '3' )")
    );
    assert!(
        sql_of(
            "relationships",
            json!({"model": "{{ ref('o') }}", "column_name": "c", "to": "ref('p')", "field": "id"}),
            none(),
            columns()
        )
        .contains(r#"select id as to_field from "analytics"."p""#)
    );
    assert!(
        sql_of(
            "dbt_utils.accepted_range",
            json!({"model": "{{ ref('o') }}", "column_name": "c", "min_value": 0, "inclusive": false}),
            none(),
            columns()
        )
        .ends_with("where false or not c > 0")
    );
    assert!(
        sql_of(
            "dbt_utils.expression_is_true",
            json!({"model": "{{ ref('o') }}", "expression": "a > b"}),
            none(),
            columns()
        )
        .ends_with("where not(a > b)")
    );
    assert!(
        sql_of(
            "dbt_utils.expression_is_true",
            json!({"model": "{{ ref('o') }}", "column_name": "a", "expression": ">= 0"}),
            none(),
            columns()
        )
        .ends_with("where not(a >= 0)")
    );
    assert_eq!(
        sql_of(
            "dbt_utils.unique_combination_of_columns",
            json!({"model": "{{ ref('o') }}", "combination_of_columns": ["a", "b"]}),
            none(),
            columns()
        ),
        r#"select a, b from "analytics"."o" group by a, b having count(*) > 1"#
    );
}

/// Every generic test of the packages renders with its usual arguments.
#[test]
fn every_generic_test_renders() {
    let model = "{{ ref('o') }}";
    let cases = [
        ("dbt_utils.not_null_proportion", json!({"model": model, "column_name": "c", "at_least": 0.9})),
        ("dbt_utils.recency", json!({"model": model, "field": "t", "datepart": "day", "interval": 1})),
        ("dbt_utils.at_least_one", json!({"model": model, "column_name": "c"})),
        ("dbt_utils.not_constant", json!({"model": model, "column_name": "c", "group_by_columns": ["g"]})),
        ("dbt_utils.sequential_values", json!({"model": model, "column_name": "c", "interval": 1})),
        ("dbt_utils.sequential_values", json!({"model": model, "column_name": "c", "datepart": "day"})),
        (
            "dbt_utils.mutually_exclusive_ranges",
            json!({"model": model, "lower_bound_column": "a", "upper_bound_column": "b", "partition_by": "c", "gaps": "required"}),
        ),
        ("dbt_utils.equal_rowcount", json!({"model": model, "compare_model": "ref('p')"})),
        ("dbt_utils.fewer_rows_than", json!({"model": model, "compare_model": "ref('p')", "group_by_columns": ["g"]})),
        ("dbt_utils.equality", json!({"model": model, "compare_model": "ref('p')", "exclude_columns": ["id"]})),
        ("dbt_utils.cardinality_equality", json!({"model": model, "column_name": "c", "to": "ref('p')", "field": "f"})),
        (
            "dbt_utils.relationships_where",
            json!({"model": model, "column_name": "c", "to": "ref('p')", "field": "f", "from_condition": "x"}),
        ),
        ("dbt_utils.not_accepted_values", json!({"model": model, "column_name": "c", "values": ["a"]})),
        ("dbt_utils.not_empty_string", json!({"model": model, "column_name": "c"})),
    ];
    let mut seen: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    for (name, arguments) in cases.clone() {
        let sql = sql_of(name, arguments, json!({}), columns());
        assert!(sql.contains(r#""analytics"."o""#), "{name}: {sql}");
    }
    seen.extend([
        "dbt_utils.accepted_range",
        "dbt_utils.expression_is_true",
        "dbt_utils.unique_combination_of_columns",
    ]);
    for info in environment(&[]).macros() {
        if info.kind == MacroKind::Test && info.package == "dbt_utils" {
            let name = format!("dbt_utils.{}", info.name.trim_start_matches("test_"));
            assert!(seen.contains(&name.as_str()), "{name} is not tried here");
        }
    }
}

#[test]
fn shapes_are_written() {
    assert_eq!(render("{{ dbt_utils.group_by(3) }}"), "group by 1,2,3");
    assert_eq!(
        squeezed(&render(
            "{{ dbt_utils.safe_add(['a', 'b']) }} {{ dbt_utils.safe_divide('a', 'b') }} {{ dbt_utils.safe_subtract(['a', 'b']) }}"
        )),
        "coalesce(a, 0) + coalesce(b, 0) ( a ) / nullif( ( b ), 0) coalesce(a, 0) - coalesce(b, 0)"
    );
    assert!(
        squeezed(&render("{{ dbt_utils.pivot('c', ['x', \"y's\"]) }}"))
            .contains("when c = 'y''s' then 1 else 0 end ) as \"y's\"")
    );
    assert!(squeezed(&with_columns("{{ dbt_utils.union_relations([ref('a'), ref('b')], exclude=['amount']) }}"))
        .starts_with(r#"( select cast('"analytics"."a"' as varchar) as _dbt_source_relation, cast("id" as bigint) as "id", cast("Name" as varchar) as "Name" from "analytics"."a" ) union all ("#));
    assert!(
        squeezed(&with_columns("{{ dbt_utils.unpivot(ref('a'), exclude=['id'], remove=['Name']) }}"))
            .contains("cast('amount' as varchar) as field_name")
    );
    assert_eq!(render("{{ dbt_utils.slugify('1 Big-Deal!') }} {{ dbt_utils.pretty_time() }}"), "_1_big_deal 03:04:05");
}

#[test]
fn column_values_are_asked_for_while_compiling() {
    let table = Table {
        columns: vec![TableColumn { name: "value".to_owned(), data_type: "varchar".to_owned() }],
        rows: vec![vec![json!("b")], vec![json!("a")]],
    };
    let relations = vec![Relation::new("analytics", "a").with_kind(RelationKind::Table)];
    let adapter = Arc::new(Scripted { answers: vec![table].into(), relations, ..Scripted::default() });
    let text = "{{ dbt_utils.get_column_values(ref('a'), 'c', max_records=5) }}";
    assert_eq!(environment(&[]).render(&template(text), &context(adapter.clone())).unwrap(), "['b', 'a']");
    assert_eq!(
        squeezed(&adapter.asked.lock().unwrap()[0]),
        r#"select c as value from "analytics"."a" group by c order by count(*) desc limit 5"#
    );
    assert_eq!(render("{{ dbt_utils.get_column_values(ref('zz'), 'c', default=['d']) }}"), "['d']");
    assert!(error(&[], "{{ dbt_utils.get_column_values(ref('zz'), 'c') }}").what().contains("does not exist"));
}

#[test]
fn the_folder_of_dbt_utils_and_what_is_built_in_are_the_same() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("macros");
    let mut on_disk = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                on_disk.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut built_in: Vec<String> = bundled::files().map(|file| format!("{}/{}", file.package, file.path)).collect();
    on_disk.sort();
    built_in.sort();
    assert_eq!(on_disk, built_in);
}

#[test]
fn a_project_that_brings_its_own_dbt_utils_gets_that_one() {
    let mut options = options(&[]);
    options.macros.push(MacroFile {
        package: "dbt_utils".to_owned(),
        path: "macros/star.sql".to_owned(),
        text: "{% macro star(x) %}own{% endmacro %}".to_owned(),
    });
    let environment = made(options);
    assert_eq!(environment.render(&template("{{ dbt_utils.star(1) }}"), &context(Arc::new(NoAdapter))).unwrap(), "own");
    assert!(environment.find_macro("dbt_utils", "pivot").is_none());
}
