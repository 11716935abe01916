//! Real terminals for the tests of this folder: a pty, and this test binary run again on it.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portable_pty::{CommandBuilder, MasterPty, PtyPair, PtySize, native_pty_system};

use super::Tty;

/// Set in a test binary that was started as a child on a pty.
const CHILD: &str = "OPSCONSOLE_TEST_CHILD";

pub(super) struct Pty {
    pair: PtyPair,
    typed: Mutex<Box<dyn Write + Send>>,
    /// Pieces as the other side reads them; begun by the first that asks.
    heard: Mutex<Option<Receiver<Vec<u8>>>>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    pub(super) fn open() -> Pty {
        let size = PtySize { rows: 24, cols: 80, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let typed = Mutex::new(pair.master.take_writer().expect("a writer"));
        Pty { pair, typed, heard: Mutex::new(None), said: Arc::default() }
    }

    pub(super) fn resize(&self, cols: u16, rows: u16) {
        self.pair.master.resize(PtySize { rows, cols, ..PtySize::default() }).expect("another size");
    }

    /// Bytes that entering says.
    pub(super) fn said_on_entering(&self) -> usize {
        super::guard::ENTER.len()
    }

    /// The terminal's side, opened anew.
    pub(super) fn tty(&self) -> Tty {
        let path = self.pair.master.tty_name().expect("a name");
        Tty::open_path(path.to_str().expect("a plain path")).expect("the terminal")
    }

    /// Its settings as text, which compares every field.
    pub(super) fn settings(&self) -> String {
        format!("{:?}", rustix::termios::tcgetattr(self.tty()).expect("settings"))
    }

    /// Reads until `count` bytes were said in all.
    pub(super) fn hear(&self, count: usize) -> Vec<u8> {
        let mut heard = self.heard.lock().expect("one reader");
        let pieces = heard.get_or_insert_with(|| listen(&*self.pair.master));
        let mut said = self.said.lock().expect("one reader");
        while said.len() < count {
            match pieces.recv_timeout(Duration::from_secs(20)) {
                Ok(piece) => said.extend(piece),
                Err(_over) => break,
            }
        }
        said.clone()
    }

    /// What a terminal shows after the first `count` bytes.
    pub(super) fn screen_after(&self, count: usize) -> vt100::Screen {
        let mut terminal = terminal(24, 80);
        terminal.process(&self.hear(count));
        terminal.screen().clone()
    }

    pub(super) fn type_in(&self, bytes: &[u8]) {
        self.typed.lock().expect("one writer").write_all(bytes).expect("the terminal takes input");
    }

    /// The command line that runs one test of this binary as a child.
    pub(super) fn script(&self, role: &str, test: &str) -> String {
        let binary = std::env::current_exe().expect("this binary");
        format!("{CHILD}={role} {} --exact {test} --nocapture --test-threads 1", binary.display())
    }

    /// Runs one test as a child with this pty as its controlling terminal; everything that it said.
    pub(super) fn run(&self, role: &str, test: &str) -> String {
        self.shell(&format!("exec env {}", self.script(role, test)))
    }

    pub(super) fn shell(&self, script: &str) -> String {
        let mut command = CommandBuilder::new("bash");
        command.args(["-c", script]);
        command.env("TERM", "xterm-256color");
        let mut child = self.pair.slave.spawn_command(command).expect("a child");
        let mut heard = self.heard.lock().expect("one reader");
        let pieces = heard.get_or_insert_with(|| listen(&*self.pair.master));
        child.wait().expect("the child ends");
        let mut said = self.said.lock().expect("one reader");
        // Whatever was written before the end is in the pty; the pieces after it are only waited for shortly.
        while let Ok(piece) = pieces.recv_timeout(Duration::from_millis(300)) {
            said.extend(piece);
        }
        String::from_utf8_lossy(&said).into_owned()
    }
}

pub(super) fn terminal(rows: u16, columns: u16) -> vt100::Parser {
    let size = |cells| std::num::NonZeroU16::new(cells).expect("more than nothing");
    vt100::Parser::new(size(rows), size(columns), 0)
}

fn listen(master: &dyn MasterPty) -> Receiver<Vec<u8>> {
    let mut reader = master.try_clone_reader().expect("a reader");
    let (sender, pieces) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    pieces
}

/// Whether this process is the child that plays this role.
#[allow(clippy::disallowed_methods, reason = "a child is told by its environment what it is")]
pub(super) fn child(role: &str) -> bool {
    std::env::var(CHILD).is_ok_and(|found| found == role)
}

/// A child's line for the test that started it.
pub(super) fn report(line: &str) {
    println!("{line}");
}
