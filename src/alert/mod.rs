//! Alerts as operators own them: Prometheus rule files, evaluated in process, with honest states.
//!
//! ```text
//! alerts.yml ──rules::load──► RuleFile ──► AlertBook::evaluate(store, target, at) ──► Transition…
//! ```
//!
//! Must never: resolve a firing alert because its data vanished; call a rule green whose range is not covered or
//! whose selectors match nothing.
//!
//! One file each: [`rules`] reads the file, [`state`] says what a measurement makes of a state, `live` keeps one rule
//! on one target, [`book`] keeps them all and their clocks. [`slo`] keeps the
//! budgets of objectives.
//!
//! To add a field of the rule file: `yaml`, then `reader`. To add a state: [`state`], every match on [`AlertState`].

pub mod book;
mod duration;
mod live;
mod reader;
pub mod rules;
pub mod slo;
pub mod state;
mod template;
#[cfg(test)]
mod timelines;
mod yaml;

pub use book::{Alert, AlertBook, Transition};
pub use rules::{AlertRule, RuleFile, RuleGroup};
pub use state::AlertState;
