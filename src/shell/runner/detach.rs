//! Leaving the console behind: a session of one's own, and the signals that still mean something.

use std::fs::OpenOptions;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Makes this process independent of the console that started it: its own session, no terminal, no folder held.
///
/// # Errors
/// `/dev/null` or `/` can not be used.
pub fn detach() -> io::Result<()> {
    // Whoever leads a session already may not begin another, and needs none.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/")?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Whether the runner was asked to stop, and by what.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: watch::Receiver<Option<String>>,
}

impl Stop {
    /// A stop that is asked for through the sender.
    #[must_use]
    pub fn new() -> (watch::Sender<Option<String>>, Stop) {
        let (ask, asked) = watch::channel(None);
        (ask, Stop { asked })
    }

    /// Listens for `SIGTERM` and `SIGINT`, and takes `SIGHUP` in without a word. Call within the runtime.
    ///
    /// # Errors
    /// The signals can not be listened for.
    pub fn on_signals() -> io::Result<Stop> {
        let (ask, stop) = Stop::new();
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = hang_up.recv() => continue,
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                ask.send_replace(Some(format!("the runner was asked to stop ({name})")));
            }
        });
        Ok(stop)
    }

    /// Why to stop, if somebody asked.
    #[must_use]
    pub fn asked(&self) -> Option<String> {
        self.asked.borrow().clone()
    }

    /// Waits for `other`, but no longer than until somebody asks to stop.
    pub async fn or(&self, other: impl Future<Output = ()>) {
        let mut asked = self.asked.clone();
        tokio::select! {
            () = other => {}
            // Where nobody is left to ask, nobody will.
            () = async { if asked.wait_for(Option::is_some).await.is_err() { std::future::pending::<()>().await } } => {}
        }
    }
}
