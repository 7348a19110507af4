//! `vars:` of `dbt_project.yml`: global ones and those of a package.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What `var()` sees in each package: the package's own values, then the root project's global ones, then the root
/// project's for that package. The command line's values win over all of them and are not in here.
///
/// A mapping under a package's name holds that package's values, and is a value too: packages read all of their settings
/// by `var('their_name')`, as in dbt.
pub(crate) fn by_package(
    root: &str,
    root_vars: &Map<String, Value>,
    packages: &[(&str, &Map<String, Value>)],
) -> BTreeMap<String, Map<String, Value>> {
    let of = |vars: &Map<String, Value>, package: &str| -> Map<String, Value> {
        vars.get(package).and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let mut all = BTreeMap::new();
    for (name, own) in packages {
        let mut visible = (*own).clone();
        visible.extend(of(own, name));
        visible.extend(root_vars.clone());
        visible.extend(of(root_vars, name));
        all.insert((*name).to_owned(), visible);
    }
    let mut visible = root_vars.clone();
    visible.extend(of(root_vars, root));
    all.insert(root.to_owned(), visible);
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_root_project_wins_and_package_values_win_over_global_ones() {
        let root = json!({"a": 1, "b": 1, "pkg": {"b": 2}, "shop": {"a": 5}, "m": {"x": 1}});
        let own = json!({"a": 9, "c": 9, "pkg": {"d": 9}});
        let (Value::Object(root), Value::Object(own)) = (root, own) else { unreachable!() };
        let own_and_all = |mut visible: Value| {
            for (name, value) in [("pkg", json!({"b": 2})), ("shop", json!({"a": 5})), ("m", json!({"x": 1}))] {
                visible[name] = value;
            }
            visible
        };
        let all = by_package("shop", &root, &[("pkg", &own)]);
        assert_eq!(Value::Object(all["pkg"].clone()), own_and_all(json!({"a": 1, "c": 9, "d": 9, "b": 2})));
        assert_eq!(Value::Object(all["shop"].clone()), own_and_all(json!({"a": 5, "b": 1})));
    }
}
