//! `opsconsole config`: a commented file to begin with, every mistake of one, and what one comes to.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Result, WrapErr, bail};

use super::{Common, load};
use crate::base::text::count;
use crate::base::{Problem, SystemId};
use crate::config::ConfigSpec;
use crate::shell::StateRoot;
use crate::systems::{Recogniser, System};

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print a commented configuration to begin with: every option, and what it is for
    Init {
        /// Write it to this file instead; a file that is there already is left as it is
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List every mistake in a configuration, each with its line and column; exit code 1 if there is one
    Check {
        /// The file; the one of --config, or your own, if it is left out
        file: Option<PathBuf>,
    },
    /// Print the configuration with every default written out; secrets stay references
    Show,
}

/// Runs the subcommand.
///
/// # Errors
/// A file can not be read or written.
pub fn run(common: &Common, args: &ConfigArgs) -> Result<ExitCode> {
    match &args.command {
        ConfigCommand::Init { out } => init(out.as_deref()),
        ConfigCommand::Check { file } => check(common, file.as_deref()),
        ConfigCommand::Show => show(common),
    }
}

fn init(out: Option<&Path>) -> Result<ExitCode> {
    let text = ConfigSpec::template(&load::system_specs()?);
    let Some(path) = out else {
        say!("{text}");
        return Ok(ExitCode::SUCCESS);
    };
    write_new(path, &text)?;
    say_line!("written to {}", path.display());
    say_line!("put the address of a node in, then: opsconsole config check {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Nobody's file is overwritten, and no link is followed to one.
#[expect(clippy::disallowed_methods, reason = "the command line writes the file that it was asked for")]
fn write_new(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).wrap_err_with(|| folder.display().to_string())?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(path);
    match file {
        Ok(mut file) => file.write_all(text.as_bytes()).wrap_err_with(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} exists already and is left as it is; name another file, or move it away", path.display())
        }
        Err(error) => Err(error).wrap_err_with(|| path.display().to_string()),
    }
}

fn check(common: &Common, file: Option<&Path>) -> Result<ExitCode> {
    let Some(path) = file.map(Path::to_owned).or_else(|| load::config_path(common)) else {
        let place = load::default_config().map(|path| path.display().to_string()).unwrap_or_default();
        say_line!("there is no configuration at {place}; opsconsole config init --out {place} writes one");
        return Ok(ExitCode::FAILURE);
    };
    let problems = match mistakes(&path)? {
        Ok(config) => {
            let nodes: usize = config.targets.iter().map(|target| target.nodes.len()).sum();
            let (targets, nodes) = (count(config.targets.len(), "target"), count(nodes, "node"));
            say_line!("{}: {targets}, {nodes}, no mistakes", path.display());
            return Ok(ExitCode::SUCCESS);
        }
        Err(problems) => problems,
    };
    problems.iter().for_each(|problem| say_line!("{problem}"));
    say_line!("{}", count(problems.len(), "mistake"));
    Ok(ExitCode::FAILURE)
}

/// Every mistake in a configuration and in the files of the systems that its targets are of.
///
/// # Errors
/// A file can not be read.
pub fn mistakes(path: &Path) -> Result<Result<ConfigSpec, Vec<Problem>>> {
    let known = load::known()?;
    let config = match ConfigSpec::check(&path.display().to_string(), &load::read(path)?, &known) {
        Ok(config) => config,
        Err(problems) => return Ok(Err(problems)),
    };
    let mut used: BTreeMap<&SystemId, Vec<Problem>> = BTreeMap::new();
    for target in &config.targets {
        let Some(files) = known.systems.get(&target.system) else { continue };
        used.entry(&target.system).or_insert_with(|| match System::load(&target.system, files) {
            Ok(system) => unrecognisable(&system),
            Err(problems) => problems,
        });
    }
    let problems: Vec<Problem> = used.into_values().flatten().collect();
    Ok(if problems.is_empty() { Ok(config) } else { Err(problems) })
}

/// What keeps a system's endpoints from being found where nothing is configured.
fn unrecognisable(system: &System) -> Vec<Problem> {
    let asked = |endpoint| Recogniser::new(&system.spec, endpoint, "http://127.0.0.1:1").err();
    let file = format!("{}/system.ron", system.id);
    let errors = system.spec.endpoints.iter().filter_map(asked);
    errors.map(|error| Problem::new(&file, 0, 0, error.to_string())).collect()
}

fn show(common: &Common) -> Result<ExitCode> {
    let configured = load::targets(common)?;
    let mut config = configured.config.effective(&load::system_specs()?);
    let wanted = common.state_root.clone().or_else(|| config.state_root.as_ref().map(PathBuf::from));
    if let Ok((root, _)) = StateRoot::choose(wanted.as_deref()) {
        config.state_root = Some(root.display().to_string());
    }
    say!("{}", config.text()?);
    Ok(ExitCode::SUCCESS)
}
