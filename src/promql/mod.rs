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
//! Supported is all that Prometheus documents of float samples and classic histograms, with the meaning that 3 gives it
//! or, for [`Dialect::V2`], that of 2.x. Native histograms, `info`, `limitk`, `fill` and what else is not understood are
//! load errors that name the construct: never a silently wrong number. A test beside a real Prometheus (`tests/real`)
//! compares generated expressions.
//!
//! Must never: answer for an expression it did not check; treat an empty answer as false.
//!
//! To add a construct: a node in [`node`], accepted in `compile`, given meaning in [`eval`], with its cases in the
//! tables beside them and in the generator of that test; and where it changes labels, [`truth::Operand::missing`] must
//! still find a result's operands.

pub mod buckets;
mod compile;
pub mod condition;
pub mod data;
pub mod dialect;
pub mod eval;
pub mod explain;
pub mod expr;
#[cfg(test)]
pub(crate) mod fixture;
mod giving;
pub mod limit;
pub mod narrow;
mod node;
mod pattern;
pub mod place;
mod scan;
pub mod subject;
pub mod truth;
pub mod weight;

pub use buckets::Buckets;
pub use condition::{Condition, Verdict};
pub use dialect::Dialect;
pub use eval::{
    EvalError, Matrix, Sample, Steps, Value, evaluate, evaluate_every, evaluate_range, evaluate_range_past,
};
pub use expr::{Expr, ExprError};
pub use node::Selector;
pub use truth::{measured_until, truth};
