//! Hostile values in everything that an operator says, on simulated time: what does not show is refused where it is
//! typed or pasted; the rest is kept in the journal letter for letter, and is nothing but text wherever it is shown.

use std::time::Duration;

use opsconsole::app::{JournalId, Msg};
use opsconsole::base::text::is_hostile;
use opsconsole::cli::shot::text;
use opsconsole::model::Exec;
use opsconsole::runbook::Record;
use opsconsole::runbook::seal::Approval;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};

use crate::stage::shows;

const RUNBOOK: &str = r#"(
    title: "said by people", summary: "everything that people say", severity: Warning, by_hand: Some("it is tested"),
    steps: [
        (id: "do", title: "do it", kind: Manual((what: "do it"))),
        (id: "leave", title: "leave it", kind: Manual((what: "leave it"))),
        (id: "list", title: "go through it", kind: Checklist((items: [(id: "a", text: "the first")]))),
        (id: "which", title: "name it", kind: Input((name: "which", asks: "which one", accepts: Text))),
        (id: "act", title: "act on {which}", kind: Sequence((
            class: Destructive, expect: "it is better", verify_within_seconds: 5,
            acts: [(id: "go", title: "act on {which}", does: Command(["systemctl", "restart", "{which}"]))],
            verify: [(means: "the height of {which} is known", expr: "volchain_height{node!={which}} >= bool 0")],
            way_back: None("there is none"),
            escalation: (severity: Warning, contacts: ["team"], respond_within_minutes: 120, say: "{which} is not better"),
        ))),
        (id: "tell", title: "tell them", kind: Escalate((
            to: (severity: Warning, contacts: ["team"], respond_within_minutes: 120, say: "about {which}"),
        ))),
        (id: "found", title: "the end", kind: Conclude((finding: "it was {which}"))),
    ],
)"#;

/// Said as it stands here, and kept so.
const TEXTS: [&str; 10] = [
    "$(touch x)",
    "`touch x`",
    "it's \"quoted\" \\n \\\\",
    "--flag=1",
    "../../etc/passwd",
    "{unit} {which} {stamp}",
    "# heading",
    "``` [x](http://evil.example) <script>alert(1)</script>",
    "a;b|c&d>e * ~ !1 %s %n",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
     yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
];

/// Refused wherever they are pasted: what does not show, and what is too long to be read.
const REFUSED: [&str; 9] = [
    "two\nlines",
    "two\rlines",
    "a\tb",
    "nul\0",
    "\u{1b}[31mred",
    "\u{9b}31m",
    "\u{202e}bidi",
    "zero\u{200b}width",
    "bell\u{7}",
];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn opened() -> Rehearsal {
    let mut stage = Rehearsal::begin_as(Surface::AsBuilt, &[], (120, 50), |setup| {
        let files = setup.systems.get_mut("volchain").expect("the embedded system");
        files.insert("runbooks/said.ron".to_owned(), RUNBOOK.to_owned());
    })
    .expect("the runbook is one");
    stage.advance(seconds(2));
    stage.press(":");
    stage.type_text("said by people");
    stage.press("enter");
    stage.advance(seconds(1));
    stage
}

/// Everything that is refused is tried first; then this is said, by paste or key by key.
fn say(stage: &mut Rehearsal, words: &str, pasted: bool) {
    let before = text(&stage.screen());
    let long = "x".repeat(201);
    for refused in REFUSED.iter().copied().chain([long.as_str()]) {
        stage.tell(Msg::Paste(refused.to_owned()));
        let screen = text(&stage.screen());
        let why = if refused == long { "at most 200 characters" } else { "are not accepted" };
        assert!(screen.contains(why), "{refused:?} is not refused:\n{screen}");
    }
    // Nothing of it has come into the field.
    stage.press("end");
    assert_eq!(text(&stage.screen()).replace(' ', ""), before.replace(' ', ""), "a refused paste has left something");
    match pasted {
        true => stage.tell(Msg::Paste(words.to_owned())),
        false => stage.type_text(words),
    }
    stage.press("enter");
}

fn records(stage: &Rehearsal) -> Vec<Record> {
    let run = stage.app.model().shown_run.clone().expect("a run is shown");
    stage.journal(&JournalId::Run(run)).iter().map(|entry| entry.record.clone()).collect()
}

/// One walk through the runbook in which these four are said, in turn.
fn walk(texts: [&str; 4], value: &str, pasted: bool) {
    let mut stage = opened();
    let [done, left, reason, told] = texts;
    stage.press("enter");
    say(&mut stage, done, pasted);
    stage.press("N");
    say(&mut stage, left, pasted);
    stage.press("N");
    say(&mut stage, reason, pasted);
    stage.press("enter");
    // An answer has to be able to stand in an act.
    for (typed, why) in [
        ("--flag", "would be read as an option"),
        ("../x", "leads out of a folder"),
        ("{unit}", "holds a brace"),
        ("<user>", "not filled in"),
    ] {
        stage.type_text(typed);
        stage.press("enter");
        shows(&stage, why);
        stage.press("ctrl-u");
    }
    say(&mut stage, value, pasted);
    stage.advance(seconds(1));
    stage.press("A");
    say(&mut stage, reason, pasted);
    stage.press("enter");
    stage.press("X");
    stage.type_text("INC-$(id)-`7`");
    stage.press("enter");
    say(&mut stage, left, pasted);
    stage.press("end");
    stage.type_text(&format!("volchain-demo {CODE}"));
    stage.advance(seconds(30));
    stage.press("enter");
    say(&mut stage, told, pasted);
    stage.advance(seconds(1));
    stage.press("enter");
    stage.advance(seconds(1));
    let screen = text(&stage.screen());
    assert!(stage.app.model().run().expect("a run").current().is_none(), "not at the end:\n{screen}");
    check(&stage, texts, value);
}

fn check(stage: &Rehearsal, [done, left, reason, told]: [&str; 4], value: &str) {
    let records = records(stage);
    let has = |what: &str, is: &dyn Fn(&Record) -> bool| {
        assert!(records.iter().any(is), "{what} is not in the journal: {records:#?}");
    };
    has("what was done", &|record| matches!(record, Record::DidByHand { done: true, note, .. } if note == done));
    has("what was left", &|record| matches!(record, Record::DidByHand { done: false, note, .. } if note == left));
    has("a reason", &|record| matches!(record, Record::Ticked { not_applicable: Some(why), .. } if why == reason));
    has("the answer", &|record| matches!(record, Record::Answered { value: given, .. } if given == value));
    has("who was told", &|record| matches!(record, Record::Escalated { contacts, .. } if contacts == &[told]));
    let finding = format!("it was {value}");
    has("the conclusion", &|record| matches!(record, Record::Concluded { finding: found, .. } if *found == finding));
    let approval = Approval::BreakGlass { incident: "INC-$(id)-`7`".to_owned(), reason: left.to_owned() };
    has("the sequence", &|record| match record {
        Record::Confirmed { sequence, .. } => {
            assert_eq!(sequence.approval.as_ref(), Some(&approval));
            let Exec::Command { argv, .. } = &sequence.acts[0].exec else { panic!("no command") };
            assert_eq!(argv[1..], ["restart", value], "one literal argument");
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            assert_eq!(sequence.verify[0].expr, format!("volchain_height{{node!=\"{quoted}\"}} >= bool 0"));
            true
        }
        _ => false,
    });
    let armed = stage
        .journal(&JournalId::Console)
        .iter()
        .any(|entry| matches!(&entry.record, Record::Armed { reason: given, .. } if given == reason));
    assert!(armed, "why it was armed is not in the journal");
    // Whatever is shown of it, on whatever page.
    let mut stage_pages = String::new();
    stage_pages.push_str(&text(&stage.screen()));
    assert!(!stage_pages.chars().any(|c| c != '\n' && is_hostile(c)));
}

#[test]
fn whatever_people_say_is_kept_letter_for_letter_and_is_only_text() {
    let values = ["$(touch x)", "it's \"a\" \\ b"];
    for (turn, value) in values.into_iter().enumerate() {
        let at = |index: usize| TEXTS[(turn * 4 + index) % TEXTS.len()];
        walk([at(0), at(1), at(2), at(3)], value, turn == 0);
    }
    walk([TEXTS[8], TEXTS[9], TEXTS[8], TEXTS[9]], "`touch x`", true);
}
