//! Raw tables that nothing was ingested into yet.
//!
//! Guarantees: before nodes run, every source with a contract that one of them reads has a table, if need be without
//! rows, so that a project builds before its first message arrives. A table that is there is left alone.
//!
//! Deliberately absent: sources without a contract (whoever loads them makes them) and wrong contracts, which the
//! ingestion tells; here their tables stay missing, and the nodes that read them say so.

use std::collections::BTreeMap;

use millstream_core::warehouse::Commit;
use millstream_core::{Result, TableName};
use millstream_ingest::Contract;

use crate::ingest::declaration;
use crate::{Event, Request, Runner};

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

    /// Makes the missing raw tables of the sources that the request's nodes read.
    pub(crate) async fn make_raw_tables(&self, request: &Request) -> Result<()> {
        let manifest = &self.project.manifest;
        for (id, source) in &manifest.sources {
            let children = manifest.child_map.get(id).into_iter().flatten();
            if !source.meta.contains_key("millstream") || !children.into_iter().any(|it| request.selected.contains(it))
            {
                continue;
            }
            if self.warehouse.relation(&source.table_name()).await?.is_some() {
                continue;
            }
            let Ok(contract) = Contract::parse(&declaration(source)) else { continue };
            let load = self.warehouse.begin_load(contract.table(), contract.raw_schema()).await?;
            let commit = Commit { operation: "CREATE".into(), ..Commit::default() };
            load.commit(Vec::new(), commit).await?;
            let message = format!("{} has no rows: nothing was ingested into it yet", contract.table());
            self.events.on(&Event::Note { message: &message });
        }
        Ok(())
    }
}
