//! The numbers among a target's settings as series, so that rules and conditions can be about them.
//!
//! `opsconsole_setting{target, name}` is what the configuration says, else the system's default. What a single node
//! has otherwise is for its own reads alone: a condition about a target has one value to go by.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::base::{At, Boot, SourceId, TargetId};
use crate::model::labels::SETTING;
use crate::model::{Batch, Labels, Layout, SourceState, Store};
use crate::panes::model::Target;
use crate::systems::SettingValue;

/// How often they are told anew, so that they never look old: well within what a selector looks back.
const EVERY: Duration = Duration::from_secs(60);

fn source(target: &TargetId) -> SourceId {
    SourceId::new(format!("{target}/settings"))
}

/// Declares the settings of a target, if any of them is a number.
pub(super) fn declare(store: &mut Store, target: &Target) {
    if numbers(target).next().is_none() {
        return;
    }
    let address = "the settings of the configuration".to_owned();
    let mut state = SourceState::new(source(&target.id), target.id.clone(), address, EVERY, EVERY);
    state.declares = vec![SETTING.to_owned()];
    state.declares_all = true;
    state.of_console = true;
    state.labels = Labels::from_pairs([("target", target.id.as_str())]);
    store.declare(state);
}

fn numbers(target: &Target) -> impl Iterator<Item = (String, f64)> {
    let settings = target.system.spec.settings(&target.spec.settings);
    settings.into_iter().filter_map(|(name, value)| match value {
        SettingValue::Number(number) => Some((name, number)),
        SettingValue::Text(_) => None,
    })
}

impl App {
    /// Tells the settings of every target, where it is time.
    pub(super) fn tell_settings(&mut self, at: At) {
        if self.settings_told.is_some_and(|told| at.boot.since(told) < EVERY) {
            return;
        }
        self.settings_told = Some(at.boot);
        for target in &self.model.targets {
            let named = |name: &str| Labels::named(SETTING).with("target", target.id.as_str()).with("name", name);
            let (series, values): (Vec<Labels>, Vec<f64>) =
                numbers(target).map(|(name, value)| (named(&name), value)).unzip();
            if values.is_empty() {
                continue;
            }
            let layout = Arc::new(Layout::new(series));
            self.model.store.link(&Batch::of(source(&target.id), at, Duration::ZERO, layout, values));
        }
    }

    /// When they are to be told next.
    pub(super) fn settings_wake(&self) -> Option<Boot> {
        self.settings_told.map(|told| told.plus(EVERY))
    }
}
