//! The console itself, and the table of keys that the README shows.

use std::path::Path;
use std::process::ExitCode;

use color_eyre::eyre::Result;

use super::{Common, load};
use crate::model::Batch;
use crate::shell;
use crate::sim;
use crate::ui::action::{ACTIONS, Danger};
use crate::ui::{Keymap, keymap};

/// Starts the console on the configured targets; without a configuration, on what answers on this machine.
///
/// # Errors
/// Mistakes in the configuration, or no terminal.
pub fn run(common: &Common, record: Option<&Path>) -> Result<ExitCode> {
    let loaded = load::seen(common, load::found(common)?)?;
    shell::runtime()?
        .block_on(shell::console::run(loaded.setup, loaded.root, record, sim::desk(), async { Vec::<Batch>::new() }))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the table of keys as Markdown: what the README holds between its markers.
///
/// # Errors
/// The embedded keymap has a mistake.
pub fn keys() -> Result<ExitCode> {
    say!("{}", keys_table()?);
    Ok(ExitCode::SUCCESS)
}

/// The action table with the keys of the default keymap.
///
/// # Errors
/// The embedded keymap has a mistake.
pub fn keys_table() -> Result<String> {
    let (name, text) = keymap::EMBEDDED.first().copied().unwrap_or_default();
    let keymap = Keymap::parse(name, text).map_err(load::problems)?;
    let mut table = String::from("| keys | action | what it does |\n|---|---|---|\n");
    for row in ACTIONS {
        let keys: Vec<String> = keymap.keys(row.action).iter().map(|keys| format!("`{keys}`")).collect();
        let note = match row.danger {
            Danger::None => String::new(),
            Danger::Decides => format!(" *({})*", row.danger.note()),
            Danger::Acts => format!(" **({})**", row.danger.note()),
        };
        table.push_str(&format!("| {} | `{}` | {}{note} |\n", keys.join(" "), row.name, row.sentence));
    }
    Ok(table)
}
