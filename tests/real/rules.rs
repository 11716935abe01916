//! The same rule and test files through promtool and through ours: the same verdict on each.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::has;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules").join(folder);
    let entries = std::fs::read_dir(folder).expect("the fixtures").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "yml")).collect();
    files.sort();
    files
}

/// The exit code, which is the verdict on one file, and all that is printed.
fn verdict(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("it starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

fn compare(theirs: &[&str], ours: &[&str], files: &[PathBuf]) {
    let (mut good, mut differences) = (0, Vec::new());
    for file in files {
        let theirs = verdict(Command::new("promtool").args(theirs).arg(file));
        let ours =
            verdict(Command::new(env!("CARGO_BIN_EXE_opsconsole")).args(ours).args(["--prometheus", "2"]).arg(file));
        good += usize::from(theirs.0 == Some(0));
        if theirs.0 != ours.0 {
            differences.push(format!(
                "{}\npromtool, {:?}:\n{}\nours, {:?}:\n{}",
                file.display(),
                theirs.0,
                theirs.1,
                ours.0,
                ours.1
            ));
        }
    }
    println!("{}: {} files, {good} good, {} of other verdicts", theirs.join(" "), files.len(), differences.len());
    assert!(good > 5 && good < files.len(), "verdicts of both kinds");
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn tests_of_rules_have_the_verdicts_of_promtool() {
    if has("promtool") {
        compare(&["test", "rules"], &["rules", "test"], &files("tests"));
    }
}

#[test]
fn rule_files_have_the_verdicts_of_promtool() {
    if has("promtool") {
        compare(&["check", "rules"], &["rules", "check"], &files(""));
    }
}

/// The rules of every system that comes with the program, and the tests of those that are easy to get wrong.
#[test]
fn the_rules_of_every_system_are_accepted_and_do_what_is_meant_by_both() {
    if !has("promtool") {
        return;
    }
    let systems = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/systems");
    let entries = std::fs::read_dir(systems).expect("the systems").map(|entry| entry.expect("a folder").path());
    let rules: Vec<_> = entries.map(|folder| folder.join("alerts.yml")).filter(|file| file.is_file()).collect();
    let tests = files("systems");
    assert!(rules.len() >= 5 && tests.len() >= 5, "{rules:?} {tests:?}");
    for (act, file) in rules.iter().map(|file| ("check", file)).chain(tests.iter().map(|file| ("test", file))) {
        let theirs = verdict(Command::new("promtool").args([act, "rules"]).arg(file));
        assert_eq!(theirs.0, Some(0), "promtool {act} rules {}: {}", file.display(), theirs.1);
        let mut ours = Command::new(env!("CARGO_BIN_EXE_opsconsole"));
        let ours = verdict(ours.args(["rules", act, "--prometheus", "2"]).arg(file));
        assert_eq!(ours.0, Some(0), "opsconsole rules {act} {}: {}", file.display(), ours.1);
        println!("{}: {}", file.display(), theirs.1.lines().find(|line| line.contains("SUCCESS")).unwrap_or_default());
    }
}
