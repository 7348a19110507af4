//! A list of data files as a table of the engine. Published, past and staged versions are all lists of files, so
//! this one provider reads them all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use millstream_core::TableName;
use object_store::ObjectMeta;
use parquet::arrow::RowNumber;

use crate::log::{DataFile, Snapshot};

/// Bytes at the end of a file that are read at once in the hope that they hold the whole footer.
const FOOTER_HINT_BYTES: usize = 64 * 1024;

/// Name of the column that [`FileTable::with_file_numbers`] adds.
pub(crate) const FILE_NUMBER: &str = millstream_sql::command::FILE;

/// Name of the column that [`FileTable::with_row_numbers`] adds.
const ROW_NUMBER: &str = millstream_sql::command::ROW;

/// Which version of which table a list of files is.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub name: TableName,
    /// Of a version that is only staged, the files and the columns that the engine reads are all there is.
    pub snapshot: Arc<Snapshot>,
    pub is_published: bool,
}

/// A list of data files with one schema.
#[derive(Debug)]
pub(crate) struct FileTable {
    folder: PathBuf,
    files: Arc<Vec<Arc<DataFile>>>,
    columns: SchemaRef,
    shown: SchemaRef,
    numbered: bool,
    /// Which version the files are, where they are one.
    origin: Option<Version>,
    /// The column that numbers rows within their file, where one is wanted.
    row_number: Option<FieldRef>,
}

impl FileTable {
    /// Files of a folder with columns as the engine reads them.
    pub(crate) fn new(folder: &Path, files: Arc<Vec<Arc<DataFile>>>, columns: SchemaRef) -> Self {
        Self {
            folder: folder.to_owned(),
            files,
            shown: columns.clone(),
            columns,
            numbered: false,
            origin: None,
            row_number: None,
        }
    }

    /// A version of a table.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self::new(&snapshot.folder, snapshot.files.clone(), snapshot.engine_schema.clone())
    }

    /// The version of the table of this name that is published.
    pub(crate) fn published(name: &TableName, snapshot: &Arc<Snapshot>) -> Self {
        let version = Version { name: name.clone(), snapshot: snapshot.clone(), is_published: true };
        Self { origin: Some(version), ..Self::of(snapshot) }
    }

    /// A version of the table of this name that is not published yet.
    pub(crate) fn staged(name: &TableName, folder: &Path, files: Arc<Vec<Arc<DataFile>>>, columns: SchemaRef) -> Self {
        let snapshot = Arc::new(Snapshot::of_files(folder, files, columns));
        let version = Version { name: name.clone(), snapshot: snapshot.clone(), is_published: false };
        Self { origin: Some(version), ..Self::of(&snapshot) }
    }

    /// Which version the files are, where they are one.
    pub(crate) fn origin(&self) -> Option<&Version> {
        self.origin.as_ref()
    }

    /// Adds a last column [`FILE_NUMBER`] that says from which file of the list a row comes.
    pub(crate) fn with_file_numbers(mut self) -> Self {
        let mut fields: Vec<Field> = self.columns.fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(number_field());
        self.shown = Arc::new(Schema::new(fields));
        self.numbered = true;
        self
    }

    /// As [`FileTable::with_file_numbers`], and behind that a column [`ROW_NUMBER`] that says which row of its file a
    /// row is, from 0, whatever rows a query leaves out.
    pub(crate) fn with_row_numbers(self) -> Self {
        let mut numbered = self.with_file_numbers();
        let field = Arc::new(Field::new(ROW_NUMBER, DataType::Int64, false).with_extension_type(RowNumber));
        let fields = numbered.shown.fields().iter().cloned().chain([field.clone()]).collect::<Vec<_>>();
        numbered.shown = Arc::new(Schema::new(fields));
        numbered.row_number = Some(field);
        numbered
    }

    /// Bytes on disk, which tell how many threads a query is worth.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.add.size).sum()
    }

    fn partitioned(&self, number: usize, file: &DataFile, statistics: Arc<Statistics>) -> Result<PartitionedFile> {
        let location = location(&self.folder, &file.add.path)?;
        let mut one = PartitionedFile::new_from_meta(ObjectMeta {
            location,
            last_modified: chrono::DateTime::from_timestamp_millis(file.add.modification_time).unwrap_or_default(),
            size: file.add.size,
            e_tag: None,
            version: None,
        });
        if self.numbered {
            let number = i32::try_from(number).map_err(|error| DataFusionError::External(Box::new(error)))?;
            one = one.with_partition_values(vec![ScalarValue::Int32(Some(number))]);
        }
        let mut one = one.with_statistics(statistics);
        if let (Some(_), Some(statistics)) = (&self.row_number, one.statistics.as_mut()) {
            Arc::make_mut(statistics).column_statistics.push(ColumnStatistics::new_unknown());
        }
        Ok(one)
    }
}

fn number_field() -> Field {
    Field::new(FILE_NUMBER, DataType::Int32, false)
}

/// Where a file of the log is: paths there are relative to the table and percent-encoded.
fn location(folder: &Path, path: &str) -> Result<object_store::path::Path> {
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let file = if plain {
        folder.join(path)
    } else {
        url::Url::from_directory_path(folder)
            .ok()
            .and_then(|base| base.join(path).ok())
            .and_then(|url| url.to_file_path().ok())
            .ok_or_else(|| DataFusionError::Plan(format!("the data file '{path}' is not in a local folder")))?
    };
    object_store::path::Path::from_absolute_path(file).map_err(|error| DataFusionError::External(Box::new(error)))
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        self.shown.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.shown.project(columns)?),
                None => self.shown.clone(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let mut files = Vec::with_capacity(self.files.len());
        let mut all = Vec::with_capacity(self.files.len());
        for (number, file) in self.files.iter().enumerate() {
            let one = self.partitioned(number, file, Arc::new(file.planner_statistics(&self.columns)))?;
            all.extend(one.statistics.as_deref().cloned());
            files.push(one);
        }
        let statistics = Statistics::try_merge_iter(all.iter(), &self.shown)?;
        let numbers = if self.numbered { vec![Arc::new(number_field())] } else { Vec::new() };
        let columns = TableSchema::builder(self.columns.clone())
            .with_table_partition_cols(numbers)
            .with_virtual_columns(self.row_number.iter().cloned().collect::<Vec<_>>())
            .build();
        let store = ObjectStoreUrl::local_filesystem();
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let reader = CachedParquetFileReaderFactory::new(state.runtime_env().object_store(&store)?, cache);
        let mut options = state.config_options().execution.parquet.clone();
        options.enable_page_index = false;
        let source = ParquetSource::new(columns)
            .with_table_parquet_options(datafusion::config::TableParquetOptions {
                global: options,
                ..Default::default()
            })
            .with_parquet_file_reader_factory(Arc::new(reader))
            .with_metadata_size_hint(FOOTER_HINT_BYTES);
        let groups = FileGroup::new(files).split_files(state.config().target_partitions().max(1));
        let config = FileScanConfigBuilder::new(store, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
