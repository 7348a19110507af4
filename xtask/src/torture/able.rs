//! What this machine can do to `up`. What it cannot is told and left out.

use super::disk::Disk;
use super::kind::Kind;
use super::options::Options;
use super::rounds::clock_library;
use super::site::Site;

/// The kinds that will be drawn, and what they need.
pub struct Able {
    pub kinds: Vec<Kind>,
    pub disk: Option<Disk>,
    pub clock: Option<std::path::PathBuf>,
}

impl Able {
    /// Tries each thing that a kind needs. Kinds that were asked for by name and cannot be done are an error.
    pub fn look(site: &Site, options: &Options) -> Result<Self, String> {
        let asked = options.kinds.clone().unwrap_or_else(|| Kind::ALL.to_vec());
        let wants = |kinds: &[Kind]| asked.iter().any(|kind| kinds.contains(kind));
        let (mut disk, mut clock, mut lacking) = (None, None, Vec::new());
        let on_disk = [Kind::FullDisk, Kind::ReadOnly];
        if wants(&on_disk) {
            match Disk::mount(&site.workspace) {
                Ok(mounted) => disk = Some(mounted),
                Err(why) => lacking.extend(on_disk.map(|kind| (kind, format!("no file system can be mounted: {why}")))),
            }
        }
        if wants(&[Kind::Clock]) {
            match clock_library(&site.dir) {
                Ok(library) => clock = Some(library),
                Err(why) => lacking.push((Kind::Clock, why)),
            }
        }
        lacking.retain(|(kind, _)| asked.contains(kind));
        for (kind, why) in &lacking {
            println!("left out: {}: {}", kind.name(), why.trim());
        }
        if options.kinds.is_some() && !lacking.is_empty() {
            return Err("a kind that was asked for cannot be done here".to_owned());
        }
        let kinds: Vec<Kind> =
            asked.into_iter().filter(|kind| lacking.iter().all(|(lacking, _)| lacking != kind)).collect();
        Ok(Self { kinds, disk, clock })
    }
}
