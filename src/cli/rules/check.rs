//! `opsconsole rules check`: every mistake of a rule file, with its place.

use std::path::Path;

use super::{FilesArgs, failed};
use crate::alert::{RuleFile, rules};
use crate::cli::load;
use crate::promql::Dialect;

/// Checks each file, and says whether all are good.
pub(super) fn run(args: &FilesArgs) -> bool {
    let mut good = true;
    for file in &args.files {
        say_line!("Checking {}", file.display());
        match read(file, args.prometheus) {
            Ok(rules) => {
                let count = rules.rules().count();
                say_line!("  SUCCESS: {count} {} found", if count == 1 { "rule" } else { "rules" });
            }
            Err(mistakes) => {
                failed(&mistakes);
                good = false;
            }
        }
        say_line!("");
    }
    good
}

/// Reads a rule file, or says every mistake in it.
pub(super) fn read(file: &Path, dialect: Dialect) -> Result<RuleFile, Vec<String>> {
    let text = load::read(file).map_err(|error| vec![format!("{error:#}")])?;
    rules::load_as(&file.display().to_string(), &text, dialect)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}
