//! What the embedded palettes promise: contrast, and that the levels are told apart by those who see fewer colours.

use ratatui::style::Color;

use super::colour::{Lab, Rgb, contrast, linear, shade};
use super::*;

/// What is read as text.
const READ: [Role; 16] = [
    Role::Text,
    Role::Dim,
    Role::Title,
    Role::Ok,
    Role::Warning,
    Role::Critical,
    Role::Unknown,
    Role::Stale,
    Role::Absent,
    Role::NotExposed,
    Role::Failing,
    Role::WarmingUp,
    Role::NeverPolled,
    Role::Accent,
    Role::Chart,
    Role::Border,
];

/// What says how well something is.
const LEVELS: [Role; 5] = [Role::Ok, Role::Warning, Role::Critical, Role::Unknown, Role::Failing];

const FRAMES: [Role; 6] = [
    Role::Border,
    Role::ProductionFrame,
    Role::StagingFrame,
    Role::DevelopmentFrame,
    Role::DemoFrame,
    Role::NotConfiguredFrame,
];

const BANDS: [Role; 6] =
    [Role::Production, Role::Staging, Role::Development, Role::Demo, Role::NotConfigured, Role::Armed];

fn coloured() -> impl Iterator<Item = Theme> {
    let named = EMBEDDED.iter().map(|(name, _)| Theme::embedded(name).unwrap_or_else(|| panic!("{name}")));
    named.filter(|theme| theme.name() != COLOURLESS)
}

fn rgb(color: Option<Color>) -> Option<Rgb> {
    match color? {
        Color::Rgb(red, green, blue) => Some(Rgb(red, green, blue)),
        Color::Indexed(index) => Some(shade(index)),
        other => panic!("{other:?} is not what a theme gives"),
    }
}

#[test]
fn the_embedded_themes_are_sound() {
    for (name, text) in EMBEDDED {
        let theme = Theme::parse(name, text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert_eq!(theme.name(), *name);
        assert_eq!(theme.ramp().len(), RAMP_STEPS);
        let plain = theme.clone().with_ascii(true);
        assert!(Glyph::ALL.iter().all(|glyph| plain.glyph(*glyph).is_ascii()));
        assert_ne!(theme.glyph(Glyph::Cursor), plain.glyph(Glyph::Cursor));
        let json = serde_json::to_string(&plain).expect("plain data");
        assert_eq!(serde_json::from_str::<Theme>(&json).expect("the same"), plain);
    }
}

/// The first sixteen are not judged: their shades are the terminal's owner's.
#[test]
fn text_has_the_contrast_that_wcag_asks_for() {
    for theme in coloured() {
        let least = if theme.name() == "high-contrast" { 7.0 } else { 4.5 };
        for depth in [Depth::Full, Depth::Indexed] {
            let theme = theme.clone().with_depth(depth);
            let ground = match (theme.written.background, depth) {
                (Some(ladder), _) if theme.written.painted => rgb(ladder.at(depth)),
                (ladder, _) => ladder.map(colour::Ladder::rgb),
            };
            let ground = ground.unwrap_or_else(|| panic!("{}: no background", theme.name()));
            let selected = rgb(theme.style(Role::Selected).bg).expect("a selected line has a background");
            let mut poor = Vec::new();
            let mut judge = |role: Role, fg: Option<Color>, bg: Rgb, least: f64| {
                let ratio = rgb(fg).map_or(0.0, |fg| contrast(fg, bg));
                if ratio < least {
                    poor.push(format!("{} {} on {bg:?}: {ratio:.1}", theme.name(), role.name()));
                }
            };
            for role in READ.into_iter().filter(|role| !matches!(role, Role::Border | Role::Chart)) {
                judge(role, theme.style(role).fg, ground, least);
                judge(role, theme.style(role).fg, selected, least);
            }
            for role in BANDS {
                let style = theme.style(role);
                judge(role, style.fg, rgb(style.bg).expect("a band has a background"), least);
            }
            // What is a shape and not text asks for less.
            judge(Role::Chart, theme.style(Role::Chart).fg, ground, 3.0);
            for role in FRAMES.into_iter().skip(1) {
                judge(role, theme.style(role).fg, ground, if least > 4.5 { 4.5 } else { 2.5 });
            }
            assert!(poor.is_empty(), "{depth:?}\n{}", poor.join("\n"));
        }
    }
}

/// Simulations of complete dichromacy in linear light: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A
/// Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, severity 1.0.
const SEEN_BY: [(&str, [[f64; 3]; 3]); 4] = [
    ("everyone", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopes",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopes",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritanopes",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

fn seen(Rgb(red, green, blue): Rgb, matrix: &[[f64; 3]; 3]) -> Lab {
    let light = [red, green, blue].map(linear);
    Lab::of_linear(matrix.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0)))
}

/// The least difference of two levels, for everyone and for each kind of dichromat.
fn differences(theme: &Theme) -> Vec<(&'static str, f64, String)> {
    let mut all = Vec::new();
    for (who, matrix) in &SEEN_BY {
        for (at, one) in LEVELS.iter().enumerate() {
            for other in &LEVELS[..at] {
                let lab = |role: &Role| seen(rgb(theme.style(*role).fg).expect("a level has a colour"), matrix);
                all.push((*who, lab(one).distance(lab(other)), format!("{} and {}", other.name(), one.name())));
            }
        }
    }
    all
}

#[test]
fn levels_are_told_apart_without_some_of_the_colours() {
    // Side by side 0.02 is seen; what stands alone on a line must differ by much more.
    const LEAST: f64 = 0.1;
    let theme = Theme::embedded("colour-blind-safe").expect("it is embedded");
    for depth in [Depth::Full, Depth::Indexed] {
        let theme = theme.clone().with_depth(depth);
        let close: Vec<_> = differences(&theme).into_iter().filter(|(_, distance, _)| *distance < LEAST).collect();
        assert!(close.is_empty(), "{depth:?} {close:?}");
    }
    // The test can fail: the standard theme is not made for this.
    assert!(differences(&Theme::standard()).iter().any(|(_, distance, _)| *distance < LEAST));
}

#[test]
fn every_palette_tells_the_levels_apart_for_most() {
    for theme in coloured() {
        for (who, distance, which) in differences(&theme) {
            assert!(who != "everyone" || distance > 0.09, "{}: {which} differ by {distance:.3}", theme.name());
        }
    }
}

#[test]
fn environments_are_told_apart_by_frame_and_band() {
    for (name, _) in EMBEDDED {
        for depth in Depth::ALL {
            let theme = Theme::embedded(name).expect("embedded").with_depth(*depth);
            let framed = |environment| {
                let theme = theme.clone().with_environment(Some(environment));
                (theme.style(Role::Border), theme.glyph(Glyph::Rule).to_owned(), theme.style(Role::of(environment)))
            };
            let production = framed(Environment::Production);
            for other in Environment::ALL.into_iter().filter(|other| *other != Environment::Production) {
                let (border, rule, band) = framed(other);
                assert_ne!(rule, production.1, "{name}: the weight of the frame");
                // Where a theme's colours are taken away, the weight of the frame and the word remain.
                let bare = *depth == Depth::None && *name != COLOURLESS;
                assert!(bare || (border, band) != (production.0, production.2), "{name} {depth:?} {other:?}");
            }
            // What nobody has configured may be anything: neither its frame nor its badge is that of development.
            let (unsaid, dev) = (framed(Environment::NotConfigured), framed(Environment::Development));
            let bare = *depth == Depth::None && *name != COLOURLESS;
            assert!(bare || (unsaid.0 != dev.0 && unsaid.2 != dev.2), "{name} {depth:?}");
        }
    }
}

#[test]
fn a_painted_theme_leaves_no_cell_to_the_terminal() {
    let area = Rect::new(0, 0, 4, 2);
    let mut buffer = Buffer::empty(area);
    buffer[(1, 1)].set_bg(Color::Indexed(9));
    let before = buffer.clone();
    Theme::standard().paint(area, &mut buffer);
    assert_eq!(buffer, before, "the standard theme leaves the terminal its own background");
    let light = Theme::embedded("light").expect("it is embedded");
    light.paint(area, &mut buffer);
    assert!(buffer.content().iter().all(|cell| cell.bg != Color::Reset && cell.fg != Color::Reset));
    assert_eq!(buffer[(1, 1)].bg, Color::Indexed(9));
    let mut buffer = before.clone();
    light.with_depth(Depth::None).paint(area, &mut buffer);
    assert_eq!(buffer, before);
}
