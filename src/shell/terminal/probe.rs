//! What a terminal answers when it is asked, for those who want to know beforehand.

use std::io;
use std::time::Duration;

use ratatui::layout::Size;
use tokio::time::Instant;

use super::screen::SYNCHRONIZED_MODE;
use super::{ReadOutcome, TermEvent, TerminalGuard, TtyReader};

/// Longest time that a terminal may take to answer. Far away it takes as long as the way there and back.
const WITHIN: Duration = Duration::from_secs(2);

/// Does it know synchronized output; then a status report, which every terminal answers, so that what comes before it
/// is all that comes.
const QUESTIONS: &[u8] = b"\x1b[?2026$p\x1b[5n";

/// How long it may take the questions.
const ASKING: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    pub size: Size,
    /// How long the status report took; nothing if none came.
    pub status_after: Option<Duration>,
    pub synchronized: bool,
}

/// Asks the terminal of this process. It is taken for that long, and given back as it was. Needs a runtime.
///
/// # Errors
/// There is none, or it can not be used.
pub async fn probe() -> io::Result<Answers> {
    let guard = TerminalGuard::enter()?;
    let mut reader = TtyReader::new(guard.tty())?;
    let mut answers = Answers { size: guard.tty().size(), status_after: None, synchronized: false };
    let asked = Instant::now();
    guard.tty().write_within(QUESTIONS, ASKING);
    while answers.status_after.is_none() {
        let Ok(read) = tokio::time::timeout_at(asked + WITHIN, reader.read_events()).await else { break };
        let ReadOutcome::Events(events) = read? else { break };
        for event in events {
            match event {
                TermEvent::Status => answers.status_after = Some(asked.elapsed()),
                TermEvent::ModeReport { mode: SYNCHRONIZED_MODE, known } => answers.synchronized = known,
                // Keys that are pressed meanwhile are for nobody.
                TermEvent::Key(_)
                | TermEvent::Paste { .. }
                | TermEvent::Mouse
                | TermEvent::CursorPosition { .. }
                | TermEvent::Focus(_)
                | TermEvent::ModeReport { .. }
                | TermEvent::Unknown => {}
            }
        }
    }
    guard.leave();
    Ok(answers)
}
