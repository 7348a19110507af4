//! Groups, and who owns something.

use std::collections::BTreeMap;

use millstream_core::Diagnostic;

use super::properties::Entry;
use super::{Loading, columns};
use crate::manifest::{Group, Owner};
use crate::yaml::{Kind, Yaml};

const KEYS: &[&str] = &["name", "owner", "description", "config", "meta"];

/// All groups by unique id.
pub(crate) fn read(loading: &Loading, entries: &[Entry]) -> BTreeMap<String, Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.section == "groups") {
        entry.warn_unknown(loading, &entry.yaml, "a group", KEYS);
        let package = &loading.packages[entry.package].name;
        let unique_id = format!("group.{package}.{}", entry.name);
        if let Some(other) = groups.get(&unique_id) {
            loading.report(
                Diagnostic::error(
                    "duplicate",
                    format!("group '{}' occurs twice; the other one is at {}", entry.name, other.place),
                )
                .at(entry.place())
                .hint("rename or remove one of them"),
            );
            continue;
        }
        let group = Group {
            unique_id: unique_id.clone(),
            name: entry.name.clone(),
            package_name: package.clone(),
            original_file_path: entry.path.clone(),
            path: entry.relative.clone(),
            owner: owner(loading, entry, "group"),
            description: entry.yaml.get("description").and_then(Yaml::scalar_text),
            meta: columns::meta(entry, &entry.yaml, loading),
            place: entry.place(),
        };
        groups.insert(unique_id, group);
    }
    groups
}

/// The `owner:` of a group or exposure: name or email must be there.
pub(crate) fn owner(loading: &Loading, entry: &Entry, what: &str) -> Owner {
    let Some(yaml) = entry.yaml.get("owner").filter(|owner| matches!(owner.kind, Kind::Map(_))) else {
        loading.report(
            Diagnostic::error("missing-owner", format!("{what} '{}' has no 'owner'", entry.name))
                .at(entry.place())
                .hint("add 'owner: {name: …, email: …}'"),
        );
        return Owner::default();
    };
    let email = match yaml.get("email") {
        Some(list) if matches!(list.kind, Kind::List(_)) => {
            let all: Vec<String> = list.items().iter().filter_map(Yaml::scalar_text).collect();
            Some(all.join(", "))
        }
        other => other.and_then(Yaml::scalar_text),
    };
    let mut extra = yaml.to_json_map();
    extra.shift_remove("name");
    extra.shift_remove("email");
    let owner = Owner { name: yaml.get("name").and_then(Yaml::scalar_text), email, extra };
    if owner.name.is_none() && owner.email.is_none() {
        loading.report(
            Diagnostic::error(
                "missing-owner",
                format!("the owner of {what} '{}' has neither name nor email", entry.name),
            )
            .at(yaml.at.in_file(&entry.file))
            .hint("add 'name: …' or 'email: …'"),
        );
    }
    owner
}
