//! What is on a buffer, for tests: its text, and the role of every cell beside it, since text drops styles.

use ratatui::buffer::Buffer;

use crate::ui::{Role, Theme};

/// The text of a buffer, without the spaces at the ends of lines.
pub fn text_of(buf: &Buffer) -> String {
    lines(buf).join("\n")
}

fn lines(buf: &Buffer) -> Vec<String> {
    let width = usize::from(buf.area.width);
    if width == 0 {
        return Vec::new();
    }
    buf.content()
        .chunks(width)
        .map(|row| {
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                // The second half of a wide character is a reset cell that the terminal never gets.
                if skip == 0 {
                    line.push_str(cell.symbol());
                    skip = crate::base::text::width(cell.symbol()).max(1);
                }
                skip -= 1;
            }
            line.trim_end().to_owned()
        })
        .collect()
}

/// Text and style: each line of the screen, and behind a bar its roles as runs, such as `a2 t10 .4 C6`. A letter is a
/// role, `.` is nothing, and a capital letter is a role on a selected line.
pub fn screen_of(buf: &Buffer, theme: &Theme) -> String {
    let width = usize::from(buf.area.width);
    let mut out = String::new();
    for (text, row) in lines(buf).iter().zip(buf.content().chunks(width.max(1))) {
        out.push_str(text);
        let mut runs: Vec<(char, usize)> = Vec::new();
        for cell in row {
            let letter = letter(cell, theme);
            match runs.last_mut() {
                Some((last, count)) if *last == letter => *count += 1,
                _ => runs.push((letter, 1)),
            }
        }
        if runs.last().is_some_and(|(last, _)| *last == '.') {
            runs.pop();
        }
        if !runs.is_empty() {
            out.push_str("  ⎸");
            runs.iter().for_each(|(letter, count)| out.push_str(&format!("{letter}{count}")));
        }
        out.push('\n');
    }
    out
}

fn letter(cell: &ratatui::buffer::Cell, theme: &Theme) -> char {
    let selected = theme.style(Role::Selected).bg == Some(cell.bg);
    let painted = |role: &&Role| {
        let style = theme.style(**role);
        let bg = if selected { None } else { Some(cell.bg).filter(|bg| *bg != ratatui::style::Color::Reset) };
        style.fg == Some(cell.fg) && style.bg == bg && style.add_modifier == cell.modifier
    };
    let letter = match Role::ALL.iter().find(painted) {
        Some(Role::Text) => 't',
        Some(Role::Dim) => 'd',
        Some(Role::Title) => 'h',
        Some(Role::Border) => 'b',
        Some(Role::Ok) => 'o',
        Some(Role::Warning) => 'w',
        Some(Role::Critical) => 'c',
        Some(Role::Unknown) => 'u',
        Some(Role::Accent) => 'a',
        Some(Role::Production) => 'p',
        Some(Role::Armed) => 'r',
        Some(Role::Demo) => 'm',
        Some(Role::Stale) => 's',
        Some(Role::Absent) => 'x',
        Some(Role::NotExposed) => 'n',
        Some(Role::Failing) => 'f',
        Some(Role::WarmingUp) => 'v',
        Some(Role::NeverPolled) => 'q',
        Some(Role::Staging) => 'y',
        Some(Role::Development) => 'z',
        Some(Role::NotConfigured) => 'k',
        Some(
            Role::ProductionFrame
            | Role::StagingFrame
            | Role::DevelopmentFrame
            | Role::DemoFrame
            | Role::NotConfiguredFrame,
        ) => 'b',
        Some(Role::Chart) => 'g',
        Some(Role::Selected) | None => '.',
    };
    if selected { if letter == '.' { 'S' } else { letter.to_ascii_uppercase() } } else { letter }
}
