//! What the console looks like and which keys it knows, while it runs: themes and keymaps are loaded again when their
//! files change or the operator asks, and a file with a mistake changes nothing but a banner.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{App, Effect, RuleText};
use crate::base::{At, Boot, Key, Problem, Severity};
use crate::ui::keymap::Lookup;
use crate::ui::{Action, Keymap, Theme};

/// A sequence of keys that is not continued for this long is forgotten.
const SEQUENCE_WAITS: Duration = Duration::from_secs(2);

/// What the shell found when it read theme and keymap again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The theme that was to be read, if one was, or all of its mistakes.
    pub theme: Option<Result<Theme, Vec<Problem>>>,
    pub keymap: Option<Result<Keymap, Vec<Problem>>>,
    /// The names of all there are now.
    pub themes: Vec<String>,
    pub keymaps: Vec<String>,
    /// The rule files that were to be read.
    #[serde(default)]
    pub rules: Vec<RuleText>,
}

/// Which theme and keymap are wanted, though the last good ones may be others.
#[derive(Clone, Debug, Default)]
pub(super) struct Looks {
    pub theme: String,
    pub keymap: String,
    /// The banners of what is broken now.
    theme_fault: Option<String>,
    keymap_fault: Option<String>,
    /// When an unfinished sequence is forgotten.
    sequence_ends: Boot,
}

impl Looks {
    pub fn of(theme: &Theme, keymap: &Keymap) -> Looks {
        Looks { theme: theme.name().to_owned(), keymap: keymap.name().to_owned(), ..Looks::default() }
    }
}

impl App {
    /// Takes a key in; says which action it, or the sequence it completes, means.
    pub(super) fn stroke(&mut self, at: At, key: Key) -> Option<Action> {
        self.model.strokes.push(key);
        match self.model.keymap.look(&self.model.strokes) {
            Lookup::Action(action) => {
                self.model.strokes.clear();
                Some(action)
            }
            Lookup::More => {
                self.looks.sequence_ends = at.boot.plus(SEQUENCE_WAITS);
                None
            }
            Lookup::Nothing => {
                self.model.strokes.clear();
                None
            }
        }
    }

    /// Forgets an unfinished sequence whose time is up.
    pub(super) fn forget_strokes(&mut self, at: At) {
        if self.strokes_wake().is_some_and(|due| at.boot >= due) {
            self.model.strokes.clear();
            self.urgent = true;
        }
    }

    pub(super) fn strokes_wake(&self) -> Option<Boot> {
        (!self.model.strokes.is_empty()).then_some(self.looks.sequence_ends)
    }

    /// Asks for the theme after the one that is wanted now.
    pub(super) fn next_theme(&mut self, at: At, effects: &mut Vec<Effect>) {
        let themes = &self.model.themes;
        let next = themes.iter().position(|name| *name == self.looks.theme).map_or(0, |at| at + 1);
        match themes.get(next).or(themes.first()).cloned() {
            Some(name) => self.wear(&name, effects),
            None => self.say(at, "there is no other theme"),
        }
    }

    /// Asks for a theme by name.
    pub(super) fn wear(&mut self, name: &str, effects: &mut Vec<Effect>) {
        name.clone_into(&mut self.looks.theme);
        effects.push(Effect::Load { theme: Some(name.to_owned()), keymap: None, rules: Vec::new() });
    }

    /// Asks for theme, keymap and rule files to be read again.
    pub(super) fn reload(&mut self, effects: &mut Vec<Effect>) {
        let (theme, keymap) = (self.looks.theme.clone(), self.looks.keymap.clone());
        effects.push(Effect::Load { theme: Some(theme), keymap: Some(keymap), rules: self.wanted_rules() });
    }

    /// The names of the theme and the keymap that are to be read when their files change.
    #[must_use]
    pub fn wanted_looks(&self) -> (&str, &str) {
        (&self.looks.theme, &self.looks.keymap)
    }

    /// Takes in what was read. What is as before changes nothing and is not drawn again.
    pub(super) fn reloaded(&mut self, at: At, read: Reloaded) {
        (self.model.themes, self.model.keymaps) = (read.themes, read.keymaps);
        self.rules_reloaded(at, read.rules);
        let broken = match read.theme {
            None => self.looks.theme_fault.clone(),
            Some(Err(problems)) => Some(fault("theme", self.model.theme.name(), &problems)),
            Some(Ok(theme)) => {
                self.dress_in(at, theme);
                None
            }
        };
        self.note_fault(broken, |looks| &mut looks.theme_fault);
        let broken = match read.keymap {
            None => self.looks.keymap_fault.clone(),
            Some(Err(problems)) => Some(fault("keymap", self.model.keymap.name(), &problems)),
            Some(Ok(keymap)) => {
                if *self.model.keymap != keymap {
                    self.say(at, format!("keymap: {}", keymap.name()));
                    self.model.keymap = Arc::new(keymap);
                    self.model.strokes.clear();
                }
                None
            }
        };
        self.note_fault(broken, |looks| &mut looks.keymap_fault);
    }

    /// Puts a theme on, for the depth and the glyphs of this terminal.
    fn dress_in(&mut self, at: At, theme: Theme) {
        let now = &self.model.theme;
        let theme = theme.with_depth(now.depth()).with_ascii(now.ascii).with_environment(now.environment);
        if **now == theme {
            return;
        }
        let place = self.model.themes.iter().position(|name| name == theme.name());
        let words = match place {
            Some(place) => format!("theme: {} ({} of {})", theme.name(), place + 1, self.model.themes.len()),
            None => format!("theme: {}", theme.name()),
        };
        self.model.theme = Arc::new(theme);
        self.say(at, words);
    }

    fn note_fault(&mut self, fault: Option<String>, place: fn(&mut Looks) -> &mut Option<String>) {
        let before = std::mem::replace(place(&mut self.looks), fault.clone());
        if before == fault {
            return;
        }
        self.model.banners.retain(|banner| before.as_ref() != Some(&banner.text));
        self.urgent = true;
        if let Some(text) = fault {
            self.banner(Severity::Warning, text);
        }
    }
}

/// The banner of a broken file: its first mistake, how many more there are, and what is used meanwhile. Of the file's
/// path as much as tells it from others, because a banner is one line.
fn fault(kind: &str, kept: &str, problems: &[Problem]) -> String {
    let Some(first) = problems.first() else { return format!("the {kind} could not be loaded; {kept} is kept") };
    let mut parts: Vec<&str> = first.file.rsplit('/').take(2).collect();
    parts.reverse();
    let first = Problem { file: parts.join("/"), ..first.clone() };
    let more = match problems.len() {
        1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    };
    format!("{first}{more}; the {kind} {kept} is kept")
}
