//! Where output goes: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use millstream_core::Error;

use crate::stop::Stop;

/// What a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkKind {
    /// A terminal that a person looks at.
    Terminal,
    /// A pipe or redirected standard output.
    Pipe,
    /// A file of `--output`.
    File,
}

/// An open sink. It remembers whether its reader went away, because writers in between lose that.
pub struct Sink {
    target: Target,
    broken: bool,
}

enum Target {
    Stdout(BufWriter<Stdout>),
    File { writer: BufWriter<File>, partial: PathBuf, path: PathBuf },
}

impl Sink {
    /// Standard output.
    pub fn stdout() -> Self {
        Self { target: Target::Stdout(BufWriter::with_capacity(1 << 16, io::stdout())), broken: false }
    }

    /// A file; it gets its name when [`Sink::finish`] is called.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        let file = File::create(&partial)
            .map_err(|error| Error::environment(format!("{} cannot be written", path.display())).why(error))?;
        let writer = BufWriter::with_capacity(1 << 16, file);
        Ok(Self { target: Target::File { writer, partial, path: path.to_path_buf() }, broken: false })
    }

    /// Standard output or a file.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        path.map_or_else(|| Ok(Self::stdout()), Self::file)
    }

    /// What it is.
    pub fn kind(&self) -> SinkKind {
        match &self.target {
            Target::File { .. } => SinkKind::File,
            Target::Stdout(_) if io::stdout().is_terminal() => SinkKind::Terminal,
            Target::Stdout(_) => SinkKind::Pipe,
        }
    }

    /// Ends the output. With an error from whoever wrote, a file is taken away; a reader that went away is told as such.
    pub fn finish(mut self, written: Result<(), Error>) -> Result<(), Stop> {
        let flushed = if written.is_ok() { self.flush() } else { Ok(()) };
        if self.broken {
            return Err(Stop::BrokenPipe);
        }
        if let Err(error) = written {
            return Err(error.into());
        }
        flushed?;
        if let Target::File { writer, partial, path } = &mut self.target {
            let named = writer.get_ref().sync_all().and_then(|()| std::fs::rename(&*partial, &*path));
            named.map_err(|error| Error::environment(format!("{} cannot be written", path.display())).why(error))?;
        }
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Target::File { partial, .. } = &self.target {
            // After a good end the file has its name and this finds nothing.
            let _ = std::fs::remove_file(partial);
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.target {
            Target::Stdout(out) => out.write(bytes),
            Target::File { writer, .. } => writer.write(bytes),
        };
        self.broken |= matches!(&written, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.target {
            Target::Stdout(out) => out.flush(),
            Target::File { writer, .. } => writer.flush(),
        };
        self.broken |= matches!(&flushed, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
        flushed
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_after_a_good_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut sink = Sink::file(&path).unwrap();
        sink.write_all(b"a\n").unwrap();
        assert!(!path.exists());
        assert!(sink.finish(Err(Error::user("the query fails half-way"))).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let mut sink = Sink::file(&path).unwrap();
        sink.write_all(b"a\n").unwrap();
        sink.finish(Ok(())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
