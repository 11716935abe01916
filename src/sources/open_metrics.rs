//! The OpenMetrics exposition, version 1.0.
//!
//! What [`exposition`](super::exposition) says of timestamps, labels and names holds. A text that is not as the format
//! has it is refused at the line where that shows: one without `# EOF`, with an empty line or a comment, with a family
//! that is declared twice, behind its samples or in two places, with a counter that is negative or not a number, or
//! with a sample whose suffix its type does not know. Series keep the names they are sent with, `_total` and `_created`
//! too. Exemplars are passed over. Blanks are taken as in the older format.

use serde::{Deserialize, Serialize};

use super::exposition::{Dialect, Exposition};
use crate::model::{FetchFailure, Reply};

/// The `Accept` header that asks for it.
pub(super) const ACCEPT: &str = "application/openmetrics-text; version=1.0.0";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenMetricsSpec {
    pub path: String,
    /// Samples beyond this many are dropped, and counted.
    pub limit_series: usize,
}

impl OpenMetricsSpec {
    pub(super) fn compile(&self) -> Result<Exposition, String> {
        Exposition::new(Dialect::OpenMetrics, self.limit_series)
    }
}

/// A node that does not know OpenMetrics answers in the older format, and then that is what is wrong, not some line.
pub(super) fn check_format(reply: &Reply) -> Result<(), FetchFailure> {
    let content_type = reply.content_type.trim_start().to_ascii_lowercase();
    let ended = reply.body.trim_ascii_end().ends_with(b"# EOF");
    if !content_type.starts_with("text/plain") || ended {
        return Ok(());
    }
    let detail = "the node answered in the older Prometheus text format, which the kind PrometheusText reads";
    Err(FetchFailure::Malformed { expected: "an OpenMetrics exposition".to_owned(), detail: detail.to_owned() })
}
