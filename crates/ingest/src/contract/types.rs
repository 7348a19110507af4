//! Column types of a contract: the SQL names they go by and the Arrow types they are stored as.
//!
//! Deliberately few: what a file or a message can carry exactly. Anything else is a model's business.

use arrow::datatypes::{DataType, TimeUnit};

/// The type of a contract's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text; stored as `Utf8`.
    Text,
    /// Exact decimal; stored as `Decimal128(precision, scale)`.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// `true` or `false` in any case, `1` or `0`.
    Boolean,
    /// `YYYY-MM-DD`; stored as `Date32`.
    Date,
    /// ISO-8601 instant, UTC when it has no offset; stored as microseconds with zone `UTC`.
    Timestamp,
    /// 64-bit float. Never use it for money.
    Double,
}

/// Type names, for messages about an unknown one.
pub(crate) const KNOWN_TYPES: &str = "varchar, varchar(n), text, decimal(p,s), integer, bigint, boolean, date, \
                                      timestamp, double";

/// A type as declared: the type, and the length limit that `varchar(n)` carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedType {
    pub(crate) ty: ColumnType,
    pub(crate) max_length: Option<usize>,
}

impl ColumnType {
    /// The Arrow type that the raw table stores.
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::Text => DataType::Utf8,
            // A scale is at most 38, so that the cast cannot wrap.
            ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnType::Double => DataType::Float64,
        }
    }
}

/// Reads a SQL type name; the error says what is wrong with it.
pub(crate) fn parse(declared: &str) -> Result<ParsedType, String> {
    let lower = declared.trim().to_ascii_lowercase();
    let (name, arguments) = match lower.split_once('(') {
        None => (lower.trim(), Vec::new()),
        Some((name, rest)) => {
            let inner = rest.trim_end().strip_suffix(')').ok_or_else(|| format!("type '{declared}' has no ')'"))?;
            let arguments: Result<Vec<u32>, _> = inner.split(',').map(|part| part.trim().parse::<u32>()).collect();
            (name.trim(), arguments.map_err(|_| format!("type '{declared}' has arguments that are not whole numbers"))?)
        }
    };
    let plain = |ty| {
        if arguments.is_empty() {
            Ok(ParsedType { ty, max_length: None })
        } else {
            Err(format!("type '{name}' takes no arguments"))
        }
    };
    match name {
        "text" | "string" | "varchar" | "character varying" | "char" | "nvarchar" => match arguments.as_slice() {
            [] => Ok(ParsedType { ty: ColumnType::Text, max_length: None }),
            [length] => Ok(ParsedType { ty: ColumnType::Text, max_length: Some(*length as usize) }),
            _ => Err(format!("type '{declared}' takes one length")),
        },
        "decimal" | "numeric" | "number" => decimal(declared, &arguments),
        "integer" | "int" | "int4" => plain(ColumnType::Int32),
        "bigint" | "int8" => plain(ColumnType::Int64),
        "boolean" | "bool" => plain(ColumnType::Boolean),
        "date" => plain(ColumnType::Date),
        "double" | "double precision" | "float8" | "float" => plain(ColumnType::Double),
        "timestamp" | "timestamptz" | "timestamp with time zone" | "timestamp_ntz" | "timestamp_tz" | "datetime" => {
            match arguments.as_slice() {
                [] | [6] => Ok(ParsedType { ty: ColumnType::Timestamp, max_length: None }),
                _ => Err(format!("type '{declared}': timestamps have microseconds, write timestamp or timestamp(6)")),
            }
        }
        _ => Err(format!("type '{declared}' is not known; known: {KNOWN_TYPES}")),
    }
}

fn decimal(declared: &str, arguments: &[u32]) -> Result<ParsedType, String> {
    let (precision, scale) = match arguments {
        [precision] => (*precision, 0),
        [precision, scale] => (*precision, *scale),
        _ => return Err(format!("type '{declared}' must say its digits, for example decimal(18,2)")),
    };
    if precision == 0 || precision > 38 {
        return Err(format!("type '{declared}': the digits in all must be 1 to 38"));
    }
    if scale > precision {
        return Err(format!("type '{declared}': more digits after the point than in all"));
    }
    // Both are at most 38 here.
    Ok(ParsedType { ty: ColumnType::Decimal { precision: precision as u8, scale: scale as u8 }, max_length: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_users_write_are_known() {
        let text = |max_length| Ok(ParsedType { ty: ColumnType::Text, max_length });
        assert_eq!(parse("varchar"), text(None));
        assert_eq!(parse(" VARCHAR(3) "), text(Some(3)));
        let decimal = ColumnType::Decimal { precision: 18, scale: 2 };
        assert_eq!(parse("DECIMAL(18, 2)"), Ok(ParsedType { ty: decimal, max_length: None }));
        assert_eq!(parse("timestamp(6)").map(|p| p.ty), Ok(ColumnType::Timestamp));
    }

    #[test]
    fn a_type_that_cannot_be_kept_is_told() {
        for (declared, expected) in [
            ("decimal", "must say its digits"),
            ("decimal(39,2)", "1 to 38"),
            ("decimal(4,5)", "more digits after the point"),
            ("geometry", "is not known; known: varchar"),
            ("varchar(x)", "not whole numbers"),
            ("varchar(3", "no ')'"),
            ("timestamp(9)", "microseconds"),
            ("date(3)", "takes no arguments"),
        ] {
            let error = parse(declared).err().unwrap_or_default();
            assert!(error.contains(expected), "{declared}: {error}");
        }
    }
}
