//! A rehearsal: the whole console on simulated time, without a terminal, a socket or a file.
//!
//! The simulated node answers the console's own sources; the journal is a list in memory; the runner is played here
//! step by step against the simulated node, with the records a real one writes. It serves pictures, key scripts and
//! drills. It proves nothing about the real runner, the real journal or real locks: those have tests of their own.

mod runner;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::runner::{ADMIN_SECRET, PlayedRunner, played_proof, resolved};
use super::exchange::{Delivery, Request, Surface};
use super::machine::{self, FOLDER};
use super::played::Played;
use super::service::Verb;
use super::simulation::{BY_HAND, Event, Play, Simulation};
use super::volchain::{self, Fault, Node};
use crate::app::beside::Unwritten;
use crate::app::msg::{ArmAnswer, Copied, PrepareAnswer};
use crate::app::{App, Effect, JournalId, Msg, Setup, SetupError};
use crate::base::{At, Boot, Digest, Key, SecretRef, Wall};
use crate::config::{ConfigSpec, TargetSpec};
use crate::model::{Answer, DemoOrder, Exec, FaultState, Fetch, FetchFailure, HttpAnswer, Reply};
use crate::panes::model::{Console, Link, LinkState};
use crate::runbook::record::Archive;
use crate::runbook::{Actor, Entry, Record};
use crate::shell::reload::Loader;
use crate::sources::{Cursor, Source};
use crate::systems;
use crate::ui::{Depth, keymap, theme};

/// 2026-03-14 03:00:00 UTC: three in the morning.
const BEGIN: Wall = Wall(1_773_457_200_000);
/// The machine had been up for a week.
const UP: Boot = Boot(7 * 86_400_000);
const SEED: u64 = 7;
const HISTORY_MINUTES: u32 = 15;
/// The code that every confirmation of a rehearsal shows.
pub const CODE: &str = "k7";

/// The console and everything around it, played.
#[derive(Debug)]
pub struct Rehearsal {
    pub app: App,
    /// Every effect that was asked for, oldest first.
    pub asked: Vec<Effect>,
    now: At,
    area: Rect,
    casts: Vec<Cast>,
    polls: Vec<Poll>,
    journals: HashMap<JournalId, Vec<Entry>>,
    runner: Option<PlayedRunner>,
    /// Whether the terminal says at once that it shows what it was given.
    paints: bool,
    /// What stands for files and units.
    pub played: Played,
}

/// One system that is rehearsed.
#[derive(Debug)]
struct Cast {
    simulation: Simulation,
    play: Play,
}

#[derive(Debug)]
struct Poll {
    source: Source,
    cursor: Cursor,
    due: Boot,
    /// The system that is asked, and the number of its port.
    cast: usize,
    port: usize,
}

impl Rehearsal {
    /// A console on a chain with 15 minutes behind it, in which these faults began so long before now.
    ///
    /// # Errors
    /// A mistake in the embedded data.
    pub fn begin(
        surface: Surface,
        faults: &[(Fault, Duration)],
        columns: u16,
        rows: u16,
    ) -> Result<Rehearsal, SetupError> {
        Rehearsal::begin_as(surface, faults, (columns, rows), |_setup| {})
    }

    /// As [`Rehearsal::begin`], on a console that was set up otherwise.
    ///
    /// # Errors
    /// A mistake in the embedded data, or in what was changed.
    pub fn begin_as(
        surface: Surface,
        faults: &[(Fault, Duration)],
        (columns, rows): (u16, u16),
        change: impl FnOnce(&mut Setup),
    ) -> Result<Rehearsal, SetupError> {
        let begun: Vec<_> = faults.iter().map(|(fault, age)| (BY_HAND, fault.name(), *age)).collect();
        Rehearsal::of_systems(vec![Simulation::by_hand()], surface, &begun, (columns, rows), change)
    }

    /// A console on these systems, each with 15 minutes behind it, in which these faults, each of a system, began so
    /// long before now.
    ///
    /// # Errors
    /// A mistake in the embedded data, or in what was changed.
    pub fn of_systems(
        systems: Vec<Simulation>,
        surface: Surface,
        faults: &[(&str, &str, Duration)],
        (columns, rows): (u16, u16),
        change: impl FnOnce(&mut Setup),
    ) -> Result<Rehearsal, SetupError> {
        let now = At { boot: UP, wall: BEGIN };
        let start = now.wall.minus(Duration::from_secs(60 * u64::from(HISTORY_MINUTES)));
        let mut begun: Vec<_> =
            faults.iter().map(|(system, name, age)| (now.wall.minus(*age), *system, *name)).collect();
        begun.sort_by_key(|(at, ..)| *at);
        let mut setup = setup_of(&systems, columns, rows);
        let cast = |simulation: Simulation| {
            let mut play = simulation.begin(SEED, surface, start.0, ADMIN_SECRET);
            for (at, _, name) in begun.iter().filter(|(_, system, _)| *system == simulation.system.as_str()) {
                play.apply(at.0, &Event::Fault { name: (*name).to_owned(), on: true });
            }
            play.advance(now.wall.0);
            Cast { simulation, play }
        };
        let casts: Vec<Cast> = systems.into_iter().map(cast).collect();
        change(&mut setup);
        let (app, first) = App::new(setup)?;
        let sources = app.model().targets.iter().flat_map(|target| target.sources.iter().cloned());
        let polls = sources
            .filter_map(|bound| Source::compile(bound).ok())
            .map(|source| {
                let (cast, port) = place_of(&casts, &source);
                Poll { source, cursor: Cursor::default(), due: now.boot, cast, port }
            })
            .collect();
        let area = Rect::new(0, 0, columns, rows);
        let played = Played::new(casts.iter().find_map(|cast| cast.play.by_hand()), now.wall);
        let mut rehearsal = Rehearsal {
            app,
            asked: Vec::new(),
            now,
            area,
            casts,
            polls,
            journals: HashMap::new(),
            runner: None,
            paints: true,
            played,
        };
        rehearsal.tell(Msg::Link(Link { state: LinkState::Fast, plain: false }));
        rehearsal.tell(Msg::Woke);
        rehearsal.carry_out(first);
        rehearsal.live_past();
        // The first look at all of it.
        rehearsal.tell(Msg::Resized { columns, rows });
        rehearsal.advance(Duration::from_secs(1));
        Ok(rehearsal)
    }

    #[must_use]
    pub fn now(&self) -> At {
        self.now
    }

    /// Height of the simulated chain that is written by hand.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.by_hand(Node::height).unwrap_or(0)
    }

    /// Whether its port is open.
    #[must_use]
    pub fn node_is_up(&self) -> bool {
        self.by_hand(Node::listening).unwrap_or(false)
    }

    /// Switches one of its faults.
    pub fn fault(&mut self, fault: Fault, on: bool) {
        self.apply_by_hand(volchain::Change::Fault { fault, on });
    }

    /// Has somebody stop, start or restart its service outside the console.
    pub fn service(&mut self, verb: Verb) {
        self.apply_by_hand(volchain::Change::Service(verb));
    }

    /// Switches a fault of any of the systems.
    pub fn fault_of(&mut self, system: &str, name: &str, on: bool) {
        self.happen(system, &Event::Fault { name: name.to_owned(), on });
    }

    /// Does something to one of the systems from outside.
    pub fn happen(&mut self, system: &str, event: &Event) {
        for cast in self.casts.iter_mut().filter(|cast| cast.simulation.system.as_str() == system) {
            cast.play.apply(self.now.wall.0, event);
        }
    }

    fn by_hand<T>(&self, see: impl FnOnce(&Node) -> T) -> Option<T> {
        self.casts.iter().find_map(|cast| cast.play.by_hand()).map(see)
    }

    fn apply_by_hand(&mut self, change: volchain::Change) {
        self.happen(BY_HAND, &change.into());
    }

    /// Lets time pass, a quarter of a second at a time.
    pub fn advance(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while self.now.boot < end.boot {
            self.now = self.now.plus(Duration::from_millis(250));
            self.poll();
            self.play_runner();
            if self.app.wake().is_some_and(|due| due <= self.now.boot) {
                self.tell(Msg::Woke);
                self.tell(Msg::Drawn);
            }
        }
    }

    /// Presses a key, named as in a keymap.
    ///
    /// # Panics
    /// The name is no key's: a mistake in the script.
    pub fn press(&mut self, key: &str) {
        let key: Key = key.parse().unwrap_or_else(|error| panic!("{error}"));
        self.tell(Msg::Key(key));
    }

    /// Types text, a key at a time.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.tell(Msg::Key(Key::char(c)));
        }
    }

    /// Makes the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.area = Rect::new(0, 0, columns, rows);
        self.tell(Msg::Resized { columns, rows });
    }

    /// What a terminal shows now.
    #[must_use]
    pub fn screen(&self) -> Buffer {
        let mut buffer = Buffer::empty(self.area);
        self.app.render(self.area, &mut buffer);
        buffer
    }

    /// Everything in a journal, oldest first.
    #[must_use]
    pub fn journal(&self, id: &JournalId) -> &[Entry] {
        self.journals.get(id).map_or(&[], Vec::as_slice)
    }

    /// Hands the app a message of the present, and carries out what it asks for.
    pub fn tell(&mut self, msg: Msg) {
        let effects = self.app.update(self.now, msg);
        self.carry_out(effects);
    }

    /// The same at a later moment, with nothing in between: the machine slept, or its clock was set.
    pub fn tell_at(&mut self, at: At, msg: Msg) {
        self.now = at;
        self.tell(msg);
    }

    /// From now on the terminal does not say by itself that it shows what it was given.
    pub fn hold_painted(&mut self) {
        self.paints = false;
    }

    /// The polls of the past, as the demo's back-fill brings them.
    fn live_past(&mut self) {
        for poll in &mut self.polls {
            let Some(request) = request_of(&poll.source, &poll.cursor) else { continue };
            let request = request.at_port(poll.port);
            let Some(cast) = self.casts.get(poll.cast) else { continue };
            let step = i64::try_from(poll.source.interval().as_millis()).unwrap_or(i64::MAX);
            for past in cast.play.history(self.now.wall.0, &request, step) {
                let reply = past.reply(self.now, Duration::from_millis(10));
                let batch = poll.source.decode(&mut poll.cursor, &reply);
                drop(self.app.update(self.now, Msg::Polled(Arc::new(batch))));
                // Nobody looks yet: no single poll of the past is worth a look at everything.
                drop(self.app.update(self.now, Msg::Drawn));
            }
        }
    }

    fn poll(&mut self) {
        let mut batches = Vec::new();
        for poll in self.polls.iter_mut().filter(|poll| poll.due <= self.now.boot) {
            poll.due = self.now.boot.plus(poll.source.interval());
            let Some(cast) = self.casts.get_mut(poll.cast) else { continue };
            cast.play.advance(self.now.wall.0);
            let batch = match read(&mut cast.play, poll.port, &self.played, self.now, &poll.source, &poll.cursor) {
                Ok((answer, took)) => poll.source.decode(&mut poll.cursor, &Reply { answer, sent: self.now, took }),
                Err(failure) => poll.source.failed(&mut poll.cursor, failure, self.now, Duration::ZERO),
            };
            batches.push(batch);
        }
        for batch in batches {
            self.tell(Msg::Polled(Arc::new(batch)));
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.asked.push(effect.clone());
            match effect {
                Effect::Append { journal, record, after: _ } => self.append(journal, *record),
                Effect::Load { theme, keymap, rules } => {
                    let read = Loader::default().load(theme.as_deref(), keymap.as_deref(), &rules);
                    self.tell(Msg::Reloaded(Box::new(read)));
                }
                Effect::Arm { place } => {
                    let answer = ArmAnswer::Ready { host_proof: Ok(played_proof(&place.unit)), mortal: None };
                    self.tell(Msg::ArmAnswered { target: place.target, answer });
                }
                Effect::Prepare { run, step, place, acts, way_back } => {
                    let resolve = |plans: &[crate::runbook::tree::ActPlan]| {
                        plans.iter().map(|plan| resolved(&place, plan)).collect::<Result<Vec<Exec>, String>>()
                    };
                    let (acts, way_back) = match (resolve(&acts), resolve(&way_back)) {
                        (Ok(acts), Ok(way_back)) => (acts, way_back),
                        (Err(why), _) | (_, Err(why)) => {
                            self.tell(Msg::Prepared { run, step, answer: Box::new(PrepareAnswer::Refused { why }) });
                            continue;
                        }
                    };
                    let answer = PrepareAnswer::Ready {
                        acts,
                        way_back,
                        host_proof: Ok(played_proof(&place.unit)),
                        privilege_proof: "directly, as ops".to_owned(),
                        code: CODE.to_owned(),
                    };
                    self.tell(Msg::Prepared { run, step, answer: Box::new(answer) });
                }
                Effect::Commit { run, record, hash, after: _ } => {
                    self.append(JournalId::Run(run.clone()), (*record).clone());
                    if let Record::Confirmed { step, sequence, .. } = *record {
                        self.start_runner(run.clone(), step, *sequence, hash);
                    }
                    self.tell(Msg::Committed { run, failed: None });
                }
                Effect::Evaluate { number, task: _ } => {
                    self.tell(Msg::Evaluated { number, found: Unwritten::default() });
                }
                Effect::AskPainted if self.paints => self.tell(Msg::Painted),
                Effect::Collect { run, step, bundle } => {
                    let files = bundle.parts.iter().map(|part| part.name.clone()).collect();
                    let path = format!("/run/opsconsole-demo/state/runs/{run}/evidence-{step}.tar");
                    let left_out = Vec::new();
                    let archive = Archive { path, bytes: 10_240, sha256: Digest::of(b"played"), files, left_out };
                    self.tell(Msg::Collected { run, step, outcome: Box::new(Ok(archive)) });
                }
                Effect::Demo { order, .. } => {
                    let answer = Ok(self.demo(&order));
                    self.tell(Msg::DemoTold { order, answer });
                }
                Effect::FetchNow { source } => {
                    let asked = self.polls.iter_mut().filter(|poll| poll.source.bound.id == source);
                    asked.for_each(|poll| poll.due = self.now.boot);
                }
                Effect::Copy(text) => self.tell(Msg::Copied(Ok(Copied::of(&text, None)))),
                Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::AskPainted
                | Effect::Bell
                | Effect::KeepAlerts(_)
                | Effect::Backfill(_)
                | Effect::Inquire { .. }
                | Effect::KeepMinutes { .. }
                | Effect::Disarm { .. }
                | Effect::Follow { .. } => {}
            }
        }
    }

    /// Does what the menu of the console asks for, and tells every fault, as the control port does.
    fn demo(&mut self, order: &DemoOrder) -> Vec<FaultState> {
        match order {
            DemoOrder::Tell => {}
            DemoOrder::Switch { system, name, on } => self.fault_of(system, name, *on),
            DemoOrder::Cure { system } => {
                let all = self.faults().into_iter();
                let of = |fault: &FaultState| fault.on && system.as_ref().is_none_or(|of| *of == fault.system);
                let names: Vec<_> = all.filter(of).map(|fault| (fault.system, fault.name)).collect();
                names.iter().for_each(|(system, name)| self.fault_of(system, name, false));
            }
            DemoOrder::TellOn => return self.faults().into_iter().filter(|fault| fault.on).collect(),
        }
        self.faults()
    }

    /// Everything that can go wrong with what is rehearsed.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultState> {
        self.casts.iter().flat_map(|cast| cast.play.faults(cast.simulation.system.as_str())).collect()
    }

    fn append(&mut self, journal: JournalId, record: Record) {
        let entries = self.journals.entry(journal.clone()).or_default();
        let entry = Entry {
            seq: entries.len() as u64 + 1,
            prev: entries.last().map_or_else(Digest::zero, |last| last.hash.clone()),
            at: self.now,
            boot_id: "rehearsal".to_owned(),
            actor: self.app.model().console.actor.clone(),
            record,
            hash: Digest::of(&(entries.len() as u64).to_le_bytes()),
        };
        entries.push(entry.clone());
        self.tell(Msg::Journalled { journal, entry: Box::new(entry), more: false });
    }
}

/// The system that a source asks, and the number of the port.
fn place_of(casts: &[Cast], source: &Source) -> (usize, usize) {
    let is = |cast: &Cast| cast.simulation.target_id() == source.bound.target;
    let Some(at) = casts.iter().position(is) else { return (0, 0) };
    let node = source.bound.labels.get("node");
    let endpoint = source.bound.spec.endpoint.as_str();
    let addresses = casts[at].simulation.addresses();
    let port = addresses.iter().find(|address| address.node == node && address.endpoint == endpoint);
    (at, port.map_or(0, |address| address.port))
}

/// What a read brings now, and how long it takes.
fn read(
    play: &mut Play,
    port: usize,
    played: &Played,
    now: At,
    source: &Source,
    cursor: &Cursor,
) -> Result<(Answer, Duration), FetchFailure> {
    let fetch = source.fetch(cursor)?;
    let Fetch::Http(request) = &fetch else {
        return Ok((machine::answer(play, port, played, now, &fetch)?, Duration::from_millis(5)));
    };
    let asked = Request::of(request).at_port(port);
    let (answer, delivery) = play.answer(now.wall.0, &asked);
    let (limit_bytes, after) = (request.limit_bytes, request.timeout);
    let too_late = |received_bytes| Err(FetchFailure::Timeout { after, received_bytes });
    if !play.listening(port) {
        return Err(FetchFailure::Refused);
    }
    match delivery {
        Delivery::Refused => return Err(FetchFailure::Refused),
        Delivery::Slow => return too_late(0),
        // The head and a byte each second.
        Delivery::Dripping => return too_late(after.as_secs()),
        Delivery::Truncated => return Err(FetchFailure::Closed),
        Delivery::Huge => return Err(FetchFailure::TooLarge { limit_bytes }),
        Delivery::Whole => {}
    }
    let took = Duration::from_millis(answer.takes_millis);
    if took > after {
        return too_late(0);
    }
    let http = HttpAnswer {
        status: answer.status,
        content_type: answer.content_type.into_owned(),
        date: Some(Wall(answer.date_millis)),
        body: answer.body.into_bytes(),
    };
    Ok((Answer::Http(http), took))
}

/// The request of a read over HTTP; nothing where it is another kind of read.
fn request_of(source: &Source, cursor: &Cursor) -> Option<Request> {
    match source.fetch(cursor) {
        Ok(Fetch::Http(request)) => Some(Request::of(&request)),
        Ok(Fetch::Tcp(_) | Fetch::File(_) | Fetch::FileSystem(_) | Fetch::Command(_)) | Err(_) => None,
    }
}

/// What a rehearsed console on the chain that is written by hand is made of, before anything happened.
#[must_use]
pub fn setup(columns: u16, rows: u16) -> Setup {
    setup_of(&[Simulation::by_hand()], columns, rows)
}

fn setup_of(systems: &[Simulation], columns: u16, rows: u16) -> Setup {
    let mut next = 3001;
    let target = |simulation: &Simulation| {
        let urls: Vec<String> =
            (0..simulation.ports()).map(|port| format!("http://127.0.0.1:{}", next + port)).collect();
        // The one after the first is the control port, whatever is rehearsed.
        next = (next + simulation.ports()).max(3003);
        let mut target = simulation.target(&urls, FOLDER, "http://127.0.0.1:3002");
        // No secret is in a file here.
        for secret in target.secrets.values_mut() {
            *secret = SecretRef::Env("VOLCHAIN_ADMIN_SECRET".to_owned());
        }
        target
    };
    let targets: Vec<TargetSpec> = systems.iter().map(target).collect();
    let named = |files: &[(&str, &str)]| {
        files.first().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).unwrap_or_default()
    };
    Setup {
        config: ConfigSpec { targets, ..ConfigSpec::default() },
        systems: systems::embedded(),
        theme: named(theme::EMBEDDED),
        keymap: named(keymap::EMBEDDED),
        minutes: std::collections::BTreeMap::new(),
        themes: theme::EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect(),
        keymaps: keymap::EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect(),
        depth: Depth::Full,
        ascii: false,
        console: Console {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            actor: Actor { process: "opsconsole[4200]".to_owned(), user: "ops".to_owned(), ..Actor::default() },
            demo: true,
            state_root: "/run/opsconsole-demo/state".to_owned(),
            shared_state: false,
            nothing_found: Vec::new(),
        },
        rules: Vec::new(),
        remembered: None,
        boot_id: "rehearsal".to_owned(),
        nonce: "0001".to_owned(),
        columns,
        rows,
        banners: Vec::new(),
        wanted: None,
    }
}
