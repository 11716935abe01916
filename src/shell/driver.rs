//! Carries out effects: one arm each.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::backfill;
use super::collect;
use super::demo::Desk;
use super::fetch::http::HttpClient;
use super::ledger::{Job, Ledger};
use super::lock::{self, TargetLock};
use super::poller::Nudges;
use super::proof;
use super::reload::Loader;
use super::resolve;
use super::slo_log;
use super::spawn::{self, Survival};
use super::state_root::StateRoot;
use crate::alert::slo::Closed;
use crate::app::beside::{Task, Unwritten};
use crate::app::collecting::Bundle;
use crate::app::msg::{ArmAnswer, PrepareAnswer};
use crate::app::{Effect, Msg};
use crate::base::{At, RunId, StepId, TargetId};
use crate::model::{DemoOrder, Exec};
use crate::runbook::Actor;
use crate::runbook::seal::Place;
use crate::runbook::tree::ActPlan;

/// Characters of confirmation codes: none that look alike.
const CODE: &[u8] = b"abcdefghkmnpqrstuvwxyz23456789";

/// What the terminal has to do, because only the loop owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForScreen {
    Quit,
    Suspend,
    Redraw,
    AskPainted,
    Bell,
    Copy(String),
}

/// Carries out effects that are not the terminal's.
#[derive(Debug)]
pub struct Driver {
    root: Arc<StateRoot>,
    loader: Loader,
    ledger: Ledger,
    out: mpsc::Sender<(At, Msg)>,
    clock: fn() -> At,
    actor: Actor,
    armed: Arc<tokio::sync::Mutex<BTreeMap<String, TargetLock>>>,
    nudges: Nudges,
    /// Asks the servers of targets.
    client: HttpClient,
    /// Takes what a menu asks of a demo.
    desk: Desk,
}

impl Driver {
    #[must_use]
    pub fn new(root: Arc<StateRoot>, out: mpsc::Sender<(At, Msg)>, clock: fn() -> At, actor: Actor) -> Driver {
        let ledger = Ledger::start(Arc::clone(&root), out.clone(), clock, actor.clone());
        let nudges = Nudges::default();
        let (loader, client) = (Loader::of_user(), HttpClient::new());
        let (armed, desk) = (Arc::default(), Desk::default());
        Driver { root, loader, ledger, out, clock, actor, armed, nudges, client, desk }
    }

    /// With this desk for what is asked of a demo.
    #[must_use]
    pub fn with_desk(self, desk: Desk) -> Driver {
        Driver { desk, ..self }
    }

    /// From now on these sources can be asked out of their rhythm.
    pub fn polls(&mut self, nudges: Nudges) {
        self.nudges = nudges;
    }

    /// Starts what an effect asks for; what only the terminal can do is handed back. `declared` is the name given
    /// when arming, for the journal.
    pub async fn carry_out(&mut self, effect: Effect, declared: Option<&str>) -> Option<ForScreen> {
        let actor = Actor { declared: declared.map(str::to_owned), ..self.actor.clone() };
        match effect {
            Effect::Quit => return Some(ForScreen::Quit),
            Effect::Suspend => return Some(ForScreen::Suspend),
            Effect::Redraw => return Some(ForScreen::Redraw),
            Effect::AskPainted => return Some(ForScreen::AskPainted),
            Effect::Bell => return Some(ForScreen::Bell),
            Effect::Copy(text) => return Some(ForScreen::Copy(text)),
            Effect::Evaluate { number, task } => self.evaluate(number, task),
            Effect::KeepAlerts(remembered) => self.ask(Job::KeepAlerts(remembered)),
            Effect::Load { theme, keymap, rules } => self.load(theme, keymap, rules),
            Effect::Append { journal, record, after } => self.ask(Job::Append { journal, record, after, actor }),
            Effect::Commit { run, record, hash, after } => {
                self.ask(Job::Commit { run, record, hash, after, actor });
            }
            Effect::Follow { run } => self.ask(Job::Follow(run)),
            Effect::Arm { place } => self.arm(*place, &actor),
            Effect::Disarm { lock_key } => {
                self.armed.lock().await.remove(&lock_key);
            }
            Effect::KeepMinutes { target, closed } => self.keep(target, closed),
            Effect::Backfill(plan) => backfill::start(*plan, self.client.clone(), self.out.clone(), self.clock),
            Effect::Inquire { number, inquiry } => {
                backfill::inquire(number, *inquiry, self.client.clone(), self.out.clone(), self.clock);
            }
            // A source that is not asked any more says so itself.
            Effect::FetchNow { source } => drop(self.nudges.fetch_now(&source)),
            Effect::Prepare { run, step, place, acts, way_back } => self.prepare(run, step, *place, acts, way_back),
            Effect::Collect { run, step, bundle } => self.collect(run, step, *bundle),
            Effect::Demo { folder, order } => self.ask_demo(folder, order),
        }
        None
    }

    /// Lets go of every arming and waits until the journal is written.
    pub async fn finish(self) {
        self.armed.lock().await.clear();
        self.ledger.finish();
    }

    fn ask(&self, job: Job) {
        if let Err(refused) = self.ledger.ask(job) {
            let (out, at) = (self.out.clone(), (self.clock)());
            // As a task, because the queue to the loop may be full while the loop is here.
            tokio::spawn(async move { out.send((at, refused)).await });
        }
    }

    /// Reads theme, keymap and rule files again, beside the loop: their files may lie on a slow disk.
    pub fn load(&self, theme: Option<String>, keymap: Option<String>, rules: Vec<String>) {
        let (loader, out, clock) = (self.loader.clone(), self.out.clone(), self.clock);
        tokio::spawn(async move {
            let read =
                tokio::task::spawn_blocking(move || loader.load(theme.as_deref(), keymap.as_deref(), &rules)).await;
            if let Ok(read) = read {
                // Nobody listens any more when the console has ended.
                let _ = out.send((clock(), Msg::Reloaded(Box::new(read)))).await;
            }
        });
    }

    /// Beside the loop: it may take longer than a person waits for a key.
    fn evaluate(&self, number: u64, task: Unwritten<Arc<Task>>) {
        let (out, clock) = (self.out.clone(), self.clock);
        tokio::spawn(async move {
            let found = tokio::task::spawn_blocking(move || task.0.map(|task| Box::new(task.run()))).await;
            // What failed here is worked out by the app itself, and so its failure is seen. As above, when the console
            // has ended nobody listens any more.
            let found = Unwritten(found.ok().flatten());
            let _ = out.send((clock(), Msg::Evaluated { number, found })).await;
        });
    }

    /// Beside the loop: the disk may be slow.
    fn keep(&self, target: TargetId, closed: Vec<Closed>) {
        let (root, out, clock) = (Arc::clone(&self.root), self.out.clone(), self.clock);
        tokio::spawn(async move {
            let kept = tokio::task::spawn_blocking(move || slo_log::append(&root, &target, &closed)).await;
            if let Ok(Err(why)) = kept {
                // Nobody listens any more when the console has ended.
                let _ = out.send((clock(), Msg::MinutesNotKept { why })).await;
            }
        });
    }

    /// Beside the loop: it may be megabytes, and the disk may be slow.
    fn collect(&self, run: RunId, step: StepId, bundle: Bundle) {
        let (root, out, clock) = (Arc::clone(&self.root), self.out.clone(), self.clock);
        tokio::spawn(async move {
            let (of, at_step, at) = (run.clone(), step.clone(), clock());
            let written = tokio::task::spawn_blocking(move || collect::write(&root, &of, &at_step, &bundle, at)).await;
            let outcome = written.unwrap_or_else(|error| Err(error.to_string()));
            // Nobody listens any more when the console has ended; the next one gathers the evidence anew.
            let _ = out.send((clock(), Msg::Collected { run, step, outcome: Box::new(outcome) })).await;
        });
    }

    /// Beside the loop: the demo answers when its ports follow.
    fn ask_demo(&self, folder: String, order: DemoOrder) {
        let (desk, out, clock) = (self.desk.clone(), self.out.clone(), self.clock);
        tokio::spawn(async move {
            let answer = desk.ask(folder, order.clone()).await;
            // Nobody listens any more when the console has ended.
            let _ = out.send((clock(), Msg::DemoTold { order, answer })).await;
        });
    }

    /// Where themes and keymaps come from.
    #[must_use]
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    fn arm(&self, place: Place, actor: &Actor) {
        let (root, out, clock, armed) = (Arc::clone(&self.root), self.out.clone(), self.clock, Arc::clone(&self.armed));
        let holder = format!("{} ({})", actor.user, actor.process);
        tokio::spawn(async move {
            let answer = match TargetLock::try_take(&root, &lock::arming(&place.lock_key), &holder) {
                Err(held) => ArmAnswer::Refused { why: held.to_string() },
                Ok(lock) => match proof::prove_host(&place).await.shown() {
                    Err(why) => ArmAnswer::Refused { why },
                    Ok(host_proof) => {
                        armed.lock().await.insert(place.lock_key.clone(), lock);
                        let mortal = match spawn::survival().await {
                            Survival::Lives | Survival::InScope(_) => None,
                            Survival::DiesWithLogin(why) => Some(why),
                        };
                        ArmAnswer::Ready { host_proof, mortal }
                    }
                },
            };
            // Nobody to tell means that the console has quit, and the lock goes with the process.
            let _ = out.send((clock(), Msg::ArmAnswered { target: place.target.clone(), answer })).await;
        });
    }

    fn prepare(&self, run: RunId, step: StepId, place: Place, acts: Vec<ActPlan>, way_back: Vec<ActPlan>) {
        let (out, clock) = (self.out.clone(), self.clock);
        tokio::spawn(async move {
            let answer = match prepared(&place, &acts, &way_back).await {
                Ok(answer) => answer,
                Err(why) => PrepareAnswer::Refused { why },
            };
            // As above: without a console there is nobody to answer.
            let _ = out.send((clock(), Msg::Prepared { run, step, answer: Box::new(answer) })).await;
        });
    }
}

async fn prepared(place: &Place, acts: &[ActPlan], way_back: &[ActPlan]) -> Result<PrepareAnswer, String> {
    let resolve_all = |plans: &[ActPlan]| -> Result<Vec<Exec>, String> {
        plans.iter().map(|plan| resolve::resolve(place, plan).map_err(|error| error.to_string())).collect()
    };
    let (acts, way_back) = (resolve_all(acts)?, resolve_all(way_back)?);
    let host_proof = proof::prove_host(place).await.shown()?;
    let privilege_proof = proof::prove_acts(place, acts.iter().chain(&way_back)).await?;
    Ok(PrepareAnswer::Ready { acts, way_back, host_proof, privilege_proof, code: code()? })
}

/// Two characters nobody can know beforehand.
fn code() -> Result<String, String> {
    let bytes = super::random_bytes::<2>().map_err(|error| format!("no random code could be drawn: {error}"))?;
    Ok(bytes.iter().map(|byte| char::from(CODE[usize::from(*byte) % CODE.len()])).collect())
}
