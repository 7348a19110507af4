//! Keeping what a load has read, so that a project in which nothing has changed is not read again.
//!
//! Guarantees: a restored project equals one that is read fresh. What is kept holds only while all that it was made from
//! is the same: every file by its content, every folder by its names, options, variables, the target as templates
//! see it, the environment variables that were asked for, and this program. Anything else, a damaged text among it, is
//! passed over and the project is read.
//!
//! Deliberately absent: keeping parts. A project is restored whole or read whole; and projects whose settings depend
//! on the clock are always read. Secrets are never kept: the target is read each time.

pub(crate) mod inputs;
mod stored;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{LoadOptions, Project, Target};
use inputs::{Hash, Inputs};

/// Keeps one text for each target folder. What was kept may be lost or damaged at any time.
pub trait ParseCache: std::fmt::Debug + Send + Sync {
    /// What was kept last for this folder of artifacts.
    fn get(&self, target_dir: &Path) -> Option<Vec<u8>>;
    /// Keeps a text. Failing to is no error of the project.
    fn put(&self, target_dir: &Path, bytes: &[u8]);
    /// Another text for another build of this program.
    fn program(&self) -> String;
}

/// Starts every kept text. The number grows with the format.
const MAGIC: &[u8; 16] = b"millstream-pp-2\n";

/// Bytes of the checksum of everything behind it.
const SUM_BYTES: usize = 4;

/// What is checked before the rest is looked at.
#[derive(serde::Serialize, serde::Deserialize)]
struct Header {
    /// Options, target and program.
    key: Hash,
    inputs: Inputs,
    /// Environment variables that were asked for, and a hash of all their values.
    env_names: Vec<String>,
    env: Hash,
}

/// The project as it was kept, if it still holds.
pub(crate) fn restore(options: &LoadOptions, dir: &Path, target_dir: &str, target: &Target) -> Option<Project> {
    let cache = options.cache.as_ref()?;
    let bytes = cache.get(&dir.join(target_dir))?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, rest) = rest.split_first_chunk::<SUM_BYTES>()?;
    if crc32c::crc32c(rest) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (header, body) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header: Header = rmp_serde::from_slice(header).ok()?;
    let holds = header.key == key(options, &cache.program(), dir, target)
        && header.env == env_hash(options, &header.env_names)
        && header.inputs.is_unchanged();
    holds.then(|| stored::restore(options, dir, target, body)).flatten()
}

/// Keeps a project that was just read.
pub(crate) fn keep(project: &Project, inputs: Inputs) {
    let options = &project.options;
    let Some(cache) = &options.cache else { return };
    let reads = &project.environment.options().reads;
    if !inputs.is_comparable() || reads.is_moving() {
        return;
    }
    let env_names: Vec<String> = reads.env_names().into_iter().collect();
    let header = Header {
        key: key(options, &cache.program(), &project.dir, &project.target),
        env: env_hash(options, &env_names),
        env_names,
        inputs,
    };
    let Ok(header) = rmp_serde::to_vec(&header) else { return };
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; SUM_BYTES]);
    let rest_at = bytes.len();
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    if stored::write(project, &mut bytes).is_none() {
        return;
    }
    let sum = crc32c::crc32c(&bytes[rest_at..]).to_le_bytes();
    bytes[MAGIC.len()..rest_at].copy_from_slice(&sum);
    cache.put(&project.dir.join(&project.config.target_path), &bytes);
}

fn key(options: &LoadOptions, program: &str, dir: &Path, target: &Target) -> Hash {
    let mut hasher = Sha256::new();
    let mut add = |part: &[u8]| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    let path = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
    add(program.as_bytes());
    add(&path(dir));
    add(&options.profiles_dir.as_ref().map(|dir: &PathBuf| path(dir)).unwrap_or_default());
    add(serde_json::Value::Object(options.vars.clone()).to_string().as_bytes());
    // What templates see; secrets are not among it.
    add(serde_json::Value::Object(target.context()).to_string().as_bytes());
    add(&path(&target.path));
    hasher.finalize().into()
}

/// Names that a load reads without being asked by a template.
const ALWAYS_READ: [&str; 3] = ["DBT_PROFILES_DIR", "HOME", "USERPROFILE"];

fn env_hash(options: &LoadOptions, names: &[String]) -> Hash {
    let asked = names.iter().map(String::as_str).chain(ALWAYS_READ);
    let mut values: BTreeMap<&str, Option<&String>> = asked.map(|name| (name, options.env.get(name))).collect();
    values.extend(
        options
            .env
            .iter()
            .filter(|(name, _)| name.starts_with("DBT_ENV_CUSTOM_ENV_"))
            .map(|(name, value)| (name.as_str(), Some(value))),
    );
    let mut hasher = Sha256::new();
    for (name, value) in values {
        hasher.update(format!("{}:{name}={}", name.len(), value.is_some()));
        hasher.update(value.map(String::as_bytes).unwrap_or_default());
    }
    hasher.finalize().into()
}
