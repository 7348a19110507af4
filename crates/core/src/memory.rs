//! Memory of this process, as the system sees it.

/// Resident memory in bytes, where the system tells it (Linux does).
pub fn resident_bytes() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// A line of `/proc/self/status`, in bytes.
fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tmillstream\nVmHWM:\t    9000 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(1_263_616));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }
}
