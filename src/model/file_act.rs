//! What may be done to files: a closed list of acts, each small and exact.
//!
//! A file act is sealed as the argv of this program's own hidden subcommand, so that it runs under the same privilege
//! as any command and is reviewed byte for byte. `shell/file_act` carries it out; nothing else may.
//!
//! Must never: hold an act that removes what the console did not make, or that follows a name it was not given.
//!
//! To add an act: a variant here with its sentence and its texts, and its arm in `shell/file_act`.

use serde::{Deserialize, Serialize};

/// The hidden subcommand that carries out a file act.
pub const FILE_ACT_COMMAND: &str = "act-file";

/// The name by which this program stands in the folder of a demo.
pub const PROGRAM_NAME: &str = "opsconsole";

/// Name of the file that holds a folder's checksums: the document's, and readable by `sha256sum -c`.
pub const MANIFEST: &str = "checksums.txt";

/// A folder's name in a path that stands for the newest backup beside it; it becomes that backup's own name before
/// anything is confirmed.
pub const NEWEST: &str = "@newest";

/// Longest text that an act may write: it is reviewed by a person, and is part of an argv.
pub const TEXT_LIMIT_BYTES: usize = 2048;

/// Paths are absolute. `stamp` is that of the run: what one run put aside is found again by it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileAct {
    /// Writes a small file beside and renames it; what was there is kept as `path.before-STAMP`.
    WriteText {
        path: String,
        text: String,
        /// Permission bits, such as `0o644`.
        mode: u32,
        #[serde(default = "of_run")]
        stamp: String,
        /// Whether what was there is kept: always, but for notes that every run writes anew.
        #[serde(default = "yes")]
        keep: bool,
    },
    /// Makes of a path what it was before this run wrote or replaced it; what is there now is kept as
    /// `path.undone-STAMP`. Where the run changed nothing it does nothing.
    PutBack {
        path: String,
        #[serde(default = "of_run")]
        stamp: String,
    },
    /// Copies a file or a folder, of regular files and folders alone, to a path that must not exist.
    CopyTree { source: String, to: String },
    /// Writes the checksums of every file of a folder into its [`MANIFEST`].
    Manifest { folder: String },
    /// Holds a folder against its [`MANIFEST`]: every line, and every file.
    VerifyManifest { folder: String },
    /// Puts a copy of `with` in the place of `live`, whole, after its checksums were verified; what was there is kept
    /// as `live.before-STAMP`.
    Replace {
        live: String,
        with: String,
        #[serde(default = "of_run")]
        stamp: String,
    },
    /// Removes old backups: children of `parent` whose name is a date and whose checksums verify.
    Prune {
        parent: String,
        keep_days: u32,
        keep_newest: u32,
        /// The names that may go: listed when it is prepared, so that the list is what is confirmed.
        #[serde(default)]
        listed: Option<Vec<String>>,
    },
}

/// A file act as it stands in an argv.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOrder {
    /// The only folder whose files may be touched: that of a simulated target.
    pub within: Option<String>,
    pub act: FileAct,
}

fn yes() -> bool {
    true
}

fn of_run() -> String {
    "{stamp}".to_owned()
}

impl FileAct {
    /// What it does, for the one who confirms it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            FileAct::WriteText { path, text, mode, keep: false, .. } => {
                format!("write {path} ({} bytes, mode {mode:04o}) over what is there", text.len())
            }
            FileAct::WriteText { path, text, mode, stamp, keep: true } => format!(
                "write {path} ({} bytes, mode {mode:04o}); what is there is kept as {path}.before-{stamp}",
                text.len()
            ),
            FileAct::PutBack { path, stamp } => {
                format!("put back what {path} was before the run of {stamp}; what is there now is kept beside it")
            }
            FileAct::CopyTree { source, to } => format!("copy {source} to {to}, which must not exist yet"),
            FileAct::Manifest { folder } => format!("write the checksums of every file in {folder} to its {MANIFEST}"),
            FileAct::VerifyManifest { folder } => format!("verify every file in {folder} by its {MANIFEST}"),
            FileAct::Replace { live, with, stamp } => {
                format!("replace {live} by a verified copy of {with}; what is there is kept as {live}.before-{stamp}")
            }
            FileAct::Prune { parent, keep_days, keep_newest, listed } => {
                let which = match listed.as_deref() {
                    None => "what is listed before it is confirmed".to_owned(),
                    Some([]) => "nothing".to_owned(),
                    Some(names) => names.join(", "),
                };
                format!(
                    "remove from {parent}, of what is older than {keep_days} days and verifies, but never of the newest {keep_newest}: {which}"
                )
            }
        }
    }

    /// Its paths, in the order of the sentence.
    #[must_use]
    pub fn paths(&self) -> Vec<&String> {
        match self {
            FileAct::WriteText { path, .. } | FileAct::PutBack { path, .. } => vec![path],
            FileAct::CopyTree { source, to } => vec![source, to],
            FileAct::Manifest { folder } | FileAct::VerifyManifest { folder } => vec![folder],
            FileAct::Replace { live, with, .. } => vec![live, with],
            FileAct::Prune { parent, .. } => vec![parent],
        }
    }

    /// The same, to write into.
    pub fn paths_mut(&mut self) -> Vec<&mut String> {
        match self {
            FileAct::WriteText { path, .. } | FileAct::PutBack { path, .. } => vec![path],
            FileAct::CopyTree { source, to } => vec![source, to],
            FileAct::Manifest { folder } | FileAct::VerifyManifest { folder } => vec![folder],
            FileAct::Replace { live, with, .. } => vec![live, with],
            FileAct::Prune { parent, .. } => vec![parent],
        }
    }

    /// Every text of it in which settings may stand.
    #[must_use]
    pub fn texts(&self) -> Vec<&String> {
        let mut texts = self.paths();
        match self {
            FileAct::WriteText { text, stamp, .. } => texts.extend([text, stamp]),
            FileAct::PutBack { stamp, .. } | FileAct::Replace { stamp, .. } => texts.push(stamp),
            FileAct::CopyTree { .. }
            | FileAct::Manifest { .. }
            | FileAct::VerifyManifest { .. }
            | FileAct::Prune { .. } => {}
        }
        texts
    }

    /// The same, to write the settings into.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            FileAct::WriteText { path, text, stamp, .. } => vec![path, text, stamp],
            FileAct::PutBack { path, stamp } => vec![path, stamp],
            FileAct::Replace { live, with, stamp } => vec![live, with, stamp],
            FileAct::CopyTree { .. }
            | FileAct::Manifest { .. }
            | FileAct::VerifyManifest { .. }
            | FileAct::Prune { .. } => self.paths_mut(),
        }
    }

    /// Why it can not be done as it is written, whatever the files are.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        let path = self.paths().into_iter().find_map(|path| {
            let plain =
                path.starts_with(['/', '{']) && !path.split('/').skip(1).any(|part| matches!(part, "" | "." | ".."));
            (!plain).then(|| format!("{path:?} is not an absolute path without . and .."))
        });
        path.or_else(|| match self {
            FileAct::WriteText { text, .. } if text.len() > TEXT_LIMIT_BYTES => {
                Some(format!("its text has {} bytes, and {TEXT_LIMIT_BYTES} are the limit", text.len()))
            }
            FileAct::WriteText { mode, .. } if mode & !0o755 != 0 => {
                Some(format!("mode {mode:o} would let others write, or more than permissions"))
            }
            FileAct::Prune { keep_newest: 0, .. } => Some("it would keep no backup at all".to_owned()),
            FileAct::Prune { keep_days: 0, .. } => Some("it would keep no day at all".to_owned()),
            FileAct::WriteText { .. }
            | FileAct::PutBack { .. }
            | FileAct::CopyTree { .. }
            | FileAct::Manifest { .. }
            | FileAct::VerifyManifest { .. }
            | FileAct::Replace { .. }
            | FileAct::Prune { .. } => None,
        })
    }

    /// Whether it names every file exactly: no newest backup that is still to be found, no list that is still to be made.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let open = |path: &&String| path.split('/').any(|part| part == NEWEST);
        let listed = !matches!(self, FileAct::Prune { listed: None, .. });
        listed && !self.paths().iter().any(open)
    }

    /// Whether `sealed` is this act with [`NEWEST`] replaced by the name of a backup, and nothing else changed.
    #[must_use]
    pub fn is_settled_as(&self, sealed: &FileAct) -> bool {
        let (mine, theirs) = (self.paths(), sealed.paths());
        if mine.len() != theirs.len() {
            return false;
        }
        let mut settled = self.clone();
        if let (FileAct::Prune { listed: open @ None, .. }, FileAct::Prune { listed, .. }) = (&mut settled, sealed) {
            open.clone_from(listed);
        }
        for (path, theirs) in settled.paths_mut().into_iter().zip(theirs) {
            let parts: Vec<&str> = path.split('/').collect();
            let others: Vec<&str> = theirs.split('/').collect();
            let same = |(part, other): (&&str, &&str)| part == other || (*part == NEWEST && is_backup_name(other));
            if parts.len() == others.len() && parts.iter().zip(&others).all(same) {
                *path = theirs.clone();
            }
        }
        settled == *sealed
    }
}

impl FileOrder {
    /// The last elements of an argv: subcommand and order.
    ///
    /// # Errors
    /// Never: every part has a JSON form.
    pub fn arguments(&self) -> Result<[String; 2], serde_json::Error> {
        Ok([FILE_ACT_COMMAND.to_owned(), serde_json::to_string(self)?])
    }

    /// The order that an argv carries, and where in it the program stands.
    #[must_use]
    pub fn in_argv(argv: &[String]) -> Option<(usize, FileOrder)> {
        match argv {
            [.., _, command, json] if command == FILE_ACT_COMMAND => {
                serde_json::from_str(json).ok().map(|order| (argv.len() - 3, order))
            }
            _ => None,
        }
    }
}

/// Whether a folder's name is that of a backup: `20241225_120000`.
#[must_use]
pub fn is_backup_name(name: &str) -> bool {
    name.len() == 15
        && name.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'_' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_backup_is_the_only_thing_left_open() {
        let with = |with: &str| FileAct::Replace {
            live: "/srv/db.json".to_owned(),
            with: with.to_owned(),
            stamp: "20261121_120000".to_owned(),
        };
        let check = |planned: &str, sealed: &str, want: bool| {
            assert_eq!(with(planned).is_settled_as(&with(sealed)), want, "{planned} as {sealed}");
        };
        check("/b/@newest/db.json", "/b/20241225_120000/db.json", true);
        check("/b/20241225_120000/db.json", "/b/20241225_120000/db.json", true);
        check("/b/@newest/db.json", "/b/20241225_120000/other.json", false);
        check("/b/@newest/db.json", "/b/../20241225_120000", false);
        check("/b/@newest/db.json", "/b/etc/db.json", false);
        check("/b/x/db.json", "/b/20241225_120000/db.json", false);
        assert!(!with("/b/@newest").is_settled_as(&FileAct::Manifest { folder: "/b/20241225_120000".to_owned() }));
    }

    #[test]
    fn what_can_not_be_meant_is_refused_before_anything_is_looked_at() {
        let write = |path: &str, mode| FileAct::WriteText {
            path: path.to_owned(),
            text: String::new(),
            mode,
            stamp: String::new(),
            keep: true,
        };
        let check = |act: FileAct, refused: bool| assert_eq!(act.objection().is_some(), refused, "{act:?}");
        check(write("/etc/x.conf", 0o644), false);
        check(write("{dropin_folder}/x.conf", 0o600), false);
        check(write("etc/x.conf", 0o644), true);
        check(write("/etc/../x.conf", 0o644), true);
        check(write("/etc//x.conf", 0o644), true);
        check(write("/etc/x.conf/", 0o644), true);
        check(write("/etc/x.conf", 0o666), true);
        check(write("/etc/x.conf", 0o4755), true);
        check(FileAct::Prune { parent: "/b".to_owned(), keep_days: 30, keep_newest: 0, listed: None }, true);
    }

    #[test]
    fn a_name_of_a_backup_is_a_date_and_a_time() {
        let check = |name: &str, want: bool| assert_eq!(is_backup_name(name), want, "{name}");
        check("20241225_120000", true);
        check("20241225-120000", false);
        check("20241225_12000", false);
        check("2024１225_120000", false);
        check(".", false);
    }
}
