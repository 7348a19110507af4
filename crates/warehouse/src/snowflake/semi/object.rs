//! Objects. Sources: Snowflake's pages "OBJECT_CONSTRUCT", "OBJECT_CONSTRUCT_KEEP_NULL", "OBJECT_INSERT",
//! "OBJECT_DELETE", "OBJECT_PICK", "OBJECT_KEYS", "ARRAYS_TO_OBJECT".

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::json::{self, Kind};
use super::super::scalar::{Call, Column, Function, MANY, Texts, function, variant};
use super::super::types::is_variant;
use super::{array_of, object_of};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["object_construct"], 0, MANY, variant, |call| construct(call, false)),
    function(&["object_construct_keep_null"], 0, MANY, variant, |call| construct(call, true)),
    function(&["object_insert"], 3, 4, variant, insert),
    function(&["object_delete"], 2, MANY, variant, |call| choose(call, false)),
    function(&["object_pick"], 2, MANY, variant, |call| choose(call, true)),
    function(&["object_keys"], 1, 1, variant, keys),
    function(&["arrays_to_object"], 2, 2, variant, from_arrays),
];

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json::string(text, &mut out);
    out
}

fn write<'a>(members: &mut [(&'a str, &'a str)], call: &Call<'_>, out: &mut String) -> Result<()> {
    members.sort_unstable_by(|left, right| left.0.cmp(right.0));
    if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(call.error(format!("the key {} comes twice", pair[0].0)));
    }
    json::object(members, out);
    Ok(())
}

/// A null key leaves its pair out; a null value too, unless nulls are kept as JSON nulls.
fn construct(call: &Call<'_>, keep_null: bool) -> Result<ArrayRef> {
    if !call.len().is_multiple_of(2) {
        return Err(call.error("takes pairs of a key and a value"));
    }
    let mut pairs: Vec<(Column<Texts>, Column<Texts>)> = Vec::with_capacity(call.len() / 2);
    for index in (0..call.len()).step_by(2) {
        pairs.push((call.text(index)?, call.json(index + 1)?));
    }
    // Keys are constants nearly always: they are quoted once.
    let constant: Vec<Option<String>> = pairs.iter().map(|(key, _)| key.constant().map(quoted)).collect();
    call.variants(|row, out| {
        let own: Vec<Option<String>> = pairs
            .iter()
            .zip(&constant)
            .map(|((key, _), constant)| if constant.is_some() { None } else { key.get(row).map(quoted) })
            .collect();
        let mut members = Vec::with_capacity(pairs.len());
        for (index, (_, value)) in pairs.iter().enumerate() {
            let Some(key) = constant[index].as_deref().or(own[index].as_deref()) else { continue };
            match value.get(row) {
                Some("undefined") => {}
                Some(value) => members.push((key, value)),
                None if keep_null => members.push((key, "null")),
                None => {}
            }
        }
        write(&mut members, call, out)?;
        Ok(true)
    })
}

fn insert(call: &Call<'_>) -> Result<ArrayRef> {
    let (objects, keys, values) = (call.json(0)?, call.text(1)?, call.json(2)?);
    let updates = if call.len() > 3 { Some(call.bool(3)?) } else { None };
    call.variants(|row, out| {
        let (Some(object), Some(key)) = (object_of(call, objects.get(row))?, keys.get(row)) else { return Ok(false) };
        let key = quoted(key);
        let update = updates.as_ref().is_some_and(|updates| updates.get(row) == Some(true));
        let there = json::member(object, &key).is_some();
        if there && !update {
            return Err(call.error(format!("the key {key} is there already; a fourth argument true replaces it")));
        }
        let mut members: Vec<(&str, &str)> = json::members(object).filter(|(found, _)| *found != key).collect();
        if let Some(value) = values.get(row) {
            members.push((&key, value));
        }
        write(&mut members, call, out)?;
        Ok(true)
    })
}

/// Only (`keep`) or all but the named members. Keys are texts, or one array of them.
fn choose(call: &Call<'_>, keep: bool) -> Result<ArrayRef> {
    let objects = call.json(0)?;
    let arrays = call.len() == 2 && is_variant(&call.type_of(1));
    let keys = (1..call.len())
        .map(|index| if arrays { call.json(index) } else { call.text(index) })
        .collect::<Result<Vec<_>>>()?;
    call.variants(|row, out| {
        let Some(object) = object_of(call, objects.get(row))? else { return Ok(false) };
        let named: Vec<String> = if arrays {
            match keys[0].get(row) {
                Some(list) if json::kind(list) == Kind::Array => json::elements(list).map(str::to_owned).collect(),
                Some(one) => vec![one.to_owned()],
                None => Vec::new(),
            }
        } else {
            keys.iter().filter_map(|key| key.get(row)).map(quoted).collect()
        };
        let mut members: Vec<(&str, &str)> =
            json::members(object).filter(|(key, _)| named.iter().any(|named| named == key) == keep).collect();
        write(&mut members, call, out)?;
        Ok(true)
    })
}

fn keys(call: &Call<'_>) -> Result<ArrayRef> {
    let objects = call.json(0)?;
    call.variants(|row, out| {
        let Some(object) = object_of(call, objects.get(row))? else { return Ok(false) };
        json::array(json::members(object).map(|(key, _)| key), out);
        Ok(true)
    })
}

fn from_arrays(call: &Call<'_>) -> Result<ArrayRef> {
    let (keys, values) = (call.json(0)?, call.json(1)?);
    call.variants(|row, out| {
        let (Some(keys), Some(values)) = (array_of(call, keys.get(row))?, array_of(call, values.get(row))?) else {
            return Ok(false);
        };
        if json::elements(keys).count() != json::elements(values).count() {
            return Err(call.error("the arrays of keys and values have different lengths"));
        }
        let mut members: Vec<(&str, &str)> = json::elements(keys)
            .zip(json::elements(values))
            .filter(|(key, value)| json::kind(key) == Kind::Text && *value != "undefined")
            .collect();
        write(&mut members, call, out)?;
        Ok(true)
    })
}
