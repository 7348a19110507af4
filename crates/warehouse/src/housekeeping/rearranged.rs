//! Which files were put together with others by this process: lists of files that differ by that alone have the same
//! rows.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::log::DataFile;

/// Exchanges that are remembered; the oldest are forgotten first.
const REMEMBERED_MAX: usize = 4_096;

/// Exchanges of files, in their order.
#[derive(Default)]
pub(crate) struct Rearranged {
    all: Mutex<VecDeque<Exchanged>>,
}

struct Exchanged {
    folder: PathBuf,
    went: Vec<String>,
    came: Vec<Arc<DataFile>>,
}

impl Exchanged {
    /// Whether all that came is wanted, as it is or put together again.
    fn leads_to(&self, wanted: &HashSet<&str>, later: &[&Exchanged]) -> bool {
        self.came.iter().all(|file| {
            let path = file.add.path.as_str();
            let next = || later.iter().enumerate().find(|(_, one)| one.went.iter().any(|went| went == path));
            wanted.contains(path) || next().is_some_and(|(at, one)| one.leads_to(wanted, &later[at + 1..]))
        })
    }
}

impl Rearranged {
    /// Remembers that the rows of some files are in others now.
    pub(super) fn remember(&self, folder: &Path, went: &[Arc<DataFile>], came: Vec<Arc<DataFile>>) {
        let went = went.iter().map(|file| file.add.path.clone()).collect();
        let mut all = self.all.lock();
        if all.len() >= REMEMBERED_MAX {
            all.pop_front();
        }
        all.push_back(Exchanged { folder: folder.to_owned(), went, came });
    }

    /// A list of files with the same rows, in which files are exchanged as they were on the way to another list.
    pub(crate) fn followed(
        &self,
        folder: &Path,
        before: &[Arc<DataFile>],
        after: &[Arc<DataFile>],
    ) -> Vec<Arc<DataFile>> {
        let wanted: HashSet<&str> = after.iter().map(|file| file.add.path.as_str()).collect();
        let mut files = before.to_vec();
        let all = self.all.lock();
        let own: Vec<&Exchanged> = all.iter().filter(|one| one.folder == folder).collect();
        for (at, one) in own.iter().enumerate() {
            let there: HashSet<&str> = files.iter().map(|file| file.add.path.as_str()).collect();
            let applies = one.went.iter().all(|path| there.contains(path.as_str()));
            if !applies || !one.leads_to(&wanted, &own[at + 1..]) {
                continue;
            }
            let went: HashSet<&str> = one.went.iter().map(String::as_str).collect();
            files.retain(|file| !went.contains(file.add.path.as_str()));
            files.extend(one.came.iter().cloned());
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Add;

    fn files(paths: &[&str]) -> Vec<Arc<DataFile>> {
        let add = |path: &&str| Add { path: (*path).to_owned(), ..Add::default() };
        paths.iter().map(|path| Arc::new(DataFile::new(add(path)))).collect()
    }

    fn paths(files: &[Arc<DataFile>]) -> Vec<&str> {
        files.iter().map(|file| file.add.path.as_str()).collect()
    }

    #[test]
    fn exchanges_are_followed_as_far_as_the_other_list_went() {
        let rearranged = Rearranged::default();
        let folder = Path::new("t");
        rearranged.remember(folder, &files(&["a", "b"]), files(&["ab"]));
        rearranged.remember(folder, &files(&["ab", "c"]), files(&["abc"]));
        let followed = |before: &[&str], after: &[&str]| {
            paths(&rearranged.followed(folder, &files(before), &files(after))).join(" ")
        };
        assert_eq!(followed(&["a", "b", "c"], &["abc", "d"]), "abc");
        assert_eq!(followed(&["a", "b", "c"], &["ab", "c"]), "c ab");
        assert_eq!(followed(&["a", "b"], &["a", "b", "c"]), "a b", "nothing was exchanged yet");
        assert_eq!(followed(&["a", "c"], &["abc"]), "a c", "b went otherwise");
        assert_eq!(paths(&rearranged.followed(Path::new("u"), &files(&["a", "b"]), &files(&["ab"]))), ["a", "b"]);
    }

    #[test]
    fn the_oldest_exchange_is_forgotten_first() {
        let rearranged = Rearranged::default();
        for number in 0..=REMEMBERED_MAX {
            let (went, came) = (format!("w{number}"), format!("c{number}"));
            rearranged.remember(Path::new("t"), &files(&[&went]), files(&[&came]));
        }
        let followed = |went: &str, came: &str| {
            let followed = rearranged.followed(Path::new("t"), &files(&[went]), &files(&[came]));
            paths(&followed).join(" ")
        };
        assert_eq!((followed("w0", "c0").as_str(), followed("w1", "c1").as_str()), ("w0", "c1"));
    }
}
