//! Facts: what was measured, where, when, and how far it can be trusted. No I/O, and nothing that can fail.
//!
//! ```text
//! Fetch ──(shell)──► Reply ──(a source decodes)──► Batch ──► Store::link
//!                                                    │          ├── rows of series, for PromQL and charts
//!                                                    │          └── SourceState: the truth about the source
//!                                                    ├── documents, for people and jq
//!                                                    └── lines of logs, for people
//! ```
//!
//! Must never: show a number without its [`Truth`]; treat absence as zero or as health.
//!
//! To add a fact that is not a number: a document of a source. To add a way of reaching the world: [`waist`].

pub mod backfill;
pub mod batch;
pub mod demo;
pub mod file_act;
pub mod labels;
pub mod log;
pub mod matchers;
pub mod source_state;
pub mod store;
pub mod told;
pub mod truth;
pub mod waist;

pub use backfill::{Backfill, PastRow, Scraped};
pub use batch::{Batch, Document, Layout};
pub use demo::{DemoOrder, FaultKind, FaultState};
pub use file_act::{FileAct, FileOrder};
pub use labels::{Labels, MatchOp, Matcher};
pub use log::LogLine;
pub use matchers::{Columns, Matchers};
pub use source_state::SourceState;
pub use store::{Extent, Retention, Scope, SeriesWindow, Store};
pub use told::{LifeKind, LifeSign, Restart, Told};
pub use truth::{Reading, Truth};
pub use waist::{
    Answer, Ask, CommandAnswer, CommandRequest, Exec, Fetch, FetchFailure, FileAnswer, FileKind, FileRequest, FileSeen,
    FileSystemAnswer, FileSystemRequest, HttpAnswer, HttpCare, HttpRequest, Look, Method, Reply, SecretHeader,
    TailBegan, TailPosition, TailRead, TcpRequest, TreeCut, TreeLook, TreeSeen,
};
