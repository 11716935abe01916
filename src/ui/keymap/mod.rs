//! Which key does what, from a RON file. A key may be a sequence of strokes, such as `g g`.
//!
//! ```text
//! strokes so far ──look──► Lookup::{Action, More, Nothing}
//! ```
//!
//! Must never: let an action that can change a node lie on a key that is pressed to move about.
//!
//! To add a keymap: one file in `keymaps/`, and one line in [`EMBEDDED`]. To add an action: see `ui::action`.

mod file;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Action;
use crate::base::{Key, KeyCode};

macro_rules! embedded {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/keymaps/", $name, ".ron")))),*]
    };
}

/// The keymaps that come with the program: name and text. The first is the standard one.
pub const EMBEDDED: &[(&str, &str)] = embedded!("default" "vim");

/// Keys to actions, and back for help.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keymap {
    name: String,
    /// In the order of the file, which is the order of help. A few dozen: searching them beats a tree of nodes, and no
    /// row is the beginning of another one.
    rows: Vec<(Strokes, Action)>,
}

/// One key after the other; usually there is only one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Strokes(Vec<Key>);

/// What the strokes so far mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    Action(Action),
    /// They begin a longer sequence.
    More,
    Nothing,
}

impl Strokes {
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// One of the two is the beginning of the other: only one of them could be reached.
    fn clashes(&self, other: &Strokes) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Strokes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.iter().map(Key::to_string).collect::<Vec<_>>().join(" "))
    }
}

impl Keymap {
    /// The first of the keymaps that come with the program.
    #[must_use]
    pub fn standard() -> Keymap {
        let (name, text) = EMBEDDED[0];
        Keymap::parse(name, text).expect("the embedded keymap is read by a test")
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the strokes so far mean.
    #[must_use]
    pub fn look(&self, strokes: &[Key]) -> Lookup {
        match self.rows.iter().find(|(have, _)| have.0.starts_with(strokes)) {
            Some((have, action)) if have.0.len() == strokes.len() => Lookup::Action(*action),
            Some(_) => Lookup::More,
            None => Lookup::Nothing,
        }
    }

    /// The action of a single stroke.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        match self.look(&[key]) {
            Lookup::Action(action) => Some(action),
            Lookup::More | Lookup::Nothing => None,
        }
    }

    /// What may follow the strokes so far, and what it does, in the order of the file.
    pub fn following<'a>(&'a self, strokes: &'a [Key]) -> impl Iterator<Item = (Strokes, Action)> + 'a {
        let rows = self.rows.iter().filter(|(have, _)| have.0.starts_with(strokes));
        rows.map(|(have, action)| (Strokes(have.0[strokes.len()..].to_vec()), *action))
    }

    /// The keys of an action, for help; empty where it has none.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<Strokes> {
        self.rows.iter().filter(|(_, have)| *have == action).map(|(keys, _)| keys.clone()).collect()
    }

    /// The first key of an action, for hints.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<&Strokes> {
        self.rows.iter().find(|(_, have)| *have == action).map(|(keys, _)| keys)
    }

    /// What to press for an action, in words, also where no key is bound to it.
    #[must_use]
    pub fn press(&self, action: Action) -> String {
        match self.key(action) {
            Some(keys) => keys.to_string(),
            None => format!("a key for {}", action.row().name),
        }
    }

    /// The key that a dialog knows for a key that moves about in this keymap: so that a dialog scrolls with the
    /// operator's keys. Characters stay what they are, because a dialog may ask for them; enter, esc and backspace stay
    /// what they are, because what ends a dialog must not depend on a file.
    #[must_use]
    pub fn in_dialog(&self, key: Key) -> Key {
        let plain = !key.ctrl && !key.alt;
        let fixed = match key.code {
            KeyCode::Enter | KeyCode::Esc | KeyCode::Backspace => true,
            KeyCode::Char(_) => plain,
            KeyCode::Tab
            | KeyCode::BackTab
            | KeyCode::Delete
            | KeyCode::Up
            | KeyCode::Down
            | KeyCode::Left
            | KeyCode::Right
            | KeyCode::Home
            | KeyCode::End
            | KeyCode::PageUp
            | KeyCode::PageDown
            | KeyCode::Function(_) => false,
        };
        let moves = |action| match action {
            Action::Up => Some(KeyCode::Up),
            Action::Down => Some(KeyCode::Down),
            Action::PageUp => Some(KeyCode::PageUp),
            Action::PageDown => Some(KeyCode::PageDown),
            Action::Top => Some(KeyCode::Home),
            Action::Bottom => Some(KeyCode::End),
            _acts_on_the_page => None,
        };
        match self.action(key).filter(|_| !fixed).and_then(moves) {
            Some(code) => Key::plain(code),
            None => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::action::ACTIONS;

    #[test]
    fn the_embedded_keymaps_are_sound_and_reach_every_action() {
        for (name, text) in EMBEDDED {
            let keymap = Keymap::parse(name, text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert_eq!(keymap.name(), *name);
            for row in ACTIONS {
                assert!(!keymap.keys(row.action).is_empty(), "{name}: no key for {}", row.name);
            }
            let json = serde_json::to_string(&keymap).expect("plain data");
            assert_eq!(serde_json::from_str::<Keymap>(&json).expect("the same"), keymap);
        }
        assert_eq!(Keymap::standard().action(Key::char('X')), Some(Action::Commit));
    }

    #[test]
    fn a_sequence_is_followed_stroke_by_stroke() {
        let text = r#"(keys: {"g g": "top", "g t": "next_page", "q": "quit"})"#;
        let keymap = Keymap::parse("my.ron", text).expect("a keymap");
        let check = |typed: &str, want| {
            let keys: Vec<Key> = typed.split(' ').map(|key| key.parse().expect(typed)).collect();
            assert_eq!(keymap.look(&keys), want, "{typed}");
        };
        check("g", Lookup::More);
        check("g g", Lookup::Action(Action::Top));
        check("g q", Lookup::Nothing);
        check("g g g", Lookup::Nothing);
        check("q", Lookup::Action(Action::Quit));
        check("x", Lookup::Nothing);
        assert_eq!(keymap.action(Key::char('g')), None);
        let following: Vec<String> =
            keymap.following(&[Key::char('g')]).map(|(keys, action)| format!("{keys} {}", action.row().name)).collect();
        assert_eq!(following, ["g top", "t next_page"]);
        assert_eq!(keymap.key(Action::Top).map(ToString::to_string).as_deref(), Some("g g"));
    }

    #[test]
    fn a_dialog_scrolls_with_the_keymap_and_is_answered_without_it() {
        let text = r#"(keys: {"q": "quit", "j": "down", "ctrl-d": "page_down", "f1": "top", "backspace": "up", "up": "bottom"})"#;
        let keymap = Keymap::parse("my.ron", text).expect("a keymap");
        let check = |key: &str, want: &str| {
            let dialog = keymap.in_dialog(key.parse().expect(key));
            assert_eq!(dialog.to_string(), want);
        };
        check("ctrl-d", "pagedown");
        check("f1", "home");
        check("up", "end");
        check("j", "j");
        check("q", "q");
        check("enter", "enter");
        check("esc", "esc");
        check("backspace", "backspace");
        check("pagedown", "pagedown");
    }
}
