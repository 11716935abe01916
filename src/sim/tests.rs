//! The demo as a whole, over real sockets on loopback and in a real folder.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::client;
use super::serve::serve_until;
use super::service::{ServiceState, Verb};
use super::systemctl::{self, Outcome};
use super::volchain::{GAME_BUILD, UNIT};
use super::*;

/// A running demo that ends with the test.
struct Demo {
    served: Served,
    folder: PathBuf,
    control: Control,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), SimError>>,
    scratch: tempfile::TempDir,
}

impl Demo {
    async fn start(surface: Surface) -> Demo {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("demo");
        let options = options(&folder, surface);
        let (told, served) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve_until(options, move |served| told.send(served.clone()).unwrap(), async move {
            let _ = stopped.await;
        }));
        let served = served.await.unwrap();
        let control = Control::of_folder(&folder).unwrap();
        Demo { served, folder, control, stop, task, scratch }
    }

    async fn fault(&self, name: &str, on: bool) {
        assert_eq!(client::set_fault(&self.control, name, on).await.unwrap().on, on);
    }

    fn address(&self) -> &str {
        self.served.systems[0].urls[0].trim_start_matches("http://")
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.address()).await
    }

    /// Asks the node, and reads until the connection ends, `limit` bytes came or nothing more comes within `within`.
    async fn ask(&self, target: &str, limit: usize, within: Duration) -> String {
        let mut stream = self.connect().await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_some(&mut stream, limit, within).await
    }

    async fn health(&self) -> String {
        self.ask("/volchain/health", usize::MAX, Duration::from_secs(10)).await
    }

    async fn systemctl(&self, words: &[&str]) -> Outcome {
        let folder = self.folder.clone();
        let args: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        tokio::task::spawn_blocking(move || systemctl::outcome(&folder, &args)).await.unwrap()
    }

    /// Ends the demo; its folder stays for as long as the scratch folder is kept.
    async fn end(self) -> (PathBuf, tempfile::TempDir) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        (self.folder, self.scratch)
    }
}

fn options(folder: &Path, surface: Surface) -> ServeOptions {
    ServeOptions {
        folder: folder.to_owned(),
        systems: vec![Simulation::by_hand()],
        port: 0,
        surface,
        seed: 1,
        history_minutes: 15,
        fault: None,
        keep: false,
        while_used: false,
    }
}

async fn read_some(stream: &mut TcpStream, limit: usize, within: Duration) -> String {
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 * 1024];
    while bytes.len() < limit {
        match timeout(within, stream.read(&mut part)).await {
            Ok(Ok(count)) if count > 0 => bytes.extend_from_slice(&part[..count]),
            Ok(_) | Err(_) => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn split(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {answer:?}"))
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    split(answer).0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within ten seconds");
}

#[tokio::test]
async fn a_well_node_answers_http() {
    let demo = Demo::start(Surface::AsBuilt).await;
    let answer = demo.health().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(header(&answer, "X-Game-Build"), Some(GAME_BUILD));
    assert!(header(&answer, "Date").unwrap().ends_with(" GMT"));
    let health: Value = serde_json::from_str(split(&answer).1).unwrap();
    assert_eq!(health.as_object().unwrap().len(), 9);

    // Two requests on one connection, the first with a body that nobody reads.
    let mut stream = demo.connect().await.unwrap();
    let post = "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    let get = "GET /chain/info HTTP/1.1\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{post}{get}").as_bytes()).await.unwrap();
    let both = read_some(&mut stream, usize::MAX, Duration::from_secs(10)).await;
    assert!(both.starts_with("HTTP/1.1 404") && both.contains("HTTP/1.1 200 OK"), "{both}");

    let mut stream = demo.connect().await.unwrap();
    stream.write_all(b"\x16\x03\x01\r\n\r\n").await.unwrap();
    let answer = read_some(&mut stream, usize::MAX, Duration::from_secs(10)).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn each_endpoint_fault_misbehaves_and_ends() {
    let demo = Demo::start(Surface::AsBuilt).await;

    demo.fault("refused", true).await;
    assert!(demo.connect().await.is_err());
    demo.fault("refused", false).await;
    assert!(demo.health().await.starts_with("HTTP/1.1 200"));

    demo.fault("slow", true).await;
    assert_eq!(demo.ask("/chain/info", usize::MAX, Duration::from_millis(300)).await, "");
    demo.fault("slow", false).await;

    demo.fault("dripping", true).await;
    let dripped = demo.ask("/chain/info", 1_000_000, Duration::from_millis(300)).await;
    let promised: usize = header(&dripped, "Content-Length").unwrap().parse().unwrap();
    assert!(split(&dripped).1.len() < promised, "{dripped}");
    demo.fault("dripping", false).await;

    demo.fault("truncated", true).await;
    let half = demo.health().await;
    let promised: usize = header(&half, "Content-Length").unwrap().parse().unwrap();
    assert_eq!(split(&half).1.len(), promised / 2);
    demo.fault("truncated", false).await;

    demo.fault("huge", true).await;
    let much = demo.ask("/chain/info", 3_000_000, Duration::from_secs(10)).await;
    assert!(much.len() >= 3_000_000 && header(&much, "Content-Length").is_none());
    demo.fault("huge", false).await;

    for (fault, status) in [("status500", "500"), ("html", "200"), ("redirect", "302")] {
        demo.fault(fault, true).await;
        let answer = demo.health().await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{fault}");
        assert_eq!(header(&answer, "Location").is_some(), fault == "redirect");
        demo.fault(fault, false).await;
    }

    let on = client::faults(&demo.control).await.unwrap().into_iter().filter(|fault| fault.on).count();
    assert_eq!(on, 0);
    assert!(serde_json::from_str::<Value>(split(&demo.health().await).1).is_ok());
}

#[tokio::test]
async fn a_huge_body_is_valid_json_of_a_hundred_megabytes() {
    let demo = Demo::start(Surface::AsBuilt).await;
    demo.fault("huge", true).await;
    let answer = demo.ask("/chain/info", usize::MAX, Duration::from_secs(10)).await;
    let body = split(&answer).1;
    assert!(body.len() > 100 * 1024 * 1024);
    assert!(body.starts_with("1\r\n\"\r\n10000\r\nxxx") && body.ends_with("xxx\r\n1\r\n\"\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_restart_closes_the_port_cuts_connections_and_opens_it_again() {
    let demo = Demo::start(Surface::AsBuilt).await;
    demo.fault("producer-stuck", true).await;
    let mut open = demo.connect().await.unwrap();
    open.write_all(b"GET /chain/info HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(open.read(&mut [0; 1024]).await.unwrap() > 0);

    let (restarted, (refused, cut, during)) =
        tokio::join!(client::command_service(&demo.control, UNIT, Verb::Restart), async {
            eventually("the port closes", || async { demo.connect().await.is_err() }).await;
            let cut = read_some(&mut open, 1, Duration::from_secs(10)).await;
            (demo.connect().await.is_err(), cut, client::service(&demo.control, UNIT).await.unwrap())
        });
    assert!(refused && cut.is_empty());
    assert_eq!((during.active, during.main_pid), (ServiceState::Activating, 0));
    let restarted = restarted.unwrap();
    assert_eq!((restarted.active, restarted.main_pid), (ServiceState::Active, std::process::id()));
    assert!(demo.health().await.contains("\"producerUptime\""), "on the same port");
    let faults = client::faults(&demo.control).await.unwrap();
    assert!(faults.iter().all(|fault| !fault.on), "the restart cured the producer");
}

#[tokio::test]
async fn a_port_that_another_process_took_is_a_service_that_failed() {
    let demo = Demo::start(Surface::AsBuilt).await;
    let stopped = client::command_service(&demo.control, UNIT, Verb::Stop).await.unwrap();
    assert_eq!(stopped.active, ServiceState::Inactive);
    let other = tokio::net::TcpListener::bind(demo.address()).await.unwrap();
    let started = client::command_service(&demo.control, UNIT, Verb::Start).await.unwrap();
    assert_eq!(started.active, ServiceState::Failed);
    drop(other);
    let started = client::command_service(&demo.control, UNIT, Verb::Start).await.unwrap();
    assert_eq!(started.active, ServiceState::Active);
}

#[tokio::test]
async fn the_past_can_be_asked_for() {
    let demo = Demo::start(Surface::Documented).await;
    let (verify, health) = (Request::get("/volchain/verify?mode=system"), Request::get("/volchain/health"));
    let read = |request| client::PastRead { system: "volchain", node: "node-1", endpoint: "api", request };
    let past = client::history(&demo.control, read(&verify), Duration::from_secs(30)).await.unwrap();
    assert_eq!(past.len(), 30);
    assert!(past.iter().all(|past| past.status == 200 && past.body.contains("crossOk")));
    let health = client::history(&demo.control, read(&health), Duration::from_secs(5)).await.unwrap();
    assert_eq!(health.len(), 180);
    let heights: Vec<u64> = health
        .iter()
        .map(|past| serde_json::from_str::<Value>(&past.body).unwrap()["height"].as_u64().unwrap())
        .collect();
    let now: Value = serde_json::from_str(split(&demo.health().await).1).unwrap();
    assert!(heights.is_sorted() && heights[179] <= now["height"].as_u64().unwrap());
    assert!(now["height"].as_u64().unwrap() - heights[179] < 60, "the present goes on from the past");
}

#[tokio::test]
async fn the_control_port_obeys_only_those_who_hold_the_token() {
    let demo = Demo::start(Surface::AsBuilt).await;
    let address = demo.served.control_url.trim_start_matches("http://").to_owned();
    let token = demo.control.file.token.clone();
    let check = async |target: &str, host: &str, token: &str, want: &str| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = http::control_request("GET", target, host, token);
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_some(&mut stream, usize::MAX, Duration::from_secs(10)).await;
        assert_eq!(answer.split(' ').nth(1), Some(want), "{target} {host}: {answer}");
    };
    check("/faults", &address, &token, "200").await;
    check("/faults", &address, "guessed", "403").await;
    check("/faults", &address, "", "403").await;
    check("/faults", "pages.example", &token, "403").await;
    check("/identity", &address, "", "200").await;
    check("/identity", "pages.example", &token, "403").await;
    check("/history?path=x", &address, &token, "400").await;
    let error = client::set_fault(&demo.control, "no/such", true).await.unwrap_err();
    assert!(error.to_string().contains("no such fault; there are producer-stuck"), "{error}");
    assert!(client::identity(&demo.control).await.unwrap().opsconsole_demo);
}

#[tokio::test]
async fn systemctl_speaks_like_systemctl() {
    let demo = Demo::start(Surface::AsBuilt).await;
    let pid = std::process::id();
    let check = async |words: &[&str], code: i32, stdout: &str, stderr: &str| {
        let outcome = demo.systemctl(words).await;
        assert_eq!((outcome.code, outcome.stderr.as_str()), (code, stderr), "{words:?}");
        assert!(outcome.stdout.starts_with(stdout), "{words:?}: {}", outcome.stdout);
    };
    check(&["is-active", "volchain-backend"], 0, "active\n", "").await;
    check(&["show", "-p", "MainPID", "--value", "volchain-backend.service"], 0, &format!("{pid}\n"), "").await;
    let both = format!("MainPID={pid}\nControlGroup=/");
    check(&["show", "--property=MainPID,ControlGroup", "volchain-backend"], 0, &both, "").await;
    check(&["--", "show", "-p", "MainPID", "-p", "ControlGroup", "volchain-backend"], 0, &both, "").await;
    check(&["--no-pager", "status", "volchain-backend"], 0, "● volchain-backend.service", "").await;
    let unknown = "Failed to restart other.service: Unit other.service not found.\n";
    check(&["restart", "other"], 5, "", unknown).await;
    check(&["show", "-p", "MainPID", "other"], 0, "MainPID=0\n", "").await;
    check(&["is-active", "other"], 4, "inactive\n", "").await;
    let several = "Id=other.service\nMainPID=0\n\nId=volchain-backend.service\nMainPID=";
    check(&["show", "--property", "Id,MainPID", "--", "other", "volchain-backend"], 0, several, "").await;
    check(&["restart", "other", "volchain-backend"], 1, "", "this demo's systemctl takes one unit at a time\n").await;
    let verb = "Unknown command verb reload.\n";
    check(&["reload", "volchain-backend"], 1, "", verb).await;
    check(&["restart", "--wall"], 1, "", "unrecognized option '--wall'\n").await;

    check(&["restart", "volchain-backend"], 0, "", "").await;
    assert!(demo.health().await.starts_with("HTTP/1.1 200"), "restart returns when the service is up");
    check(&["stop", "volchain-backend"], 0, "", "").await;
    check(&["is-active", "volchain-backend"], 3, "inactive\n", "").await;
    check(&["show", "-p", "MainPID", "volchain-backend"], 0, "MainPID=0\n", "").await;
    demo.fault("restart-fails", true).await;
    let outcome = demo.systemctl(&["start", "volchain-backend"]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.starts_with("Job for volchain-backend.service failed because"), "{}", outcome.stderr);
    check(&["is-active", "volchain-backend"], 3, "failed\n", "").await;
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "a test puts stand-ins into its own folder")]
async fn the_machine_of_the_node_is_read_by_the_consoles_own_sources() {
    use crate::shell::fetch::Fetcher;
    use crate::shell::{clock, poller::poll_once};
    use crate::sources::{Cursor, Source};
    let demo = Demo::start(Surface::AsBuilt).await;
    let config = DemoFolder::open(&demo.folder).unwrap().config(&demo.served, &[Simulation::by_hand()]).unwrap();
    let files = crate::systems::embedded();
    let system = crate::systems::System::load(&"volchain".into(), &files["volchain"]).unwrap();
    // The test itself serves: what lies in the folder runs it as if it were the program.
    let stand_in = |name: &str, said: &str| {
        let path = demo.folder.join("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{said}END\n")).unwrap();
    };
    let properties = "Id,LoadState,ActiveState,SubState,Result,NRestarts,MainPID,ExecMainStartTimestamp,\
        ExecMainStartTimestampMonotonic,MemoryCurrent";
    let shown =
        demo.systemctl(&["show", "--no-pager", "--property", properties, "--", "volchain-backend.service"]).await;
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    stand_in("systemctl", &shown.stdout);
    let (folder, args) = (demo.folder.clone(), ["-o", "json", "-u", "volchain-backend"].map(str::to_owned));
    let journal = tokio::task::spawn_blocking(move || journalctl::outcome(&folder, &args)).await.unwrap();
    assert_eq!((journal.code, journal.stdout.is_empty()), (0, false), "{}", journal.stderr);
    stand_in("journalctl", &journal.stdout);
    let log = DemoFolder::open(&demo.folder).unwrap().log();
    eventually("the log is written", || async { std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) }).await;

    let mut read = Vec::new();
    for bound in config.targets[0].bind(&system.spec).into_iter().filter(|bound| bound.machine.is_some()) {
        let source = std::sync::Arc::new(Source::compile(bound).unwrap());
        let batch = poll_once(&source, &mut Cursor::default(), &Fetcher::new(), clock::now).await;
        assert_eq!(batch.failure, None, "{}", source.bound.id);
        assert!(batch.not_exposed.is_empty(), "{}: {:?}", source.bound.id, batch.not_exposed);
        assert_eq!(batch.lines.is_empty(), !source.bound.spec.kind.gives_lines(), "{}", source.bound.id);
        read.push(source.bound.spec.id.clone());
    }
    let files = ["barrier_dropin", "backups", "newest_backup", "backup_note", "backup_disk"];
    assert_eq!(read, [["game_grid", "unit", "journal", "log", "disk"].as_slice(), &files].concat());
}

#[tokio::test]
async fn systemctl_says_when_there_is_no_demo() {
    let demo = Demo::start(Surface::AsBuilt).await;
    let mut stale = demo.control.file.clone();
    let (folder, _scratch) = demo.end().await;
    let restart = ["restart".to_owned(), "volchain-backend".to_owned()];
    let check = |want: &str| {
        let outcome = systemctl::outcome(&folder, &restart);
        assert_eq!((outcome.code, outcome.stderr.contains(want)), (1, true), "{}", outcome.stderr);
    };
    check("there is no control.json");
    // As after a crash: the file is there and nobody listens. Port 1 of loopback is nobody's.
    stale.control_url = "http://127.0.0.1:1".to_owned();
    DemoFolder::open(&folder).unwrap().write_control(&stale).unwrap();
    check("the demo's control port 127.0.0.1:1 does not answer");
}

#[tokio::test]
async fn two_demos_do_not_share_a_folder() {
    let demo = Demo::start(Surface::AsBuilt).await;
    let second = serve_until(options(&demo.folder, Surface::AsBuilt), |_| panic!("it serves"), async {}).await;
    assert!(matches!(second, Err(SimError::AlreadyRunning { .. })), "{second:?}");
    assert!(Control::of_folder(&demo.folder).is_ok(), "the first goes on");
    let (folder, _scratch) = demo.end().await;
    assert!(matches!(Control::of_folder(&folder), Err(SimError::NotRunning { .. })));
}

#[tokio::test]
async fn a_console_or_a_runner_keeps_the_demo() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = DemoFolder::create(&scratch.path().join("demo")).unwrap();
    assert!(!folder.in_use());
    let (first, second) = (folder.hold_as_console().unwrap(), folder.hold_as_console().unwrap());
    assert!(folder.in_use());
    drop(first);
    assert!(folder.in_use());
    drop(second);
    eventually("the console's lock is free", || async { !folder.in_use() }).await;
    std::fs::create_dir(folder.state().join("locks")).unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test plays the runner")]
    let lock = std::fs::File::create(folder.state().join("locks/unit")).unwrap();
    assert!(!folder.in_use());
    lock.lock().unwrap();
    assert!(folder.in_use());
}
