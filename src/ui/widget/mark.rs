//! A state as every pane tells it: by sign, word and colour together.

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
}
