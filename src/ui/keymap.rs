//! Which key does what, from a RON file.

use serde::Deserialize;

use super::action::{ACTIONS, Danger};
use super::place::{Pairs, Word, words};
use super::{Action, action};
use crate::base::problem::nearest;
use crate::base::ron_text;
use crate::base::{Key, KeyCode, Problem};

/// The keymaps that come with the program: name and text.
pub const EMBEDDED: &[(&str, &str)] =
    &[("default", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/keymaps/default.ron")))];

/// Keys to actions, and back for help.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    name: String,
    /// In the order of the file, which is the order of help. A few dozen: searching beats hashing.
    keys: Vec<(Key, Action)>,
}

/// A keymap as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeymapSpec {
    name: String,
    keys: Pairs<String, String>,
}

impl Keymap {
    /// Reads a keymap file: `(name: "default", keys: { "q": "quit", … })`.
    ///
    /// # Errors
    /// Every mistake with file:line:column: unknown keys and actions with a suggestion, two actions on one key, an
    /// action that acts on a key that also navigates (arrows, enter, esc, tab, space, pageup/pagedown, home/end), a
    /// keymap without a key that quits.
    pub fn parse(file: &str, text: &str) -> Result<Keymap, Vec<Problem>> {
        let written: KeymapSpec = ron_text::parse(file, text).map_err(|problem| vec![problem])?;
        let mut places = Places { words: words(text), next: 0 };
        let mut problems = Vec::new();
        let mut keymap = Keymap { name: written.name, keys: Vec::new() };
        for (key, name) in &written.keys.0 {
            let (key_at, action_at) = places.pair(key, name);
            let mut complain = |(line, column), what: String, suggestion: Option<String>| {
                problems.push(Problem::new(file, line, column, what).suggesting(suggestion));
            };
            let known_key = key.parse::<Key>().map_err(|unknown| complain(key_at, unknown.to_string(), None));
            let known_action = Action::named(name).ok_or_else(|| {
                complain(action_at, format!("{name:?} is not an action"), suggested_action(name));
            });
            let (Ok(key), Ok(action)) = (known_key, known_action) else { continue };
            if let Some(taken) = keymap.action(key) {
                complain(key_at, format!("the key {key} is already {}", taken.row().name), None);
            } else if action.row().danger == Danger::Acts && navigates(key) {
                let what = format!("{name} can change a node and may not lie on {key}, which moves about");
                complain(key_at, what, Some("choose a character".to_owned()));
            } else {
                keymap.keys.push((key, action));
            }
        }
        if problems.is_empty() && keymap.keys(Action::Quit).is_empty() {
            problems.push(
                Problem::new(file, 0, 0, "no key quits the console").suggesting(Some(r#"add "q": "quit""#.into())),
            );
        }
        if problems.is_empty() { Ok(keymap) } else { Err(problems) }
    }

    /// The keymap that comes with the program.
    #[must_use]
    pub fn standard() -> Keymap {
        let (name, text) = EMBEDDED[0];
        Keymap::parse(name, text).expect("the embedded keymap is read by a test")
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        self.keys.iter().find(|(have, _)| *have == key).map(|(_, action)| *action)
    }

    /// The keys of an action, for help; empty where it has none.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<Key> {
        self.keys.iter().filter(|(_, have)| *have == action).map(|(key, _)| *key).collect()
    }

    /// The first key of an action, for hints.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<Key> {
        self.keys.iter().find(|(_, have)| *have == action).map(|(key, _)| *key)
    }

    /// What to press for an action, in words, also where no key is bound to it.
    #[must_use]
    pub fn press(&self, action: Action) -> String {
        match self.key(action) {
            Some(key) => key.to_string(),
            None => format!("a key for {}", action.row().name),
        }
    }
}

/// A key that people press to move about or to get out of something, and so can press by accident.
fn navigates(key: Key) -> bool {
    match key.code {
        KeyCode::Enter
        | KeyCode::Esc
        | KeyCode::Tab
        | KeyCode::BackTab
        | KeyCode::Up
        | KeyCode::Down
        | KeyCode::Left
        | KeyCode::Right
        | KeyCode::Home
        | KeyCode::End
        | KeyCode::PageUp
        | KeyCode::PageDown
        | KeyCode::Char(' ') => true,
        KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete | KeyCode::Function(_) => false,
    }
}

fn suggested_action(name: &str) -> Option<String> {
    nearest(name, ACTIONS.iter().map(|row: &action::ActionRow| row.name)).map(|near| format!("did you mean {near:?}?"))
}

/// Finds pairs in the order in which the file has them, so that equal words are told apart.
struct Places {
    words: Vec<Word>,
    next: usize,
}

impl Places {
    /// Line and column of a key and of its action; zeros where they are not found.
    fn pair(&mut self, key: &str, action: &str) -> ((usize, usize), (usize, usize)) {
        let from = self.next.min(self.words.len());
        let found = self.words[from..].windows(2).position(|pair| pair[0].text == key && pair[1].text == action);
        let Some(at) = found.map(|at| at + from) else { return ((0, 0), (0, 0)) };
        self.next = at + 2;
        let place = |word: &Word| (word.line, word.column);
        (place(&self.words[at]), place(&self.words[at + 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_keymaps_are_sound_and_reach_every_action() {
        for (name, text) in EMBEDDED {
            let keymap = Keymap::parse(name, text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert_eq!(keymap.name(), *name);
            for row in ACTIONS {
                assert!(!keymap.keys(row.action).is_empty(), "{name}: no key for {}", row.name);
            }
        }
        assert_eq!(Keymap::standard().action(Key::char('X')), Some(Action::Commit));
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let check = |text: &str, want: &[&str]| {
            let problems = Keymap::parse("my.ron", text).expect_err(text);
            assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
        };
        let all = "(\n  name: \"my\",\n  keys: {\n    \"q\": \"quit\", \"q\": \"help\",\n    \"hyper-x\": \"quit\",\n    \
                   \"c\": \"comit\",\n    \"enter\": \"commit\",\n  },\n)";
        check(
            all,
            &[
                "my.ron:4:18: the key q is already quit",
                "my.ron:5:5: \"hyper-x\" is not a key; write a character, a name such as enter, esc, up, pagedown, \
                 space or f1, with ctrl- or alt- before it",
                "my.ron:6:10: \"comit\" is not an action; did you mean \"commit\"?",
                "my.ron:7:5: commit can change a node and may not lie on enter, which moves about; choose a character",
            ],
        );
        check(r#"(name: "my", keys: {"j": "down"})"#, &[r#"my.ron: no key quits the console; add "q": "quit""#]);
        let problems = Keymap::parse("my.ron", "(name: \"my\",\n keys: [])").expect_err("a list is no map");
        assert_eq!((problems[0].line, problems.len()), (2, 1));
    }

    #[test]
    fn no_navigation_key_may_act_with_any_modifier() {
        for key in ["up", "left", "esc", "tab", "backtab", "space", "pageup", "home", "end", "ctrl-enter", "alt-down"] {
            let text = format!(r#"(name: "my", keys: {{"q": "quit", "{key}": "commit"}})"#);
            assert!(Keymap::parse("my.ron", &text).is_err(), "{key}");
        }
    }
}
