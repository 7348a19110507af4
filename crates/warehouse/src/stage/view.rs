//! The stage of a view: its query is planned, so that a view that cannot be read is never published.

use std::sync::Arc;

use millstream_core::Result;
use millstream_core::warehouse::Staged;

use super::Request;
use super::staged::StagedVersion;
use crate::engine::Engine;
use crate::log::schema::storable_schema;

pub(super) fn view(request: &Request<'_>, sql: String) -> Result<Arc<dyn Staged>> {
    let planned = request.plan(&sql)?;
    let schema = Engine::schema_of(&planned.plan);
    // Names must be usable; types need not be storable, a view stores none.
    let names = arrow::datatypes::Schema::new(
        schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_data_type(arrow::datatypes::DataType::Utf8))
            .collect::<Vec<_>>(),
    );
    storable_schema(&names)?;
    StagedVersion::view(request, schema, sql)
}
