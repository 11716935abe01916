//! The machine of a simulated system for a rehearsal: what its files, units and programs answer without any of them.

use std::collections::BTreeSet;

use super::backend::VARIABLE;
use super::journalctl;
use super::played::Played;
use super::service::ServiceState;
use super::simulation::{LogPlace, Play};
use super::systemctl::{self, UnitFacts};
use super::volchain::{Fault, Node};
use super::world::{Lying, World};
use crate::base::{At, Wall};
use crate::model::{
    Answer, CommandAnswer, Fetch, FetchFailure, FileAnswer, FileKind, FileSeen, FileSystemAnswer, Look, TailBegan,
    TailPosition, TailRead, TreeSeen,
};

const GIB: u64 = 1 << 30;

/// Where a rehearsal's files are said to be.
pub const FOLDER: &str = "/run/opsconsole-demo";

/// What a read of the machine brings that is behind this port. A read over HTTP is the system's own affair and none of
/// this.
///
/// # Errors
/// Nothing listens, or there is no such file or program here.
pub fn answer(play: &Play, port: usize, played: &Played, now: At, fetch: &Fetch) -> Result<Answer, FetchFailure> {
    match fetch {
        Fetch::Tcp(_) if play.listening(port) => Ok(Answer::Tcp),
        Fetch::Tcp(_) | Fetch::Http(_) => Err(FetchFailure::Refused),
        Fetch::FileSystem(request) => Ok(Answer::FileSystem(file_system(play, now, &request.path))),
        Fetch::File(request) => Ok(Answer::File(match (&request.look, play) {
            (Look::Tail { after, context_bytes, .. }, _) => match log_at(play, &request.path) {
                Some(log) => FileAnswer::Tail(tail(play, log, after.as_ref(), *context_bytes)),
                None => FileAnswer::Absent,
            },
            (look, Play::ByHand(timeline)) => file_by_hand(timeline.node(), played, now, &request.path, look),
            (look, Play::World(timeline)) => file_of_world(timeline.node(), now, &request.path, look),
        })),
        Fetch::Command(request) => command(play, played, now, &request.argv),
    }
}

fn command(play: &Play, played: &Played, now: At, argv: &[String]) -> Result<Answer, FetchFailure> {
    let (program, arguments) = argv.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    let said = match program {
        "systemctl" => systemctl::show_facts(arguments, &facts(play, played, now)),
        "journalctl" => journalctl::parse(arguments).map(|call| {
            let of = |place: &LogPlace| call.unit().is_none_or(|unit| place.unit.as_deref() == Some(unit));
            let log = play.logs().into_iter().find(of);
            let records = log.map(|place| play.records_after(place.log, call.after)).unwrap_or_default();
            journalctl::print(&call, &records)
        }),
        "cat" if play.by_hand().is_some() => played.note().ok_or_else(|| "there is no such file".to_owned()),
        other => match play.ran(now.wall.0, argv) {
            Some(ran) => {
                let answer = CommandAnswer { code: ran.code, stdout: ran.stdout.into_bytes(), complaint: ran.stderr };
                return Ok(Answer::Command(answer));
            }
            None => Err(format!("a rehearsal has no {other}")),
        },
    };
    let stdout = said.map_err(|why| FetchFailure::NotRun { why })?.into_bytes();
    Ok(Answer::Command(CommandAnswer { code: 0, stdout, complaint: String::new() }))
}

fn file_by_hand(node: &Node, played: &Played, now: At, path: &str, look: &Look) -> FileAnswer {
    match look {
        Look::Stat if path.ends_with("gridb.json") => game(node, now),
        Look::Stat => played.file_at(path, now.wall).map_or(FileAnswer::Absent, |(size_bytes, modified)| {
            FileAnswer::Seen(FileSeen { kind: FileKind::File, size_bytes, modified, entries: None })
        }),
        Look::Entries { .. } => FileAnswer::Seen(folder(now, Some(played.backups + 1))),
        // Nothing of this one has a size that anybody asks for.
        Look::Tree(_) | Look::Tail { .. } => FileAnswer::Absent,
    }
}

/// A path within the folder of a world.
fn within<'a>(world: &World, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_prefix(world.script().system.as_str())?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn file_of_world(world: &World, now: At, path: &str, look: &Look) -> FileAnswer {
    let Some(path) = within(world, path) else { return FileAnswer::Absent };
    let files = world.files(now.wall.0);
    if let Some(file) = files.iter().find(|file| file.path == path) {
        let modified = Wall(file.modified);
        return FileAnswer::Seen(FileSeen {
            kind: FileKind::File,
            size_bytes: file.size_bytes,
            modified,
            entries: None,
        });
    }
    // What is below the folder, by the path from there.
    let below = |file: &Lying| {
        let rest =
            if path.is_empty() { Some(file.path.as_str()) } else { file.path.strip_prefix(path)?.strip_prefix('/') };
        rest.map(|rest| (rest.to_owned(), file.size_bytes))
    };
    let below: Vec<(String, u64)> = files.iter().filter_map(below).collect();
    let entries: BTreeSet<&str> = below.iter().filter_map(|(path, _)| path.split('/').next()).collect();
    match (entries.is_empty(), look) {
        (true, _) => FileAnswer::Absent,
        (false, Look::Entries { .. }) => FileAnswer::Seen(folder(now, Some(entries.len() as u64))),
        (false, Look::Tree(look)) => FileAnswer::Tree(tree(&below, &look.suffixes)),
        (false, Look::Stat | Look::Tail { .. }) => FileAnswer::Seen(folder(now, None)),
    }
}

fn tree(below: &[(String, u64)], suffixes: &[String]) -> TreeSeen {
    let bytes = below.iter().map(|(_, size)| size).sum();
    let inner = |path: &String| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let folders: BTreeSet<String> = below.iter().filter_map(|(path, _)| inner(path)).collect();
    let with = |suffix: &String| below.iter().filter(|(path, _)| path.ends_with(suffix.as_str())).count() as u64;
    TreeSeen {
        bytes,
        disk_bytes: bytes,
        files: below.len() as u64,
        folders: folders.len() as u64,
        with_suffix: suffixes.iter().map(with).collect(),
        cut: None,
    }
}

/// The file system that a path is on: the one of the world whose path is the longest beginning of it.
fn file_system(play: &Play, now: At, path: &str) -> FileSystemAnswer {
    let of_world = play.world().and_then(|world| {
        let path = within(world, path)?;
        let disks = world.disks(now.wall.0).into_iter().filter(|disk| path.starts_with(&disk.path));
        disks.max_by_key(|disk| disk.path.len())
    });
    match of_world {
        Some(of) => FileSystemAnswer {
            size_bytes: of.size_bytes,
            free_bytes: of.free_bytes,
            available_bytes: of.free_bytes,
            ..disk()
        },
        None => disk(),
    }
}

fn log_at(play: &Play, path: &str) -> Option<usize> {
    let within = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
    play.logs().into_iter().find(|place| place.file.as_deref() == Some(within)).map(|place| place.log)
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
fn game(node: &Node, now: At) -> FileAnswer {
    match node.fault_on(Fault::GameMissing) {
        true => FileAnswer::Absent,
        false => FileAnswer::Seen(FileSeen { kind: FileKind::File, size_bytes: 1 << 20, ..folder(now, None) }),
    }
}

fn tail(play: &Play, log: usize, after: Option<&TailPosition>, context_bytes: u64) -> TailRead {
    let records = play.records_after(log, 0);
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

fn facts(play: &Play, played: &Played, now: At) -> Vec<UnitFacts> {
    let fact = |unit: String| {
        let service = play.service(&unit)?;
        let up = u64::try_from((now.wall.0 - service.since).max(0)).unwrap_or(0);
        let mut environment = play.environment(&unit);
        if play.by_hand().is_some() {
            environment.extend(played.loaded.map(|millis| (VARIABLE.to_owned(), millis.to_string())));
        }
        Some(UnitFacts {
            active: service.state,
            main_pid: if service.state == ServiceState::Active { 4242 } else { 0 },
            since: Wall(service.since),
            started_micros: now.boot.0.saturating_sub(up) * 1000,
            control_group: format!("/system.slice/{unit}"),
            environment,
            unit,
        })
    };
    play.units().into_iter().filter_map(fact).collect()
}
