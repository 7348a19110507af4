//! Where the user ids of messages come from: the newest user file, or thin air.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use millstream_core::{Error, Place, Progress, Result};

use crate::rng::{Draw, Purpose};
use crate::text;

/// Most user ids taken from a file; further ones are left out.
pub const MAX_MESSAGE_USERS: usize = 1_000_000;
/// How many ids are made up when there is no file.
pub const RANDOM_USERS: usize = 1_000;

/// Where the user ids came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsersSource {
    /// The newest user file of the folder.
    File {
        /// The file.
        path: PathBuf,
        /// Ids taken from it.
        users: u64,
    },
    /// No file was found: ids are random, the same ones for the same seed.
    Random {
        /// Number of made-up ids.
        users: u64,
    },
}

/// The ids and where they came from. A warning goes to `progress` when they are random or were cut short.
pub(super) fn load(folder: Option<&Path>, seed: u64, progress: &dyn Progress) -> Result<(Vec<String>, UsersSource)> {
    let why = match folder {
        None => "no folder of user files was given".to_owned(),
        Some(folder) => match newest(folder)? {
            None => format!("{} has no user_registrations_YYYY_MM.csv", folder.display()),
            Some(path) => {
                let mut ids = read(&path)?;
                if ids.len() > MAX_MESSAGE_USERS {
                    ids.truncate(MAX_MESSAGE_USERS);
                    progress.note(&format!(
                        "{} is long: only its first {MAX_MESSAGE_USERS} users are used",
                        path.display()
                    ));
                }
                if !ids.is_empty() {
                    let users = ids.len() as u64;
                    return Ok((ids, UsersSource::File { path, users }));
                }
                format!("{} has no rows", path.display())
            }
        },
    };
    progress.note(&format!(
        "warning: {why}, so messages get {RANDOM_USERS} random user ids, which no profile will match; run `millstream generate` first or point --users-from at the folder with the user files"
    ));
    let mut draw = Draw::new(seed, Purpose::Strangers, 0, 0);
    let ids: Vec<String> = (0..RANDOM_USERS).map(|_| text::uuid_string(&draw.uuid())).collect();
    Ok((ids, UsersSource::Random { users: RANDOM_USERS as u64 }))
}

/// The user file of the latest month in its name; plain, gzip or zstd. A folder that is missing has none.
fn newest(folder: &Path) -> Result<Option<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::environment("the folder of user files cannot be read")
                .at(Place::file(folder.display().to_string()))
                .why(error));
        }
    };
    let files = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        Some((month(&name)?.to_owned(), name))
    });
    Ok(files.max().map(|(_, name)| folder.join(name)))
}

/// `2025_06` of `user_registrations_2025_06.csv`.
fn month(name: &str) -> Option<&str> {
    let month = name.strip_prefix("user_registrations_")?;
    let month = [".csv", ".csv.gz", ".csv.zst"].iter().find_map(|ending| month.strip_suffix(ending))?;
    let shape = |(at, byte): (usize, u8)| if at == 4 { byte == b'_' } else { byte.is_ascii_digit() };
    (month.len() == 7 && month.bytes().enumerate().all(shape)).then_some(month)
}

fn read(path: &Path) -> Result<Vec<String>> {
    let place = || Place::file(path.display().to_string());
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::user("the user file cannot be read").at(place()).why(error).hint("repair the file or remove it")
    };
    let file = BufReader::new(File::open(path).map_err(|error| unreadable(&error))?);
    let plain: Box<dyn Read> = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::with_buffer(file).map_err(|error| unreadable(&error))?),
        _ => Box::new(file),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(plain);
    let header = reader.headers().map_err(|error| unreadable(&error))?;
    if header.is_empty() {
        return Ok(Vec::new());
    }
    // A byte order mark belongs to the file, not to the first name.
    let column = header.iter().position(|name| name.trim_start_matches('\u{feff}') == "user_id").ok_or_else(|| {
        Error::user("the user file has no column user_id").at(Place::line(path.display().to_string(), 1))
    })?;
    let mut ids = Vec::new();
    let mut record = csv::StringRecord::new();
    // One more than is used, to know whether there are more.
    while ids.len() <= MAX_MESSAGE_USERS && reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        // Odd ids stay out: they would need escaping, and contracts refuse them anyway.
        if let Some(id) = record.get(column).filter(|id| is_plain(id)) {
            ids.push(id.to_owned());
        }
    }
    Ok(ids)
}

/// Whether an id can stand in JSON as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);
    impl Progress for Notes {
        fn start(&self, _: &str, _: Option<u64>, _: &str) {}
        fn set(&self, _: u64) {}
        fn note(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
        fn finish(&self) {}
    }

    fn ids(folder: Option<&Path>) -> (Vec<String>, UsersSource, Vec<String>) {
        let notes = Notes::default();
        let (ids, source) = load(folder, 5, &notes).unwrap();
        (ids, source, notes.0.into_inner().unwrap())
    }

    #[test]
    fn the_newest_month_wins_whatever_its_packing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("user_registrations_2025_06.csv"), "user_id,x\na-1,1\n").unwrap();
        fs::write(at("user_registrations_notes.csv"), "nonsense").unwrap();
        fs::write(at("transactions_2026_01.csv"), "tx_id\n").unwrap();
        assert_eq!(ids(Some(folder.path())).0, ["a-1"]);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(b"\xef\xbb\xbfuser_id,x\r\nb-1,1\r\n,2\r\nb-2,\"3,4\"\r\n").unwrap();
        fs::write(at("user_registrations_2025_07.csv.gz"), gz.finish().unwrap()).unwrap();
        let (got, source, notes) = ids(Some(folder.path()));
        assert_eq!(got, ["b-1", "b-2"]);
        assert_eq!(source, UsersSource::File { path: at("user_registrations_2025_07.csv.gz"), users: 2 });
        assert!(notes.is_empty());
        fs::write(at("user_registrations_2025_12.csv.zst"), zstd::encode_all(&b"x,user_id\n1,c-1\n"[..], 0).unwrap())
            .unwrap();
        assert_eq!(ids(Some(folder.path())).0, ["c-1"]);
    }

    #[test]
    fn without_users_ids_are_random_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (first, source, notes) = ids(Some(folder.path()));
        assert_eq!(source, UsersSource::Random { users: RANDOM_USERS as u64 });
        assert_eq!(first.len(), RANDOM_USERS);
        assert!(notes[0].contains("random user ids"), "{notes:?}");
        assert_eq!(ids(None).0, first);
        assert_eq!(ids(Some(Path::new("/nowhere"))).2.len(), 1);
        fs::write(folder.path().join("user_registrations_2025_06.csv"), "user_id,x\n").unwrap();
        assert!(ids(Some(folder.path())).2[0].contains("has no rows"));
    }

    #[test]
    fn a_file_without_ids_is_the_users_problem() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("user_registrations_2025_06.csv"), "id,name\n1,x\n").unwrap();
        let error = load(Some(folder.path()), 5, &Notes::default()).unwrap_err();
        assert_eq!(error.kind(), millstream_core::Kind::User);
    }
}
