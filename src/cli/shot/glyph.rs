//! Characters that must fit their neighbours without a gap: lines, blocks and braille, as shapes instead of text.
//!
//! Fonts disagree about how far these reach; a shape is exact with any font and without one.

use std::fmt::Write;

/// A cell's place and size in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellBox {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A number as short as it can be at a hundredth of a pixel.
#[must_use]
pub fn short(value: f64) -> String {
    let mut text = format!("{value:.2}");
    while text.ends_with('0') {
        text.pop();
    }
    if text.ends_with('.') {
        text.pop();
    }
    if text == "-0" { "0".to_owned() } else { text }
}

/// Appends the shape of `symbol` in `color` and says true; false where it is text.
pub fn draw(symbol: &str, cell: CellBox, color: &str, out: &mut String) -> bool {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return false;
    };
    match c {
        '\u{2500}'..='\u{257f}' => lines(c, cell, color, out),
        '\u{2580}'..='\u{259f}' => block(c, cell, color, out),
        '\u{2801}'..='\u{28ff}' => {
            braille(u32::from(c) - 0x2800, cell, color, out);
            true
        }
        _other => false,
    }
}

/// Weight of an arm of a line: none, light, heavy, double.
type Arms = [u8; 4];

/// Left, right, up and down.
fn arms(c: char) -> Option<Arms> {
    let arms = match c {
        '─' | '┄' | '┈' | '╌' => [1, 1, 0, 0],
        '━' | '┅' | '┉' | '╍' => [2, 2, 0, 0],
        '│' | '┆' | '┊' | '╎' => [0, 0, 1, 1],
        '┃' | '┇' | '┋' | '╏' => [0, 0, 2, 2],
        '┌' | '╭' => [0, 1, 0, 1],
        '┐' | '╮' => [1, 0, 0, 1],
        '└' | '╰' => [0, 1, 1, 0],
        '┘' | '╯' => [1, 0, 1, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 0, 1, 1],
        '┬' => [1, 1, 0, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '┏' => [0, 2, 0, 2],
        '┓' => [2, 0, 0, 2],
        '┗' => [0, 2, 2, 0],
        '┛' => [2, 0, 2, 0],
        '┣' => [0, 2, 2, 2],
        '┫' => [2, 0, 2, 2],
        '┳' => [2, 2, 0, 2],
        '┻' => [2, 2, 2, 0],
        '╋' => [2, 2, 2, 2],
        '┝' => [0, 2, 1, 1],
        '┥' => [2, 0, 1, 1],
        '┯' => [2, 2, 0, 1],
        '┷' => [2, 2, 1, 0],
        '┿' => [2, 2, 1, 1],
        '┠' => [0, 1, 2, 2],
        '┨' => [1, 0, 2, 2],
        '┰' => [1, 1, 0, 2],
        '┸' => [1, 1, 2, 0],
        '╂' => [1, 1, 2, 2],
        '═' => [3, 3, 0, 0],
        '║' => [0, 0, 3, 3],
        '╔' => [0, 3, 0, 3],
        '╗' => [3, 0, 0, 3],
        '╚' => [0, 3, 3, 0],
        '╝' => [3, 0, 3, 0],
        '╠' => [0, 3, 3, 3],
        '╣' => [3, 0, 3, 3],
        '╦' => [3, 3, 0, 3],
        '╩' => [3, 3, 3, 0],
        '╬' => [3, 3, 3, 3],
        '╴' => [1, 0, 0, 0],
        '╵' => [0, 0, 1, 0],
        '╶' => [0, 1, 0, 0],
        '╷' => [0, 0, 0, 1],
        '╸' => [2, 0, 0, 0],
        '╹' => [0, 0, 2, 0],
        '╺' => [0, 2, 0, 0],
        '╻' => [0, 0, 0, 2],
        _other => return None,
    };
    Some(arms)
}

/// Dashes in one cell, for the dashed lines.
fn dashes(c: char) -> usize {
    match c {
        '╌' | '╍' | '╎' | '╏' => 2,
        '┄' | '┅' | '┆' | '┇' => 3,
        '┈' | '┉' | '┊' | '┋' => 4,
        _whole => 1,
    }
}

fn lines(c: char, cell: CellBox, color: &str, out: &mut String) -> bool {
    let Some(arms) = arms(c) else {
        return false;
    };
    let (middle_x, middle_y) = (cell.x + cell.width / 2.0, cell.y + cell.height / 2.0);
    if matches!(c, '╭' | '╮' | '╰' | '╯') {
        let side = if arms[0] > 0 { cell.x } else { cell.x + cell.width };
        let end = if arms[2] > 0 { cell.y } else { cell.y + cell.height };
        let radius = cell.width / 2.0;
        let bend = if arms[2] > 0 { middle_y - radius } else { middle_y + radius };
        let _infallible = write!(
            out,
            r#"<path d="M{} {}V{}Q{} {} {} {}" fill="none" stroke="{color}"/>"#,
            short(middle_x),
            short(end),
            short(bend),
            short(middle_x),
            short(middle_y),
            short(side),
            short(middle_y)
        );
        return true;
    }
    if arms.contains(&3) {
        double(arms, cell, color, out);
        return true;
    }
    let parts = dashes(c);
    let thick = |weight: u8| if weight == 2 { 3.0 } else { 1.0 };
    // Each arm reaches past the middle by half of what crosses it, so that corners are closed.
    let reach_x = thick(arms[2].max(arms[3])) / 2.0 * f64::from(u8::from(arms[2].max(arms[3]) > 0));
    let reach_y = thick(arms[0].max(arms[1])) / 2.0 * f64::from(u8::from(arms[0].max(arms[1]) > 0));
    if parts > 1 {
        let horizontal = arms[0] > 0;
        let weight = thick(arms[0].max(arms[2]));
        for part in 0..parts {
            if horizontal {
                let step = cell.width / parts as f64;
                let x = cell.x + step * (part as f64 + 0.2);
                rect(x, middle_y - weight / 2.0, step * 0.6, weight, color, out);
            } else {
                let step = cell.height / parts as f64;
                let y = cell.y + step * (part as f64 + 0.2);
                rect(middle_x - weight / 2.0, y, weight, step * 0.6, color, out);
            }
        }
        return true;
    }
    let (left, right, up, down) = (arms[0], arms[1], arms[2], arms[3]);
    if left == right && left > 0 {
        rect(cell.x, middle_y - thick(left) / 2.0, cell.width, thick(left), color, out);
    } else {
        if left > 0 {
            rect(cell.x, middle_y - thick(left) / 2.0, cell.width / 2.0 + reach_x, thick(left), color, out);
        }
        if right > 0 {
            rect(
                middle_x - reach_x,
                middle_y - thick(right) / 2.0,
                cell.width / 2.0 + reach_x,
                thick(right),
                color,
                out,
            );
        }
    }
    if up == down && up > 0 {
        rect(middle_x - thick(up) / 2.0, cell.y, thick(up), cell.height, color, out);
    } else {
        if up > 0 {
            rect(middle_x - thick(up) / 2.0, cell.y, thick(up), cell.height / 2.0 + reach_y, color, out);
        }
        if down > 0 {
            rect(
                middle_x - thick(down) / 2.0,
                middle_y - reach_y,
                thick(down),
                cell.height / 2.0 + reach_y,
                color,
                out,
            );
        }
    }
    true
}

/// Double lines: each of the two strokes stops where the inside of a corner begins.
fn double(arms: Arms, cell: CellBox, color: &str, out: &mut String) {
    let [left, right, up, down] = arms.map(|weight| weight > 0);
    let (middle_x, middle_y) = (cell.x + cell.width / 2.0, cell.y + cell.height / 2.0);
    let (gap, thick) = (2.0, 1.0);
    let (end_x, end_y) = (cell.x + cell.width, cell.y + cell.height);
    for side in [-1.0, 1.0] {
        // The horizontal stroke above or below the middle.
        let y = middle_y + side * gap - thick / 2.0;
        let open = if side < 0.0 { up } else { down };
        // Where nothing leaves on this side, it is the outside of a corner and reaches the far vertical stroke.
        let near = if open { gap } else { -gap };
        stroke(
            left,
            right,
            open,
            (cell.x, middle_x, end_x),
            near,
            thick,
            |from, to, out: &mut String| rect(from, y, to - from, thick, color, out),
            out,
        );
        let x = middle_x + side * gap - thick / 2.0;
        let open = if side < 0.0 { left } else { right };
        let near = if open { gap } else { -gap };
        stroke(
            up,
            down,
            open,
            (cell.y, middle_y, end_y),
            near,
            thick,
            |from, to, out: &mut String| rect(x, from, thick, to - from, color, out),
            out,
        );
    }
}

/// One of two parallel strokes: `open` where the crossing line leaves on its side.
#[allow(clippy::too_many_arguments, reason = "a stroke is where it begins, bends and ends, and how it is drawn")]
fn stroke(
    before: bool,
    after: bool,
    open: bool,
    (from, middle, to): (f64, f64, f64),
    near: f64,
    thick: f64,
    draw: impl Fn(f64, f64, &mut String),
    out: &mut String,
) {
    if before && after && !open {
        return draw(from, to, out);
    }
    if before {
        draw(from, middle - near + thick / 2.0, out);
    }
    if after {
        draw(middle + near - thick / 2.0, to, out);
    }
}

fn block(c: char, cell: CellBox, color: &str, out: &mut String) -> bool {
    let CellBox { x, y, width, height } = cell;
    let code = u32::from(c);
    match c {
        '▀' => rect(x, y, width, height / 2.0, color, out),
        '▁'..='█' => {
            let eighths = f64::from(code - 0x2580) / 8.0;
            rect(x, y + height * (1.0 - eighths), width, height * eighths, color, out);
        }
        '▉'..='▏' => rect(x, y, width * f64::from(0x2590 - code) / 8.0, height, color, out),
        '▐' => rect(x + width / 2.0, y, width / 2.0, height, color, out),
        '░' | '▒' | '▓' => {
            let opacity = f64::from(code - 0x2590) / 4.0;
            let _infallible = write!(
                out,
                r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{color}" opacity="{opacity}"/>"#,
                short(x),
                short(y),
                short(width),
                short(height)
            );
        }
        '▔' => rect(x, y, width, height / 8.0, color, out),
        '▕' => rect(x + width * 7.0 / 8.0, y, width / 8.0, height, color, out),
        _quadrants => {
            // Upper left, upper right, lower left, lower right.
            let quarters: [bool; 4] = match c {
                '▖' => [false, false, true, false],
                '▗' => [false, false, false, true],
                '▘' => [true, false, false, false],
                '▙' => [true, false, true, true],
                '▚' => [true, false, false, true],
                '▛' => [true, true, true, false],
                '▜' => [true, true, false, true],
                '▝' => [false, true, false, false],
                '▞' => [false, true, true, false],
                '▟' => [false, true, true, true],
                _other => return false,
            };
            for (index, _) in quarters.iter().enumerate().filter(|(_, filled)| **filled) {
                let (right, low) = ((index % 2) as f64, (index / 2) as f64);
                rect(x + right * width / 2.0, y + low * height / 2.0, width / 2.0, height / 2.0, color, out);
            }
        }
    }
    true
}

/// Dots 1 to 8 in the order of the code's bits: two columns, four rows.
fn braille(bits: u32, cell: CellBox, color: &str, out: &mut String) {
    const DOTS: [(f64, f64); 8] =
        [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (0.0, 3.0), (1.0, 3.0)];
    let _infallible = write!(out, r#"<path d=""#);
    for (bit, (column, row)) in DOTS.iter().enumerate() {
        if bits & (1 << bit) != 0 {
            let x = cell.x + cell.width * (0.25 + 0.5 * column);
            let y = cell.y + cell.height * (0.125 + 0.25 * row);
            let _infallible = write!(out, "M{} {}h0", short(x), short(y));
        }
    }
    let _infallible = write!(out, r#"" stroke="{color}" stroke-width="2.2" stroke-linecap="round"/>"#);
}

fn rect(x: f64, y: f64, width: f64, height: f64, color: &str, out: &mut String) {
    let _infallible = write!(
        out,
        r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{color}"/>"#,
        short(x),
        short(y),
        short(width),
        short(height)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: CellBox = CellBox { x: 10.0, y: 20.0, width: 8.0, height: 16.0 };

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(1.0, "1"), (0.5, "0.5"), (10.0, "10"), (8.4287, "8.43"), (-0.001, "0"), (100.1, "100.1")]
        {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn what_must_fit_is_a_shape() {
        let check = |symbol: &str, expected: Option<&str>| {
            let mut out = String::new();
            let drawn = draw(symbol, CELL, "#fff", &mut out);
            assert_eq!(drawn.then_some(out.as_str()), expected, "{symbol:?}");
        };
        check("─", Some(r##"<rect x="10" y="27.5" width="8" height="1" fill="#fff"/>"##));
        check("┃", Some(r##"<rect x="12.5" y="20" width="3" height="16" fill="#fff"/>"##));
        check("▂", Some(r##"<rect x="10" y="32" width="8" height="4" fill="#fff"/>"##));
        check("█", Some(r##"<rect x="10" y="20" width="8" height="16" fill="#fff"/>"##));
        check("▌", Some(r##"<rect x="10" y="20" width="4" height="16" fill="#fff"/>"##));
        check("▝", Some(r##"<rect x="14" y="20" width="4" height="8" fill="#fff"/>"##));
        check("⠁", Some(r##"<path d="M12 22h0" stroke="#fff" stroke-width="2.2" stroke-linecap="round"/>"##));
        for text in ["a", "●", "", "ab", "╱"] {
            check(text, None);
        }
    }

    #[test]
    fn every_block_and_braille_pattern_is_a_shape() {
        for c in ('\u{2580}'..='\u{259f}').chain('\u{2801}'..='\u{28ff}') {
            assert!(draw(&c.to_string(), CELL, "#fff", &mut String::new()), "{c}");
        }
    }

    #[test]
    fn arms_meet_at_the_edges_of_cells() {
        // A corner's arm ends exactly where the next cell's line begins.
        for (c, edge) in [('┌', r#"x="13.5""#), ('┘', r#"x="10""#), ('╔', r#"width="6"#)] {
            let mut out = String::new();
            assert!(draw(&c.to_string(), CELL, "#fff", &mut out));
            assert!(out.contains(edge), "{c}: {out}");
        }
    }
}
