//! The stage of a view: its query is planned, so that a view that cannot be read is never published.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use millstream_core::Result;
use millstream_core::warehouse::Staged;

use super::Request;
use super::staged::StagedVersion;
use crate::engine::Engine;
use crate::log::schema::storable_schema;

pub(crate) fn view(request: &Request<'_>, sql: String) -> Result<Arc<dyn Staged>> {
    let planned = request.plan(&sql)?;
    let schema = Engine::schema_of(&planned.plan);
    check_names(&schema)?;
    StagedVersion::view(request, schema, sql)
}

/// Names must be usable; types need not be storable, a view stores none.
pub(crate) fn check_names(schema: &Schema) -> Result<()> {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_data_type(DataType::Utf8));
    storable_schema(&Schema::new(fields.collect::<Vec<_>>())).map(|_| ())
}
