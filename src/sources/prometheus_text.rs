//! The Prometheus text exposition, version 0.0.4.
//!
//! What [`exposition`](super::exposition) says of timestamps, labels and names holds. Comments are not read, so that a
//! counter may be whatever the node says, negative too, as in Prometheus: `rate` takes a fall for a restart.

use serde::{Deserialize, Serialize};

use super::exposition::{Dialect, Exposition, Scrape};
use super::http::Question;
use super::kind::{Fill, Kind, KindSpec};
use super::{BoundSource, SourceKindSpec};

/// The `Accept` header that asks for it.
const ACCEPT: &str = "text/plain;version=0.0.4";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusTextSpec {
    pub path: String,
    /// Samples beyond this many are dropped, and counted.
    pub limit_series: usize,
}

impl KindSpec for PrometheusTextSpec {
    fn read(&self) -> String {
        format!("GET {}", self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let question = Question::get(bound, &self.path, ACCEPT)?;
        Ok(Box::new(Scrape { question, exposition: Exposition::new(Dialect::PrometheusText, self.limit_series)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        None
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::PrometheusText(self.clone()))
    }

    fn tells_time(&self) -> bool {
        true
    }
}
