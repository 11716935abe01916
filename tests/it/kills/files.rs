//! Files that acts change, and what must be true of them whoever was killed: the old whole or the new whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use opsconsole::base::Digest;
use opsconsole::model::{Exec, FileAct, FileOrder};
use opsconsole::runbook::record::SequenceEnd;
use opsconsole::shell::clock;

use super::Kind;
use super::site::Site;

/// Stamp of the run.
pub const STAMP: &str = "20261121_120000";
/// A backup that is old enough to be removed.
pub const BACKUP: &str = "20260101_000000";
/// Files of a chain: enough that a kill comes in the middle of a copy.
const BLOCKS: usize = 100;
const BLOCK_BYTES: usize = 4 << 10;
const DROPIN: &str = "units/unit.service.d/timeout.conf";
const OLD_DROPIN: &str = "[Service]\nEnvironment=\"TIMEOUT=5000\"\n";

/// Every file below a path by its name there; a single file by the empty name.
type Tree = BTreeMap<String, Vec<u8>>;

/// The name of a backup that is made today.
pub fn today() -> String {
    format!("{}_000001", &clock::now().wall.stamp()[..8])
}

fn chain(height: u8) -> Tree {
    let blocks = (0..BLOCKS).map(|block| (format!("blocks/{block}.json"), vec![height; BLOCK_BYTES]));
    blocks.chain([("snapshot.json".to_owned(), format!("height {height}").into_bytes())]).collect()
}

fn one_file(text: &str) -> Tree {
    BTreeMap::from([(String::new(), text.as_bytes().to_vec())])
}

fn write(path: &Path, tree: &Tree) {
    for (name, bytes) in tree {
        let path = if name.is_empty() { path.to_owned() } else { path.join(name) };
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
}

/// What lives is 9, what the old backup holds is 5.
pub fn lay_out(demo: &Path) {
    write(&demo.join("backend/volchain"), &chain(9));
    write(&demo.join("backend/db.json"), &one_file("users of 9"));
    let backup = demo.join("backup").join(BACKUP);
    write(&backup.join("volchain"), &chain(5));
    write(&backup.join("db.json"), &one_file("users of 5"));
    let sums: String = tree(&backup).iter().map(|(name, bytes)| format!("{}  ./{name}\n", Digest::of(bytes))).collect();
    fs::write(backup.join("checksums.txt"), sums).expect("written");
    write(&demo.join(DROPIN), &one_file(OLD_DROPIN));
}

fn tree(path: &Path) -> Tree {
    let mut found = Tree::new();
    collect(path, "", &mut found);
    found
}

fn collect(path: &Path, name: &str, found: &mut Tree) {
    if path.is_file() {
        found.insert(name.to_owned(), fs::read(path).expect("a file of ours"));
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let inner = entry.file_name().to_string_lossy().into_owned();
        let name = if name.is_empty() { inner } else { format!("{name}/{inner}") };
        collect(&entry.path(), &name, found);
    }
}

/// A path that acts change: what it was, and what it is to become.
struct Changed {
    path: String,
    old: Tree,
    new: Tree,
    /// Whether what it was is kept under the stamp of the run, and can be put back.
    kept: bool,
}

impl Changed {
    fn state(&self, demo: &Path) -> Result<&'static str, String> {
        match tree(&demo.join(&self.path)) {
            found if found == self.old => Ok("old"),
            found if found == self.new => Ok("new"),
            found => Err(format!(
                "{} is neither the old nor the new whole: it has {} files, the old {}, the new {}",
                self.path,
                found.len(),
                self.old.len(),
                self.new.len()
            )),
        }
    }
}

fn changed(kind: Kind) -> Vec<Changed> {
    let path = str::to_owned;
    match kind {
        Kind::DropIn | Kind::DropInBack => {
            let new = one_file("[Service]\nEnvironment=\"TIMEOUT=45000\"\n");
            vec![Changed { path: path(DROPIN), old: one_file(OLD_DROPIN), new, kept: true }]
        }
        Kind::Backup => {
            let copy = format!("backup/{}/volchain", today());
            vec![Changed { path: copy, old: Tree::new(), new: chain(9), kept: false }]
        }
        Kind::Recovery | Kind::RecoveryBack => vec![
            Changed { path: path("backend/volchain"), old: chain(9), new: chain(5), kept: true },
            Changed {
                path: path("backend/db.json"),
                old: one_file("users of 9"),
                new: one_file("users of 5"),
                kept: true,
            },
        ],
        Kind::Commands | Kind::Waits | Kind::GoesBack | Kind::BreakGlass | Kind::Requests | Kind::People => Vec::new(),
    }
}

/// Looks at every file, then does by hand what an operator may: each act once more, and the way back.
pub fn check(kind: Kind, site: &Site, end: &SequenceEnd) -> Result<(), String> {
    let demo = site.demo();
    let changed = changed(kind);
    if changed.is_empty() {
        return Ok(());
    }
    for one in &changed {
        let state = one.state(&demo)?;
        let wanted = match end {
            SequenceEnd::Verified => Some("new"),
            SequenceEnd::RolledBack { .. } | SequenceEnd::Refused { .. } | SequenceEnd::NeverStarted { .. } => {
                Some("old")
            }
            SequenceEnd::OutcomeUnknown { .. } | SequenceEnd::NotCured { .. } => None,
        };
        if wanted.is_some_and(|wanted| wanted != state) {
            return Err(format!("{} is the {state} one, and the sequence ended as {end:?}", one.path));
        }
    }
    backups_are_whole(&demo)?;
    again(site, &changed)
}

/// Whether a file act was killed in its middle: it left what it had begun, beside and under another name.
pub fn is_cut_off(site: &Site) -> bool {
    let demo = site.demo();
    let begun = ["backend", "backup", "units"].map(|folder| tree(&demo.join(folder)));
    let beside = [".partial/", ".removing/", ".new-", "checksums.txt.new"];
    begun.iter().flat_map(Tree::keys).any(|name| beside.iter().any(|part| name.contains(part)))
}

/// A folder named as a backup is one, or has no checksums yet; the newest is never touched.
fn backups_are_whole(demo: &Path) -> Result<(), String> {
    let old = demo.join("backup").join(BACKUP);
    match tree(&old) {
        gone if gone.is_empty() => {}
        whole if whole.len() == BLOCKS + 3 => {}
        part => return Err(format!("{} of {} files are left of a backup under its own name", part.len(), BLOCKS + 3)),
    }
    let made = demo.join("backup").join(today());
    if made.join("checksums.txt").is_file() {
        let folder = made.display().to_string();
        act(demo, FileAct::VerifyManifest { folder }).map_err(|why| format!("the new backup: {why}"))?;
    } else if !old.exists() {
        return Err("the old backup went before there was a new one".to_owned());
    }
    Ok(())
}

/// Starts every file act a second time, in order: each finds the old or the new whole, leaves the old or the new whole,
/// and keeps what it was. Then all of it is put back, twice.
fn again(site: &Site, changed: &[Changed]) -> Result<(), String> {
    let demo = site.demo();
    let orders: Vec<FileOrder> = site
        .sequence
        .acts
        .iter()
        .filter_map(|act| match &act.exec {
            Exec::Command { argv, .. } => FileOrder::in_argv(argv).map(|(_, order)| order),
            Exec::Wait { .. } | Exec::Request { .. } => None,
        })
        .collect();
    for order in orders {
        // It is done, or refused with its reason; both are right.
        let _said = act(&demo, order.act);
        for one in changed {
            one.state(&demo).map_err(|why| format!("after its second start: {why}"))?;
            let before = tree(&demo.join(format!("{}.before-{STAMP}", one.path)));
            if !before.is_empty() && before != one.old {
                return Err(format!("what {} was before is not kept as it was", one.path));
            }
        }
    }
    for one in changed.iter().filter(|one| one.kept) {
        for time in ["first", "second"] {
            let path = demo.join(&one.path).display().to_string();
            act(&demo, FileAct::PutBack { path, stamp: STAMP.to_owned() })
                .map_err(|why| format!("the {time} way back of {}: {why}", one.path))?;
            if one.state(&demo)? != "old" {
                return Err(format!("{} is not the old one after its {time} way back", one.path));
            }
        }
    }
    backups_are_whole(&demo)
}

/// Does it as a person would who copied the command.
fn act(demo: &Path, act: FileAct) -> Result<String, String> {
    let order = FileOrder { within: Some(demo.display().to_string()), act };
    let arguments = order.arguments().map_err(|error| error.to_string())?;
    let output = Command::new(crate::terminal::PROGRAM).args(arguments).output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}
