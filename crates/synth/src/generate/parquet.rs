//! Rows as Arrow batches for Parquet: the columns of the CSV files, typed.
//!
//! Text is Utf8, amount `decimal(18,2)`, age Int32, is_active Boolean, moments `timestamp(us, UTC)`. All columns may be
//! null as far as the file is concerned: what must not be null is the contract's to say.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int32Array, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream_core::{Error, Result};

use super::csv::{TRANSACTION_COLUMNS, USER_COLUMNS, email, interests};
use super::transactions::Row;
use super::users::{self, Profile};
use crate::catalog::{BATCH_CATEGORIES, SHOPS_PER_CATEGORY, Shop};
use crate::{text, words};

/// Arrow type of a column of either file.
fn data_type(column: &str) -> DataType {
    match column {
        "amount" => DataType::Decimal128(18, 2),
        "age" => DataType::Int32,
        "is_active" => DataType::Boolean,
        "timestamp" | "registration_date" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => DataType::Utf8,
    }
}

/// The schema of a file with these columns.
pub(super) fn schema(columns: &[&str]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|name| Field::new(*name, data_type(name), true)).collect::<Vec<_>>()))
}

/// Transactions as one batch.
pub(super) fn transactions(rows: &[Row], shops: &[Shop]) -> Result<RecordBatch> {
    let amounts = rows.iter().map(|row| row.bad_amount.is_none().then_some(i128::from(row.cents)));
    let category = |row: &Row| BATCH_CATEGORIES[(row.shop / SHOPS_PER_CATEGORY) as usize];
    batch(
        &TRANSACTION_COLUMNS,
        vec![
            ids(rows.iter().map(|row| &row.tx_id)),
            ids(rows.iter().map(|row| &row.user_id)),
            Arc::new(amounts.collect::<Decimal128Array>().with_data_type(data_type("amount"))),
            strings(rows.iter().map(|_| "USD")),
            strings(rows.iter().map(|row| &shops[row.shop as usize].name)),
            strings(rows.iter().map(category)),
            moments(rows.iter().map(|row| row.moment.micros())),
        ],
    )
}

/// Users as one batch.
pub(super) fn users(rows: &[Profile]) -> Result<RecordBatch> {
    let city = |row: &Profile| [row.city().0, row.city().1].concat();
    batch(
        &USER_COLUMNS,
        vec![
            ids(rows.iter().map(|row| &row.id)),
            strings(rows.iter().map(|row| words::FIRST_NAMES[row.first])),
            strings(rows.iter().map(|row| words::LAST_NAMES[row.last])),
            strings(rows.iter().map(email)),
            Arc::new(rows.iter().map(|row| Some(row.age as i32)).collect::<Int32Array>()),
            strings(rows.iter().map(|row| users::INCOMES[row.income])),
            strings(rows.iter().map(|row| users::TIERS[row.tier])),
            strings(rows.iter().map(|row| users::RISKS[row.risk])),
            strings(rows.iter().map(city)),
            strings(rows.iter().map(|row| words::STATES[row.state])),
            strings(rows.iter().map(|_| users::COUNTRY)),
            moments(rows.iter().map(|row| row.registered.micros())),
            strings(rows.iter().map(interests)),
            Arc::new(rows.iter().map(|row| Some(row.active)).collect::<BooleanArray>()),
            strings(rows.iter().map(|_| users::SOURCE_SYSTEM)),
        ],
    )
}

fn batch(columns: &[&str], arrays: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema(columns), arrays)
        .map_err(|error| Error::ours("generated rows do not fit their schema").why(error))
}

fn strings<S: AsRef<str>>(values: impl Iterator<Item = S>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn moments(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn ids<'a>(ids: impl Iterator<Item = &'a [u8; 16]>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    let mut bytes = Vec::with_capacity(36);
    for id in ids {
        bytes.clear();
        text::uuid(&mut bytes, id);
        builder.append_value(String::from_utf8_lossy(&bytes));
    }
    Arc::new(builder.finish())
}
