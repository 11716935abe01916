//! A buffer as a picture: a window with its title, the text in runs of one style, lines and blocks as shapes.
//!
//! Characters outside ASCII are placed one by one and runs are given their length, so that columns stay columns
//! whatever font the viewer has.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::{Color, Modifier};

use super::glyph::{self, CellBox, short};
use crate::base::text::clean;
use crate::ui::Theme;
use crate::ui::theme::colour::{Lab, Rgb, shade};

const FONT: &str = "DejaVu Sans Mono, monospace";
/// At this size a character of this font is nine pixels wide, so that nothing is stretched where the font is there.
const FONT_SIZE: f64 = 14.95;
/// Whole and odd numbers of pixels: cells meet without a seam, and a thin line in their middle is sharp.
const CELL_WIDTH: f64 = 9.0;
const CELL_HEIGHT: f64 = 19.0;
/// From the top of a cell to the line that letters stand on.
const BASELINE: f64 = 14.0;
const PADDING: f64 = 12.0;
const TITLE_HEIGHT: f64 = 30.0;

/// The window: the terminal's own colours, and those of its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    foreground: Rgb,
    background: Rgb,
    title_foreground: Rgb,
    title_background: Rgb,
}

const DARK: Window = Window {
    foreground: Rgb(0xd7, 0xda, 0xe0),
    background: Rgb(0x12, 0x15, 0x1b),
    title_foreground: Rgb(0x9a, 0xa3, 0xb0),
    title_background: Rgb(0x23, 0x28, 0x31),
};

const LIGHT: Window = Window {
    foreground: Rgb(0x24, 0x29, 0x2f),
    background: Rgb(0xfb, 0xfb, 0xf9),
    title_foreground: Rgb(0x57, 0x60, 0x6a),
    title_background: Rgb(0xe4, 0xe7, 0xeb),
};

impl Window {
    /// On the background that a theme is made for; on a dark one where any will do.
    fn of(theme: &Theme) -> Window {
        let Some(ground) = theme.ground() else { return DARK };
        let around = if Lab::of(ground).0[0] > 0.5 { LIGHT } else { DARK };
        Window { background: ground, ..around }
    }
}

/// The sixteen colours of the dark theme.
const PALETTE: [Rgb; 16] = [
    Rgb(0x1d, 0x22, 0x2b),
    Rgb(0xe0, 0x5f, 0x65),
    Rgb(0x78, 0xb8, 0x78),
    Rgb(0xe0, 0xb0, 0x58),
    Rgb(0x6a, 0x9f, 0xd8),
    Rgb(0xb8, 0x85, 0xcf),
    Rgb(0x5f, 0xb8, 0xb8),
    Rgb(0xb9, 0xc0, 0xcb),
    Rgb(0x6b, 0x75, 0x85),
    Rgb(0xf4, 0x7f, 0x85),
    Rgb(0x98, 0xd4, 0x98),
    Rgb(0xf4, 0xcc, 0x7c),
    Rgb(0x8c, 0xbc, 0xf0),
    Rgb(0xd2, 0xa4, 0xe6),
    Rgb(0x84, 0xd4, 0xd4),
    Rgb(0xf2, 0xf4, 0xf7),
];

fn hex(Rgb(red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Two fifths of the way to another colour, which is how dim looks.
fn towards(from: Rgb, to: Rgb) -> Rgb {
    let mix = |from: u8, to: u8| ((u16::from(from) * 3 + u16::from(to) * 2) / 5) as u8;
    Rgb(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// A cell's style as it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Paint {
    fg: Rgb,
    bg: Rgb,
    bold: bool,
    italic: bool,
    underlined: bool,
    crossed_out: bool,
}

impl Paint {
    fn of(cell: &Cell, window: Window) -> Paint {
        let (mut fg, mut bg) = (color(cell.fg, window.foreground), color(cell.bg, window.background));
        if cell.modifier.contains(Modifier::REVERSED) {
            (fg, bg) = (bg, fg);
        }
        if cell.modifier.contains(Modifier::DIM) {
            fg = towards(fg, bg);
        }
        if cell.modifier.contains(Modifier::HIDDEN) {
            fg = bg;
        }
        Paint {
            fg,
            bg,
            bold: cell.modifier.contains(Modifier::BOLD),
            italic: cell.modifier.contains(Modifier::ITALIC),
            underlined: cell.modifier.contains(Modifier::UNDERLINED),
            crossed_out: cell.modifier.contains(Modifier::CROSSED_OUT),
        }
    }
}

/// The buffer in a window with this title, in a terminal that suits the theme. The same buffer gives the same picture,
/// byte for byte.
#[must_use]
pub fn svg(buf: &Buffer, title: &str, theme: &Theme) -> String {
    let window = Window::of(theme);
    let width = f64::from(buf.area.width) * CELL_WIDTH + 2.0 * PADDING;
    let height = f64::from(buf.area.height) * CELL_HEIGHT + 2.0 * PADDING + TITLE_HEIGHT;
    let mut out = String::with_capacity(64 * 1024);
    let (w, h) = (short(width), short(height));
    let title = escape(&clean(title));
    line(
        &mut out,
        &format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" font-family="{FONT}" font-size="{FONT_SIZE}">"#
        ),
    );
    line(&mut out, &format!("<title>{title}</title>"));
    line(&mut out, &format!(r#"<rect width="{w}" height="{h}" rx="8" fill="{}"/>"#, hex(window.background)));
    // The title's bar: round above, straight below.
    let bar = format!(
        r#"<path d="M0 {TITLE_HEIGHT}V8a8 8 0 0 1 8 -8H{}a8 8 0 0 1 8 8V{TITLE_HEIGHT}z" fill="{}"/>"#,
        short(width - 8.0),
        hex(window.title_background)
    );
    line(&mut out, &bar);
    line(
        &mut out,
        &format!(
            r#"<text x="{}" y="20" text-anchor="middle" font-size="13" fill="{}">{title}</text>"#,
            short(width / 2.0),
            hex(window.title_foreground)
        ),
    );
    let columns = usize::from(buf.area.width);
    if columns > 0 {
        for (row, cells) in buf.content.chunks(columns).enumerate() {
            draw_row(&seen(cells, window), window, PADDING + TITLE_HEIGHT + row as f64 * CELL_HEIGHT, &mut out);
        }
    }
    line(&mut out, "</svg>");
    out
}

/// One cell that begins a character, with its column and width.
struct Seen<'a> {
    column: usize,
    columns: usize,
    symbol: &'a str,
    paint: Paint,
}

fn seen(cells: &[Cell], window: Window) -> Vec<Seen<'_>> {
    let (mut row, mut column) = (Vec::new(), 0);
    while column < cells.len() {
        let cell = &cells[column];
        let columns = usize::from(cell.symbol().cell_width()).clamp(1, cells.len() - column);
        row.push(Seen { column, columns, symbol: cell.symbol(), paint: Paint::of(cell, window) });
        column += columns;
    }
    row
}

fn draw_row(row: &[Seen<'_>], window: Window, top: f64, out: &mut String) {
    let before = out.len();
    backgrounds(row, window, top, out);
    shapes(row, top, out);
    texts(row, top, out);
    if out.len() > before {
        out.push('\n');
    }
}

/// One rectangle for each stretch of one background, the default left out.
fn backgrounds(row: &[Seen<'_>], window: Window, top: f64, out: &mut String) {
    for run in row.chunk_by(|left, right| left.paint.bg == right.paint.bg) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        if first.paint.bg != window.background {
            let columns = last.column + last.columns - first.column;
            let _infallible = write!(
                out,
                r#"<rect x="{}" y="{}" width="{}" height="{CELL_HEIGHT}" fill="{}"/>"#,
                short(x_of(first.column)),
                short(top),
                short(columns as f64 * CELL_WIDTH),
                hex(first.paint.bg)
            );
        }
    }
}

/// Lines, blocks and braille; and a line straight through a stretch of cells is one shape.
fn shapes(row: &[Seen<'_>], top: f64, out: &mut String) {
    let alike = |left: &Seen<'_>, right: &Seen<'_>| {
        left.symbol == right.symbol
            && left.paint.fg == right.paint.fg
            && matches!(left.symbol, "─" | "━" | "═" | "█" | "▀" | "▄")
    };
    for run in row.chunk_by(alike) {
        let Some(first) = run.first() else {
            continue;
        };
        let cell = CellBox { x: x_of(first.column), y: top, width: run.len() as f64 * CELL_WIDTH, height: CELL_HEIGHT };
        glyph::draw(first.symbol, cell, &hex(first.paint.fg), out);
    }
}

/// Whether the cell is drawn by [`shapes`] already.
fn is_shape(symbol: &str) -> bool {
    glyph::draw(symbol, CellBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }, "", &mut String::new())
}

/// Whether the cell is of the width that every font gives it in a run.
fn runs_on(cell: &Seen<'_>) -> bool {
    cell.symbol.is_ascii()
}

fn texts(row: &[Seen<'_>], top: f64, out: &mut String) {
    let alike = |left: &Seen<'_>, right: &Seen<'_>| left.paint == right.paint && runs_on(left) && runs_on(right);
    for run in row.chunk_by(alike) {
        // Blanks at the ends are background, unless there is a line under or through them.
        let lined = run.iter().any(|cell| cell.paint.underlined || cell.paint.crossed_out);
        let ink = |cell: &Seen<'_>| lined || !cell.symbol.trim().is_empty();
        let (Some(from), Some(to)) = (run.iter().position(ink), run.iter().rposition(ink)) else {
            continue;
        };
        let run = &run[from..=to];
        if !(run.len() == 1 && is_shape(run[0].symbol)) {
            text(run, top, out);
        }
    }
}

fn text(run: &[Seen<'_>], top: f64, out: &mut String) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return;
    };
    let columns = last.column + last.columns - first.column;
    let symbols: String = run.iter().map(|cell| if cell.symbol.is_empty() { " " } else { cell.symbol }).collect();
    let _infallible = write!(
        out,
        r#"<text x="{}" y="{}" textLength="{}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="{}"{}{}{}>{}</text>"#,
        short(x_of(first.column)),
        short(top + BASELINE),
        short(columns as f64 * CELL_WIDTH),
        hex(first.paint.fg),
        if first.paint.bold { r#" font-weight="bold""# } else { "" },
        if first.paint.italic { r#" font-style="italic""# } else { "" },
        match (first.paint.underlined, first.paint.crossed_out) {
            (false, false) => "",
            (true, false) => r#" text-decoration="underline""#,
            (false, true) => r#" text-decoration="line-through""#,
            (true, true) => r#" text-decoration="underline line-through""#,
        },
        escape(&clean(&symbols))
    );
}

fn x_of(column: usize) -> f64 {
    PADDING + column as f64 * CELL_WIDTH
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

fn color(color: Color, default: Rgb) -> Rgb {
    let named = |index: usize| PALETTE[index];
    match color {
        Color::Reset => default,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Rgb(red, green, blue) => Rgb(red, green, blue),
        Color::Indexed(index @ 0..=15) => named(usize::from(index)),
        Color::Indexed(index) => shade(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn picture(lines: &[(u16, u16, &str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 3));
        for (x, y, text, style) in lines {
            buffer.set_string(*x, *y, text, *style);
        }
        buffer
    }

    /// What stands between the frame of the window and its end, one line per row that shows anything.
    #[track_caller]
    fn check(lines: &[(u16, u16, &str, Style)], expected: &[&str]) {
        let picture = svg(&picture(lines), "t", &Theme::standard());
        let rows: Vec<&str> = picture.lines().skip(5).take_while(|line| *line != "</svg>").collect();
        assert_eq!(rows, expected, "{picture}");
    }

    const PLAIN: Style = Style::new();

    #[test]
    fn text_comes_in_runs_of_one_style_with_its_length() {
        check(&[], &[]);
        check(
            &[(1, 0, "a b", PLAIN.red().bold()), (5, 0, "c", PLAIN)],
            &[concat!(
                r##"<text x="21" y="56" textLength="27" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="#e05f65" font-weight="bold">a b</text>"##,
                r##"<text x="57" y="56" textLength="9" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="#d7dae0">c</text>"##
            )],
        );
        check(
            &[(0, 2, "日", PLAIN.underlined())],
            &[
                r##"<text x="12" y="94" textLength="18" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="#d7dae0" text-decoration="underline">日</text>"##,
            ],
        );
    }

    #[test]
    fn backgrounds_and_lines_reach_from_cell_to_cell() {
        check(&[(0, 1, "   ", PLAIN.on_blue())], &[r##"<rect x="12" y="61" width="27" height="19" fill="#6a9fd8"/>"##]);
        check(
            &[(0, 1, "   ", PLAIN.reversed())],
            &[r##"<rect x="12" y="61" width="27" height="19" fill="#d7dae0"/>"##],
        );
        check(&[(0, 1, "───", PLAIN)], &[r##"<rect x="12" y="70" width="27" height="1" fill="#d7dae0"/>"##]);
    }

    #[test]
    fn text_can_not_become_markup() {
        let hostile = svg(&picture(&[(0, 0, "</text><script>&\"", PLAIN)]), "<a>\u{1b}&", &Theme::standard());
        assert!(hostile.contains("&lt;/text&gt;&lt;script&gt;&amp;&quot;</text>"), "{hostile}");
        assert!(hostile.contains("<title>&lt;a&gt;\u{fffd}&amp;</title>"), "{hostile}");
        let mut control = picture(&[]);
        control[(0, 0)].set_symbol("\u{9b}");
        assert!(!svg(&control, "t", &Theme::standard()).contains('\u{9b}'));
    }

    #[test]
    fn any_size_and_any_buffer_make_a_picture() {
        for (width, height) in [(0, 0), (1, 1), (0, 5), (200, 60)] {
            let picture = svg(&Buffer::empty(Rect::new(3, 4, width, height)), "", &Theme::standard());
            assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        }
        let mut cut = picture(&[]);
        cut[(29, 0)].set_symbol("日");
        let theme = Theme::standard();
        assert_eq!(svg(&cut, "t", &theme), svg(&cut.clone(), "t", &theme));
    }

    #[test]
    fn indexed_colours_are_those_of_terminals() {
        for (index, want) in
            [(1, "#e05f65"), (16, "#000000"), (196, "#ff0000"), (231, "#ffffff"), (232, "#080808"), (255, "#eeeeee")]
        {
            assert_eq!(hex(color(Color::Indexed(index), DARK.foreground)), want, "{index}");
        }
    }
}
