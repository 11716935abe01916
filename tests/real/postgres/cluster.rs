//! A PostgreSQL cluster of its own: in a temporary folder, on a loopback address of its own, gone with the test.
//!
//! The port is PostgreSQL's own, because the sources under test name none. What else listens on it is not disturbed:
//! all of 127.0.0.0/8 is loopback, and an address is taken that nothing listens on.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::has;
use crate::terminal::wait;

const PORT: u16 = 5432;

/// Connections that the cluster takes, and those of them that are kept for its administrators.
pub const MOST_CONNECTIONS: usize = 60;
pub const KEPT_CONNECTIONS: usize = 3;

/// The owner of the cluster, and its administrator.
const OWNER: &str = "postgres";

pub struct Cluster {
    pub folder: tempfile::TempDir,
    pub address: String,
    programs: PathBuf,
    /// The user and the group that it runs as where root starts it, which it refuses to run as.
    owner: Option<(u32, u32)>,
    server: Option<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

impl Cluster {
    /// A cluster that runs, unless PostgreSQL is not installed here.
    pub fn start() -> Option<Cluster> {
        if !has("psql") {
            return None;
        }
        let Some(programs) = programs() else {
            println!("not run: postgresql is not installed here");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let owner = match rustix::process::geteuid().is_root() {
            true => Some(account(OWNER).expect("its package makes the account")),
            false => None,
        };
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("root may");
        }
        let mut cluster = Cluster { folder, address: free_address(), programs, owner, server: None };
        cluster.initialise();
        cluster.resume();
        Some(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir("/").env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
        command
    }

    fn initialise(&self) {
        let mut command = self.program("initdb");
        command.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--username", OWNER, "--pgdata"]);
        let output = command.arg(self.data()).output().expect("initdb starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // One user must give a password; all others are believed.
        let access = "host all guarded 127.0.0.0/8 scram-sha-256\nhost all all 127.0.0.0/8 trust\n";
        std::fs::write(self.data().join("pg_hba.conf"), access).expect("written");
    }

    /// Starts the server, and waits until it takes questions.
    pub fn resume(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        let settings = [
            format!("listen_addresses={}", self.address),
            format!("port={PORT}"),
            format!("max_connections={MOST_CONNECTIONS}"),
            format!("superuser_reserved_connections={KEPT_CONNECTIONS}"),
            "unix_socket_directories=".to_owned(),
            "shared_buffers=8MB".to_owned(),
            "fsync=off".to_owned(),
        ];
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).args(settings.iter().flat_map(|setting| ["-c", setting]));
        self.server = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("postgres starts"));
        wait("the database", || {
            let ended = self.server.as_mut().is_some_and(|server| server.try_wait().is_ok_and(|ended| ended.is_some()));
            assert!(!ended, "{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
            Connection::open(&self.address, OWNER, OWNER).is_ok()
        });
    }

    /// Stops the server, as its unit would.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut server) = self.server.take() else { return };
        if let Some(pid) = i32::try_from(server.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, signal);
        }
        let _ = server.wait();
    }

    /// What an administrator does to a database; statements are separated by semicolons.
    pub fn administer(&self, database: &str, statements: &str) {
        for statement in statements.split_inclusive(';') {
            self.connect(OWNER, database).and_then(|mut open| open.ask(statement)).expect(statement);
        }
    }

    /// A connection that stays, or the server's words.
    pub fn connect(&self, user: &str, database: &str) -> Result<Connection, String> {
        Connection::open(&self.address, user, database)
    }

    /// Connections of a user until there are so many. One that another has just given back may take a moment.
    pub fn hold(&self, user: &str, count: usize) -> Vec<Connection> {
        let mut held = Vec::new();
        wait("the connections", || {
            held.extend(self.connect(user, "pouw"));
            held.len() == count
        });
        held
    }
}

/// The folder of the newest PostgreSQL of Debian's packages, or of one on the search path.
fn programs() -> Option<PathBuf> {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    let mut packaged: Vec<PathBuf> = packaged.map(|entry| entry.path()).collect();
    packaged.sort_by_key(|path| version(path).unwrap_or(0_u32));
    let packaged = packaged.into_iter().rev().map(|path| path.join("bin"));
    let searched: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    packaged.chain(searched).find(|folder| ["postgres", "initdb"].iter().all(|name| folder.join(name).is_file()))
}

/// The user and the group of an account.
fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// An address that no other cluster of this process takes, nor of another that runs these tests.
fn free_address() -> String {
    static TAKEN: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let free = |address: &String| TcpListener::bind((address.as_str(), PORT)).is_ok();
    let addresses = (1..255).map(|_| format!("127.{}.{low}.{}", high.max(1), TAKEN.fetch_add(1, Ordering::Relaxed)));
    addresses.into_iter().find(free).expect("a loopback address without a database")
}

/// A connection to a database, by its protocol: what a pool holds, without a process for each.
pub struct Connection(TcpStream);

impl Connection {
    fn open(address: &str, user: &str, database: &str) -> Result<Connection, String> {
        let stream = TcpStream::connect((address, PORT)).map_err(|error| error.to_string())?;
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let mut open = Connection(stream);
        let mut words = 196_608_i32.to_be_bytes().to_vec();
        for word in ["user", user, "database", database, ""] {
            words.extend_from_slice(word.as_bytes());
            words.push(0);
        }
        open.send(&[], &words)?;
        open.settle()?;
        Ok(open)
    }

    pub fn ask(&mut self, statements: &str) -> Result<(), String> {
        self.send(b"Q", &[statements.as_bytes(), b"\0"].concat())?;
        self.settle()
    }

    fn send(&mut self, kind: &[u8], body: &[u8]) -> Result<(), String> {
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        self.0.write_all(&[kind, &length, body].concat()).map_err(|error| error.to_string())
    }

    /// Reads until the server waits for a question; its error, if it complains.
    fn settle(&mut self) -> Result<(), String> {
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).map_err(|error| error.to_string())?;
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let mut body = vec![0; length.saturating_sub(4) as usize];
            self.0.read_exact(&mut body).map_err(|error| error.to_string())?;
            match head[0] {
                b'Z' => return Ok(()),
                b'E' => return Err(String::from_utf8_lossy(&body).replace('\0', " ")),
                _ => {}
            }
        }
    }
}
