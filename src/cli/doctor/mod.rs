//! `opsconsole doctor`: what would hinder the console on this machine, each finding with its remedy.
//!
//! ```text
//! shell::examine ──facts──► judge ──findings──► text, JSON, exit code
//! ```

mod judge;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::Result;
use serde::Serialize;

use super::capability::{self, CapabilitySnapshot};
use super::{Common, config, load};
use crate::app::App;
use crate::base::text::{clean, count};
use crate::config::ConfigSpec;
use crate::panes::model::Banner;
use crate::shell::fetch::Fetcher;
use crate::shell::{self, examine, headless};
use judge::ConfigFacts;

/// Programs that runbooks and sources use.
const TOOLS: [&str; 2] = ["systemctl", "journalctl"];

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Do not read from the configured endpoints
    #[arg(long)]
    offline: bool,
}

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Ok,
    Warning,
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub area: &'static str,
    pub health: Health,
    pub what: String,
    /// What to do about it, in one sentence.
    pub remedy: Option<String>,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Warning => "warning",
            Health::Problem => "problem",
        }
    }
}

/// Looks, judges and prints; exits with 0 where all is well, 1 for warnings, 2 for problems.
///
/// # Errors
/// The runtime can not be started. Everything else is a finding.
pub fn run(common: &Common, args: &DoctorArgs) -> Result<ExitCode> {
    let (findings, capabilities) = findings(common, args.offline)?;
    let worst = findings.iter().map(|finding| finding.health).max().unwrap_or(Health::Ok);
    if args.json {
        let report = serde_json::json!({ "health": worst, "findings": findings, "capabilities": capabilities });
        say_line!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        say!("{}", text(&findings));
    }
    Ok(ExitCode::from(worst as u8))
}

/// What hinders the console, and what the nodes were found to be and to have.
fn findings(common: &Common, offline: bool) -> Result<(Vec<Finding>, Vec<CapabilitySnapshot>)> {
    let runtime = shell::runtime()?;
    let mut capabilities = Vec::new();
    let mut findings = judge::terminal(&runtime.block_on(examine::terminal()));
    let (facts, config) = look_at_config(common);
    findings.extend(judge::config(&facts));
    let config = config.unwrap_or_default();
    let root = common.state_root.clone().or_else(|| config.state_root.clone().map(PathBuf::from));
    let simulated = !config.targets.is_empty() && config.targets.iter().all(|target| target.demo.is_some());
    findings.extend(judge::state(&examine::state(root.as_deref()), simulated));
    findings.extend(judge::secrets(&examine::secrets(&config.targets)));
    let acts = config.targets.iter().any(|target| target.host.is_some() && target.demo.is_none());
    findings.extend(TOOLS.iter().map(|name| judge::tool(name, examine::tool(name).is_some(), acts)));
    if !config.targets.is_empty() {
        match start(common, config, offline, &load::fetcher_beside(root.as_deref())) {
            Ok(app) => {
                for target in &app.model().targets {
                    findings.extend(judge::unnamed_secrets(target));
                    findings.extend(judge::privilege(&runtime.block_on(examine::privilege(target))));
                }
                if !offline {
                    findings.extend(judge::reads(&examine::reads(&app)));
                    for target in &app.model().targets {
                        let found = capability::of_target(app.model(), target);
                        findings.extend(judge::capabilities(&found));
                        findings.extend(judge::indistinct(target));
                        capabilities.extend(found);
                    }
                }
            }
            Err(error) => findings.push(judge::broken(&error.to_string())),
        }
    }
    Ok((findings, capabilities))
}

/// The configuration, or what answers on this machine where there is none.
fn look_at_config(common: &Common) -> (ConfigFacts, Option<ConfigSpec>) {
    let mut facts = ConfigFacts {
        usual: load::default_config().map(|path| path.display().to_string()).unwrap_or_default(),
        ..ConfigFacts::default()
    };
    let Some(path) = load::config_path(common) else {
        return match load::found(common) {
            Ok(configured) => {
                facts.found = configured.banners.into_iter().map(|banner: Banner| banner.text).next();
                (facts, Some(configured.config))
            }
            Err(error) => {
                facts.problems.push(error.to_string());
                (facts, None)
            }
        };
    };
    facts.path = Some(path.display().to_string());
    // What a system's own folder says decides what is run, as much as the configuration does.
    let systems = crate::shell::reload::config_folder().map(|folder| folder.join("systems"));
    let places = [Some(path.as_path()), path.parent(), systems.as_deref()];
    facts.places = places.into_iter().flatten().filter_map(examine::path).collect();
    match config::mistakes(Path::new(&path)) {
        Ok(Ok(config)) => {
            facts.targets = config.targets.len();
            (facts, Some(config))
        }
        Ok(Err(problems)) => {
            facts.problems = problems.iter().map(ToString::to_string).collect();
            (facts, None)
        }
        Err(error) => {
            facts.problems.push(format!("{error:#}"));
            (facts, None)
        }
    }
}

/// The console's core on these targets, after one read of every source.
fn start(common: &Common, config: ConfigSpec, offline: bool, fetcher: &Fetcher) -> Result<App> {
    let setup = load::looking(common, config)?;
    if offline {
        return Ok(App::new(setup)?.0);
    }
    Ok(shell::runtime()?.block_on(headless::look(setup, fetcher, Duration::ZERO))?)
}

fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            area = finding.area;
            out.push_str(&format!("{area}\n"));
        }
        out.push_str(&format!("  {:<8} {}\n", finding.health.word(), clean(&finding.what)));
        if let Some(remedy) = &finding.remedy {
            out.push_str(&format!("           {}\n", clean(remedy)));
        }
    }
    let of = |health| findings.iter().filter(|finding| finding.health == health).count();
    let (problems, warnings) = (count(of(Health::Problem), "problem"), count(of(Health::Warning), "warning"));
    out.push_str(&format!("{problems}, {warnings}, {} ok\n", of(Health::Ok)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_is_one_problem() {
        let finding = |health| Finding { area: "a", health, what: "w".to_owned(), remedy: None };
        let said = text(&[finding(Health::Problem), finding(Health::Warning), finding(Health::Warning)]);
        assert!(said.ends_with("1 problem, 2 warnings, 0 ok\n"), "{said}");
    }
}
