//! A column of a relation as templates see it (`adapter.get_columns_in_relation`, `api.Column`).

/// A column: its name and SQL type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its SQL type without arguments: `varchar`, `decimal`, `bigint`; in upper case where the adapter tells it so.
    pub dtype: String,
    /// Length of a text type, where declared.
    pub char_size: Option<u32>,
    /// Precision of a decimal type.
    pub numeric_precision: Option<u32>,
    /// Scale of a decimal type.
    pub numeric_scale: Option<i32>,
}

impl Column {
    /// A column of a type as SQL writes it: `decimal(18,2)`, `varchar(20)`, `timestamp(6) with time zone`.
    pub fn new(name: impl Into<String>, data_type: &str) -> Self {
        let lower = data_type.trim().to_ascii_lowercase();
        let mut column = Self {
            name: name.into(),
            dtype: lower.clone(),
            char_size: None,
            numeric_precision: None,
            numeric_scale: None,
        };
        let Some((base, rest)) = lower.split_once('(') else { return column };
        let Some((arguments, tail)) = rest.split_once(')') else { return column };
        let numbers: Vec<&str> = arguments.split(',').map(str::trim).collect();
        let base = base.trim();
        if base.starts_with("decimal") || base.starts_with("numeric") || base == "number" {
            column.numeric_precision = numbers.first().and_then(|n| n.parse().ok());
            column.numeric_scale = numbers.get(1).and_then(|n| n.parse().ok()).or(Some(0));
            column.dtype = base.to_owned();
        } else if tail.trim().is_empty() && (base.contains("char") || base == "text" || base == "string") {
            column.char_size = numbers.first().and_then(|n| n.parse().ok());
            column.dtype = base.to_owned();
        }
        column
    }
    /// The type as SQL writes it, with its arguments.
    pub fn data_type(&self) -> String {
        match (self.char_size, self.numeric_precision, self.numeric_scale) {
            (Some(size), _, _) => format!("{}({size})", self.dtype),
            (None, Some(precision), Some(scale)) => format!("{}({precision},{scale})", self.dtype),
            (None, Some(precision), None) => format!("{}({precision})", self.dtype),
            (None, None, _) => self.dtype.clone(),
        }
    }
    /// Whether it holds text.
    pub fn is_string(&self) -> bool {
        let t = self.dtype.to_ascii_lowercase();
        t.contains("char") || matches!(t.as_str(), "text" | "string" | "utf8" | "largeutf8" | "utf8view")
    }
    /// Whether it holds whole numbers.
    pub fn is_integer(&self) -> bool {
        let t = self.dtype.to_ascii_lowercase();
        (t.contains("int") && !t.starts_with("interval"))
            || matches!(t.as_str(), "serial" | "bigserial" | "smallserial")
    }
    /// Whether it holds exact decimals.
    pub fn is_numeric(&self) -> bool {
        let t = self.dtype.to_ascii_lowercase();
        t.starts_with("decimal") || t.starts_with("numeric") || t == "number"
    }
    /// Whether it holds binary floating point numbers.
    pub fn is_float(&self) -> bool {
        matches!(
            self.dtype.to_ascii_lowercase().as_str(),
            "float" | "float4" | "float8" | "real" | "double" | "double precision" | "float32" | "float64"
        )
    }
}
