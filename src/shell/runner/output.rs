//! What an act put out: the first and the last of it in a file, and a few lines for the journal.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use super::masking::Mask;
use crate::base::{ActId, RunId};
use crate::shell::child::lines;
use crate::shell::{StateRoot, state_root};

/// Kept of the beginning, and of the end.
const HEAD_BYTES: usize = 64 << 10;
const TAIL_BYTES: usize = 64 << 10;

/// Of the end, for the journal.
const EXCERPT_BYTES: usize = 4 << 10;

/// The output of one act, while it comes. Keeping it may fail; the act is not troubled by that.
pub struct Output {
    path: Option<PathBuf>,
    file: Result<File, String>,
    mask: Mask,
    head: usize,
    tail: VecDeque<u8>,
    total: u64,
}

impl Output {
    /// Output into `runs/<run>/<seq>-<act>.out`, where `seq` is the number of the act's intent: a later act of the
    /// same name has its own.
    pub fn open(root: &StateRoot, run: &RunId, seq: u64, act: &ActId, mask: Mask) -> Output {
        let path = root.run_folder(run).and_then(|folder| {
            let name = format!("{seq}-{act}.out");
            state_root::file_name(&name).map(|name| folder.join(name))
        });
        let (path, file) = match path {
            Ok(path) => {
                let file = root.open(&path).map(|(file, _)| file).map_err(|error| error.to_string());
                (Some(path), file)
            }
            Err(error) => (None, Err(error.to_string())),
        };
        Output { path, file, mask, head: 0, tail: VecDeque::new(), total: 0 }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        let clear = self.mask.pass(bytes);
        self.keep(&clear);
    }

    /// Words of ours that may repeat what the other side said.
    #[must_use]
    pub fn masked(&self, words: &str) -> String {
        let mut mask = self.mask.anew();
        let mut clear = mask.pass(words.as_bytes());
        clear.extend(mask.rest());
        String::from_utf8_lossy(&clear).into_owned()
    }

    fn keep(&mut self, clear: &[u8]) {
        self.total += clear.len() as u64;
        let into_head = clear.len().min(HEAD_BYTES - self.head);
        self.head += into_head;
        self.write(&clear[..into_head]);
        self.tail.extend(clear);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL_BYTES));
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Ok(file) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            self.file = Err(error.to_string());
        }
    }

    /// Writes what is left and makes it durable; answers with the last lines, harmless, for the journal.
    pub fn finish(mut self) -> String {
        let rest = self.mask.rest();
        self.keep(&rest);
        let behind = usize::try_from(self.total).unwrap_or(usize::MAX) - self.head;
        let tail: Vec<u8> = self.tail.iter().copied().skip(self.tail.len().saturating_sub(behind)).collect();
        let left_out = behind - tail.len();
        if left_out > 0 {
            self.write(format!("\n[{left_out} bytes left out here]\n").as_bytes());
        }
        self.write(&tail);
        let synced = self.file.as_ref().map_err(Clone::clone).and_then(|file| sync(file).map_err(|e| e.to_string()));
        let excerpt: Vec<u8> = self.tail.iter().copied().skip(self.tail.len().saturating_sub(EXCERPT_BYTES)).collect();
        let mut text = lines(&excerpt);
        if self.total > excerpt.len() as u64 {
            text = format!("[the last {} of {} bytes]\n{text}", excerpt.len(), self.total);
        }
        if let Err(why) = synced {
            let path = self.path.map(|path| format!(" in {}", path.display())).unwrap_or_default();
            text.push_str(&format!("\n[the output could not be kept{path}: {why}]"));
        }
        text
    }
}

fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The excerpt for the journal, and the file.
    fn kept(parts: &[&[u8]]) -> (String, Vec<u8>) {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        let run = RunId::new("run-1");
        let mut output = Output::open(&root, &run, 7, &ActId::new("restart"), Mask::default());
        parts.iter().for_each(|part| output.take(part));
        let text = output.finish();
        (text, std::fs::read(root.path().join("runs/run-1/7-restart.out")).expect("it was kept"))
    }

    #[test]
    fn a_few_lines_are_kept_whole_and_journalled_harmless() {
        let (text, file) = kept(&[b"one\n", b"two\x1b[2J\n"]);
        assert_eq!(text, "one\ntwo\u{fffd}[2J");
        assert_eq!(file, b"one\ntwo\x1b[2J\n");
        assert_eq!(kept(&[]), (String::new(), Vec::new()));
    }

    #[test]
    fn of_a_flood_the_first_and_the_last_are_kept() {
        let check = |total: usize, left_out: usize| {
            let flood: Vec<u8> = (0..total).map(|at| b'a' + u8::try_from(at % 26).expect("it is small")).collect();
            let parts: Vec<&[u8]> = flood.chunks(8192).collect();
            let (text, file) = kept(&parts);
            let note = if left_out > 0 { format!("\n[{left_out} bytes left out here]\n") } else { String::new() };
            assert_eq!(file.len(), total - left_out + note.len(), "{total}");
            assert!(file.starts_with(&flood[..1000]) && file.ends_with(&flood[total - 1000..]));
            assert!(text.starts_with(&format!("[the last 4096 of {total} bytes]\n")));
        };
        check(HEAD_BYTES, 0);
        check(HEAD_BYTES + 1, 0);
        check(HEAD_BYTES + TAIL_BYTES, 0);
        check(HEAD_BYTES + TAIL_BYTES + 1, 1);
        check(1_000_000, 1_000_000 - HEAD_BYTES - TAIL_BYTES);
    }

    #[test]
    fn output_that_can_not_be_kept_is_said_to_be_lost() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        let mut output = Output::open(&root, &RunId::new("run-1"), 7, &ActId::new("../../etc/passwd"), Mask::default());
        output.take(b"said");
        assert!(output.finish().starts_with("said\n[the output could not be kept"));
    }
}
