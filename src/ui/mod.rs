//! How things look and how they are named: theme roles, the action table, the keymap, layout, widgets, overlays.
//!
//! Must never: know a system, a message or an effect; tell a state by colour alone.
//!
//! To add an action: one row of [`action::ACTIONS`], which feeds keymap, help and README. A theme or a keymap: one
//! file in `themes/` or `keymaps/`, and one line in its `EMBEDDED`.

pub mod action;
pub mod keymap;
pub mod layout;
pub mod overlay;
mod place;
pub mod plain;
pub mod theme;
pub mod widget;

pub use action::{Action, Danger};
pub use keymap::Keymap;
pub use theme::{Glyph, Role, Theme};
