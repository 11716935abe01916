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
use crate::sim::Surface;
use crate::sim::rehearsal::{CODE, Rehearsal};
use crate::sim::volchain::Fault;
use crate::ui::{Depth, Theme};

#[derive(Debug, Args)]
pub struct ShotArgs {
    /// The scene; all of them where none is named
    scene: Option<String>,
    /// Columns and rows
    #[arg(long, default_value = "110x34", value_parser = size)]
    size: (u16, u16),
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

/// A picture: its name, what it shows, and how the console gets there.
struct Scene {
    name: &'static str,
    title: &'static str,
    play: fn(&mut Rehearsal),
}

const SCENES: &[Scene] = &[
    Scene { name: "overview", title: "every target at once", play: |_| {} },
    Scene { name: "target", title: "the page of a target", play: |stage| stage.app.show(Page::Target) },
    Scene { name: "alerts", title: "a stale chain: the alert fires, and why", play: alerts },
    Scene { name: "wizard", title: "from the alert to its runbook, diagnosed", play: open },
    Scene { name: "confirm", title: "the confirmation of a serious act", play: confirm },
    Scene { name: "verified", title: "cured, verified, journalled", play: cured },
    Scene { name: "journal", title: "the journal of the incident", play: journal },
    Scene {
        name: "sources",
        title: "the sources and what they last said",
        play: |stage| stage.app.show(Page::Sources),
    },
    Scene { name: "metrics", title: "an expression charted, one of its columns read", play: metrics },
    Scene { name: "logs", title: "the lines of a log, followed", play: |stage| stage.app.show(Page::Logs) },
    Scene { name: "slo", title: "objectives and what is left of their budgets", play: objectives },
    Scene { name: "palette", title: "everything is found by typing", play: palette },
    Scene { name: "faults", title: "the demo's menu of what can go wrong", play: |stage| stage.press("d") },
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

/// Every scene's name and picture at the standard size, as `screenshots/` holds them.
///
/// # Errors
/// A mistake in the embedded data.
pub fn pictures() -> Result<Vec<(String, String)>> {
    let picture = |scene: &Scene| -> Result<(String, String)> {
        let (screen, theme) = scene.draw((110, 34), &Style::default())?;
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

impl Scene {
    fn draw(&self, size: (u16, u16), style: &Style) -> Result<(Buffer, Arc<Theme>)> {
        // Block production stopped a little over a minute ago; two minutes of watching later the alert fires.
        let faults = [(Fault::ProducerStuck, Duration::from_secs(70))];
        let mut stage = Rehearsal::begin_as(Surface::AsBuilt, &faults, size, |setup| style.put_on(setup))?;
        stage.advance(Duration::from_secs(130));
        (self.play)(&mut stage);
        Ok((stage.screen(), Arc::clone(&stage.app.model().theme)))
    }
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
