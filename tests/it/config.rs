//! `opsconsole config` as an operator meets it: files, output, exit codes.

use std::path::Path;
use std::process::Command;

use crate::terminal::PROGRAM;

fn config(args: &[&str], file: &Path) -> (i32, String) {
    let output = Command::new(PROGRAM).arg("config").args(args).arg(file).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_configuration_is_begun_checked_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("new/config.ron");
    let (code, said) = config(&["init", "--out"], &file);
    assert!(code == 0 && said.contains("config check"), "{said}");
    let begun = std::fs::read_to_string(&file).expect("it was written");
    let (code, said) = config(&["check"], &file);
    assert!(code == 0 && said.contains("no mistakes"), "{said}");

    // What it comes to is a configuration too.
    let (code, shown) = config(&["show", "--config"], &file);
    assert_eq!(code, 0, "{shown}");
    let effective = folder.path().join("effective.ron");
    std::fs::write(&effective, shown).expect("ours");
    let (code, said) = config(&["check"], &effective);
    assert_eq!(code, 0, "{said}");

    // Nobody's file is overwritten.
    std::fs::write(&file, format!("// mine\n{begun}")).expect("ours");
    let (code, said) = config(&["init", "--out"], &file);
    assert!(code != 0 && said.contains("left as it is"), "{said}");
    assert!(std::fs::read_to_string(&file).expect("it is there").starts_with("// mine\n"));
}

#[test]
fn every_mistake_is_on_a_line_of_its_own_and_nothing_starts() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/mistakes.ron");
    let (code, said) = config(&["check"], &file);
    assert_eq!(code, 1, "{said}");
    let placed = said.lines().filter(|line| {
        let place = line.strip_prefix(&format!("{}:", file.display())).unwrap_or_default();
        let mut numbers = place.splitn(3, ':').map(|part| part.parse::<usize>().is_ok());
        numbers.next() == Some(true) && numbers.next() == Some(true)
    });
    assert!(placed.count() >= 30, "{said}");
    let output = Command::new(PROGRAM).args(["check", "--config"]).arg(&file).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean volchain?"));
    let (code, said) = config(&["check"], Path::new("/no/such/file.ron"));
    assert!(code == 3 && said.contains("/no/such/file.ron"), "{code} {said}");
}

/// A chain that is served by a process of its own until this is dropped.
struct Serving(std::process::Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_demo_that_is_refused_starts_nothing_and_one_that_runs_is_not_taken_for_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = folder.path().join("demo");
    let run = |more: &[&str]| {
        let output = Command::new(PROGRAM).args(["demo", "--folder"]).arg(&demo).args(more).output();
        let output = output.expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["--theme", "drak"]);
    assert!(code == Some(3) && said.contains("did you mean dark?"), "{said}");
    assert!(!demo.join("control.json").exists(), "a chain was started for a console that was refused");

    let mut server = Command::new(PROGRAM);
    server.args(["demo", "volchain", "--serve", "--folder"]).arg(&demo).stdout(std::process::Stdio::piped());
    let mut serving = Serving(server.spawn().expect("the program runs"));
    // It says where it answers once it does.
    let mut line = String::new();
    let told = serving.0.stdout.take().expect("piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(told), &mut line).expect("it speaks");
    let (code, said) = run(&["--fault", "none", "--seed", "8"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("--fault none, and it has producer-stuck; --seed 8, and its is 7"), "{said}");
    assert!(said.contains("--folder DIR"), "{said}");
}
