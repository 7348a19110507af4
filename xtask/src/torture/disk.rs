//! The workspace's own small file system, so that it can be full and read-only.
//!
//! Guarantees: it is taken away again when dropped, and by a helper when we are killed.
//!
//! A disk is filled by making it smaller, down to what is used: that is as full as by a file that fills it, and takes no
//! memory. It is made read-only by a read-only view mounted over it: a remount is refused while a file is open for
//! writing, and `up` always has one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::shell::must;

/// In bytes. Memory is taken only for what is used.
const SIZE: u64 = 3 << 30;

/// A mounted file system in memory.
pub struct Disk {
    path: PathBuf,
    helper: Child,
}

impl Disk {
    /// Mounts it, or says why that cannot be done here.
    pub fn mount(path: &Path) -> Result<Self, String> {
        let size = format!("size={SIZE},mode=755");
        must(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "millstream-torture"]).arg(path))?;
        // Its input ends when we do.
        let script =
            "trap '' INT TERM HUP; cat >/dev/null; while umount -l \"$1\" || umount -l \"$2\"; do :; done 2>/dev/null";
        let helper = Command::new("sh")
            .args(["-c", script, "sh"])
            .args([path, &aside(path)])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        Ok(Self { path: path.to_path_buf(), helper })
    }

    /// Makes it so small that only `left` bytes can be written.
    pub fn fill(&self, left: u64) -> Result<(), String> {
        // What is written meanwhile makes the wish too small.
        let mut last = String::new();
        for _ in 0..50 {
            match self.resize(self.used()? + left.max(4096)) {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Gives it its size back.
    pub fn free(&self) -> Result<(), String> {
        self.resize(SIZE)
    }

    fn resize(&self, bytes: u64) -> Result<(), String> {
        must(Command::new("mount").args(["-o", &format!("remount,size={bytes}")]).arg(&self.path)).map(drop)
    }

    /// Bytes that are used.
    pub fn used(&self) -> Result<u64, String> {
        let told = must(Command::new("df").args(["-B1", "--output=used"]).arg(&self.path))?;
        let used = told.lines().nth(1).and_then(|line| line.trim().parse().ok());
        used.ok_or_else(|| format!("df said {told}"))
    }

    /// Whether more than half of it is used.
    pub fn is_half_full(&self) -> Result<bool, String> {
        Ok(self.used()? > SIZE / 2)
    }

    /// Lets nobody open a file of it for writing.
    pub fn freeze(&self) -> Result<(), String> {
        // Made aside: where `up` sees it, it would have opened files before it is read-only.
        let aside = aside(&self.path);
        std::fs::create_dir_all(&aside).map_err(|error| format!("{}: {error}", aside.display()))?;
        must(Command::new("mount").arg("--bind").args([&self.path, &aside]))?;
        must(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&aside))?;
        must(Command::new("mount").arg("--bind").args([&aside, &self.path])).map(drop)
    }

    /// Ends what [`Self::freeze`] began. Lazily, because files may be open for reading.
    pub fn thaw(&self) -> Result<(), String> {
        must(Command::new("umount").arg("-l").args([&self.path, &aside(&self.path)])).map(drop)
    }
}

/// Where the read-only view is made.
fn aside(path: &Path) -> PathBuf {
    path.with_extension("read-only")
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.helper.stdin.take());
        let _ = self.helper.wait();
    }
}
