//! The programs of the worlds: what a demo's sources run in place of a client of some database or chain.
//!
//! Each reaches nothing but the control port of the demo in whose folder it lies.

use std::path::Path;

use super::client::{Control, RunReport, run_target};
use super::systemctl::{Outcome, ask, failed};

/// What the simulated program would print and exit with; `args` begin with its name.
#[must_use]
pub fn outcome(folder: &Path, args: &[String]) -> Outcome {
    let program = args.first().map_or("", String::as_str);
    let told = Control::of_folder(folder).and_then(|control| ask::<RunReport>(&control, "GET", &run_target(args)));
    match told {
        Ok(RunReport { ran: Some(ran) }) => {
            Outcome { stdout: lined(ran.stdout), stderr: lined(ran.stderr), code: ran.code }
        }
        Ok(RunReport { ran: None }) => failed(127, format!("this demo's {program} knows nothing of these arguments")),
        Err(error) => failed(1, format!("{program}: {error}")),
    }
}

fn lined(text: String) -> String {
    if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
}
