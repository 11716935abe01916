//! The node's files in the demo's folder: its chain and its game, its backups, and what is added to its unit.
//!
//! They are written as the chain runs, and read when the service comes up: a node that finds other files than it had
//! left goes on from those. So a backup and a restore are what they are on a real node, and nothing here knows of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::stage::Stage;
use super::volchain::{Change, Fault, Node, Saved, ServiceState, Verb};
use crate::base::Wall;
use crate::model::FileAct;
use crate::model::file_act::FileOrder;
use crate::shell::file_act;

/// How often the files are written.
const EVERY: Duration = Duration::from_millis(500);
/// The variable that the document sets.
pub(super) const VARIABLE: &str = "VOLCHAIN_BARRIER_TIMEOUT_MS";
const DAY_MILLIS: i64 = 86_400_000;
/// How old the backups are that a demo begins with, in days, and the blocks that the chain had less.
const OLD_BACKUPS: [(i64, u64); 4] = [(41, 900), (35, 700), (2, 240), (1, 120)];

/// The files of one demo.
#[derive(Clone, Debug)]
pub struct Backend {
    folder: PathBuf,
}

impl Backend {
    #[must_use]
    pub fn of(folder: &Path) -> Backend {
        Backend { folder: folder.to_owned() }
    }

    /// Writes the files of a node that is about to be served, and the backups that it had made before.
    ///
    /// # Errors
    /// They can not be written.
    pub fn begin(&self, stage: &Stage, now: Wall) -> io::Result<()> {
        let Some(saved) = stage.by_hand(Node::saved) else { return Ok(()) };
        let none = fs::read_dir(self.folder.join("backup"))?.next().is_none();
        if none {
            for (days, blocks) in OLD_BACKUPS {
                let height = saved.height.saturating_sub(blocks);
                let then = Saved { height, sealed: saved.sealed.saturating_sub(3 * blocks), mismatched: false };
                self.write(then)?;
                self.keep_game(then, false)?;
                self.back_up(then, Wall(now.0 - days * DAY_MILLIS), now)?;
            }
        }
        self.write(saved)?;
        self.keep_game(saved, false)
    }

    /// Writes the files for as long as it is polled.
    pub async fn keep(&self, stage: &Stage) {
        let mut turn = interval(EVERY);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            if let Err(error) = self.follow(stage) {
                eprintln!(
                    "opsconsole: the simulated node's files in {} can not be written: {error}",
                    self.folder.display()
                );
                return std::future::pending().await;
            }
        }
    }

    /// What a command to the service means for the files: a process that ends has written them, and one that comes
    /// up reads them, and its unit's variables.
    pub fn before(&self, stage: &Stage, verb: Verb) {
        if let Err(error) = self.follow(stage) {
            eprintln!("opsconsole: the simulated node's files can not be written: {error}");
        }
        match verb {
            Verb::Stop => {}
            Verb::Start | Verb::Restart => {
                let is = stage.by_hand(Node::saved);
                if let Some(found) = self.read().filter(|found| Some(*found) != is) {
                    stage.change(Change::Restored(found));
                }
                if self.game().exists() {
                    stage.change(Change::Fault { fault: Fault::GameMissing, on: false });
                }
                stage.change(Change::BarrierTimeout(stage.loaded()));
            }
        }
    }

    /// The variable as the drop-ins of the unit set it now, for the next `daemon-reload`.
    #[must_use]
    pub fn variable(&self) -> Option<u32> {
        let mut names: Vec<PathBuf> =
            fs::read_dir(self.folder.join("dropin")).ok()?.filter_map(Result::ok).map(|entry| entry.path()).collect();
        names.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
        names.sort();
        let texts = names.iter().filter_map(|path| text_of(path));
        let mut set = texts.filter_map(|text| {
            let words = text.lines().filter_map(|line| line.trim().strip_prefix("Environment="));
            let mut numbers =
                words.filter_map(|word| word.trim_matches('"').strip_prefix(VARIABLE)?.strip_prefix('=')?.parse().ok());
            numbers.next_back()
        });
        set.next_back()
    }

    fn follow(&self, stage: &Stage) -> io::Result<()> {
        let seen = stage.by_hand(|node| (node.service().state, node.saved(), node.fault_on(Fault::GameMissing)));
        let Some((state, saved, missing)) = seen else { return Ok(()) };
        match state {
            ServiceState::Active => {
                if self.read() != Some(saved) {
                    self.write(saved)?;
                }
                self.keep_game(saved, missing)
            }
            ServiceState::Activating | ServiceState::Inactive | ServiceState::Failed => Ok(()),
        }
    }

    fn write(&self, saved: Saved) -> io::Result<()> {
        fs::create_dir_all(self.folder.join("backend/volchain/blocks"))?;
        let file = |name: &str, text: String| swap(&self.folder.join("backend").join(name), &text);
        let users = if saved.mismatched { 25 } else { 24 };
        file("db.json", json!({"users": users, "height": saved.height}).to_string())?;
        file("auth.json", json!({"accounts": users}).to_string())?;
        file(&format!("volchain/blocks/{}.json", saved.height / 1000), json!({"upto": saved.height}).to_string())?;
        file("volchain/snapshot.json", json!(saved).to_string())
    }

    /// The game's database: there as long as the game has one.
    fn keep_game(&self, saved: Saved, missing: bool) -> io::Result<()> {
        let path = self.game();
        let text = json!({"cells": saved.sealed}).to_string();
        match (missing, path.exists()) {
            (true, true) => fs::remove_file(path),
            (true, false) => Ok(()),
            (false, _) if text_of(&path).as_ref() == Some(&text) => Ok(()),
            (false, _) => swap(&path, &text),
        }
    }

    fn game(&self) -> PathBuf {
        self.folder.join("backend/gridb.json")
    }

    fn read(&self) -> Option<Saved> {
        serde_json::from_str(&text_of(&self.folder.join("backend/volchain/snapshot.json"))?).ok()
    }

    /// A backup as the console makes them.
    fn back_up(&self, saved: Saved, made: Wall, now: Wall) -> io::Result<()> {
        let at = |path: &str| self.folder.join(path).display().to_string();
        let backup = format!("backup/{}", made.stamp());
        let copy = |name: &str, to: &str| FileAct::CopyTree {
            source: at(&format!("backend/{name}")),
            to: at(&format!("{backup}/{to}")),
        };
        let acts = [
            copy("volchain", "volchain"),
            copy("db.json", "db.json"),
            copy("gridb.json", "gridb.json"),
            copy("auth.json", "auth_db.json"),
            FileAct::Manifest { folder: at(&backup) },
        ];
        for act in acts {
            let order = FileOrder { within: Some(self.folder.display().to_string()), act };
            let done = serde_json::to_string(&order).map(|json| file_act::carry_out(&json, now));
            done.map_err(io::Error::other)?.map_err(io::Error::other)?;
        }
        let note = self.folder.join("backup/newest.prom");
        put(&note, &format!("volchain_backup_height {}\n", saved.height))?;
        let since = Duration::from_millis(u64::try_from(made.0).unwrap_or(0));
        open(&note)?.set_modified(std::time::SystemTime::UNIX_EPOCH + since)
    }
}

/// Puts a whole new file in the place of the old one, so that nobody reads half of it.
fn swap(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("writing");
    put(&fresh, text).and_then(|()| fs::rename(&fresh, path))
}

#[allow(clippy::disallowed_methods, reason = "the simulated node keeps its data in files")]
fn put(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

#[allow(clippy::disallowed_methods, reason = "the simulated node keeps its data in files")]
fn open(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().append(true).open(path)
}

#[allow(clippy::disallowed_methods, reason = "the simulated node keeps its data in files")]
fn text_of(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}
