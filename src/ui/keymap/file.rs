//! A keymap as written, and everything that can be wrong with it.

use super::{EMBEDDED, Keymap, Strokes};
use crate::base::problem::nearest;
use crate::base::ron_tree::{Node, Place};
use crate::base::{Key, KeyCode, Problem};
use crate::ui::Action;
use crate::ui::action::{ACTIONS, Danger};
use crate::ui::written::{self, Mistakes};

/// Longer sequences nobody remembers.
const MOST_STROKES: usize = 4;

/// Takes a key of the keymap that this one is like away.
const NO_ACTION: &str = "none";

/// What a keymap is made of: an embedded one that it is like, whose keys it has where it says nothing else, and its own
/// keys.
const FIELDS: [&str; 2] = ["like", "keys"];

impl Keymap {
    /// Reads a keymap file: `(like: "default", keys: { "x": "quit", "g g": "top", "q": "none" })`. It is named as the
    /// file.
    ///
    /// # Errors
    /// Every mistake with file:line:column: unknown keys, actions and keymaps with a suggestion; two actions on one key,
    /// or on one key and on its beginning; an action that acts on a key that also navigates (arrows, enter, esc, tab,
    /// space, pageup/pagedown, home/end); a keymap without a key that quits.
    pub fn parse(file: &str, text: &str) -> Result<Keymap, Vec<Problem>> {
        let (root, mistakes) = written::read(file, text, "a keymap", &FIELDS);
        let mut reader = Reader { mistakes, rows: Vec::new() };
        let model = root.field("like").and_then(Node::given).and_then(|like| reader.like(like));
        match root.field("keys") {
            Some(keys) => {
                for (keys, name) in reader.mistakes.entries(keys, "keys") {
                    reader.row(keys, name);
                }
            }
            None if reader.mistakes.is_empty() => {
                reader.mistakes.add(root.place, "a keymap has keys: { \"KEY\": \"ACTION\" }".to_owned(), None);
            }
            None => {}
        }
        let own = reader.rows.len();
        for (keys, action) in model.into_iter().flat_map(|model| model.rows) {
            if !reader.rows[..own].iter().any(|(have, _)| have.clashes(&keys)) {
                reader.rows.push((keys, Some(action)));
            }
        }
        let rows: Vec<(Strokes, Action)> =
            reader.rows.into_iter().filter_map(|(keys, action)| Some((keys, action?))).collect();
        if reader.mistakes.is_empty() && !rows.iter().any(|(_, action)| *action == Action::Quit) {
            let near = Some(r#"add "q": "quit""#.to_owned());
            reader.mistakes.add(Place::default(), "no key quits the console".to_owned(), near);
        }
        match reader.mistakes.is_empty() {
            true => Ok(Keymap { name: super::super::stem(file).to_owned(), rows }),
            false => Err(reader.mistakes.into_problems()),
        }
    }
}

/// Collects rows, and what is wrong.
struct Reader<'a> {
    mistakes: Mistakes<'a>,
    /// Without an action where a key is taken away.
    rows: Vec<(Strokes, Option<Action>)>,
}

impl Reader<'_> {
    fn like(&mut self, node: &Node) -> Option<Keymap> {
        let name = self.mistakes.text(node, "like")?;
        let Some((known, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            let names = || EMBEDDED.iter().map(|(known, _)| *known);
            let known = names().collect::<Vec<_>>().join(", ");
            let near = nearest(name, names()).map(|near| format!("did you mean {near:?}?"));
            self.mistakes.add(node.place, format!("{name:?} is no keymap of the program; those are {known}"), near);
            return None;
        };
        // Embedded keymaps are like the standard one or like none, so this comes to an end.
        Keymap::parse(known, text).ok()
    }

    fn row(&mut self, keys: &Node, name: &Node) {
        let written = self.mistakes.name(keys, true, "a key");
        let (keys_at, action_at) = (keys.place, name.place);
        let keys = written.and_then(|written| self.strokes(written, keys_at));
        let Some(name) = self.mistakes.text(name, "an action") else { return };
        let action = match name {
            NO_ACTION => Some(None),
            name => Action::named(name).map(Some),
        };
        if action.is_none() {
            let near = nearest(name, ACTIONS.iter().map(|row| row.name)).map(|near| format!("did you mean {near:?}?"));
            self.mistakes.add(action_at, format!("{name:?} is not an action"), near);
        }
        let (Some(keys), Some(action)) = (keys, action) else { return };
        if let Some((have, taken)) = self.rows.iter().find(|(have, _)| have.clashes(&keys)) {
            let taken = taken.map_or("taken away", |action| action.row().name);
            let what = match *have == keys {
                true => format!("the key {keys} is already {taken}"),
                false => format!("{keys} and {have}, which is {taken}, begin alike: only one of them can be reached"),
            };
            return self.mistakes.add(keys_at, what, None);
        }
        let acts = action.is_some_and(|action| action.row().danger == Danger::Acts);
        if let Some(key) = keys.0.iter().find(|key| acts && navigates(**key)) {
            let what = format!("{name} can change a node and may not lie on {key}, which moves about");
            return self.mistakes.add(keys_at, what, Some("choose a character".to_owned()));
        }
        self.rows.push((keys, action));
    }

    fn strokes(&mut self, written: &str, Place { line, column }: Place) -> Option<Strokes> {
        let mut keys = Vec::new();
        let (mut at, mut sound) = (column + 1, true);
        for word in written.split(' ') {
            match word.parse::<Key>() {
                Ok(key) => keys.push(key),
                Err(unknown) => {
                    let place = Place { line, column: if written.contains(' ') { at } else { column } };
                    let near = nearest(word, crate::base::key::names()).map(|near| format!("did you mean {near}?"));
                    self.mistakes.add(place, unknown.to_string(), near);
                    sound = false;
                }
            }
            at += word.chars().count() + 1;
        }
        if keys.len() > MOST_STROKES {
            let what = format!("{written:?} is a sequence of {} keys; at most {MOST_STROKES} are taken", keys.len());
            self.mistakes.add(Place { line, column }, what, None);
            sound = false;
        }
        sound.then_some(Strokes(keys))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::Lookup;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let problems = Keymap::parse("my.ron", text).expect_err(text);
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        check(
            "(\n  like: \"vi\",\n  keys: {\n    \"q\": \"quit\", \"q\": \"help\",\n    \"hyper-x\": \"quit\",\n    \
             \"c\": \"comit\",\n    \"enter\": \"commit\",\n    \"g g\": \"top\", \"g\": \"bottom\",\n    \"z pgup\": \"up\",\n    \
             \"a b c d e\": \"up\",\n    \"z space\": \"commit\",\n  },\n)",
            &[
                "my.ron:2:9: \"vi\" is no keymap of the program; those are default, vim; did you mean \"vim\"?",
                "my.ron:4:18: the key q is already quit",
                "my.ron:5:5: \"hyper-x\" is not a key; write a character, a name such as enter, esc, up, pagedown, \
                 space or f1, with ctrl- or alt- before it",
                "my.ron:6:10: \"comit\" is not an action; did you mean \"commit\"?",
                "my.ron:7:5: commit can change a node and may not lie on enter, which moves about; choose a character",
                "my.ron:8:19: g and g g, which is top, begin alike: only one of them can be reached",
                "my.ron:9:8: \"pgup\" is not a key; write a character, a name such as enter, esc, up, pagedown, space \
                 or f1, with ctrl- or alt- before it; did you mean pageup?",
                "my.ron:10:5: \"a b c d e\" is a sequence of 5 keys; at most 4 are taken",
                "my.ron:11:5: commit can change a node and may not lie on space, which moves about; choose a character",
            ],
        );
        check(r#"(keys: {"j": "down"})"#, &[r#"my.ron: no key quits the console; add "q": "quit""#]);
        let gone = r#"(like: "default", keys: {"q": "none", "ctrl-c": "none"})"#;
        check(gone, &[r#"my.ron: no key quits the console; add "q": "quit""#]);
        // What the form says and what the names say, all at once.
        check(
            "(\n  keys: {\n    x: \"quitt\",\n    \"hyper-a\": \"quit\",\n    \"a\": \"top\", \"a\": \"top\",\n    \
             \"enter\": \"commit\",\n    \"y\": 3\n    \"z\": \"up\",\n  },\n  kyes: {},\n  \"like\": \"default\",\n)",
            &[
                "my.ron:3:5: the name of a key stands in double quotes",
                "my.ron:3:8: \"quitt\" is not an action; did you mean \"quit\"?",
                "my.ron:4:5: \"hyper-a\" is not a key; write a character, a name such as enter, esc, up, pagedown, space \
                 or f1, with ctrl- or alt- before it",
                "my.ron:5:17: the key a is already top",
                "my.ron:6:5: commit can change a node and may not lie on enter, which moves about; choose a character",
                "my.ron:7:10: an action must be text in double quotes",
                "my.ron:8:5: a comma is missing before here",
                "my.ron:10:3: a keymap has no field kyes, only like, keys; did you mean keys?",
                "my.ron:11:3: the name of a field stands without quotes: like",
            ],
        );
        check("()", &["my.ron:1:1: a keymap has keys: { \"KEY\": \"ACTION\" }"]);
        let problems = Keymap::parse("my.ron", "(\n keys: [])").expect_err("a list is no map");
        assert_eq!((problems[0].line, problems.len()), (2, 1));
    }

    #[test]
    fn no_navigation_key_may_act_with_any_modifier() {
        for key in ["up", "left", "esc", "tab", "backtab", "space", "pageup", "home", "end", "ctrl-enter", "alt-down"] {
            let text = format!(r#"(keys: {{"q": "quit", "{key}": "commit"}})"#);
            assert!(Keymap::parse("my.ron", &text).is_err(), "{key}");
        }
    }

    #[test]
    fn a_keymap_like_another_says_only_what_differs() {
        let text = r#"(like: "default", keys: {"x": "commit", "X": "none", "g g": "top", "tab": "help"})"#;
        let keymap = Keymap::parse("/etc/x/my.ron", text).expect("a keymap");
        let look = |key: &str| keymap.look(&[key.parse().expect(key)]);
        assert_eq!(keymap.name(), "my");
        assert_eq!(look("x"), Lookup::Action(Action::Commit));
        assert_eq!(look("X"), Lookup::Nothing);
        assert_eq!(look("tab"), Lookup::Action(Action::Help));
        assert_eq!(look("enter"), Lookup::Action(Action::Open));
        // The standard keymap has g alone, which would hide the sequence.
        assert_eq!(look("g"), Lookup::More);
    }
}
