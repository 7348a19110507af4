//! Filters that give numbers.

use super::{Args, Eval, Value, Vm, kind_of, repr};
use crate::value::{self, Kind, ops};

impl Vm<'_> {
    pub(super) fn number_filter(&mut self, name: &str, input: &Value, args: Args) -> Eval<Value> {
        match name {
            "int" => self.filter_int(input, args),
            "float" => self.filter_float(input, args),
            "round" => self.round(input, args),
            "sum" => self.sum(input, args),
            "filesizeformat" => self.file_size(input, args),
            _ => {
                self.no_arguments(name, args)?;
                match kind_of(input) {
                    Kind::Int(number) => Ok(ops::integer(number.saturating_abs())),
                    Kind::Bool(flag) => Ok(Value::from(i64::from(flag))),
                    Kind::Float(number) => Ok(Value::from(number.abs())),
                    _ => Err(self.fail(format!("bad operand type for abs(): '{}'", value::type_name(input)))),
                }
            }
        }
    }

    fn sum(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("sum", &["attribute", "start"], 0))?;
        let attribute = args.given(0).filter(|value| !value.is_none()).map(|name| repr::text(&name));
        let mut total = args.given(1).unwrap_or_else(|| Value::from(0));
        for item in self.items_of(input)? {
            let item = match &attribute {
                Some(path) => self.path(&item, path)?,
                None => item,
            };
            total = self.lift(ops::arithmetic("+", &total, &item))?;
        }
        Ok(total)
    }

    /// Bytes as people read them, in steps of 1000, or of 1024 with `binary`.
    fn file_size(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("filesizeformat", &["binary"], 0))?;
        let binary = args.given(0).is_some_and(|value| value::truthy(&value));
        let bytes = match kind_of(input) {
            Kind::Int(number) => number as f64,
            Kind::Float(number) => number,
            Kind::Str(text) => text.trim().parse().map_err(|_| self.fail(format!("'{text}' is not a number")))?,
            _ => return Err(self.fail(format!("'{}' is not a number of bytes", value::type_name(input)))),
        };
        let (base, unit) = if binary { (1024.0, "iB") } else { (1000.0, "B") };
        if bytes == 1.0 {
            return Ok(Value::from("1 Byte"));
        }
        if bytes < base {
            return Ok(Value::from(format!("{} Bytes", bytes as i64)));
        }
        let mut size = bytes / base;
        let letters = if binary { "KMGTPEZY" } else { "kMGTPEZY" };
        let mut letters = letters.chars().peekable();
        let mut letter = letters.next().unwrap_or('k');
        while size >= base && letters.peek().is_some() {
            size /= base;
            letter = letters.next().unwrap_or(letter);
        }
        Ok(Value::from(format!("{size:.1} {letter}{unit}")))
    }

    fn filter_int(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("int", &["default", "base"], 0))?;
        let default = args.given(0).unwrap_or_else(|| Value::from(0));
        let base = args.given(1).and_then(|base| u32::try_from(value::integer_of(&base)?).ok()).unwrap_or(10);
        if !(2..=36).contains(&base) {
            return Err(self.fail("int() base must be between 2 and 36"));
        }
        Ok(match kind_of(input) {
            Kind::Bool(flag) => Value::from(i64::from(flag)),
            Kind::Int(_) => input.clone(),
            Kind::Float(number) if number.is_finite() => ops::integer(number.trunc() as i128),
            Kind::Str(text) => {
                let text = text.trim().replace('_', "").to_ascii_lowercase();
                let prefix = match base {
                    16 => "0x",
                    8 => "0o",
                    2 => "0b",
                    _ => "",
                };
                let text = text.strip_prefix(prefix).unwrap_or(&text);
                match i128::from_str_radix(text, base) {
                    Ok(number) => ops::integer(number),
                    // `"3.7"|int` is 3, as in Jinja.
                    Err(_) => match text.parse::<f64>() {
                        Ok(number) if base == 10 && number.is_finite() => ops::integer(number.trunc() as i128),
                        _ => default,
                    },
                }
            }
            _ => default,
        })
    }

    fn filter_float(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("float", &["default"], 0))?;
        let default = args.given(0).unwrap_or_else(|| Value::from(0.0));
        Ok(match kind_of(input) {
            Kind::Bool(flag) => Value::from(f64::from(u8::from(flag))),
            Kind::Int(number) => Value::from(number as f64),
            Kind::Float(_) => input.clone(),
            Kind::Str(text) => text.trim().parse::<f64>().map_or(default, Value::from),
            _ => default,
        })
    }

    fn round(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("round", &["precision", "method"], 0))?;
        let precision = args.given(0).and_then(|value| value::integer_of(&value)).unwrap_or(0).clamp(-300, 300);
        let method = args.given(1).map_or_else(|| "common".to_owned(), |method| repr::text(&method));
        let number = match kind_of(input) {
            Kind::Int(number) if method == "common" && precision >= 0 => return Ok(ops::integer(number)),
            Kind::Int(number) => number as f64,
            Kind::Float(number) => number,
            _ => return Err(self.fail(format!("type {} doesn't define round", value::type_name(input)))),
        };
        let scale = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
        Ok(Value::from(match method.as_str() {
            // Python rounds the exact decimal value, halves to even; formatting does just that.
            "common" if precision >= 0 => {
                let digits = usize::try_from(precision).unwrap_or(0);
                format!("{number:.digits$}").parse().unwrap_or(number)
            }
            "common" => (number * scale).round_ties_even() / scale,
            "ceil" => (number * scale).ceil() / scale,
            "floor" => (number * scale).floor() / scale,
            _ => return Err(self.fail("method must be common, ceil or floor")),
        }))
    }
}
