//! `docs generate`: what is in the warehouse of what the project declares, as `catalog.json`.
//!
//! Deliberately absent: the web page that dbt puts beside it; other pages that read dbt's artefacts can show these.

use std::collections::BTreeSet;

use millstream_core::warehouse::RelationKind;
use millstream_core::{Result, TableName};

use crate::Runner;
use crate::artifacts::{CatalogEntry, write_catalog};

impl Runner {
    /// Writes `catalog.json` about these elements (models, seeds, snapshots and sources; others are passed over) and
    /// gives how many of them are in the warehouse. What is not built yet is left out, as in dbt.
    ///
    /// # Errors
    /// The warehouse cannot be read, or the file cannot be written.
    pub async fn write_catalog(&self, selected: &BTreeSet<String>) -> Result<usize> {
        let started_at = self.clock.now();
        let manifest = &self.project.manifest;
        let nodes = manifest.nodes.values().filter(|node| node.is_relational());
        let nodes = nodes.map(|node| (&node.unique_id, false, &node.database, node.table_name()));
        let sources = manifest.sources.values();
        let sources = sources.map(|source| (&source.unique_id, true, &source.database, source.table_name()));
        let mut entries = Vec::new();
        for (id, is_source, database, name) in nodes.chain(sources).filter(|(id, ..)| selected.contains(*id)) {
            let Some(relation) = self.warehouse.relation(&name).await? else { continue };
            let commit = match relation.kind {
                RelationKind::Table => self.last_commit(&name).await?,
                RelationKind::View => None,
            };
            entries.push(CatalogEntry {
                unique_id: id.clone(),
                is_source,
                database: database.clone(),
                relation,
                commit,
            });
        }
        let id = self.ids.invocation_id();
        write_catalog(&self.target_dir, &entries, &id, started_at, self.clock.now())?;
        Ok(entries.len())
    }

    async fn last_commit(&self, name: &TableName) -> Result<Option<millstream_core::warehouse::CommitInfo>> {
        Ok(self.warehouse.history(name, 1).await?.into_iter().next())
    }
}
