//! What the console looks at while it is measured: simulated chains in a process of their own, and an exposition of a
//! hundred thousand samples.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::far_end::PROGRAM;

/// A folder with everything that a measured console reads and writes.
pub struct Stage {
    folder: tempfile::TempDir,
    server: Child,
    exposition: Exposition,
}

impl Stage {
    pub fn set() -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        let demo = folder.path().join("demo");
        let server = Command::new(PROGRAM)
            .args(["demo", "volchain", "--serve", "--fault", "none", "--folder"])
            .arg(&demo)
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let stage = Stage { exposition: Exposition::serve(), folder, server };
        while !stage.one().exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        stage.every_second();
        stage.large_limits();
        std::thread::sleep(Duration::from_secs(1));
        stage
    }

    /// The configuration directory's parent, with every source at 1 s and room for a large exposition.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A configuration directory without anything in it.
    pub fn empty_home(&self) -> PathBuf {
        self.folder.path().join("empty")
    }

    /// One chain.
    pub fn one(&self) -> PathBuf {
        self.folder.path().join("demo/config.ron")
    }

    /// The one chain as so many sources that are asked every second: three of each target.
    pub fn many(&self, sources: usize) -> PathBuf {
        let text = fs::read_to_string(self.one()).expect("the configuration");
        let url = text.split('"').find(|part| part.starts_with("http://127.0.0.1")).expect("an address");
        let target = |n: usize| target(&format!("chain-{n}"), "volchain", "api", url);
        self.config("many", &(0..sources / 3).map(target).collect::<String>())
    }

    /// The hundred thousand samples, every five seconds.
    pub fn large(&self) -> PathBuf {
        self.config("large", &target("large", "prometheus", "metrics", &self.exposition.url))
    }

    /// Scrapes of the large exposition that were answered so far.
    pub fn scrapes(&self) -> u64 {
        self.exposition.scrapes.load(Ordering::Relaxed)
    }

    fn config(&self, name: &str, targets: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.ron"));
        let state = self.folder.path().join("state");
        fs::write(&path, format!("(targets: [{targets}], state_root: Some({state:?}))")).expect("written");
        path
    }

    /// The chain's folder again, in which its health, its blocks and its port are asked for every second.
    fn every_second(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/systems/volchain");
        let to = self.home().join("opsconsole/systems/volchain");
        copy(&from, &to);
        let system = to.join("system.ron");
        for source in ["health", "verify", "port"] {
            every_second(&system, source);
        }
    }

    fn large_limits(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/systems/prometheus");
        let to = self.home().join("opsconsole/systems/prometheus");
        copy(&from, &to);
        replace(&to.join("system.ron"), "limit_series: 20000", "limit_series: 200000");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _ended = self.server.wait();
    }
}

fn target(id: &str, system: &str, endpoint: &str, url: &str) -> String {
    format!(
        "(id: \"{id}\", system: \"{system}\", environment: Development, requests_per_second: 5.0, \
         nodes: [(id: \"node-1\", endpoints: [(id: \"{endpoint}\", url: \"{url}\")])]),"
    )
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the embedded folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Lets a source of a system be asked every second.
fn every_second(system: &Path, source: &str) {
    const INTERVAL: &str = "interval_seconds: ";
    let text = fs::read_to_string(system).expect("a file");
    let from = text.find(&format!("id: \"{source}\",")).expect("a source");
    let from = from + text[from..].find(INTERVAL).expect("its interval") + INTERVAL.len();
    let to = from + text[from..].find(',').expect("its end");
    fs::write(system, format!("{}1.0{}", &text[..from], &text[to..])).expect("written");
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{} no longer says {from}", path.display());
    fs::write(path, text.replace(from, to)).expect("written");
}

/// A server of one large exposition whose values change with every scrape.
struct Exposition {
    url: String,
    scrapes: Arc<AtomicU64>,
}

impl Exposition {
    fn serve() -> Exposition {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let scrapes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&scrapes);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (Ok(mut connection), counted) = (connection, Arc::clone(&counted)) else { return };
                std::thread::spawn(move || {
                    let mut request = [0; 4096];
                    while let Ok(1..) = connection.read(&mut request) {
                        let body = exposition(counted.fetch_add(1, Ordering::Relaxed));
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
                            body.len()
                        );
                        if connection.write_all(head.as_bytes()).and(connection.write_all(body.as_bytes())).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Exposition { url, scrapes }
    }
}

fn exposition(turn: u64) -> String {
    let mut text = String::with_capacity(10 << 20);
    for family in 0..100 {
        let _ = writeln!(text, "# TYPE bench_requests_{family}_total counter");
        for series in 0..1000_u64 {
            let (code, value) = (200 + series % 5, series * 31 + turn * (series % 7 + 1));
            let _ = writeln!(
                text,
                "bench_requests_{family}_total{{handler=\"/api/v1/{series}\",method=\"get\",code=\"{code}\"}} {value}"
            );
        }
    }
    text
}
