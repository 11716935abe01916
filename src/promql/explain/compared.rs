//! A comparison: what is measured, the threshold, and how far apart they are.

use promql_parser::parser::token::{self, TokenType};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{BinaryExpr, Expr as Parsed};

use super::{Explaining, SHOWN, plain};
use crate::model::labels::NAME;
use crate::model::{Labels, Truth};
use crate::promql::Expr;
use crate::promql::truth::operands;

/// How the measured side must stand to the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    NotEqual,
}

/// A comparison with its cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    pub comparison: Comparison,
    /// The side that is measured, and the one it is measured by. Of two vectors, the right one is the threshold.
    pub subject: String,
    pub threshold: String,
    /// The series that matter most, at most [`SHOWN`]: those asked about, then those where it holds, then the nearest.
    pub cases: Vec<Case>,
    pub more: usize,
    /// It holds for a series, shown or not, that was measured.
    pub holds_anywhere: bool,
}

/// One series of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub labels: Labels,
    /// Of the measured side and of the threshold, where they can be told for this series.
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    /// The value less the threshold.
    pub distance: f64,
    pub truth: Truth,
    /// Nothing where it was not measured.
    pub holds: Option<bool>,
}

impl Comparison {
    fn of(operator: TokenType) -> Option<Comparison> {
        [
            (token::T_GTR, Comparison::Above),
            (token::T_GTE, Comparison::AtLeast),
            (token::T_LSS, Comparison::Below),
            (token::T_LTE, Comparison::AtMost),
            (token::T_EQLC, Comparison::Equal),
            (token::T_NEQ, Comparison::NotEqual),
        ]
        .into_iter()
        .find_map(|(id, comparison)| (id == operator.id()).then_some(comparison))
    }

    /// The same with its sides exchanged.
    fn turned(self) -> Comparison {
        match self {
            Comparison::Above => Comparison::Below,
            Comparison::AtLeast => Comparison::AtMost,
            Comparison::Below => Comparison::Above,
            Comparison::AtMost => Comparison::AtLeast,
            Comparison::Equal => Comparison::Equal,
            Comparison::NotEqual => Comparison::NotEqual,
        }
    }

    /// What must happen for it to hold, or where it holds to hold no longer: `rises above`, to be followed by the
    /// threshold.
    #[must_use]
    pub fn change(self, holds: bool) -> &'static str {
        match (self, holds) {
            (Comparison::Above, false) | (Comparison::AtMost, true) => "rises above",
            (Comparison::AtLeast, false) | (Comparison::Below, true) => "rises to",
            (Comparison::Below, false) | (Comparison::AtLeast, true) => "falls below",
            (Comparison::AtMost, false) | (Comparison::Above, true) => "falls to",
            (Comparison::Equal, false) | (Comparison::NotEqual, true) => "becomes",
            (Comparison::NotEqual, false) | (Comparison::Equal, true) => "is no longer",
        }
    }

    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Comparison::Above => value > threshold,
            Comparison::AtLeast => value >= threshold,
            Comparison::Below => value < threshold,
            Comparison::AtMost => value <= threshold,
            Comparison::Equal => value == threshold,
            Comparison::NotEqual => value != threshold,
        }
    }
}

impl Explaining<'_> {
    /// Nothing where the operator compares nothing, or one of the sides has no answer.
    pub(super) fn compared(&self, binary: &BinaryExpr, whole: &Expr) -> Option<Compared> {
        let comparison = Comparison::of(binary.op)?;
        let is_number = |side: &Parsed| side.value_type() == ValueType::Scalar;
        let turned = is_number(&binary.lhs) && !is_number(&binary.rhs);
        let (comparison, subject, threshold) = match turned {
            true => (comparison.turned(), plain(&binary.rhs), plain(&binary.lhs)),
            false => (comparison, plain(&binary.lhs), plain(&binary.rhs)),
        };
        let mut cases = match is_number(threshold) {
            true => self.by_number(comparison, subject, threshold)?,
            false => self.by_series(comparison, binary, whole)?,
        };
        let holds_anywhere = cases.iter().any(|case| case.holds == Some(true));
        cases.sort_by(|one, other| {
            let key = |case: &Case| (!self.is_about(&case.labels), case.holds != Some(true));
            key(one).cmp(&key(other)).then_with(|| match one.holds == Some(true) {
                // Furthest beyond the threshold, but nearest to it where it is not reached.
                true => other.distance.abs().total_cmp(&one.distance.abs()),
                false => one.distance.abs().total_cmp(&other.distance.abs()),
            })
        });
        let more = cases.len().saturating_sub(SHOWN);
        cases.truncate(SHOWN);
        let (subject, threshold) = (subject.to_string(), threshold.to_string());
        Some(Compared { comparison, subject, threshold, cases, more, holds_anywhere })
    }

    fn by_number(&self, comparison: Comparison, subject: &Parsed, threshold: &Parsed) -> Option<Vec<Case>> {
        let threshold = self.compiled(threshold).ok()?;
        let threshold = self.answer(&threshold, &[]).ok()?.first()?.value;
        let subject = self.compiled(subject).ok()?;
        let operands = operands(&subject, self.store, self.scope, self.at);
        let shown = self.answer(&subject, &operands).ok()?;
        let case = |shown: super::Shown| {
            let measured = shown.truth.is_fresh() && !shown.value.is_nan();
            Case {
                labels: shown.labels.without(NAME),
                value: Some(shown.value),
                threshold: Some(threshold),
                distance: shown.value - threshold,
                holds: measured.then(|| comparison.holds(shown.value, threshold)),
                truth: shown.truth,
            }
        };
        Some(shown.into_iter().map(case).collect())
    }

    /// Of two vectors, their difference tells which series are compared with which, however they are matched.
    fn by_series(&self, comparison: Comparison, binary: &BinaryExpr, whole: &Expr) -> Option<Vec<Case>> {
        let mut difference = binary.clone();
        difference.op = TokenType::new(token::T_SUB);
        if let Some(modifier) = &mut difference.modifier {
            modifier.return_bool = false;
        }
        let difference = self.compiled(&Parsed::Binary(difference)).ok()?;
        let operands = operands(whole, self.store, self.scope, self.at);
        let subject = self.compiled(plain(&binary.lhs)).ok()?;
        let values = self.answer(&subject, &[]).ok()?;
        let value = |labels: &Labels| {
            values.iter().find(|shown| shown.labels.clone().without(NAME) == *labels).map(|shown| shown.value)
        };
        let case = |shown: super::Shown| {
            let measured = shown.truth.is_fresh() && !shown.value.is_nan();
            let value = value(&shown.labels);
            Case {
                value,
                threshold: value.map(|value| value - shown.value),
                distance: shown.value,
                holds: measured.then(|| comparison.holds(shown.value, 0.0)),
                truth: shown.truth,
                labels: shown.labels,
            }
        };
        Some(self.answer(&difference, &operands).ok()?.into_iter().map(case).collect())
    }
}
