//! A state as every pane tells it: by sign, word and colour together.

use crate::model::Truth;
use crate::ui::{Glyph, Role};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub glyph: Glyph,
    pub role: Role,
    pub word: &'static str,
}

impl Mark {
    #[must_use]
    pub const fn new(glyph: Glyph, role: Role, word: &'static str) -> Mark {
        Mark { glyph, role, word }
    }

    /// How far a number can be believed: a sign, a word and a style of its own for each reason not to. None of them is
    /// that of health or of an alarm, because nothing derived from such a number is shown as the present state.
    #[must_use]
    pub fn of_truth(truth: &Truth) -> Mark {
        match truth {
            // A fresh answer that holds no number.
            Truth::Fresh => Mark::new(Glyph::Unknown, Role::Unknown, "no value"),
            Truth::Stale { .. } => Mark::new(Glyph::Stale, Role::Stale, "stale"),
            Truth::Absent => Mark::new(Glyph::Absent, Role::Absent, "absent"),
            Truth::NotExposed => Mark::new(Glyph::NotExposed, Role::NotExposed, "not exposed"),
            Truth::Failing { .. } => Mark::new(Glyph::Failing, Role::Failing, "fails"),
            Truth::NeverPolled => Mark::new(Glyph::NeverPolled, Role::NeverPolled, "not polled"),
            Truth::WarmingUp { .. } => Mark::new(Glyph::WarmingUp, Role::WarmingUp, "warming up"),
            Truth::NotRead { .. } => Mark::new(Glyph::NotExposed, Role::NotExposed, "not read"),
            Truth::ProvesNothing { .. } => Mark::new(Glyph::Unknown, Role::NotExposed, "proves nothing"),
        }
    }
}
