//! CONVERT_TIMEZONE. Source: Snowflake's page of this name. With three arguments it moves a wall clock from one zone to
//! another; with two it would keep the target's offset, which a timestamp here does not hold: refused except for UTC.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, function};
use super::super::time::{Zone, zone};
use super::super::types::{self, user_hint};
use super::instant::{Instants, Kind, build};

pub(super) const FUNCTIONS: &[Function] = &[function(&["convert_timezone"], 2, 3, returns, convert)];

fn returns(types: &Types<'_>) -> Result<DataType> {
    Ok(if types.len() == 3 { types::ntz() } else { types::tz() })
}

/// Zones by name, the last one kept: a column of names mostly repeats.
struct Zones {
    last: Option<(String, Zone)>,
}

impl Zones {
    fn get(&mut self, name: &str, call: &Call<'_>) -> Result<Zone> {
        if let Some((last, zone)) = &self.last
            && last == name
        {
            return Ok(*zone);
        }
        let found = zone(name).map_err(|error| call.error(error))?;
        self.last = Some((name.to_owned(), found));
        Ok(found)
    }
}

fn convert(call: &Call<'_>) -> Result<ArrayRef> {
    let (mut sources, mut targets) = (Zones { last: None }, Zones { last: None });
    if call.len() == 2 {
        let (names, instants) = (call.text(0)?, Instants::of(call, 1)?);
        return build(Kind::Tz, call.rows, |row| {
            let (Some(name), Some(at)) = (names.get(row), instants.get(row)) else { return Ok(None) };
            let zone = targets.get(name, call)?;
            if zone.wall(at) != Some(at) {
                return Err(user_hint(
                    format!("{}: a timestamp with the offset of '{name}' is not supported", call.name),
                    format!("convert_timezone('UTC', '{name}', x) gives the wall clock there"),
                ));
            }
            Ok(Some(at))
        });
    }
    let (from, to, instants) = (call.text(0)?, call.text(1)?, Instants::of(call, 2)?);
    build(Kind::Ntz, call.rows, |row| {
        let (Some(from), Some(to), Some(at)) = (from.get(row), to.get(row), instants.get(row)) else { return Ok(None) };
        let (from, to) = (sources.get(from, call)?, targets.get(to, call)?);
        let wall = from.instant(at).and_then(|instant| to.wall(instant));
        wall.map(Some).ok_or_else(|| call.error("the result is beyond what a date can be"))
    })
}
