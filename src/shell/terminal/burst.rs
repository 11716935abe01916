//! A paste without brackets: a terminal that does not mark it sends it as keys, all at once, which no hand does.

use super::input::TermEvent;
use crate::base::{Key, KeyCode};

/// Characters in one read from which on they were not typed. A line that stalls lets a few keys arrive together.
const BURST_KEYS: usize = 6;

/// The events of one read, with characters that came in a burst taken for the paste that they are.
pub fn taken_as_paste(events: Vec<TermEvent>) -> Vec<TermEvent> {
    if events.iter().filter_map(typed).count() < BURST_KEYS {
        return events;
    }
    // What stands behind a key that means something is for what that key would have led to, and goes with it.
    let keys = events.iter().filter(|event| matches!(event, TermEvent::Key(_)));
    let text: String = keys.map_while(typed).collect();
    let paste = TermEvent::Paste { text, dropped_bytes: 0 };
    let others = events.into_iter().filter(|event| !matches!(event, TermEvent::Key(_)));
    // The paste goes first; no key that came with it means anything by itself.
    std::iter::once(paste).chain(others).collect()
}

fn typed(event: &TermEvent) -> Option<char> {
    match event {
        TermEvent::Key(Key { code: KeyCode::Char(c), ctrl: false, alt: false }) => Some(*c),
        TermEvent::Key(_)
        | TermEvent::Paste { .. }
        | TermEvent::Mouse
        | TermEvent::Status
        | TermEvent::CursorPosition { .. }
        | TermEvent::Focus(_)
        | TermEvent::ModeReport { .. }
        | TermEvent::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_no_hand_typed_are_a_paste_and_a_few_are_not() {
        let keys = |text: &str| text.chars().map(|c| TermEvent::Key(Key::char(c))).collect::<Vec<_>>();
        assert_eq!(taken_as_paste(keys("k7abc")), keys("k7abc"));
        let pasted = |text: &str| TermEvent::Paste { text: text.to_owned(), dropped_bytes: 0 };
        assert_eq!(taken_as_paste(keys("node k7")), [pasted("node k7")]);
        let mut with_enter = keys("prod/node k7");
        with_enter.push(TermEvent::Key(Key::plain(KeyCode::Enter)));
        with_enter.push(TermEvent::Status);
        with_enter.extend(keys(":stale"));
        assert_eq!(taken_as_paste(with_enter), [pasted("prod/node k7"), TermEvent::Status]);
        let scrolled = vec![TermEvent::Key(Key::plain(KeyCode::PageDown)); 20];
        assert_eq!(taken_as_paste(scrolled.clone()), scrolled);
    }
}
