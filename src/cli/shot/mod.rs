//! `opsconsole shot`: pictures of the console on a rehearsed chain, for `screenshots/` and the README.
//!
//! Time and chain are simulated, so that the same version draws the same picture; a test compares.

mod glyph;
pub mod svg;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::{Result, WrapErr, bail, eyre};
use ratatui::buffer::Buffer;

use super::load::Looks;
use super::{Common, load};
use crate::app::Setup;
use crate::config::ConfigSpec;
use crate::panes::Page;
use crate::runbook::seal::Environment;
use crate::sim::rehearsal::{CODE, Rehearsal};
use crate::sim::volchain::Fault;
use crate::sim::{Simulation, Surface};
use crate::systems;
use crate::ui::{Depth, Theme};

#[derive(Debug, Args)]
pub struct ShotArgs {
    /// The scene; all of them where none is named
    scene: Option<String>,
    /// Columns and rows, such as 110x34; as large as the scene needs where it is not said
    #[arg(long, value_parser = size)]
    size: Option<(u16, u16)>,
    /// The folder to write into, one file per scene; standard output for a single scene without it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print text instead of SVG
    #[arg(long)]
    text: bool,
    /// Show the simulated target as one of this environment
    #[arg(long, value_name = "WORD", default_value = "demo")]
    environment: String,
}

/// A picture: its name, what it shows, of what, how large where it is not said, and how the console gets there.
struct Scene {
    name: &'static str,
    title: &'static str,
    cast: Cast,
    size: (u16, u16),
    play: fn(&mut Rehearsal),
}

/// What is rehearsed, with the faults that are in progress: of which system, which, and since how many seconds.
#[derive(Clone, Copy)]
enum Cast {
    /// The chain that stopped producing blocks a little over a minute ago: two minutes later the alert fires.
    StaleChain,
    /// Every system.
    All(&'static [(&'static str, &'static str, u64)]),
    /// One system.
    One(&'static str, &'static [(&'static str, u64)]),
}

/// The size of a picture that is about one thing.
const USUAL: (u16, u16) = (110, 34);
/// Of one that is about a whole fleet.
const WIDE: (u16, u16) = (150, 48);

/// What goes wrong where everything is shown at once.
const INCIDENTS: &[(&str, &str, u64)] = &[
    ("volchain", "producer-stuck", 70),
    ("coinjecture", "ipfs-nodes-down", 200),
    ("goud", "fork", 100),
    ("fastmainnet", "market-silent", 800),
];

const fn scene(name: &'static str, title: &'static str, play: fn(&mut Rehearsal)) -> Scene {
    Scene { name, title, cast: Cast::StaleChain, size: USUAL, play }
}

const SCENES: &[Scene] = &[
    Scene { cast: Cast::All(INCIDENTS), size: WIDE, ..scene("overview", "every target at once", |_| {}) },
    Scene {
        cast: Cast::All(INCIDENTS),
        ..scene("fleet", "a line for every target, the worst first", |stage| stage.app.show(Page::Fleet))
    },
    scene("target", "the page of a target", |stage| stage.app.show(Page::Target)),
    Scene {
        cast: Cast::One("coinjecture", &[("parity-drift", 200)]),
        size: WIDE,
        ..scene("coinjecture", "COINjecture while its two codecs disagree", drifting)
    },
    Scene {
        cast: Cast::One("goud", &[("fork", 100)]),
        size: WIDE,
        ..scene("goud", "Goud Chain with two chains at one height", of_target)
    },
    Scene {
        cast: Cast::One("fastmainnet", &[("market-silent", 800)]),
        size: WIDE,
        ..scene("fastmainnet", "Fast-Mainnet while one market gives no receipts", of_target)
    },
    Scene {
        cast: Cast::One("pouw", &[("rejection-rate", 400)]),
        size: WIDE,
        ..scene("pouw", "PoUW while it rejects what it is sent", of_target)
    },
    scene("alerts", "a stale chain: the alert fires, and why", alerts),
    scene("wizard", "from the alert to its runbook, diagnosed", open),
    scene("confirm", "the confirmation of a serious act", confirm),
    scene("verified", "cured, verified, journalled", cured),
    scene("journal", "the journal of the incident", journal),
    scene("sources", "the sources and what they last said", |stage| stage.app.show(Page::Sources)),
    scene("metrics", "an expression charted, one of its columns read", metrics),
    scene("logs", "the lines of a log, followed", |stage| stage.app.show(Page::Logs)),
    scene("slo", "objectives and what is left of their budgets", objectives),
    scene("palette", "everything is found by typing", palette),
    Scene {
        cast: Cast::All(INCIDENTS),
        ..scene("faults", "the demo's menu of what can go wrong", |stage| stage.press("d"))
    },
];

/// Draws one scene, or all.
///
/// # Errors
/// No such scene, or a file can not be written.
pub fn run(common: &Common, args: &ShotArgs) -> Result<ExitCode> {
    let style = Style::of(common, args)?;
    let scenes: Vec<&Scene> = match &args.scene {
        None => SCENES.iter().collect(),
        Some(name) => {
            let known = || SCENES.iter().map(|scene| scene.name).collect::<Vec<_>>().join(", ");
            vec![
                SCENES
                    .iter()
                    .find(|scene| scene.name == name)
                    .ok_or_else(|| eyre!("{name:?} is no scene; there are: {}", known()))?,
            ]
        }
    };
    for scene in scenes {
        let (screen, theme) = scene.draw(args.size, &style)?;
        let drawn = match args.text {
            true => text(&screen),
            false => svg::svg(&screen, &format!("opsconsole: {}", scene.title), &theme),
        };
        match &args.out {
            None => say!("{drawn}"),
            Some(folder) => {
                let path = folder.join(format!("{}.{}", scene.name, if args.text { "txt" } else { "svg" }));
                write(&path, &drawn)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every scene's name and picture at its own size, as `screenshots/` holds them.
///
/// # Errors
/// A mistake in the embedded data.
pub fn pictures() -> Result<Vec<(String, String)>> {
    let picture = |scene: &Scene| -> Result<(String, String)> {
        let (screen, theme) = scene.draw(None, &Style::default())?;
        Ok((format!("{}.svg", scene.name), svg::svg(&screen, &format!("opsconsole: {}", scene.title), &theme)))
    };
    SCENES.iter().map(picture).collect()
}

#[expect(clippy::disallowed_methods, reason = "the command line writes what it was asked for")]
fn write(path: &std::path::Path, drawn: &str) -> Result<()> {
    std::fs::write(path, drawn).wrap_err_with(|| path.display().to_string())
}

/// How the pictures look, where they are not to look as they do by themselves. What the environment says of a terminal
/// is not asked: nothing is drawn on one.
#[derive(Debug)]
struct Style {
    looks: Option<Looks>,
    ascii: bool,
    environment: Environment,
}

impl Default for Style {
    fn default() -> Style {
        Style { looks: None, ascii: false, environment: Environment::Demo }
    }
}

impl Style {
    fn of(common: &Common, args: &ShotArgs) -> Result<Style> {
        let all = Environment::ALL;
        let environment = all.into_iter().find(|environment| environment.word() == args.environment);
        let words = all.map(Environment::word).join(", ");
        let environment = environment.ok_or_else(|| eyre!("{:?} is none of {words}", args.environment))?;
        let colour = common.colour.clone().or(Some(Depth::Full.word().to_owned()));
        let wanted = common.theme.is_some() || common.colour.is_some();
        let looks = wanted.then(|| load::looks(&Common { colour, ..common.clone() }, &ConfigSpec::default()));
        Ok(Style { looks: looks.transpose()?, ascii: common.ascii, environment })
    }

    fn put_on(&self, setup: &mut Setup) {
        if let Some(looks) = &self.looks {
            (setup.theme, setup.depth) = (looks.theme.clone(), looks.depth);
        }
        setup.ascii = self.ascii;
        for target in &mut setup.config.targets {
            target.environment = self.environment;
        }
        setup.console.demo = self.environment == Environment::Demo;
    }
}

impl Cast {
    /// The systems, and the faults of each with how long ago they began.
    fn begin(self, size: (u16, u16), style: &Style) -> Result<Rehearsal> {
        let change = |setup: &mut Setup| style.put_on(setup);
        let ago = |seconds: u64| Duration::from_secs(seconds);
        let begun = match self {
            Cast::StaleChain => Rehearsal::begin_as(Surface::AsBuilt, &[(Fault::ProducerStuck, ago(70))], size, change),
            Cast::All(faults) => {
                let faults: Vec<_> = faults.iter().map(|(system, name, since)| (*system, *name, ago(*since))).collect();
                Rehearsal::of_systems(simulations()?, Surface::AsBuilt, &faults, size, change)
            }
            Cast::One(system, faults) => {
                let faults: Vec<_> = faults.iter().map(|(name, since)| (system, *name, ago(*since))).collect();
                let simulations = simulations()?.into_iter().filter(|simulation| simulation.system.as_str() == system);
                Rehearsal::of_systems(simulations.collect(), Surface::AsBuilt, &faults, size, change)
            }
        };
        Ok(begun?)
    }
}

/// Every system that can be simulated.
fn simulations() -> Result<Vec<Simulation>> {
    Simulation::all(&systems::embedded()).map_err(load::problems)
}

impl Scene {
    fn draw(&self, size: Option<(u16, u16)>, style: &Style) -> Result<(Buffer, Arc<Theme>)> {
        let mut stage = self.cast.begin(size.unwrap_or(self.size), style)?;
        stage.advance(Duration::from_secs(130));
        (self.play)(&mut stage);
        Ok((stage.screen(), Arc::clone(&stage.app.model().theme)))
    }
}

/// What only logs tell is counted from when they are first read: the ranges over it are covered after five minutes.
fn drifting(stage: &mut Rehearsal) {
    stage.advance(Duration::from_secs(240));
    of_target(stage);
}

fn of_target(stage: &mut Rehearsal) {
    stage.app.show(Page::Target);
    stage.advance(Duration::from_secs(1));
}

fn alerts(stage: &mut Rehearsal) {
    stage.app.show(Page::Alerts);
    stage.advance(Duration::from_secs(1));
}

fn objectives(stage: &mut Rehearsal) {
    stage.app.show(Page::Slo);
    stage.advance(Duration::from_secs(1));
}

fn open(stage: &mut Rehearsal) {
    stage.app.show(Page::Alerts);
    stage.press("enter");
    stage.advance(Duration::from_secs(3));
}

fn confirm(stage: &mut Rehearsal) {
    open(stage);
    stage.press("enter");
    stage.advance(Duration::from_secs(1));
    stage.press("A");
    stage.type_text("INC-2041 stale blocks");
    stage.press("enter");
    stage.press("enter");
    stage.press("X");
}

fn cured(stage: &mut Rehearsal) {
    confirm(stage);
    stage.type_text(&format!("volchain-demo {CODE}"));
    stage.advance(Duration::from_secs(40));
}

fn journal(stage: &mut Rehearsal) {
    cured(stage);
    stage.app.show(Page::Journal);
}

fn metrics(stage: &mut Rehearsal) {
    stage.press("e");
    stage.press("ctrl-u");
    stage.type_text("volchain_mempool_size");
    stage.press("enter");
    stage.advance(Duration::from_secs(2));
    (0..6).for_each(|_| stage.press(","));
}

fn palette(stage: &mut Rehearsal) {
    stage.press(":");
    stage.type_text("blocks");
}

/// A screen as text, without trailing blanks.
#[must_use]
pub fn text(screen: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..screen.area.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..screen.area.width {
            let symbol = screen[(x, y)].symbol();
            if skip == 0 {
                row.push_str(symbol);
            }
            skip = crate::base::text::width(symbol).max(skip).saturating_sub(1);
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

fn size(text: &str) -> Result<(u16, u16)> {
    let Some((columns, rows)) = text.split_once('x').and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?))) else {
        bail!("{text:?} is no size; write columns x rows, such as 120x40");
    };
    Ok((columns, rows))
}
