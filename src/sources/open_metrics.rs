//! The OpenMetrics exposition, version 1.0.
//!
//! What [`exposition`](super::exposition) says of timestamps, labels and names holds. A text that is not as the format
//! has it is refused at the line where that shows: one without `# EOF`, with an empty line or a comment, with a family
//! that is declared twice, behind its samples or in two places, with a counter that is negative or not a number, or
//! with a sample whose suffix its type does not know. Series keep the names they are sent with, `_total` and `_created`
//! too. Exemplars are passed over. Blanks are taken as in the older format.

use serde::{Deserialize, Serialize};

use super::exposition::{Dialect, Exposition, Scrape};
use super::http::Question;
use super::kind::{Fill, Kind, KindSpec};
use super::{BoundSource, SourceKindSpec};

/// The `Accept` header that asks for it.
const ACCEPT: &str = "application/openmetrics-text; version=1.0.0";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenMetricsSpec {
    pub path: String,
    /// Samples beyond this many are dropped, and counted.
    pub limit_series: usize,
}

impl KindSpec for OpenMetricsSpec {
    fn read(&self) -> String {
        format!("GET {}", self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let question = Question::get(bound, &self.path, ACCEPT)?;
        Ok(Box::new(Scrape { question, exposition: Exposition::new(Dialect::OpenMetrics, self.limit_series)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        None
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::OpenMetrics(self.clone()))
    }

    fn tells_time(&self) -> bool {
        true
    }
}
