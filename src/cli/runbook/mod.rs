//! `opsconsole runbook lint|list|show|plan`: runbooks, judged and shown without running anything; `run` opens one.
//!
//! Each function answers with the text to print and the exit code: 0 well, 1 something found, 2 asked for what is
//! not there.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Result, bail};

use super::{Common, load};
use crate::base::Severity;
use crate::base::problem::nearest;
use crate::base::text::{self, count};
use crate::config::{ConfigSpec, TargetSpec};
use crate::runbook::lint::{Finding, Known};
use crate::runbook::page::Page;
use crate::runbook::plan::{Ground, Plan};
use crate::runbook::{Runbook, lint};
use crate::systems::System;

mod walk;

#[derive(Debug, Args)]
pub struct RunbookArgs {
    #[command(subcommand)]
    command: RunbookCommand,
}

#[derive(Debug, Subcommand)]
enum RunbookCommand {
    /// Find dead ends, alerts without a runbook, acts without verification
    Lint {
        /// The systems whose runbooks are looked at; all of them by default
        systems: Vec<String>,
    },
    /// List the runbooks
    List,
    /// Show a runbook with its document beside it
    Show {
        /// Its name, such as stale-blocks, or with its system before it
        runbook: String,
    },
    /// Print exactly what a runbook would run on a configured target
    Plan {
        /// Its name, or with its system before it
        runbook: String,
        /// The target; the only one of its system where it is not named
        #[arg(long)]
        target: Option<String>,
    },
    /// Run a runbook: in the console, or without a terminal up to what is for a person to decide
    #[command(long_about = walk::LONG_ABOUT)]
    Run(walk::RunArgs),
}

/// Prints what was asked for.
///
/// # Errors
/// A mistake in a system's files, or no target to plan for.
pub fn run(common: &Common, args: &RunbookArgs) -> Result<ExitCode> {
    let systems = load::all_systems()?;
    let output = match &args.command {
        RunbookCommand::Lint { systems: named } => lint(&only(systems, named)?),
        RunbookCommand::List => list(&systems),
        RunbookCommand::Show { runbook } => show(&systems, runbook),
        RunbookCommand::Plan { runbook, target } => {
            let config = load::targets(common)?.config;
            plan(&systems, meant(&systems, &config, runbook, target.as_deref())?, runbook)
        }
        RunbookCommand::Run(args) => return walk::run(common, args, &systems),
    };
    say!("{}", output.text);
    Ok(ExitCode::from(output.code))
}

/// Of these systems those that are named; all where none is.
fn only(systems: Vec<Arc<System>>, named: &[String]) -> Result<Vec<Arc<System>>> {
    let known: Vec<&str> = systems.iter().map(|system| system.id.as_str()).collect();
    if let Some(unknown) = named.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no system {unknown}; there are: {}", known.join(", "));
    }
    let is_named = |system: &Arc<System>| named.is_empty() || named.iter().any(|name| name == system.id.as_str());
    Ok(systems.into_iter().filter(is_named).collect())
}

/// The target that is meant: the named one, or the only one of the runbook's system.
fn meant<'a>(
    systems: &[Arc<System>],
    config: &'a ConfigSpec,
    runbook: &str,
    target: Option<&str>,
) -> Result<&'a TargetSpec> {
    // A runbook that there is none of is told where it is looked for.
    let system = find(systems, runbook).map(|(system, _)| system.id.clone()).ok();
    let fits = |spec: &&TargetSpec| match target {
        Some(id) => spec.id.as_str() == id,
        None => system.as_ref().is_none_or(|system| spec.system == *system),
    };
    match config.targets.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [target] => Ok(target),
        [] => bail!("no configured target fits; name one with --target"),
        [_, _, ..] => bail!("several targets fit; name one with --target"),
    }
}

/// What to print, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub text: String,
    pub code: u8,
}

const WELL: u8 = 0;
const FOUND: u8 = 1;
const NOT_THERE: u8 = 2;

/// Judges the runbooks of every system. Remarks alone do not fail.
#[must_use]
pub fn lint(systems: &[Arc<System>]) -> Output {
    let mut page = Page::default();
    let (mut runbooks, mut failing) = (0, 0);
    for system in systems {
        runbooks += system.runbooks.len();
        for finding in findings(system) {
            failing += usize::from(finding.severity > Severity::Info);
            write_finding(system, &finding, &mut page);
        }
    }
    page.blank();
    page.line(
        0,
        &format!("{} of {}: {failing} to put right", count(runbooks, "runbook"), count(systems.len(), "system")),
    );
    Output { text: page.finish(), code: if failing == 0 { WELL } else { FOUND } }
}

/// What is found in one system's runbooks.
#[must_use]
pub fn findings(system: &System) -> Vec<Finding> {
    let rules = system.rules.alerts();
    let alerts: Vec<(String, Option<String>)> = rules
        .map(|rule| {
            let named = rule.runbook().map(|named| named.strip_suffix(".ron").unwrap_or(named).to_owned());
            (rule.name.clone(), named)
        })
        .collect();
    let series = declared(system);
    let settings = system.spec.settings.iter().map(|setting| setting.name.clone()).collect();
    let secrets = system.spec.secrets.iter().map(|secret| secret.name.clone()).collect();
    let known = Known { alerts: &alerts, series: series.as_ref(), settings: &settings, secrets: &secrets };
    lint::lint(&system.runbooks, &known)
}

/// Every series of the system's sources; nothing where one of them gives whatever the node exposes.
fn declared(system: &System) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for source in &system.spec.sources {
        names.extend(source.kind.names()?);
        names.extend(source.kind.verdict().map(str::to_owned));
    }
    Some(names)
}

fn write_finding(system: &System, finding: &Finding, page: &mut Page) {
    let mut place = match &finding.runbook {
        Some(runbook) => runbook.to_string(),
        None => system.id.to_string(),
    };
    if let Some(step) = &finding.step {
        place.push_str(&format!(", step {step}"));
    }
    page.line(0, &format!("{}: {place}: {}", finding.severity.word(), finding.what));
    page.line(2, &finding.fix);
}

/// Shows a runbook: its steps, its commands, and what its document says.
#[must_use]
pub fn show(systems: &[Arc<System>], id: &str) -> Output {
    match find(systems, id) {
        Ok((_, runbook)) => Output { text: Plan::of(runbook).text(), code: WELL },
        Err(output) => output,
    }
}

/// Shows exactly what a runbook would do on a target. Fails where a sequence could not be sealed there.
#[must_use]
pub fn plan(systems: &[Arc<System>], target: &TargetSpec, id: &str) -> Output {
    match plan_on(systems, target, id) {
        Ok(plan) => Output { text: plan.text(), code: if plan.open.is_empty() { WELL } else { FOUND } },
        Err(output) => output,
    }
}

/// The plan itself, for `--json`.
///
/// # Errors
/// There is no such runbook, or it belongs to another system than the target's.
pub fn plan_on(systems: &[Arc<System>], target: &TargetSpec, id: &str) -> Result<Plan, Output> {
    let (system, runbook) = find(systems, id)?;
    if system.id != target.system {
        let mut page = Page::default();
        let (of, on) = (&system.id, &target.system);
        page.line(0, &format!("{} is a runbook of {of}, and {} is a target of {on}", runbook.id, target.id));
        return Err(Output { text: page.finish(), code: NOT_THERE });
    }
    let (settings, base_url) = (&system.spec.settings_text(&target.settings), target.acting_url());
    Ok(Plan::on(runbook, &Ground { target: target.id.as_str(), settings, base_url, secrets: &target.secrets }))
}

/// Every runbook, and what opens it.
#[must_use]
pub fn list(systems: &[Arc<System>]) -> Output {
    let mut page = Page::default();
    for runbook in systems.iter().flat_map(|system| &system.runbooks) {
        page.line(0, &format!("{}: {} ({})", runbook.id, runbook.title, runbook.severity.word()));
        page.line(2, &runbook.summary);
        match &runbook.by_hand {
            _ if !runbook.alerts.is_empty() => page.field(2, "opened by", &runbook.alerts.join(", ")),
            Some(when) => page.field(2, "by hand", when),
            None => {}
        }
    }
    Output { text: page.finish(), code: WELL }
}

/// The runbook with this id, or with this file name where only one system has it.
fn find<'a>(systems: &'a [Arc<System>], id: &str) -> Result<(&'a System, &'a Runbook), Output> {
    let all = || systems.iter().flat_map(|system| system.runbooks.iter().map(move |book| (&**system, &**book)));
    let named = |book: &Runbook| book.id.as_str().rsplit('/').next() == Some(id);
    if let Some(found) = all().find(|(_, book)| book.id.as_str() == id) {
        return Ok(found);
    }
    let by_name: Vec<_> = all().filter(|(_, book)| named(book)).collect();
    if let [found] = by_name[..] {
        return Ok(found);
    }
    let mut page = Page::default();
    let said = if by_name.is_empty() { "there is no runbook" } else { "several systems have a runbook" };
    page.line(0, &format!("{said} {}", text::escaped(id)));
    let ids: Vec<&str> = all().map(|(_, book)| book.id.as_str()).collect();
    let names = ids.iter().flat_map(|full| [Some(*full), full.rsplit('/').next()]).flatten();
    match nearest(id, names) {
        Some(meant) if by_name.is_empty() => page.line(0, &format!("did you mean {meant}?")),
        Some(_) | None => page.line(0, &format!("there are: {}", ids.join(", "))),
    }
    Err(Output { text: page.finish(), code: NOT_THERE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::RuleFile;
    use crate::base::{Provenance, SystemId};
    use crate::config::ConfigSpec;
    use crate::runbook::tree::{ReadingPlan, Step, Task};
    use crate::steps::book;
    use std::collections::BTreeMap;

    use crate::base::ron_text;
    use crate::systems::{self, SystemSpec};

    const SYSTEM: &str = r#"(
        title: "t", summary: "s", endpoints: [(id: "api", job: "j", default_port: 1)], allowed_reads: [],
        settings: [(name: "unit", help: "h", value: Text("node")), (name: "n", help: "h", value: Number(2.5))],
        sources: [(id: "health", endpoint: "api", interval_seconds: 5, timeout_seconds: 2, limit_bytes: 9,
            kind: HttpJson((path: "/", series: [(name: "age", help: "h", extract: [])])))],
    )"#;

    fn runbook(id: &str, expr: &str) -> Arc<Runbook> {
        let reading = ReadingPlan { label: "age".to_owned(), expr: expr.to_owned(), unit: Default::default() };
        let step = |id: &str, task| {
            let (id, title) = (id.into(), id.to_owned());
            Step { id, title, task, only_after: None, provenance: Provenance::default() }
        };
        Arc::new(Runbook {
            id: id.into(),
            system: "sys".into(),
            title: "stale blocks".to_owned(),
            severity: Severity::Critical,
            alerts: Vec::new(),
            by_hand: None,
            summary: "nothing new".to_owned(),
            symptoms: Vec::new(),
            panels: Vec::new(),
            steps: vec![step("look", Task::Observe(vec![reading])), step("end", Task::Conclude("well".to_owned()))],
            provenance: Provenance::default(),
        })
    }

    fn system(id: &str, runbooks: Vec<Arc<Runbook>>) -> Arc<System> {
        let spec: SystemSpec = ron_text::parse("system.ron", SYSTEM).expect("a system");
        Arc::new(System { id: SystemId::new(id), spec, rules: RuleFile::empty("alerts.yml"), runbooks })
    }

    fn target(system: &str) -> TargetSpec {
        let text = format!(
            r#"(targets: [(id: "here", system: "{system}", environment: Demo, nodes: [], settings: {{"unit": Text("other")}})])"#
        );
        ConfigSpec::parse("targets.ron", &text).expect("a target").targets.remove(0)
    }

    #[test]
    fn runbooks_are_found_by_id_or_by_name() {
        let systems = [
            system("sys", vec![runbook("sys/stale", "age"), runbook("sys/both", "age")]),
            system("two", vec![runbook("two/both", "age")]),
        ];
        let check = |id: &str, code: u8, want: &str| {
            let output = show(&systems, id);
            assert_eq!(output.code, code, "{}", output.text);
            assert!(output.text.contains(want), "{}", output.text);
        };
        check("sys/stale", 0, "stale blocks (sys/stale), critical");
        check("stale", 0, "read          age: age");
        check("pruning", 2, "there is no runbook pruning\nthere are: sys/stale, sys/both, two/both");
        check("stael", 2, "did you mean stale?");
        check("stal", 2, "did you mean stale?");
        check("both", 2, "several systems have a runbook both");
        check("\u{1b}[2J", 2, "there is no runbook \\x1b[2J");
        let all = list(&systems).text;
        assert!(all.contains("sys/stale: stale blocks (critical)\n  nothing new\n"), "{all}");
    }

    #[test]
    fn a_plan_is_for_a_target_of_the_runbooks_system() {
        let systems = [system("sys", vec![runbook("sys/stale", "age")])];
        assert_eq!(plan(&systems, &target("sys"), "stale").code, 0);
        assert!(plan(&systems, &target("sys"), "stale").text.contains("target        here"));
        let other = plan(&systems, &target("two"), "stale");
        assert_eq!(
            (other.code, other.text.as_str()),
            (2, "sys/stale is a runbook of sys, and here is a target of two\n")
        );
        let settings = systems[0].spec.settings_text(&target("sys").settings);
        assert_eq!(
            settings,
            BTreeMap::from([("n".to_owned(), "2.5".to_owned()), ("unit".to_owned(), "other".to_owned())])
        );
    }

    #[test]
    fn the_lint_fails_where_something_is_to_be_put_right() {
        let output = lint(&[system("sys", vec![runbook("sys/good", "age")])]);
        assert_eq!(output.code, 0, "{}", output.text);
        assert!(output.text.ends_with("1 runbook of 1 system: 0 to put right\n"), "{}", output.text);
        let output = lint(&[system("sys", vec![runbook("sys/bad", "agee")])]);
        assert_eq!(output.code, 1, "{}", output.text);
        assert!(output.text.starts_with("critical: sys/bad, step look: no source gives agee"), "{}", output.text);
        assert!(output.text.contains("\n  did you mean age?\n"), "{}", output.text);
    }

    #[test]
    fn the_runbooks_that_come_with_the_program_load_and_fit_the_screen() {
        let mut seen = 0;
        for (id, files) in systems::embedded() {
            for (path, text) in files.iter().filter(|(path, _)| path.starts_with("runbooks/")) {
                let runbook = book::load(&id, "name", path, text).unwrap_or_else(|problems| panic!("{problems:#?}"));
                let text = Plan::of(&runbook).text();
                assert!(text.lines().all(|line| text::width(line) <= 80), "{text}");
                seen += 1;
            }
        }
        assert!(seen > 0, "no runbook comes with the program");
    }

    #[test]
    fn nothing_in_the_systems_that_come_with_the_program_would_fail_in_an_incident() {
        for (id, files) in systems::embedded().into_iter().filter(|(_, files)| files.contains_key("system.ron")) {
            let system = System::load(&id, &files).unwrap_or_else(|problems| panic!("{problems:#?}"));
            let worst: Vec<_> =
                findings(&system).into_iter().filter(|finding| finding.severity == Severity::Critical).collect();
            assert_eq!(worst, []);
        }
    }
}
