//! A sequence under way: intents, outcomes, waiting, verification and the end it came to.

use crate::base::RunId;
use crate::panes::model::Model;
use crate::panes::{mark, words};
use crate::promql::Verdict;
use crate::runbook::machine::{ActOutput, Phase, SequenceRun};
use crate::runbook::record::{Judged, Outcome, SequenceEnd};
use crate::ui::widget::{Mark, Rows};
use crate::ui::{Glyph, Role};

/// The end of a sequence: how it looks, in a word, and why.
pub(super) fn end_words(end: &SequenceEnd) -> (Role, &'static str, &str) {
    match end {
        SequenceEnd::Verified => (Role::Ok, "verified", "every condition of the verification came true"),
        SequenceEnd::RolledBack { why } => (Role::Warning, "rolled back", why),
        SequenceEnd::NotCured { why } => (Role::Critical, "not cured", why),
        SequenceEnd::OutcomeUnknown { why } => (Role::Unknown, "outcome unknown", why),
        SequenceEnd::Refused { why } => (Role::Warning, "refused", why),
        SequenceEnd::NeverStarted { why } => (Role::Warning, "never started", why),
    }
}

pub(super) fn describe(rows: &mut Rows, model: &Model, run: &RunId, sequence: &SequenceRun) {
    rows.heading("progress");
    rows.marked(0, DONE, &[(Role::Text, format!("confirmed at {} UTC", sequence.confirmed.wall.clock()))]);
    if let Some(pid) = sequence.runner_pid {
        rows.marked(0, DONE, &[(Role::Text, format!("taken on by the runner, process {pid}"))]);
    }
    for act in sequence.sealed.acts.iter().chain(&sequence.sealed.way_back) {
        let Some((_, outcome)) = sequence.acts.iter().find(|(id, _)| *id == act.id) else { continue };
        let (mark, said) = match outcome {
            None => (RUNNING, "intended; no outcome yet".to_owned()),
            Some(Outcome::Exited { code: 0 }) => (DONE, "applied, exit code 0".to_owned()),
            Some(Outcome::Exited { code }) => (FAILED, format!("failed, exit code {code}")),
            Some(Outcome::Signalled { signal }) => (FAILED, format!("ended by signal {signal}")),
            Some(Outcome::NotStarted { why }) => (FAILED, format!("did not start: {why}")),
            Some(Outcome::Unknown { why }) => (UNKNOWN, format!("unknown: {why}")),
            Some(done @ Outcome::Answered { status }) => match done.is_done() {
                true => (DONE, format!("applied, answered with status {status}")),
                false => (FAILED, format!("failed, answered with status {status}")),
            },
        };
        rows.marked(
            0,
            mark,
            &[
                (Role::Text, act.exec.sentence().unwrap_or_else(|| act.exec.to_string())),
                (Role::Dim, format!(" · {said}")),
            ],
        );
        if let Some(put_out) = sequence.outputs.iter().find(|output| output.act == act.id) {
            output(rows, model, run, put_out);
        }
    }
    match &sequence.phase {
        Phase::Settling { until } => {
            let left = words::countdown(model.now, *until);
            rows.marked(0, RUNNING, &[(Role::Text, format!("waits {left} before it verifies"))]);
        }
        Phase::Verifying { deadline } => {
            let left = words::countdown(model.now, *deadline);
            rows.marked(0, RUNNING, &[(Role::Text, format!("verifies, {left} left"))]);
        }
        Phase::GoingBack => {
            rows.marked(0, RUNNING, &[(Role::Warning, "goes back".to_owned())]);
        }
        Phase::Confirmed | Phase::Started | Phase::Acting(_) | Phase::Ended => {}
    }
    judged(rows, &sequence.judged);
    if let Some(end) = &sequence.end {
        let (role, word, why) = end_words(end);
        rows.space().parts(0, vec![(role, word.to_owned())]);
        rows.prose(0, Role::Text, why);
    }
}

/// The last lines of what an act put out, and where its beginning and more of its end are kept.
fn output(rows: &mut Rows, model: &Model, run: &RunId, output: &ActOutput) {
    if output.text.is_empty() {
        return;
    }
    output.text.lines().for_each(|line| {
        rows.prose(4, Role::Dim, line);
    });
    let root = &model.console.state_root;
    let kept = format!("{root}/runs/{run}/{}-{}.out", output.intent_seq, output.act);
    rows.pair(4, "kept in", Role::Dim, &kept);
}

/// Conditions with their verdicts; an unknown says why.
pub(super) fn judged(rows: &mut Rows, judged: &[Judged]) {
    for condition in judged {
        let mark = mark::verdict(&condition.verdict);
        let said = match &condition.verdict {
            Verdict::Unknown(why) => format!(" · unknown: {why}"),
            Verdict::True | Verdict::False => format!(" · {}", mark.word),
        };
        rows.marked(2, mark, &[(Role::Text, condition.means.clone()), (mark.role, said)]);
    }
}

const DONE: Mark = Mark::new(Glyph::Done, Role::Ok, "done");
const RUNNING: Mark = Mark::new(Glyph::Running, Role::Accent, "now");
const FAILED: Mark = Mark::new(Glyph::Failed, Role::Critical, "failed");
const UNKNOWN: Mark = Mark::new(Glyph::Unknown, Role::Unknown, "unknown");

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;
    use crate::panes::Intent;
    use crate::panes::testing::story::story;
    use crate::panes::testing::{self, Condition};
    use crate::panes::wizard::Wizard;
    use crate::runbook::{Record, Run};
    use crate::ui::Action;
    use crate::ui::widget::testing::text_of;

    /// A wizard whose act put out a hundred lines.
    fn model() -> Model {
        let mut model = testing::model(Condition::Ill);
        let mut entries = story(Condition::Ill);
        for entry in &mut entries {
            if let Record::Applied { output, .. } = &mut entry.record {
                *output = (1..=100).map(|n| format!("line {n}\n")).collect();
            }
        }
        let run = Run::fold(&entries).expect("the story is one of a run");
        model.runs.insert(run.id.clone(), run);
        model
    }

    #[test]
    fn what_an_act_put_out_is_scrolled_to_its_last_line_and_says_where_it_is_kept() {
        let (model, area) = (model(), Rect { x: 0, y: 0, width: 120, height: 40 });
        let mut wizard = Wizard::default();
        let shown = |wizard: &Wizard| {
            let mut buffer = Buffer::empty(area);
            wizard.render(&model, area, &mut buffer);
            text_of(&buffer)
        };
        let mut seen = shown(&wizard);
        assert!(seen.contains("line 1") && !seen.contains("line 100"), "{seen}");
        for _ in 0..5 {
            let intent: Option<Intent> = wizard.on(Action::PageDown, &model, area);
            assert_eq!(intent, None);
            seen.push_str(&shown(&wizard));
        }
        for n in 1..=100 {
            assert!(seen.contains(&format!("line {n}")), "line {n}");
        }
        assert!(seen.contains("-restart-unit.out"), "{seen}");
    }
}
