//! The game's database in the demo's folder: there as long as the simulated node has one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::stage::Stage;
use super::volchain::Fault;

/// How often the file is made to follow the node.
const EVERY: Duration = Duration::from_millis(500);

/// What stands in it. Nobody reads more of it than that it is there.
const TEXT: &[u8] = b"[{\"index\":0,\"owner\":null}]\n";

/// Makes and removes the file for as long as it is polled. One that can not be kept is said once, and the demo goes on.
pub async fn keep(stage: &Stage, path: &Path) {
    let mut turn = interval(EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        let missing = stage.look(|timeline, _| timeline.node().fault_on(Fault::GameMissing));
        if let Err(error) = follow(path, missing) {
            eprintln!("opsconsole: the simulated game's database {} can not be kept: {error}", path.display());
            return std::future::pending().await;
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the demo's scratch folder is its own")]
fn follow(path: &Path, missing: bool) -> io::Result<()> {
    match (missing, path.exists()) {
        (true, true) => fs::remove_file(path),
        (false, false) => OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(TEXT),
        (true, false) | (false, true) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_while_the_game_has_a_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gridb.json");
        for (missing, there) in [(false, true), (false, true), (true, false), (true, false), (false, true)] {
            follow(&path, missing).expect("ours");
            assert_eq!(path.exists(), there);
        }
    }
}
