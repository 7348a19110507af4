//! Messages as JSON: exact numbers, missing, extra and nested fields, damage.

use super::*;
use crate::contract::{ColumnType, Rules};

fn columns(names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        ty: ColumnType::Text,
        declared_type: "text".to_owned(),
        rules: Rules::default(),
    };
    names.iter().map(column).collect()
}

/// Reads one message with fields a and b; values with their kinds.
fn read(message: &[u8], extra: ExtraFields) -> Result<Vec<(Kind, String)>, &'static str> {
    // Something before and after, as in a batch.
    let input = [b"{\"a\":1}", message, b"}"].concat();
    let mut fields = Fields::new(2);
    let mut scanner = Scanner::new(&columns(&["a", "b"]), extra);
    let scanned = scanner.scan(&input, 7..7 + message.len(), &mut fields);
    if let Err(damage) = scanned {
        assert_eq!(fields.rows(), 0);
        return Err(damage.rule);
    }
    assert_eq!(fields.rows(), 1);
    let value = |column| {
        let (kind, bytes) = fields.get(&input, 0, column);
        (kind, String::from_utf8_lossy(bytes).into_owned())
    };
    Ok(vec![value(0), value(1)])
}

#[test]
fn values_keep_their_kind_and_their_text() {
    for (message, a, b) in [
        (r#"{"a":"x","b":1}"#, (Kind::Text, "x"), (Kind::Number, "1")),
        (r#" { "b" : -1.50e+2 , "a" : "" } "#, (Kind::Text, ""), (Kind::Number, "-1.50e+2")),
        (r#"{"a":true,"b":null}"#, (Kind::Literal, "true"), (Kind::Null, "null")),
        (r#"{"b":false}"#, (Kind::Null, ""), (Kind::Literal, "false")),
        ("{}", (Kind::Null, ""), (Kind::Null, "")),
        (r#"{"a":"q\"\\\n\u00fc\ud83d\ude00","b":"ü"}"#, (Kind::Text, "q\"\\\nü😀"), (Kind::Text, "ü")),
        (r#"{"\u0061":"x","b":"y"}"#, (Kind::Text, "x"), (Kind::Text, "y")),
        (r#"{"a":{"x":[1,"]}"]},"b":[]}"#, (Kind::Nested, r#"{"x":[1,"]}"]}"#), (Kind::Nested, "[]")),
    ] {
        let read = read(message.as_bytes(), ExtraFields::Quarantine);
        let expected = |(kind, text): (Kind, &str)| (kind, text.to_owned());
        assert_eq!(read, Ok(vec![expected(a), expected(b)]), "{message}");
    }
}

#[test]
fn damage_is_told_by_its_rule() {
    for (message, rule) in [
        (&b""[..], "invalid_json"),
        (b"{", "invalid_json"),
        (b"{\"a\"}", "invalid_json"),
        (b"{\"a\":}", "invalid_json"),
        (b"{\"a\":1,}", "invalid_json"),
        (b"{\"a\":1 \"b\":2}", "invalid_json"),
        (b"{\"a\":1}}", "invalid_json"),
        (b"{\"a\":1} {\"a\":2}", "invalid_json"),
        (b"{'a':1}", "invalid_json"),
        (b"{\"a\":01}", "invalid_json"),
        (b"{\"a\":1.}", "invalid_json"),
        (b"{\"a\":.5}", "invalid_json"),
        (b"{\"a\":+1}", "invalid_json"),
        (b"{\"a\":NaN}", "invalid_json"),
        (b"{\"a\":-}", "invalid_json"),
        (b"{\"a\":1e}", "invalid_json"),
        (b"{\"a\":tru}", "invalid_json"),
        (b"{\"a\":\"x}", "invalid_json"),
        (b"{\"a\":\"x\\", "invalid_json"),
        (b"{\"a\":\"x\ny\"}", "invalid_json"),
        (b"{\"a\":\"\\x\"}", "invalid_json"),
        (b"{\"a\":\"\\ud800\"}", "invalid_json"),
        (b"{\"a\":[1,}", "invalid_json"),
        (b"{\"a\":[1,2,]}", "invalid_json"),
        (b"{\"a\":{\"b\":1}", "invalid_json"),
        (b"not json", "invalid_json"),
        (b"[1,2]", "not_an_object"),
        (b"\"text\"", "not_an_object"),
        (b"12", "not_an_object"),
        (b"{\"a\":\"\xff\"}", "encoding"),
        (b"{\"a\":\"\\u0000\"}", "nul_byte"),
        (b"{\"a\":1,\"a\":2}", "duplicate_field"),
        (b"{\"c\":1}", "extra_field"),
    ] {
        assert_eq!(read(message, ExtraFields::Quarantine), Err(rule), "{}", String::from_utf8_lossy(message));
    }
}

#[test]
fn extra_fields_can_be_ignored_but_must_be_json() {
    let read = |message: &str| read(message.as_bytes(), ExtraFields::Ignore);
    assert_eq!(read(r#"{"c":{"x":1},"a":1,"c":2}"#).map(|values| values[0].1.clone()), Ok("1".to_owned()));
    assert_eq!(read(r#"{"c":{"x":},"a":1}"#), Err("invalid_json"));
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let message = [b"{\"a\":".to_vec(), vec![b'['; 1_000_000], vec![b']'; 1_000_000], b"}".to_vec()].concat();
    let outcome = read(&message, ExtraFields::Quarantine);
    assert!(outcome.is_ok() || outcome == Err("invalid_json"));
}

proptest::proptest! {
    /// We accept exactly what serde_json accepts as an object.
    #[test]
    fn accepts_what_serde_json_accepts(message in proptest::collection::vec(
        proptest::sample::select(b"{}[]:,\"a\\n01.-e+ \xc3\xbc".to_vec()), 0..12)) {
        let message = [b"{\"a\":", &message[..], b"}"].concat();
        let ours = read(&message, ExtraFields::Ignore);
        let theirs = std::str::from_utf8(&message).is_ok()
            && serde_json::from_slice::<std::collections::BTreeMap<String, IgnoredAny>>(&message).is_ok();
        // Two cases are ours: a field given twice, and NUL.
        let stricter = matches!(ours, Err("duplicate_field" | "nul_byte"));
        proptest::prop_assert!(stricter || ours.is_ok() == theirs, "{}", String::from_utf8_lossy(&message));
    }
}
