//! PromQL over the store. Parsing is the crate promql-parser's; evaluation is ours.
//!
//! ```text
//! text ──scan──► parser ──expr::compile──► Node ──eval──► Value            two values: alerts, panels, charts
//!                                            ├────Buckets──► lines          over fixed time buckets, for charts
//!                                            ├────truth──► Truth            how far its operands can be trusted
//!                                            ├────Condition::judge──► True, False, Unknown
//!                                            └────explain──► Explained        each part: value, truth, threshold
//! ```
//!
//! Supported today: instant selectors with `=`, `!=`, `=~`, `!~`; `rate` and `increase` over a range selector with a
//! metric name; `time()`; `+ - * / % ^` and comparisons with and without `bool` between scalars and vectors, matched
//! one to one on all labels but the name; unary minus. Everything else is a load error that names the construct:
//! never a silently wrong number. Regular expressions are Rust's, where `\d`, `\w` and `\s` know all of Unicode.
//!
//! Must never: answer for an expression it did not check; treat an empty answer as false.
//!
//! To add a construct: a node in [`node`], accepted in [`expr`], given meaning in [`eval`], with its cases in the
//! tables beside them; and where it changes labels, [`truth::Operand::elements`] must still find a result's operands.

pub mod buckets;
mod compile;
pub mod condition;
pub mod dialect;
pub mod eval;
pub mod explain;
pub mod expr;
#[cfg(test)]
pub(crate) mod fixture;
pub mod limit;
mod node;
mod pattern;
pub mod place;
mod scan;
pub mod truth;

pub use buckets::Buckets;
pub use condition::{Condition, Verdict};
pub use dialect::Dialect;
pub use eval::{EvalError, Matrix, Sample, Steps, Value, evaluate, evaluate_range, evaluate_range_past};
pub use expr::{Expr, ExprError};
pub use node::Selector;
pub use truth::truth;
