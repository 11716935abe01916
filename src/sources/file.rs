//! What a runbook asks of a file or a folder without opening it: whether it is there, how large, how old, how full.
//!
//! Gives, with `source` and `path`: `file_exists`, and where it does `file_size_bytes`, `file_age_seconds` (since its
//! last modification) and, where asked for, `folder_entries`. A path that leads to nothing is an answer, not a failure.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, check_path, folder_of, mismatched};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::model::{Answer, Fetch, FetchFailure, FileAnswer, FileRequest, Look, Reply};

/// Entries of a folder that are counted; more are as many as this.
const MOST_ENTRIES: u64 = 100_000;

const NAMES: [&str; 4] = ["file_exists", "file_size_bytes", "file_age_seconds", "folder_entries"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Absolute; may hold `{setting}`s.
    pub path: String,
    /// Whether the entries of the folder are counted, up to 100 000.
    #[serde(default)]
    pub count_entries: bool,
}

#[derive(Debug)]
struct File {
    request: FileRequest,
    columns: Columns,
}

impl FileSpec {
    fn series(&self) -> &'static [&'static str] {
        if self.count_entries { &NAMES } else { &NAMES[..3] }
    }
}

impl KindSpec for FileSpec {
    fn read(&self) -> String {
        format!("{} {}", if self.count_entries { "list" } else { "stat" }, self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        check_path(&self.path)?;
        let look = if self.count_entries { Look::Entries { limit: MOST_ENTRIES } } else { Look::Stat };
        let timeout = seconds(bound.spec.timeout_seconds);
        let request = FileRequest { path: self.path.clone(), within: folder_of(bound), look, timeout };
        let series = self.series().iter().map(|name| Columns::of_source(bound, name).with("path", &self.path));
        Ok(Box::new(File { request, columns: Columns::new(bound, series)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(self.series().iter().map(|name| (*name).to_owned()).collect())
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::File(FileSpec { path: fill(&self.path)?, ..self.clone() }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}

impl Kind for File {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::File(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        match &reply.answer {
            Answer::File(FileAnswer::Absent) => Ok(self.columns.lay_out(own, cursor, &[(0, 0.0)])),
            Answer::File(FileAnswer::Seen(seen)) => {
                let age = reply.sent.wall.since(seen.modified).as_secs_f64();
                let mut values = vec![(0, 1.0), (1, seen.size_bytes as f64), (2, age)];
                values.extend(seen.entries.map(|entries| (3, entries as f64)));
                let counted = self.request.look != Look::Stat;
                let missing = (counted && seen.entries.is_none()).then(|| Arc::from(NAMES[3]));
                Ok(Decoded { not_exposed: missing.into_iter().collect(), ..self.columns.lay_out(own, cursor, &values) })
            }
            Answer::File(FileAnswer::Tail(_) | FileAnswer::Tree(_))
            | Answer::Http(_)
            | Answer::Tcp
            | Answer::FileSystem(_)
            | Answer::Command(_) => Err(mismatched()),
        }
    }
}
