//! Keys and pastes become actions, intents and answers.

use super::freezing::decision;
use super::{App, Effect, JournalId};
use crate::base::{At, BranchId, Key, KeyCode, RunId, StepId};
use crate::panes::wizard::rules;
use crate::panes::{Intent, Page, footer, screen, uses};
use crate::promql::Verdict;
use crate::runbook::Record;
use crate::runbook::tree::Task;
use crate::ui::overlay::{Answer, FilterPrompt, Help, Overlay, QueryForm, ReasonForm, Reasoned, SettleForm};
use crate::ui::{Action, LineFilter};

impl App {
    pub(super) fn key(&mut self, at: At, key: Key, effects: &mut Vec<Effect>) {
        self.last_key = at.boot;
        self.urgent = true;
        if let Some(mut overlay) = self.overlay.take() {
            // A field of text has its own keys for moving about; a confirmation scrolls with those of the keymap.
            let key = if let Overlay::Confirm(_) = &overlay { self.model.keymap.in_dialog(key) } else { key };
            // What can not be seen is not answered: in a window that is too small a dialog can only be closed.
            if self.is_too_small() && key.code != KeyCode::Esc {
                self.overlay = Some(overlay);
                return;
            }
            match overlay.key(key, &self.model.keymap, at, self.area) {
                Answer::Open => self.overlay = Some(self.previewed(overlay)),
                Answer::No => self.answered_no(at, overlay, effects),
                Answer::Yes => self.answered_yes(at, overlay, effects),
            }
            return;
        }
        if let Some(action) = self.stroke(at, key) {
            self.act(at, action, effects);
        }
    }

    pub(super) fn paste(&mut self, at: At, pasted: &str, effects: &mut Vec<Effect>) {
        self.last_key = self.model.now.boot;
        self.model.strokes.clear();
        if let Some(mut overlay) = self.overlay.take() {
            let small = self.is_too_small();
            let answer = if small { Answer::Open } else { overlay.paste(pasted) };
            self.overlay = Some(self.previewed(overlay));
            self.urgent = true;
            if answer == Answer::No {
                self.call_off(at, "something was pasted; a confirmation is typed", effects);
            }
        }
    }

    /// The list follows the filter as it is typed.
    fn previewed(&mut self, overlay: Overlay) -> Overlay {
        if let Overlay::Filter(prompt) = &overlay {
            self.panes.look_mut(self.page).filter = prompt.filter();
        }
        overlay
    }

    fn open_filter(&mut self, at: At) {
        if self.page.has_list() {
            let prompt = FilterPrompt::new(&self.panes.look(self.page).filter);
            self.overlay = Some(Overlay::Filter(Box::new(prompt)));
        } else {
            self.say(at, format!("the {} page has no list to filter", self.page.word()));
        }
    }

    fn answered_no(&mut self, at: At, overlay: Overlay, effects: &mut Vec<Effect>) {
        match overlay {
            Overlay::Help(_) | Overlay::Palette(_) | Overlay::Query(_) | Overlay::Faults(_) => {}
            Overlay::Filter(_) => self.panes.look_mut(self.page).filter = LineFilter::default(),
            Overlay::Arm(_)
            | Overlay::Reason(_)
            | Overlay::Settle(_)
            | Overlay::Claim(_)
            | Overlay::BreakGlass(_)
            | Overlay::Said(_) => {
                self.say(at, "nothing was done");
            }
            Overlay::Confirm(confirm) => self.declined(at, &confirm, effects),
        }
    }

    fn answered_yes(&mut self, at: At, overlay: Overlay, effects: &mut Vec<Effect>) {
        match overlay {
            Overlay::Help(_) => {}
            Overlay::Palette(palette) => self.chosen(at, &palette, effects),
            Overlay::Filter(prompt) => self.panes.look_mut(self.page).filter = prompt.filter(),
            Overlay::Query(form) => self.panes.metrics.ask(Some(form.text().to_owned())),
            Overlay::Arm(form) => self.arm(at, *form, effects),
            Overlay::Reason(form) => {
                let reason = form.reason().to_owned();
                match &form.of {
                    Reasoned::Branch { step, branch } => {
                        self.take_branch(&form.run, step, branch, Some(reason), effects);
                    }
                    Reasoned::Close => self.close_run(at, &form.run, reason, effects),
                }
            }
            Overlay::Settle(form) => self.settle(at, &form, effects),
            Overlay::Claim(form) => self.claim_answered(at, *form, effects),
            Overlay::BreakGlass(form) => {
                self.prepare(at, &form.run, &form.step, Some(form.approval()), effects);
            }
            Overlay::Confirm(confirm) => self.confirmed(at, confirm.offer, effects),
            Overlay::Said(form) => self.said(at, *form, effects),
            Overlay::Faults(menu) => self.fault_ordered(menu, effects),
        }
    }

    pub(super) fn act(&mut self, at: At, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Back => {
                if !self.panes.look_mut(self.page).widen() {
                    self.go_back();
                }
            }
            Action::Backward => self.go_back(),
            Action::Forward => self.go_forward(),
            Action::Filter => self.open_filter(at),
            Action::Freeze => self.toggle_freeze(at),
            Action::Palette => self.open_palette(),
            Action::Help => {
                let here = footer::hints(self.page).iter().flat_map(|(actions, _)| actions.iter().copied());
                let rows = here.map(|action| uses::row(self.page, action)).collect();
                let standing = screen::banners(&self.model).into_iter().map(|banner| banner.text).collect();
                let help = Help::new(self.page.word(), rows, standing).ruled(self.rules_here());
                let help = help.in_demo(self.model.console.demo);
                self.overlay = Some(Overlay::Help(Box::new(help)));
            }
            Action::Arm => {
                if !self.refused_frozen(at, "arm") {
                    self.open_arm_form(at);
                }
            }
            Action::Disarm => {
                if self.model.arming.is_some() {
                    self.disarm("the operator disarmed", effects);
                } else {
                    self.say(at, "the console is observing; there is nothing to disarm");
                }
            }
            Action::NextTheme => self.next_theme(at, effects),
            Action::Reload => self.reload(effects),
            Action::Redraw => effects.push(Effect::Redraw),
            Action::Suspend => {
                self.disarm("the console was suspended", effects);
                effects.push(Effect::Suspend);
            }
            Action::Quit => self.quit("the operator quit", effects),
            Action::DemoFaults => self.open_faults(effects),
            Action::PageOverview
            | Action::PageTarget
            | Action::PageAlerts
            | Action::PageWizard
            | Action::PageJournal
            | Action::PageSources
            | Action::PageMetrics
            | Action::PageLogs
            | Action::PageSlo
            | Action::PageFleet
            | Action::Query
            | Action::ChoosePrevious
            | Action::ChooseNext
            | Action::SwitchOrigin
            | Action::CursorOlder
            | Action::CursorNewer
            | Action::Wrap
            | Action::Follow
            | Action::PollNow
            | Action::NextPage
            | Action::PreviousPage
            | Action::NextTarget
            | Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Open
            | Action::Zoom
            | Action::Copy
            | Action::Acknowledge
            | Action::Snooze
            | Action::TakeOther
            | Action::Commit
            | Action::SettleUnknown
            | Action::CloseRun
            | Action::Tick
            | Action::Decline
            | Action::ByHand => {
                self.panes.resized(self.area, &self.model);
                if let Some(intent) = self.panes.on(self.page, action, &self.model) {
                    self.intend(at, intent, effects);
                }
            }
        }
    }

    /// The rules of the selected target's system, where its page, or a run of it, is looked at.
    fn rules_here(&self) -> Vec<String> {
        let shown = match self.page {
            Page::Target => self.model.target(),
            Page::Wizard => self.model.run().and_then(|run| self.model.target_by_id(&run.target)),
            Page::Overview
            | Page::Alerts
            | Page::Journal
            | Page::Sources
            | Page::Metrics
            | Page::Logs
            | Page::Slo
            | Page::Fleet => None,
        };
        shown.map(|target| rules::sentences(&target.system.spec)).unwrap_or_default()
    }

    pub(super) fn intend(&mut self, at: At, intent: Intent, effects: &mut Vec<Effect>) {
        if let Some(what) = decision(&intent)
            && self.refused_frozen(at, what)
        {
            return;
        }
        match intent {
            Intent::Show(page) => self.show(page),
            Intent::SelectTarget(target) => {
                if let Some(index) = self.target_index(&target) {
                    self.show_target(index);
                }
            }
            Intent::OpenRunbook { target, alert } => self.open_runbook(at, &target, &alert, effects),
            Intent::Query(text) => {
                self.show(Page::Metrics);
                self.overlay = Some(Overlay::Query(Box::new(QueryForm::new(&text))));
            }
            Intent::Explore(expr) => {
                self.panes.metrics.ask(Some(expr));
                self.show(Page::Metrics);
            }
            Intent::FetchNow(source) => {
                self.say(at, format!("asked for {source} now"));
                effects.push(Effect::FetchNow { source });
            }
            Intent::StartRunbook { target, runbook } => self.start_runbook(at, &target, &runbook, effects),
            Intent::ShowRun(run) => self.show_run(run),
            Intent::Zoom(part) => self.panes.look_mut(self.page).zoom(Some(part)),
            Intent::TakeBranch { run, step, branch } => self.choose(at, &run, &step, &branch, effects),
            Intent::Commit { run, step } => self.ask_to_commit(at, &run, &step, effects),
            Intent::Acknowledge { run, step } => self.acknowledge(at, &run, &step, effects),
            Intent::Claim { key, kind } => self.open_claim_form(at, key, kind),
            Intent::SettleUnknown { run, step } => self.open_settle_form(at, &run, &step),
            Intent::CloseRun(run) => self.open_close_form(at, &run),
            Intent::Copy(text) => effects.push(Effect::Copy(text)),
            Intent::Say(text) => self.say(at, text),
            Intent::Tick { run, step, item } => self.tick(&run, &step, item, effects),
            Intent::Decline { run, step, item } => self.open_decline_form(at, &run, &step, item),
            Intent::ByHand { run, step } => self.open_by_hand_form(at, &run, &step),
        }
    }

    /// The suggested branch is taken at once; another one needs a reason.
    fn choose(&mut self, at: At, run_id: &RunId, step: &StepId, branch: &BranchId, effects: &mut Vec<Effect>) {
        let Some(run) = self.model.runs.get(run_id) else { return };
        let Some((current, Task::Choose(branches))) = run.current().map(|step| (step, &step.task)) else {
            return self.say(at, "the run does not stand at a choice");
        };
        if current.id != *step {
            return self.say(at, "the run does not stand at this choice");
        }
        let suggested = run.steps.get(step).and_then(|state| state.suggested.clone());
        if suggested.as_ref() == Some(branch) {
            let (run, step, branch) = (run_id.clone(), step.clone(), branch.clone());
            return self.take_branch(&run, &step, &branch, None, effects);
        }
        let title = |id: &BranchId| branches.iter().find(|branch| branch.id == *id).map(|branch| branch.title.as_str());
        let form = ReasonForm::of_branch(
            run_id.clone(),
            step.clone(),
            branch.clone(),
            title(branch).unwrap_or(branch.as_str()),
            suggested.as_ref().and_then(title),
        );
        self.overlay = Some(Overlay::Reason(Box::new(form)));
    }

    fn take_branch(
        &mut self,
        run: &RunId,
        step: &StepId,
        branch: &BranchId,
        reason: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        let record = Record::BranchTaken { step: step.clone(), branch: branch.clone(), reason };
        self.write_run(run, record, effects);
    }

    fn open_settle_form(&mut self, at: At, run_id: &RunId, step: &StepId) {
        let Some(run) = self.model.runs.get(run_id) else { return };
        let Some((sequence, why)) = super::runs::unknown_outcome(run, step) else {
            return self.say(at, "this step has no unknown outcome");
        };
        let judged = self.judge_all(at, &run.target, &sequence.sealed.verify);
        let words = judged.iter().map(super::runs::judged_words).collect::<Vec<_>>();
        let form = SettleForm::new(run_id.clone(), step.clone(), why, &words);
        self.overlay = Some(Overlay::Settle(Box::new(form)));
    }

    fn settle(&mut self, at: At, form: &SettleForm, effects: &mut Vec<Effect>) {
        let Some(run) = self.model.runs.get(&form.run) else { return };
        let Some((sequence, _)) = super::runs::unknown_outcome(run, &form.step) else { return };
        let judged = self.judge_all(at, &run.target, &sequence.sealed.verify);
        if let Some(open) = judged.iter().find(|one| form.cured() && one.verdict != Verdict::True) {
            let why = format!(
                "it can not be settled as cured, because that is not what is measured: {}; wait until it is, or settle it as not cured",
                super::runs::judged_words(open)
            );
            let what = format!("settling step {}", form.step);
            return self.refuse(at, &what, &why, JournalId::Run(form.run.clone()), effects);
        }
        let record = Record::Settled {
            step: form.step.clone(),
            sequence: sequence.sealed.id.clone(),
            cured: form.cured(),
            note: form.note().to_owned(),
            judged,
        };
        self.write_run(&form.run, record, effects);
    }

    /// Closing is asked about: its key lies next to others, and nobody goes on with a closed run.
    fn open_close_form(&mut self, at: At, run_id: &RunId) {
        if !self.closable(at, run_id) {
            return;
        }
        let Some(run) = self.model.runs.get(run_id) else { return };
        let stands_at = run.current().map(|step| step.title.as_str());
        let form = ReasonForm::of_close(run_id.clone(), &run.runbook.title, stands_at);
        self.overlay = Some(Overlay::Reason(Box::new(form)));
    }

    /// Whether the run can be closed now; if not, says why.
    fn closable(&mut self, at: At, run_id: &RunId) -> bool {
        let Some(run) = self.model.runs.get(run_id) else { return false };
        if run.closed.is_some() {
            self.model.shown_run = None;
            self.say(at, "that run was closed already");
            return false;
        }
        if run.sequence_open().is_some() {
            self.say(at, "its sequence is still under way; the run can be closed when it has ended");
            return false;
        }
        true
    }

    fn close_run(&mut self, at: At, run_id: &RunId, why: String, effects: &mut Vec<Effect>) {
        // Another console may have begun or closed something while the reason was typed.
        if self.closable(at, run_id) {
            self.write_run(run_id, Record::RunClosed { why }, effects);
        }
    }

    pub(super) fn write_run(&mut self, run: &RunId, record: Record, effects: &mut Vec<Effect>) {
        let after = self.model.runs.get(run).map(|run| run.last_seq);
        self.writing.insert(run.clone());
        self.deciding.insert(run.clone());
        effects.push(Effect::Append { journal: JournalId::Run(run.clone()), record: Box::new(record), after });
    }
}
