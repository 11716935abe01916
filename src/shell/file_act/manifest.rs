//! Checksums of a folder: written beside the files, never of themselves, and held against every file there is.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use super::copy::{DEPTH_LIMIT, finish};
use super::folder::{Folder, Kind, io_error, refused};
use super::{FileActError, Place};
use crate::base::Digest;
use crate::base::text::count;
use crate::model::file_act::MANIFEST;

const SIZE_LIMIT_BYTES: u64 = 64 << 20;
/// Names that one message lists; the rest is counted.
const NAMED: usize = 10;

/// Files by their path within the folder, `volchain/snapshot.json`.
pub type Sums = BTreeMap<String, Digest>;

/// What a manifest says.
#[derive(Debug, Default)]
pub struct Manifest {
    pub sums: Sums,
    /// It holds a line of itself, as those that the document's own commands wrote do.
    pub of_itself: bool,
}

/// Writes the checksums of a folder.
pub fn write(place: &Place<'_>) -> Result<Vec<String>, FileActError> {
    let folder = place.open()?;
    let (sums, bytes) = measured(&folder, None)?;
    if sums.is_empty() {
        return Err(refused(folder.path(), "it holds no file; there is nothing to vouch for".to_owned()));
    }
    let text: String = sums.iter().map(|(name, digest)| format!("{digest}  ./{name}\n")).collect();
    let fresh = format!("{MANIFEST}.new");
    folder.remove(&fresh)?;
    let mut file = folder.create(&fresh)?;
    file.write_all(text.as_bytes()).map_err(io_error("write", &folder.path_of(&fresh)))?;
    finish(&file, 0o600, &folder.path_of(&fresh))?;
    folder.rename_over(&fresh, MANIFEST)?;
    folder.sync()?;
    let mut said = vec![format!(
        "{MANIFEST} of {}: {}, {}",
        folder.path().display(),
        count(sums.len(), "file"),
        count(bytes, "byte")
    )];
    said.extend(alike(&sums));
    Ok(said)
}

/// Files at the top of a backup that hold the same: one of them may not be what its name says.
fn alike(sums: &Sums) -> Vec<String> {
    let top: Vec<(&String, &Digest)> = sums.iter().filter(|(name, _)| !name.contains('/')).collect();
    let mut said = Vec::new();
    for (at, (name, digest)) in top.iter().enumerate() {
        if let Some((other, _)) = top[at + 1..].iter().find(|(_, other)| other == digest) {
            said.push(format!("{name} and {other} hold the same bytes: is one of them a copy of the other?"));
        }
    }
    said
}

/// Holds a folder against its checksums.
pub fn verify(place: &Place<'_>) -> Result<Vec<String>, FileActError> {
    verify_folder(&place.open()?, None)
}

/// Holds a folder, or with `part` one file or folder in it, against its checksums.
pub fn verify_folder(folder: &Folder, part: Option<&str>) -> Result<Vec<String>, FileActError> {
    let manifest = read(folder)?;
    let wanted = part_of(&manifest.sums, part);
    let (found, bytes) = measured(folder, part)?;
    compare(folder, &wanted, &found)?;
    let what = part.map_or_else(|| "everything".to_owned(), str::to_owned);
    let path = folder.path().display();
    let mut said = vec![format!("{path}: {what} verifies: {}, {}", count(found.len(), "file"), count(bytes, "byte"))];
    if manifest.of_itself {
        said.push(format!(
            "{path}: its {MANIFEST} holds a line of itself, which can not be right and was passed over; it was written by the document's own commands"
        ));
    }
    Ok(said)
}

/// The lines of a manifest that are about one file or folder.
pub fn part_of(sums: &Sums, part: Option<&str>) -> Sums {
    let belongs = |name: &str| {
        part.is_none_or(|part| name == part || name.strip_prefix(part).is_some_and(|rest| rest.starts_with('/')))
    };
    sums.iter().filter(|(name, _)| belongs(name)).map(|(name, digest)| (name.clone(), digest.clone())).collect()
}

/// That what was found is what was wanted, file for file.
pub fn compare(folder: &Folder, wanted: &Sums, found: &Sums) -> Result<(), FileActError> {
    let not = |why: String| Err(FileActError::NotVerified { folder: folder.path().to_owned(), why });
    if wanted.is_empty() {
        return not(format!("its {MANIFEST} says nothing of it"));
    }
    let differing = wanted.iter().filter(|(name, digest)| found.get(*name).is_some_and(|found| found != *digest));
    let missing = wanted.keys().filter(|name| !found.contains_key(*name));
    let extra = found.keys().filter(|name| !wanted.contains_key(*name));
    let told: Vec<String> = [
        listed("changed", differing.map(|(name, _)| name)),
        listed("missing", missing),
        listed("not in the list", extra),
    ]
    .into_iter()
    .flatten()
    .collect();
    if told.is_empty() { Ok(()) } else { not(told.join("; ")) }
}

fn listed<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| format!("{what}: {}{more}", names[..names.len().min(NAMED)].join(", ")))
}

/// Reads the manifest of a folder.
pub fn read(folder: &Folder) -> Result<Manifest, FileActError> {
    let path = folder.path_of(MANIFEST);
    let bad = |why: String| FileActError::NotVerified { folder: folder.path().to_owned(), why };
    if folder.look(MANIFEST)?.is_none() {
        return Err(bad(format!("it has no {MANIFEST}")));
    }
    let mut text = String::new();
    let mut file = folder.read(MANIFEST)?.take(SIZE_LIMIT_BYTES + 1);
    file.read_to_string(&mut text).map_err(io_error("read", &path))?;
    if text.len() as u64 > SIZE_LIMIT_BYTES {
        return Err(bad(format!("its {MANIFEST} is larger than {SIZE_LIMIT_BYTES} bytes")));
    }
    let mut manifest = Manifest::default();
    for (at, line) in text.lines().enumerate() {
        let nonsense = |why: &str| bad(format!("line {} of its {MANIFEST} {why}", at + 1));
        let (digest, name) =
            line.split_once("  ").or_else(|| line.split_once(" *")).ok_or_else(|| nonsense("is no checksum"))?;
        let digest: Digest = digest.parse().map_err(|_| nonsense("is no checksum"))?;
        let name = name.strip_prefix("./").unwrap_or(name);
        if name.split('/').any(|part| matches!(part, "" | "." | ".."))
            || name.chars().any(crate::base::text::is_hostile)
        {
            return Err(nonsense("names something that is not in the folder"));
        }
        if name == MANIFEST {
            manifest.of_itself = true;
        } else if manifest.sums.insert(name.to_owned(), digest).is_some() {
            return Err(nonsense("names a file for the second time"));
        }
    }
    if manifest.sums.is_empty() {
        return Err(bad(format!("its {MANIFEST} names no file")));
    }
    Ok(manifest)
}

/// The checksums of the files of a folder, or of one part of it, as they are; and their bytes.
pub fn measured(folder: &Folder, part: Option<&str>) -> Result<(Sums, u64), FileActError> {
    let (mut sums, mut bytes) = (Sums::new(), 0);
    match part {
        None => measure(folder, "", 0, &mut sums, &mut bytes)?,
        Some(part) => measure_one(folder, part, part, 0, &mut sums, &mut bytes)?,
    }
    Ok((sums, bytes))
}

fn measure(folder: &Folder, within: &str, depth: usize, sums: &mut Sums, bytes: &mut u64) -> Result<(), FileActError> {
    for name in folder.names()? {
        // Only the list itself, and what becomes it, is not of the list.
        if depth == 0 && (name == MANIFEST || name == format!("{MANIFEST}.new")) {
            continue;
        }
        measure_one(folder, &name, &format!("{within}{name}"), depth, sums, bytes)?;
    }
    Ok(())
}

fn measure_one(
    folder: &Folder,
    name: &str,
    shown: &str,
    depth: usize,
    sums: &mut Sums,
    bytes: &mut u64,
) -> Result<(), FileActError> {
    let path = folder.path_of(name);
    match folder.look(name)?.map(|found| found.kind) {
        Some(Kind::Folder) if depth == DEPTH_LIMIT => {
            Err(refused(&path, format!("folders are deeper than {DEPTH_LIMIT}")))
        }
        Some(Kind::Folder) => measure(&folder.enter(name)?, &format!("{shown}/"), depth + 1, sums, bytes),
        Some(Kind::File) => {
            let (digest, size) = Digest::of_all(folder.read(name)?).map_err(io_error("read", &path))?;
            sums.insert(shown.to_owned(), digest);
            *bytes += size;
            Ok(())
        }
        Some(Kind::Other) => Err(refused(&path, "it is a link, a pipe, a socket or a device".to_owned())),
        None => Err(refused(&path, "there is no such file or folder".to_owned())),
    }
}
