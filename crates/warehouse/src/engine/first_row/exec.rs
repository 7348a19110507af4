//! The operator: see the module.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::StreamExt;
use futures::stream::try_unfold;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::best::{Best, Firsts, chosen};
use super::duplicates::{Repeated, find, hashes};
use super::spill::{Bucket, Spill};

/// Gives the first row of each key, and 1 as its row number in a last column.
#[derive(Debug)]
pub(super) struct FirstRowExec {
    /// The keys alone, read first.
    keys: Arc<dyn ExecutionPlan>,
    /// The rows, read second.
    rows: Arc<dyn ExecutionPlan>,
    how: Arc<How>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    shared: Arc<Shared>,
}

/// What makes a row the first.
#[derive(Debug)]
pub(super) struct How {
    /// The key, over the rows' columns.
    pub partition_by: Vec<Arc<dyn PhysicalExpr>>,
    /// The order, over the rows' columns.
    pub order_by: Vec<PhysicalSortExpr>,
    /// The rows' columns and the row number.
    pub schema: SchemaRef,
}

/// What the partitions of one run share.
#[derive(Default)]
struct Shared {
    repeated: OnceCell<Arc<Repeated>>,
    /// Partitions that have ended; the last one hands out the first rows of repeated keys.
    ended: AtomicUsize,
    candidates: Mutex<Vec<Firsts>>,
    /// Candidates that did not fit in memory.
    spill: Mutex<Option<Spill>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl FirstRowExec {
    pub(super) fn new(keys: Arc<dyn ExecutionPlan>, rows: Arc<dyn ExecutionPlan>, how: Arc<How>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(how.schema.clone()),
            Partitioning::UnknownPartitioning(rows.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            keys,
            rows,
            how,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            shared: Arc::default(),
        }
    }
}

impl DisplayAs for FirstRowExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join(", ");
        let keys = list(self.how.partition_by.iter().map(ToString::to_string).collect());
        let order = list(self.how.order_by.iter().map(ToString::to_string).collect());
        write!(f, "FirstRowExec: partition_by=[{keys}], order_by=[{order}]")
    }
}

impl ExecutionPlan for FirstRowExec {
    fn name(&self) -> &str {
        "FirstRowExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.keys, &self.rows]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let orders = self.how.order_by.iter().map(|order| &order.expr);
        for expression in self.how.partition_by.iter().chain(orders) {
            if f(expression)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 2]>::try_from(children) {
            Ok([keys, rows]) => Ok(Arc::new(Self::new(keys, rows, self.how.clone()))),
            Err(_) => Err(DataFusionError::Internal("FirstRowExec has two children".into())),
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let run = Run {
            keys: self.keys.clone(),
            rows: self.rows.clone(),
            how: self.how.clone(),
            shared: self.shared.clone(),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            context,
            partition,
            buffer: Vec::new(),
            step: Step::Start,
        };
        let stream = try_unfold(run, |mut run| async move { Ok(run.next().await?.map(|batch| (batch, run))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.how.schema.clone(), stream)))
    }
}

enum Step {
    Start,
    Rows {
        stream: SendableRecordBatchStream,
        repeated: Arc<Repeated>,
        best: Option<Box<Best>>,
    },
    /// First rows that are in memory, and buckets that are still on disk.
    Firsts {
        firsts: Firsts,
        buckets: std::vec::IntoIter<Bucket>,
    },
    End,
}

/// One partition while it runs.
struct Run {
    keys: Arc<dyn ExecutionPlan>,
    rows: Arc<dyn ExecutionPlan>,
    how: Arc<How>,
    shared: Arc<Shared>,
    metrics: BaselineMetrics,
    context: Arc<TaskContext>,
    partition: usize,
    buffer: Vec<u64>,
    step: Step,
}

impl Run {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match &mut self.step {
                Step::Start => {
                    let search = || async { find(self.keys.clone(), self.context.clone()).await.map(Arc::new) };
                    let repeated = self.shared.repeated.get_or_try_init(search).await?.clone();
                    let stream = self.rows.execute(self.partition, self.context.clone())?;
                    self.step = Step::Rows { stream, repeated, best: None };
                }
                Step::Rows { stream, .. } => match stream.next().await {
                    Some(batch) => {
                        let passed = self.split(&batch?)?;
                        if passed.num_rows() > 0 {
                            return self.numbered(passed).map(Some);
                        }
                    }
                    None => self.step = self.end()?,
                },
                Step::Firsts { firsts, buckets } => {
                    if let Some(batch) = firsts.batches.next() {
                        return self.numbered(batch).map(Some);
                    }
                    match buckets.next() {
                        Some(bucket) => {
                            // The last bucket's memory is needed for this one.
                            *firsts = Firsts::default();
                            let next = self.first_of_bucket(&bucket)?;
                            if let Step::Firsts { firsts, .. } = &mut self.step {
                                *firsts = next;
                            }
                        }
                        None => self.step = Step::End,
                    }
                }
                Step::End => return Ok(None),
            }
        }
    }

    /// Rows whose key occurs once; the others go to the candidates.
    fn split(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let time = self.metrics.elapsed_compute().clone();
        let _timer = time.timer();
        let Step::Rows { repeated, best, .. } = &mut self.step else {
            return Err(DataFusionError::Internal("FirstRowExec is not reading".into()));
        };
        if repeated.hashes.is_empty() {
            return Ok(batch.clone());
        }
        let keys = evaluate(&self.how.partition_by, batch)?;
        let hashes = hashes(&keys, batch.num_rows(), &mut self.buffer)?;
        let mask: Vec<bool> = hashes.iter().map(|hash| repeated.hashes.contains(hash)).collect();
        if !mask.contains(&true) {
            return Ok(batch.clone());
        }
        let picked: Vec<u64> = hashes.iter().zip(&mask).filter(|(_, chosen)| **chosen).map(|(hash, _)| *hash).collect();
        let mask = BooleanArray::from(mask);
        let candidates = chosen(batch, &mask)?;
        let mut open = match best.take() {
            Some(best) => best,
            None => Box::new(new_best(&self.how, batch.schema(), &self.context)?),
        };
        let fits = add(&mut open, &self.how, &candidates, &picked);
        let passed = chosen(batch, &arrow::compute::not(&mask)?)?;
        match fits {
            Ok(()) => *best = Some(open),
            Err(error) if is_out_of_memory(&error) => self.spill(open.finish()?)?,
            Err(error) => return Err(error),
        }
        Ok(passed)
    }

    /// Ends this partition; the last partition to end gets the first rows of all repeated keys.
    fn end(&mut self) -> Result<Step> {
        if let Step::Rows { best: Some(best), .. } = std::mem::replace(&mut self.step, Step::End) {
            let firsts = best.finish()?;
            self.shared.candidates.lock().push(firsts);
        }
        let partitions = self.rows.output_partitioning().partition_count();
        if self.shared.ended.fetch_add(1, Ordering::SeqCst) + 1 < partitions {
            return Ok(Step::End);
        }
        let mut candidates = std::mem::take(&mut *self.shared.candidates.lock()).into_iter();
        if self.shared.spill.lock().is_none() {
            let Some(one) = candidates.next() else {
                return Ok(Step::End);
            };
            let Some(two) = candidates.next() else {
                return Ok(Step::Firsts { firsts: one, buckets: Vec::new().into_iter() });
            };
            if let Some(firsts) = self.merge([one, two].into_iter().chain(candidates.by_ref()))? {
                return Ok(Step::Firsts { firsts, buckets: Vec::new().into_iter() });
            }
        }
        for rest in candidates {
            self.spill(rest)?;
        }
        let buckets = self.shared.spill.lock().take().unwrap_or_default().read()?;
        Ok(Step::Firsts { firsts: Firsts::default(), buckets: buckets.into_iter() })
    }

    /// The first rows among those of several partitions; none when they did not fit in memory and were spilled.
    fn merge(&mut self, all: impl Iterator<Item = Firsts>) -> Result<Option<Firsts>> {
        let mut best: Option<Best> = None;
        let mut spilled = false;
        for mut firsts in all {
            for batch in firsts.batches.by_ref() {
                let mut open = match best.take() {
                    Some(best) => best,
                    None => new_best(&self.how, batch.schema(), &self.context)?,
                };
                let keys = evaluate(&self.how.partition_by, &batch)?;
                let fits = add(&mut open, &self.how, &batch, hashes(&keys, batch.num_rows(), &mut self.buffer)?);
                match fits {
                    Ok(()) => best = Some(open),
                    Err(error) if is_out_of_memory(&error) => {
                        spilled = true;
                        self.spill(open.finish()?)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let firsts = best.map(Best::finish).transpose()?.unwrap_or_default();
        if spilled {
            self.spill(firsts)?;
            return Ok(None);
        }
        Ok(Some(firsts))
    }

    fn spill(&mut self, firsts: Firsts) -> Result<()> {
        let mut spill = self.shared.spill.lock();
        let spill = spill.get_or_insert_default();
        for batch in firsts.batches {
            let keys = evaluate(&self.how.partition_by, &batch)?;
            spill.write(&batch, hashes(&keys, batch.num_rows(), &mut self.buffer)?, &self.context)?;
        }
        Ok(())
    }

    /// All rows of a key are in one bucket; a bucket must fit in memory.
    fn first_of_bucket(&mut self, bucket: &Bucket) -> Result<Firsts> {
        let mut best: Option<Best> = None;
        for batch in bucket.batches()? {
            let batch = batch?;
            let best = match &mut best {
                Some(best) => best,
                None => best.insert(new_best(&self.how, batch.schema(), &self.context)?),
            };
            let keys = evaluate(&self.how.partition_by, &batch)?;
            add(best, &self.how, &batch, hashes(&keys, batch.num_rows(), &mut self.buffer)?)?;
        }
        Ok(best.map(Best::finish).transpose()?.unwrap_or_default())
    }

    fn numbered(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from_value(1, rows)) as ArrayRef);
        self.metrics.record_output(rows);
        Ok(RecordBatch::try_new(self.how.schema.clone(), columns)?)
    }
}

fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

fn new_best(how: &How, schema: SchemaRef, context: &TaskContext) -> Result<Best> {
    let memory = MemoryConsumer::new("first rows of repeated keys").register(context.memory_pool());
    let key_types = how.partition_by.iter().map(|key| key.data_type(&schema)).collect::<Result<Vec<_>>>()?;
    let order_types = how
        .order_by
        .iter()
        .map(|order| Ok((order.expr.data_type(&schema)?, order.options)))
        .collect::<Result<Vec<_>>>()?;
    Best::new(&key_types, &order_types, memory)
}

fn add(best: &mut Best, how: &How, batch: &RecordBatch, hashes: &[u64]) -> Result<()> {
    let keys = evaluate(&how.partition_by, batch)?;
    let orders = how
        .order_by
        .iter()
        .map(|order| order.expr.evaluate(batch)?.into_array(batch.num_rows()))
        .collect::<Result<Vec<_>>>()?;
    best.add(batch, &keys, &orders, hashes)
}

fn evaluate(expressions: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    expressions.iter().map(|expression| expression.evaluate(batch)?.into_array(batch.num_rows())).collect()
}
