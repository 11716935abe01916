//! Small things that draw straight into a buffer. None keeps state between frames, none solves a layout.
//!
//! Must never: let text from outside reach a cell without [`crate::base::text::clean`], cut text by bytes, or draw
//! outside the area it was given; every one takes any area, the empty one too.
//!
//! To add a widget: one file with one function over plain inputs.

pub mod cell;
pub mod chart;
pub mod frame;
pub mod mark;
pub mod pen;
pub mod rows;
pub mod selection;
pub mod spark;
#[cfg(test)]
pub mod testing;
pub mod viewport;
pub mod wrap;

pub use mark::Mark;
pub use pen::Pen;
pub use rows::Rows;
pub use selection::Selection;
pub use viewport::Viewport;
