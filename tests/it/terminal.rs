//! The real binary in a real pseudo-terminal, and a simulated chain for it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_opsconsole");
const PATIENCE: Duration = Duration::from_secs(60);

/// A simulated chain in its own process, in its own folder.
pub struct Chain {
    pub folder: tempfile::TempDir,
    server: Child,
}

impl Chain {
    pub fn serve(fault: &str, age: u64) -> Chain {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("demo");
        let server = Command::new(PROGRAM)
            .args(["demo", "volchain", "--serve", "--fault", fault, "--fault-age", &age.to_string(), "--folder"])
            .arg(&path)
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let chain = Chain { folder, server };
        wait("the chain's configuration", || chain.config().exists() && chain.fault(&[]).contains("producer-stuck"));
        chain
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("demo")
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("config.ron")
    }

    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// `opsconsole demo fault …`, and what it printed.
    pub fn fault(&self, args: &[&str]) -> String {
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "fault"]).args(args).arg("--folder").arg(self.path());
        let output = command.output().expect("the program runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `opsconsole ARGS --config …`: exit code and output.
    pub fn command(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(PROGRAM);
        let output = command.args(args).arg("--config").arg(self.config()).output().expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text)
    }

    /// `opsconsole journal verify`.
    pub fn verify(&self) -> (i32, String) {
        let mut command = Command::new(PROGRAM);
        let output = command.args(["journal", "verify", "--state-root"]).arg(self.state()).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text)
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Ends with the test, also when it failed.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Asks a terminal how it is.
const QUESTION: &[u8] = b"\x1b[5n";

/// How a terminal answers when it is asked how it is.
#[derive(Clone, Copy, Debug)]
pub enum FarEnd {
    Answers,
    /// As over a slow line: nothing more is read meanwhile.
    Late(Duration),
    Silent,
}

/// The program in a pty, with the screen that a terminal would show.
pub struct Console {
    pub child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Shared,
    pub parser: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
}

impl Console {
    pub fn start(args: &[&str], columns: u16, rows: u16) -> Console {
        Console::start_program(PROGRAM, args, columns, rows)
    }

    /// Another program that runs the console in the same terminal.
    pub fn start_program(program: &str, args: &[&str], columns: u16, rows: u16) -> Console {
        Console::start_before(FarEnd::Answers, program, args, columns, rows)
    }

    /// A program in a terminal that answers in this way.
    pub fn start_before(far_end: FarEnd, program: &str, args: &[&str], columns: u16, rows: u16) -> Console {
        let pty = native_pty_system();
        let pair = pty.openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let (shown, kept, answers) = (Arc::clone(&screen), Arc::clone(&raw), Arc::clone(&writer));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut heard = Vec::new();
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().expect("no panic holds it").process(&bytes[..count]);
                kept.lock().expect("no panic holds it").extend_from_slice(&bytes[..count]);
                heard.extend_from_slice(&bytes[..count]);
                let mut questions = 0;
                while let Some(at) = heard.windows(QUESTION.len()).position(|window| window == QUESTION) {
                    heard.drain(..at + QUESTION.len());
                    questions += 1;
                }
                // A question may be cut by the read: its beginning is kept for the next.
                heard.drain(..heard.len().saturating_sub(QUESTION.len() - 1));
                for _ in 0..questions {
                    match far_end {
                        FarEnd::Answers => {}
                        FarEnd::Late(pause) => std::thread::sleep(pause),
                        FarEnd::Silent => continue,
                    }
                    let _gone = answers.lock().expect("no panic holds it").write_all(b"\x1b[0n");
                }
            }
        });
        Console { child, master: pair.master, writer: Shared(writer), parser: screen, raw }
    }

    pub fn type_text(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).expect("the terminal takes keys");
        self.writer.flush().expect("the terminal takes keys");
    }

    /// One key after the other, as a hand does: what comes all at once is taken for a paste.
    pub fn type_by_hand(&mut self, text: &str) {
        for c in text.chars() {
            self.type_text(c.encode_utf8(&mut [0; 4]));
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    pub fn screen(&self) -> String {
        self.parser.lock().expect("no panic holds it").screen().contents()
    }

    pub fn raw(&self) -> Vec<u8> {
        self.raw.lock().expect("no panic holds it").clone()
    }

    /// Waits until the screen shows it.
    pub fn shows(&self, wanted: &str) {
        self.shows_within(wanted, PATIENCE);
    }

    pub fn shows_within(&self, wanted: &str, patience: Duration) {
        let end = Instant::now() + patience;
        while !self.screen().contains(wanted) {
            assert!(Instant::now() < end, "{wanted:?} did not come:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the screen shows it no more: a picture that is being drawn has something of the one before.
    pub fn hides(&self, unwanted: &str) {
        wait(&format!("a screen without {unwanted:?}"), || !self.screen().contains(unwanted));
    }

    /// What the open confirmation asks to be typed.
    pub fn phrase(&self) -> String {
        let screen = self.screen();
        let asked = screen.split("type  ").nth(1).and_then(|rest| rest.split("  to confirm").next());
        asked.unwrap_or_else(|| panic!("no confirmation is open:\n{screen}")).to_owned()
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.parser.lock().expect("no panic holds it").screen_mut().set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a resize");
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    /// Waits until the program has ended.
    pub fn ended(&mut self) -> portable_pty::ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < end, "the program did not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

struct Shared(Arc<Mutex<Box<dyn Write + Send>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic holds it").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().expect("no panic holds it").flush()
    }
}

fn cells(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).expect("a screen has cells")
}

pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn on(config: &Path) -> [String; 2] {
    ["--config".to_owned(), config.display().to_string()]
}
