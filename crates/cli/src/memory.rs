//! How much memory queries may use, unless the user says it.
//!
//! Guarantees: the limit of a container counts as the machine; where nothing is told, the warehouse's own default holds.

use millstream_warehouse::MEMORY_LIMIT_BYTES_DEFAULT;

/// Part of the machine that is used, as its divisor. Another program, another command beside this one and the
/// system's own cache of files need room too.
const SHARE: u64 = 4;

/// Never less than this: below it, sorts spill all the time.
const LEAST_BYTES: u64 = 256 * 1024 * 1024;

/// A quarter of the machine.
pub fn default_limit() -> usize {
    let machine = machine_bytes(|path| std::fs::read_to_string(path).ok());
    machine.map_or(MEMORY_LIMIT_BYTES_DEFAULT, |bytes| {
        usize::try_from((bytes / SHARE).max(LEAST_BYTES)).unwrap_or(MEMORY_LIMIT_BYTES_DEFAULT)
    })
}

/// Bytes of memory that this process could have, where the system tells.
fn machine_bytes(read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let meminfo = read("/proc/meminfo")?;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total = total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    // Without a limit it says 'max'.
    let limit = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| read(path)?.trim().parse::<u64>().ok());
    Some(limit.map_or(total, |limit| limit.min(total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_machine_and_container_counts() {
        let machine = |limit: Option<&'static str>| {
            machine_bytes(move |path| match path {
                "/proc/meminfo" => Some("MemTotal:       16000000 kB\nMemFree: 1 kB\n".to_owned()),
                "/sys/fs/cgroup/memory.max" => limit.map(str::to_owned),
                _ => None,
            })
        };
        assert_eq!(machine(None), Some(16_384_000_000));
        assert_eq!(machine(Some("max\n")), Some(16_384_000_000));
        assert_eq!(machine(Some("1000000000\n")), Some(1_000_000_000));
        assert_eq!(machine_bytes(|_| None), None);
        assert!(default_limit() >= LEAST_BYTES as usize);
    }
}
