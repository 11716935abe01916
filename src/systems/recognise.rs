//! Whether an answer is that of a system's node: by what it says, never by where it was found.

use serde::{Deserialize, Serialize};

use super::SystemSpec;
use super::spec::EndpointSpec;
use crate::base::SourceId;
use crate::model::{Answer, Fetch, HttpRequest, Labels, Reply};
use crate::sources::jq::{Filter, Json};
use crate::sources::{BoundSource, Cursor, Source, SourceError};

/// What an answer must be for it to be an endpoint's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecogniseSpec {
    /// JSON for which this jq filter yields true.
    Json(String),
    /// An exposition with a metric of this name.
    Metric(String),
    /// Any exposition: taken only where no system recognises more in it.
    Exposition,
}

impl RecogniseSpec {
    /// Whether it would take what many kinds of node answer.
    #[must_use]
    pub fn is_general(&self) -> bool {
        match self {
            RecogniseSpec::Exposition => true,
            RecogniseSpec::Json(_) | RecogniseSpec::Metric(_) => false,
        }
    }
}

/// A way of telling a system's node from others: the read that decides whether an endpoint is up, at its usual port.
#[derive(Debug)]
pub struct Recogniser<'a> {
    source: Source,
    by: &'a RecogniseSpec,
    /// Where it is recognised by one.
    filter: Option<Filter>,
}

impl<'a> Recogniser<'a> {
    /// For an endpoint that can be recognised, at this address.
    ///
    /// # Errors
    /// The source that decides whether it is up can not be used, or the filter that recognises it.
    pub fn new(
        system: &'a SystemSpec,
        endpoint: &'a EndpointSpec,
        base_url: &str,
    ) -> Result<Option<Recogniser<'a>>, SourceError> {
        let Some(by) = &endpoint.recognise else { return Ok(None) };
        let deciding = system.sources.iter().find(|source| source.endpoint == endpoint.id && source.decides_up);
        let Some(spec) = deciding else { return Ok(None) };
        let bound = BoundSource {
            id: SourceId::new(&spec.id),
            target: "recognise".into(),
            base_url: base_url.to_owned(),
            credentials: None,
            budget: None,
            machine: None,
            labels: Labels::default(),
            spec: spec.clone(),
        };
        let filter = match by {
            RecogniseSpec::Json(code) => {
                let wrong = |what| SourceError { source_id: spec.id.clone(), what: format!("recognise: {what}") };
                Some(Filter::compile(code, &[]).map_err(wrong)?)
            }
            RecogniseSpec::Metric(_) | RecogniseSpec::Exposition => None,
        };
        Source::compile(bound).map(|source| Some(Recogniser { source, by, filter }))
    }

    #[must_use]
    pub fn by(&self) -> &RecogniseSpec {
        self.by
    }

    /// What to read; nothing where the source that decides is not read over HTTP.
    #[must_use]
    pub fn request(&self) -> Option<HttpRequest> {
        match self.source.fetch(&Cursor::default()) {
            Ok(Fetch::Http(request)) => Some(request),
            Ok(Fetch::Tcp(_) | Fetch::File(_) | Fetch::FileSystem(_) | Fetch::Command(_)) | Err(_) => None,
        }
    }

    /// Whether this is an answer of the endpoint. It must be one that its own source can read.
    #[must_use]
    pub fn recognises(&self, reply: &Reply) -> bool {
        let batch = self.source.decode(&mut Cursor::default(), reply);
        if batch.failure.is_some() {
            return false;
        }
        match self.by {
            RecogniseSpec::Json(_) => match (&reply.answer, &self.filter) {
                (Answer::Http(answer), Some(filter)) => is_true(filter, &answer.body),
                (Answer::Http(_) | Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_), _) => {
                    false
                }
            },
            RecogniseSpec::Metric(name) => batch.layout.has(name),
            RecogniseSpec::Exposition => {
                let ours = |name: &str| name == "up" || name.starts_with("opsconsole_");
                batch.layout.names().any(|name| !ours(name))
            }
        }
    }
}

fn is_true(filter: &Filter, body: &[u8]) -> bool {
    let Ok(input) = Json::parse(body) else { return false };
    // A filter that fails on an answer is made for another one.
    filter.first(&input, &[]).ok().flatten().is_some_and(|value| value.to_value() == serde_json::Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::At;
    use crate::model::HttpAnswer;
    use crate::systems::{embedded, spec};

    fn recognised(system: &str, body: &str) -> bool {
        let files = &embedded()[system];
        let spec = spec::load(system, &files["system.ron"]).expect("an embedded system");
        let recogniser = Recogniser::new(&spec, &spec.endpoints[0], "http://127.0.0.1:1").expect("its source compiles");
        recogniser.expect("it can be recognised").recognises(&Reply {
            answer: Answer::Http(HttpAnswer {
                status: 200,
                content_type: String::new(),
                date: None,
                body: body.as_bytes().to_vec(),
            }),
            sent: At::default(),
            took: Duration::ZERO,
        })
    }

    #[test]
    fn every_embedded_endpoint_can_be_asked_for() {
        for (id, files) in embedded() {
            let spec = spec::load(id.as_str(), &files["system.ron"]).expect("an embedded system");
            for endpoint in &spec.endpoints {
                if let Err(error) = Recogniser::new(&spec, endpoint, "http://127.0.0.1:1") {
                    panic!("{id}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_node_is_known_by_what_it_says() {
        let check = |system: &str, body: &str, want: bool| assert_eq!(recognised(system, body), want, "{body}");
        check("volchain", r#"{"height": 7, "mempoolSize": 0, "producerUptime": 5, "lastBlockId": 3}"#, true);
        // Other chains have a height too, and other things answer JSON.
        check("volchain", r#"{"height": 7}"#, false);
        check("volchain", r#"{"ok": true}"#, false);
        check("volchain", "[1]", false);
        check("volchain", "<html></html>", false);
        check("volchain", "# TYPE a gauge\na 1\n", false);
        check("prometheus", "# TYPE a gauge\na 1\n", true);
        check("prometheus", "# nothing\n", false);
        check("prometheus", "<html></html>", false);
        check("prometheus", r#"{"height": 7, "mempoolSize": 0, "producerUptime": 5}"#, false);
        check("prometheus", "hello\n", false);
    }
}
