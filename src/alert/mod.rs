//! Alerts as operators own them: Prometheus rule files, evaluated in process, with honest states.
//!
//! ```text
//! alerts.yml ──rules::load──► RuleFile ──► AlertBook::evaluate(store, target, at) ──► Transition…
//! ```
//!
//! Must never: resolve a firing alert because its data vanished; call a rule green whose range is not covered or
//! whose selectors match nothing.
//!
//! One room each: [`rules`] reads the file, [`template`] expands its texts, [`state`] says what a measurement makes of a
//! state, `live` keeps one rule on one target and `recording` one series that a rule makes, `group` evaluates them
//! together, [`round`] beside the key thread where that is too much, [`book`] keeps them all and their clocks, [`claim`] says who answers for an alert, [`memory`] carries it all
//! over a restart; [`slo`] keeps the budgets of objectives. [`unit_test`] runs the tests that people have of their rules.
//!
//! To add a field of the rule file: `yaml`, then `reader`. To add a state: [`state`], every match on [`AlertState`].

pub mod book;
pub mod claim;
pub mod duration;
mod group;
mod live;
#[cfg(test)]
mod lives;
pub mod marks;
mod measured;
pub mod memory;
mod reader;
mod recording;
pub mod round;
pub mod rules;
pub mod slo;
pub mod state;
pub mod template;
#[cfg(test)]
mod timelines;
pub mod unit_test;
mod yaml;

pub use book::{Alert, AlertBook, ClaimOver, Transition, Which};
pub use claim::{AlertKey, Claim, ClaimError, ClaimKind};
pub use memory::Remembered;
pub use round::{Evaluated, Round};
pub use rules::{AlertRule, RecordRule, Rule, RuleFile, RuleGroup};
pub use state::{AlertState, Lack};
pub use template::{Scene, Template};
