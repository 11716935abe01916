use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::ptys::terminal;
use super::*;

const ROWS: u16 = 7;
const COLUMNS: u16 = 24;

fn picture(lines: &[(u16, u16, &str, Style)]) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    for (x, y, text, style) in lines {
        buffer.set_string(*x, *y, text, *style);
    }
    buffer
}

/// A whole frame, as the painter writes it.
fn frame(encoder: &mut Encoder, prev: &Buffer, next: &Buffer, out: &mut Vec<u8>) {
    let width = usize::from(next.area.width).max(1);
    encoder.begin();
    for (row, (before, after)) in prev.content.chunks(width).zip(next.content.chunks(width)).enumerate() {
        encoder.row(row, before, after, out);
    }
}

/// The same alone, from and to the default style.
fn encode(prev: &Buffer, next: &Buffer, out: &mut Vec<u8>) {
    let mut encoder = Encoder::default();
    frame(&mut encoder, prev, next, out);
    if encoder.pen != Look::default() {
        out.extend_from_slice(b"\x1b[m");
    }
}

fn color(color: Color) -> vt100::Color {
    let index = match color {
        Color::Reset => return vt100::Color::Default,
        Color::Rgb(red, green, blue) => return vt100::Color::Rgb(red, green, blue),
        Color::Indexed(index) => index,
        Color::Red => 1,
        Color::Blue => 4,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::White => 15,
        other => panic!("{other} is not in these tests"),
    };
    vt100::Color::Idx(index)
}

/// The terminal shows every cell of the picture, as far as it can be seen.
#[track_caller]
fn assert_shown(screen: &vt100::Screen, picture: &Buffer) {
    let width = usize::from(picture.area.width);
    for (row, cells) in picture.content.chunks(width).enumerate() {
        let mut shown = Vec::new();
        columns(cells, &mut shown);
        for (column, expected) in shown.iter().enumerate() {
            let cell = screen.cell(row as u16, column as u16).expect("on the screen");
            let place = format!("row {row}, column {column}, {expected:?}, found {cell:?}");
            if expected.unsure || column > 0 && shown[column - 1].unsure {
                continue;
            }
            if expected.width == 0 {
                assert!(cell.is_wide_continuation(), "{place}");
                continue;
            }
            let contents = if cell.contents().is_empty() { " " } else { cell.contents() };
            assert_eq!(contents, expected.symbol, "{place}");
            assert_eq!(cell.is_wide(), expected.width == 2, "{place}");
            assert_eq!(cell.bgcolor(), color(expected.look.bg), "{place}");
            let modifier = expected.look.modifier;
            assert_eq!(cell.inverse(), modifier.contains(Modifier::REVERSED), "{place}");
            assert_eq!(cell.underline(), modifier.contains(Modifier::UNDERLINED), "{place}");
            if !expected.blank {
                assert_eq!(cell.fgcolor(), color(expected.look.fg), "{place}");
                // This terminal knows one weight only, either bold or dim.
                if !modifier.contains(Modifier::BOLD | Modifier::DIM) {
                    assert_eq!(cell.bold(), modifier.contains(Modifier::BOLD), "{place}");
                    assert_eq!(cell.dim(), modifier.contains(Modifier::DIM), "{place}");
                }
                assert_eq!(cell.italic(), modifier.contains(Modifier::ITALIC), "{place}");
            }
        }
    }
}

#[track_caller]
fn check(prev: &Buffer, next: &Buffer, expected: &str) {
    let mut out = Vec::new();
    encode(prev, next, &mut out);
    assert_eq!(String::from_utf8_lossy(&out).escape_debug().to_string(), expected);
    let mut shown = terminal(ROWS, COLUMNS);
    encode(&picture(&[]), prev, &mut out);
    let mut before = Vec::new();
    encode(&picture(&[]), prev, &mut before);
    shown.process(&before);
    assert_shown(shown.screen(), prev);
    out.clear();
    encode(prev, next, &mut out);
    shown.process(&out);
    assert_shown(shown.screen(), next);
}

fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

const PLAIN: Style = Style::new();

#[test]
fn equal_pictures_cost_nothing() {
    let same = picture(&[(3, 2, "height 1204", fg(Color::Red))]);
    check(&same, &same.clone(), "");
    // Neither does what can not be seen.
    check(&picture(&[(3, 2, "   ", fg(Color::Red).bold())]), &picture(&[]), "");
}

#[test]
fn only_what_changed_is_written() {
    let number = |text| picture(&[(10, 3, text, PLAIN)]);
    check(&number("1204"), &number("1205"), r"\u{1b}[4;14H5");
    check(&number("1299"), &number("1300"), r"\u{1b}[4;12H300");
    check(&picture(&[]), &picture(&[(0, 0, "ab", PLAIN)]), r"\u{1b}[Hab");
    check(&picture(&[]), &picture(&[(0, 4, "ab", PLAIN)]), r"\u{1b}[5Hab");
}

#[test]
fn moves_take_the_shortest_way() {
    let pair =
        |first: &str, second: &str, at: (u16, u16)| picture(&[(0, 1, first, PLAIN), (at.0, at.1, second, PLAIN)]);
    let old = pair("12345678901234567", ".", (0, 3));
    // A short gap is written again, a long one is stepped over.
    check(&old, &pair("x23x5678901234567", ".", (0, 3)), r"\u{1b}[2Hx23x");
    check(&old, &pair("x234567x901234567", ".", (0, 3)), r"\u{1b}[2Hx\u{1b}[8Gx");
    // To the rows below: by line feeds, backspaces or a return.
    check(&old, &pair("x2345678901234567", "!", (0, 3)), r"\u{1b}[2Hx\r\n\n!");
    check(&picture(&[]), &picture(&[(9, 1, "9", PLAIN), (9, 2, "8", PLAIN)]), "\\u{1b}[2;10H9\\u{8}\\n8");
    check(&picture(&[]), &picture(&[(9, 1, "9", PLAIN), (9, 6, "8", PLAIN)]), "\\u{1b}[2;10H9\\u{8}\\u{1b}[5B8");
    // From the last column only by what does not depend on where exactly the cursor is held.
    check(&picture(&[]), &picture(&[(23, 1, "9", PLAIN), (0, 2, "8", PLAIN)]), r"\u{1b}[2;24H9\r\n8");
}

#[test]
fn styles_change_by_what_differs() {
    let two = |first: Style, second: Style| picture(&[(0, 0, "a", first), (1, 0, "b", second)]);
    let bold = PLAIN.bold();
    check(&picture(&[]), &two(fg(Color::Red), fg(Color::Red).bold()), r"\u{1b}[H\u{1b}[31ma\u{1b}[1mb\u{1b}[m");
    check(&picture(&[]), &two(fg(Color::Red), PLAIN), r"\u{1b}[H\u{1b}[31ma\u{1b}[mb");
    check(&picture(&[]), &two(bold.fg(Color::Red), bold), r"\u{1b}[H\u{1b}[1;31ma\u{1b}[39mb\u{1b}[m");
    check(&picture(&[]), &two(bold.dim(), bold), r"\u{1b}[H\u{1b}[1;2ma\u{1b}[0;1mb\u{1b}[m");
    check(
        &picture(&[]),
        &two(fg(Color::Indexed(9)), fg(Color::Indexed(200))),
        r"\u{1b}[H\u{1b}[91ma\u{1b}[38;5;200mb\u{1b}[m",
    );
    check(
        &picture(&[]),
        &two(PLAIN.bg(Color::Rgb(1, 2, 3)), PLAIN.bg(Color::White)),
        r"\u{1b}[H\u{1b}[48;2;1;2;3ma\u{1b}[107mb\u{1b}[m",
    );
    let many = PLAIN.italic().underlined().slow_blink().reversed().hidden().crossed_out();
    let mut out = Vec::new();
    encode(&picture(&[]), &two(many, fg(Color::Red)), &mut out);
    assert_eq!(
        String::from_utf8_lossy(&out).escape_debug().to_string(),
        r"\u{1b}[H\u{1b}[3;4;5;7;8;9ma\u{1b}[0;31mb\u{1b}[m"
    );
}

#[test]
fn blanks_do_not_change_the_foreground() {
    let spaced = picture(&[(0, 0, "a", fg(Color::Red)), (2, 0, "b", fg(Color::Red))]);
    check(&picture(&[(1, 0, "x", PLAIN)]), &spaced, r"\u{1b}[H\u{1b}[31ma b\u{1b}[m");
    // But an underline on a blank is seen.
    check(&picture(&[]), &picture(&[(0, 0, "a b", PLAIN.underlined())]), r"\u{1b}[H\u{1b}[4ma b\u{1b}[m");
}

#[test]
fn the_blank_end_of_a_row_is_erased() {
    check(&picture(&[(0, 0, "a long line", PLAIN)]), &picture(&[(0, 0, "a", PLAIN)]), r"\u{1b}[1;3H\u{1b}[K");
    check(&picture(&[(0, 0, "abc", PLAIN)]), &picture(&[(0, 0, "a", PLAIN)]), r"\u{1b}[1;2H  ");
    let colored = picture(&[(0, 0, "a long line", PLAIN.bg(Color::Blue))]);
    check(&colored, &picture(&[]), r"\u{1b}[H\u{1b}[K");
    // A coloured end is written: not every terminal erases with a colour.
    check(&picture(&[]), &picture(&[(20, 0, "    ", PLAIN.bg(Color::Blue))]), r"\u{1b}[1;21H\u{1b}[44m    \u{1b}[m");
}

#[test]
fn wide_characters_take_their_two_columns() {
    let wide = picture(&[(0, 0, "日本", PLAIN.bg(Color::Blue))]);
    check(&picture(&[]), &wide, r"\u{1b}[H\u{1b}[44m日本\u{1b}[m");
    check(&wide, &picture(&[(0, 0, "ab", PLAIN)]), r"\u{1b}[Hab  ");
    check(&wide, &picture(&[(1, 0, "日", PLAIN)]), r"\u{1b}[H 日 ");
    // One that does not fit the last column is not begun.
    let mut cut = picture(&[]);
    cut[(COLUMNS - 1, 0)].set_symbol("日");
    check(&picture(&[(COLUMNS - 1, 0, "x", PLAIN)]), &cut, r"\u{1b}[1;24H ");
}

#[test]
fn after_a_character_of_doubtful_width_the_place_is_said_again() {
    let emoji = picture(&[(2, 0, "⌨️", PLAIN), (4, 0, "on", PLAIN)]);
    check(&picture(&[]), &emoji, "\\u{1b}[1;3H  \\u{1b}[3G⌨\u{fe0f}\\u{1b}[1;5Hon");
    let combined = picture(&[(2, 0, "e\u{301}x", PLAIN)]);
    check(&picture(&[]), &combined, "\\u{1b}[1;3He\u{301}\\u{1b}[1;4Hx");
}

#[test]
fn no_control_character_gets_through() {
    for symbol in ["\x1b[2J", "\u{9b}", "\n", "a\u{202e}", "\u{200b}", ""] {
        let mut hostile = picture(&[]);
        hostile[(1, 1)].set_symbol(symbol);
        let mut out = Vec::new();
        encode(&picture(&[(1, 1, "x", PLAIN)]), &hostile, &mut out);
        let text = String::from_utf8(out).expect("text");
        assert!(text == "\x1b[2;2H\u{fffd}" || text == "\x1b[2;2H ", "{symbol:?} became {text:?}");
    }
}

#[test]
fn a_row_of_something_else_is_written_anew() {
    let old = picture(&[(0, 2, "height of the chain 120", PLAIN)]);
    check(&old, &picture(&[(0, 2, "12", PLAIN), (20, 2, "ok", PLAIN)]), r"\u{1b}[3H\u{1b}[K12\u{1b}[21Gok");
    // But not where that would cost more.
    check(&old, &picture(&[(0, 2, "height of the chain 121", PLAIN)]), r"\u{1b}[3;23H1");
}

/// A screen as the overview has it: boxes with names and numbers, of which some change each second.
fn overview(second: u64) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    let dim = fg(Color::DarkGray);
    for y in 0..24 {
        buffer.set_string(0, y, "│", dim);
        buffer.set_string(40, y, "│", dim);
    }
    buffer.set_string(2, 0, format!("opsconsole  14:03:{:02} UTC", second % 60), PLAIN.bold());
    for row in 0..8_u64 {
        let y = 2 + row as u16 * 2;
        buffer.set_string(2, y, format!("height {row}"), dim);
        buffer.set_string(20, y, format!("{:>10}", 1_204_000 + second * (row + 1)), fg(Color::Green).bold());
        buffer.set_string(43, y, format!("age {:>4}s", (second + row) % 12), fg(Color::Gray));
        buffer.set_string(60, y, if second % 12 < 8 { "● ok     " } else { "▲ stale  " }, fg(Color::Green));
    }
    buffer
}

#[test]
fn a_second_of_changing_numbers_is_well_below_the_budget() {
    let mut encoder = Encoder::default();
    let (mut before, mut bytes) = (overview(0), 0);
    for second in 1..=60 {
        let (after, mut out) = (overview(second), Vec::new());
        frame(&mut encoder, &before, &after, &mut out);
        bytes += out.len();
        before = after;
    }
    // Sixteen numbers, a clock, and now and then eight words: the budget of the whole console is 1000.
    assert!(bytes / 60 < 400, "{} bytes per second", bytes / 60);
}

#[derive(Clone, Debug)]
struct Stroke {
    x: u16,
    y: u16,
    text: &'static str,
    style: Style,
}

fn strokes(doubtful: bool) -> impl Strategy<Value = Vec<Stroke>> {
    let mut texts = vec!["a", "height", "1204", " ", "      ", "日", "日本語", "│", "████", "é", "─┐"];
    if doubtful {
        texts.extend(["e\u{301}x", "⌨️x", "🚀y"]);
    }
    let colors = || {
        prop::sample::select(vec![
            Color::Reset,
            Color::Reset,
            Color::Red,
            Color::Blue,
            Color::Indexed(77),
            Color::Rgb(9, 8, 7),
        ])
    };
    let modifiers = prop::sample::select(vec![
        Modifier::empty(),
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::REVERSED,
        Modifier::UNDERLINED | Modifier::ITALIC,
        Modifier::BOLD | Modifier::REVERSED,
    ]);
    let stroke = (0..COLUMNS, 0..ROWS, prop::sample::select(texts), colors(), colors(), modifiers).prop_map(
        |(x, y, text, fg, bg, modifier)| Stroke {
            x,
            y,
            text,
            style: Style::new().fg(fg).bg(bg).add_modifier(modifier),
        },
    );
    prop::collection::vec(stroke, 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_terminal_shows_every_frame(frames in prop::collection::vec((any::<bool>(), strokes(false)), 1..6)) {
        let (mut shown, mut encoder) = (terminal(ROWS, COLUMNS), Encoder::default());
        let mut before = picture(&[]);
        for (anew, strokes) in frames {
            let mut after = if anew { picture(&[]) } else { before.clone() };
            for stroke in strokes {
                after.set_string(stroke.x, stroke.y, stroke.text, stroke.style);
            }
            let mut out = Vec::new();
            frame(&mut encoder, &before, &after, &mut out);
            shown.process(&out);
            assert_shown(shown.screen(), &after);
            before = after;
        }
    }

    #[test]
    fn a_doubtful_width_never_shifts_the_rest_of_a_row(first in strokes(true), second in strokes(true)) {
        let (mut shown, mut encoder) = (terminal(ROWS, COLUMNS), Encoder::default());
        let mut before = picture(&[]);
        for strokes in [first, second] {
            let mut after = picture(&[]);
            for stroke in strokes {
                after.set_string(stroke.x, stroke.y, stroke.text, stroke.style);
            }
            let mut out = Vec::new();
            frame(&mut encoder, &before, &after, &mut out);
            shown.process(&out);
            assert_shown(shown.screen(), &after);
            before = after;
        }
    }
}
