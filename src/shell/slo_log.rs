//! The measured minutes of objectives, kept over restarts.
//!
//! ```text
//! <root>/slo/<digest of the target>-<period>.jsonl      a line per objective and minute
//! ```
//!
//! A period is as long as the longest window, counted from 1970. The present file and the one before it hold every
//! window; older ones are removed, so that what lies on disk is bounded without anything ever being rewritten. Several
//! consoles append to one file, whole lines at a time; a minute that two of them measured counts once.

#![allow(clippy::disallowed_methods, reason = "the shell reads and writes files")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::state_root::StateRoot;
use crate::alert::slo::{Closed, History, MOST_DAYS};
use crate::base::{Digest, TargetId, Wall};

/// Largest file that is read: a period of a target with thirty objectives, seen by two consoles.
const LIMIT_BYTES: u64 = 192 << 20;

const PERIOD_MINUTES: i64 = MOST_DAYS as i64 * 24 * 60;

/// Every minute that is known of a target's objectives, up to `now`. Lines that are none are left out: a console that
/// was killed leaves half of one.
///
/// # Errors
/// The files can not be read, in words.
pub fn read(root: &StateRoot, target: &TargetId, now: Wall) -> Result<History, String> {
    let minute = now.0.div_euclid(60_000);
    let period = minute.div_euclid(PERIOD_MINUTES);
    remove_old(root, target, period);
    let mut history = History::new();
    for period in [period - 1, period] {
        let path = path(root, target, period);
        if !path.exists() {
            continue;
        }
        let (file, _) = root.open_common(&path).map_err(|error| said(&path, &error))?;
        for line in BufReader::new(file.take(LIMIT_BYTES)).lines() {
            let line = line.map_err(|error| said(&path, &error))?;
            let Ok(closed) = serde_json::from_str::<Closed>(&line) else { continue };
            if closed.minute.0 > minute - PERIOD_MINUTES && closed.minute.0 < minute {
                history.entry(closed.slo).or_default().push(closed.minute);
            }
        }
    }
    for minutes in history.values_mut() {
        minutes.sort_by_key(|minute| minute.0);
        minutes.dedup_by_key(|minute| minute.0);
    }
    Ok(history)
}

/// Adds minutes that were closed.
///
/// # Errors
/// The file can not be written, in words.
pub fn append(root: &StateRoot, target: &TargetId, closed: &[Closed]) -> Result<(), String> {
    for one in closed {
        let path = path(root, target, one.minute.0.div_euclid(PERIOD_MINUTES));
        let (mut file, _) = root.open_common(&path).map_err(|error| said(&path, &error))?;
        let mut line = serde_json::to_vec(one).map_err(|error| error.to_string())?;
        line.push(b'\n');
        // In one write, because another console may append to the same file.
        file.write_all(&line).map_err(|error| said(&path, &error))?;
    }
    Ok(())
}

fn path(root: &StateRoot, target: &TargetId, period: i64) -> PathBuf {
    root.slo().join(format!("{}-{period}.jsonl", stem(target)))
}

/// A target's name may be anything; its digest is a file name.
fn stem(target: &TargetId) -> String {
    Digest::of(target.as_str().as_bytes()).to_string().chars().filter(char::is_ascii_hexdigit).take(16).collect()
}

/// What lies before the last period is in no window any more. What can not be removed only takes up space.
fn remove_old(root: &StateRoot, target: &TargetId, period: i64) {
    let start = format!("{}-", stem(target));
    let of = |path: &Path| -> Option<i64> {
        path.file_name()?.to_str()?.strip_prefix(&start)?.strip_suffix(".jsonl")?.parse().ok()
    };
    let files = std::fs::read_dir(root.slo()).into_iter().flatten().flatten().map(|entry| entry.path());
    for old in files.filter(|path| of(path).is_some_and(|of| of < period - 1)) {
        let _ = std::fs::remove_file(old);
    }
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::slo::Minute;

    fn at(minute: i64) -> Wall {
        Wall(minute * 60_000)
    }

    fn closed(slo: &str, minute: i64) -> Closed {
        Closed { slo: slo.to_owned(), minute: Minute(minute, 0.5, 1.0) }
    }

    #[test]
    fn what_was_kept_is_read_back_once_and_no_longer_than_a_window() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        let (target, other) = (TargetId::new("a/../b\u{202e}"), TargetId::new("other"));
        let now = 100 * PERIOD_MINUTES + 5;
        let minutes = [now - PERIOD_MINUTES - 1, now - PERIOD_MINUTES + 1, now - 2, now - 2, now - 1, now + 7];
        for minute in minutes {
            append(&root, &target, &[closed("x", minute)]).expect("it can be written");
        }
        append(&root, &other, &[closed("y", now - 1)]).expect("it can be written");
        let mut file = root.open_common(&path(&root, &target, 100)).expect("it is there").0;
        file.write_all(b"{\"slo\":\"x\",\"minu").expect("a torn line");
        let read_at = |now: i64| read(&root, &target, at(now)).expect("it can be read");
        let known = read_at(now);
        assert_eq!(known.keys().collect::<Vec<_>>(), ["x"]);
        assert_eq!(
            known["x"].iter().map(|minute| minute.0).collect::<Vec<_>>(),
            [now - PERIOD_MINUTES + 1, now - 2, now - 1]
        );
        // Two periods later the files are gone, those of other targets are not.
        assert!(read_at(now + 2 * PERIOD_MINUTES).is_empty());
        assert!(read_at(now).is_empty());
        assert_eq!(read(&root, &other, at(now)).expect("it can be read").len(), 1);
    }
}
