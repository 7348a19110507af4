//! Functions of floats. Sources: Snowflake's pages under "Numeric functions": exponential, logarithmic, trigonometric.
//! What has no value (the root of -1) is an error, not a NaN.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, float, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["sqrt"], 1, 1, float, |call| one(call, f64::sqrt)),
    function(&["cbrt"], 1, 1, float, |call| one(call, f64::cbrt)),
    function(&["square"], 1, 1, float, |call| one(call, |x| x * x)),
    function(&["exp"], 1, 1, float, |call| one(call, f64::exp)),
    function(&["ln"], 1, 1, float, |call| one(call, |x| if x > 0.0 { x.ln() } else { f64::NAN })),
    function(&["log"], 2, 2, float, |call| {
        two(call, |base, x| if x > 0.0 && base > 0.0 { log(base, x) } else { f64::NAN })
    }),
    function(&["power", "pow"], 2, 2, float, |call| two(call, f64::powf)),
    function(&["pi"], 0, 0, float, |call| call.floats(|_| Ok(Some(std::f64::consts::PI)))),
    function(&["sin"], 1, 1, float, |call| one(call, f64::sin)),
    function(&["cos"], 1, 1, float, |call| one(call, f64::cos)),
    function(&["tan"], 1, 1, float, |call| one(call, f64::tan)),
    function(&["cot"], 1, 1, float, |call| one(call, |x| 1.0 / x.tan())),
    function(&["asin"], 1, 1, float, |call| one(call, f64::asin)),
    function(&["acos"], 1, 1, float, |call| one(call, f64::acos)),
    function(&["atan"], 1, 1, float, |call| one(call, f64::atan)),
    function(&["atan2"], 2, 2, float, |call| two(call, f64::atan2)),
    function(&["sinh"], 1, 1, float, |call| one(call, f64::sinh)),
    function(&["cosh"], 1, 1, float, |call| one(call, f64::cosh)),
    function(&["tanh"], 1, 1, float, |call| one(call, f64::tanh)),
    function(&["asinh"], 1, 1, float, |call| one(call, f64::asinh)),
    function(&["acosh"], 1, 1, float, |call| one(call, f64::acosh)),
    function(&["atanh"], 1, 1, float, |call| one(call, f64::atanh)),
    function(&["degrees"], 1, 1, float, |call| one(call, f64::to_degrees)),
    function(&["radians"], 1, 1, float, |call| one(call, f64::to_radians)),
    function(&["haversine"], 4, 4, float, haversine),
];

/// Radius of the sphere that HAVERSINE measures on.
const EARTH_RADIUS_KM: f64 = 6371.0;

fn log(base: f64, x: f64) -> f64 {
    if base == 10.0 {
        x.log10()
    } else if base == 2.0 {
        x.log2()
    } else {
        x.ln() / base.ln()
    }
}

fn checked(call: &Call<'_>, value: f64, inputs: &[f64]) -> Result<Option<f64>> {
    if value.is_finite() || inputs.iter().any(|input| !input.is_finite()) {
        return Ok(Some(value));
    }
    let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
    Err(call.error(format!("has no value for {}", inputs.join(", "))))
}

fn one(call: &Call<'_>, apply: fn(f64) -> f64) -> Result<ArrayRef> {
    let values = call.float(0)?;
    call.floats(|row| values.get(row).map_or(Ok(None), |value| checked(call, apply(value), &[value])))
}

fn two(call: &Call<'_>, apply: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (left, right) = (call.float(0)?, call.float(1)?);
    call.floats(|row| left.get(row).zip(right.get(row)).map_or(Ok(None), |(a, b)| checked(call, apply(a, b), &[a, b])))
}

fn haversine(call: &Call<'_>) -> Result<ArrayRef> {
    let (from_lat, from_lon, to_lat, to_lon) = (call.float(0)?, call.float(1)?, call.float(2)?, call.float(3)?);
    call.floats(|row| {
        let (Some(lat), Some(lon), Some(to_lat), Some(to_lon)) =
            (from_lat.get(row), from_lon.get(row), to_lat.get(row), to_lon.get(row))
        else {
            return Ok(None);
        };
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let root = half(lat, to_lat) + lat.to_radians().cos() * to_lat.to_radians().cos() * half(lon, to_lon);
        Ok(Some(2.0 * EARTH_RADIUS_KM * root.sqrt().asin()))
    })
}
