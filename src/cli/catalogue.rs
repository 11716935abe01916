//! `opsconsole catalogue`: everything that the systems' data implements, with its provenance.

use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::Result;
use serde_json::{Value, json};

use super::{Common, load};
use crate::base::Provenance;
use crate::systems::System;

#[derive(Debug, Args)]
pub struct CatalogueArgs {
    /// Print JSON (the only form there is)
    #[arg(long)]
    json: bool,
}

/// Prints the catalogue of every system there is.
///
/// # Errors
/// A mistake in a system's files.
pub fn run(_common: &Common, args: &CatalogueArgs) -> Result<ExitCode> {
    let _ = args.json;
    let mut systems = Vec::new();
    for system in load::all_systems()? {
        systems.push(entry(&system)?);
    }
    say_line!("{}", serde_json::to_string_pretty(&json!({ "systems": systems }))?);
    Ok(ExitCode::SUCCESS)
}

/// A system's data as one document; every element keeps its `from`, `documented`, `deviates` and `answers`.
fn entry(system: &System) -> Result<Value> {
    let rules = system.rules.alerts().map(|rule| {
        let mut value = provenance(&rule.provenance())?;
        value["alert"] = json!(rule.name);
        value["expr"] = json!(rule.expr.source());
        value["for_seconds"] = json!(rule.hold.as_secs());
        value["severity"] = json!(rule.severity().word());
        Ok::<Value, serde_json::Error>(value)
    });
    Ok(json!({
        "system": system.id,
        "spec": lifted(serde_json::to_value(&system.spec)?),
        "alerts": rules.collect::<Result<Vec<_>, _>>()?,
        "runbooks": system.runbooks.iter().map(|runbook| serde_json::to_value(&**runbook).map(lifted)).collect::<Result<Vec<_>, _>>()?,
    }))
}

fn provenance(provenance: &Provenance) -> Result<Value, serde_json::Error> {
    serde_json::to_value(provenance)
}

/// Elements whose provenance is a field of its own get its parts beside their others, so that one look finds them.
fn lifted(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            if let Some(Value::Object(provenance)) = map.remove("provenance") {
                map.extend(provenance);
            }
            Value::Object(map.into_iter().map(|(key, value)| (key, lifted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lifted).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}
