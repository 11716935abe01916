//! opsconsole: from the alert to the evidence, to the branch it suggests, to a confirmed action, to the proof.
//!
//! The map of the house, in reading order. Each folder may use only itself and those above it; a test reads every
//! import and fails on one that goes upwards.
//!
//! | folder | what it holds |
//! |---|---|
//! | [`base`] | leaf vocabulary: two-clock time, typed ids, harmless text, digests, units, keys |
//! | [`model`] | facts: series in rows, the store, documents, the truth of a number, the narrow waist of reads and acts |
//! | [`promql`] | evaluates PromQL over the store; three-valued conditions |
//! | [`alert`] | Prometheus rule files and the live state of every alert |
//! | [`sources`] | one file per source kind: what to fetch, how to read the answer |
//! | [`runbook`] | the tree, sealed sequences, the run machine, the journal's vocabulary, plan and lint |
//! | [`steps`] | one file per step kind, compiled to the tree's primitives |
//! | [`systems`] | one folder of data per chain |
//! | [`config`] | what the operator writes: targets, nodes, addresses |
//! | [`ui`] | theme roles, the action table, keymap, layout, widgets, overlays |
//! | [`panes`] | one folder per pane: view state and drawing, over one model |
//! | [`app`] | the Elm machine that joins facts and view |
//! | [`shell`] | everything that touches the world: loop, terminal, pollers, runner, journal, recorder |
//! | [`sim`] | the demo: a simulated chain on loopback, and rehearsals on simulated time |
//! | [`cli`] | one file per subcommand |
//!
//! `sources` stands above `runbook`, because a sealed sequence carries the reads that will verify it.
//!
//! ```text
//! keys, signals, batches, journal entries ──Msg──► App::update ──Effect──► terminal, journal, runner
//!                                                  App::render
//! ```
//!
//! From `base` to `app` nothing touches the world or reads a clock: time is an argument, what happens is a message,
//! what is to be done is an effect. That is what makes a recorded session replay to the same screen, and a run
//! continue from its journal.

#![forbid(unsafe_code)]

pub mod alert;
pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod model;
pub mod panes;
pub mod promql;
pub mod runbook;
pub mod shell;
pub mod sim;
pub mod sources;
pub mod steps;
pub mod systems;
pub mod ui;
