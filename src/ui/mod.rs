//! How things look and how they are named: theme roles, the action table, the keymap, layout, widgets, overlays.
//!
//! Must never: know a system, a message or an effect; tell a state by colour alone.
//!
//! To add an action: one row of [`action::ACTIONS`], which feeds keymap, palette, help and README. A theme or a keymap: one
//! file in `themes/` or `keymaps/`, and one line in its `EMBEDDED`.

pub mod action;
pub mod filter;
pub mod keymap;
pub mod layout;
pub mod overlay;
pub mod plain;
pub mod theme;
pub mod widget;
mod written;

pub use action::{Action, Danger};
pub use filter::LineFilter;
pub use keymap::{Keymap, Strokes};
pub use theme::{Depth, Glyph, Role, Theme};

/// The name of a theme or a keymap, from the name or path of its file.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".ron").unwrap_or(name)
}
