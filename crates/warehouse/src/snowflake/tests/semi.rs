//! Functions of semi-structured values, by the values that their documentation gives.

use super::check;

#[test]
fn parsing_and_reading() {
    check(&[
        (r#"parse_json('{"b": 1.50, "a": [1, null, "x"]}')"#, r#"{"a":[1,null,"x"],"b":1.5}"#),
        ("parse_json('nope')", "error: is not JSON"),
        (
            "try_parse_json('nope'), parse_json(''), parse_json(null), check_json('[1') is not null, check_json('[1]')",
            "NULL|NULL|NULL|true|NULL",
        ),
        (
            r#"get(parse_json('{"a": {"b": 7}}'), 'a'), get_path(parse_json('{"a": {"b": [7, 8]}}'), 'a.b[1]'), sf_get(parse_json('{"a": [5]}'), 'a', 0)"#,
            r#"{"b":7}|8|5"#,
        ),
        (
            r#"get(parse_json('{"a": 1}'), 'A'), get_ignore_case(parse_json('{"a": 1}'), 'A'), get(parse_json('[1]'), 3)"#,
            "NULL|1|NULL",
        ),
        (r#"get('{"a": 1}', 'a')"#, "error: has no parts"),
        (
            r#"typeof(parse_json('1')), typeof(parse_json('1.5')), typeof(parse_json('1e2')), typeof(parse_json('"a"')), typeof(parse_json('null')), typeof(parse_json('{}')), typeof(null)"#,
            "INTEGER|DECIMAL|DOUBLE|VARCHAR|NULL_VALUE|OBJECT|NULL",
        ),
        (
            r#"is_array(parse_json('[]')), is_null_value(parse_json('null')), is_null_value(null), is_integer(parse_json('1')), is_decimal(parse_json('1')), is_double(parse_json('1'))"#,
            "true|true|NULL|true|true|true",
        ),
        (
            r#"as_integer(parse_json('1')), as_integer(parse_json('"1"')), as_varchar(parse_json('"x"')), as_decimal(parse_json('1.25'), 10, 1), as_object(parse_json('[]'))"#,
            "1|NULL|x|1.3|NULL",
        ),
        ("as_date(parse_json('1'))", "error: is not supported"),
        (
            r#"sf_cast(parse_json('"x"'), 'varchar'), sf_cast(parse_json('1.6'), 'int'), sf_cast(parse_json('"2024-05-17"'), 'date'), sf_cast(parse_json('null'), 'varchar'), sf_cast(parse_json('[1]'), 'varchar'), sf_cast(parse_json('"12.5"'), 'number(10,1)'), sf_cast(parse_json('true'), 'boolean')"#,
            "x|2|2024-05-17|NULL|[1]|12.5|true",
        ),
        (
            r#"strip_null_value(parse_json('null')) is null, to_json(parse_json('{"b":1,"a":2}')), to_variant('a'), to_variant(1.50), to_variant(to_date('2024-01-01'))"#,
            r#"true|{"a":2,"b":1}|"a"|1.5|"2024-01-01""#,
        ),
        (
            "sf_variant_compare(parse_json('10'), parse_json('9')), sf_variant_compare(parse_json('null'), parse_json('1')), sf_variant_sort_key(parse_json('10')) > sf_variant_sort_key(parse_json('9.5'))",
            "1|NULL|true",
        ),
    ]);
}

#[test]
fn objects() {
    check(&[
        (
            "object_construct('b', 1, 'a', null, 'c', 'x'), object_construct_keep_null('a', null), object_construct()",
            r#"{"b":1,"c":"x"}|{"a":null}|{}"#,
        ),
        (
            "object_insert(object_construct('a', 1), 'b', 2), object_insert(object_construct('a', 1), 'a', 2, true)",
            r#"{"a":1,"b":2}|{"a":2}"#,
        ),
        ("object_insert(object_construct('a', 1), 'a', 2)", "error: is there already"),
        (
            "object_delete(object_construct('a', 1, 'b', 2), 'a', 'z'), object_pick(object_construct('a', 1, 'b', 2), 'b'), object_keys(object_construct('b', 1, 'a', 2))",
            r#"{"b":2}|{"b":2}|["a","b"]"#,
        ),
        ("object_construct('a', 1, 'a', 2)", "error: comes twice"),
        ("object_keys(array_construct(1))", "error: is no object"),
    ]);
}

#[test]
fn arrays() {
    check(&[
        (
            "array_construct(1, null, 'x'), array_construct_compact(1, null), array_size(array_construct(1, null)), array_size(parse_json('1'))",
            r#"[1,undefined,"x"]|[1]|2|NULL"#,
        ),
        (
            "array_append(array_construct(1), 2), array_prepend(array_construct(1), 0), array_cat(array_construct(1), array_construct(2)), array_compact(array_construct(1, null))",
            "[1,2]|[0,1]|[1,2]|[1]",
        ),
        (
            "array_contains(to_variant('x'), array_construct('x')), array_position(2, array_construct(1, 2)), array_position(3, array_construct(1))",
            "true|1|NULL",
        ),
        (
            "array_distinct(array_construct(1, 1, 2)), array_intersection(array_construct(1, 1, 2), array_construct(1, 1, 3)), array_except(array_construct(1, 1, 2), array_construct(1)), arrays_overlap(array_construct(1), array_construct(1, 2))",
            "[1,2]|[1,1]|[1,2]|true",
        ),
        (
            "array_insert(array_construct(1, 3), 1, 2), array_slice(array_construct(1, 2, 3, 4), 1, -1), array_sort(array_construct(10, 9, null, 1)), array_sort(array_construct(1, 2), false), array_reverse(array_construct(1, 2))",
            "[1,2,3]|[2,3]|[1,9,10,undefined]|[2,1]|[2,1]",
        ),
        (
            "array_to_string(array_construct(1, null, 'a'), '-'), array_flatten(array_construct(array_construct(1), array_construct(2))), array_min(array_construct(10, 9)), array_max(array_construct(10, 9)), array_generate_range(1, 4), array_generate_range(5, 0, -2)",
            "1--a|[1,2]|9|10|[1,2,3]|[5,3,1]",
        ),
        ("to_array(1), to_array(array_construct(1)), to_object(parse_json('null')) is null", "[1]|[1]|true"),
        ("array_append(object_construct(), 1)", "error: is no array"),
    ]);
}

#[test]
fn flatten() {
    check(&[
        (
            r#"sf_flatten(parse_json('{"a": 1, "b": [77, 88]}'), null, false, false, 'both')"#,
            r#"[(a a NULL 1 {"a":1,"b":[77,88]}); (b b NULL [77,88] {"a":1,"b":[77,88]})]"#,
        ),
        (
            r#"sf_flatten(parse_json('{"a": 1, "b": [77, 88]}'), 'b', false, false, 'both')"#,
            "[(NULL b[0] 0 77 [77,88]); (NULL b[1] 1 88 [77,88])]",
        ),
        (
            r#"sf_flatten(parse_json('[[1], {"k x": 2}]'), null, false, true, 'both')"#,
            r#"[(NULL [0] 0 [1] [[1],{"k x":2}]); (NULL [0][0] 0 1 [1]); (NULL [1] 1 {"k x":2} [[1],{"k x":2}]); (k x [1]['k x'] NULL 2 {"k x":2})]"#,
        ),
        (
            "sf_flatten(parse_json('[]'), null, false, false, 'both'), sf_flatten(parse_json('[]'), null, true, false, 'both')",
            "[]|[(NULL  NULL NULL [])]",
        ),
        ("sf_flatten('[1]', null, false, false, 'both')", "error: flatten takes a VARIANT"),
    ]);
}
