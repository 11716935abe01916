//! What a number can be is told apart in every theme, at every depth, and in ASCII: by sign and word, and where there
//! are colours by style as well.

use std::time::Duration;

use super::*;
use crate::base::{Boot, Unit};
use crate::model::{Reading, Truth};
use crate::ui::widget::Mark;
use crate::ui::widget::cell::{CellLine, cell_line};
use crate::ui::widget::testing::text_of;

/// Every state with what makes it most like the others: a last value of zero, or none.
fn states() -> Vec<(&'static str, Reading)> {
    let reading = |value, truth| Reading { value, truth };
    let seconds = Duration::from_secs;
    vec![
        ("zero", reading(Some(0.0), Truth::Fresh)),
        ("stale", reading(Some(0.0), Truth::Stale { age: seconds(45) })),
        ("absent", reading(None, Truth::Absent)),
        ("not_exposed", reading(None, Truth::NotExposed)),
        ("failing", reading(None, Truth::Failing { reason: "refused".to_owned(), since: Boot(30_000) })),
        ("warming_up", reading(None, Truth::WarmingUp { have: seconds(180), need: seconds(300) })),
        ("never_polled", reading(None, Truth::NeverPolled)),
        ("no value", reading(None, Truth::Fresh)),
    ]
}

/// The line as text, the sign alone, and the styles of sign and words.
fn drawn(theme: &Theme, reading: &Reading, width: u16) -> (String, String, [Style; 2]) {
    let area = Rect::new(0, 0, width, 1);
    let mut buffer = Buffer::empty(area);
    let mark = Mark::new(Glyph::Ok, Role::Ok, "ok");
    let cell = CellLine { label: "height", label_columns: 6, reading, unit: Unit::Count, mark, spark: &[] };
    cell_line(&mut buffer, theme, area, 0, Boot(90_000), cell);
    let last = (0..width).rev().find(|x| buffer[(*x, 0)].symbol() != " ").unwrap_or(0);
    let style = |x: u16| buffer[(x, 0)].style();
    (text_of(&buffer), buffer[(0, 0)].symbol().to_owned(), [style(0), style(last)])
}

#[test]
fn no_two_states_look_alike() {
    let mut wrong = Vec::new();
    for (name, _) in EMBEDDED {
        for depth in Depth::ALL {
            for ascii in [false, true] {
                let theme = Theme::embedded(name).expect("embedded").with_depth(*depth).with_ascii(ascii);
                let plain = *name == COLOURLESS || *depth == Depth::None;
                for width in [26, 40, 60] {
                    let all: Vec<_> =
                        states().into_iter().map(|(state, reading)| (state, drawn(&theme, &reading, width))).collect();
                    for (at, (one, (text, sign, styles))) in all.iter().enumerate() {
                        for (other, (other_text, other_sign, other_styles)) in &all[..at] {
                            let what = format!("{name} {depth:?} ascii {ascii} {width}: {one} and {other}");
                            if text == other_text {
                                wrong.push(format!("{what} have the same text {text:?}"));
                            }
                            if sign == other_sign {
                                wrong.push(format!("{what} have the same sign {sign:?}"));
                            }
                            if !plain && styles == other_styles {
                                wrong.push(format!("{what} have the same styles"));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} pairs:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn levels_do_not_share_a_sign_or_a_style() {
    for (name, _) in EMBEDDED {
        for depth in Depth::ALL {
            for ascii in [false, true] {
                let theme = Theme::embedded(name).expect("embedded").with_depth(*depth).with_ascii(ascii);
                let levels = [
                    (Glyph::Ok, Role::Ok),
                    (Glyph::Warning, Role::Warning),
                    (Glyph::Critical, Role::Critical),
                    (Glyph::Unknown, Role::Unknown),
                    (Glyph::Failing, Role::Failing),
                ];
                let plain = *depth == Depth::None && *name != COLOURLESS;
                for (at, (sign, role)) in levels.iter().enumerate() {
                    for (other_sign, other) in &levels[..at] {
                        assert_ne!(theme.glyph(*sign), theme.glyph(*other_sign), "{name} {ascii}");
                        let alike = theme.style(*role) == theme.style(*other);
                        assert!(plain || !alike, "{name} {depth:?}: {role:?} and {other:?}");
                    }
                }
            }
        }
    }
}

/// Nothing that is not fresh has the style of health or of an alarm.
#[test]
fn no_state_looks_like_a_level() {
    for (name, _) in EMBEDDED.iter().filter(|(name, _)| *name != COLOURLESS) {
        for depth in [Depth::Sixteen, Depth::Indexed, Depth::Full] {
            let theme = Theme::embedded(name).expect("embedded").with_depth(depth);
            for (state, reading) in states().into_iter().skip(1) {
                let (_, _, styles) = drawn(&theme, &reading, 40);
                let levels = [Role::Ok, Role::Warning, Role::Critical].map(|role| theme.style(role).fg);
                assert!(!styles.iter().any(|style| levels.contains(&style.fg)), "{name} {depth:?} {state}");
            }
        }
    }
}

#[test]
fn programs_read_the_states_apart() {
    let states = states();
    let mut names: Vec<&str> = states.iter().map(|(_, reading)| reading.truth.state()).collect();
    for (name, reading) in states.iter().skip(1).take(6) {
        assert_eq!(reading.truth.state(), *name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 7);
}
