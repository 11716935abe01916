//! What there is to be styled and drawn: roles by meaning, signs with their twins in ASCII.

use crate::runbook::seal::Environment;

macro_rules! roles {
    ($($(#[$note:meta])* $variant:ident)*) => {
        /// What a piece of the screen means. Colour is never the only sign.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Role { $($(#[$note])* $variant,)* }

        impl Role {
            pub const ALL: &[Role] = &[$(Role::$variant,)*];

            /// As in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Role::$variant => stringify!($variant),)* }
            }
        }
    };
}

roles! {
    Text
    Dim
    Title
    Border
    /// Laid under a whole line; its foreground is not used.
    Selected
    Ok
    Warning
    Critical
    /// Can not be told.
    Unknown
    /// Measured, but too long ago.
    Stale
    /// The source answers without it.
    Absent
    /// The node has no such thing.
    NotExposed
    /// The source does not answer.
    Failing
    WarmingUp
    NeverPolled
    Accent
    /// The band of production, and the badges of the other environments.
    Production
    Staging
    Development
    Demo
    /// The badge of what nobody has configured: it says that the danger is not known.
    NotConfigured
    /// The frames of each.
    ProductionFrame
    StagingFrame
    DevelopmentFrame
    DemoFrame
    NotConfiguredFrame
    Armed
    Chart
}

impl Role {
    /// The band or badge of an environment.
    #[must_use]
    pub fn of(environment: Environment) -> Role {
        match environment {
            Environment::Production => Role::Production,
            Environment::Staging => Role::Staging,
            Environment::Development => Role::Development,
            Environment::Demo => Role::Demo,
            Environment::NotConfigured => Role::NotConfigured,
        }
    }

    pub(super) fn frame_of(environment: Environment) -> Role {
        match environment {
            Environment::Production => Role::ProductionFrame,
            Environment::Staging => Role::StagingFrame,
            Environment::Development => Role::DevelopmentFrame,
            Environment::Demo => Role::DemoFrame,
            Environment::NotConfigured => Role::NotConfiguredFrame,
        }
    }
}

macro_rules! glyphs {
    ($($(#[$note:meta])* $variant:ident $sign:literal $twin:literal)*) => {
        /// A sign that is one column wide.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Glyph { $($(#[$note])* $variant,)* }

        impl Glyph {
            pub const ALL: &[Glyph] = &[$(Glyph::$variant,)*];

            /// As in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Glyph::$variant => stringify!($variant),)* }
            }

            /// The sign and its twin in plain ASCII, where a theme has no others.
            #[must_use]
            pub fn standard(self) -> (&'static str, &'static str) {
                match self { $(Glyph::$variant => ($sign, $twin),)* }
            }
        }
    };
}

glyphs! {
    Ok "●" "+"
    Warning "▲" "!"
    Critical "■" "X"
    Unknown "?" "?"
    Stale "≈" "~"
    /// Also stands where a value would, and is never 0.
    Absent "—" "-"
    NotExposed "⊘" "/"
    Failing "✗" "x"
    WarmingUp "◌" "w"
    NeverPolled "○" "o"
    Pending "◔" "p"
    Firing "◆" "*"
    Resolved "✓" "v"
    NotStarted "○" "o"
    Running "◐" "%"
    Done "✓" "v"
    Failed "✗" "x"
    Skipped "»" "s"
    WillNotRun "·" "."
    Cursor "▸" ">"
    Suggested "★" "*"
    /// A bucket without a measurement.
    Gap "·" "."
    Above "↑" "^"
    Below "↓" "v"
    Rule "─" "-"
    Bar "│" "|"
    TopLeft "╭" "+"
    TopRight "╮" "+"
    BottomLeft "╰" "+"
    BottomRight "╯" "+"
    /// The frame of production is of another weight, so that it is told from any other without colour.
    HeavyRule "━" "="
    HeavyBar "┃" "#"
    HeavyTopLeft "┏" "#"
    HeavyTopRight "┓" "#"
    HeavyBottomLeft "┗" "#"
    HeavyBottomRight "┛" "#"
}

impl Glyph {
    /// The heavier sign of a frame; every other sign is its own.
    pub(super) fn heavy(self) -> Glyph {
        match self {
            Glyph::Rule => Glyph::HeavyRule,
            Glyph::Bar => Glyph::HeavyBar,
            Glyph::TopLeft => Glyph::HeavyTopLeft,
            Glyph::TopRight => Glyph::HeavyTopRight,
            Glyph::BottomLeft => Glyph::HeavyBottomLeft,
            Glyph::BottomRight => Glyph::HeavyBottomRight,
            other => other,
        }
    }
}

/// How many steps a ramp has: the eighths of a cell.
pub const RAMP_STEPS: usize = 8;

/// From the lowest to the highest eighth of a cell, and the same in ASCII.
pub(super) const RAMP: (&str, &str) = ("▁▂▃▄▅▆▇█", "_.,-=+*#");
