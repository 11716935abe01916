//! `opsconsole replay FILE`: the screen at the end of a recording, or at a time in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::Result;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::shot::{svg, text};
use crate::app::{App, Msg};
use crate::shell::recorder::Recording;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A file written with --record
    file: PathBuf,
    /// Stop this many seconds after the recording's first event
    #[arg(long, value_name = "SECONDS")]
    until: Option<f64>,
    /// Print the screen as SVG instead of text
    #[arg(long)]
    svg: bool,
}

/// Replays and prints the screen.
///
/// # Errors
/// The file is no recording.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let recording = Recording::read(&args.file)?;
    if recording.full {
        eprintln!("the recording stopped at its size limit; the session went on after it");
    }
    let (app, screen) = played(recording, args.until)?;
    let theme = &app.model().theme;
    if args.svg {
        say!("{}", svg::svg(&screen, "opsconsole replay", theme));
    } else {
        say!("{}", text(&screen));
    }
    Ok(ExitCode::SUCCESS)
}

/// The last screen that was drawn in a recording; see [`played`].
///
/// # Errors
/// The recording's setup can not be loaded by this version.
pub fn final_screen(recording: Recording, until: Option<f64>) -> Result<Buffer> {
    Ok(played(recording, until)?.1)
}

/// The console at the end of a recording and the last screen that it drew, up to `until` seconds after its first event.
///
/// # Errors
/// The recording's setup can not be loaded by this version.
fn played(recording: Recording, until: Option<f64>) -> Result<(App, Buffer)> {
    let Recording { setup, happened, .. } = recording;
    let mut area = Rect::new(0, 0, setup.columns, setup.rows);
    let (mut app, _) = App::new(setup)?;
    let mut screen = Buffer::empty(area);
    let end = happened.first().zip(until).map(|((at, _), seconds)| at.boot.0 + (seconds * 1000.0) as u64);
    for (at, msg) in happened {
        if end.is_some_and(|end| at.boot.0 > end) {
            break;
        }
        if let Msg::Resized { columns, rows } = msg {
            area = Rect::new(0, 0, columns, rows);
        }
        if let Msg::Drawn = msg {
            screen = Buffer::empty(area);
            app.render(area, &mut screen);
        }
        // Effects are what the recorded session already did; a replay does nothing.
        drop(app.update(at, msg));
    }
    Ok((app, screen))
}
