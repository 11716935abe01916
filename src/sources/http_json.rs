//! JSON over HTTP, turned into series and documents by an [`Extraction`](super::extraction).

use serde::{Deserialize, Serialize};

use super::extraction::{self, EXPECTED, Extraction};
pub use super::extraction::{Extract, JsonDocumentSpec, JsonSeriesSpec};
use super::http::{self, Get};
use super::kind::{Decoded, Fill, Kind, KindSpec, Own, names_of};
use super::{BoundSource, Cursor, SourceKindSpec};
use crate::base::Unit;
use crate::model::{Fetch, FetchFailure, Reply};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpJsonSpec {
    /// Path and query, appended to the endpoint's URL.
    pub path: String,
    #[serde(default)]
    pub series: Vec<JsonSeriesSpec>,
    #[serde(default)]
    pub documents: Vec<JsonDocumentSpec>,
}

#[derive(Debug)]
struct HttpJson {
    get: Get,
    extraction: Extraction,
}

impl KindSpec for HttpJsonSpec {
    fn read(&self) -> String {
        format!("GET {}", self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let get = Get::compile(bound, &self.path, "application/json")?;
        Ok(Box::new(HttpJson { get, extraction: Extraction::compile(bound, &self.series, &self.documents)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(names_of(self.series.iter().map(|series| series.name.as_str())))
    }

    fn meaning(&self, name: &str) -> Option<(&str, Unit)> {
        extraction::meaning(&self.series, name)
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::HttpJson(self.clone()))
    }

    fn tells_time(&self) -> bool {
        true
    }
}

impl Kind for HttpJson {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(self.get.fetch())
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = http::answered(reply)?;
        if http::is_html(answer) {
            return Err(FetchFailure::Html { expected: EXPECTED.to_owned() });
        }
        self.extraction.decode(&answer.body, answer.date, reply.sent.wall, own, cursor)
    }
}
