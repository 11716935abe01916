//! What a rehearsal has in the place of files and systemd: just as much of them as runbooks read and change.

use super::volchain::{Change, Node, Saved, Verb};
use crate::base::Wall;
use crate::model::{Exec, FileAct, FileOrder};

const VARIABLE: &str = "VOLCHAIN_BARRIER_TIMEOUT_MS=";

/// Files and units of the rehearsed machine.
#[derive(Debug)]
pub struct Played {
    /// The text of the drop-in, and what it was before the run wrote it.
    dropin: Option<String>,
    dropin_before: Option<Option<String>>,
    /// What systemd has read of it.
    pub loaded: Option<u32>,
    /// The newest backup: when it was made, and what is in it.
    newest: Option<(Wall, Saved)>,
    /// A backup that is being made.
    copied: Option<Saved>,
    pub backups: u64,
    /// What was put in the place of the node's files while it was down.
    replaced: Option<Saved>,
    /// What they were before.
    before: Option<Saved>,
    /// Whether the files of backups are not what their checksums say.
    pub damaged: bool,
    /// Whether the backup folder may not be written to.
    pub refuses_to_prune: bool,
    /// Whether systemd gives no answer.
    pub systemd_silent: bool,
    /// Whether the file of the game's database is there although the node finds nothing in it.
    pub game_empty: bool,
}

impl Played {
    /// A machine with four backups, the newest a day old.
    #[must_use]
    pub fn new(node: Option<&Node>, now: Wall) -> Played {
        let then = node.map(Node::saved).map(|saved| Saved {
            height: saved.height - 120,
            sealed: saved.sealed - 360,
            mismatched: false,
        });
        Played {
            dropin: None,
            dropin_before: None,
            loaded: None,
            newest: then.map(|then| (Wall(now.0 - 86_400_000), then)),
            copied: None,
            backups: 4,
            replaced: None,
            before: None,
            damaged: false,
            refuses_to_prune: false,
            systemd_silent: false,
            game_empty: false,
        }
    }

    /// Does what an act would do; answers with what it changes in the node.
    ///
    /// # Errors
    /// The act fails.
    pub fn play(&mut self, exec: &Exec, node: &Node, now: Wall) -> Result<Vec<Change>, String> {
        let Exec::Command { argv, .. } = exec else { return Ok(Vec::new()) };
        if let Some((_, order)) = FileOrder::in_argv(argv) {
            return self.file(&order.act, node, now).map(|()| Vec::new());
        }
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        match words.as_slice() {
            [_, "daemon-reload"] => {
                let set = self.dropin.as_deref().and_then(|text| text.split_once(VARIABLE));
                self.loaded = set.and_then(|(_, rest)| rest.trim().parse().ok());
                Ok(Vec::new())
            }
            [_, verb, _] => {
                let verb = Verb::named(verb).ok_or_else(|| format!("a rehearsal has no {verb}"))?;
                let mut changes = Vec::new();
                if verb != Verb::Stop {
                    changes.extend(self.replaced.take().map(Change::Restored));
                    changes.push(Change::BarrierTimeout(self.loaded));
                }
                changes.push(Change::Service(verb));
                Ok(changes)
            }
            _ => Err(format!("a rehearsal has no {words:?}")),
        }
    }

    fn file(&mut self, act: &FileAct, node: &Node, now: Wall) -> Result<(), String> {
        match act {
            FileAct::WriteText { path, text, .. } if path.ends_with(".conf") => {
                self.dropin_before = Some(self.dropin.replace(text.clone()));
            }
            FileAct::WriteText { .. } => self.newest = self.copied.map(|saved| (now, saved)).or(self.newest),
            FileAct::PutBack { path, .. } if path.ends_with(".conf") => {
                if let Some(before) = self.dropin_before.take() {
                    self.dropin = before;
                }
            }
            FileAct::PutBack { path, .. } if path.ends_with("volchain") => self.replaced = self.before.take(),
            FileAct::PutBack { .. } => {}
            FileAct::CopyTree { .. } => {
                self.backups += u64::from(self.copied.replace(node.saved()).is_none());
            }
            FileAct::Manifest { .. } => {}
            FileAct::VerifyManifest { .. } | FileAct::Replace { .. } if self.damaged => {
                return Err("the backup does not verify: changed: db.json".to_owned());
            }
            FileAct::VerifyManifest { .. } => {}
            FileAct::Replace { live, .. } => {
                let of_chain = live.ends_with("volchain");
                self.before = self.before.or(Some(node.saved()));
                self.replaced = self.newest.map(|(_, saved)| saved).filter(|_| of_chain).or(self.replaced);
            }
            FileAct::Prune { .. } if self.refuses_to_prune => return Err("permission denied".to_owned()),
            FileAct::Prune { .. } => self.backups = self.backups.min(3),
        }
        Ok(())
    }

    /// The text of the drop-in.
    #[must_use]
    pub fn dropin(&self) -> Option<&str> {
        self.dropin.as_deref()
    }

    /// An earlier run has set a longer time and left it.
    pub fn leave_dropin(&mut self) {
        self.dropin = Some(format!("[Service]\nEnvironment={VARIABLE}10000\n"));
        self.loaded = Some(10_000);
    }

    /// How large and how old a file is; nothing for one that is not there.
    #[must_use]
    pub fn file_at(&self, path: &str, now: Wall) -> Option<(u64, Wall)> {
        match path.rsplit('/').next().unwrap_or_default() {
            "newest.prom" => self.newest.map(|(made, _)| (29, made)),
            name if name.ends_with(".conf") => self.dropin.as_ref().map(|text| (text.len() as u64, now)),
            _ => None,
        }
    }

    /// What the note beside the backups says.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        self.newest.map(|(_, saved)| format!("volchain_backup_height {}\n", saved.height))
    }
}
