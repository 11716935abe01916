//! Differential: the same samples and the same questions, to our engine as Prometheus 2 and to a real Prometheus 2.42.
//!
//! `PROMQL_QUERIES` says how many questions are asked, 2000 without it, and `PROMQL_SEED` from which seed. The seed of
//! every question is printed with a difference: it alone with one question asks it again. `PROMQL_ASK` asks what it
//! says, at `PROMQL_AT` in seconds since 1970, and prints both answers.

mod answer;
mod coverage;
mod known;
mod queries;
mod rng;
mod samples;
pub mod server;

use std::collections::BTreeMap;
use std::time::Instant;

use opsconsole::model::Store;

use crate::has;
use answer::{Answer, Question, Refusal, When, difference, ours, theirs};
use queries::Generator;
use server::{Connection, Prometheus};

/// The samples are always the same ones, unless `PROMQL_SAMPLES` says from which seed.
const SAMPLES_SEED: u64 = 42;
/// Questions that a run asks unless it is told otherwise, and from which seed.
const QUESTIONS: u64 = 2000;
const SEED: u64 = 1;
/// Questions are asked in so many threads.
const THREADS: u64 = 2;
/// Differences that are printed in full.
const PRINTED: usize = 40;

/// What came of the questions of one thread.
#[derive(Default)]
struct Tally {
    asked: u64,
    ranges: u64,
    errors: u64,
    empty: u64,
    known: BTreeMap<&'static str, u64>,
    constructs: BTreeMap<&'static str, u64>,
    differences: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.asked += other.asked;
        self.ranges += other.ranges;
        self.errors += other.errors;
        self.empty += other.empty;
        other.known.into_iter().for_each(|(name, count)| *self.known.entry(name).or_default() += count);
        let constructs = other.constructs.into_iter();
        constructs.for_each(|(construct, count)| *self.constructs.entry(construct).or_default() += count);
        self.differences.extend(other.differences);
    }

    fn ask(&mut self, seed: u64, question: &Question, store: &Store, prometheus: &mut Connection) {
        let (ours, theirs) = (ours(store, question), theirs(prometheus, question));
        self.asked += 1;
        self.ranges += u64::from(matches!(question.when, When::Steps { .. }));
        match &theirs {
            Answer::Error(_) => self.errors += 1,
            Answer::Vector(series) if series.is_empty() => self.empty += 1,
            Answer::Matrix(series) if series.is_empty() => self.empty += 1,
            Answer::Vector(_) | Answer::Matrix(_) | Answer::Scalar(_) => {}
        }
        coverage::of(question).into_iter().for_each(|construct| *self.constructs.entry(construct).or_default() += 1);
        let Some(what) = difference(&ours, &theirs, question.ordered) else { return };
        match known::class(question, &ours, &theirs) {
            Some(class) => *self.known.entry(class.name).or_default() += 1,
            None => self.differences.push(format!(
                "seed {seed}: {}\n  {:?}\n  {what}\n  ours:   {}\n  theirs: {}",
                question.text,
                question.when,
                short(&ours),
                short(&theirs)
            )),
        }
    }
}

fn short(answer: &Answer) -> String {
    let text = match answer {
        Answer::Vector(series) => {
            let lines: Vec<String> = series.iter().map(|(labels, value)| format!("{labels} {value}")).collect();
            format!("{} series: {}", lines.len(), lines.join(", "))
        }
        Answer::Matrix(series) => {
            let lines: Vec<String> = series.iter().map(|(labels, samples)| format!("{labels} {samples:?}")).collect();
            format!("{} series: {}", lines.len(), lines.join(", "))
        }
        Answer::Scalar(value) => value.to_string(),
        Answer::Error(Refusal::Unsupported(what)) => format!("refused: {what}"),
        Answer::Error(Refusal::Failed(what)) => format!("error: {what}"),
    };
    text.chars().take(600).collect()
}

/// A number from the environment.
fn set(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => otherwise,
    }
}

#[test]
fn answers_are_those_of_prometheus_2() {
    if !has("prometheus") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let of_samples = set("PROMQL_SAMPLES", SAMPLES_SEED);
    let sources = samples::generate(of_samples);
    let (store, times) = (samples::store(&sources), samples::times(&sources));
    let prometheus = Prometheus::start(folder.path(), crate::free_port());
    prometheus.load(samples::series(&sources).iter(), 300_000);
    if let Ok(text) = std::env::var("PROMQL_ASK") {
        let when = When::At((set("PROMQL_AT", 1_600_002_000) * 1000) as i64);
        let question = Question { text, when, ordered: false };
        let mut connection = prometheus.connect();
        println!("ours:   {}\ntheirs: {}", short(&ours(&store, &question)), short(&theirs(&mut connection, &question)));
        return;
    }
    let (count, seed) = (set("PROMQL_QUERIES", QUESTIONS), set("PROMQL_SEED", SEED));
    println!("{count} questions from seed {seed}, over the samples of seed {of_samples}");
    let since = Instant::now();
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (store, times, prometheus) = (&store, &times, &prometheus);
                scope.spawn(move || {
                    let mut connection = prometheus.connect();
                    let mut tally = Tally::default();
                    for seed in (seed..seed + count).filter(|seed| seed % THREADS == thread) {
                        let question = Generator::new(seed, times).question();
                        tally.ask(seed, &question, store, &mut connection);
                    }
                    tally
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| tally.add(thread.join().expect("a thread that ends")));
    });
    report(&tally, since.elapsed().as_secs_f64());
}

/// Prints what came of it, and fails on a difference of no known class, or where something was never asked for.
fn report(tally: &Tally, seconds: f64) {
    let (asked, found) = (tally.asked, tally.differences.len());
    println!(
        "{asked} questions in {seconds:.1} s: {} over a range, {} with an empty answer, {} with an error of Prometheus",
        tally.ranges, tally.empty, tally.errors
    );
    for known in known::KNOWN {
        println!("{} of the class {:?}: {}", tally.known.get(known.name).unwrap_or(&0), known.name, known.reason);
    }
    let count = |construct: &str| tally.constructs.get(construct).copied().unwrap_or(0);
    let constructs: Vec<&str> = coverage::all().collect();
    println!("how many questions have each construct:");
    for row in constructs.chunks(4) {
        let cells: Vec<String> =
            row.iter().map(|construct| format!("{construct:<24} {:>6}", count(construct))).collect();
        println!("  {}", cells.join("   "));
    }
    let never: Vec<&str> = constructs.into_iter().filter(|construct| count(construct) == 0).collect();
    tally.differences.iter().take(PRINTED).for_each(|difference| println!("{difference}"));
    println!("{found} differences");
    assert!(found == 0, "{found} of {asked} questions have another answer");
    assert!(asked < QUESTIONS || never.is_empty(), "never asked for: {never:?}");
}
