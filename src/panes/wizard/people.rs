//! Steps that people do: what is asked of them, and what they said. Also the clock of an escalation, and the archive.

use crate::base::text::{count, shell_line};
use crate::base::{At, Provenance, time};
use crate::panes::model::Model;
use crate::panes::words;
use crate::runbook::Run;
use crate::runbook::machine::{ByHand, Collected, Look, Moment, StepRun, StepState};
use crate::runbook::tree::{CollectPlan, EscalationPlan, InputPlan, ItemPlan, ManualPlan};
use crate::runbook::{Present, template};
use crate::ui::widget::{Mark, Rows};
use crate::ui::{Glyph, Role};

pub(super) fn manual(rows: &mut Rows, plan: &ManualPlan, state: &StepRun) {
    rows.prose(0, Role::Title, &plan.what);
    if !plan.command.is_empty() {
        rows.pair(0, "to copy", Role::Text, &shell_line(&plan.command));
    }
    if let Some(by_hand) = &state.by_hand {
        said(rows, by_hand);
    }
}

/// The items with what was said of each; the selected one with where it comes from.
pub(super) fn checklist(rows: &mut Rows, items: &[ItemPlan], state: &StepRun, chosen: usize) {
    for (index, item) in items.iter().enumerate() {
        let tick = state.ticked.get(&item.id);
        let (mark, how) = match tick {
            None => (OPEN, if index == chosen { " · selected".to_owned() } else { String::new() }),
            Some(tick) => match &tick.not_applicable {
                None => (DONE, format!(" · {} at {}", tick.who, tick.at.wall.clock())),
                Some(why) => (NOT_APPLICABLE, format!(" · {} at {}: {why}", tick.who, tick.at.wall.clock())),
            },
        };
        let before = rows.len();
        rows.marked(0, mark, &[(Role::Text, item.text.clone()), (Role::Dim, how)]);
        if index == chosen {
            item_document(rows, &item.provenance);
            rows.select_from(before);
        }
    }
}

fn item_document(rows: &mut Rows, provenance: &Provenance) {
    for command in &provenance.documented {
        rows.prose(4, Role::Dim, command);
    }
    if let Some(why) = &provenance.deviates {
        rows.pair(4, "differs", Role::Dim, why);
    }
}

pub(super) fn input(rows: &mut Rows, plan: &InputPlan, state: &StepRun) {
    rows.prose(0, Role::Title, &plan.asks);
    rows.pair(0, "takes", Role::Text, &plan.accepts.words());
    rows.pair(0, "name", Role::Text, &format!("{{{}}} in the steps after this one", plan.name));
    if let Some(answer) = &state.answer {
        rows.pair(0, "given", Role::Title, answer);
    }
}

pub(super) fn collect(rows: &mut Rows, plan: &CollectPlan, state: &StepRun) {
    rows.pair(0, "keeps", Role::Text, &format!("{}, documents, alerts", count(plan.readings.len(), "reading")));
    rows.pair(0, "", Role::Text, &format!("the newest {} of each log", count(plan.log_lines, "line")));
    rows.pair(0, "", Role::Text, "the journal of this run so far");
    if let Some(collected) = &state.collected {
        self::collected(rows, collected);
    }
}

/// Where the evidence is, and how to know it again.
pub(super) fn collected(rows: &mut Rows, collected: &Collected) {
    match collected {
        Collected::Archive(archive) => {
            rows.heading("evidence kept");
            rows.pair(0, "archive", Role::Title, &archive.path);
            rows.pair(
                0,
                "size",
                Role::Text,
                &format!("{}, {}", count(archive.bytes, "byte"), count(archive.files.len(), "file")),
            );
            rows.pair(0, "sha256", Role::Text, archive.sha256.as_str());
            for left_out in &archive.left_out {
                rows.pair(0, "without", Role::Warning, left_out);
            }
        }
        Collected::Failed(why) => {
            rows.heading("evidence not kept");
            rows.prose(0, Role::Warning, why);
        }
    }
}

/// Whom to tell, and how long there is for it: from when the run came here until somebody says whom they told.
pub(super) fn escalation(rows: &mut Rows, model: &Model, run: &Run, plan: &EscalationPlan, state: &StepRun) {
    rows.pair(0, "tell", Role::Title, &plan.contacts.join(", "));
    let minutes = count(plan.respond_within_minutes, "minute");
    rows.pair(0, "within", Role::Text, &minutes);
    if let (Some(reached), false) = (&state.reached, state.state == StepState::Done) {
        let limit = std::time::Duration::from_secs(plan.respond_within_minutes.saturating_mul(60));
        let passed = passed(model, run, reached);
        let (role, said) = match limit.checked_sub(passed) {
            Some(left) => {
                let left = words::countdown(At::default(), At::default().plus(left));
                (Role::Warning, format!("{left} left to tell them"))
            }
            None => (Role::Critical, format!("overdue by {}", time::spoken(passed - limit))),
        };
        rows.pair(0, "clock", role, &said);
    }
    rows.pair(0, "say", Role::Text, &plan.say);
    let Some(target) = model.target_by_id(&run.target) else { return };
    for contact in &target.system.spec.contacts {
        rows.pair(0, &contact.label, Role::Text, &contact.at);
    }
}

/// How long the run has stood somewhere. The clock of another boot can not be compared; the time of day can.
fn passed(model: &Model, run: &Run, since: &Moment) -> std::time::Duration {
    let present = Present::new(&model.store, &run.target, model.now);
    let same_boot = present.boot_id().is_none_or(|boot| boot == since.boot_id) && model.now.boot >= since.at.boot;
    match same_boot {
        true => model.now.boot.since(since.at.boot),
        false => model.now.wall.since(since.at.wall),
    }
}

/// A sequence whose acts somebody did by hand: what is measured of it.
pub(super) fn by_hand(rows: &mut Rows, model: &Model, run: &Run, by_hand: &ByHand) {
    said(rows, by_hand);
    let Some(measured) = &by_hand.measured else { return };
    if !measured.judged.is_empty() {
        super::progress::judged(rows, &measured.judged);
        return;
    }
    let now = model.now;
    if now.boot < measured.from.boot {
        let left = words::countdown(now, measured.from);
        rows.prose(0, Role::Accent, &format!("it counts as done when it is measured, which begins in {left}"));
    } else {
        let left = words::countdown(now, measured.until);
        rows.prose(0, Role::Accent, &format!("it counts as done when all of this is measured; {left} left"));
    }
    let present = Present::new(&model.store, &run.target, now);
    let judged = crate::runbook::machine::judged(&measured.verify, &present);
    super::progress::judged(rows, &judged);
    if measured.verify.iter().any(|condition| !template::names(&condition.expr).is_empty()) {
        let why = "a value from before was not read in this run, so what is compared with it can not be told";
        rows.prose(0, Role::Unknown, why);
    }
}

pub(super) fn said(rows: &mut Rows, by_hand: &ByHand) {
    let at = by_hand.at.at.wall.clock();
    let (mark, word) = if by_hand.done { (DONE, "done by hand") } else { (NOT_DONE, "not done") };
    rows.marked(0, mark, &[(Role::Text, format!("{word}, {} at {at} UTC: {}", by_hand.who, by_hand.note))]);
}

const OPEN: Mark = Mark::new(Glyph::NotStarted, Role::Accent, "open");
const DONE: Mark = Mark::new(Glyph::Done, Role::Ok, "done");
const NOT_DONE: Mark = Mark::new(Glyph::Skipped, Role::Warning, "not done");
const NOT_APPLICABLE: Mark = Mark::new(Glyph::Skipped, Role::Dim, "not applicable");
