//! The Prometheus text exposition, version 0.0.4.
//!
//! What [`exposition`](super::exposition) says of timestamps, labels and names holds. Comments are not read, so that a
//! counter may be whatever the node says, negative too, as in Prometheus: `rate` takes a fall for a restart.

use serde::{Deserialize, Serialize};

use super::exposition::{Dialect, Exposition};

/// The `Accept` header that asks for it.
pub(super) const ACCEPT: &str = "text/plain;version=0.0.4";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusTextSpec {
    pub path: String,
    /// Samples beyond this many are dropped, and counted.
    pub limit_series: usize,
}

impl PrometheusTextSpec {
    pub(super) fn compile(&self) -> Result<Exposition, String> {
        Exposition::new(Dialect::PrometheusText, self.limit_series)
    }
}
