//! What the environment says about the terminal: how many colours it shows, and whether it shows more than ASCII.
//!
//! Over SSH only `TERM` arrives as a rule, so it is judged with care: what is not known to show more gets sixteen.

use crate::ui::Depth;

/// Terminals that show 24-bit colours and say so by their name, wherever they are used from.
const FULL: [&str; 8] = ["-direct", "kitty", "alacritty", "wezterm", "ghostty", "foot", "contour", "iterm2"];

/// Terminals without colours.
const COLOURLESS: [&str; 6] = ["dumb", "unknown", "vt100", "vt102", "vt220", "-mono"];

/// The depth that the environment speaks of. A variable that is set to nothing counts as not set.
#[must_use]
pub fn depth(environment: impl Fn(&str) -> Option<String>) -> Depth {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default().to_lowercase();
    let named = |all: &[&str]| all.iter().any(|name| term.contains(name));
    // See no-color.org: any value that is not empty.
    if variable("NO_COLOR").is_some() || named(&COLOURLESS) {
        return Depth::None;
    }
    let promised = variable("COLORTERM").is_some_and(|value| matches!(value.as_str(), "truecolor" | "24bit"));
    // GNU screen hands the promise of the terminal around it on, and before its version 5 can not keep it.
    let within_screen = term.starts_with("screen") && variable("TMUX").is_none();
    match () {
        () if named(&FULL) || (promised && !within_screen) => Depth::Full,
        () if promised || term.contains("256color") => Depth::Indexed,
        () => Depth::Sixteen,
    }
}

/// Whether the locale names a character set that is not UTF-8. Where nothing is said, nothing is assumed: terminals of
/// today show UTF-8, and a shell started by sudo or cron has lost its locale but not its terminal.
#[must_use]
pub fn ascii_only(environment: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| environment(name).filter(|value| !value.is_empty()))
        .map(|locale| locale.to_lowercase());
    locale.is_some_and(|locale| !locale.contains("utf-8") && !locale.contains("utf8"))
}

/// Whether the terminal says that its background is light: `COLORFGBG`, as rxvt, konsole and others set it.
#[must_use]
pub fn light_background(environment: impl Fn(&str) -> Option<String>) -> bool {
    let background = environment("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
    background.is_some_and(|index| matches!(index, 7 | 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_depth_is_what_the_terminal_can_keep() {
        let check = |set: &[(&str, &str)], want| assert_eq!(depth(variable(set)), want, "{set:?}");
        check(&[], Depth::Sixteen);
        check(&[("TERM", "xterm")], Depth::Sixteen);
        check(&[("TERM", "linux")], Depth::Sixteen);
        check(&[("TERM", "xterm-256color")], Depth::Indexed);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::Full);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")], Depth::None);
        check(&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Indexed);
        check(&[("TERM", "tmux-256color"), ("COLORTERM", "truecolor")], Depth::Full);
        check(&[("TERM", "screen-256color"), ("COLORTERM", "truecolor"), ("TMUX", "/tmp/t")], Depth::Full);
        check(&[("TERM", "screen.xterm-256color"), ("COLORTERM", "truecolor")], Depth::Indexed);
        check(&[("TERM", "xterm-kitty")], Depth::Full);
        check(&[("TERM", "xterm-direct")], Depth::Full);
        check(&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None);
        check(&[("TERM", "vt220")], Depth::None);
    }

    #[test]
    fn the_locale_says_which_signs_there_are() {
        let check = |set: &[(&str, &str)], want| assert_eq!(ascii_only(variable(set)), want, "{set:?}");
        check(&[], false);
        check(&[("LANG", "en_GB.UTF-8")], false);
        check(&[("LANG", "de_DE.utf8")], false);
        check(&[("LANG", "C")], true);
        check(&[("LANG", "de_DE.ISO-8859-1")], true);
        check(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "POSIX")], true);
        check(&[("LANG", "POSIX"), ("LC_CTYPE", "C.UTF-8"), ("LC_ALL", "")], false);
    }

    #[test]
    fn a_light_background_is_believed_when_it_is_said() {
        let check = |value, want| assert_eq!(light_background(variable(&[("COLORFGBG", value)])), want, "{value}");
        check("0;15", true);
        check("0;default;15", true);
        check("15;0", false);
        check("", false);
        check("default;default", false);
    }
}
