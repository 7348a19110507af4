//! Which hashes of keys occur more than once.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::task::JoinSet;

use crate::engine::hashing::Identity;

/// Shards in which hashes are looked for repeats: each fits the processor's cache up to some hundred million rows.
const SHARDS: usize = 64;

/// Bits of a hash that choose the shard. Neither the lowest nor the highest: the hash set uses those.
const SHARD_SHIFT: u32 = 32;

/// Seed of the hashes; both readings must use the same.
const SEED: u64 = 0x5eed;

/// A set of hashes, which need no hashing.
pub(super) type Hashes = HashSet<u64, BuildHasherDefault<Identity>>;

/// The hashes of a batch's keys.
pub(super) fn hashes<'a>(keys: &[ArrayRef], rows: usize, buffer: &'a mut Vec<u64>) -> Result<&'a [u64]> {
    buffer.clear();
    buffer.resize(rows, 0);
    create_hashes(keys, &RandomState::with_seed(SEED), buffer)?;
    Ok(buffer)
}

/// Hashes that occur more than once, and the memory that they hold on to.
pub(super) struct Repeated {
    pub hashes: Hashes,
    _memory: MemoryReservation,
}

/// Reads all partitions of the keys side by side. Takes eight bytes of memory for each row, which cannot be spilled.
pub(super) async fn find(keys: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<Repeated> {
    let memory = MemoryConsumer::new("hashes of keys").register(context.memory_pool());
    let mut readers = JoinSet::new();
    for partition in 0..keys.output_partitioning().partition_count() {
        let (keys, context, memory) = (keys.clone(), context.clone(), memory.new_empty());
        readers.spawn(async move { read(keys, partition, context, memory).await });
    }
    let mut partitions = Vec::new();
    while let Some(read) = readers.join_next().await {
        partitions.push(read.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??);
    }
    let partitions = Arc::new(partitions);
    let workers = partitions.len().clamp(1, SHARDS);
    let mut searchers = JoinSet::new();
    for worker in 0..workers {
        let partitions = partitions.clone();
        searchers.spawn(async move {
            let mut repeated = Hashes::default();
            for shard in (worker..SHARDS).step_by(workers) {
                let lists = || partitions.iter().map(|(shards, _)| &shards[shard]);
                let mut seen = Hashes::with_capacity_and_hasher(lists().map(Vec::len).sum(), Default::default());
                repeated.extend(lists().flatten().copied().filter(|hash| !seen.insert(*hash)));
                // Other queries get their turn between shards.
                tokio::task::yield_now().await;
            }
            repeated
        });
    }
    let mut all = Hashes::default();
    while let Some(found) = searchers.join_next().await {
        let found = found.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
        // Hashes come in the order of a table like this one: without room for all they would pile up in one place.
        all.reserve(found.len());
        all.extend(found);
    }
    drop(partitions);
    memory.try_resize(all.capacity() * size_of::<u64>())?;
    Ok(Repeated { hashes: all, _memory: memory })
}

type Shards = (Vec<Vec<u64>>, MemoryReservation);

async fn read(
    keys: Arc<dyn ExecutionPlan>,
    partition: usize,
    context: Arc<TaskContext>,
    memory: MemoryReservation,
) -> Result<Shards> {
    let mut shards = vec![Vec::new(); SHARDS];
    let mut buffer = Vec::new();
    let mut stream = keys.execute(partition, context)?;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        memory.try_grow(batch.num_rows() * size_of::<u64>())?;
        for hash in hashes(batch.columns(), batch.num_rows(), &mut buffer)? {
            shards[(hash >> SHARD_SHIFT) as usize % SHARDS].push(*hash);
        }
    }
    Ok((shards, memory))
}
