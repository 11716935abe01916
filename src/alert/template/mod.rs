//! The templates of rule files: Go's template language with the functions that Prometheus documents.
//!
//! ```text
//! text ──lex──► tokens ──parse──► Node… ──run──► text      what a mistake of the author is, is known after parse
//!                                   └─ functions, format, humanize: one family of functions each
//! ```
//!
//! Supported: text, comments, trimming, pipelines, variables, `if`, `range`, `with`, `break`, `continue`, `define` and
//! `template`, and every function in [`functions::ALL`]. What Prometheus documents beside (`block`, `tmpl`, `toTime` and
//! others that make no sense without its web pages) is refused by name when the file is loaded.
//!
//! Must never: let a label's value become a template; run without limits; leave a construct out silently.
//!
//! To add a function: its name in [`functions`], its meaning in the one match there.

mod format;
mod functions;
mod humanize;
mod lex;
mod parse;
mod run;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::Labels;
use crate::promql::Sample;
use parse::Parsed;
pub use value::Value;

/// A template that was read and can be expanded.
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
    parsed: Arc<Parsed>,
}

/// Why a template can not be read or expanded, in words that need no more context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{what}, in {near:?}")]
    Syntax { what: String, near: String },
    #[error("the template function {name} is not supported")]
    Unsupported { name: String },
    #[error("there is no template function {name}{}", .nearest.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    UnknownFunction { name: String, nearest: Option<String> },
    #[error("the variable {name} is not set{}", .nearest.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    UnknownVariable { name: String, nearest: Option<String> },
    #[error("{0}")]
    Run(String),
}

/// How a template asks for the answer to a query.
pub type Ask<'a> = &'a dyn Fn(&str) -> Result<Vec<Sample>, String>;

/// What a template is expanded over.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub labels: &'a Labels,
    pub value: f64,
    pub external_labels: Option<&'a Labels>,
    pub external_url: &'a str,
    /// Nothing where no query can be answered.
    pub ask: Option<Ask<'a>>,
}

impl<'a> Scene<'a> {
    /// Labels and a value, and nothing else.
    #[must_use]
    pub fn of(labels: &'a Labels, value: f64) -> Scene<'a> {
        Scene { labels, value, external_labels: None, external_url: "", ask: None }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Its first mistake.
    pub fn parse(source: &str) -> Result<Template, TemplateError> {
        Ok(Template { source: Arc::from(source), parsed: Arc::new(parse::parse(source)?) })
    }

    /// As written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is text alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.parsed.is_plain()
    }

    /// The text of it.
    ///
    /// # Errors
    /// Where Prometheus gives one too; it would be too long or take too long.
    pub fn expanded(&self, scene: &Scene<'_>) -> Result<String, TemplateError> {
        run::run(&self.parsed, scene)
    }

    /// The text of it, or what went wrong in its place, as Prometheus does.
    #[must_use]
    pub fn expanded_or_said(&self, scene: &Scene<'_>) -> String {
        self.expanded(scene).unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.source == other.source
    }
}

impl Eq for Template {}

/// The data that the dot stands for at first.
fn data(scene: &Scene<'_>) -> Value {
    let fields = [
        ("Labels", Value::labels(scene.labels)),
        ("ExternalLabels", scene.external_labels.map_or_else(|| Value::Labels(Arc::default()), Value::labels)),
        ("ExternalURL", Value::text(scene.external_url)),
        ("Value", Value::Float(scene.value)),
    ];
    Value::Fields(Arc::new(BTreeMap::from(fields)))
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub(super) fn is_label_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests;
