//! A sequence: acts that change the node, confirmed once, verified, with their way back.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::base::{ActId, Provenance, SequenceId, StepId, text};
use crate::model::{FileAct, Method};
use crate::runbook::request::{HeaderPlan, RequestPlan};
use crate::runbook::tree::{Act, ActPlan, Class, ConditionPlan, EscalationPlan, ForEachPlan, WayBack};
use crate::runbook::{SequencePlan, Task, argv, template};

/// The sequence has its step's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceSpec {
    pub class: Class,
    /// Judged when it is confirmed, and again when it is committed.
    #[serde(default)]
    pub only_if: Vec<ConditionPlan>,
    #[serde(default)]
    pub capture: Vec<CaptureSpec>,
    pub acts: Vec<ActSpec>,
    /// What the operator should see if it works.
    pub expect: String,
    #[serde(default)]
    pub settle_seconds: u64,
    /// All must be true at once.
    pub verify: Vec<ConditionPlan>,
    pub verify_within_seconds: u64,
    pub way_back: WayBackSpec,
    pub escalation: EscalationPlan,
    /// The acts are repeated for every value of a list that is measured when the sequence is prepared. `{name}` stands
    /// for the value; the first act that fails ends them all.
    #[serde(default)]
    pub for_each: Option<ForEachPlan>,
}

/// A value measured at commit; verifications name it as `{name}`, and so may acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureSpec {
    pub name: String,
    /// PromQL.
    pub expr: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActSpec {
    /// Unique within the sequence, its way back included.
    pub id: ActId,
    pub title: String,
    pub does: ActKindSpec,
    /// The systemd unit that it acts on; the target's own where nothing is said.
    #[serde(default = "own_unit")]
    pub unit: String,
    /// After which it is ended, and its outcome is unknown.
    #[serde(default = "usual_timeout_seconds")]
    pub timeout_seconds: u64,
    #[serde(default)]
    pub from: Vec<String>,
    #[serde(default)]
    pub documented: Vec<String>,
    #[serde(default)]
    pub deviates: Option<String>,
    #[serde(default)]
    pub answers: Vec<String>,
}

/// What an act does; `{name}` stands for a setting of the target, a value that the sequence captures, or `{stamp}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ActKindSpec {
    /// A program's bare name and its arguments.
    Command(Vec<String>),
    /// Lets so many seconds pass before the next act.
    Wait(u64),
    /// Something small and exact with files.
    File(FileAct),
    /// One request to the target's own node.
    Request(RequestSpec),
}

/// A request as written: `Request((method: Post, path: "/admin/…", headers: [(name: "X-Secret", secret: "admin")]))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSpec {
    pub method: Method,
    /// From the root of the target's endpoint.
    pub path: String,
    /// Each carries a secret of the target; nothing else stands in a header.
    #[serde(default)]
    pub headers: Vec<HeaderPlan>,
    /// JSON.
    #[serde(default)]
    pub body: Option<String>,
}

fn own_unit() -> String {
    "{unit}".to_owned()
}

const fn usual_timeout_seconds() -> u64 {
    60
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WayBackSpec {
    /// There is none, and why.
    None(String),
    Acts(Vec<ActSpec>),
}

impl SequenceSpec {
    pub(super) fn compile(&self, id: &StepId, at: &str, check: &mut Checking<'_>) -> Task {
        if self.acts.is_empty() {
            check.complain(&format!("{at}.acts"), "a sequence does nothing", None);
        }
        if self.verify.is_empty() {
            let what = "a sequence without a verification; nothing would tell a cure from a failure";
            check.complain(&format!("{at}.verify"), what, None);
        }
        check.conditions(&self.only_if, &format!("{at}.only_if"));
        let captured = self.captured(at, check);
        check.verifications(&self.verify, &captured, &format!("{at}.verify"));
        check.escalation(&self.escalation, &format!("{at}.escalation"));
        let mut ids = BTreeSet::new();
        let known = check.inputs();
        if let Some(list) = &self.for_each {
            let at = format!("{at}.for_each");
            check.expr(&list.expr, &format!("{at}.expr"));
            if list.at_most == 0 {
                check.complain(&format!("{at}.at_most"), "at most none is done", None);
            }
            check.declare_input(&list.name, &format!("{at}.name"));
        }
        let acts = compile_acts(&self.acts, &format!("{at}.acts"), &mut ids, &captured, check);
        let way_back = match &self.way_back {
            WayBackSpec::None(why) => {
                if why.trim().is_empty() {
                    let what = "there is no way back, and no reason why";
                    check.complain(&format!("{at}.way_back"), what, None);
                }
                WayBack::None(why.clone())
            }
            WayBackSpec::Acts(acts) => {
                if acts.is_empty() {
                    let suggestion = Some("write None(\"…\") with the reason why there is none".to_owned());
                    check.complain(&format!("{at}.way_back"), "the way back is empty", suggestion);
                }
                WayBack::Acts(compile_acts(acts, &format!("{at}.way_back"), &mut ids, &captured, check))
            }
        };
        check.forget_inputs(known);
        Task::Commit(SequencePlan {
            id: SequenceId::new(id.as_str()),
            class: self.class,
            only_if: self.only_if.clone(),
            capture: self.capture.iter().map(|capture| (capture.name.clone(), capture.expr.clone())).collect(),
            acts,
            expect: self.expect.clone(),
            settle: Duration::from_secs(self.settle_seconds),
            verify: self.verify.clone(),
            verify_within: check.seconds(self.verify_within_seconds, &format!("{at}.verify_within_seconds")),
            way_back,
            escalation: self.escalation.clone(),
            for_each: self.for_each.clone(),
        })
    }

    fn captured<'a>(&'a self, at: &str, check: &mut Checking<'_>) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        for (index, capture) in self.capture.iter().enumerate() {
            let at = format!("{at}.capture[{index}]");
            if !template::is_name(&capture.name) {
                let what = format!("{:?} can not be the name of a value", capture.name);
                let suggestion = Some("use lower-case letters, digits and underscores".to_owned());
                check.complain(&format!("{at}.name"), what, suggestion);
            }
            if !names.insert(capture.name.as_str()) {
                check.complain(&format!("{at}.name"), format!("{} is captured already", capture.name), None);
            }
            check.expr(&capture.expr, &format!("{at}.expr"));
        }
        names
    }
}

fn compile_acts<'a>(
    acts: &'a [ActSpec],
    at: &str,
    ids: &mut BTreeSet<&'a ActId>,
    captured: &BTreeSet<&str>,
    check: &mut Checking<'_>,
) -> Vec<ActPlan> {
    let mut plans = Vec::new();
    for (index, act) in acts.iter().enumerate() {
        let at = format!("{at}[{index}]");
        check.id(act.id.as_str(), &format!("{at}.id"));
        if !ids.insert(&act.id) {
            check.complain(&format!("{at}.id"), format!("the act {} is there already", act.id), None);
        }
        plans.push(act.compile(&at, captured, check));
    }
    plans
}

impl ActSpec {
    fn compile(&self, at: &str, captured: &BTreeSet<&str>, check: &mut Checking<'_>) -> ActPlan {
        let act = self.does.compile(&format!("{at}.does"), captured, check);
        check.setting_names(&self.unit, &format!("{at}.unit"));
        if self.unit.trim().is_empty() {
            let what = format!("the act {} names no unit; the lock and the proof of the host are about it", self.id);
            check.complain(&format!("{at}.unit"), what, None);
        }
        let provenance = Provenance {
            from: self.from.clone(),
            documented: self.documented.clone(),
            deviates: self.deviates.clone(),
            answers: self.answers.clone(),
        };
        check.provenance(&provenance, at);
        ActPlan {
            id: self.id.clone(),
            title: self.title.clone(),
            act,
            timeout: check.seconds(self.timeout_seconds, &format!("{at}.timeout_seconds")),
            unit: self.unit.clone(),
            provenance,
        }
    }
}

impl ActKindSpec {
    fn compile(&self, at: &str, captured: &BTreeSet<&str>, check: &mut Checking<'_>) -> Act {
        match self {
            ActKindSpec::Command(argv) => {
                if let Some(objection) = argv::objection(argv) {
                    check.complain(at, objection, None);
                }
                for (index, part) in argv.iter().enumerate().skip(1) {
                    check.act_names(part, captured, &format!("{at}[{index}]"));
                }
                Act::Command(argv.clone())
            }
            ActKindSpec::Wait(seconds) => Act::Wait(check.seconds(*seconds, at)),
            ActKindSpec::File(act) => {
                if let Some(objection) = act.objection() {
                    check.complain(at, objection, None);
                }
                act.texts().into_iter().for_each(|text| check.act_names(text, captured, at));
                Act::File(act.clone())
            }
            ActKindSpec::Request(request) => Act::Request(request.compile(at, captured, check)),
        }
    }
}

impl RequestSpec {
    fn compile(&self, at: &str, captured: &BTreeSet<&str>, check: &mut Checking<'_>) -> RequestPlan {
        let body = self.body.as_ref().and_then(|body| match serde_json::from_str(body) {
            Ok(body) => Some(body),
            Err(error) => {
                check.complain(&format!("{at}.body"), format!("the body is not JSON: {error}"), None);
                None
            }
        });
        let (headers, path) = (self.headers.clone(), self.path.clone());
        let plan = RequestPlan { method: self.method, path, headers, body };
        if let Err(error) = plan.check() {
            check.complain(at, error.to_string(), None);
        }
        for text in plan.texts() {
            check.act_names(text, captured, at);
        }
        for (index, header) in plan.headers.iter().enumerate() {
            if !template::is_name(&header.secret) {
                let what = format!("{:?} can not be the name of a secret", text::escaped(&header.secret));
                let suggestion = Some("a secret is named in lower case, as in the system's secrets".to_owned());
                check.complain(&format!("{at}.headers[{index}].secret"), what, suggestion);
            }
        }
        plan
    }
}
