//! Raw tables that nothing was ingested into yet, and columns that nothing has a value in.
//!
//! Guarantees: before nodes run, every source with a contract that one of them reads has a table, if need be without
//! rows, so that a project builds before its first message arrives; and a table that is there has the columns that were
//! added to its contract, null in its rows.
//!
//! Deliberately absent: sources without a contract (whoever loads them makes them) and wrong contracts, which the
//! ingestion tells; here their tables stay missing, and the nodes that read them say so.

use std::collections::BTreeMap;

use arrow::datatypes::{FieldRef, Schema};
use millstream_core::warehouse::Commit;
use millstream_core::{Result, TableName};
use millstream_ingest::Contract;

use crate::ingest::declaration;
use crate::{Event, Request, Runner};

/// Columns of a contract that its table does not have yet.
pub(crate) fn gained(table: &Schema, contract: &Schema) -> Vec<FieldRef> {
    let is_there =
        |field: &&FieldRef| table.fields().iter().any(|there| there.name().eq_ignore_ascii_case(field.name()));
    contract.fields().iter().filter(|field| !is_there(field)).cloned().collect()
}

impl Runner {
    /// The versions of ingested tables at this moment. A run reads these, so that what an ingestion loads meanwhile is
    /// in all of its models or in none.
    pub(crate) async fn pins(&self) -> Result<BTreeMap<TableName, u64>> {
        let mut pins = BTreeMap::new();
        for source in self.project.manifest.sources.values().filter(|source| source.meta.contains_key("millstream")) {
            let name = source.table_name();
            if let Some(state) = self.warehouse.table_state(&name).await? {
                pins.insert(name, state.version);
            }
        }
        Ok(pins)
    }

    /// Makes the missing raw tables of the sources that the request's nodes read, and the missing columns.
    pub(crate) async fn make_raw_tables(&self, request: &Request) -> Result<()> {
        let manifest = &self.project.manifest;
        for (id, source) in &manifest.sources {
            let children = manifest.child_map.get(id).into_iter().flatten();
            if !source.meta.contains_key("millstream") || !children.into_iter().any(|it| request.selected.contains(it))
            {
                continue;
            }
            let Ok(contract) = Contract::parse(&declaration(source)) else { continue };
            let (name, schema) = (contract.table(), contract.raw_schema());
            let (operation, message) = match self.warehouse.relation(name).await? {
                None => ("CREATE", format!("{name} has no rows: nothing was ingested into it yet")),
                Some(_) => {
                    let Some(state) = self.warehouse.table_state(name).await? else { continue };
                    let new = gained(&state.schema, &schema);
                    if new.is_empty() {
                        continue;
                    }
                    let names: Vec<&str> = new.iter().map(|field| field.name().as_str()).collect();
                    ("ADD COLUMN", format!("{name} gets what its contract has gained: {}", names.join(", ")))
                }
            };
            let load = match self.warehouse.begin_load(name, schema).await {
                // A contract that the table does not fit in other ways is told by whoever loads.
                Err(_) if operation != "CREATE" => continue,
                load => load?,
            };
            load.commit(Vec::new(), Commit { operation: operation.into(), ..Commit::default() }).await?;
            self.events.on(&Event::Note { message: &message });
        }
        Ok(())
    }
}
