//! Whether an answer is that of the system that was asked for: by what it says, never by where it was found.
//!
//! The same recognition serves where nothing is configured and nodes are looked for, and where something is: then the
//! read that decides whether an endpoint is up says with every answer whether it is its own.

use serde::{Deserialize, Serialize};

use super::Cursor;
use super::jq::{Filter, Json};
use crate::model::{Answer, FetchFailure, Layout, Reply};

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

/// The same, ready to judge.
#[derive(Debug)]
pub struct Recognition {
    by: RecogniseSpec,
    /// Where it is recognised by one.
    filter: Option<Filter>,
}

impl Recognition {
    /// Compiles the filter, where there is one.
    ///
    /// # Errors
    /// It does not compile, or uses what is not allowed.
    pub fn compile(by: &RecogniseSpec) -> Result<Recognition, String> {
        let filter = match by {
            RecogniseSpec::Json(code) => Some(Filter::compile(code, &[]).map_err(|what| format!("recognise: {what}"))?),
            RecogniseSpec::Metric(_) | RecogniseSpec::Exposition => None,
        };
        Ok(Recognition { by: by.clone(), filter })
    }

    /// Whether an answer that its source could read is the endpoint's.
    #[must_use]
    pub fn takes(&self, layout: &Layout, reply: &Reply) -> bool {
        match &self.by {
            RecogniseSpec::Json(_) => match (&reply.answer, &self.filter) {
                (Answer::Http(answer), Some(filter)) => is_true(filter, &answer.body),
                (Answer::Http(_) | Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_), _) => {
                    false
                }
            },
            RecogniseSpec::Metric(name) => layout.has(name),
            RecogniseSpec::Exposition => {
                let ours = |name: &str| name == "up" || name.starts_with("opsconsole_");
                layout.names().any(|name| !ours(name))
            }
        }
    }

    /// As [`Recognition::takes`], of one answer after another: columns that were recognised once need no second look.
    pub(super) fn is_own(&self, layout: &Layout, reply: &Reply, cursor: &mut Cursor) -> bool {
        if cursor.recognised == Some(layout.hash()) {
            return true;
        }
        let takes = self.takes(layout, reply);
        cursor.recognised = takes.then(|| layout.hash());
        takes
    }
}

/// What a read that brought nothing says of who answers: not the system, where the answer is whole and made for another
/// question; else nothing, because a node that is ill, busy or locked is still itself.
pub(super) fn of_failure(failure: &FetchFailure) -> Option<bool> {
    failure.is_strange().then_some(false)
}

/// Whether a body is JSON for which the filter yields true.
#[must_use]
pub fn is_true(filter: &Filter, body: &[u8]) -> bool {
    let Ok(input) = Json::parse(body) else { return false };
    // A filter that fails on an answer is made for another one.
    filter.first(&input, &[]).ok().flatten().is_some_and(|value| value.to_value() == serde_json::Value::Bool(true))
}
