use super::*;
use crate::base::{Boot, Digest, StepId, Wall};
use crate::panes::testing::Condition;
use crate::panes::testing::story::story;
use crate::runbook::record::Outcome;

/// Begins at 2026-03-14 03:00:00 UTC, and goes on seven seconds at a time.
fn told(mut entries: Vec<Entry>) -> Vec<Entry> {
    for (number, entry) in (0_u64..).zip(&mut entries) {
        let wall = Wall(1_773_457_200_000).plus(Duration::from_secs(7 * number));
        entry.at = At { boot: Boot(9_000_000 + 7_000 * number), wall };
    }
    entries
}

fn add(entries: &mut Vec<Entry>, record: Record) {
    let last = entries.last().expect("a story").clone();
    let at = last.at.plus(Duration::from_secs(7));
    entries.push(Entry { seq: last.seq + 1, prev: last.hash.clone(), at, record, hash: Digest::zero(), ..last });
}

#[test]
fn the_story_of_a_run_reads_as_a_page() {
    let entries = told(story(Condition::Stale));
    let report = Report::of(&entries, &[]).expect("a run");
    insta::assert_snapshot!("outcome_unknown", report.markdown());
    insta::assert_snapshot!("outcome_unknown_json", serde_json::to_string_pretty(&report).expect("it has JSON"));
}

#[test]
fn hostile_text_stays_text() {
    let mut entries = told(story(Condition::Ill));
    let hostile = "\u{1b}[2J\u{202e}<script>alert(1)</script>\n# owned [x](http://evil) ```";
    add(&mut entries, Record::Refused { what: hostile.to_owned(), why: hostile.to_owned() });
    entries[8].record = Record::Applied {
        sequence: "restart".into(),
        act: "restart-unit".into(),
        outcome: Outcome::Exited { code: 0 },
        took: Duration::from_secs(2),
        output: format!("fine\n```\n{hostile}"),
    };
    entries[4].actor.declared = Some(hostile.to_owned());
    let report = Report::of(&entries, &[]).expect("a run");
    let page = report.markdown();
    assert!(!page.chars().any(|c| c != '\n' && crate::base::text::is_hostile(c)), "{page}");
    assert!(!page.lines().any(|line| line.starts_with("# owned")), "{page}");
    let outside: String = page.lines().filter(|line| !line.starts_with("    ")).collect();
    assert!(!outside.contains("<script") || outside.contains("\\<script"), "{outside}");
    insta::assert_snapshot!("hostile", page);
    let json = serde_json::to_string(&report).expect("it has JSON");
    assert!(!json.chars().any(crate::base::text::is_hostile));
}

/// Whatever people say stays a line of its own list item, and who said it is named.
#[test]
fn what_people_said_stays_text_and_they_are_named() {
    let hostile = [
        "$(touch x) `touch x` it's \"quoted\"",
        "# owned",
        "two\n# owned",
        "```\n# owned",
        "--flag ../../etc/passwd {unit}",
        "[x](http://evil.example) <script>alert(1)</script> <img src=x>",
        "| a | b |\n|---|---|",
        "nul\0 bell\u{7} \u{1b}]0;title\u{7} \u{202e}bidi",
        "1. one",
        "    indented",
        "who@evil.example",
    ];
    for said in hostile.map(str::to_owned).into_iter().chain(["x".repeat(20_000)]) {
        let mut entries = told(story(Condition::Ill));
        let until = entries[0].at;
        let step = || StepId::new("step");
        for record in [
            Record::DidByHand { step: step(), done: true, note: said.clone() },
            Record::DidByHand { step: step(), done: false, note: said.clone() },
            Record::Ticked { step: step(), item: "a".into(), not_applicable: Some(said.clone()) },
            Record::Answered { step: step(), name: "which".to_owned(), value: said.clone() },
            Record::SequenceByHand { step: step(), note: said.clone(), verify: vec![], from: until, until },
            Record::Escalated { step: step(), contacts: vec![said.clone()] },
            Record::BranchTaken { step: step(), branch: "b".into(), reason: Some(said.clone()) },
            Record::NotCollected { step: step(), why: said.clone() },
            Record::RunClosed { why: said.clone() },
        ] {
            add(&mut entries, record);
        }
        let report = Report::of(&entries, &[]).expect("a run");
        let named = |event: &Event| event.said.contains("by hand") || event.said.contains("which at step");
        assert!(report.timeline.iter().filter(|event| named(event)).all(|event| event.decided));
        let page = report.markdown();
        assert!(!page.chars().any(|c| c != '\n' && crate::base::text::is_hostile(c)), "{page}");
        let headings: Vec<&str> = page.lines().filter(|line| line.trim_start().starts_with('#')).collect();
        assert_eq!(headings.len(), 3, "{headings:?}");
        let ours = |line: &&str| {
            let item = line.starts_with("- ") || line.starts_with("  - ");
            item || line.starts_with('#') || line.is_empty() || line.starts_with("    ")
        };
        // The summary is the one line of prose.
        assert_eq!(page.lines().filter(|line| !ours(line)).count(), 1, "{page}");
        for tag in ["<script", "<img", "[x](", "@evil"] {
            let bare = page.match_indices(tag).find(|(at, _)| !page[..*at].ends_with('\\'));
            assert_eq!(bare, None, "{tag}: {page}");
        }
    }
}

#[test]
fn of_the_console_only_what_belongs_to_the_incident_is_told() {
    let entries = told(story(Condition::Ill));
    let template = entries[0].clone();
    let armed = |target: &str, until| Record::Armed {
        target: target.into(),
        lock_key: "local/unit/node".to_owned(),
        reason: "INC-7".to_owned(),
        declared: "ayse".to_owned(),
        until: template.at.plus(Duration::from_secs(until)),
    };
    let console: Vec<Entry> =
        [armed("main-a", 900), armed("other", 900), Record::ConsoleStarted { version: "1".into() }]
            .into_iter()
            .map(|record| Entry { record, ..template.clone() })
            .collect();
    let report = Report::of(&entries, &console).expect("a run");
    let told: Vec<&str> =
        report.timeline.iter().filter(|event| event.journal == "console").map(|event| &*event.said).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("main-a"));
    assert_eq!(Report::of(&console, &[]), Err(NoRun));
    assert_eq!(Report::of(&[], &[]), Err(NoRun));
}

#[test]
fn an_arming_before_the_run_is_told_while_it_was_in_force() {
    let entries = told(story(Condition::Ill));
    let template = entries[0].clone();
    let armed = Record::Armed {
        target: "main-a".into(),
        lock_key: "local/unit/node".to_owned(),
        reason: "INC-7".to_owned(),
        declared: "ayse".to_owned(),
        until: template.at.plus(Duration::from_secs(900)),
    };
    let disarmed = Record::Disarmed { target: "main-a".into(), why: "done".to_owned() };
    let check = |records: &[(u64, &Record)], want: &[u64]| {
        let earlier = |seconds: u64| Wall(template.at.wall.0 - i64::try_from(seconds * 1000).expect("small"));
        let console = records.iter().enumerate().map(|(index, (seconds, record))| Entry {
            seq: index as u64,
            at: At { wall: earlier(*seconds), ..template.at },
            record: (*record).clone(),
            ..template.clone()
        });
        let report = Report::of(&entries, &console.collect::<Vec<_>>()).expect("a run");
        let told: Vec<u64> =
            report.timeline.iter().filter(|event| event.journal == "console").map(|event| event.seq).collect();
        assert_eq!(told, want);
    };
    check(&[(60, &armed)], &[0]);
    check(&[(60, &armed), (30, &disarmed)], &[]);
    check(&[(600, &armed), (60, &armed)], &[1]);
    check(&[(600, &armed), (300, &disarmed), (60, &armed)], &[2]);
}
