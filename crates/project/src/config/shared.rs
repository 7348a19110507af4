//! Typed configurations, each made once: most nodes of a project have one of a few.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use millstream_core::Diagnostics;
use serde_json::Value;

use super::merge::Settings;
use super::typed;
use crate::manifest::{NodeConfig, ResourceType};

/// Configurations that were made, by what they were made from.
#[derive(Debug, Default)]
pub(crate) struct Configs {
    made: Mutex<HashMap<u64, Vec<Made>>>,
    hasher: std::hash::RandomState,
}

#[derive(Debug)]
struct Made {
    kind: ResourceType,
    settings: Vec<(String, Value)>,
    config: Arc<NodeConfig>,
}

impl Made {
    fn is_of(&self, kind: ResourceType, settings: &Settings) -> bool {
        let same = |((name, value), known): ((&String, &super::merge::Setting), &(String, Value))| {
            *name == known.0 && value.value == known.1
        };
        self.kind == kind && self.settings.len() == settings.len() && settings.iter().zip(&self.settings).all(same)
    }
}

impl Configs {
    /// As [`typed::node_config`]. Settings that have problems are read each time, since problems have places.
    pub(crate) fn of(&self, kind: ResourceType, settings: &Settings, diagnostics: &mut Diagnostics) -> Arc<NodeConfig> {
        let mut hasher = self.hasher.build_hasher();
        kind.as_str().hash(&mut hasher);
        for (name, setting) in settings {
            (name, &setting.value).hash(&mut hasher);
        }
        let key = hasher.finish();
        let known = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known.get(&key).into_iter().flatten().find(|made| made.is_of(kind, settings)) {
            return made.config.clone();
        }
        drop(known);
        let mut problems = Diagnostics::new();
        let config = Arc::new(typed::node_config(kind, settings, &mut problems));
        if problems.is_empty() {
            let settings = settings.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect();
            let made = Made { kind, settings, config: config.clone() };
            self.made.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().push(made);
        }
        diagnostics.extend(problems);
        config
    }
}

#[cfg(test)]
mod tests {
    use millstream_core::Place;
    use serde_json::json;

    use super::*;
    use crate::config::merge::Setting;

    fn settings(line: u32, value: Value) -> Settings {
        let setting = Setting { value, place: Place::line("a.yml", line) };
        [("materialized".to_owned(), setting)].into_iter().collect()
    }

    #[test]
    fn the_same_settings_give_the_same_configuration() {
        let configs = Configs::default();
        let of = |kind, line, value| {
            let mut problems = Diagnostics::new();
            let config = configs.of(kind, &settings(line, value), &mut problems);
            (config, problems.sorted().len())
        };
        let (table, _) = of(ResourceType::Model, 1, json!("table"));
        assert!(Arc::ptr_eq(&table, &of(ResourceType::Model, 2, json!("table")).0), "wherever they stand");
        assert_eq!(of(ResourceType::Model, 1, json!("view")).0.materialized, "view");
        assert_eq!(of(ResourceType::Seed, 1, json!("table")).0.values.get("delimiter"), Some(&json!(",")));
        assert_eq!(of(ResourceType::Model, 1, json!([1])).1, 1);
        assert_eq!(of(ResourceType::Model, 2, json!([1])).1, 1, "each place is told");
    }
}
