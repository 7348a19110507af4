//! Committed offsets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::{fs, io};

use kafka_protocol::ResponseError;
use millstream_core::Result;
use serde::{Deserialize, Serialize};

use crate::lock::lock;
use crate::log::disk;

/// Most bytes of metadata that a client may add to an offset; Kafka's own default.
const MAX_METADATA: usize = 4096;

/// How far a group has read one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) metadata: Option<String>,
}

/// By group, topic and partition.
type Kept = BTreeMap<String, BTreeMap<String, BTreeMap<i32, Committed>>>;

/// The offsets of all groups.
#[derive(Debug)]
pub(crate) struct Offsets {
    kept: Mutex<Kept>,
    file: Option<PathBuf>,
}

impl Offsets {
    pub(crate) fn open(folder: Option<PathBuf>) -> Result<Self> {
        let file = folder.map(|folder| folder.join("offsets.json"));
        let mut kept = Kept::new();
        if let Some(path) = &file {
            match fs::read(path) {
                Ok(content) => kept = serde_json::from_slice(&content).map_err(|error| disk::failed(path, error))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(disk::failed(path, error)),
            }
        }
        Ok(Self { kept: Mutex::new(kept), file })
    }

    /// Commits offsets of a group, all or none.
    pub(crate) fn commit(&self, group: &str, offsets: Vec<(String, i32, Committed)>) -> Result<(), ResponseError> {
        let long = |committed: &Committed| committed.metadata.as_ref().is_some_and(|text| text.len() > MAX_METADATA);
        if offsets.iter().any(|(_, _, committed)| long(committed)) {
            return Err(ResponseError::OffsetMetadataTooLarge);
        }
        let mut kept = lock(&self.kept);
        let topics = kept.entry(group.to_owned()).or_default();
        for (topic, partition, committed) in offsets {
            topics.entry(topic).or_default().insert(partition, committed);
        }
        self.save(&kept)
    }

    /// The offset of one partition.
    pub(crate) fn fetch(&self, group: &str, topic: &str, partition: i32) -> Option<Committed> {
        lock(&self.kept).get(group)?.get(topic)?.get(&partition).cloned()
    }

    /// Topics and partitions for which a group has committed.
    pub(crate) fn committed(&self, group: &str) -> Vec<(String, Vec<i32>)> {
        let kept = lock(&self.kept);
        let topics = kept.get(group).into_iter().flatten();
        topics.map(|(topic, partitions)| (topic.clone(), partitions.keys().copied().collect())).collect()
    }

    /// Groups that have committed.
    pub(crate) fn groups(&self) -> Vec<String> {
        lock(&self.kept).keys().cloned().collect()
    }

    /// Forgets a group; tells whether there was anything to forget.
    pub(crate) fn delete(&self, group: &str) -> Result<bool, ResponseError> {
        let mut kept = lock(&self.kept);
        let known = kept.remove(group).is_some();
        self.save(&kept)?;
        Ok(known)
    }

    /// Forgets what all groups have committed for a topic that is deleted.
    pub(crate) fn delete_topic(&self, topic: &str) -> Result<(), ResponseError> {
        let mut kept = lock(&self.kept);
        kept.values_mut().for_each(|topics| drop(topics.remove(topic)));
        self.save(&kept)
    }

    fn save(&self, kept: &Kept) -> Result<(), ResponseError> {
        let Some(path) = &self.file else { return Ok(()) };
        let content = serde_json::to_vec(kept).map_err(|_| ResponseError::UnknownServerError)?;
        disk::replace(path, &content).map_err(|_| ResponseError::CoordinatorNotAvailable)
    }
}
