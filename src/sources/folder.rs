//! How much a folder holds, with every folder in it: what `du` says, within limits.
//!
//! Gives, with `source` and `path`: `folder_exists`, and where it does `folder_walk_complete` and, of a walk that saw
//! everything, `folder_size_bytes` (sizes of the files as they are read), `folder_disk_bytes` (what they take on the
//! disk), `folder_files`, `folder_folders`, and `folder_files_with` per suffix. Of a walk that was cut short, by its
//! limits, by time or by folders that may not be read, it gives `folder_size_at_least_bytes` instead, and a document
//! says why: a part of a sum is never shown as the sum.
//!
//! Links are never followed and other file systems never entered; a file with two names counts twice. A walk costs the
//! disk a look at every entry, so that it is made at most every ten seconds, and better every few minutes.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::{
    Columns, Decoded, Fill, Kind, KindSpec, Own, PROGRAM_INTERVAL, check_path, folder_of, mismatched, names_of,
};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::model::{
    Answer, Document, Fetch, FetchFailure, FileAnswer, FileRequest, Look, Reply, TreeCut, TreeLook, TreeSeen,
};

const EXISTS: usize = 0;
const COMPLETE: usize = 1;
const AT_LEAST: usize = 2;

/// In the order of the columns; the suffixes' come after them.
const NAMES: [&str; 7] = [
    "folder_exists",
    "folder_walk_complete",
    "folder_size_at_least_bytes",
    "folder_size_bytes",
    "folder_disk_bytes",
    "folder_files",
    "folder_folders",
];

const WITH_SUFFIX: &str = "folder_files_with";

/// Most entries that a walk may be allowed, and deepest nesting: each level holds a folder open.
const MOST_ENTRIES: u64 = 1_000_000;
const DEEPEST: u32 = 64;

/// Most suffixes, and longest of them.
const MOST_SUFFIXES: usize = 8;
const LONGEST_SUFFIX: usize = 32;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderSpec {
    /// Absolute; may hold `{setting}`s.
    pub path: String,
    /// The walk ends at so many entries.
    #[serde(default = "limit_entries")]
    pub limit_entries: u64,
    /// Folders within folders that are entered.
    #[serde(default = "deepest")]
    pub deepest: u32,
    /// Ends of names, such as `.sst`, whose files are counted apart.
    #[serde(default)]
    pub suffixes: Vec<String>,
}

fn limit_entries() -> u64 {
    100_000
}

fn deepest() -> u32 {
    16
}

#[derive(Debug)]
struct Folder {
    request: FileRequest,
    columns: Columns,
}

impl KindSpec for FolderSpec {
    fn read(&self) -> String {
        format!("du {}", self.path)
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=MOST_ENTRIES).contains(&self.limit_entries) {
            return Err(format!("limit_entries is {}; it must be between 1 and {MOST_ENTRIES}", self.limit_entries));
        }
        if self.deepest > DEEPEST {
            return Err(format!("deepest is {}; it must be at most {DEEPEST}", self.deepest));
        }
        let fits = |suffix: &String| (1..=LONGEST_SUFFIX).contains(&suffix.len()) && !suffix.contains('/');
        if self.suffixes.len() > MOST_SUFFIXES || !self.suffixes.iter().all(fits) {
            return Err(format!(
                "suffixes are at most {MOST_SUFFIXES} ends of names, each of up to {LONGEST_SUFFIX} bytes and without /, such as .sst"
            ));
        }
        Ok(())
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        check_path(&self.path)?;
        let look = TreeLook { limit: self.limit_entries, deepest: self.deepest, suffixes: self.suffixes.clone() };
        let of_path = |name: &str| Columns::of_source(bound, name).with("path", &self.path);
        let suffixes = self.suffixes.iter().map(|suffix| of_path(WITH_SUFFIX).with("suffix", suffix));
        Ok(Box::new(Folder {
            request: FileRequest {
                path: self.path.clone(),
                within: folder_of(bound),
                look: Look::Tree(look),
                timeout: seconds(bound.spec.timeout_seconds),
            },
            columns: Columns::new(bound, NAMES.into_iter().map(of_path).chain(suffixes))?,
        }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(names_of(NAMES.into_iter().chain(self.suffixes.iter().map(|_| WITH_SUFFIX))))
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::Folder(FolderSpec { path: fill(&self.path)?, ..self.clone() }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }

    fn least_interval(&self) -> Duration {
        PROGRAM_INTERVAL
    }
}

impl Kind for Folder {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::File(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        match &reply.answer {
            Answer::File(FileAnswer::Absent) => Ok(self.columns.lay_out(own, cursor, &[(EXISTS, 0.0)])),
            Answer::File(FileAnswer::Tree(tree)) => match tree.cut {
                None => Ok(self.columns.lay_out(own, cursor, &whole(tree))),
                Some(cut) => {
                    let values = [(EXISTS, 1.0), (COMPLETE, 0.0), (AT_LEAST, tree.bytes as f64)];
                    let said = serde_json::json!({
                        "path": self.request.path,
                        "not all was seen, because": self.why(cut),
                        "seen": { "bytes": tree.bytes, "files": tree.files, "folders": tree.folders },
                    });
                    Ok(Decoded {
                        documents: vec![Document { name: "folder".to_owned(), json: Arc::new(said) }],
                        not_exposed: NAMES[AT_LEAST + 1..].iter().map(|name| Arc::from(*name)).collect(),
                        ..self.columns.lay_out(own, cursor, &values)
                    })
                }
            },
            Answer::File(FileAnswer::Seen(_) | FileAnswer::Tail(_))
            | Answer::Http(_)
            | Answer::Tcp
            | Answer::FileSystem(_)
            | Answer::Command(_) => Err(mismatched()),
        }
    }
}

impl Folder {
    fn why(&self, cut: TreeCut) -> String {
        let Look::Tree(look) = &self.request.look else { return String::new() };
        match cut {
            TreeCut::Entries => format!("it has more than {} entries", look.limit),
            TreeCut::Depth => format!("its folders nest deeper than {}", look.deepest),
            TreeCut::Time => "the walk took too long".to_owned(),
            TreeCut::Denied(folders) => format!("{folders} of its folders can not be read by this user"),
        }
    }
}

fn whole(tree: &TreeSeen) -> Vec<(usize, f64)> {
    let counts = [tree.bytes, tree.disk_bytes, tree.files, tree.folders];
    let numbers = counts.iter().chain(&tree.with_suffix).map(|count| *count as f64);
    let of_tree = numbers.enumerate().map(|(at, value)| (AT_LEAST + 1 + at, value));
    [(EXISTS, 1.0), (COMPLETE, 1.0)].into_iter().chain(of_tree).collect()
}
