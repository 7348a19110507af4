//! Settings of connections, whose values nobody may read in an artefact: passwords are among them, and which ones is the
//! client library's to know. Their names stay.

use serde_json::Value;

/// What stands for a value.
const HIDDEN: &str = "***";

/// Hides the values of `millstream: {properties: …}` wherever it is declared.
pub(super) fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.get_mut("properties").filter(|_| name == "millstream") {
                    Some(Value::Object(properties)) => properties.values_mut().for_each(|value| *value = HIDDEN.into()),
                    Some(Value::Null) => {}
                    Some(odd) => *odd = HIDDEN.into(),
                    None => hide(member),
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(hide),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_properties_stay_and_their_values_do_not() {
        let declared = |properties: Value| {
            let meta = json!({"owner": "x", "millstream": {"topic": "t", "properties": properties}});
            json!({"name": "s", "meta": meta, "config": {"meta": meta}, "all": [{"meta": meta}]})
        };
        let mut shown = declared(json!({"sasl.password": "hunter2", "x": 1}));
        hide(&mut shown);
        assert_eq!(shown, declared(json!({"sasl.password": "***", "x": "***"})));
        let mut odd = declared(json!("hunter2"));
        hide(&mut odd);
        assert_eq!(odd, declared(json!("***")));
        let mut none = declared(Value::Null);
        hide(&mut none);
        assert_eq!(none, declared(Value::Null));
        let mut columns = json!({"properties": {"a": 1}, "millstream": {"topic": "t"}});
        hide(&mut columns);
        assert_eq!(columns, json!({"properties": {"a": 1}, "millstream": {"topic": "t"}}));
    }
}
