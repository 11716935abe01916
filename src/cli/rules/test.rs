//! `opsconsole rules test`: the unit tests of rules, from promtool's files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{FilesArgs, check, failed, glob};
use crate::alert::unit_test;
use crate::cli::load;
use crate::promql::Dialect;

/// Runs the tests of each file, and says whether all passed.
pub(super) fn run(args: &FilesArgs) -> bool {
    let mut good = true;
    for file in &args.files {
        say_line!("Unit Testing:  {}", file.display());
        match tested(file, args.prometheus) {
            Ok(()) => say_line!("  SUCCESS"),
            Err(why) => {
                failed(&why);
                good = false;
            }
        }
        say_line!("");
    }
    good
}

fn tested(file: &Path, dialect: Dialect) -> Result<(), Vec<String>> {
    let text = load::read(file).map_err(|error| vec![format!("{error:#}")])?;
    let tests = unit_test::load(&file.display().to_string(), &text).map_err(|problem| vec![problem.to_string()])?;
    let mut rules = Vec::new();
    // Where nothing is tested, nobody asks whether the rules are good.
    for file in rule_files(file, &tests.rule_files)?.iter().filter(|_| tests.has_tests()) {
        rules.push(check::read(file, dialect)?);
    }
    match unit_test::run(&tests, &rules, dialect) {
        failures if failures.is_empty() => Ok(()),
        failures => Err(failures),
    }
}

/// The files that the patterns name, each once, from the test file's folder on.
fn rule_files(test_file: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, Vec<String>> {
    let folder = test_file.parent().unwrap_or(Path::new(""));
    let mut known = HashSet::new();
    let mut files = Vec::new();
    for pattern in patterns {
        let found = glob::files(folder, pattern).map_err(|what| vec![format!("rule_files: {pattern:?}: {what}")])?;
        if found.is_empty() {
            eprintln!("  WARNING: no file matches {}", crate::base::text::clean(pattern));
        }
        files.extend(found.into_iter().filter(|file| known.insert(file.clone())));
    }
    Ok(files)
}
