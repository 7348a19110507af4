//! Names of SQL types and the Arrow types that stand behind them.
//!
//! Guarantees: [`arrow_type`] of [`sql_type`] is the same type, for every type that a seed, a contract or a
//! template can name. Deliberately absent: nested types; templates see them by Arrow's own name.

use arrow::datatypes::{DataType, TimeUnit};
use millstream_core::warehouse::Dialect;

/// The SQL name of a column's type, in lower case: `varchar`, `decimal(18,2)`, `timestamp`.
pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "bigint".into(),
        DataType::UInt8 => "utinyint".into(),
        DataType::UInt16 => "usmallint".into(),
        DataType::UInt32 => "uinteger".into(),
        DataType::UInt64 => "ubigint".into(),
        DataType::Float16 | DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Time32(_) | DataType::Time64(_) => "time".into(),
        DataType::Timestamp(_, None) => "timestamp".into(),
        DataType::Timestamp(_, Some(_)) => "timestamptz".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "varbinary".into(),
        DataType::Dictionary(_, values) => sql_type(values),
        // How the warehouse keeps Snowflake's VARIANT.
        DataType::Struct(fields) if fields.len() == 1 && fields[0].name() == "variant" => "variant".into(),
        other => other.to_string().to_lowercase(),
    }
}

/// The name that Snowflake tells for it (`describe table`): `NUMBER(38,0)`, `VARCHAR`, `TIMESTAMP_NTZ`.
pub(crate) fn snowflake_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("NUMBER({precision},{scale})")
        }
        whole if whole.is_integer() => "NUMBER(38,0)".into(),
        float if float.is_floating() => "FLOAT".into(),
        DataType::Timestamp(_, None) => "TIMESTAMP_NTZ".into(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP_TZ".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BINARY".into(),
        other => sql_type(other).to_uppercase(),
    }
}

/// The Arrow type behind a SQL name; `None` for a name that is not known. Lengths of text types are ignored, a bare
/// `decimal` is `decimal(38,10)`, and `timestamp` has microseconds.
pub(crate) fn arrow_type(name: &str) -> Option<DataType> {
    let name = name.trim().to_lowercase();
    let (base, arguments) = match name.split_once('(') {
        Some((base, rest)) => {
            let (inside, tail) = rest.split_once(')')?;
            (format!("{}{}", base.trim(), tail), inside.split(',').map(|n| n.trim().to_owned()).collect())
        }
        None => (name, Vec::new()),
    };
    let base = base.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(match base.as_str() {
        "varchar" | "text" | "string" | "char" | "character" | "character varying" | "nvarchar" | "bpchar" => {
            DataType::Utf8
        }
        // As the warehouse takes them in a cast.
        "json" | "jsonb" | "uuid" => DataType::Utf8,
        "boolean" | "bool" => DataType::Boolean,
        "tinyint" | "int1" => DataType::Int8,
        "smallint" | "int2" => DataType::Int16,
        "integer" | "int" | "int4" => DataType::Int32,
        "bigint" | "int8" | "long" => DataType::Int64,
        "utinyint" => DataType::UInt8,
        "usmallint" => DataType::UInt16,
        "uinteger" => DataType::UInt32,
        "ubigint" => DataType::UInt64,
        "float" | "real" | "float4" => DataType::Float32,
        "double" | "double precision" | "float8" => DataType::Float64,
        "decimal" | "numeric" | "number" => match arguments.as_slice() {
            [] => DataType::Decimal128(38, 10),
            [precision] => DataType::Decimal128(digits(precision)?, 0),
            [precision, scale] => {
                let (precision, scale) = (digits(precision)?, scale.parse().ok()?);
                (scale >= 0 && i16::from(scale) <= i16::from(precision))
                    .then_some(DataType::Decimal128(precision, scale))?
            }
            _ => return None,
        },
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" | "datetime" | "timestamp_ntz" | "timestamp without time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        "timestamptz" | "timestamp_tz" | "timestamp with time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        "varbinary" | "binary" | "bytea" | "blob" => DataType::Binary,
        _ => return None,
    })
}

/// The Arrow type behind a name in a dialect. In Snowflake's a bare `number` has no fraction, whole numbers have 64 bits
/// and floats are doubles.
pub(crate) fn arrow_type_in(dialect: Dialect, name: &str) -> Option<DataType> {
    if dialect == Dialect::Native {
        return arrow_type(name);
    }
    Some(match name.trim().to_lowercase().as_str() {
        "number" | "decimal" | "numeric" => DataType::Decimal128(38, 0),
        "int" | "integer" | "bigint" | "smallint" | "tinyint" | "byteint" => DataType::Int64,
        "float" | "float4" | "float8" | "double" | "double precision" | "real" => DataType::Float64,
        "timestamp_ltz" => return arrow_type("timestamptz"),
        other => return arrow_type(other),
    })
}

fn digits(text: &str) -> Option<u8> {
    text.parse().ok().filter(|digits| (1..=38).contains(digits))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_and_types_agree_both_ways() {
        for name in [
            "varchar",
            "boolean",
            "tinyint",
            "smallint",
            "integer",
            "bigint",
            "float",
            "double",
            "decimal(18,2)",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "varbinary",
        ] {
            assert_eq!(sql_type(&arrow_type(name).unwrap()), name);
        }
    }

    #[test]
    fn snowflake_tells_its_own_names() {
        for (name, told) in [
            ("bigint", "NUMBER(38,0)"),
            ("decimal(18,2)", "NUMBER(18,2)"),
            ("double", "FLOAT"),
            ("varchar", "VARCHAR"),
            ("timestamp", "TIMESTAMP_NTZ"),
            ("boolean", "BOOLEAN"),
        ] {
            assert_eq!(snowflake_type(&arrow_type(name).unwrap()), told);
        }
    }

    #[test]
    fn other_spellings_and_nonsense() {
        assert_eq!(arrow_type("VARCHAR(20)"), Some(DataType::Utf8));
        assert_eq!(arrow_type("jsonb"), Some(DataType::Utf8));
        assert_eq!(arrow_type("timestamp(6) with time zone"), arrow_type("timestamptz"));
        assert_eq!(arrow_type("number(10)"), Some(DataType::Decimal128(10, 0)));
        for nonsense in ["decimal(39,2)", "decimal(4,5)", "decimal(a)", "geography", "varchar(3", ""] {
            assert_eq!(arrow_type(nonsense), None, "{nonsense}");
        }
    }
}
