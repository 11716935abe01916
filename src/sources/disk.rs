//! Size and use of the file system that holds a path.
//!
//! Gives, with `source` and `path`, what the node exporter gives: `node_filesystem_size_bytes`, `…_free_bytes`,
//! `…_avail_bytes`, `…_files`, `…_files_free`, `…_readonly`; and `node_filesystem_used_ratio`, the share that `df`
//! shows: of what is not reserved for root.

use serde::{Deserialize, Serialize};

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, check_path, folder_of, mismatched};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::model::{Answer, Fetch, FetchFailure, FileSystemAnswer, FileSystemRequest, Reply};

const NAMES: [&str; 7] = [
    "node_filesystem_size_bytes",
    "node_filesystem_free_bytes",
    "node_filesystem_avail_bytes",
    "node_filesystem_readonly",
    "node_filesystem_used_ratio",
    "node_filesystem_files",
    "node_filesystem_files_free",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSpec {
    /// Any path on the file system, absolute; may hold `{setting}`s.
    pub path: String,
}

#[derive(Debug)]
struct Disk {
    request: FileSystemRequest,
    columns: Columns,
}

impl KindSpec for DiskSpec {
    fn read(&self) -> String {
        format!("statvfs {}", self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        check_path(&self.path)?;
        let timeout = seconds(bound.spec.timeout_seconds);
        let request = FileSystemRequest { path: self.path.clone(), within: folder_of(bound), timeout };
        let series = NAMES.iter().map(|name| Columns::of_source(bound, name).with("path", &self.path));
        Ok(Box::new(Disk { request, columns: Columns::new(bound, series)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(NAMES.iter().map(|name| (*name).to_owned()).collect())
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::Disk(DiskSpec { path: fill(&self.path)? }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}

impl Kind for Disk {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::FileSystem(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        match &reply.answer {
            Answer::FileSystem(answer) => Ok(self.columns.lay_out(own, cursor, &values(answer))),
            Answer::Http(_) | Answer::Tcp | Answer::File(_) | Answer::Command(_) => Err(mismatched()),
        }
    }
}

fn values(answer: &FileSystemAnswer) -> Vec<(usize, f64)> {
    let mut values = vec![
        (0, answer.size_bytes as f64),
        (1, answer.free_bytes as f64),
        (2, answer.available_bytes as f64),
        (3, f64::from(u8::from(answer.read_only))),
    ];
    let used = answer.size_bytes.saturating_sub(answer.free_bytes);
    let usable = used.saturating_add(answer.available_bytes);
    if usable > 0 {
        values.push((4, used as f64 / usable as f64));
    }
    // Some file systems make inodes as they need them, and say that they have none.
    if answer.inodes > 0 {
        values.extend([(5, answer.inodes as f64), (6, answer.inodes_free as f64)]);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_in_use_is_the_one_that_df_shows() {
        let answer = FileSystemAnswer {
            size_bytes: 1000,
            free_bytes: 400,
            available_bytes: 200,
            inodes: 10,
            inodes_free: 4,
            read_only: false,
        };
        let want = [(0, 1000.0), (1, 400.0), (2, 200.0), (3, 0.0), (4, 0.75), (5, 10.0), (6, 4.0)];
        assert_eq!(values(&answer), want);
        let none = FileSystemAnswer { size_bytes: 0, free_bytes: 0, available_bytes: 0, inodes: 0, ..answer };
        assert_eq!(values(&none).len(), 4, "an empty pseudo file system has no share and no inodes");
    }
}
