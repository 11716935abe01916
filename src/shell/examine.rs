//! Looks at this machine for `opsconsole doctor`: facts, as they are found. What they mean is judged elsewhere.
//!
//! Must never: run anything that acts, make a file, or show a secret.

#![allow(clippy::disallowed_methods, reason = "the shell is where files and the environment are read")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::state_root::StateRoot;
use super::terminal::probe::{self, Answers};
use super::{actor, proof, resolve, secrets};
use crate::app;
use crate::config::TargetSpec;
use crate::model::FetchFailure;
use crate::panes::model::Target;
use crate::runbook::seal;
use crate::runbook::tree::{Act, ActPlan, Task};

/// What is known of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalFacts {
    /// Whether standard output is one.
    pub is_terminal: bool,
    pub term: Option<String>,
    pub colorterm: Option<String>,
    pub no_color: bool,
    /// The locale that says how characters are encoded: `LC_ALL`, `LC_CTYPE` or `LANG`, in this order.
    pub locale: Option<String>,
    pub tmux: bool,
    pub answers: Option<Result<Answers, String>>,
}

/// Looks at the terminal, and asks it where standard output is one. Needs a runtime.
pub async fn terminal() -> TerminalFacts {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_terminal = rustix::termios::isatty(rustix::stdio::stdout());
    let answers = if is_terminal { Some(probe::probe().await.map_err(|error| error.to_string())) } else { None };
    TerminalFacts {
        is_terminal,
        term: set("TERM"),
        colorterm: set("COLORTERM"),
        no_color: set("NO_COLOR").is_some(),
        locale: set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")),
        tmux: set("TMUX").is_some(),
        answers,
    }
}

/// Who may do what with a file or a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathFacts {
    pub path: String,
    pub owner: String,
    /// Whether that is root, or who asks.
    pub trusted_owner: bool,
    /// Permission bits.
    pub mode: u32,
}

/// What stands at a path; nothing where there is nothing to be seen.
#[must_use]
pub fn path(path: &Path) -> Option<PathFacts> {
    let found = path.metadata().ok()?;
    Some(PathFacts {
        path: path.display().to_string(),
        owner: actor::user_named(found.uid()),
        trusted_owner: found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw(),
        mode: found.mode() & 0o7777,
    })
}

/// The folder of journals and locks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateFacts {
    pub path: String,
    pub exists: bool,
    pub shared: bool,
    pub not_shared_because: Option<String>,
    /// Why it can not be used.
    pub unusable: Option<String>,
    /// Bytes that are free for this user where it is, or would be.
    pub free_bytes: Option<u64>,
}

/// Looks at the state root. One that is there is taken as the console would take it; none is made.
#[must_use]
pub fn state(given: Option<&Path>) -> StateFacts {
    let (path, not_shared_because) = match StateRoot::choose(given) {
        Ok(chosen) => chosen,
        Err(error) => return StateFacts { unusable: Some(error.to_string()), ..StateFacts::default() },
    };
    let mut facts = StateFacts {
        path: path.display().to_string(),
        exists: path.exists(),
        not_shared_because,
        free_bytes: free_bytes(&path),
        ..StateFacts::default()
    };
    if facts.exists {
        match StateRoot::find(Some(&path)) {
            Ok(root) => facts.shared = root.shared(),
            Err(error) => facts.unusable = Some(error.to_string()),
        }
    }
    facts
}

/// Where a folder is, or the nearest one above it that is there.
fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|folder| folder.exists())?;
    let found = rustix::fs::statvfs(there).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// A secret of a target, and whether it could be used now. Never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    /// What it is of: `target/node/endpoint`, or `target/secrets/name`.
    pub of: String,
    /// Whether acts need it, and not reads.
    pub for_acts: bool,
    /// `«file:/path»`
    pub reference: String,
    pub unusable: Option<String>,
}

/// Tries every secret that these targets refer to.
#[must_use]
pub fn secrets(targets: &[TargetSpec]) -> Vec<SecretFacts> {
    let endpoints = targets.iter().flat_map(|target| {
        target.nodes.iter().flat_map(move |node| {
            node.endpoints.iter().map(move |endpoint| (format!("{}/{}/{}", target.id, node.id, endpoint.id), endpoint))
        })
    });
    let servers = targets.iter().filter_map(|target| {
        let server = target.prometheus.as_ref()?;
        Some((format!("{}/prometheus", target.id), server.auth.as_ref()?.secret().clone()))
    });
    let referring = endpoints.filter_map(|(name, endpoint)| Some((name, endpoint.auth.as_ref()?.secret().clone())));
    let acts = targets.iter().flat_map(|target| {
        target.secrets.iter().map(move |(name, secret)| (format!("{}/secrets/{name}", target.id), secret.clone(), true))
    });
    let referring = referring.chain(servers).map(|(of, secret)| (of, secret, false)).chain(acts);
    let tried = referring.map(|(of, secret, for_acts)| SecretFacts {
        of,
        for_acts,
        reference: secret.to_string(),
        unusable: secrets::resolve(&secret).err().map(|error| error.to_string()),
    });
    tried.collect()
}

/// Whether a target's commands would run, asked without running any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivilegeFacts {
    pub target: String,
    /// The command as it would run; nothing where no act of any runbook would be carried out on this target.
    pub command: Option<String>,
    pub outcome: Result<String, String>,
}

/// Asks for every command of every runbook of a target that has a host; of one whose runbooks do nothing there is
/// nothing to ask for. Needs a runtime.
pub async fn privilege(target: &Target) -> Vec<PrivilegeFacts> {
    let mut facts = Vec::new();
    if target.spec.host.is_none() || acts(target).next().is_none() {
        return facts;
    }
    let fact = |command: Option<String>, outcome| PrivilegeFacts { target: target.id.to_string(), command, outcome };
    let place = match app::place_of(target) {
        Ok(place) => place,
        Err(why) => return vec![fact(None, Err(why))],
    };
    for bare in commands(target) {
        let shown = bare.join(" ");
        let outcome = match resolve::resolve_argv(&place, &bare) {
            Ok(argv) => proof::prove_privilege(&place, &argv).await,
            Err(error) => Err(error.to_string()),
        };
        facts.push(fact(Some(shown), outcome));
    }
    facts
}

/// Everything that the runbooks of a target's system could do to it, as it is written.
pub fn acts(target: &Target) -> impl Iterator<Item = &ActPlan> {
    let steps = target.system.runbooks.iter().flat_map(|runbook| runbook.every_step());
    let plans = steps.filter_map(|(_, step)| match &step.task {
        Task::Commit(plan) => Some(plan),
        _does_nothing => None,
    });
    plans.flat_map(|plan| plan.acts.iter().chain(plan.way_back.acts()))
}

/// Every command that the runbooks of a target's system could run on it, each once.
fn commands(target: &Target) -> Vec<Vec<String>> {
    let settings = target.system.spec.settings_text(&target.spec.settings);
    let mut commands: Vec<Vec<String>> = Vec::new();
    for (_, step) in target.system.runbooks.iter().flat_map(|runbook| runbook.every_step()) {
        let Task::Commit(plan) = &step.task else { continue };
        // A sequence that can not be sealed for this target is refused where it is confirmed, with the reason.
        let Ok(plan) = seal::resolve_templates(plan, &settings) else { continue };
        for act in plan.acts.iter().chain(plan.way_back.acts()) {
            match &act.act {
                Act::Command(argv) if !commands.contains(argv) => commands.push(argv.clone()),
                Act::Command(_) | Act::Wait(_) | Act::Request(_) | Act::File(_) => {}
            }
        }
    }
    commands
}

/// What one source answered when it was read once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadFacts {
    pub source: String,
    pub address: String,
    /// Why it brought nothing.
    pub failure: Option<FetchFailure>,
    pub took: Duration,
    /// Which of a system's surfaces the answer belongs to.
    pub surfaces: Vec<String>,
    pub not_exposed: Vec<String>,
    /// The node's clock minus ours.
    pub clock_skew_seconds: Option<f64>,
    /// How the endpoint said that it has no such path, while it answers others.
    pub unserved: Option<String>,
}

/// What the sources of an app last said.
#[must_use]
pub fn reads(app: &app::App) -> Vec<ReadFacts> {
    let text = |names: &[std::sync::Arc<str>]| names.iter().map(|name| name.to_string()).collect();
    let read = |source: &crate::model::SourceState| ReadFacts {
        source: source.id.to_string(),
        address: source.address.clone(),
        failure: match (&source.failure, source.last_ok) {
            (Some(failure), _) => Some(failure.clone()),
            // A server that answers and knows nothing of the target is as good as none.
            (None, Some(_)) if source.series == 0 && source.backfill.is_some() => {
                source.backfill.clone().map(|detail| FetchFailure::Other { detail })
            }
            (None, _) if source.is_unserved => None,
            (None, None) if source.late.is_some() => source.late.clone(),
            (None, None) => Some(FetchFailure::Other { detail: "it was not read in time".to_owned() }),
            (None, Some(_)) => None,
        },
        took: source.took,
        surfaces: text(&source.surfaces),
        not_exposed: text(&source.not_exposed),
        clock_skew_seconds: source.clock_skew_seconds,
        unserved: source.unserved().map(|(how, _)| how.to_string()),
    };
    app.model().store.sources().chain(app.model().store.backfills()).map(read).collect()
}

/// Where a program is, among the folders in which programs are looked for.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    resolve::SEARCH.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}
