//! What is measured, and what is done: series that nobody gives, verifications that prove nothing, argvs that are none.

use std::collections::BTreeSet;

use super::{Findings, Known};
use crate::base::Severity::{Critical, Info, Warning};
use crate::base::problem::nearest;
use crate::model::labels::SETTING;
use crate::promql::Expr;
use crate::runbook::tree::{
    Accepts, Act, ActPlan, Class, ConditionPlan, InputPlan, Runbook, SequencePlan, Step, Task, WayBack,
};
use crate::runbook::{argv, template};

/// Series that the console makes itself, whatever the sources give.
const OWN: [&str; 4] = ["up", SETTING, "opsconsole_scrape_duration_seconds", "opsconsole_source_up"];

pub(super) fn examine(runbook: &Runbook, known: &Known<'_>, findings: &mut Findings) {
    let symptoms = runbook.symptoms.iter().filter_map(|symptom| symptom.expr.as_ref());
    symptoms.for_each(|text| expr(text, None, known, findings));
    runbook.panels.iter().for_each(|panel| expr(&panel.expr, None, known, findings));
    let given = given(runbook);
    for (_, step) in runbook.every_step() {
        match &step.task {
            Task::Observe(readings) => {
                readings.iter().for_each(|reading| expr(&reading.expr, Some(step), known, findings));
            }
            Task::Choose(branches) => {
                branches.iter().for_each(|branch| conditions(&branch.when, step, known, findings));
            }
            Task::Watch(watch) => conditions(&watch.until, step, known, findings),
            Task::Commit(plan) => sequence(plan, step, known, &given, findings),
            Task::Ask(InputPlan { accepts: Accepts::LabelValues { expr: source, .. }, .. }) => {
                expr(source, Some(step), known, findings);
            }
            Task::Collect(plan) => {
                plan.readings.iter().for_each(|reading| expr(&reading.expr, Some(step), known, findings));
            }
            Task::Escalate(_) | Task::Conclude(_) | Task::ByHand(_) | Task::Tick(_) | Task::Ask(_) => {}
        }
    }
}

/// The names of everything that people are asked for.
fn given(runbook: &Runbook) -> BTreeSet<&str> {
    let asked = runbook.every_step().into_iter().filter_map(|(_, step)| match &step.task {
        Task::Ask(plan) => Some(plan.name.as_str()),
        Task::Observe(_)
        | Task::Choose(_)
        | Task::Watch(_)
        | Task::Commit(_)
        | Task::Escalate(_)
        | Task::Conclude(_)
        | Task::ByHand(_)
        | Task::Tick(_)
        | Task::Collect(_) => None,
    });
    asked.collect()
}

fn conditions(conditions: &[ConditionPlan], step: &Step, known: &Known<'_>, findings: &mut Findings) {
    for condition in conditions {
        expr(&condition.expr, Some(step), known, findings);
        if reads_only_settings(&condition.expr) {
            let what = format!("{} is judged by settings alone: {}", condition.means, condition.expr);
            findings.add(Warning, Some(step), what, "measure what the setting should bring about");
        }
    }
}

/// The names that an expression reads, with numbers where captured values will stand.
fn names(source: &str) -> Result<BTreeSet<String>, String> {
    let parsed = Expr::parse(&template::sampled(source)).map_err(|error| error.to_string())?;
    Ok(parsed.names().iter().map(ToString::to_string).collect())
}

fn expr(source: &str, step: Option<&Step>, known: &Known<'_>, findings: &mut Findings) {
    let names = match names(source) {
        Ok(names) => names,
        Err(error) => return findings.add(Critical, step, format!("{source}: {error}"), "write it as PromQL"),
    };
    let Some(series) = known.series else { return };
    for name in names.iter().filter(|name| !series.contains(*name) && !OWN.contains(&name.as_str())) {
        let meant = nearest(name, series.iter().map(String::as_str));
        let fix = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "add it to a source of the system, or read something that is there".to_owned(),
        };
        findings.add(Critical, step, format!("no source gives {name}, so {source} is never known"), fix);
    }
}

fn reads_only_settings(source: &str) -> bool {
    names(source).is_ok_and(|names| !names.is_empty() && names.iter().all(|name| name == SETTING))
}

fn sequence(plan: &SequencePlan, step: &Step, known: &Known<'_>, given: &BTreeSet<&str>, findings: &mut Findings) {
    conditions(&plan.only_if, step, known, findings);
    plan.capture.iter().for_each(|(_, source)| expr(source, Some(step), known, findings));
    plan.verify.iter().for_each(|condition| expr(&condition.expr, Some(step), known, findings));
    verification(plan, step, findings);
    if plan.only_if.is_empty() && plan.class != Class::Routine {
        let fix = "say in only_if what must be so for it to make sense";
        findings.add(Warning, Some(step), "it can be run whatever the node's state is", fix);
    }
    for (name, _) in &plan.capture {
        let used = plan.verify.iter().any(|condition| template::names(&condition.expr).contains(&name.as_str()));
        if !used {
            let what = format!("{name} is captured and no verification compares with it");
            findings.add(Info, Some(step), what, "compare with it, or do not capture it");
        }
    }
    if matches!(&plan.way_back, WayBack::None(why) if why.trim().is_empty()) {
        findings.add(Critical, Some(step), "there is no way back, and no reason why", "say why there is none");
    }
    let mut given = given.clone();
    given.extend(plan.capture.iter().map(|(captured, _)| captured.as_str()));
    given.insert(template::STAMP);
    if let Some(list) = &plan.for_each {
        expr(&list.expr, Some(step), known, findings);
        given.insert(&list.name);
    }
    plan.acts.iter().chain(plan.way_back.acts()).for_each(|act| examine_act(act, step, known, &given, findings));
}

fn verification(plan: &SequencePlan, step: &Step, findings: &mut Findings) {
    if plan.verify.is_empty() {
        let fix = "verify by something that is measured";
        return findings.add(Critical, Some(step), "it changes the node and verifies nothing", fix);
    }
    let known_names: Vec<_> = plan.verify.iter().filter_map(|condition| names(&condition.expr).ok()).collect();
    let measured = known_names.iter().flatten().any(|name| name != SETTING);
    if !measured && known_names.len() == plan.verify.len() {
        let what =
            "its verification reads back settings only, which proves that they were written and not that they work";
        findings.add(Critical, Some(step), what, "verify the effect of the setting");
    }
    let before = |condition: &ConditionPlan| plan.only_if.iter().any(|other| other.expr == condition.expr);
    if plan.verify.iter().all(before) {
        let what = "its verification is what had to be true before it ran, so it proves nothing";
        findings.add(Critical, Some(step), what, "verify something that the act has to change");
    }
}

fn examine_act(act: &ActPlan, step: &Step, known: &Known<'_>, given: &BTreeSet<&str>, findings: &mut Findings) {
    let objection = match &act.act {
        Act::Command(argv) => argv::objection(argv).map(|why| (why, "name one program and its arguments")),
        Act::Wait(_) => None,
        Act::Request(request) => {
            request.check().err().map(|error| (error.to_string(), "write the path and the headers as they are sent"))
        }
        Act::File(act) => act.objection().map(|why| (why.to_owned(), "name each file by its absolute path")),
    };
    if let Some((objection, fix)) = objection {
        findings.add(Critical, Some(step), format!("{}: {objection}", act.id), fix);
    }
    if let Act::Request(request) = &act.act {
        for header in request.headers.iter().filter(|header| !known.secrets.contains(&header.secret)) {
            let what = format!("{}: {} is no secret of the system", act.id, header.secret);
            findings.add(Critical, Some(step), what, "declare it in the secrets of system.ron");
        }
    }
    for name in
        act.act.texts().chain([&act.unit]).flat_map(|part| template::names_in_text(part)).collect::<BTreeSet<_>>()
    {
        if !known.settings.contains(name) && !given.contains(name) {
            let meant = nearest(name, known.settings.iter().map(String::as_str));
            let fix = match meant {
                Some(meant) => format!("did you mean {{{meant}}}?"),
                None => format!("declare the setting {name} in system.ron"),
            };
            findings.add(Critical, Some(step), format!("{}: {{{name}}} is no setting of the system", act.id), fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use crate::runbook::fixture::condition;

    fn plan(runbook: &mut Runbook) -> &mut SequencePlan {
        let Task::Choose(branches) = &mut runbook.steps[1].task else { panic!("no choice") };
        let Task::Commit(plan) = &mut branches[0].steps[0].task else { panic!("no sequence") };
        plan
    }

    #[test]
    fn what_nobody_measures_is_found() {
        check((Critical, Some("look"), "no source gives agee_seconds"), |book| {
            let Task::Observe(readings) = &mut book.steps[0].task else { panic!("no check") };
            readings[0].expr = "agee_seconds".to_owned();
        });
        check((Critical, Some("fix"), "no source gives heigth"), |book| {
            plan(book).verify = vec![condition("it grows", "heigth > bool {before}")];
        });
        check((Critical, Some("look"), "age +: not PromQL"), |book| {
            let Task::Observe(readings) = &mut book.steps[0].task else { panic!("no check") };
            readings[0].expr = "age +".to_owned();
        });
    }

    #[test]
    fn what_the_console_makes_itself_is_known() {
        let found = super::super::tests::found(|book| {
            plan(book).verify.push(condition("it answers", "up == bool 1"));
        });
        assert_eq!(found, []);
    }

    #[test]
    fn a_verification_proves_an_effect() {
        check((Critical, Some("fix"), "verifies nothing"), |book| {
            plan(book).capture.clear();
            plan(book).verify.clear();
        });
        check((Critical, Some("fix"), "reads back settings only"), |book| {
            plan(book).capture.clear();
            plan(book).verify = vec![condition("it is set", r#"opsconsole_setting{name="x"} == bool 1"#)];
        });
        check((Critical, Some("fix"), "had to be true before"), |book| {
            plan(book).capture.clear();
            plan(book).verify = plan(book).only_if.clone();
        });
        check((Info, Some("fix"), "before is captured and no"), |book| {
            plan(book).verify = vec![condition("it grows", "height > bool 9")];
        });
        check((Warning, Some("fix"), "judged by settings alone"), |book| {
            plan(book).only_if = vec![condition("it is set", r#"opsconsole_setting{name="x"} == bool 1"#)];
        });
    }

    #[test]
    fn an_act_is_a_program_with_settings_that_exist() {
        check((Warning, Some("fix"), "whatever the node's state"), |book| plan(book).only_if.clear());
        check((Critical, Some("fix"), "no reason why"), |book| plan(book).way_back = WayBack::None(String::new()));
        check((Critical, Some("fix"), "go: bash would read a command"), |book| {
            plan(book).acts[0].act = Act::Command(["bash", "-c", "true"].map(str::to_owned).to_vec());
        });
        check((Critical, Some("fix"), "go: {unti} is no setting"), |book| {
            plan(book).acts[0].act = Act::Command(["systemctl", "restart", "{unti}"].map(str::to_owned).to_vec());
        });
    }
}
