//! Real folders, real links, a real full disk where the tests run as root.

#![allow(clippy::disallowed_methods, reason = "tests make the files that are acted on")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::*;
use crate::model::file_act::MANIFEST;

const STAMP: &str = "20261121_120000";
/// 2026-11-21 12:00:00 UTC
const NOON: Wall = Wall(1_795_262_400_000);

/// A folder as a demo has one, with a node's data in it.
struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    fn open() -> Shop {
        let shop = Shop { folder: tempfile::tempdir().expect("a temporary folder") };
        fs::create_dir_all(shop.at("backend/volchain/blocks")).expect("ours");
        fs::create_dir_all(shop.at("backup")).expect("ours");
        shop.write("backend/volchain/snapshot.json", "height 9");
        shop.write("backend/volchain/blocks/9", "nine");
        shop.write("backend/db.json", "users");
        shop
    }

    fn at(&self, path: &str) -> String {
        let root = self.folder.path().canonicalize().expect("it is there");
        root.join(path).to_str().expect("UTF-8").to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).expect("ours");
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    /// Does it as in a demo.
    fn act(&self, act: FileAct) -> Result<String, String> {
        let root = self.at("");
        let order = FileOrder { within: Some(root.trim_end_matches('/').to_owned()), act };
        done(&order)
    }

    fn copy(&self, from: &str, to: &str) -> Result<String, String> {
        self.act(FileAct::CopyTree { source: self.at(from), to: self.at(to) })
    }

    fn write_text(&self, path: &str, text: &str) -> Result<String, String> {
        let (text, stamp) = (text.to_owned(), STAMP.to_owned());
        self.act(FileAct::WriteText { path: self.at(path), text, mode: 0o644, stamp, keep: true })
    }

    fn put_back(&self, path: &str) -> Result<String, String> {
        self.act(FileAct::PutBack { path: self.at(path), stamp: STAMP.to_owned() })
    }

    fn replace(&self, live: &str, with: &str) -> Result<String, String> {
        self.act(FileAct::Replace { live: self.at(live), with: self.at(with), stamp: STAMP.to_owned() })
    }

    fn verify(&self, folder: &str) -> Result<String, String> {
        self.act(FileAct::VerifyManifest { folder: self.at(folder) })
    }

    /// A whole backup of this name.
    fn back_up(&self, name: &str) {
        self.copy("backend/volchain", &format!("backup/{name}/volchain")).expect("copied");
        self.copy("backend/db.json", &format!("backup/{name}/db.json")).expect("copied");
        self.act(FileAct::Manifest { folder: self.at(&format!("backup/{name}")) }).expect("written");
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.at(folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }
}

fn done(order: &FileOrder) -> Result<String, String> {
    let [_, json] = order.arguments().expect("JSON");
    carry_out(&json, NOON).map(|said| said.join("\n")).map_err(|error| error.to_string())
}

fn refused(result: Result<String, String>, want: &str) {
    let why = result.expect_err(want);
    assert!(why.contains(want), "{why}\nwanted: {want}");
}

#[test]
fn a_text_is_written_whole_and_put_back() {
    let shop = Shop::open();
    // The folder of a drop-in is made; the one above it must be there.
    shop.write_text("dropin/x.conf", "one").expect("written");
    assert_eq!(shop.text("dropin/x.conf").as_deref(), Some("one"));
    assert_eq!(fs::metadata(shop.at("dropin/x.conf")).expect("there").mode() & 0o7777, 0o644);
    shop.put_back("dropin/x.conf").expect("put back");
    assert_eq!(shop.text("dropin/x.conf"), None, "there was nothing before");
    assert!(shop.put_back("dropin/x.conf").expect("nothing to do").contains("nothing now"));

    shop.write("backend/y.conf", "old");
    shop.write_text("backend/y.conf", "new").expect("written");
    assert_eq!(shop.text(&format!("backend/y.conf.before-{STAMP}")).as_deref(), Some("old"));
    shop.put_back("backend/y.conf").expect("put back");
    assert_eq!(shop.text("backend/y.conf").as_deref(), Some("old"));
    assert!(shop.put_back("backend/y.conf").expect("nothing to do").contains("it is what it was"));
    assert!(shop.put_back("backend/db.json").expect("nothing to do").contains("changed nothing"));
    let note = FileAct::WriteText {
        path: shop.at("backup/note"),
        text: "n".to_owned(),
        mode: 0o644,
        stamp: STAMP.to_owned(),
        keep: false,
    };
    shop.act(note).expect("written");
    assert_eq!(shop.names("backup"), ["note"]);
    refused(shop.write_text("no/such/folder/x.conf", "one"), "no such folder");
    refused(shop.write_text("backend/volchain", "one"), "not a regular file");
}

#[test]
fn no_link_leads_anywhere() {
    let shop = Shop::open();
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("x.conf"), "theirs").expect("ours");
    symlink(outside.path(), shop.at("link")).expect("ours");
    symlink(outside.path().join("x.conf"), shop.at("backend/link.conf")).expect("ours");
    refused(shop.write_text("link/x.conf", "ours"), "link");
    refused(shop.write_text("backend/link.conf", "ours"), "not a regular file");
    refused(shop.copy("link", "backup/copy"), "is not copied");
    refused(shop.copy("backend", "backup/20261121_120000/backend"), "is not copied");
    refused(shop.copy("backend/db.json", "link/db.json"), "link");
    refused(shop.act(FileAct::Prune { parent: shop.at("link"), keep_days: 30, keep_newest: 1, listed: None }), "link");
    assert_eq!(fs::read_to_string(outside.path().join("x.conf")).expect("theirs"), "theirs");
    assert_eq!(shop.names("backup/20261121_120000"), [""; 0], "nothing of a copy that failed is left");
}

#[test]
fn a_link_in_a_path_is_followed_where_root_made_it_and_nowhere_else() {
    let shop = Shop::open();
    symlink(shop.at("backend"), shop.at("way")).expect("ours");
    let manifest = FileOrder { within: None, act: FileAct::Manifest { folder: shop.at("way/volchain") } };
    if rustix::process::geteuid().is_root() {
        done(&manifest).expect("root's own link");
        rustix::fs::chownat(
            rustix::fs::CWD,
            shop.at("way"),
            Some(rustix::fs::Uid::from_raw(12_345)),
            None,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )
        .expect("root may");
    }
    refused(done(&manifest), "a link that root did not make");
}

#[test]
fn places_that_no_act_may_touch_are_refused() {
    let shop = Shop::open();
    let check = |path: &str, want: &str| refused(shop.act(FileAct::Manifest { folder: path.to_owned() }), want);
    check("/etc/ssl", "outside of");
    check(&format!("{}/../x", shop.at("backend")), "not an absolute path");
    check("backend", "not an absolute path");
    let anywhere = |path: &str, want: &str| {
        refused(done(&FileOrder { within: None, act: FileAct::Manifest { folder: path.to_owned() } }), want);
    };
    anywhere("/etc", "the root of the machine");
    anywhere("/proc/self/fd", "the kernel");
    anywhere("/", "not an absolute path");
    refused(shop.act(FileAct::PutBack { path: shop.at("x"), stamp: "../../etc".to_owned() }), "not the stamp");
    assert!(carry_out("{\"within\":null,\"act\":{\"Shell\":\"rm\"}}", NOON).is_err());
}

#[test]
fn a_copy_is_of_files_and_folders_into_nothing() {
    let shop = Shop::open();
    let said = shop.copy("backend", "backup/20261121_120000/backend").expect("copied");
    assert!(said.contains("3 files, 3 folders, 17 bytes"), "{said}");
    assert_eq!(shop.text("backup/20261121_120000/backend/volchain/blocks/9").as_deref(), Some("nine"));
    refused(shop.copy("backend", "backup/20261121_120000/backend"), "exists already");
    refused(shop.copy("backend", "backend/volchain/inner"), "is to be copied");
    assert!(Command::new("mkfifo").arg(shop.at("backend/volchain/pipe")).status().expect("it runs").success());
    refused(shop.copy("backend", "backup/20261121_120001/backend"), "a pipe");
    let device = FileAct::CopyTree { source: "/dev/null".to_owned(), to: shop.at("backup/x") };
    refused(shop.act(device), "the kernel");
}

#[test]
fn modes_and_times_are_kept() {
    let shop = Shop::open();
    fs::set_permissions(shop.at("backend/db.json"), fs::Permissions::from_mode(0o640)).expect("ours");
    shop.copy("backend/db.json", "backup/db.json").expect("copied");
    let (from, to) = (fs::metadata(shop.at("backend/db.json")), fs::metadata(shop.at("backup/db.json")));
    let facts =
        |found: std::io::Result<fs::Metadata>| found.map(|found| (found.mode(), found.uid(), found.mtime())).ok();
    assert_eq!(facts(from), facts(to));
}

#[test]
fn a_manifest_vouches_for_every_file_and_not_for_itself() {
    let shop = Shop::open();
    shop.back_up(STAMP);
    let folder = format!("backup/{STAMP}");
    assert!(shop.verify(&folder).expect("verified").contains("3 files"));
    // The tool that the document names agrees.
    let check =
        Command::new("sha256sum").args(["-c", MANIFEST]).current_dir(shop.at(&folder)).output().expect("it runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));

    shop.write(&format!("{folder}/db.json"), "user2");
    refused(shop.verify(&folder), "changed: db.json");
    shop.write(&format!("{folder}/db.json"), "users");
    shop.write(&format!("{folder}/volchain/extra"), "x");
    refused(shop.verify(&folder), "not in the list: volchain/extra");
    fs::remove_file(shop.at(&format!("{folder}/volchain/extra"))).expect("ours");
    fs::remove_file(shop.at(&format!("{folder}/volchain/blocks/9"))).expect("ours");
    refused(shop.verify(&folder), "missing: volchain/blocks/9");
    fs::remove_file(shop.at(&format!("{folder}/{MANIFEST}"))).expect("ours");
    refused(shop.verify(&folder), "has no checksums.txt");
}

#[test]
fn of_an_old_manifest_the_line_of_itself_alone_is_passed_over() {
    let shop = Shop::open();
    let folder = format!("backup/{STAMP}");
    shop.back_up(STAMP);
    let sums = shop.text(&format!("{folder}/{MANIFEST}")).expect("written");
    let own = format!("{}  ./{MANIFEST}\n", "0".repeat(64));
    shop.write(&format!("{folder}/{MANIFEST}"), &format!("{own}{sums}"));
    assert!(shop.verify(&folder).expect("verified").contains("a line of itself"));
    let check = |line: &str, want: &str| {
        shop.write(&format!("{folder}/{MANIFEST}"), &format!("{sums}{line}\n"));
        refused(shop.verify(&folder), want);
    };
    check(&format!("{}  ./../../etc/passwd", "0".repeat(64)), "not in the folder");
    check(&format!("{}  /etc/passwd", "0".repeat(64)), "not in the folder");
    check(&format!("{}  ./gone", "0".repeat(64)), "missing: gone");
    check("no checksum at all", "is no checksum");
    check(sums.lines().next().expect("a line"), "for the second time");
    shop.write(&format!("{folder}/{MANIFEST}"), "");
    refused(shop.verify(&folder), "names no file");
}

#[test]
fn files_that_hold_the_same_are_pointed_out() {
    let shop = Shop::open();
    shop.copy("backend/db.json", "backup/x/db.json").expect("copied");
    shop.copy("backend/db.json", "backup/x/auth_db.json").expect("copied");
    let said = shop.act(FileAct::Manifest { folder: shop.at("backup/x") }).expect("written");
    assert!(said.contains("auth_db.json and db.json hold the same bytes"), "{said}");
}

#[test]
fn a_restore_replaces_whole_and_goes_back_whole() {
    let shop = Shop::open();
    shop.back_up(STAMP);
    shop.write("backend/volchain/snapshot.json", "height 12");
    shop.write("backend/volchain/blocks/12", "twelve");
    let said = shop.replace("backend/volchain", &format!("backup/{STAMP}/volchain")).expect("replaced");
    assert!(said.contains("verifies: 2 files"), "{said}");
    assert_eq!(shop.text("backend/volchain/snapshot.json").as_deref(), Some("height 9"));
    assert_eq!(shop.names("backend/volchain/blocks"), ["9"], "what was newer is not beside it");
    assert_eq!(shop.names(&format!("backend/volchain.before-{STAMP}/blocks")), ["12", "9"]);
    let again = shop.replace("backend/volchain", &format!("backup/{STAMP}/volchain")).expect("nothing to do");
    assert!(again.contains("the same already"), "{again}");
    shop.put_back("backend/volchain").expect("put back");
    assert_eq!(shop.names("backend/volchain/blocks"), ["12", "9"]);
    assert_eq!(shop.names(&format!("backend/volchain.undone-{STAMP}/blocks")), ["9"]);
}

#[test]
fn a_damaged_backup_replaces_nothing() {
    let shop = Shop::open();
    shop.back_up(STAMP);
    shop.write("backend/db.json", "newer");
    shop.write(&format!("backup/{STAMP}/db.json"), "USERS");
    refused(shop.replace("backend/db.json", &format!("backup/{STAMP}/db.json")), "changed: db.json");
    refused(shop.replace("backend/volchain", &format!("backup/{STAMP}/db.json")), "changed: db.json");
    assert_eq!(shop.names("backend"), ["db.json", "volchain"]);
    shop.write(&format!("backup/{STAMP}/db.json"), "users");
    refused(
        shop.replace("backend/volchain", &format!("backup/{STAMP}/db.json")),
        "a folder where the backup has a file",
    );
}

/// After every step of a replacement that a crash could follow, what lives is the old whole or the new whole, and the
/// way back finds the old one.
#[test]
fn a_crash_at_any_step_leaves_old_or_new_and_a_way_back() {
    for step in 0..4 {
        let shop = Shop::open();
        let (fresh, before, was) = (
            shop.at(&format!("backend/volchain.new-{STAMP}")),
            shop.at(&format!("backend/volchain.before-{STAMP}")),
            shop.at(&format!("backend/volchain.was-{STAMP}")),
        );
        let live = shop.at("backend/volchain");
        // The steps of the swap, as far as it came.
        fs::create_dir(&fresh).expect("ours");
        fs::write(format!("{fresh}/snapshot.json"), "new").expect("ours");
        if step >= 1 {
            let found = fs::metadata(&live).expect("there");
            fs::write(&was, format!("{} {}\n", found.dev(), found.ino())).expect("ours");
        }
        if step >= 2 {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(rustix::fs::CWD, &fresh, rustix::fs::CWD, &live, flags).expect("it can");
        }
        if step >= 3 {
            fs::rename(&fresh, &before).expect("ours");
        }
        let seen = shop.text("backend/volchain/snapshot.json").expect("something lives at every moment");
        assert_eq!(seen, if step >= 2 { "new" } else { "height 9" }, "after step {step}");
        shop.put_back("backend/volchain").expect("the way back");
        assert_eq!(shop.text("backend/volchain/snapshot.json").as_deref(), Some("height 9"), "after step {step}");
        assert_eq!(shop.text("backend/volchain/blocks/9").as_deref(), Some("nine"), "after step {step}");
    }
}

#[test]
fn only_old_verified_backups_are_removed_and_never_the_newest() {
    let shop = Shop::open();
    let prune = |keep_newest| {
        let listed = candidates(Path::new(&shop.at("backup")), 30, keep_newest, NOON).expect("a folder");
        shop.act(FileAct::Prune { parent: shop.at("backup"), keep_days: 30, keep_newest, listed: Some(listed) })
    };
    refused(prune(1), "no backup that verifies");
    for name in ["20260801_020000", "20260901_020000", "20261001_020000", "20261120_020000"] {
        shop.back_up(name);
    }
    refused(prune(1), "not of today");
    assert_eq!(shop.names("backup").len(), 4);
    shop.back_up("20261121_020000");
    shop.back_up("20260701_020000");
    shop.write("backup/20260901_020000/db.json", "damaged");
    shop.back_up("20269901_020000");
    shop.back_up("old-but-mine");
    fs::create_dir(shop.at("elsewhere")).expect("ours");
    symlink(shop.at("elsewhere"), shop.at("backup/20260601_020000")).expect("ours");
    let said = prune(3).expect("pruned");
    let stays = [
        "20260601_020000",
        "20260901_020000",
        "20261001_020000",
        "20261120_020000",
        "20261121_020000",
        "20269901_020000",
        "old-but-mine",
    ];
    assert_eq!(shop.names("backup"), stays, "{said}");
    for word in ["removed", "20260801_020000", "20260701_020000", "left alone", "20260901_020000 does not verify"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(Path::new(&shop.at("elsewhere")).exists());
    shop.back_up("20260702_020000");
    shop.act(FileAct::Prune { parent: shop.at("backup"), keep_days: 30, keep_newest: 1, listed: Some(Vec::new()) })
        .expect("nothing to do");
    assert!(shop.names("backup").contains(&"20260702_020000".to_owned()), "what nobody has confirmed stays");
}

#[test]
fn hostile_names_are_refused_whole() {
    let check = |name: &str| {
        let shop = Shop::open();
        fs::write(shop.at("backend/volchain").to_owned() + "/" + name, "x").expect("the file system takes it");
        refused(shop.copy("backend", "backup/20261121_120000/backend"), "can not be shown");
        refused(shop.act(FileAct::Manifest { folder: shop.at("backend") }), "can not be shown");
        assert_eq!(shop.names("backup/20261121_120000"), [""; 0]);
    };
    check("two\nlines");
    check("\u{202e}txt");
    check("esc\u{1b}[2J");
    check("back\\slash");
    let shop = Shop::open();
    for name in ["$(touch x)", "--flag", "' \"", "a b"] {
        fs::write(shop.at("backend/volchain").to_owned() + "/" + name, "x").expect("the file system takes it");
    }
    shop.back_up(STAMP);
    assert!(shop.verify(&format!("backup/{STAMP}")).expect("only names").contains("7 files"));
}

/// On a file system of 1 MiB, where the tests may make one.
#[test]
fn a_full_disk_leaves_what_was() {
    let shop = Shop::open();
    fs::create_dir(shop.at("small")).expect("ours");
    let mounted = rustix::process::geteuid().is_root()
        && Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs", &shop.at("small")])
            .output()
            .is_ok_and(|output| output.status.success());
    if !mounted {
        return;
    }
    fs::write(shop.at("backend/big"), vec![7; 3 << 20]).expect("ours");
    let copied = shop.copy("backend", "small/backup/backend");
    shop.write("small/live", "old");
    shop.act(FileAct::CopyTree { source: shop.at("backend/big"), to: shop.at("backup/x/live") }).expect("copied");
    shop.act(FileAct::Manifest { folder: shop.at("backup/x") }).expect("written");
    let replaced = shop.replace("small/live", "backup/x/live");
    let (lives, left) = (shop.text("small/live"), shop.names("small"));
    let unmounted = Command::new("umount").arg(shop.at("small")).output().expect("it runs");
    assert!(unmounted.status.success());
    refused(copied, "No space left");
    refused(replaced, "No space left");
    assert_eq!(lives.as_deref(), Some("old"));
    assert_eq!(left, ["backup", "live"]);
}
