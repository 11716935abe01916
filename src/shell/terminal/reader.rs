//! Reading the terminal without a thread of its own: keys, pastes and answers as they come, and that it vanished.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::Tty;
use super::input::{InputParser, TermEvent, Waits};

/// Bytes taken from the terminal at a time.
const READ_LIMIT_BYTES: usize = 4096;

/// Bytes that one read takes in at most: enough for any hand, and for a paste.
const BURST_LIMIT_BYTES: usize = 64 * 1024;

/// Bytes that [`TtyReader::drain`] discards at most: more than a terminal's input queue holds.
const DRAIN_LIMIT_BYTES: usize = 64 * 1024;

/// How long a lone ESC waits for the rest of a sequence.
const ESCAPE_PAUSE: Duration = Duration::from_millis(30);

/// How long a sequence waits for its end. What comes after is read as keys, so this must outlast a bad connection.
const SEQUENCE_PAUSE: Duration = Duration::from_secs(1);

/// How long a paste waits for its end.
const PASTE_PAUSE: Duration = Duration::from_secs(3);

/// What a read brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// At least one event.
    Events(Vec<TermEvent>),
    /// The terminal vanished: closed, hung up, or its connection was lost.
    Gone,
}

/// What [`TtyReader::drain`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Keys, pastes and mouse reports that were thrown away.
    pub discarded: usize,
    /// What the terminal had answered meanwhile. Answers are no input, and are kept.
    pub answers: Vec<TermEvent>,
    pub gone: bool,
}

/// The reading side of the terminal.
#[derive(Debug)]
pub struct TtyReader {
    tty: AsyncFd<Tty>,
    parser: InputParser,
    /// When the last byte came.
    heard: Instant,
}

enum Taken {
    Bytes(usize),
    Nothing,
    Gone,
}

impl TtyReader {
    /// A reader on this terminal. Needs a runtime.
    ///
    /// # Errors
    /// No file descriptor is left, or the terminal can not be waited for.
    pub fn new(tty: &Tty) -> io::Result<TtyReader> {
        Ok(TtyReader { tty: tty.watched(Interest::READABLE)?, parser: InputParser::new(), heard: Instant::now() })
    }

    /// Waits for the next events. May be dropped while waiting: nothing is lost, and pauses are counted on.
    ///
    /// # Errors
    /// The terminal can not be waited for any more.
    pub async fn read_events(&mut self) -> io::Result<ReadOutcome> {
        loop {
            let mut events = Vec::new();
            let due = self.due();
            let ready = async {
                match due {
                    Some(due) => tokio::time::timeout_at(due, self.tty.readable()).await.ok().transpose(),
                    None => self.tty.readable().await.map(Some),
                }
            };
            match ready.await? {
                None => match self.parser.waits() {
                    Waits::Escape => self.parser.flush_escape(&mut events),
                    Waits::Nothing | Waits::Sequence | Waits::Paste => self.parser.flush_unfinished(&mut events),
                },
                Some(mut ready) => {
                    // Everything that is there is taken in before anything is drawn: of a burst of keys only what
                    // the last of them leads to is seen.
                    let mut seen_bytes = 0;
                    while seen_bytes < BURST_LIMIT_BYTES {
                        match take(self.tty.get_ref(), &mut self.parser, &mut events) {
                            Taken::Bytes(count) => {
                                seen_bytes += count;
                                self.heard = Instant::now();
                                if count < READ_LIMIT_BYTES {
                                    break;
                                }
                            }
                            Taken::Nothing => {
                                ready.clear_ready();
                                break;
                            }
                            // What was typed before is taken in; the next read says it again.
                            Taken::Gone if !events.is_empty() => break,
                            Taken::Gone => return Ok(ReadOutcome::Gone),
                        }
                    }
                }
            }
            if !events.is_empty() {
                return Ok(ReadOutcome::Events(events));
            }
        }
    }

    /// Throws away every key, paste and mouse report that is waiting now, as before a dialog that must not be
    /// answered by what was typed before it was seen. An unfinished paste stays a paste when its rest comes.
    pub fn drain(&mut self) -> Drained {
        let mut drained = Drained::default();
        let mut seen_bytes = 0;
        while seen_bytes < DRAIN_LIMIT_BYTES && !drained.gone {
            let mut events = Vec::new();
            match take(self.tty.get_ref(), &mut self.parser, &mut events) {
                Taken::Bytes(count) => seen_bytes += count,
                Taken::Nothing => break,
                Taken::Gone => drained.gone = true,
            }
            for event in events {
                match event {
                    TermEvent::Status
                    | TermEvent::CursorPosition { .. }
                    | TermEvent::Focus(_)
                    | TermEvent::ModeReport { .. } => drained.answers.push(event),
                    TermEvent::Key(_) | TermEvent::Paste { .. } | TermEvent::Mouse => drained.discarded += 1,
                    TermEvent::Unknown => {}
                }
            }
        }
        if seen_bytes > 0 {
            self.heard = Instant::now();
        }
        drained
    }

    fn due(&self) -> Option<Instant> {
        match self.parser.waits() {
            Waits::Nothing => None,
            Waits::Escape => Some(self.heard + ESCAPE_PAUSE),
            Waits::Sequence => Some(self.heard + SEQUENCE_PAUSE),
            Waits::Paste => Some(self.heard + PASTE_PAUSE),
        }
    }
}

/// One bounded read, without waiting.
fn take(tty: &Tty, parser: &mut InputParser, events: &mut Vec<TermEvent>) -> Taken {
    let mut bytes = [0; READ_LIMIT_BYTES];
    loop {
        match rustix::io::read(tty, &mut bytes) {
            // A hung-up terminal reads as its end. One that someone took out of raw mode does so too, once for each
            // end-of-file character; but that one still has settings.
            Ok(0) if rustix::termios::tcgetattr(tty).is_err() => return Taken::Gone,
            Ok(0) | Err(Errno::AGAIN) => return Taken::Nothing,
            Ok(count) => {
                parser.feed(&bytes[..count], events);
                return Taken::Bytes(count);
            }
            Err(Errno::INTR) => {}
            Err(_gone) => return Taken::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard::TerminalGuard;
    use super::super::ptys::Pty;
    use super::*;
    use crate::base::Key;

    fn within<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await.expect("it comes to an end") })
    }

    fn keys(names: &[&str]) -> ReadOutcome {
        let key = |name: &&str| TermEvent::Key(name.parse::<Key>().expect("a key"));
        ReadOutcome::Events(names.iter().map(key).collect())
    }

    #[test]
    fn keys_answers_and_a_lone_escape_arrive() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut reader = TtyReader::new(guard.tty()).expect("a reader");
            pty.type_in(b"q\x1b[A");
            assert_eq!(reader.read_events().await.expect("events"), keys(&["q", "up"]));
            pty.type_in(b"\x1b[0n");
            assert_eq!(reader.read_events().await.expect("events"), ReadOutcome::Events(vec![TermEvent::Status]));
            pty.type_in(b"\x1b");
            assert_eq!(reader.read_events().await.expect("events"), keys(&["esc"]));
        });
    }

    #[test]
    fn a_burst_is_taken_in_by_few_reads_and_a_paste_in_it_stays_one() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut reader = TtyReader::new(guard.tty()).expect("a reader");
            let paste = format!("\x1b[200~{}\x1b[201~", "y".repeat(500));
            let burst = ["j".repeat(1_000), paste, "j".repeat(1_000)].concat();
            pty.type_in(burst.as_bytes());
            let (mut keys, mut pastes, mut reads) = (0, 0, 0);
            while keys < 2_000 {
                let ReadOutcome::Events(events) = reader.read_events().await.expect("events") else {
                    panic!("the terminal is there")
                };
                reads += 1;
                for event in events {
                    match event {
                        TermEvent::Key(_) => keys += 1,
                        TermEvent::Paste { text, .. } => {
                            assert_eq!(text.len(), 500);
                            pastes += 1;
                        }
                        other => panic!("{other:?} was not typed"),
                    }
                }
            }
            assert_eq!((keys, pastes), (2_000, 1));
            assert!(reads <= 20, "{reads} reads, each followed by a frame");
        });
    }

    #[test]
    fn giving_up_a_read_loses_nothing() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut reader = TtyReader::new(guard.tty()).expect("a reader");
            pty.type_in(b"\x1b[1;");
            let given_up = tokio::time::timeout(Duration::from_millis(50), reader.read_events()).await;
            assert!(given_up.is_err(), "half a sequence is no event");
            pty.type_in(b"5C");
            assert_eq!(reader.read_events().await.expect("events"), keys(&["ctrl-right"]));
        });
    }

    #[test]
    fn a_vanished_terminal_is_gone() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut reader = TtyReader::new(guard.tty()).expect("a reader");
            drop(pty);
            assert_eq!(reader.read_events().await.expect("an outcome"), ReadOutcome::Gone);
            assert!(reader.drain().gone);
        });
    }

    #[test]
    fn an_end_of_file_character_is_not_the_end() {
        let pty = Pty::open();
        within(async {
            // Not in raw mode, as if another process had changed the terminal: the character reads as an end.
            let mut reader = TtyReader::new(&pty.tty()).expect("a reader");
            pty.type_in(b"\x04");
            let nothing = tokio::time::timeout(Duration::from_millis(50), reader.read_events()).await;
            assert!(nothing.is_err());
            pty.type_in(b"x\n");
            assert_eq!(reader.read_events().await.expect("events"), keys(&["x", "ctrl-j"]));
        });
    }

    #[test]
    fn draining_discards_what_was_typed_and_keeps_answers_and_pastes_whole() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut reader = TtyReader::new(guard.tty()).expect("a reader");
            assert_eq!(reader.drain(), Drained::default());
            pty.type_in(b"y\r\x1b[0n\x1b[200~yes");
            reader.tty.readable().await.expect("something was typed").clear_ready();
            assert_eq!(reader.drain(), Drained { discarded: 2, answers: vec![TermEvent::Status], gone: false });
            pty.type_in(b"\ry\x1b[201~n");
            let paste = TermEvent::Paste { text: "yes\ny".into(), dropped_bytes: 0 };
            let expected = [paste, TermEvent::Key(Key::char('n'))];
            assert_eq!(reader.read_events().await.expect("events"), ReadOutcome::Events(expected.to_vec()));
        });
    }
}
