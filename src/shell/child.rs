//! Starting other programs: argv as it stands, an empty environment, a group of their own, and never without an end.

#![allow(clippy::disallowed_methods, reason = "the shell is where processes are started")]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use super::resolve::SEARCH;
use crate::base::text;
use crate::base::time::spoken;

/// Between asking a program to end and ending it, and again until it is given up.
pub const GRACE: Duration = Duration::from_secs(5);

/// Most of what a program puts out that [`answer`] keeps.
const ANSWER_LIMIT_BYTES: usize = 64 << 10;

/// Most of what a program complains of that [`read`] keeps.
const ERROR_LIMIT_BYTES: usize = 4 << 10;

/// A program that runs. Its standard output and error are one stream, in the order in which they came.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Option<Pid>,
    output: Receiver,
}

/// How a program ended, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Exited {
        code: i32,
    },
    Signalled {
        signal: i32,
    },
    /// It was still running at its time limit. Whether it did its work is not known, stopped or not.
    OverTime {
        why: String,
    },
    /// It could not be waited for.
    Lost {
        why: String,
    },
}

/// Starts a program whose first element is an absolute path, with nothing on its input, in `/`, with `environment`
/// and a fixed search path as its whole environment.
///
/// # Errors
/// It did not start: nothing happened.
pub fn start(argv: &[String], environment: &[(String, String)]) -> io::Result<Running> {
    let (reader, writer) = io::pipe()?;
    Running::spawn(argv, environment, reader, writer.try_clone()?, writer)
}

enum Phase {
    Working,
    AskedToEnd,
    Killed,
}

impl Running {
    fn spawn(
        argv: &[String],
        environment: &[(String, String)],
        reader: io::PipeReader,
        stdout: io::PipeWriter,
        stderr: io::PipeWriter,
    ) -> io::Result<Running> {
        let Some((program, arguments)) = argv.split_first().filter(|(program, _)| program.starts_with('/')) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a program is started by its absolute path only"));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", SEARCH.join(":"))
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .env("SYSTEMD_COLORS", "0")
            .env("SYSTEMD_PAGER", "")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(false);
        let output = Receiver::from_owned_fd(reader.into())?;
        let child = command.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Running { child, group, output })
    }

    /// Waits for the end, at most `limit`; then asks the whole group to end, kills it after `grace`, and gives it up
    /// after another. `take` gets what it puts out. What it left running in the background may go on, unheard.
    pub async fn finish(mut self, limit: Duration, grace: Duration, take: &mut impl FnMut(&[u8])) -> Ended {
        let mut phase = Phase::Working;
        let mut until = Instant::now() + limit;
        let mut buffer = [0; 8192];
        let mut open = true;
        let mut unheard = None;
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    self.drain(&mut buffer, take);
                    return ended(&phase, limit, status);
                }
                read = self.output.read(&mut buffer), if open => match read {
                    Ok(size) if size > 0 => take(&buffer[..size]),
                    Ok(_) | Err(_) => open = false,
                },
                () = sleep_until(until) => {
                    let signal = match phase {
                        Phase::Working => Signal::TERM,
                        Phase::AskedToEnd => Signal::KILL,
                        Phase::Killed => return self.given_up(limit, unheard),
                    };
                    unheard = self.signal(signal).err();
                    phase = match phase {
                        Phase::Working => Phase::AskedToEnd,
                        Phase::AskedToEnd | Phase::Killed => Phase::Killed,
                    };
                    until = Instant::now() + grace;
                }
            }
        }
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match self.group {
            Some(group) => Ok(kill_process_group(group, signal)?),
            None => Err(io::Error::other("its process id is not known")),
        }
    }

    /// Takes what is already in the pipe. It is not waited for its end: a program left in the background holds it.
    fn drain(&mut self, buffer: &mut [u8], take: &mut impl FnMut(&[u8])) {
        while let Ok(size) = self.output.try_read(buffer)
            && size > 0
        {
            take(&buffer[..size]);
        }
    }

    fn given_up(&self, limit: Duration, unheard: Option<io::Error>) -> Ended {
        let process = self.group.map(|group| group.as_raw_nonzero().to_string()).unwrap_or_default();
        let reason = unheard.map(|error| format!(" ({error})")).unwrap_or_default();
        Ended::OverTime {
            why: format!(
                "still running after {}; it could not be stopped{reason} and runs on as process {process}",
                spoken(limit)
            ),
        }
    }
}

fn ended(phase: &Phase, limit: Duration, status: io::Result<ExitStatus>) -> Ended {
    let over = |how: &str| Ended::OverTime { why: format!("still running after {}; it was {how}", spoken(limit)) };
    match phase {
        Phase::Working => match status {
            Err(error) => Ended::Lost { why: format!("it could not be waited for: {error}") },
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Exited { code },
                (None, Some(signal)) => Ended::Signalled { signal },
                (None, None) => Ended::Lost { why: format!("it ended in no known way: {status}") },
            },
        },
        Phase::AskedToEnd => over("asked to end, and ended"),
        Phase::Killed => over("killed"),
    }
}

/// Runs a program that only answers a question, and takes what it says: at most 64 KiB, made harmless.
///
/// # Errors
/// It did not start.
pub async fn answer(argv: &[String], limit: Duration) -> io::Result<(Ended, String)> {
    answer_in(argv, &[], limit).await
}

/// As [`answer`], with more in its environment.
///
/// # Errors
/// It did not start.
pub async fn answer_in(
    argv: &[String],
    environment: &[(String, String)],
    limit: Duration,
) -> io::Result<(Ended, String)> {
    let mut said = Vec::new();
    let mut take = |bytes: &[u8]| {
        let room = ANSWER_LIMIT_BYTES - said.len();
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
    };
    let ended = start(argv, environment)?.finish(limit, Duration::from_secs(1), &mut take).await;
    Ok((ended, lines(&said)))
}

/// What a program that only reads put out, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub ended: Ended,
    pub stdout: Vec<u8>,
    /// The beginning of its standard error.
    pub stderr: Vec<u8>,
    /// It put out more than was allowed, and was killed for it: its output would have been thrown away.
    pub overflowed: bool,
}

/// Runs a program that only reads, with output and error apart. At the end of `limit` the whole group is asked to
/// end, and killed a second later; it is killed at once where nobody waits for it any more.
///
/// # Errors
/// It did not start.
pub async fn read(argv: &[String], limit: Duration, limit_bytes: u64) -> io::Result<Said> {
    let (output, stdout) = io::pipe()?;
    let (errors, stderr) = io::pipe()?;
    let mut errors = Receiver::from_owned_fd(errors.into())?;
    let running = Running::spawn(argv, &[], output, stdout, stderr)?;
    let group = Abandoned { group: running.group };
    let most = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
    let (mut said, mut complained, mut overflowed) = (Vec::new(), Vec::new(), false);
    let mut take = |bytes: &[u8]| {
        overflowed |= said.len() + bytes.len() > most;
        if overflowed {
            group.kill();
        } else {
            said.extend_from_slice(bytes);
        }
    };
    let finished = running.finish(limit, Duration::from_secs(1), &mut take);
    let ended = tokio::select! {
        ended = finished => ended,
        never = listen(&mut errors, &mut complained) => match never {},
    };
    // What it complained of last may still be in the pipe.
    let mut last = [0; ERROR_LIMIT_BYTES];
    if let Ok(size) = errors.try_read(&mut last) {
        hold(&mut complained, &last[..size]);
    }
    if matches!(ended, Ended::OverTime { .. }) {
        // The program may have ended when it was asked to, and left what does not listen.
        group.kill();
    }
    group.let_go();
    Ok(Said { ended, stdout: said, stderr: complained, overflowed })
}

/// Takes the beginning of what a program complains of, and reads the rest away, so that it is never held up.
async fn listen(errors: &mut Receiver, complained: &mut Vec<u8>) -> std::convert::Infallible {
    let mut buffer = [0; ERROR_LIMIT_BYTES];
    loop {
        match errors.read(&mut buffer).await {
            Ok(size) if size > 0 => hold(complained, &buffer[..size]),
            Ok(_) | Err(_) => return std::future::pending().await,
        }
    }
}

fn hold(complained: &mut Vec<u8>, bytes: &[u8]) {
    let room = ERROR_LIMIT_BYTES - complained.len();
    complained.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// Kills a group that only reads when the one who asked is gone.
struct Abandoned {
    group: Option<Pid>,
}

impl Abandoned {
    fn kill(&self) {
        if let Some(group) = self.group {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn let_go(mut self) {
        self.group = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Text of another program: harmless, line by line.
#[must_use]
pub fn lines(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().map(text::clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str], limit: Duration) -> (Ended, String) {
        let argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut said = Vec::new();
        let ended = runtime().block_on(async {
            let running = start(&argv, &[]).expect("it starts");
            running.finish(limit, Duration::from_millis(300), &mut |bytes: &[u8]| said.extend_from_slice(bytes)).await
        });
        (ended, lines(&said))
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    #[test]
    fn ends_are_told_apart() {
        let check = |words: &[&str], want: Ended| assert_eq!(run(words, LONG).0, want, "{words:?}");
        check(&["/bin/true"], Ended::Exited { code: 0 });
        check(&["/bin/false"], Ended::Exited { code: 1 });
        check(&["/bin/sh", "-c", "exit 77"], Ended::Exited { code: 77 });
        check(&["/bin/sh", "-c", "kill -9 $$"], Ended::Signalled { signal: 9 });
    }

    #[test]
    fn a_time_limit_ends_the_whole_group_and_tells_that_the_outcome_is_not_known() {
        let check = |script: &str, want: &str| {
            let (ended, _) = run(&["/bin/sh", "-c", script], SHORT);
            let Ended::OverTime { why } = &ended else { panic!("{ended:?}") };
            assert!(why.contains(want), "{why}");
        };
        check("sleep 60", "asked to end, and ended");
        check("trap '' TERM; while :; do sleep 0.1; done", "killed");
    }

    #[test]
    fn what_is_left_in_the_background_is_not_waited_for() {
        let (ended, said) = run(&["/bin/sh", "-c", "echo begun; sleep 2 & exit 3"], LONG);
        assert_eq!((ended, said.as_str()), (Ended::Exited { code: 3 }, "begun"));
    }

    #[test]
    fn output_and_error_are_one_stream_in_order_and_harmless() {
        let (_, said) = run(&["/bin/sh", "-c", "echo one; echo two >&2; printf 'th\\033[2Jree'"], LONG);
        assert_eq!(said, "one\ntwo\nth\u{fffd}[2Jree");
    }

    #[test]
    fn nothing_of_our_environment_is_handed_down() {
        let (_, said) = run(&["/usr/bin/env"], LONG);
        let mut names: Vec<&str> = said.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["LANG", "PATH", "SYSTEMD_COLORS", "SYSTEMD_PAGER", "TERM"]);
    }

    #[test]
    fn what_has_no_absolute_path_does_not_start() {
        let _guard = runtime();
        let _entered = _guard.enter();
        for argv in [vec![], vec!["true".to_owned()], vec!["/no/such/program".to_owned()]] {
            assert!(start(&argv, &[]).is_err(), "{argv:?}");
        }
    }

    #[test]
    fn a_flood_is_bounded() {
        let words = ["/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' 'x'"].map(str::to_owned);
        let (ended, said) = runtime().block_on(answer(&words, LONG)).expect("it starts");
        assert_eq!((ended, said.len()), (Ended::Exited { code: 0 }, ANSWER_LIMIT_BYTES));
    }

    fn said(script: &str, limit: Duration, limit_bytes: u64) -> Said {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        runtime().block_on(read(&argv, limit, limit_bytes)).expect("it starts")
    }

    #[test]
    fn output_and_complaints_of_a_read_are_kept_apart() {
        let said = said("echo out; echo wrong >&2; echo worse >&2; exit 4", LONG, 100);
        assert_eq!((said.ended, said.overflowed), (Ended::Exited { code: 4 }, false));
        assert_eq!((said.stdout.as_slice(), said.stderr.as_slice()), (&b"out\n"[..], &b"wrong\nworse\n"[..]));
    }

    #[test]
    fn complaints_without_end_hold_nothing_up() {
        let said = said("head -c 1000000 /dev/zero >&2; echo done", LONG, 100);
        assert_eq!((said.ended, said.stdout.as_slice()), (Ended::Exited { code: 0 }, &b"done\n"[..]));
        assert_eq!(said.stderr.len(), ERROR_LIMIT_BYTES);
    }

    #[test]
    fn a_read_that_puts_out_too_much_is_killed() {
        let said = said("while :; do echo flood; done", LONG, 1_000);
        assert!(said.overflowed);
        assert_eq!(said.ended, Ended::Signalled { signal: 9 });
        assert!(said.stdout.len() <= 1_000);
    }

    /// Whether any process of this group is left.
    fn lives(group: &str) -> bool {
        let group = group.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        rustix::process::test_kill_process_group(group).is_ok()
    }

    #[allow(clippy::disallowed_methods, reason = "a test waits for a process to be gone")]
    fn gone(group: &str) -> bool {
        (0..200).any(|_| {
            let gone = !lives(group);
            if !gone {
                std::thread::sleep(Duration::from_millis(10));
            }
            gone
        })
    }

    #[test]
    fn a_read_that_never_ends_is_killed_with_everything_it_started() {
        let script =
            "echo $$; (trap '' TERM; while :; do sleep 0.05; done) & trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let said = said(script, Duration::from_millis(200), 100);
        assert!(matches!(said.ended, Ended::OverTime { .. }), "{:?}", said.ended);
        assert!(gone(&String::from_utf8_lossy(&said.stdout)), "the one in the background ignored the request to end");
    }

    #[test]
    fn a_read_that_nobody_waits_for_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let argv = ["/bin/sh", "-c", "echo $$ > \"$0\"; sleep 60", file.to_str().expect("UTF-8")].map(str::to_owned);
        runtime().block_on(async {
            let reading = read(&argv, LONG, 100);
            let known = async {
                while !std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::select! {
                said = reading => panic!("{said:?}"),
                () = known => {}
            }
        });
        assert!(gone(&std::fs::read_to_string(&file).expect("the process wrote it")));
    }
}
