//! A method of a JSON-RPC 2.0 interface over HTTP, its result turned into series and documents as any other JSON is.
//!
//! JSON-RPC asks everything by POST, also what changes something. Three things keep a read a read: the method and its
//! parameters stand in the system's data and nothing is added to them; `allowed_reads` must name both, as
//! `rpc METHOD PARAMS`; and a method whose name says that it changes something is refused wherever it is written.
//!
//! The status says little here: the envelope is judged, whatever it came with. An error of *method not found* means that
//! this node does not offer it, or not to us: everything the source would give is *not exposed*, and the node is up. An
//! error that means *too often* rests the source, and where it has a budget all consoles of this machine with it. Any
//! other error fails the read in the node's words.

use serde::{Deserialize, Serialize};

use super::extraction::{self, EXPECTED, Extraction, JsonDocumentSpec, JsonSeriesSpec};
use super::http::{self, Question};
use super::http_json::ACCEPT;
use super::jq::Json;
use super::kind::{Decoded, Fill, Kind, KindSpec, Own, mismatched, names_of};
use super::{BoundSource, Cursor, SourceKindSpec};
use crate::base::{Unit, text};
use crate::model::{Answer, Ask, Fetch, FetchFailure, HttpAnswer, Labels, Reply};

/// The id of every question: one connection carries one question at a time.
const ID: f64 = 1.0;

/// The standard's code for a method that the server does not have.
const METHOD_NOT_FOUND: i64 = -32601;

/// The same in words, for servers that give it a code of their own.
const NOT_FOUND_WORDS: [&str; 2] = ["method not found", "method does not exist"];

/// Words that name a change when a method's name is made of them.
const CHANGES: [&str; 44] = [
    "add",
    "apply",
    "approve",
    "ban",
    "burn",
    "cancel",
    "clear",
    "create",
    "delete",
    "deposit",
    "disable",
    "enable",
    "execute",
    "flag",
    "import",
    "kill",
    "mint",
    "propose",
    "queue",
    "register",
    "reload",
    "remove",
    "reset",
    "resolve",
    "restart",
    "rollback",
    "rotate",
    "send",
    "set",
    "settle",
    "shutdown",
    "sign",
    "slash",
    "start",
    "stop",
    "submit",
    "transfer",
    "unban",
    "unlock",
    "unregister",
    "update",
    "vote",
    "withdraw",
    "write",
];

/// Longest name of a method, and most bytes of parameters.
const LONGEST_METHOD: usize = 128;
const LONGEST_PARAMS: usize = 4_096;

/// Columns that are shown of what a node says.
const LONGEST_WORDS: usize = 200;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonRpcSpec {
    /// Where the interface answers, on the endpoint.
    #[serde(default = "root")]
    pub path: String,
    pub method: String,
    /// JSON: an object or a list. Without them the question has none.
    #[serde(default)]
    pub params: Option<String>,
    /// Codes of errors that mean that the node was asked too often.
    #[serde(default)]
    pub too_often: Vec<i64>,
    /// Codes of errors that mean that the node does not offer the method, beside the standard's.
    #[serde(default)]
    pub not_exposed: Vec<i64>,
    /// Filters see the result.
    #[serde(default)]
    pub series: Vec<JsonSeriesSpec>,
    #[serde(default)]
    pub documents: Vec<JsonDocumentSpec>,
}

fn root() -> String {
    "/".to_owned()
}

#[derive(Debug)]
struct JsonRpc {
    question: Question,
    method: String,
    too_often: Vec<i64>,
    not_exposed: Vec<i64>,
    extraction: Extraction,
}

impl KindSpec for JsonRpcSpec {
    fn read(&self) -> String {
        let path = if self.path == "/" { String::new() } else { format!(" at {}", self.path) };
        match &self.params {
            Some(params) => format!("rpc {} {params}{path}", self.method),
            None => format!("rpc {}{path}", self.method),
        }
    }

    fn check(&self) -> Result<(), String> {
        check_method(&self.method)?;
        self.body().map(drop)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let ask = Ask::Post { body: Some(self.body()?) };
        Ok(Box::new(JsonRpc {
            question: Question::compile(bound, &self.path, ACCEPT, ask)?,
            method: self.method.clone(),
            too_often: self.too_often.clone(),
            not_exposed: self.not_exposed.clone(),
            extraction: Extraction::compile(bound, &self.series, &self.documents)?,
        }))
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
        Ok(SourceKindSpec::JsonRpc(self.clone()))
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

impl JsonRpcSpec {
    /// The question, built as JSON.
    fn body(&self) -> Result<String, String> {
        let mut question = serde_json::json!({ "id": ID as u64, "jsonrpc": "2.0", "method": self.method });
        if let Some(params) = &self.params {
            if params.len() > LONGEST_PARAMS {
                return Err(format!("the params are longer than {LONGEST_PARAMS} bytes"));
            }
            let parsed: serde_json::Value = serde_json::from_str(params)
                .map_err(|error| format!("the params {:?} are not JSON: {error}", text::escaped(params)))?;
            if !parsed.is_object() && !parsed.is_array() {
                return Err(format!("the params {params:?} must be an object or a list, such as {{}} or [{params}]"));
            }
            question["params"] = parsed;
        }
        Ok(question.to_string())
    }
}

impl Kind for JsonRpc {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(self.question.fetch())
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = match &reply.answer {
            Answer::Http(answer) => answer,
            Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_) => return Err(mismatched()),
        };
        match self.result(answer)? {
            Some(result) => self.extraction.decode_json(&result, answer.date, reply.sent.wall, own, cursor),
            None => Ok(self.extraction.nothing(own, cursor)),
        }
    }
}

impl JsonRpc {
    /// What the method gave; nothing where the node does not offer it.
    fn result(&self, answer: &HttpAnswer) -> Result<Option<Json>, FetchFailure> {
        let refused = || FetchFailure::Status { status: answer.status };
        // A limit that stands before the interface answers in words of its own.
        if answer.status == 429 {
            return Err(refused());
        }
        let is_answer = (200..300).contains(&answer.status);
        if http::is_html(answer) {
            return Err(if is_answer { FetchFailure::Html { expected: EXPECTED.to_owned() } } else { refused() });
        }
        let envelope = match extraction::parsed(&answer.body) {
            Ok(envelope) if envelope.is_object() => envelope,
            // Without an envelope the status is all that is said.
            Ok(_) | Err(_) if !is_answer => return Err(refused()),
            Ok(_) => return Err(no_envelope("it is no object")),
            Err(failure) => return Err(failure),
        };
        // Nodes differ in whether they leave out what there is none of, or say null.
        let said = |name: &str| envelope.field(name).filter(|found| !found.is_null());
        if said("id").is_some_and(|id| id.number() != Some(ID)) {
            return Err(no_envelope("it answers another question: its id is not ours"));
        }
        // One without an id is one all the same: a server that could not read the question has none to give back.
        if let Some(error) = said("error") {
            return self.judged(&error);
        }
        let Some(result) = envelope.field("result") else {
            return Err(if is_answer { no_envelope("it has neither a result nor an error") } else { refused() });
        };
        match said("id") {
            // Null is how a node says that it has none of it: a filter such as length would make 0 of that.
            Some(_) => Ok((!result.is_null()).then_some(result)),
            None => Err(no_envelope("it has no id, so that nothing says which question it answers")),
        }
    }

    /// What an error means.
    fn judged(&self, error: &Json) -> Result<Option<Json>, FetchFailure> {
        let code = error.field("code").and_then(|code| code.number()).map_or(0, |code| code as i64);
        let message = error.field("message").or(Some(error.clone())).and_then(|message| message.text());
        let message = text::fitted(&text::clean(&message.unwrap_or_default()), LONGEST_WORDS).into_owned();
        let lower = message.to_ascii_lowercase();
        if code == METHOD_NOT_FOUND
            || self.not_exposed.contains(&code)
            || NOT_FOUND_WORDS.iter().any(|words| lower.contains(words))
        {
            return Ok(None);
        }
        if self.too_often.contains(&code) {
            return Err(FetchFailure::TooOften { detail: format!("error {code}: {message}") });
        }
        Err(FetchFailure::Rpc { method: self.method.clone(), code, message })
    }
}

fn no_envelope(what: &str) -> FetchFailure {
    FetchFailure::Malformed { expected: "an answer of JSON-RPC".to_owned(), detail: what.to_owned() }
}

/// A method that can be named, and whose name does not say that it changes something.
fn check_method(method: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    if method.is_empty() || method.len() > LONGEST_METHOD || !method.chars().all(plain) {
        return Err(format!("{:?} is no name of a method", text::escaped(method)));
    }
    match words(method).into_iter().find(|word| CHANGES.contains(&word.as_str())) {
        Some(word) => Err(format!(
            "the method {method} is named as one that changes something ({word}); a source only reads, an act of a runbook changes"
        )),
        None => Ok(()),
    }
}

/// The words that a name is made of: `gov.treasury_queueRemote` has four.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && lower_before) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
        lower_before = c.is_ascii_lowercase();
    }
    words
}

#[cfg(test)]
mod tests;
