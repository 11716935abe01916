//! A chain that outlives its process: what began it and what was done to it since, in one file of its folder.
//!
//! The node is deterministic, so that living it again from its beginning gives the same chain. This is what lets a
//! simulated node be a real systemd unit: the restart of its process is the restart of its service.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SimError;
use super::exchange::Surface;
use super::service::Verb;
use super::simulation::{Event, Play, Simulation};

/// Changes beyond this many are not kept: a demo is not meant to live that long.
const CHANGES_LIMIT: usize = 2_000;

/// The beginning and the changes of a chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Life {
    seed: u64,
    surface: String,
    start: i64,
    changes: Vec<(i64, Event)>,
    #[serde(skip)]
    path: PathBuf,
}

impl Life {
    /// The life that this folder holds, if it holds one.
    ///
    /// # Errors
    /// The file can not be read, or is none of ours.
    #[allow(clippy::disallowed_methods, reason = "the simulation keeps its chain in a file")]
    pub fn read(folder: &Path) -> Result<Option<Life>, SimError> {
        let path = Life::path(folder);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SimError::file("read", &path)(error)),
        };
        let life: Life = serde_json::from_str(&text).map_err(|error| SimError::file("read", &path)(error.into()))?;
        Ok(Some(Life { path, ..life }))
    }

    /// The beginning of a new life, not yet written.
    #[must_use]
    pub fn begin(folder: &Path, seed: u64, surface: Surface, start: i64) -> Life {
        Life { seed, surface: surface.name().to_owned(), start, changes: Vec::new(), path: Life::path(folder) }
    }

    /// Adds a change and writes the file.
    ///
    /// # Errors
    /// The file can not be written.
    #[allow(clippy::disallowed_methods, reason = "the simulation keeps its chain in a file")]
    pub fn note(&mut self, at: i64, change: Event) -> Result<(), SimError> {
        if self.changes.len() < CHANGES_LIMIT {
            self.changes.push((at, change));
        }
        let json = serde_json::to_vec(self).map_err(|error| SimError::file("write", &self.path)(error.into()))?;
        let fresh = self.path.with_extension("new");
        std::fs::write(&fresh, json)
            .and_then(|()| std::fs::rename(&fresh, &self.path))
            .map_err(SimError::file("write", &self.path))
    }

    /// The chain as it is at `now`, its service just restarted with its process.
    ///
    /// # Errors
    /// The file names a surface that there is none of, or can not be written.
    pub fn again(&mut self, simulation: &Simulation, now: i64, admin_secret: &str) -> Result<Play, SimError> {
        let unknown = || std::io::Error::other(format!("{} is no surface", self.surface));
        let surface = Surface::named(&self.surface).ok_or_else(|| SimError::file("read", &self.path)(unknown()))?;
        let mut play = simulation.begin(self.seed, surface, self.start, admin_secret);
        for (at, change) in &self.changes {
            play.apply(*at, change);
        }
        for unit in play.units() {
            let restart = Event::Service { unit, verb: Verb::Restart };
            play.apply(now, &restart);
            self.note(now, restart)?;
        }
        Ok(play)
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("life.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::volchain::Fault;

    #[test]
    fn a_process_that_starts_again_has_the_same_chain_without_what_a_restart_cures() {
        let folder = tempfile::tempdir().expect("a folder");
        let (start, stuck, again) = (0, 600_000, 700_000);
        let mut life = Life::begin(folder.path(), 7, Surface::AsBuilt, start);
        let begins = Event::Fault { name: Fault::ProducerStuck.name().to_owned(), on: true };
        life.note(stuck, begins.clone()).expect("written");
        let chain = Simulation::by_hand();
        let mut without_end = chain.begin(7, Surface::AsBuilt, start, "secret");
        without_end.apply(stuck, &begins);
        without_end.advance(again);
        let mut read = Life::read(folder.path()).expect("readable").expect("there");
        let mut lived = read.again(&chain, again, "secret").expect("lived again");
        let height = |play: &Play| play.by_hand().expect("the chain").height();
        assert_eq!(height(&lived), height(&without_end));
        lived.advance(again + 60_000);
        assert!(height(&lived) > height(&without_end), "the restart cured it");
    }
}
