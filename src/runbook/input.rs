//! What people give: whether it is taken, and how it is written into the steps after it.
//!
//! An answer is data. It becomes a whole or a part of one argument, a number, or the text of a label's value, and never
//! syntax; what could be taken for syntax is refused with the reason.

use std::convert::Infallible;

use super::request::segment_objection;
use super::seal;
use super::template::{self, Position};
use super::tree::{Accepts, ActPlan, Runbook, Step, Task, WayBack};
use crate::base::text;

/// Longest answer, in characters.
const LIMIT: usize = 200;

/// Whether an answer is taken. `there` is what live data has now, where the answer is to be completed from it.
///
/// # Errors
/// It is not, and why, in words for the person who gave it.
pub fn objection(accepts: &Accepts, value: &str, there: Option<&[String]>) -> Result<(), String> {
    if let Some(why) = seal::objection(value) {
        return Err(format!("\"{}\" {why}", text::escaped(value)));
    }
    if value.chars().count() > LIMIT {
        return Err(format!("it is longer than {LIMIT} characters"));
    }
    let among = |known: &[String]| match known.iter().any(|known| known == value) {
        true => Ok(()),
        false => Err(format!("{value:?} is none of {}", shortened(known))),
    };
    match accepts {
        Accepts::Text => Ok(()),
        Accepts::Integer { least, most } => match value.parse::<i64>() {
            Ok(number) if (*least..=*most).contains(&number) && number.to_string() == value => Ok(()),
            Ok(_) | Err(_) => Err(format!("{value:?} is no whole number from {least} to {most}")),
        },
        Accepts::OneOf(known) => among(known),
        Accepts::LabelValues { .. } | Accepts::Document { .. } => there.map_or(Ok(()), among),
    }
}

/// A list in words that fit a line.
fn shortened(known: &[String]) -> String {
    const MOST_NAMED: usize = 6;
    match known {
        [] => "what is there: nothing is".to_owned(),
        few if few.len() <= MOST_NAMED => few.join(", "),
        many => format!("{} and {} more", many[..MOST_NAMED].join(", "), many.len() - MOST_NAMED),
    }
}

/// Writes an answer into every step that uses it.
pub(super) fn fill(runbook: &mut Runbook, name: &str, value: &str) {
    runbook.steps.iter_mut().for_each(|step| fill_step(step, name, value));
}

fn fill_step(step: &mut Step, name: &str, value: &str) {
    let expr = |text: &mut String| *text = in_expr(text, name, value);
    let prose = |text: &mut String| *text = text.replace(&format!("{{{name}}}"), value);
    prose(&mut step.title);
    match &mut step.task {
        Task::Observe(plans) => plans.iter_mut().for_each(|plan| expr(&mut plan.expr)),
        Task::Choose(branches) => {
            for branch in branches {
                branch.when.iter_mut().for_each(|plan| expr(&mut plan.expr));
                branch.steps.iter_mut().for_each(|step| fill_step(step, name, value));
            }
        }
        Task::Watch(plan) => plan.until.iter_mut().for_each(|plan| expr(&mut plan.expr)),
        Task::Commit(plan) => {
            plan.capture.iter_mut().for_each(|(_, source)| expr(source));
            plan.only_if.iter_mut().chain(&mut plan.verify).for_each(|plan| expr(&mut plan.expr));
            plan.for_each.iter_mut().for_each(|list| expr(&mut list.expr));
            prose(&mut plan.escalation.say);
            fill_acts(&mut plan.acts, name, value);
            if let WayBack::Acts(acts) = &mut plan.way_back {
                fill_acts(acts, name, value);
            }
        }
        Task::Escalate(plan) => prose(&mut plan.say),
        Task::Conclude(finding) => prose(finding),
        Task::ByHand(plan) => {
            prose(&mut plan.what);
            plan.command.iter_mut().for_each(|part| *part = in_text(part, name, value));
        }
        Task::Tick(items) => items.iter_mut().for_each(|item| prose(&mut item.text)),
        Task::Ask(plan) => prose(&mut plan.asks),
        Task::Collect(plan) => plan.readings.iter_mut().for_each(|plan| expr(&mut plan.expr)),
    }
}

/// Writes a value into every act that uses its name. A value that would not be one piece of a path is not written into
/// one: the name stays, and an act with an open name is refused.
pub(super) fn fill_acts(acts: &mut [ActPlan], name: &str, value: &str) {
    for act in acts {
        act.title = act.title.replace(&format!("{{{name}}}"), value);
        if !act.act.names_in_path().contains(&name) || segment_objection(value).is_none() {
            act.act.texts_mut().for_each(|text| *text = in_text(text, name, value));
        }
    }
}

fn in_text(text: &str, name: &str, value: &str) -> String {
    let written = |found: &str| if found == name { value.to_owned() } else { format!("{{{found}}}") };
    template::fill_text(text, |found| Ok::<_, Infallible>(written(found))).unwrap_or_default()
}

/// Where a number has to stand and the answer is none, the name stays: such an expression is judged as unknown.
fn in_expr(text: &str, name: &str, value: &str) -> String {
    template::fill_at(text, |found, position| {
        Ok::<_, Infallible>(match position {
            Position::Matcher if found == name => template::quoted(value),
            Position::Operand if found == name && value.parse::<f64>().is_ok_and(f64::is_finite) => value.to_owned(),
            Position::Matcher | Position::Operand => format!("{{{found}}}"),
        })
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::fixture;

    #[test]
    fn an_answer_is_taken_or_refused_with_the_reason() {
        let check = |accepts: &Accepts, value: &str, want: Result<(), &str>| {
            let there = ["node-1".to_owned(), "node-2".to_owned()];
            match (objection(accepts, value, Some(&there)), want) {
                (Ok(()), Ok(())) => {}
                (Err(why), Err(want)) if why.contains(want) => {}
                (found, _) => panic!("{value:?}: {found:?}, not {want:?}"),
            }
        };
        let text = Accepts::Text;
        for fine in ["alice", "$(touch x)", "it's", "a\"b", "a b", "1..2", "`x`", "*"] {
            check(&text, fine, Ok(()));
        }
        check(&text, "", Err("is empty"));
        check(&text, "--flag", Err("read as an option"));
        check(&text, "../etc", Err("leads out of a folder"));
        check(&text, "a/../b", Err("leads out of a folder"));
        check(&text, "{unit}", Err("holds a brace"));
        check(&text, "<name>", Err("not filled in"));
        check(&text, "a\nb", Err("do not show"));
        check(&text, "a\u{1b}[2J", Err("do not show"));
        check(&text, "a\u{202e}b", Err("do not show"));
        check(&text, " a", Err("white space"));
        check(&text, &"x".repeat(201), Err("longer than"));
        let number = Accepts::Integer { least: 1, most: 50 };
        check(&number, "50", Ok(()));
        check(&number, "51", Err("whole number from 1 to 50"));
        check(&number, "0", Err("whole number"));
        check(&number, "1e1", Err("whole number"));
        check(&number, "007", Err("whole number"));
        check(&Accepts::OneOf(vec!["a".to_owned()]), "a", Ok(()));
        check(&Accepts::OneOf(vec!["a".to_owned()]), "b", Err("is none of a"));
        let live = Accepts::LabelValues { expr: "up".to_owned(), label: "node".to_owned() };
        check(&live, "node-2", Ok(()));
        check(&live, "node-3", Err("is none of node-1, node-2"));
    }

    #[test]
    fn an_answer_is_one_literal_argument_and_one_literal_value() {
        let mut runbook = fixture::runbook();
        let Task::Choose(branches) = &mut runbook.steps[1].task else { panic!("no choice") };
        branches[0].when[0].expr = "x{who={who}} > bool {who}".to_owned();
        let Task::Commit(plan) = &mut branches[0].steps[0].task else { panic!("no sequence") };
        plan.acts[0].act =
            crate::runbook::tree::Act::Command(["tell", "--to={who}", "{unit}"].map(str::to_owned).to_vec());
        fill(&mut runbook, "who", "$(x) \"y\" ; {");
        let Task::Choose(branches) = &runbook.steps[1].task else { panic!("no choice") };
        assert_eq!(branches[0].when[0].expr, "x{who=\"$(x) \\\"y\\\" ; {\"} > bool {who}");
        let Task::Commit(plan) = &branches[0].steps[0].task else { panic!("no sequence") };
        let texts: Vec<&String> = plan.acts[0].act.texts().collect();
        assert_eq!(texts, ["tell", "--to=$(x) \"y\" ; {", "{unit}"]);
    }
}
