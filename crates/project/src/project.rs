//! A loaded project.

use std::path::PathBuf;

use millstream_core::Diagnostics;

use crate::{LoadOptions, Manifest, Target};

/// A project that has been read and checked. See [`crate::load`].
pub struct Project {
    /// The project folder, absolute.
    pub dir: PathBuf,
    /// Where it is built.
    pub target: Target,
    /// Everything it declares.
    pub manifest: Manifest,
    /// Warnings of the reading, by place.
    pub warnings: Diagnostics,
    /// The options it was loaded with.
    pub options: LoadOptions,
}
