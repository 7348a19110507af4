//! Conditional functions, by the values that their documentation gives.

use super::check;

#[test]
fn conditions_and_nulls() {
    check(&[
        ("iff(1 = 1, 'a', 'b'), iff(null, 1, 2), iff(false, 1, 2.5)", "a|2|2.5"),
        ("iff(0 = 0, 0, sf_div(1, 0))", "0.000000"),
        ("coalesce(null, 1, sf_div(1, 0)), nvl(null, 'x'), ifnull('y', 'x')", "1.000000|x|y"),
        ("nvl2(1, 'some', 'none'), nvl2(null, 'some', 'none')", "some|none"),
        ("zeroifnull(null), zeroifnull(2.50), nullifzero(0), nullifzero(3)", "0|2.50|NULL|3"),
        ("decode(1, 1, 'one', 2, 'two', 'other'), decode(null, 1, 'one', null, 'nothing')", "one|nothing"),
        ("decode(3, 1, 'one')", "NULL"),
        ("nullif(1, 1), nullif(1, 2), nullif('a', 'b'), nullif(null, 1)", "NULL|1|a|NULL"),
        ("equal_null(null, null), equal_null(1, null), equal_null(1, 1.0)", "true|false|true"),
        ("greatest(1, 3, 2), greatest(1, null), least('b', 'a'), least_ignore_nulls(null, 2, 1)", "3|NULL|a|1"),
        ("greatest(1, 2.5)", "2.5"),
        (
            "booland(1, 0), boolor(0, null), boolor(1, null), boolxor(1, 1), booland(0, null)",
            "false|NULL|true|false|false",
        ),
        ("div0(1, 0), div0(null, 0), div0null(1, null), div0(7, 2)", "0.000000|NULL|0.000000|3.500000"),
        ("nvl(sf_cast('2.75', 'varchar'), 0), greatest(sf_cast('2.75', 'varchar'), 1)", "2.75000|2.75000"),
        ("equal_null('1.5', 2), nullif('1.5', 2), equal_null('2.0', 2)", "false|1.5|true"),
        ("nvl(to_date('2024-01-01'), 1)", "error: do not go together"),
        ("coalesce(arrow_cast(null, 'BinaryView'), to_binary('0f', 'hex'))", "0F"),
    ]);
}

#[test]
fn a_branch_that_is_not_taken_is_not_computed() {
    let rows = super::rows("select iff(x = 0, 0, sf_div(6, x)) from (values (0), (3)) as t(x) order by x");
    assert_eq!(rows.unwrap(), ["0.000000", "2.000000"]);
}
