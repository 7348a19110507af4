-- JSON null is not SQL null until it is cast; paths are case-sensitive although columns are not.
with documents as (
    select column1 as id, parse_json(column2) as v
    from values
        (1, '{"a": {"B": "x", "c": [10, 20, {"d": true}]}, "n": null, "t": "5", "f": 1.50}'),
        (2, '{"a": {"b": "y"}, "t": "2025-01-06", "f": 2}'),
        (3, '[1, "two", null]'),
        (4, null)
)

select
    id,
    v:a.B::string as exact_case,
    V:a.b::string as other_case,
    v:a.c[1]::int as second_element,
    v:a.c[2].d::boolean as nested_flag,
    get_path(v, 'a.c[0]')::int as by_path,
    v['a']['c'][0]::int as by_brackets,
    get(v, 'f')::number(6, 2) as f_number,
    v:n is null as n_is_sql_null,
    is_null_value(v:n) as n_is_json_null,
    v:n::string is null as n_as_text_is_null,
    v:missing is null as missing_is_null,
    typeof(v) as type_of_document,
    typeof(v:t) as type_of_t,
    try_to_number(v:t::string) as t_number,
    array_size(v) as elements,
    v[1]::string as second_item,
    try_parse_json('{"open": ') is null as broken_is_null
from documents
