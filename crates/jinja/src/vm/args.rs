//! The arguments of a call, and how a function takes them.

use indexmap::IndexMap;

use crate::value::Value;

/// Arguments by position and by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Value>,
    pub(crate) named: IndexMap<String, Value>,
}

/// Arguments that were matched to parameters.
#[derive(Debug)]
pub(crate) struct Matched(Vec<Option<Value>>);

impl Args {
    pub(crate) fn positional(positional: Vec<Value>) -> Self {
        Self { positional, named: IndexMap::new() }
    }

    /// Matches them to `parameters`, the first `required` of which must be there. Refuses what Python refuses.
    pub(crate) fn bind(mut self, function: &str, parameters: &[&str], required: usize) -> Result<Matched, String> {
        if self.positional.len() > parameters.len() {
            return Err(format!(
                "{function}() takes at most {} argument{} ({} given)",
                parameters.len(),
                if parameters.len() == 1 { "" } else { "s" },
                self.positional.len()
            ));
        }
        let mut values: Vec<Option<Value>> = self.positional.into_iter().map(Some).collect();
        values.resize(parameters.len(), None);
        for (slot, name) in values.iter_mut().zip(parameters) {
            if let Some(value) = self.named.shift_remove(*name) {
                if slot.is_some() {
                    return Err(format!("{function}() got multiple values for argument '{name}'"));
                }
                *slot = Some(value);
            }
        }
        if let Some(name) = self.named.keys().next() {
            return Err(format!("{function}() got an unexpected keyword argument '{name}'"));
        }
        match values.iter().take(required).position(Option::is_none) {
            Some(missing) => Err(format!("{function}() missing required argument '{}'", parameters[missing])),
            None => Ok(Matched(values)),
        }
    }

    /// All of these and nothing else.
    pub(crate) fn exactly<const N: usize>(self, function: &str, parameters: [&str; N]) -> Result<[Value; N], String> {
        let mut matched = self.bind(function, &parameters, N)?;
        Ok(std::array::from_fn(|at| matched.take(at)))
    }

    /// Nothing.
    pub(crate) fn none(self, function: &str) -> Result<(), String> {
        self.bind(function, &[], 0).map(|_| ())
    }
}

impl Matched {
    /// The argument, or undefined.
    pub(crate) fn take(&mut self, at: usize) -> Value {
        self.given(at).unwrap_or_default()
    }
    /// The argument, if it was given.
    pub(crate) fn given(&mut self, at: usize) -> Option<Value> {
        self.0.get_mut(at).and_then(Option::take)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_are_matched_as_python_matches_them() {
        let mut args = Args::positional(vec![Value::from(1)]);
        args.named.insert("b".to_owned(), Value::from(2));
        let mut matched = args.clone().bind("f", &["a", "b", "c"], 2).unwrap();
        assert_eq!(matched.take(0), Value::from(1));
        assert_eq!(matched.take(1), Value::from(2));
        assert!(matched.given(2).is_none());
        assert!(args.clone().bind("f", &["b"], 1).unwrap_err().contains("multiple values"));
        assert!(args.clone().bind("f", &["a"], 1).unwrap_err().contains("unexpected keyword argument 'b'"));
        assert!(args.clone().bind("f", &["a", "b", "c"], 3).unwrap_err().contains("missing required argument 'c'"));
        assert!(args.none("f").unwrap_err().contains("takes at most 0"));
    }
}
