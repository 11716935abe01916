//! Whether an answer is that of a system's node: by what it says, never by where it was found.

use std::time::Duration;

use super::SystemSpec;
use super::spec::{EndpointSpec, LookAt};
use crate::base::SourceId;
use crate::model::{Answer, Ask, Fetch, HttpRequest, Labels, Reply};
use crate::sources::identity::is_true;
use crate::sources::jq::Filter;
use crate::sources::{BoundSource, Cursor, Recognition, Source, SourceError};

/// A way of telling a system's node from others: a read that only its nodes answer like this, at their usual port.
#[derive(Debug)]
pub struct Recogniser {
    read: Read,
    /// Whether it would take what many kinds of node answer.
    is_general: bool,
}

#[derive(Debug)]
enum Read {
    /// The read that decides whether the endpoint is up: its answer must be one that its source can read.
    Deciding(Box<Source>, Recognition),
    /// Another one, because that is no GET.
    At(HttpRequest, Filter),
}

impl Recogniser {
    /// For an endpoint that can be recognised, at this address.
    ///
    /// # Errors
    /// The source that decides whether it is up can not be used, or the filter that recognises it.
    pub fn new(
        system: &SystemSpec,
        endpoint: &EndpointSpec,
        base_url: &str,
    ) -> Result<Option<Recogniser>, SourceError> {
        let deciding = system.sources.iter().find(|source| source.endpoint == endpoint.id && source.decides_up);
        let Some(spec) = deciding else { return Ok(None) };
        let wrong = |what| SourceError { source_id: spec.id.clone(), what };
        if let Some(LookAt { path, jq }) = &endpoint.recognise_at {
            let filter = Filter::compile(jq, &[]).map_err(|what| wrong(format!("recognise_at: {what}")))?;
            let request = HttpRequest {
                ask: Ask::Get,
                url: format!("{}{path}", base_url.trim_end_matches('/')),
                accept: "application/json".to_owned(),
                timeout: Duration::try_from_secs_f64(spec.timeout_seconds).unwrap_or_default(),
                limit_bytes: spec.limit_bytes,
                credentials: None,
                care: endpoint.http,
            };
            return Ok(Some(Recogniser { read: Read::At(request, filter), is_general: false }));
        }
        let Some(by) = &endpoint.recognise else { return Ok(None) };
        let bound = BoundSource {
            id: SourceId::new(&spec.id),
            target: "recognise".into(),
            base_url: base_url.to_owned(),
            credentials: None,
            budget: None,
            machine: None,
            labels: Labels::default(),
            spec: spec.clone(),
            recognise: None,
            http: endpoint.http,
        };
        let recognition = Recognition::compile(by).map_err(wrong)?;
        let source = Box::new(Source::compile(bound)?);
        Ok(Some(Recogniser { read: Read::Deciding(source, recognition), is_general: by.is_general() }))
    }

    #[must_use]
    pub fn is_general(&self) -> bool {
        self.is_general
    }

    /// What to read; nothing where the source that decides is not read over HTTP.
    #[must_use]
    pub fn request(&self) -> Option<HttpRequest> {
        match &self.read {
            Read::At(request, _) => Some(request.clone()),
            Read::Deciding(source, _) => match source.fetch(&Cursor::default()) {
                Ok(Fetch::Http(request)) => Some(request),
                Ok(Fetch::Tcp(_) | Fetch::File(_) | Fetch::FileSystem(_) | Fetch::Command(_)) | Err(_) => None,
            },
        }
    }

    /// The same where it may be asked of whoever listens: nobody is sent a body before it is known who it is.
    #[must_use]
    pub fn request_to_strangers(&self) -> Option<HttpRequest> {
        self.request().filter(|request| request.ask == Ask::Get)
    }

    /// Whether this is an answer of the endpoint. It must be one that its own source can read.
    #[must_use]
    pub fn recognises(&self, reply: &Reply) -> bool {
        match &self.read {
            Read::Deciding(source, recognition) => {
                let batch = source.decode(&mut Cursor::default(), reply);
                batch.failure.is_none() && recognition.takes(&batch.layout, reply)
            }
            Read::At(_, filter) => match &reply.answer {
                Answer::Http(answer) => (200..300).contains(&answer.status) && is_true(filter, &answer.body),
                Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_) => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
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
