//! A log file in the demo's folder, written as the system speaks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::stage::Stage;

/// How often what was said is written.
const EVERY: Duration = Duration::from_millis(500);

/// At this size the file is moved to `PATH.1`, as logrotate would.
const ROTATED_AT_BYTES: u64 = 1 << 20;

/// Makes an empty file: what an earlier demo in this folder said was said by another node.
///
/// # Errors
/// It can not be made.
pub fn begin(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => open(path).map(|_| ()),
    }
}

/// Writes the file for as long as it is polled. A log that can not be written is said once, and the demo goes on.
pub async fn keep(stage: &Stage, log: usize, path: &Path) {
    let mut written = 0;
    let mut turn = interval(EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        if let Err(error) = append(stage, log, path, &mut written) {
            eprintln!("opsconsole: the simulated node's log {} can not be written: {error}", path.display());
            return std::future::pending().await;
        }
    }
}

fn append(stage: &Stage, log: usize, path: &Path, written: &mut u64) -> io::Result<()> {
    let records = stage.look(|play, _| play.records_after(log, *written));
    let Some(last) = records.last().map(|record| record.number) else { return Ok(()) };
    let mut file = open(path)?;
    if file.metadata()?.len() > ROTATED_AT_BYTES {
        let mut moved = path.as_os_str().to_owned();
        moved.push(".1");
        fs::rename(path, moved)?;
        file = open(path)?;
    }
    let text: String = records.into_iter().map(|record| record.text + "\n").collect();
    file.write_all(text.as_bytes())?;
    *written = last;
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the simulated node writes its log")]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
