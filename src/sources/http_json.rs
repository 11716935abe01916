//! JSON over HTTP, turned into series and documents by an [`Extraction`](super::extraction).
//!
//! A read is a GET, unless the interface takes no other question than a POST: that of IPFS answers a GET with 405, and
//! reads by `POST /api/v0/id`. Such a POST has no body, and the system's `allowed_reads` names it as what it is, so that
//! nobody takes a path that changes something for one that only looks.

use serde::{Deserialize, Serialize};

use super::extraction::{self, EXPECTED, Extraction};
pub use super::extraction::{Extract, JsonDocumentSpec, JsonSeriesSpec};
use super::http::{self, Question};
use super::kind::{Decoded, Fill, Kind, KindSpec, Own, names_of};
use super::{BoundSource, Cursor, SourceKindSpec};
use crate::base::Unit;
use crate::model::{Ask, Fetch, FetchFailure, Labels, Reply};

pub(super) const ACCEPT: &str = "application/json";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpJsonSpec {
    /// Get; Post only where a GET is not answered.
    #[serde(default)]
    pub method: ReadMethod,
    /// Path and query, appended to the endpoint's URL.
    pub path: String,
    #[serde(default)]
    pub series: Vec<JsonSeriesSpec>,
    #[serde(default)]
    pub documents: Vec<JsonDocumentSpec>,
}

/// How a path is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadMethod {
    #[default]
    Get,
    Post,
}

#[derive(Debug)]
struct HttpJson {
    question: Question,
    extraction: Extraction,
}

impl KindSpec for HttpJsonSpec {
    fn read(&self) -> String {
        match self.method {
            ReadMethod::Get => format!("GET {}", self.path),
            ReadMethod::Post => format!("POST {}", self.path),
        }
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let ask = match self.method {
            ReadMethod::Get => Ask::Get,
            ReadMethod::Post => Ask::Post { body: None },
        };
        let question = Question::compile(bound, &self.path, ACCEPT, ask)?;
        Ok(Box::new(HttpJson { question, extraction: Extraction::compile(bound, &self.series, &self.documents)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(names_of(self.series.iter().map(|series| series.name.as_str())))
    }

    fn meaning(&self, name: &str) -> Option<(&str, Unit)> {
        extraction::meaning(&self.series, name)
    }

    fn extractions(&self) -> Vec<(Labels, &str)> {
        extraction::extractions(&self.series)
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::HttpJson(self.clone()))
    }

    fn documents(&self) -> Vec<&str> {
        self.documents.iter().map(|document| document.name.as_str()).collect()
    }

    fn series(&self) -> &[JsonSeriesSpec] {
        &self.series
    }

    fn tells_time(&self) -> bool {
        true
    }
}

impl Kind for HttpJson {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(self.question.fetch())
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = http::answered(reply)?;
        if http::is_html(answer) {
            return Err(FetchFailure::Html { expected: EXPECTED.to_owned() });
        }
        self.extraction.decode(&answer.body, answer.date, reply.sent.wall, own, cursor)
    }
}
