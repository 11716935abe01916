//! The report as Markdown. Every text of it is escaped here, in one place: nothing of what a node, a command or an
//! operator said can become a heading, a link, a tag or the end of a code block.

use super::{Detail, Event, Form, Report, Who};
use crate::base::time::spoken;

pub(super) fn page(report: &Report) -> String {
    let mut page =
        format!("# Incident: {} on {}/{}\n\n", text(&report.title), report.environment, text(&report.target));
    page.push_str(&format!("{}\n\n", text(&report.summary)));
    for (label, value) in [
        ("run", code(&report.run)),
        ("runbook", code(&report.runbook)),
        ("opened from", report.alert.as_deref().map_or_else(|| "nothing: by hand".to_owned(), text)),
        ("opened", code(&report.opened)),
        ("last record", code(&report.last)),
        ("state", if report.over { "over".to_owned() } else { "**not over**".to_owned() }),
    ] {
        page.push_str(&format!("- {label}: {value}\n"));
    }
    page.push_str("\n## Who\n\n");
    report.people.iter().for_each(|who| page.push_str(&format!("- {}\n", named(who))));
    page.push_str("\n## Timeline (UTC)\n\n");
    report.timeline.iter().for_each(|event| push_event(&mut page, event));
    page
}

fn push_event(page: &mut String, event: &Event) {
    // `2026-03-14T03:02:31.250Z` without its day and its zone, which the head of the page and the heading say.
    let clock = event.at.get(11..19).unwrap_or(&event.at);
    let since = spoken(std::time::Duration::from_secs_f64(event.since_before_seconds.max(0.0)));
    page.push_str(&format!("- **{clock}** (+{since}) {}\n", text(&event.said)));
    if event.decided {
        page.push_str(&format!("  - by: {}\n", named(&event.who)));
    }
    for Detail { label, text: said, form } in &event.details {
        match form {
            Form::Prose => page.push_str(&format!("  - {}: {}\n", text(label), text(said))),
            Form::Command => page.push_str(&format!("  - {}: {}\n", text(label), code(said))),
            Form::Output => push_block(page, label, said),
        }
    }
}

/// Lines as they came, in a fence that is longer than any in them.
fn push_block(page: &mut String, label: &str, lines: &str) {
    let fence = "`".repeat(longest_run(lines).max(2) + 1);
    page.push_str(&format!("  - {}:\n\n    {fence}text\n", text(label)));
    lines.lines().for_each(|line| page.push_str(&format!("    {line}\n")));
    page.push_str(&format!("    {fence}\n\n"));
}

fn named(who: &Who) -> String {
    let mut said = match &who.declared {
        Some(declared) => format!("**{}**, user {}", text(declared), text(&who.user)),
        None => format!("user **{}**", text(&who.user)),
    };
    if let Some(uid) = who.login_uid {
        said.push_str(&format!(", login uid {uid}"));
    }
    if let Some(ssh) = &who.ssh {
        said.push_str(&format!(", SSH connection {}", code(ssh)));
    }
    said.push_str(&format!(" ({})", text(&who.process)));
    said
}

/// A text in which nothing is markup any more.
fn text(said: &str) -> String {
    let mut out = String::with_capacity(said.len() + 8);
    for (at, c) in said.char_indices() {
        let special = match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '!' | '$' | '@' => {
                true
            }
            // A bare address would become a link.
            ':' => said[at + 1..].starts_with("//"),
            '.' => said[..at].to_ascii_lowercase().ends_with("www"),
            // These begin a list where they stand first.
            '-' | '+' | '=' => at == 0,
            ')' => false,
            _plain => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
    }
    // A number with a dot begins a list too.
    let digits = out.chars().take_while(char::is_ascii_digit).count();
    if digits > 0 && matches!(out.as_bytes().get(digits), Some(b'.' | b')')) {
        out.insert(digits, '\\');
    }
    out
}

/// A text as a span of code, whatever it holds.
fn code(said: &str) -> String {
    let ticks = "`".repeat(longest_run(said) + 1);
    let pad = if said.starts_with('`') || said.ends_with('`') || said.is_empty() { " " } else { "" };
    format!("{ticks}{pad}{said}{pad}{ticks}")
}

/// The longest run of backticks.
fn longest_run(said: &str) -> usize {
    said.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_markup() {
        let check = |said: &str, want: &str| assert_eq!(text(said), want);
        check("plain words, 3 of 4.", "plain words, 3 of 4.");
        check("# <b>x</b> | y", "\\# \\<b\\>x\\</b\\> \\| y");
        check("[a](http://x.y)", "\\[a\\](http\\://x.y)");
        check("www.x.y ![i](j)", "www\\.x.y \\!\\[i\\](j)");
        check("who@x.y", "who\\@x.y");
        check("- item", "\\- item");
        check("1. item", "1\\. item");
        check("&lt; $x$ a_b *c*", "\\&lt; \\$x\\$ a\\_b \\*c\\*");
    }

    #[test]
    fn a_span_of_code_holds_any_ticks() {
        assert_eq!(code("a b"), "`a b`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x"), "`` `x ``");
    }

    #[test]
    fn a_block_is_not_ended_by_what_stands_in_it() {
        let mut page = String::new();
        push_block(&mut page, "output", "one\n````\n# two");
        assert_eq!(page, "  - output:\n\n    `````text\n    one\n    ````\n    # two\n    `````\n\n");
    }
}
