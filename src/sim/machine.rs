//! The simulated node's machine for a rehearsal: what its files, units and programs answer without any of them.

use super::played::Played;
use super::systemctl::{self, UnitFacts};
use super::volchain::{Fault, Node};
use super::{journalctl, volchain::ServiceState};
use crate::base::{At, Wall};
use crate::model::{
    Answer, CommandAnswer, Fetch, FetchFailure, FileAnswer, FileKind, FileSeen, FileSystemAnswer, Look, TailBegan,
    TailPosition, TailRead,
};

const GIB: u64 = 1 << 30;

/// What a read of the machine brings. A read over HTTP is the node's own affair and none of this.
///
/// # Errors
/// Nothing listens, or there is no such file or program here.
pub fn answer(node: &Node, played: &Played, now: At, fetch: &Fetch) -> Result<Answer, FetchFailure> {
    match fetch {
        Fetch::Tcp(_) if node.listening() => Ok(Answer::Tcp),
        Fetch::Tcp(_) | Fetch::Http(_) => Err(FetchFailure::Refused),
        Fetch::FileSystem(_) => Ok(Answer::FileSystem(disk())),
        Fetch::File(request) => Ok(Answer::File(match &request.look {
            Look::Stat if request.path.ends_with("gridb.json") => game(node, played, now),
            Look::Stat => {
                played.file_at(&request.path, now.wall).map_or(FileAnswer::Absent, |(size_bytes, modified)| {
                    FileAnswer::Seen(FileSeen { kind: FileKind::File, size_bytes, modified, entries: None })
                })
            }
            Look::Entries { .. } => FileAnswer::Seen(folder(now, Some(played.backups + 1))),
            // Nothing of a rehearsal has a size that anybody asks for.
            Look::Tree(_) => FileAnswer::Absent,
            Look::Tail { after, context_bytes, .. } => FileAnswer::Tail(tail(node, after.as_ref(), *context_bytes)),
        })),
        Fetch::Command(request) => {
            let (program, arguments) = request.argv.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
            let said = match program {
                "systemctl" if played.systemd_silent => Err("systemd does not answer".to_owned()),
                "systemctl" => systemctl::show_facts(arguments, &facts(node, played, now)),
                "journalctl" => {
                    journalctl::parse(arguments).map(|call| journalctl::print(&call, &node.records_after(call.after)))
                }
                "cat" => played.note().ok_or_else(|| "there is no such file".to_owned()),
                other => Err(format!("a rehearsal has no {other}")),
            };
            let stdout = said.map_err(|why| FetchFailure::NotRun { why })?.into_bytes();
            Ok(Answer::Command(CommandAnswer { code: 0, stdout, complaint: String::new() }))
        }
    }
}

fn disk() -> FileSystemAnswer {
    FileSystemAnswer {
        size_bytes: 200 * GIB,
        free_bytes: 92 * GIB,
        available_bytes: 82 * GIB,
        inodes: 13_000_000,
        inodes_free: 12_400_000,
        read_only: false,
    }
}

fn folder(now: At, entries: Option<u64>) -> FileSeen {
    FileSeen { kind: FileKind::Folder, size_bytes: 4096, modified: Wall(now.wall.0 - 1_000), entries }
}

/// The game's database.
fn game(node: &Node, played: &Played, now: At) -> FileAnswer {
    match node.fault_on(Fault::GameMissing) && !played.game_empty {
        true => FileAnswer::Absent,
        false => FileAnswer::Seen(FileSeen { kind: FileKind::File, size_bytes: 1 << 20, ..folder(now, None) }),
    }
}

fn tail(node: &Node, after: Option<&TailPosition>, context_bytes: u64) -> TailRead {
    let records = node.records_after(0);
    let size_bytes = records.last().map_or(0, |record| record.end);
    let from = after.map_or(size_bytes.saturating_sub(context_bytes), |last| last.offset);
    let text: String =
        records.iter().filter(|record| record.end > from).map(|record| record.text.clone() + "\n").collect();
    TailRead {
        began: if after.is_some() { TailBegan::On } else { TailBegan::Anew },
        rest: Vec::new(),
        skipped_bytes: 0,
        bytes: text.into_bytes(),
        next: TailPosition { inode: 1, offset: size_bytes, head: Vec::new() },
        size_bytes,
    }
}

fn facts(node: &Node, played: &Played, now: At) -> UnitFacts {
    let service = node.service();
    let up = u64::try_from((now.wall.0 - service.since).max(0)).unwrap_or(0);
    UnitFacts {
        active: service.state,
        main_pid: if service.state == ServiceState::Active { 4242 } else { 0 },
        since: Wall(service.since),
        started_micros: now.boot.0.saturating_sub(up) * 1000,
        control_group: format!("/system.slice/{}", systemctl::UNIT),
        barrier_timeout_ms: played.loaded,
    }
}
