//! Runs of steps that people do, with the console killed under their hands.

use std::time::{Duration, Instant};

use opsconsole::base::{ActId, Digest, Provenance};
use opsconsole::runbook::Record;
use opsconsole::runbook::tree::{Accepts, CollectPlan, InputPlan, ItemPlan, ManualPlan, ReadingPlan, Task};

use super::site::{Node, Site};
use super::{PATIENCE, drawn, sequences};
use crate::terminal::Console;

/// Consoles that are killed in one run.
const KILLS: u64 = 4;
const NOTE: &str = "looked at it by hand";
const ANSWER: &str = "node-7";

fn steps() -> Vec<opsconsole::runbook::Step> {
    let item = |id: &str| ItemPlan { id: id.into(), text: format!("item {id}"), provenance: Provenance::default() };
    let reading =
        ReadingPlan { label: "height".to_owned(), expr: "height".to_owned(), unit: opsconsole::base::Unit::Count };
    let input = InputPlan { name: "which".to_owned(), asks: "which node".to_owned(), accepts: Accepts::Text };
    let manual = ManualPlan { what: "look at it".to_owned(), command: Vec::new() };
    let collect = CollectPlan { readings: vec![reading], documents: Vec::new(), log_lines: 10 };
    vec![
        sequences::step("look", "looking by hand", Task::ByHand(manual)),
        sequences::step("list", "a short list", Task::Tick(vec![item("one"), item("two")])),
        sequences::step("which", "asking for a node", Task::Ask(input)),
        sequences::step("keep", "keeping evidence", Task::Collect(collect)),
        sequences::step("found", "concluding", Task::Conclude("it was {which}".to_owned())),
    ]
}

/// A person at a console that is killed now and then.
struct Person<'a> {
    site: &'a Site,
    console: Console,
    killed_at: Vec<Instant>,
    patience: Instant,
}

/// The console under the person's hands is another one now: what was begun has to be begun again.
struct Killed;

impl Person<'_> {
    /// Waits for something, and is interrupted when the console is killed.
    fn until(&mut self, mut done: impl FnMut(&Person<'_>) -> bool) -> Result<(), Killed> {
        let give_up = Instant::now() + Duration::from_secs(10);
        while !done(self) {
            if self.killed_at.first().is_some_and(|moment| Instant::now() >= *moment) {
                self.killed_at.remove(0);
                // It may have been its last moment anyhow.
                let _ = self.console.child.kill();
                self.console = self.site.console();
                return Err(Killed);
            }
            if Instant::now() > give_up || Instant::now() > self.patience {
                // What stands open is left, and the step looked at anew.
                self.console.type_text("\u{1b}");
                return Err(Killed);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn sees(&mut self, words: &str) -> Result<(), Killed> {
        self.until(|person| person.console.screen().contains(words))
    }

    /// Opens the form of this title, and says this in it.
    fn says(&mut self, form: &str, words: &str) -> Result<(), Killed> {
        self.console.type_text("\r");
        self.sees(form)?;
        self.console.type_text(words);
        self.sees(words)?;
        self.console.type_text("\r");
        Ok(())
    }

    /// Does what the step asks for; returns when the journal has it.
    fn does(&mut self, step: &str) -> Result<(), Killed> {
        self.console.type_text("4");
        let before = self.site.records().len();
        match step {
            "look" => {
                self.sees("looking by hand")?;
                self.says("done by hand:", NOTE)?;
            }
            "list" => {
                self.sees("item one")?;
                self.console.type_text(" ");
            }
            "which" => {
                self.sees("asking for a node")?;
                self.says("it stands for", ANSWER)?;
            }
            "keep" => {}
            _ => {
                self.sees("concluding")?;
                self.console.type_text("\r");
            }
        }
        self.until(|person| person.site.records().len() > before)
    }
}

pub fn play(seed: u64, node: &Node) -> Result<String, String> {
    let site = Site::opened(&sequences::runbook(steps()), seed, node);
    let begun = Instant::now();
    let mut at = 0;
    let moments = (0..KILLS).map(|kill| {
        at += 50 + drawn(seed.wrapping_add(kill << 32)) % 400;
        begun + Duration::from_millis(at)
    });
    let killed_at = moments.collect();
    let mut person = Person { site: &site, console: site.console(), killed_at, patience: begun + PATIENCE };
    while let Some(step) = site.folded().current().map(|step| step.id.to_string()) {
        if Instant::now() > person.patience {
            return Err(format!("the run does not get beyond {step}:\n{}", person.console.screen()));
        }
        // A step that was interrupted is begun again.
        let _done = person.does(&step).is_ok();
    }
    let killed = KILLS - person.killed_at.len() as u64;
    check(&site)?;
    site.journals_are_whole()?;
    site.keeps_no_secret()?;
    Ok(format!("done, {killed} consoles later"))
}

/// Everything was said once, and is kept as it was said.
fn check(site: &Site) -> Result<(), String> {
    let records = site.records();
    let once = |what: &str, is: &dyn Fn(&Record) -> bool| match records.iter().filter(|record| is(record)).count() {
        1 => Ok(()),
        times => Err(format!("{what} is there {times} times")),
    };
    once(
        "what was done by hand",
        &|record| matches!(record, Record::DidByHand { done: true, note, .. } if note == NOTE),
    )?;
    for item in ["one", "two"].map(ActId::new) {
        once("a tick", &|record| matches!(record, Record::Ticked { item: ticked, .. } if *ticked == item))?;
    }
    once("the answer", &|record| matches!(record, Record::Answered { value, .. } if value == ANSWER))?;
    once(
        "the conclusion",
        &|record| matches!(record, Record::Concluded { finding, .. } if finding == "it was node-7"),
    )?;
    once("the evidence", &|record| matches!(record, Record::Collected { .. }))?;
    for record in &records {
        if let Record::Collected { archive, .. } = record {
            let bytes = std::fs::read(&archive.path).map_err(|error| format!("{}: {error}", archive.path))?;
            if Digest::of(&bytes) != archive.sha256 {
                return Err("the archive is not the one that was journalled".to_owned());
            }
            if !String::from_utf8_lossy(&bytes).contains("[masked]") {
                return Err("the archive does not hold what the node said of its secret".to_owned());
            }
        }
    }
    Ok(())
}
