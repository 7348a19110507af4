//! `-X key=value`: settings of librdkafka.

use std::str::FromStr;

use millstream_core::Error;

/// One setting. Values may be secrets, so that debug output leaves them out.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name, for example `security.protocol`.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

impl FromStr for Property {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.to_owned() })
            }
            // The text is not repeated: it may hold a secret.
            _ => Err(Error::usage("not KEY=VALUE; for example -X security.protocol=SASL_SSL")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_equal_signs_and_never_print() {
        let property: Property = "sasl.password=a=b".parse().unwrap();
        assert_eq!((property.key.as_str(), property.value.as_str()), ("sasl.password", "a=b"));
        assert_eq!(format!("{property:?}"), "sasl.password=…");
        assert!("secret".parse::<Property>().is_err_and(|error| !error.to_string().contains("secret")));
    }
}
