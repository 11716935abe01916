//! Acting on the real binary: two consoles and one unit, a full disk, a folder that can not be written.

use std::process::Command;
use std::time::Duration;

use crate::terminal::{Chain, Console, PROGRAM};

fn console(config: &str) -> Console {
    let console = Console::start(&["--config", config], 120, 40);
    console.shows("chain health");
    console
}

fn arm(console: &mut Console) {
    console.type_text("A");
    console.shows("incident or reason");
    console.type_text("INC-3 test\r\r");
}

/// From the alerts to the step that acts.
fn to_the_act(console: &mut Console) {
    console.type_text("3");
    console.shows("VolchainBlocksStale");
    console.type_text("\r");
    console.shows("· suggested");
    console.type_text("\r");
    console.shows("arms the console");
}

fn confirm(console: &mut Console) {
    console.type_text("X");
    console.shows("to confirm");
    console.type_text("\u{1b}[F");
    std::thread::sleep(Duration::from_millis(300));
    let phrase = console.phrase();
    console.type_by_hand(&phrase);
}

#[test]
fn an_incident_is_cured_and_survives_its_console() {
    let chain = Chain::serve("producer-stuck", 400);
    let config = chain.config().display().to_string();
    let mut first = console(&config);
    // A minute of height is needed before it can be said that it stands still.
    std::thread::sleep(Duration::from_secs(65));
    to_the_act(&mut first);
    arm(&mut first);
    first.shows("ARMED");
    confirm(&mut first);
    first.shows("taken on by the runner");
    first.child.kill().expect("killed");
    let mut second = console(&config);
    second.type_text("4");
    second.shows_within("verified", Duration::from_secs(90));
    second.type_text("q");
    second.ended();
    let (code, said) = chain.verify();
    assert_eq!(code, 0, "{said}");
}

/// A terminal that does not mark a paste sends it as keys.
#[test]
fn a_phrase_that_is_pasted_confirms_nothing() {
    let chain = Chain::serve("producer-stuck", 400);
    let mut console = console(&chain.config().display().to_string());
    std::thread::sleep(Duration::from_secs(65));
    to_the_act(&mut console);
    arm(&mut console);
    console.shows("ARMED");
    for (before, after) in [("", ""), ("\u{1b}[200~", "\u{1b}[201~")] {
        console.type_text("X");
        console.shows("to confirm");
        console.type_text("\u{1b}[F");
        std::thread::sleep(Duration::from_millis(300));
        let phrase = console.phrase();
        console.type_text(&format!("{before}{phrase}{after}"));
        console.shows("something was pasted");
        console.hides("to confirm");
        console.shows("arms the console, then X opens the confirmation".split(", then ").last().unwrap_or_default());
    }
    assert!(!console.screen().contains("taken on by the runner"));
}

#[test]
fn two_consoles_can_not_arm_for_one_unit_whatever_they_call_it() {
    let chain = Chain::serve("none", 0);
    let text = std::fs::read_to_string(chain.config()).expect("the configuration");
    let other = chain.path().join("other.ron");
    std::fs::write(&other, text.replace("volchain-demo", "quite-another-name")).expect("written");
    let mut first = console(&chain.config().display().to_string());
    let mut second = console(&other.display().to_string());
    arm(&mut first);
    first.shows("ARMED");
    arm(&mut second);
    second.shows("refused");
    second.shows("observing");
    // Who holds it is said, so that they can be asked.
    second.shows("held by");
    first.type_text("D");
    first.shows("disarmed");
    arm(&mut second);
    second.shows("ARMED");
}

#[test]
fn a_full_disk_is_said_and_nothing_is_done() {
    let root = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("Uid:\t0\t"));
    let chain = Chain::serve("none", 0);
    let state = chain.folder.path().join("small");
    std::fs::create_dir(&state).expect("made");
    let mount =
        |args: &[&str]| Command::new("mount").args(args).arg(&state).status().is_ok_and(|status| status.success());
    if !root || !mount(&["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"]) {
        println!("not run: a small filesystem can not be mounted here");
        return;
    }
    struct Mounted(std::path::PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
    let _mounted = Mounted(state.clone());
    let (config, root) = (chain.config().display().to_string(), state.display().to_string());
    let mut console = Console::start(&["--config", &config, "--state-root", &root], 120, 40);
    console.shows("chain health");
    let fill = Command::new("dd").args(["if=/dev/zero", "bs=1k", "count=200"]).arg(format!("of={root}/fill")).output();
    assert!(!fill.expect("dd runs").status.success(), "the disk is full");
    console.type_text("3/stale\r");
    console.shows("/stale/ 1 of");
    console.type_text("\r");
    // The run's own journal, not the console's: that one may be refused for an alert before the key arrives.
    console.shows("small/journals/runs");
    console.type_text("A");
    console.shows("not armed");
    assert!(!console.screen().contains("ARMED"), "{}", console.screen());
    // Room again: the same keys go on.
    std::fs::remove_file(state.join("fill")).expect("removed");
    console.type_text("3");
    console.shows("VolchainBlocksStale");
    console.type_text("\r");
    console.shows("why is the newest block old?");
    arm(&mut console);
    console.shows("ARMED");
    console.type_text("q");
    console.ended();
    let verified = Command::new(PROGRAM).args(["journal", "verify", "--state-root", &root]).output().expect("it runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
