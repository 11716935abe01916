//! Reads of a real machine: files that change, pipes, folders, ports and programs.

#![allow(clippy::disallowed_methods, reason = "tests make what is read")]

use std::fs;
use std::io::Write;
use std::path::Path;

use super::*;
use crate::base::{Boot, Wall};
use crate::model::{
    CommandRequest, FileAnswer, FileKind, FileRequest, FileSystemRequest, Look, TailBegan, TailPosition, TailRead,
    TcpRequest,
};
use crate::shell::eventually::eventually;

const PATIENCE: Duration = Duration::from_secs(20);

fn clock() -> At {
    At { boot: Boot(7), wall: Wall(9) }
}

async fn fetch(fetch: Fetch) -> Result<Answer, FetchFailure> {
    match Fetcher::new().fetch(&fetch, clock).await {
        Ok(reply) => {
            assert_eq!(reply.sent, clock());
            Ok(reply.answer)
        }
        Err(missed) => Err(missed.failure),
    }
}

fn request(path: &Path, within: Option<&Path>, look: Look) -> FileRequest {
    FileRequest {
        path: path.display().to_string(),
        within: within.map(|folder| folder.display().to_string()),
        look,
        timeout: PATIENCE,
    }
}

fn tail(path: &Path, after: Option<&TailPosition>, context_bytes: u64, limit_bytes: u64) -> TailRead {
    let look = Look::Tail { after: after.cloned(), context_bytes, limit_bytes };
    match file::look(&request(path, None, look)) {
        Ok(FileAnswer::Tail(read)) => read,
        other => panic!("{other:?}"),
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("ours");
    file.write_all(text.as_bytes()).expect("ours");
}

#[test]
fn a_file_is_read_on_as_it_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    append(&path, "one\ntwo\n");
    let first = tail(&path, None, 4, 100);
    assert_eq!((first.began, first.bytes.as_slice(), first.skipped_bytes), (TailBegan::Anew, &b"two\n"[..], 4));
    let still = tail(&path, Some(&first.next), 4, 100);
    assert_eq!((still.began, still.bytes.len()), (TailBegan::On, 0));
    append(&path, "three\n");
    let more = tail(&path, Some(&still.next), 4, 100);
    assert_eq!((more.began, more.bytes.as_slice(), more.size_bytes), (TailBegan::On, &b"three\n"[..], 14));
    append(&path, &"x".repeat(500));
    let flood = tail(&path, Some(&more.next), 4, 100);
    assert_eq!((flood.bytes.len(), flood.skipped_bytes, flood.next.offset), (100, 400, 514));
}

#[test]
fn rotation_and_truncation_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    append(&path, "one\n");
    let known = tail(&path, None, 100, 100).next;
    // Moved away, as logrotate does, with a line that was not read yet.
    append(&path, "two\n");
    fs::rename(&path, folder.path().join("log.1")).expect("ours");
    append(&path, "three\n");
    let rotated = tail(&path, Some(&known), 100, 100);
    let read = (rotated.began, rotated.rest.as_slice(), rotated.bytes.as_slice());
    assert_eq!(read, (TailBegan::Over, &b"two\n"[..], &b"three\n"[..]));
    // Cut in place, as copytruncate does.
    fs::write(&path, "4\n").expect("ours");
    let cut = tail(&path, Some(&rotated.next), 100, 100);
    assert_eq!((cut.began, cut.rest.len(), cut.bytes.as_slice()), (TailBegan::Over, 0, &b"4\n"[..]));
    // Cut and already longer than before: only its first bytes tell.
    fs::write(&path, "other and longer\n").expect("ours");
    let replaced = tail(&path, Some(&cut.next), 100, 100);
    assert_eq!((replaced.began, replaced.bytes.as_slice()), (TailBegan::Over, &b"other and longer\n"[..]));
    // Removed and made anew: file systems like to give the same inode again.
    fs::remove_file(&path).expect("ours");
    append(&path, "anew, and longer than anything before\n");
    assert_eq!(tail(&path, Some(&replaced.next), 100, 100).began, TailBegan::Over);
}

#[tokio::test]
async fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let check = async |path: &Path, want: &str| {
        let look = Look::Tail { after: None, context_bytes: 10, limit_bytes: 10 };
        let failure = fetch(Fetch::File(request(path, None, look))).await.expect_err(want);
        assert!(failure.to_string().contains(want), "{failure}");
    };
    check(&pipe, "is a pipe, not a regular file; it is not opened").await;
    check(Path::new("/dev/zero"), "is a device").await;
    check(&folder.path().join("socket"), "is a socket").await;
    check(folder.path(), "is a folder").await;
    check(&folder.path().join("nothing"), "there is no ").await;
    let hostile = folder.path().join("a\u{1b}[2Jb");
    check(&hostile, "a\\x1b[2Jb").await;
}

#[tokio::test]
async fn what_is_there_is_an_answer_and_so_is_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    append(&folder.path().join("a"), "12345");
    append(&folder.path().join("b"), "");
    let look = async |path: &Path, look: Look| match fetch(Fetch::File(request(path, None, look))).await {
        Ok(Answer::File(answer)) => answer,
        other => panic!("{other:?}"),
    };
    match look(&folder.path().join("a"), Look::Stat).await {
        FileAnswer::Seen(seen) => {
            assert_eq!((seen.kind, seen.size_bytes, seen.entries), (FileKind::File, 5, None));
            assert!(seen.modified > Wall(1_700_000_000_000));
        }
        other => panic!("{other:?}"),
    }
    let entries = async |limit| match look(folder.path(), Look::Entries { limit }).await {
        FileAnswer::Seen(seen) => seen.entries,
        other => panic!("{other:?}"),
    };
    assert_eq!((entries(100).await, entries(1).await), (Some(2), Some(1)));
    assert_eq!(look(&folder.path().join("nothing"), Look::Stat).await, FileAnswer::Absent);
    let usage = FileSystemRequest { path: "/".to_owned(), within: None, timeout: PATIENCE };
    match fetch(Fetch::FileSystem(usage)).await {
        Ok(Answer::FileSystem(usage)) => {
            assert!(usage.size_bytes >= usage.free_bytes && usage.free_bytes >= usage.available_bytes, "{usage:?}");
            assert!(usage.size_bytes > 0);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_simulation_reads_and_runs_nothing_outside_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let (inside, outside) = (folder.path().join("demo"), folder.path().join("secret"));
    fs::create_dir_all(inside.join("bin")).expect("ours");
    append(&outside, "secret");
    append(&inside.join("log"), "fine");
    std::os::unix::fs::symlink(&outside, inside.join("link")).expect("ours");
    let look = async |path: &Path| fetch(Fetch::File(request(path, Some(&inside), Look::Stat))).await;
    assert!(matches!(look(&inside.join("log")).await, Ok(Answer::File(FileAnswer::Seen(_)))));
    assert!(matches!(look(&inside.join("nothing")).await, Ok(Answer::File(FileAnswer::Absent))));
    for path in [outside.clone(), inside.join("link"), inside.join("../secret"), folder.path().join("nothing")] {
        let failure = look(&path).await.expect_err("outside");
        assert!(failure.to_string().contains("lies outside the simulation's folder"), "{failure}");
    }
    let within = Some(inside.display().to_string());
    let usage = FileSystemRequest { path: "/".to_owned(), within: within.clone(), timeout: PATIENCE };
    assert!(matches!(fetch(Fetch::FileSystem(usage)).await, Err(FetchFailure::NotRead { .. })));
    for program in ["systemctl", "/usr/bin/true"] {
        let argv = vec![program.to_owned()];
        let run = CommandRequest { argv, within: within.clone(), timeout: PATIENCE, limit_bytes: 10 };
        assert!(matches!(fetch(Fetch::Command(run)).await, Err(FetchFailure::NotRun { .. })), "{program}");
    }
}

#[tokio::test]
async fn programs_are_run_without_a_shell_and_their_ends_are_named() {
    let run = async |argv: &[&str], timeout: Duration| {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        match fetch(Fetch::Command(CommandRequest { argv, within: None, timeout, limit_bytes: 1_000 })).await {
            Ok(Answer::Command(answer)) => Ok((answer.code, String::from_utf8_lossy(&answer.stdout).into_owned())),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.to_string()),
        }
    };
    assert_eq!(run(&["echo", "$HOME", "a b"], PATIENCE).await, Ok((0, "$HOME a b\n".to_owned())));
    assert_eq!(run(&["/usr/bin/false"], PATIENCE).await, Ok((1, String::new())));
    let check = async |argv: &[&str], timeout: Duration, want: &str| {
        let failure = run(argv, timeout).await.expect_err(want);
        assert!(failure.contains(want), "{failure}");
    };
    check(&[], PATIENCE, "the command is empty").await;
    check(&["no-such-program"], PATIENCE, "not run: no-such-program is not in /usr/sbin").await;
    check(&["/usr/bin/no-such-program"], PATIENCE, "no-such-program is not in /usr/bin").await;
    check(&["sh", "-c", "id"], PATIENCE, "sh runs other programs").await;
    check(&["/bin/sh", "-c", "id"], PATIENCE, "sh runs other programs").await;
    check(&["../bin/true"], PATIENCE, "not the bare name").await;
    let short = Duration::from_millis(100);
    check(&["sleep", "60"], short, "sleep was still running after 100ms; it was asked to end, and ended").await;
    check(&["seq", "1000000"], PATIENCE, "answer larger than 1000 bytes").await;
}

#[tokio::test]
async fn connections_are_opened_or_refused_by_name() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address").to_string();
    let connect = async |address: &str| {
        fetch(Fetch::Tcp(TcpRequest { address: address.to_owned(), timeout: PATIENCE })).await.map(|_| ())
    };
    assert_eq!(connect(&address).await, Ok(()));
    drop(listener);
    assert!(eventually(async || connect(&address).await == Err(FetchFailure::Refused)).await);
    assert_eq!(connect("no host at all:1").await, Err(FetchFailure::HostNotFound));
}

#[tokio::test]
async fn a_file_system_that_never_answers_harms_only_itself() {
    let fetcher = Fetcher::new();
    let short = Duration::from_millis(30);
    // Longer than the test: nothing here waits for them.
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    for _ in 0..FILES_AT_ONCE + 3 {
        let held = std::sync::Arc::clone(&held);
        let stuck = fetcher.on_thread("/far/away".to_owned(), short, move || {
            let _ended = held.lock().map(|held| held.recv());
            Ok(())
        });
        let failure = stuck.await.expect_err("it is stuck");
        assert_eq!(failure.to_string(), "/far/away can not be read: its file system did not answer within 30ms");
    }
    // Two threads wait; another kind of work still finds one.
    assert_eq!(tokio::task::spawn_blocking(|| 7).await.expect("a thread"), 7);
    drop(hold);
    let well = fetcher.on_thread("/near".to_owned(), PATIENCE, || Ok(()));
    assert_eq!(well.await, Ok(()));
}
