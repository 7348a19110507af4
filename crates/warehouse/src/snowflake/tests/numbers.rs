//! Functions of numbers, by the values that their documentation gives.

use super::check;

#[test]
fn rounding() {
    check(&[
        (
            "round(2.5), round(-2.5), round(1.255, 2), round(1234, -2), round(2.5, 0, 'HALF_TO_EVEN')",
            "3|-3|1.26|1200|2",
        ),
        ("round(sf_cast('2.5', 'float')), round(null), round(1.5, null)", "3|NULL|NULL"),
        (
            "trunc(1.999, 2), trunc(-1.5), \"ceil\"(1.21, 1), \"floor\"(-1.21, 1), ceil(-1.5), \"floor\"(125, -1)",
            "1.99|-1|1.3|-1.3|-1|120",
        ),
        ("mod(7, 3), mod(-7, 3), mod(7.5, 2), sign(-2.5), sign(0), abs(-3.10), square(3)", "1|-1|1.5|-1|0|3.10|9"),
        ("mod(1, 0)", "error: division by zero"),
    ]);
}

#[test]
fn arithmetic() {
    check(&[
        ("sf_div(1, 3), sf_div(2, 3), sf_div(10.25, 4), sf_div(-1, 3)", "0.333333|0.666667|2.56250000|-0.333333"),
        ("sf_div(sf_cast(1, 'float'), 4), sf_mul(1.1, 2.2)", "0.25|2.42"),
        ("sf_div(1, 0)", "error: division by zero"),
        (
            "factorial(5), factorial(33), width_bucket(5, 0, 10, 5), width_bucket(-1, 0, 10, 5), width_bucket(10, 0, 10, 5)",
            "120|8683317618811886495518194401280000000|3|0|6",
        ),
        (
            "bitand(6, 3), bitor(6, 3), bitxor(6, 3), bitnot(0), bitshiftleft(1, 4), bitshiftright(16, 2)",
            "2|7|5|-1|16|4",
        ),
        ("sqrt(16), cbrt(27), power(2, 10), log(10, 1000), exp(0), ln(1)", "4|3|1024|3|1|0"),
        ("sqrt(-1)", "error: has no value for -1"),
        ("round(haversine(40.7127, -74.0059, 34.0500, -118.2500), 3)", "3936.385"),
    ]);
}

#[test]
fn casts() {
    check(&[
        (
            "to_number('12.5'), to_number('12.5', 10, 1), to_number('-0.005', 10, 2), to_decimal('1,234.50', '9,999.99', 10, 2)",
            "13|12.5|-0.01|1234.50",
        ),
        ("to_number('x')", "error: 'x' is not a number"),
        ("try_to_number('x'), try_to_number('1e2'), try_to_number('1000', 3, 0)", "NULL|100|NULL"),
        ("to_number('1000', 3, 0)", "error: does not fit NUMBER(3,0)"),
        (
            "sf_cast(1.5, 'int'), sf_cast('2.5', 'int'), sf_cast(-0.5, 'int'), sf_cast('99999999999999999999', 'number(38,0)')",
            "2|3|-1|99999999999999999999",
        ),
        ("sf_cast('99999999999999999999', 'int')", "error: does not fit an integer"),
        ("to_boolean('yes'), to_boolean('OFF'), to_boolean(2), try_to_boolean('maybe')", "true|false|true|NULL"),
        ("to_boolean('maybe')", "error: is not a boolean"),
        ("to_double('1.5e3'), try_to_double('x'), to_double(true)", "1500|NULL|1"),
        (
            "to_varchar(1.50), to_varchar(sf_cast(1, 'float')), to_varchar(true), to_char(1234.5, '9,999.00'), to_char(-5, 'S000')",
            "1.50|1|true| 1,234.50|-005",
        ),
        ("sf_cast('abcdef', 'varchar(3)')", "error: longer than the 3 characters"),
        ("sf_try_cast('abcdef', 'varchar(3)'), sf_cast(12, 'varchar'), sf_cast(null, 'number(10,2)')", "NULL|12|NULL"),
        ("to_varchar(to_binary('48656C6C6F', 'hex'), 'utf-8'), to_binary('SGk=', 'base64')", "Hello|4869"),
        ("sf_cast(1, 'number(40,0)')", "error: there is no NUMBER(40,0)"),
        ("sf_cast(1, 'geography')", "error: 'geography' is not a type"),
    ]);
}

#[test]
fn chance() {
    let seeded = || super::rows("select random(42) as r from generate_series(1, 3)").unwrap();
    assert_eq!(seeded(), seeded());
    let distinct = "select count(distinct r) from (select random() as r from generate_series(1, 20000))";
    assert_eq!(super::rows(distinct).unwrap(), ["20000"]);
    let bounds = "select min(u), max(u), count(distinct u) from (select uniform(1, 6, random(1)) as u from generate_series(1, 1000))";
    assert_eq!(super::rows(bounds).unwrap(), ["1|6|6"]);
    check(&[
        ("length(randstr(5, 1)), randstr(5, 1) = randstr(5, 1)", "5|true"),
        (
            "length(uuid_string()), uuid_string('fe971b24-9572-4005-b22f-351e9c09274d', 'foo')",
            "36|dc0b6f65-fca6-5b4b-9d37-ccc3fde1f3e2",
        ),
    ]);
}
