//! RANDOM and what is drawn by it. Sources: Snowflake's pages "RANDOM", "UNIFORM", "NORMAL", "RANDSTR", "ZIPF",
//! "UUID_STRING". With a seed, rows get the same numbers in every run (on one thread: in the order in which rows come);
//! the numbers themselves differ from Snowflake's. What is drawn depends only on the generator's value.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::scalar::{Call, Function, Types, float, function, int, never, text};
use super::super::types::{is_integer, user};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["random"], 0, 1, int, never).volatile().rewritten(random),
    function(&["uniform"], 3, 3, uniform_type, uniform),
    function(&["normal"], 3, 3, float, normal),
    function(&["randstr"], 2, 2, text, randstr),
    function(&["zipf"], 3, 3, int, zipf),
    function(&["uuid_string"], 0, 2, text, uuid_string).volatile(),
];

/// Elements of ZIPF above which the sum of its weights would take too long.
const ZIPF_ELEMENTS_MAX: i64 = 1_000_000;

/// Characters of a RANDSTR.
const RANDSTR_LENGTH_MAX: i64 = 16 * 1024 * 1024;

/// Mixes a number well: the finalizer of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A float from 0 up to but not 1.
fn fraction(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// A number that no other query has: the one place where chance comes from.
fn fresh_seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

/// One RANDOM of one query; it counts the rows that it has given numbers to.
#[derive(Debug)]
struct Random {
    seed: u64,
    id: u64,
    next: AtomicU64,
    signature: Signature,
}

impl PartialEq for Random {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
impl Eq for Random {}
impl Hash for Random {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl ScalarUDFImpl for Random {
    fn name(&self) -> &str {
        "random"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows as u64;
        let first = self.next.fetch_add(rows, Ordering::Relaxed);
        let values = (first..first + rows).map(|row| mix(self.seed ^ mix(row)) as i64);
        Ok(ColumnarValue::Array(Arc::new(Int64Array::from_iter_values(values))))
    }
}

fn random(name: &str, args: Vec<Expr>, _: &SimplifyContext) -> Result<Expr> {
    static INSTANCES: AtomicU64 = AtomicU64::new(0);
    let seed = match args.first() {
        None => fresh_seed(),
        Some(Expr::Literal(value, _)) => match value.cast_to(&DataType::Int64)? {
            datafusion::common::ScalarValue::Int64(Some(value)) => mix(value as u64),
            _ => return Err(user(format!("{name}: the seed must be a whole number"))),
        },
        Some(_) => return Err(user(format!("{name}: the seed must be a constant"))),
    };
    let one = Random {
        seed,
        id: INSTANCES.fetch_add(1, Ordering::Relaxed),
        next: AtomicU64::new(0),
        signature: Signature::nullary(Volatility::Volatile),
    };
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(one)), Vec::new())))
}

fn uniform_type(types: &Types<'_>) -> Result<DataType> {
    let whole = |index: usize| is_integer(types.of(index)) || matches!(types.of(index), DataType::Decimal128(_, 0));
    Ok(if whole(0) && whole(1) { DataType::Int64 } else { DataType::Float64 })
}

fn uniform(call: &Call<'_>) -> Result<ArrayRef> {
    let draws = call.int(2)?;
    if *call.return_type == DataType::Int64 {
        let (lows, highs) = (call.int(0)?, call.int(1)?);
        return call.ints(|row| {
            let (Some(low), Some(high), Some(draw)) = (lows.get(row), highs.get(row), draws.get(row)) else {
                return Ok(None);
            };
            if low > high {
                return Err(call.error("the minimum is above the maximum"));
            }
            let count = i128::from(high) - i128::from(low) + 1;
            let offset = (i128::from(mix(draw as u64)) * count) >> 64;
            Ok(i64::try_from(i128::from(low) + offset).ok())
        });
    }
    let (lows, highs) = (call.float(0)?, call.float(1)?);
    call.floats(|row| {
        let (Some(low), Some(high), Some(draw)) = (lows.get(row), highs.get(row), draws.get(row)) else {
            return Ok(None);
        };
        Ok(Some(low + fraction(mix(draw as u64)) * (high - low)))
    })
}

fn normal(call: &Call<'_>) -> Result<ArrayRef> {
    let (means, deviations, draws) = (call.float(0)?, call.float(1)?, call.int(2)?);
    call.floats(|row| {
        let (Some(mean), Some(deviation), Some(draw)) = (means.get(row), deviations.get(row), draws.get(row)) else {
            return Ok(None);
        };
        // Box and Muller's two uniform numbers from one draw.
        let first = 1.0 - fraction(mix(draw as u64));
        let second = fraction(mix(mix(draw as u64)));
        let standard = (-2.0 * first.ln()).sqrt() * (2.0 * std::f64::consts::PI * second).cos();
        Ok(Some(mean + deviation * standard))
    })
}

fn randstr(call: &Call<'_>) -> Result<ArrayRef> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (lengths, draws) = (call.int(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(length), Some(draw)) = (lengths.get(row), draws.get(row)) else { return Ok(false) };
        if length > RANDSTR_LENGTH_MAX {
            return Err(call.error(format!("the length is above {RANDSTR_LENGTH_MAX}")));
        }
        let mut state = draw as u64;
        for _ in 0..length.max(0) {
            state = mix(state);
            out.push(char::from(LETTERS[(state % 62) as usize]));
        }
        Ok(true)
    })
}

fn zipf(call: &Call<'_>) -> Result<ArrayRef> {
    let (exponents, counts, draws) = (call.float(0)?, call.int(1)?, call.int(2)?);
    let mut sums: Option<(f64, i64, Vec<f64>)> = None;
    call.ints(|row| {
        let (Some(exponent), Some(count), Some(draw)) = (exponents.get(row), counts.get(row), draws.get(row)) else {
            return Ok(None);
        };
        if !(1..=ZIPF_ELEMENTS_MAX).contains(&count) {
            return Err(call.error(format!("the number of elements must be from 1 to {ZIPF_ELEMENTS_MAX}")));
        }
        if sums.as_ref().is_none_or(|(e, c, _)| *e != exponent || *c != count) {
            let mut total = 0.0;
            let all = (1..=count)
                .map(|rank| {
                    total += (rank as f64).powf(-exponent);
                    total
                })
                .collect();
            sums = Some((exponent, count, all));
        }
        let Some((_, _, all)) = &sums else { return Ok(None) };
        let wanted = fraction(mix(draw as u64)) * all.last().copied().unwrap_or_default();
        Ok(Some(all.partition_point(|sum| *sum <= wanted) as i64 + 1))
    })
}

fn uuid_string(call: &Call<'_>) -> Result<ArrayRef> {
    match call.len() {
        0 => call.texts(|_, out| {
            out.push_str(&uuid::Uuid::new_v4().to_string());
            Ok(true)
        }),
        2 => {
            let (spaces, names) = (call.text(0)?, call.text(1)?);
            call.texts(|row, out| {
                let (Some(space), Some(name)) = (spaces.get(row), names.get(row)) else { return Ok(false) };
                let space = uuid::Uuid::parse_str(space)
                    .map_err(|_| call.error(format!("the name space '{space}' is no UUID")))?;
                out.push_str(&uuid::Uuid::new_v5(&space, name.as_bytes()).to_string());
                Ok(true)
            })
        }
        _ => Err(DataFusionError::External(Box::new(millstream_core::Error::user(
            "uuid_string takes no arguments, or a name space and a name",
        )))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_fill_the_unit_interval() {
        let values: Vec<f64> = (0..10_000).map(|row| fraction(mix(row))).collect();
        assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = values.iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
