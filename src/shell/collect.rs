//! Writes evidence into one archive beside the journal: a tar file, with the checksums of what is in it.
//!
//! ```text
//! <root>/runs/<run>/evidence-<step>-<time>.tar
//!   readings.txt  alerts.txt  documents/*.json  logs/*.log  journal.jsonl  SHA256SUMS
//! ```
//!
//! Must never: write a secret's value; write more than [`LIMIT_BYTES`]; leave half an archive under its name.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are touched")]

use std::io::{Read, Write};
use std::path::Path;

use super::runner::masking::Mask;
use super::secrets::{self, Secret};
use super::state_root::StateRoot;
use crate::app::collecting::{Bundle, Content};
use crate::app::msg::JournalId;
use crate::base::{At, Digest, RunId, SecretRef, StepId};
use crate::runbook::record::Archive;

/// The largest archive. What does not fit any more is left out, and named.
const LIMIT_BYTES: usize = 16 << 20;
/// The largest part of the run's journal: its end, which is the newest.
const JOURNAL_BYTES: u64 = 4 << 20;
const BLOCK: usize = 512;

/// Writes the archive and says what it is.
///
/// # Errors
/// It could not be written; nothing is left of it.
pub fn write(root: &StateRoot, run: &RunId, step: &StepId, bundle: &Bundle, at: At) -> Result<Archive, String> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    let (secrets, unknown) = values(&bundle.secrets);
    left_out.extend(unknown);
    for part in &bundle.parts {
        let bytes = match &part.content {
            Content::Text(text) => text.clone().into_bytes(),
            Content::Json(value) => serde_json::to_vec_pretty(&**value).map_err(|error| error.to_string())?,
        };
        files.push((part.name.clone(), bytes));
    }
    match run_journal(root, run) {
        Ok(bytes) => files.push(("journal.jsonl".to_owned(), bytes)),
        Err(why) => left_out.push(format!("journal.jsonl: {why}")),
    }
    let mut room = LIMIT_BYTES;
    let mut kept = Vec::new();
    for (name, bytes) in files {
        let bytes = masked(&secrets, &bytes);
        let needs = bytes.len().next_multiple_of(BLOCK) + BLOCK;
        match room.checked_sub(needs) {
            Some(rest) => {
                room = rest;
                kept.push((name, bytes));
            }
            None => left_out.push(format!("{name}: {} bytes, for which there was no room", bytes.len())),
        }
    }
    let sums: String = kept.iter().map(|(name, bytes)| format!("{}  {name}\n", Digest::of(bytes).as_str())).collect();
    kept.push(("SHA256SUMS".to_owned(), sums.into_bytes()));
    let tar = tar(&kept, at.wall.0.max(0) / 1000)?;
    let folder = root.run_folder(run).map_err(|error| error.to_string())?;
    let stamp: String = at.wall.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let path = folder.join(format!("evidence-{step}-{stamp}.tar"));
    put(root, &path, &tar).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Archive {
        path: path.display().to_string(),
        bytes: tar.len() as u64,
        sha256: Digest::of(&tar),
        files: kept.into_iter().map(|(name, _)| name).collect(),
        left_out,
    })
}

/// Values to mask; of those that can not be had now, nothing of the console can have held them either.
fn values(references: &[SecretRef]) -> (Vec<Secret>, Vec<String>) {
    let (mut values, mut unknown) = (Vec::new(), Vec::new());
    for reference in references {
        match secrets::resolve(reference) {
            Ok(secret) => values.push(secret),
            Err(error) => unknown.push(format!("{reference} is not masked: {error}")),
        }
    }
    (values, unknown)
}

fn masked(secrets: &[Secret], bytes: &[u8]) -> Vec<u8> {
    let mut mask = Mask::of(secrets);
    let mut clear = mask.pass(bytes);
    clear.extend(mask.rest());
    clear
}

/// The newest whole lines of the run's journal.
fn run_journal(root: &StateRoot, run: &RunId) -> Result<Vec<u8>, String> {
    let path = root.journal(&JournalId::Run(run.clone())).map_err(|error| error.to_string())?;
    let (mut file, _) = root.open(&path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let skipped = length.saturating_sub(JOURNAL_BYTES);
    if skipped > 0 {
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(skipped)).map_err(|error| error.to_string())?;
    }
    let mut bytes = Vec::new();
    file.take(JOURNAL_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if skipped > 0 {
        let first = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..first);
    }
    Ok(bytes)
}

/// Under another name first, so that what stands under its own name is whole.
fn put(root: &StateRoot, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let half = path.with_extension("tar.part");
    let (mut file, new) = root.open(&half)?;
    if !new {
        file.set_len(0)?;
    }
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&half, path));
    if written.is_err() {
        // What is half there is worth nothing, and room may be what was lacking.
        let _ = std::fs::remove_file(&half);
    }
    written?;
    super::state_root::sync_folder_of(path)
}

/// A tar file in the form of POSIX (ustar), which every tar reads: a head and the content of each file, in blocks.
fn tar(files: &[(String, Vec<u8>)], seconds: i64) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        out.extend_from_slice(&head(name, bytes.len(), seconds)?);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks end it.
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

fn head(name: &str, size: usize, seconds: i64) -> Result<[u8; BLOCK], String> {
    let mut head = [0_u8; BLOCK];
    if name.len() >= 100 || !name.is_ascii() {
        return Err(format!("{name:?} can not name a file of an archive"));
    }
    let mut put = |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, &format!("{:011o}\0", seconds.max(0)));
    // The sum is taken with blanks in its own place.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(head)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;
    use crate::app::collecting::Part;
    use crate::shell::clock;

    fn bundle(folder: &Path) -> Bundle {
        let secret = folder.join("token");
        std::fs::write(&secret, "hunter2-and-more\n").expect("ours");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("ours");
        let json = serde_json::json!({ "said": "the token hunter2-and-more was refused" });
        let part = |name: &str, content| Part { name: name.to_owned(), content };
        Bundle {
            parts: vec![
                part("readings.txt", Content::Text("height\t93\n".to_owned())),
                part("documents/health.json", Content::Json(std::sync::Arc::new(json))),
                part("logs/huge.log", Content::Text("x".repeat(LIMIT_BYTES))),
            ],
            secrets: vec![SecretRef::File(secret.display().to_string())],
        }
    }

    /// The system's own tar and sha256sum take it for what it is.
    #[test]
    fn an_archive_unpacks_and_its_sums_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = StateRoot::find(Some(&folder.path().join("state"))).expect("a root");
        let run = RunId::new("run-1");
        let archive = write(&root, &run, &"keep".into(), &bundle(folder.path()), clock::now()).expect("it is written");
        assert_eq!(archive.files, ["readings.txt", "documents/health.json", "journal.jsonl", "SHA256SUMS"]);
        assert!(archive.left_out.iter().any(|what| what.starts_with("logs/huge.log: ")), "{:?}", archive.left_out);
        let bytes = std::fs::read(&archive.path).expect("it is there");
        assert_eq!((bytes.len() as u64, Digest::of(&bytes)), (archive.bytes, archive.sha256));
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "a secret was written");
        let out = folder.path().join("out");
        std::fs::create_dir(&out).expect("ours");
        let ok = |command: &mut Command| command.current_dir(&out).status().expect("it runs").success();
        assert!(ok(Command::new("tar").arg("xf").arg(&archive.path)));
        assert!(ok(Command::new("sha256sum").args(["--check", "--strict", "--quiet", "SHA256SUMS"])));
        let health = std::fs::read_to_string(out.join("documents/health.json")).expect("it is there");
        assert!(health.contains("the token [masked] was refused"), "{health}");
    }

    #[test]
    fn what_can_not_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = StateRoot::find(Some(&folder.path().join("state"))).expect("a root");
        let run = RunId::new("run-1");
        let parts = vec![Part { name: "n".repeat(100), content: Content::Text(String::new()) }];
        let why = write(&root, &run, &"keep".into(), &Bundle { parts, secrets: Vec::new() }, clock::now());
        assert!(why.is_err_and(|why| why.contains("can not name a file")));
    }
}
