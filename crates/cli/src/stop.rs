//! How a command ends, and which exit code that is.
//!
//! Guarantees: 0 all is well, 1 the user's data or project failed, 2 the command line is wrong, 3 we or the machine
//! failed, 130 the user stopped it. A reader of our output that goes away (`| head`) is no failure.

use std::io;

use millstream_core::Error;

/// Exit code of a command that Ctrl-C ended, as shells have it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// How a command ended that has said all there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for is done.
    Success,
    /// Something of the user's failed, and the command told what: a model, a test, a file.
    Failed,
    /// The user stopped it, and it stopped cleanly.
    Interrupted,
}

impl Exit {
    /// The process exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Interrupted => INTERRUPTED,
        }
    }
}

/// Why a command ended before it was done.
#[derive(Debug)]
pub enum Stop {
    /// An error that is still to be told.
    Error(Error),
    /// Whoever read our standard output has enough.
    BrokenPipe,
}

/// What every command returns.
pub type Outcome<T = Exit> = Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::Error(Error::environment("the output cannot be written").why(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_told_apart_from_a_full_disk() {
        assert!(matches!(Stop::from(io::Error::from(io::ErrorKind::BrokenPipe)), Stop::BrokenPipe));
        let Stop::Error(error) = Stop::from(io::Error::from(io::ErrorKind::StorageFull)) else {
            unreachable!("a full disk is an error")
        };
        assert_eq!(error.kind().exit_code(), 3);
    }
}
