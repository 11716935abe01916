//! Why an expression says what it says now: each of its parts with its value, its truth and, where it compares, the
//! threshold and the distance from it.
//!
//! ```text
//! Expr ──explain──► Explained { source, values, truth, verdict, compared, parts… }
//! ```
//!
//! Must never: give a value without its truth, or a verdict that rests on what was not measured.

mod compared;

use promql_parser::parser::{self, Expr as Parsed, token};

use super::eval::{Value, evaluate};
use super::truth::{Operand, operands};
use super::{Expr, Verdict};
use crate::base::At;
use crate::model::labels::NAME;
use crate::model::{Labels, Scope, Store, Truth};
pub use compared::{Case, Compared, Comparison};

/// Series that are told of one part; the rest is counted.
pub const SHOWN: usize = 3;
/// Parts that are told of one expression. What lies deeper is left out, and said to be.
const MOST_PARTS: usize = 40;

/// One part of an expression, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// As the parser writes it back.
    pub source: String,
    /// The series of its answer that matter most, at most [`SHOWN`], and how many more there are. A number is one
    /// series without labels.
    pub shown: Vec<Shown>,
    pub more: usize,
    /// Why there is no answer at all.
    pub failure: Option<String>,
    /// The worst of everything that it rests on.
    pub truth: Truth,
    /// Set where it is one selector: which, and why it gives nothing that counts.
    pub missing: Option<String>,
    /// It matches nothing and may, where it stands: that is an answer and no fault.
    pub may_be_absent: bool,
    /// Of whatever decides: comparisons, set operators, and the whole.
    pub verdict: Option<Verdict>,
    pub compared: Option<Compared>,
    pub parts: Vec<Explained>,
    /// There are more parts below it than are told.
    pub cut: bool,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub labels: Labels,
    pub value: f64,
    pub truth: Truth,
}

/// Explains an expression. Series that agree with the labels of `about` come first.
#[must_use]
pub fn explain(expr: &Expr, store: &Store, scope: &Scope, at: At, about: &Labels) -> Explained {
    let explaining = Explaining { store, scope, at, about, like: expr };
    let mut left = MOST_PARTS;
    let mut whole = match Expr::parsed(expr) {
        Ok(parsed) => explaining.part(&parsed, false, &mut left),
        Err(error) => Explained::failed(expr.source(), error.to_string()),
    };
    whole.source = expr.source().to_owned();
    if whole.verdict.is_none() {
        whole.verdict = Some(explaining.verdict(expr));
    }
    whole
}

/// What an explanation looks at.
struct Explaining<'a> {
    store: &'a Store,
    scope: &'a Scope,
    at: At,
    about: &'a Labels,
    /// The whole: its parts have the same meaning.
    like: &'a Expr,
}

impl Explained {
    fn failed(source: &str, failure: String) -> Explained {
        Explained {
            source: source.to_owned(),
            shown: Vec::new(),
            more: 0,
            failure: Some(failure),
            truth: Truth::Absent,
            missing: None,
            may_be_absent: false,
            verdict: None,
            compared: None,
            parts: Vec::new(),
            cut: false,
        }
    }

    /// Every selector in it that gives nothing that counts, and why; but for those that may be absent.
    #[must_use]
    pub fn all_missing(&self) -> Vec<&str> {
        let own = self.missing.as_deref().filter(|_| !self.may_be_absent);
        own.into_iter().chain(self.parts.iter().flat_map(Explained::all_missing)).collect()
    }
}

impl Explaining<'_> {
    fn part(&self, parsed: &Parsed, may_be_absent: bool, left: &mut usize) -> Explained {
        let parsed = plain(parsed);
        *left = left.saturating_sub(1);
        let mut part = match self.compiled(parsed) {
            Ok(expr) => self.valued(parsed, &expr),
            Err(failure) => Explained::failed(&parsed.to_string(), failure),
        };
        part.may_be_absent =
            may_be_absent && matches!(part.truth, Truth::Absent | Truth::NotExposed | Truth::NotRead { .. });
        for (inner, may_be_absent_there) in inner(parsed) {
            if is_constant(inner) {
                continue;
            }
            if *left == 0 {
                part.cut = true;
                break;
            }
            part.parts.push(self.part(inner, may_be_absent || may_be_absent_there, left));
        }
        part
    }

    /// A part as an expression of its own. A range has no value: its newest sample stands for it.
    fn compiled(&self, parsed: &Parsed) -> Result<Expr, String> {
        let expr = match parsed {
            Parsed::MatrixSelector(_) => Expr::parse_as(&format!("last_over_time({parsed})"), self.like.dialect()),
            other => Expr::of_parsed(other, self.like.dialect()),
        };
        expr.map_err(|error| error.to_string())
    }

    fn valued(&self, parsed: &Parsed, expr: &Expr) -> Explained {
        let operands = operands(expr, self.store, self.scope, self.at);
        let mut part = Explained::failed(&parsed.to_string(), String::new());
        part.failure = None;
        part.truth = worst(&operands);
        match self.answer(expr, &operands) {
            Ok(mut shown) => {
                shown.sort_by(|one, other| {
                    let key = |shown: &Shown| (!self.is_about(&shown.labels), shown.value.is_nan());
                    key(one).cmp(&key(other)).then(other.value.total_cmp(&one.value))
                });
                part.more = shown.len().saturating_sub(SHOWN);
                shown.truncate(SHOWN);
                part.shown = shown;
            }
            Err(failure) => part.failure = Some(failure),
        }
        if matches!(parsed, Parsed::VectorSelector(_) | Parsed::MatrixSelector(_)) {
            part.missing = Operand::worst(&operands).and_then(|operand| operand.why(self.at.boot));
        }
        if let Parsed::Binary(binary) = parsed
            && decides(binary)
        {
            part.compared = self.compared(binary, expr);
            part.verdict = Some(match &part.compared {
                Some(compared) => self.verdict_of(compared, expr),
                None => self.verdict(expr),
            });
        }
        part
    }

    /// Each element of the answer with the truth of what it rests on.
    fn answer(&self, expr: &Expr, operands: &[Operand]) -> Result<Vec<Shown>, String> {
        let shown = |labels: &Labels, value| {
            let nameless = labels.clone().without(NAME);
            let truth = operands
                .iter()
                .flat_map(|operand| [operand.missing(&nameless), operand.uncovered.clone()])
                .flatten()
                .fold(Truth::Fresh, Truth::worst);
            Shown { labels: labels.clone(), value, truth }
        };
        match evaluate(expr, self.store, self.scope, self.at.wall) {
            Ok(Value::Scalar(value)) => Ok(vec![shown(&Labels::default(), value)]),
            Ok(Value::Vector(samples)) => {
                Ok(samples.iter().map(|sample| shown(&sample.labels, sample.value)).collect())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether an alert on it would be active: an element that rests on what was measured; nothing otherwise, if
    /// everything was.
    fn verdict(&self, expr: &Expr) -> Verdict {
        let operands = operands(expr, self.store, self.scope, self.at);
        match self.answer(expr, &operands) {
            Ok(shown) if shown.iter().any(|shown| shown.truth.is_fresh()) => Verdict::True,
            Ok(_) => self.false_or_unknown(&operands),
            Err(failure) => Verdict::Unknown(failure),
        }
    }

    fn verdict_of(&self, compared: &Compared, expr: &Expr) -> Verdict {
        match compared.holds_anywhere {
            true => Verdict::True,
            false => self.false_or_unknown(&operands(expr, self.store, self.scope, self.at)),
        }
    }

    fn false_or_unknown(&self, operands: &[Operand]) -> Verdict {
        let why = Operand::worst(operands).and_then(|worst| worst.why(self.at.boot));
        why.map_or(Verdict::False, Verdict::Unknown)
    }

    /// Whether a series speaks about what is asked: it says nothing else of any label that both have.
    fn is_about(&self, labels: &Labels) -> bool {
        let agrees = |(name, value): (&str, &str)| name == NAME || [value, ""].contains(&self.about.get(name));
        !self.about.is_empty() && labels.iter().all(agrees)
    }
}

fn worst(operands: &[Operand]) -> Truth {
    operands.iter().fold(Truth::Fresh, |worst, operand| worst.worst(operand.truth.clone()))
}

/// Whether the operator makes a yes or a no of its operands.
fn decides(binary: &parser::BinaryExpr) -> bool {
    binary.op.is_comparison_operator() || [token::T_LAND, token::T_LOR, token::T_LUNLESS].contains(&binary.op.id())
}

/// What a part is made of, left to right, and whether it may be absent there.
fn inner(parsed: &Parsed) -> Vec<(&Parsed, bool)> {
    match parsed {
        Parsed::Binary(binary) => {
            let or = binary.op.id() == token::T_LOR;
            vec![(&*binary.lhs, or), (&*binary.rhs, or || binary.op.id() == token::T_LUNLESS)]
        }
        Parsed::Aggregate(aggregate) => {
            let param = aggregate.param.as_deref().map(|param| (param, false));
            param.into_iter().chain([(&*aggregate.expr, false)]).collect()
        }
        Parsed::Unary(unary) => vec![(&*unary.expr, false)],
        Parsed::Paren(paren) => vec![(&*paren.expr, false)],
        Parsed::Subquery(subquery) => vec![(&*subquery.expr, false)],
        Parsed::Call(call) => {
            let absent = matches!(call.func.name, "absent" | "absent_over_time");
            call.args.args.iter().map(|arg| (&**arg, absent)).collect()
        }
        Parsed::NumberLiteral(_)
        | Parsed::StringLiteral(_)
        | Parsed::VectorSelector(_)
        | Parsed::MatrixSelector(_)
        | Parsed::Extension(_) => Vec::new(),
    }
}

/// Without the parentheses around it.
fn plain(parsed: &Parsed) -> &Parsed {
    match parsed {
        Parsed::Paren(paren) => plain(&paren.expr),
        other => other,
    }
}

/// Whether it has the same value always, and is not worth a line.
fn is_constant(parsed: &Parsed) -> bool {
    match plain(parsed) {
        Parsed::NumberLiteral(_) | Parsed::StringLiteral(_) => true,
        Parsed::Unary(unary) => is_constant(&unary.expr),
        Parsed::Binary(_)
        | Parsed::Aggregate(_)
        | Parsed::Paren(_)
        | Parsed::Subquery(_)
        | Parsed::VectorSelector(_)
        | Parsed::MatrixSelector(_)
        | Parsed::Call(_)
        | Parsed::Extension(_) => false,
    }
}

#[cfg(test)]
mod tests;
