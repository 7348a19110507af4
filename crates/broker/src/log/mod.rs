//! Topics and their partitions, in memory and, with a data folder, on disk too.

pub(crate) mod batch;
pub(crate) mod disk;
pub(crate) mod partition;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use kafka_protocol::ResponseError;
use millstream_core::{Error, Result};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use self::batch::Batch;
use self::partition::Partition;
use crate::lock::{read, write};
use crate::options::{MAX_PARTITIONS, MAX_TOPICS};

/// File in a topic's folder that makes it one; written last.
const TOPIC_FILE: &str = "topic.json";

/// A topic. Partitions are added, never removed.
#[derive(Debug)]
pub(crate) struct Topic {
    partitions: RwLock<Vec<Arc<Partition>>>,
}

impl Topic {
    /// Its partitions, by number.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        read(&self.partitions).clone()
    }

    /// Partition `number`.
    pub(crate) fn partition(&self, number: i32) -> Option<Arc<Partition>> {
        read(&self.partitions).get(usize::try_from(number).ok()?).cloned()
    }
}

#[derive(Serialize, Deserialize)]
struct TopicFile {
    partitions: usize,
}

/// All topics of the broker.
#[derive(Debug)]
pub(crate) struct Log {
    topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    /// Told whenever something is appended or a topic appears; readers wait for it.
    pub(crate) appended: Notify,
    folder: Option<PathBuf>,
    /// Held for as long as the broker runs, so that no second one uses the folder.
    _guard: Option<File>,
    bytes: AtomicU64,
    limit: u64,
    next_producer: AtomicI64,
}

impl Log {
    /// Opens what is in `folder` (`None`: starts empty, in memory) and holds up to `limit` bytes of batches.
    pub(crate) fn open(folder: Option<PathBuf>, limit: u64) -> Result<Self> {
        let mut topics = BTreeMap::new();
        let mut guard = None;
        if let Some(folder) = &folder {
            fs::create_dir_all(folder.join("topics")).map_err(|error| disk::failed(folder, error))?;
            guard = Some(claim(folder)?);
            topics = load(&folder.join("topics"))?;
        }
        let partitions: Vec<_> = topics.values().flat_map(|topic: &Arc<Topic>| topic.partitions()).collect();
        let highest = partitions.iter().filter_map(|partition| partition.highest_producer()).max();
        let bytes = partitions.iter().map(|partition| partition.size()).sum();
        Ok(Self {
            topics: RwLock::new(topics),
            appended: Notify::new(),
            folder: folder.map(|folder| folder.join("topics")),
            _guard: guard,
            bytes: AtomicU64::new(bytes),
            limit,
            next_producer: AtomicI64::new(highest.unwrap_or(0) + 1),
        })
    }

    /// All topics with their names.
    pub(crate) fn topics(&self) -> Vec<(String, Arc<Topic>)> {
        read(&self.topics).iter().map(|(name, topic)| (name.clone(), Arc::clone(topic))).collect()
    }

    /// The topic called `name`.
    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        read(&self.topics).get(name).cloned()
    }

    /// Partition `number` of topic `name`.
    pub(crate) fn partition(&self, name: &str, number: i32) -> Result<Arc<Partition>, ResponseError> {
        self.topic(name).and_then(|topic| topic.partition(number)).ok_or(ResponseError::UnknownTopicOrPartition)
    }

    /// Makes a topic.
    pub(crate) fn create(&self, name: &str, partitions: usize) -> Result<Arc<Topic>, ResponseError> {
        check_name(name)?;
        check_partitions(partitions)?;
        let mut topics = write(&self.topics);
        if topics.contains_key(name) {
            return Err(ResponseError::TopicAlreadyExists);
        }
        if topics.len() >= MAX_TOPICS {
            return Err(ResponseError::PolicyViolation);
        }
        let topic = Topic { partitions: RwLock::default() };
        self.grow(name, &topic, partitions)?;
        let topic = Arc::new(topic);
        topics.insert(name.to_owned(), Arc::clone(&topic));
        drop(topics);
        self.appended.notify_waiters();
        Ok(topic)
    }

    /// Adds partitions to a topic until it has `partitions`.
    pub(crate) fn add_partitions(&self, name: &str, partitions: usize) -> Result<(), ResponseError> {
        check_partitions(partitions)?;
        let topic = self.topic(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
        if partitions <= topic.partitions().len() {
            return Err(ResponseError::InvalidPartitions);
        }
        self.grow(name, &topic, partitions)
    }

    fn grow(&self, name: &str, topic: &Topic, partitions: usize) -> Result<(), ResponseError> {
        let mut existing = write(&topic.partitions);
        let Some(folder) = self.folder.as_ref().map(|folder| folder.join(name)) else {
            existing.resize_with(partitions, Arc::default);
            return Ok(());
        };
        let storage = |_| ResponseError::KafkaStorageError;
        fs::create_dir_all(&folder).map_err(storage)?;
        let opened = (existing.len()..partitions).map(|number| restore(&folder, number)).collect::<Result<Vec<_>>>();
        let opened = opened.map_err(|_| ResponseError::KafkaStorageError)?;
        let content = serde_json::to_vec(&TopicFile { partitions });
        let content = content.map_err(|_| ResponseError::UnknownServerError)?;
        disk::replace(&folder.join(TOPIC_FILE), &content).map_err(storage)?;
        existing.extend(opened);
        Ok(())
    }

    /// Removes a topic with all its records.
    pub(crate) fn delete(&self, name: &str) -> Result<(), ResponseError> {
        let mut topics = write(&self.topics);
        let topic = topics.get(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
        if let Some(folder) = self.folder.as_ref().map(|folder| folder.join(name)) {
            // First what makes it a topic: a crash half-way leaves none.
            fs::remove_file(folder.join(TOPIC_FILE)).map_err(|_| ResponseError::KafkaStorageError)?;
            fs::remove_dir_all(&folder).map_err(|_| ResponseError::KafkaStorageError)?;
        }
        let bytes: u64 = topic.partitions().iter().map(|partition| partition.size()).sum();
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        topics.remove(name);
        Ok(())
    }

    /// Appends a batch to a partition; returns its first offset. The caller tells readers when it is through.
    pub(crate) fn append(&self, partition: &Partition, batch: Batch) -> Result<i64, ResponseError> {
        partition.append(batch, &self.bytes, self.limit)
    }

    /// Drops the records before `offset`; returns the new first offset.
    pub(crate) fn delete_before(&self, partition: &Partition, offset: i64) -> Result<i64, ResponseError> {
        partition.delete_before(offset, &self.bytes)
    }

    /// An id that no producer has had.
    pub(crate) fn new_producer(&self) -> i64 {
        self.next_producer.fetch_add(1, Ordering::Relaxed)
    }
}

fn restore(folder: &Path, number: usize) -> Result<Arc<Partition>> {
    let (segment, start, batches) = disk::open(folder, number)?;
    Ok(Arc::new(Partition::restored(segment, start, batches)))
}

/// Takes the folder for this broker alone.
fn claim(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| disk::failed(&path, error))?;
    file.try_lock().map_err(|error| {
        Error::environment("another broker uses this data folder")
            .at(millstream_core::Place::file(folder.display().to_string()))
            .why(error)
            .hint("stop the other broker, or give another data folder")
    })?;
    Ok(file)
}

fn load(folder: &Path) -> Result<BTreeMap<String, Arc<Topic>>> {
    let mut topics = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|error| disk::failed(folder, error))? {
        let path = entry.map_err(|error| disk::failed(folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        // Without its file it is the rest of a topic whose making or deleting was cut short.
        let Ok(content) = fs::read(path.join(TOPIC_FILE)) else { continue };
        let file: TopicFile = serde_json::from_slice(&content).map_err(|error| disk::failed(&path, error))?;
        let partitions = (0..file.partitions).map(|number| restore(&path, number)).collect::<Result<Vec<_>>>()?;
        topics.insert(name.to_owned(), Arc::new(Topic { partitions: RwLock::new(partitions) }));
    }
    Ok(topics)
}

/// Kafka's rule for topic names, which also makes them safe as folder names.
pub(crate) fn check_name(name: &str) -> Result<(), ResponseError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fine = (1..=249).contains(&name.len()) && name.bytes().all(legal) && name != "." && name != "..";
    if fine { Ok(()) } else { Err(ResponseError::InvalidTopicException) }
}

fn check_partitions(partitions: usize) -> Result<(), ResponseError> {
    if (1..=MAX_PARTITIONS).contains(&partitions) { Ok(()) } else { Err(ResponseError::InvalidPartitions) }
}
