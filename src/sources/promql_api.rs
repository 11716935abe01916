//! What an expression gives on the Prometheus-compatible server that scrapes the target: for what no node says by
//! itself, such as the ratio of a recording rule.
//!
//! It is asked of the server in the target's `prometheus`, once per target and not per node, and each selector is kept
//! to the target's own series by the server's `matchers`, so that one server may scrape many deployments. Gives one
//! series per element of the answer, by the name in the spec and with the labels of the answer; where the target sets a
//! label of that name the answer's becomes `exported_NAME`, as Prometheus has it. An empty answer is *not exposed*. What
//! the server remarks (warnings, infos) is a document.
//!
//! The values are of the server's last scrape, which may be minutes old: the console knows only when it asked. What a
//! node says by itself is better asked of the node.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, free_name, given_labels, mismatched};
use super::server::{self, Bounds, Server};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::base::Unit;
use crate::model::labels::NAME;
use crate::model::{Answer, Document, Fetch, FetchFailure, HttpRequest, Reply};
use crate::promql::data::Answer as Gave;
use crate::promql::narrow::narrowed;

/// Series of one answer that a source may allow.
const MOST_SERIES: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromqlApiSpec {
    /// PromQL, as the server understands it.
    pub expr: String,
    /// What its elements are called here.
    pub name: String,
    pub help: String,
    #[serde(default)]
    pub unit: Unit,
    #[serde(default = "limit_series")]
    pub limit_series: usize,
    /// Which series of the server are those of the target. Written in when the source is bound to one.
    #[serde(default)]
    pub matchers: String,
}

fn limit_series() -> usize {
    100
}

#[derive(Debug)]
struct PromqlApi {
    request: HttpRequest,
    name: String,
    limit_series: usize,
    columns: Columns,
}

impl PromqlApiSpec {
    /// The same for the series that these matchers accept.
    #[must_use]
    pub fn of_series(&self, matchers: String) -> PromqlApiSpec {
        PromqlApiSpec { matchers, ..self.clone() }
    }

    fn narrowed(&self) -> Result<String, String> {
        narrowed(&self.expr, &self.matchers).map_err(|error| format!("{:?}: {error}", self.expr))
    }
}

impl KindSpec for PromqlApiSpec {
    fn read(&self) -> String {
        format!("promql {}", self.expr)
    }

    fn check(&self) -> Result<(), String> {
        free_name(&self.name)?;
        if !(1..=MOST_SERIES).contains(&self.limit_series) {
            return Err(format!("limit_series is {}; it must be between 1 and {MOST_SERIES}", self.limit_series));
        }
        self.narrowed().map(drop)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let server = Server { url: bound.base_url.clone(), credentials: bound.credentials.clone() };
        let bounds = Bounds { timeout: seconds(bound.spec.timeout_seconds), limit_bytes: bound.spec.limit_bytes };
        // By the server's own clock, which need not agree with ours.
        let request = server.request_now(&self.narrowed()?, bounds).map_err(|failure| failure.to_string())?;
        Ok(Box::new(PromqlApi {
            request,
            name: self.name.clone(),
            limit_series: self.limit_series,
            columns: Columns::new(bound, [])?,
        }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(vec![self.name.clone()])
    }

    fn meaning(&self, name: &str) -> Option<(&str, Unit)> {
        (self.name == name).then_some((self.help.as_str(), self.unit))
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::PromqlApi(self.clone()))
    }

    fn asks_server(&self) -> bool {
        true
    }
}

impl Kind for PromqlApi {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::Http(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = match &reply.answer {
            Answer::Http(answer) => answer,
            Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_) => return Err(mismatched()),
        };
        let mut found = Vec::new();
        match server::read(answer)? {
            Gave::Scalar(_, value) => found.push((given_labels(own.labels, &self.name, &[]), value)),
            Gave::Vector(samples) => {
                for (_, sample) in samples {
                    let pairs: Vec<(&str, &str)> = sample.labels.iter().filter(|(name, _)| *name != NAME).collect();
                    found.push((given_labels(own.labels, &self.name, &pairs), sample.value));
                }
            }
            Gave::Matrix(_) => {
                let detail = "the expression gives a range, and not one value per series".to_owned();
                return Err(FetchFailure::Other { detail });
            }
        }
        let dropped = found.len().saturating_sub(self.limit_series) as u64;
        found.truncate(self.limit_series);
        let not_exposed = if found.is_empty() { vec![Arc::from(self.name.as_str())] } else { Vec::new() };
        let remarks = server::remarks(answer);
        let documents = match remarks.is_empty() {
            true => Vec::new(),
            false => vec![Document { name: "remarks".to_owned(), json: Arc::new(remarks.into()) }],
        };
        let laid = self.columns.lay_out_with(own, cursor, &[], found);
        Ok(Decoded { not_exposed, documents, dropped_series: laid.dropped_series + dropped, ..laid })
    }
}
