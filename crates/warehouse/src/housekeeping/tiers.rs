//! Which small files are put together.
//!
//! Files are in tiers by size, each eight times the one before. A tier is due when it has eight files; what comes of
//! it is a file of the next tier. So a row is written again once for each tier, whatever the table holds, and a table
//! never has many small files for long: at most seven of each tier and those that came since the last time.

use std::sync::Arc;

use crate::log::DataFile;

/// Size from which a file is left alone: a quarter of what writers aim at.
pub(crate) const SMALL_BYTES: u64 = 32 * 1024 * 1024;

/// Files below this size are one tier: what a Parquet file of a few rows has for its footer alone.
const FIRST_TIER_BYTES: u64 = 64 * 1024;

/// How much larger the files of the next tier are.
const TIER_RATIO: u64 = 8;

/// Files of a tier that are put together, at least.
pub(super) const TIER_FILES_MIN: usize = 8;

/// Files that one commit puts together at most: the time and memory of one step stay small.
pub(super) const GROUP_FILES_MAX: usize = 1_024;

/// Bytes that one commit puts together at most.
const GROUP_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The tier of a file; `None` when it is not small.
fn tier(bytes: u64) -> Option<usize> {
    if bytes >= SMALL_BYTES {
        return None;
    }
    let (mut tier, mut limit) = (0, FIRST_TIER_BYTES);
    while bytes >= limit {
        tier += 1;
        limit *= TIER_RATIO;
    }
    Some(tier)
}

/// Groups of files that are put together now, each in the order of the version. Small tiers first; what comes of them
/// counts where it will be, so that a full tier is not written twice.
pub(super) fn groups(files: &[Arc<DataFile>]) -> Vec<Vec<Arc<DataFile>>> {
    let mut tiers: Vec<Vec<usize>> = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if let Some(tier) = tier(file.add.size) {
            if tiers.len() <= tier {
                tiers.resize(tier + 1, Vec::new());
            }
            tiers[tier].push(at);
        }
    }
    let mut chosen: Vec<usize> = Vec::new();
    let mut bytes = 0;
    for (number, members) in tiers.into_iter().enumerate() {
        let carried = usize::from(!chosen.is_empty() && tier(bytes) == Some(number));
        if members.len() + carried >= TIER_FILES_MIN {
            bytes += members.iter().map(|at| files[*at].add.size).sum::<u64>();
            chosen.extend(members);
        }
    }
    chosen.sort_unstable();
    let mut groups = vec![Vec::new()];
    let mut bytes = 0;
    for file in chosen.into_iter().map(|at| &files[at]) {
        let is_full = groups.last().is_some_and(|group| group.len() >= GROUP_FILES_MAX)
            || bytes + file.add.size > GROUP_BYTES_MAX;
        if is_full {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += file.add.size;
        if let Some(group) = groups.last_mut() {
            group.push(Arc::clone(file));
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Add;

    fn files(sizes: impl IntoIterator<Item = u64>) -> Vec<Arc<DataFile>> {
        let file =
            |(at, size): (usize, u64)| Arc::new(DataFile::new(Add { path: at.to_string(), size, ..Add::default() }));
        sizes.into_iter().enumerate().map(file).collect()
    }

    fn sizes(groups: Vec<Vec<Arc<DataFile>>>) -> Vec<usize> {
        groups.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_tier_is_due_when_it_is_full_and_not_before() {
        assert!(sizes(groups(&files([1_000; TIER_FILES_MIN - 1]))).is_empty());
        assert_eq!(sizes(groups(&files([1_000; TIER_FILES_MIN]))), [TIER_FILES_MIN]);
        // Of two tiers, neither full.
        assert!(sizes(groups(&files([1_000; 7].into_iter().chain([100_000; 7])))).is_empty());
    }

    #[test]
    fn the_bound_of_small_is_exact() {
        assert!(sizes(groups(&files([SMALL_BYTES; 20]))).is_empty());
        assert_eq!(sizes(groups(&files([SMALL_BYTES - 1; 8]))), [8]);
    }

    #[test]
    fn what_comes_of_a_tier_counts_in_the_next_one() {
        // Eight of 20 kB make one of 160 kB, the eighth of its tier.
        let mixed = files([20_000; 8].into_iter().chain([100_000; 7]));
        assert_eq!(sizes(groups(&mixed)), [15]);
        let fewer = files([20_000; 8].into_iter().chain([100_000; 6]));
        assert_eq!(sizes(groups(&fewer)), [8]);
    }

    #[test]
    fn one_step_is_bounded_by_files_and_by_bytes() {
        assert_eq!(sizes(groups(&files(vec![1_000; GROUP_FILES_MAX]))), [GROUP_FILES_MAX]);
        assert_eq!(sizes(groups(&files(vec![1_000; GROUP_FILES_MAX + 2]))), [GROUP_FILES_MAX, 2]);
        // One file is nothing to put together.
        assert_eq!(sizes(groups(&files(vec![1_000; GROUP_FILES_MAX + 1]))), [GROUP_FILES_MAX]);
        let large = SMALL_BYTES - 1;
        let fit = usize::try_from(GROUP_BYTES_MAX / large).unwrap_or_default();
        assert_eq!(sizes(groups(&files(vec![large; fit + 2]))), [fit, 2]);
    }

    #[test]
    fn a_row_is_rewritten_a_few_times_however_long_the_table_grows() {
        // A commit of 10 kB each second, looked after once a minute, for a day.
        let mut sizes: Vec<u64> = Vec::new();
        let (mut written, mut most) = (0u64, 0);
        for second in 1..=86_400u64 {
            sizes.push(10_000);
            most = most.max(sizes.len());
            if second % 60 == 0 {
                // Whoever puts one group together looks anew.
                while let Some(group) = groups(&files(sizes.iter().copied())).into_iter().next() {
                    let gone: Vec<usize> = group.iter().filter_map(|file| file.add.path.parse().ok()).collect();
                    let bytes: u64 = group.iter().map(|file| file.add.size).sum();
                    written += bytes;
                    let mut at = 0;
                    sizes.retain(|_| {
                        at += 1;
                        !gone.contains(&(at - 1))
                    });
                    sizes.push(bytes);
                }
            }
        }
        assert!(written < 5 * 86_400 * 10_000, "{written}");
        assert!(most < 120, "{most}");
    }
}
