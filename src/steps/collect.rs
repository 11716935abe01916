//! Collecting evidence: readings, documents, log lines, alerts and the run's own journal, in one archive with checksums
//! that is kept beside the journal. It reads only, so it runs by itself.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;
use crate::runbook::tree::{CollectPlan, ReadingPlan};

/// More lines of one log than this make no evidence that anybody reads.
const MOST_LOG_LINES: u32 = 5_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectSpec {
    #[serde(default)]
    pub readings: Vec<ReadingPlan>,
    /// Documents by name; all of the target's where none is named.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Newest lines of each of the target's logs.
    #[serde(default = "usual_log_lines")]
    pub log_lines: u32,
}

const fn usual_log_lines() -> u32 {
    500
}

impl CollectSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        check.readings(&self.readings, &format!("{at}.readings"));
        if self.log_lines > MOST_LOG_LINES {
            let what = format!("{} lines of each log are too many; at most {MOST_LOG_LINES}", self.log_lines);
            check.complain(&format!("{at}.log_lines"), what, None);
        }
        Task::Collect(CollectPlan {
            readings: self.readings.clone(),
            documents: self.documents.clone(),
            log_lines: self.log_lines.min(MOST_LOG_LINES),
        })
    }
}
