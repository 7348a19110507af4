//! `-X key=value`: settings of librdkafka.

use std::convert::Infallible;
use std::str::FromStr;

use millstream_core::{Error, Result};

/// One setting as it was typed. It may hold a secret: debug output leaves it out, and it is split after the command line
/// was parsed, because clap repeats a value that it refuses.
#[derive(Clone, PartialEq, Eq)]
pub struct Property(String);

impl Property {
    /// Name and value, for example `security.protocol` and `SASL_SSL`.
    ///
    /// # Errors
    /// Kind `usage` when it is not `KEY=VALUE`; the text is not repeated.
    pub fn split(&self) -> Result<(String, String)> {
        match self.0.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
            _ => Err(Error::usage("-X wants KEY=VALUE").hint("for example -X security.protocol=SASL_SSL")),
        }
    }

    /// Splits all of them.
    pub fn split_all(properties: &[Self]) -> Result<Vec<(String, String)>> {
        properties.iter().map(Self::split).collect()
    }
}

impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Property(…)")
    }
}

impl FromStr for Property {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_equal_signs_and_never_print() {
        let Ok(property) = "sasl.password=a=b".parse::<Property>();
        assert!(property.split().is_ok_and(|split| split == ("sasl.password".to_owned(), "a=b".to_owned())));
        assert!(!format!("{property:?}").contains("a=b"));
        let Ok(wrong) = "hunter2".parse::<Property>();
        assert!(wrong.split().is_err_and(|error| !error.to_string().contains("hunter2")));
    }
}
