//! From files and environment to a [`Setup`]: the configuration, the systems it names, theme and keymap.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use color_eyre::eyre::{Result, WrapErr, bail, eyre};

use super::Common;
use crate::app::Setup;
use crate::app::setup::unshared_banner;
use crate::base::problem::nearest;
use crate::base::{Problem, Severity, SystemId};
use crate::config::{self, ConfigSpec, Known};
use crate::panes::model::{Banner, Console};
use crate::runbook::Actor;
use crate::runbook::seal::Environment;
use crate::shell::fetch::Fetcher;
use crate::shell::fetch::http::HttpClient;
use crate::shell::reload::{Kind, Loader, config_folder, rule_text};
use crate::shell::state_root::StateRoot;
use crate::shell::terminal::depth;
use crate::shell::{self, actor, clock, discover, random_bytes, slo_log, text_file};
use crate::systems::{self, Files, System, SystemSpec};
use crate::ui::{Depth, Keymap, Theme, keymap, theme};

/// Largest file of a configuration that is read.
const FILE_LIMIT_BYTES: u64 = 4 << 20;

/// The configuration and everything it needs, before the terminal is touched.
#[derive(Debug)]
pub struct Loaded {
    pub setup: Setup,
    pub root: StateRoot,
}

impl Loaded {
    /// For a look without a console: it shares what nodes count with the consoles of this machine.
    #[must_use]
    pub fn for_a_look(self) -> (Setup, Fetcher) {
        (self.setup, Fetcher::sharing(Arc::new(self.root)))
    }
}

/// Reads beside the consoles that use this state root, where there is one; none is made.
#[must_use]
pub fn fetcher_beside(given: Option<&Path>) -> Fetcher {
    let there = StateRoot::choose(given).ok().filter(|(path, _)| path.is_dir());
    match there.and_then(|(path, _)| StateRoot::find(Some(&path)).ok()) {
        Some(root) => Fetcher::sharing(Arc::new(root)),
        None => Fetcher::new(),
    }
}

/// What to start on: a configuration, or what was found without one.
#[derive(Debug)]
pub struct Configured {
    pub config: ConfigSpec,
    pub banners: Vec<Banner>,
    /// Set where nothing is configured and nothing was found: what was looked for, line by line.
    pub nothing_found: Vec<String>,
}

impl From<ConfigSpec> for Configured {
    fn from(config: ConfigSpec) -> Configured {
        Configured { config, banners: Vec::new(), nothing_found: Vec::new() }
    }
}

/// Reads the configuration that the options name, or the user's own. Nothing where there is none.
///
/// # Errors
/// It can not be read, or has mistakes, all listed.
pub fn config_file(common: &Common) -> Result<Option<ConfigSpec>> {
    let Some(path) = config_path(common) else { return Ok(None) };
    let text = read(&path)?;
    let mut known = known()?;
    // A name that an option takes the place of is not looked for.
    known.looks.themes.take_if(|_| common.theme.is_some());
    known.looks.keymaps.take_if(|_| common.keymap.is_some());
    known.looks.colours.take_if(|_| common.colour.is_some());
    let config = ConfigSpec::check(&path.display().to_string(), &text, &known).map_err(problems)?;
    Ok(Some(config))
}

/// What the names in a configuration can name: what comes with the program, and what the user's own folders hold.
///
/// # Errors
/// A folder of a system can not be read.
pub fn known() -> Result<Known> {
    let loader = Loader::of_user();
    let looks = config::Looks {
        themes: Some(loader.names(Kind::Theme)),
        keymaps: Some(loader.names(Kind::Keymap)),
        colours: Some(colour_words().map(str::to_owned).collect()),
    };
    Ok(Known { systems: system_files()?, looks })
}

/// The file that the options name, or the user's own where it exists.
#[must_use]
pub fn config_path(common: &Common) -> Option<PathBuf> {
    common.config.clone().or_else(|| default_config().filter(|path| path.exists()))
}

/// The configuration, or what answers on this machine where there is none; maybe nothing.
///
/// # Errors
/// As [`config_file`].
pub fn found(common: &Common) -> Result<Configured> {
    if let Some(config) = config_file(common)? {
        return Ok(config.into());
    }
    let specs = system_specs()?;
    let discovery = shell::runtime()?.block_on(discover::look(&specs, &HttpClient::new()));
    let nothing_found = if discovery.targets.is_empty() { discovery.lines() } else { Vec::new() };
    let found = Banner { severity: Severity::Info, text: discovery.sentence() };
    let banners = if discovery.targets.is_empty() { Vec::new() } else { vec![found] };
    Ok(Configured {
        config: ConfigSpec { targets: discovery.targets, ..ConfigSpec::default() },
        banners,
        nothing_found,
    })
}

/// The same for a command, which can do nothing on nothing.
///
/// # Errors
/// As [`found`]; nothing is configured and nothing was found, and what was looked for.
pub fn targets(common: &Common) -> Result<Configured> {
    let configured = found(common)?;
    if !configured.nothing_found.is_empty() {
        bail!("{}", configured.nothing_found.join("\n"));
    }
    // For people, and out of the way of programs that read the output.
    configured.banners.iter().for_each(|banner| eprintln!("opsconsole: {}", banner.text));
    Ok(configured)
}

/// Where the user's own configuration is, or would be.
#[must_use]
pub fn default_config() -> Option<PathBuf> {
    Some(config_folder()?.join("config.ron"))
}

/// What every system there is says of itself.
///
/// # Errors
/// A mistake in a system's own file.
pub fn system_specs() -> Result<BTreeMap<SystemId, SystemSpec>> {
    let mut specs = BTreeMap::new();
    for (id, files) in system_files()? {
        let Some(text) = files.get("system.ron") else { continue };
        specs.insert(id.clone(), systems::spec::load(&format!("{id}/system.ron"), text).map_err(problems)?);
    }
    Ok(specs)
}

/// The embedded systems, each replaced whole by a folder of its name under `systems/` in the configuration directory.
///
/// # Errors
/// A folder there can not be read.
pub fn system_files() -> Result<BTreeMap<SystemId, Files>> {
    let mut all = systems::embedded();
    let Some(folder) = config_folder().map(|folder| folder.join("systems")).filter(|folder| folder.is_dir()) else {
        return Ok(all);
    };
    for entry in std::fs::read_dir(&folder).wrap_err_with(|| folder.display().to_string())? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| path.is_dir()) else { continue };
        let mut files = Files::new();
        collect(&path, &path, &mut files)?;
        all.insert(SystemId::new(name), files);
    }
    Ok(all)
}

/// Every system there is, loaded.
///
/// # Errors
/// A mistake in a system's files, all of them listed.
pub fn all_systems() -> Result<Vec<Arc<System>>> {
    let load = |(id, files): (SystemId, Files)| System::load(&id, &files).map(Arc::new).map_err(problems);
    system_files()?.into_iter().map(load).collect()
}

fn collect(root: &Path, folder: &Path, files: &mut Files) -> Result<()> {
    for entry in std::fs::read_dir(folder).wrap_err_with(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.insert(name.display().to_string(), read(&path)?);
        }
    }
    Ok(())
}

/// The text of an operator's file.
///
/// # Errors
/// It can not be read, or is far too large: the file, the place, and what to do.
pub fn read(path: &Path) -> Result<String> {
    text_file::read(path, FILE_LIMIT_BYTES).map_err(|error| problems(vec![error.problem(path)]))
}

/// The console's setup for this configuration on this machine.
///
/// # Errors
/// The state root can not be used, or a file of a system is missing.
pub fn setup(common: &Common, configured: impl Into<Configured>) -> Result<Loaded> {
    let Configured { config, mut banners, nothing_found } = configured.into();
    let wanted = common.state_root.clone().or_else(|| config.state_root.clone().map(PathBuf::from));
    let root = StateRoot::find(wanted.as_deref()).map_err(|error| eyre!("{error}"))?;
    let demo =
        !config.targets.is_empty() && config.targets.iter().all(|target| target.environment == Environment::Demo);
    if !root.shared() && !demo {
        banners.push(unshared_banner());
    }
    let mut setup = setup_of(
        common,
        config,
        actor::present("opsconsole", None),
        root.path().display().to_string(),
        root.shared(),
        banners,
    )?;
    setup.console.nothing_found = nothing_found;
    for target in &setup.config.targets {
        match slo_log::read(&root, &target.id, clock::now().wall) {
            Ok(minutes) => drop(setup.minutes.insert(target.id.clone(), minutes)),
            Err(why) => setup.banners.push(Banner {
                severity: Severity::Warning,
                text: format!("the minutes of objectives can not be read, so their budgets begin anew: {why}"),
            }),
        }
    }
    Ok(Loaded { setup, root })
}

/// A setup for looking alone: without a state root, so that nothing can be journalled or done.
///
/// # Errors
/// As [`setup`].
pub fn looking(common: &Common, config: ConfigSpec) -> Result<Setup> {
    setup_of(common, config, actor::present("opsconsole", None), String::new(), false, Vec::new())
}

/// As [`setup`], for a console that is seen: theme and keymap must be sound as well, and are judged before the terminal
/// is touched.
///
/// # Errors
/// Every mistake in theme and keymap too, each with its place.
pub fn seen(common: &Common, configured: impl Into<Configured>) -> Result<Loaded> {
    let loaded = setup(common, configured)?;
    let (theme, keymap) = (&loaded.setup.theme, &loaded.setup.keymap);
    let mut found = Theme::parse(&theme.0, &theme.1).err().unwrap_or_default();
    found.extend(Keymap::parse(&keymap.0, &keymap.1).err().unwrap_or_default());
    if found.is_empty() {
        return Ok(loaded);
    }
    Err(eyre!("{:#}\nmend it, or name another with --theme or --keymap", problems(found)))
}

fn setup_of(
    common: &Common,
    config: ConfigSpec,
    actor: Actor,
    state_root: String,
    shared_state: bool,
    banners: Vec<Banner>,
) -> Result<Setup> {
    let demo =
        !config.targets.is_empty() && config.targets.iter().all(|target| target.environment == Environment::Demo);
    let needed: Vec<&SystemId> = config.targets.iter().map(|target| &target.system).collect();
    let mut systems = system_files()?;
    let known = systems.keys().map(SystemId::to_string).collect::<Vec<_>>().join(", ");
    if let Some(target) = config.targets.iter().find(|target| !systems.contains_key(&target.system)) {
        bail!("target {} is of system {}, which there is no folder for; there are: {known}", target.id, target.system);
    }
    systems.retain(|id, _| needed.contains(&id));
    let nonce: String = random_bytes::<4>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let console = Console {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        actor,
        demo,
        state_root,
        shared_state,
        nothing_found: Vec::new(),
    };
    let looks = looks(common, &config)?;
    let rules = config.rules.iter().map(|rules| rule_text(&rules.file)).collect();
    Ok(Setup {
        config,
        systems,
        theme: looks.theme,
        keymap: looks.keymap,
        themes: looks.themes,
        keymaps: looks.keymaps,
        minutes: BTreeMap::new(),
        depth: looks.depth,
        ascii: looks.ascii,
        console,
        rules,
        remembered: None,
        boot_id: String::new(),
        nonce,
        columns: 80,
        rows: 24,
        banners,
        wanted: None,
    })
}

/// What the console is to look like, and which keys it is to know.
#[derive(Debug)]
pub struct Looks {
    /// File and text.
    pub theme: (String, String),
    pub keymap: (String, String),
    pub themes: Vec<String>,
    pub keymaps: Vec<String>,
    pub depth: Depth,
    pub ascii: bool,
}

/// Theme, keymap, colours and signs: what an option says, else the configuration, else what the environment says of the
/// terminal.
///
/// # Errors
/// There is no theme or keymap of that name, and which there are; the colours are none of the choices.
pub fn looks(common: &Common, config: &ConfigSpec) -> Result<Looks> {
    let loader = Loader::of_user();
    let depth = colour_depth(common.colour.as_deref().or(config.colour.as_deref()))?;
    // Where the terminal, and not the configuration, says that there are no colours, its theme of colours is not meant.
    let meant = depth != Depth::None || config.colour.as_deref() == Some(Depth::None.word());
    let configured = config.theme.as_deref().filter(|_| meant);
    let theme = common.theme.as_deref().or(configured).unwrap_or(match depth {
        Depth::None => theme::COLOURLESS,
        Depth::Sixteen | Depth::Indexed | Depth::Full if depth::light_background(variable) => "light",
        Depth::Sixteen | Depth::Indexed | Depth::Full => theme::EMBEDDED[0].0,
    });
    let keymap = common.keymap.as_deref().or(config.keymap.as_deref()).unwrap_or(keymap::EMBEDDED[0].0);
    let text = |kind, name| loader.text(kind, name).map_err(|problem| problems(vec![problem]));
    Ok(Looks {
        theme: text(Kind::Theme, theme)?,
        keymap: text(Kind::Keymap, keymap)?,
        themes: loader.names(Kind::Theme),
        keymaps: loader.names(Kind::Keymap),
        depth,
        ascii: common.ascii || depth::ascii_only(variable),
    })
}

fn colour_words() -> impl Iterator<Item = &'static str> {
    ["auto"].into_iter().chain(Depth::ALL.iter().map(|depth| depth.word()))
}

fn colour_depth(wanted: Option<&str>) -> Result<Depth> {
    match wanted {
        None | Some("auto") => Ok(depth::depth(variable)),
        Some(word) => Depth::named(word).ok_or_else(|| {
            let near = nearest(word, colour_words()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            eyre!("colour {word:?} is none of {}{near}", colour_words().collect::<Vec<_>>().join(", "))
        }),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line reads what the environment says of the terminal")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Every problem on a line of its own.
pub fn problems(problems: Vec<Problem>) -> color_eyre::Report {
    eyre!("{}", problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
}
