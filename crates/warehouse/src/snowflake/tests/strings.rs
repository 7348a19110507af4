//! Functions of text, by the values that their documentation gives.

use super::check;

#[test]
fn pieces() {
    check(&[
        (
            "split('a,b,,c', ','), split_part('a.b.c', '.', 2), split_part('a.b.c', '.', -1), split_part('a.b', '.', 0), split_part('a', '.', 5)",
            r#"["a","b","","c"]|b|c|a|"#,
        ),
        (
            "strtok('a b  c', ' ', 3), strtok('a.b_c', '._', 2), strtok('a', ' ', 2), strtok_to_array('x@y.z', '@.')",
            r#"c|b|NULL|["x","y","z"]"#,
        ),
        (
            "substr('mystring', 3, 2), \"substr\"('mystring', -3), \"substr\"('abc', 0, 2), \"substr\"('abc', -5), \"substr\"('abc', 2, -1), \"substr\"('äöü', 2, 1)",
            "st|ing|ab|||ö",
        ),
        ("left('abc', 2), right('abc', 2), left('abc', -1), right('äöü', 1)", "ab|bc||ü"),
        (
            "lpad('5', 3, '0'), rpad('ab', 5, 'xy'), lpad('abcdef', 3), lpad('a', 3, ''), lpad('a', 2)",
            "005|abxyx|abc|a| a",
        ),
        ("trim('  a '), ltrim('xxay', 'x'), rtrim('a.,.', '.,'), length(trim('\ta '))", "a|ay|a|2"),
        (
            "concat('a', 1, 2.50), concat('a', null), concat_ws('-', 'a', 'b'), concat_ws('-', 'a', null)",
            "a12.50|NULL|a-b|NULL",
        ),
        ("sf_split_to_table('a-b', '-')", "[(1 a); (2 b)]"),
    ]);
}

#[test]
fn searching_and_changing() {
    check(&[
        ("charindex('b', 'abcb'), charindex('b', 'abcb', 3), charindex('x', 'abc'), position('c', 'abc')", "2|4|0|3"),
        (
            "contains('abc', 'b'), startswith('abc', 'b'), endswith('abc', 'c'), contains(null, 'a')",
            "true|false|true|NULL",
        ),
        (
            "replace('abcabc', 'b', 'x'), replace('abc', 'b'), translate('abcd', 'abc', 'xy'), repeat('ab', 3), reverse('abc'), length(space(3))",
            "axcaxc|ac|xyd|ababab|cba|3",
        ),
        ("ascii('A'), ascii(''), chr(8364), unicode('€'), length('äöü'), octet_length('äöü')", "65|0|€|8364|3|6"),
        (
            "initcap('the QUICK-brown fox'), initcap('a_b c', ' '), insert('abcdef', 3, 2, 'XY'), upper('äb'), lower('ÄB')",
            "The Quick-Brown Fox|A_b C|abXYef|ÄB|äb",
        ),
        (
            "editdistance('kitten', 'sitting'), editdistance('kitten', 'sitting', 2), jarowinkler_similarity('Snow', 'snow'), soundex('Robert'), soundex('Ashcraft')",
            "3|2|100|R163|A261",
        ),
        ("insert('abc', 0, 1, 'x')", "error: there is no place 0"),
    ]);
}

#[test]
fn regular_expressions() {
    check(&[
        (
            "regexp_like('abc', 'b'), regexp_like('abc', '.b.'), rlike('ABC', 'abc', 'i'), regexp_like('abc', 'a(')",
            "error: the pattern 'a(' cannot be used",
        ),
        ("regexp_like('abc', 'b'), regexp_like('abc', '.b.'), rlike('ABC', 'abc', 'i')", "false|true|true"),
        (
            "regexp_substr('foo42bar7', '[0-9]+'), regexp_substr('foo42bar7', '[0-9]+', 1, 2), regexp_substr('a1b2', '([a-z])([0-9])', 1, 2, 'e'), regexp_substr('a1b2', '([a-z])([0-9])', 1, 1, 'e', 2)",
            "42|7|b|1",
        ),
        ("regexp_substr('abc', 'x'), regexp_substr('ABC', 'b', 1, 1, 'i')", "NULL|B"),
        (
            r"regexp_replace('John Smith', '(\w+) (\w+)', '\2, \1'), regexp_replace('a-b-c', '-'), regexp_replace('a-b-c', '-', '+', 1, 2)",
            "Smith, John|abc|a-b+c",
        ),
        (
            "regexp_count('banana', 'a'), regexp_count('banana', 'A', 3, 'i'), regexp_instr('banana', 'an', 1, 2), regexp_instr('banana', 'an', 1, 1, 1), regexp_instr('x', 'y')",
            "3|2|4|4|0",
        ),
        ("regexp_substr_all('a1b22', '[0-9]+')", r#"["1","22"]"#),
        ("regexp_like('a', 'a', 'q')", "error: there is no parameter 'q'"),
    ]);
}

#[test]
fn digests_and_encodings() {
    check(&[
        ("md5('abc'), sha1('abc')", "900150983cd24fb0d6963f7d28e17f72|a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "sha2('abc'), length(sha2('abc', 512))",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|128",
        ),
        (
            "hex_encode('Hi'), hex_decode_string('4869'), base64_encode('Snow!'), base64_decode_string('U25vdyE='), try_base64_decode_string('*')",
            "4869|Hi|U25vdyE=|Snow!|NULL",
        ),
        (
            "hash(1) = hash(1.0), hash(1) = hash('1'), hash('a', null) = hash('a'), hash(1) = hash(sf_cast(1, 'float'))",
            "true|false|false|true",
        ),
    ]);
}
