//! Random kills: of the console, of the runner, of the act, of all of them, at any moment of runs of every kind.
//!
//! Each trial has its own state root, its own paths on a node that answers over HTTP, and its own programs, which write
//! a line to a file, so that what really ran can be counted. Whatever is killed: nothing lost, nothing twice, nothing
//! silent, no file half old and half new. Every trial is made from a seed, which is printed when it fails.

mod files;
mod people;
mod sequences;
mod site;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opsconsole::runbook::record::{Outcome, SequenceEnd};

use site::{Node, Reaped, Site};

/// A handful of each kind; the full thousand is asked for with `OPSCONSOLE_TRIALS`.
const TRIALS: usize = 5 * KINDS.len();
/// Trials under way at once: they mostly wait.
const AT_ONCE: usize = 16;
/// How long a trial may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Console,
    Runner,
    Both,
    /// The program that an act has started, with everything it started itself.
    Act,
    /// Console, runner and act, as when the machine loses its power.
    Everything,
}

/// What the run is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Two commands, verified.
    Commands,
    /// The same with a wait between them.
    Waits,
    /// The same, which cures nothing and has a way back.
    GoesBack,
    /// Destructive commands, for which the glass was broken.
    BreakGlass,
    /// Two requests to the node, with a secret.
    Requests,
    /// A file is written and the node restarted.
    DropIn,
    /// The same, which cures nothing, and the file is put back.
    DropInBack,
    /// A folder is copied, summed and verified, and an old copy removed.
    Backup,
    /// What lives is replaced by a backup.
    Recovery,
    /// The same, which cures nothing, and what lived before is put back.
    RecoveryBack,
    /// Steps that people do. Only consoles are killed: there is nothing else.
    People,
}

const KINDS: [Kind; 11] = [
    Kind::Commands,
    Kind::Waits,
    Kind::GoesBack,
    Kind::BreakGlass,
    Kind::Requests,
    Kind::DropIn,
    Kind::DropInBack,
    Kind::Backup,
    Kind::Recovery,
    Kind::RecoveryBack,
    Kind::People,
];

impl Kind {
    /// Whether its verification can not come true.
    fn goes_back(self) -> bool {
        matches!(self, Kind::GoesBack | Kind::DropInBack | Kind::RecoveryBack)
    }
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    seed: u64,
    victim: Victim,
    kind: Kind,
    after: Duration,
}

impl Trial {
    /// Seeds that follow each other go through the kinds; the rest is drawn.
    fn of(seed: u64) -> Trial {
        let index = |number: u64, of: usize| usize::try_from(number % of as u64).expect("small");
        let drawn = drawn(seed);
        let kind = KINDS[index(seed, KINDS.len())];
        let victims = [Victim::Console, Victim::Runner, Victim::Both, Victim::Act, Victim::Everything];
        let victim = match kind {
            Kind::People => Victim::Console,
            // A request has no program of its own.
            Kind::Requests => victims[index(drawn, 3)],
            _ => victims[index(drawn, victims.len())],
        };
        let span_millis = match victim {
            // While the acts run: before and after there is none to kill.
            Victim::Act | Victim::Everything => 900,
            // From before the runner began to after it ended.
            Victim::Console | Victim::Runner | Victim::Both if kind.goes_back() => 5_000,
            Victim::Console | Victim::Runner | Victim::Both => 2_600,
        };
        Trial { seed, victim, kind, after: Duration::from_millis((drawn >> 8) % span_millis) }
    }
}

/// A number that looks like chance and is always the same for a seed.
fn drawn(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

/// Waits until the sequence has an end, whoever writes it.
fn end_of(site: &Site) -> Option<SequenceEnd> {
    let patience = Instant::now() + PATIENCE;
    while Instant::now() < patience {
        if let Some(end) = site.end() {
            return Some(end);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

/// One trial: how it ended. The error says what was lost, done twice, half done or silent.
fn play(trial: Trial, node: &Node) -> Result<String, String> {
    if trial.kind == Kind::People {
        return people::play(trial.seed, node);
    }
    let site = Site::new(trial.kind, trial.seed, node);
    let mut console = site.console();
    let mut runner = Reaped(site.runner());
    std::thread::sleep(trial.after);
    if matches!(trial.victim, Victim::Act | Victim::Everything) {
        let moment = Duration::from_millis(drawn(trial.seed ^ 0xac7) % 60);
        site.kill_act(runner.0.id(), moment, trial.victim == Victim::Everything);
    }
    if matches!(trial.victim, Victim::Console | Victim::Both | Victim::Everything) {
        console.child.kill().map_err(|error| error.to_string())?;
    }
    if matches!(trial.victim, Victim::Runner | Victim::Both | Victim::Everything) {
        runner.0.kill().map_err(|error| error.to_string())?;
    }
    let _ = runner.0.wait();
    // Somebody opens a console again, and another one starts the runner again, which must find nothing to do.
    let mut again = site.console();
    let mut second = Reaped(site.runner());
    let end = end_of(&site).ok_or("the sequence never came to an end")?;
    let _ = second.0.wait();
    if matches!(end, SequenceEnd::OutcomeUnknown { .. }) {
        again.type_text("4");
        again.shows("outcome unknown");
    }
    // What a killed runner had started goes on without it, and is waited for before it is counted.
    site.acts_are_over()?;
    check(trial.kind, &site, &end)?;
    let cut_off = if files::is_cut_off(&site) { ", a file act cut off" } else { "" };
    files::check(trial.kind, &site, &end)?;
    site.journals_are_whole()?;
    site.keeps_no_secret()?;
    let end = format!("{end:?}");
    Ok(format!("{}{cut_off}", end.split([' ', '{']).next().unwrap_or_default()))
}

fn check(kind: Kind, site: &Site, end: &SequenceEnd) -> Result<(), String> {
    let run = site.folded();
    let sequence = run.steps.values().find_map(|step| step.sequence.as_ref()).ok_or("the sequence is lost")?;
    let ran = site.ran();
    if let Some((trace, times)) = ran.iter().find(|(_, times)| **times > 1) {
        return Err(format!("{trace} ran {times} times"));
    }
    let traces = site.traces();
    let intended: Vec<&str> = sequence.acts.iter().filter_map(|(act, _)| traces.get(act)?.as_deref()).collect();
    if let Some(trace) = ran.keys().find(|trace| !intended.contains(&trace.as_str())) {
        return Err(format!("{trace} ran, and has no intent"));
    }
    for (act, outcome) in &sequence.acts {
        let trace = traces.get(act).ok_or(format!("{act} is no act of the sequence"))?;
        let really = trace.as_ref().is_none_or(|trace| ran.contains_key(trace));
        if outcome.as_ref().is_some_and(Outcome::is_done) && !really {
            return Err(format!("{act} is noted as done and did not run"));
        }
        let output = sequence.outputs.iter().find(|output| output.act == *act).map_or("", |output| &output.text);
        if outcome.as_ref().is_some_and(Outcome::is_done) && trace.is_some() && !output.contains("[masked]") {
            return Err(format!("{act} told a secret, and what is kept of it is {output:?}"));
        }
    }
    let unfinished = sequence.acts.iter().any(|(_, outcome)| outcome.is_none());
    let count = |acts: &[opsconsole::runbook::seal::SealedAct]| {
        acts.iter().filter(|act| traces.get(&act.id).is_some_and(Option::is_some)).count()
    };
    let (there, back) = (count(&site.sequence.acts), count(&site.sequence.way_back));
    let told = match end {
        SequenceEnd::Verified => !unfinished && !kind.goes_back() && ran.len() == there,
        SequenceEnd::OutcomeUnknown { .. } => true,
        SequenceEnd::Refused { .. } | SequenceEnd::NeverStarted { .. } => ran.is_empty(),
        SequenceEnd::RolledBack { .. } => kind.goes_back() && !unfinished && ran.len() == there + back,
        SequenceEnd::NotCured { .. } => false,
    };
    if !told {
        return Err(format!("it ended as {end:?}, and {} acts ran, unfinished: {unfinished}", ran.len()));
    }
    Ok(())
}

#[test]
fn random_kills_lose_nothing_do_nothing_twice_and_hide_nothing() {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = given("OPSCONSOLE_SEED").unwrap_or(1);
    let trials =
        given("OPSCONSOLE_TRIALS").map_or(TRIALS, |trials| usize::try_from(trials).expect("a number of trials"));
    println!("{trials} trials from seed {seed}; OPSCONSOLE_SEED and OPSCONSOLE_TRIALS=1 run one again");
    let node = Node::serve();
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..AT_ONCE.min(trials))
        .map(|_| {
            let (next, node) = (Arc::clone(&next), node.clone());
            std::thread::spawn(move || {
                let mut ends: BTreeMap<String, usize> = BTreeMap::new();
                let mut failed = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    if index >= trials {
                        return (ends, failed);
                    }
                    let trial = Trial::of(seed + index as u64);
                    match play(trial, &node) {
                        Ok(end) => {
                            let what = format!("{:?}, {:?} killed: {end}", trial.kind, trial.victim);
                            *ends.entry(what).or_default() += 1;
                        }
                        Err(why) => {
                            let said = format!(
                                "seed {}, {:?}, {:?} killed after {:?}: {why}",
                                trial.seed, trial.kind, trial.victim, trial.after
                            );
                            println!("{said}");
                            failed.push(said);
                        }
                    }
                }
            })
        })
        .collect();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for worker in workers {
        let (more, wrong) = worker.join().expect("a worker does not panic");
        more.into_iter().for_each(|(name, count)| *ends.entry(name).or_default() += count);
        failed.extend(wrong);
    }
    println!("{ends:#?}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // A test in which nothing was ever cut short would prove nothing.
    if trials >= TRIALS {
        assert!(ends.keys().any(|name| name.contains("OutcomeUnknown")), "no kill came in the middle of an act");
        assert!(ends.keys().any(|name| name.contains("Verified")), "no sequence outlived its console");
    }
}
