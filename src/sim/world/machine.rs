//! The machine of a world: its files, its file systems and its programs, as numbers and texts. Who writes them into a
//! folder or hands them to a rehearsal is no concern of this file.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::{EffectSpec, FileSpec};
use super::state::World;
use super::view::{fill, plain, run, tried};
use crate::sources::jq::Filter;

/// Files that one line of the world may stand for.
const MOST_FILES: u64 = 500;

/// A file as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Lying {
    /// Within the folder of the system.
    pub path: String,
    pub size_bytes: u64,
    /// In milliseconds since the epoch.
    pub modified: i64,
    /// What is in it; zeroes where there is none.
    pub text: Option<String>,
}

/// A file system as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    pub path: String,
    pub size_bytes: u64,
    pub free_bytes: u64,
}

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// Every file that there is now. Those that logs are written to are not among them.
    #[must_use]
    pub fn files(&self, now: i64) -> Vec<Lying> {
        let gone = |path: &str| self.effects().any(|effect| matches!(effect, EffectSpec::Missing(of) if of == path));
        let mut files = Vec::new();
        for (spec, programs) in self.script.spec.files.iter().zip(&self.script.files) {
            if gone(&spec.path) {
                continue;
            }
            let input = self.machine_input(now, spec.node.as_deref());
            let count = programs.count.as_ref().map_or(1, |count| whole(count, &input)).min(MOST_FILES);
            for nth in 1..=count {
                files.push(self.file(now, spec, programs, &input, nth));
            }
        }
        files
    }

    fn file(
        &self,
        now: i64,
        spec: &FileSpec,
        programs: &super::script::FilePrograms,
        input: &Value,
        nth: u64,
    ) -> Lying {
        let own = |name: &str| (name == "n").then(|| format!("{nth:06}"));
        let nothing = serde_json::Map::new();
        let values = input.as_object().unwrap_or(&nothing);
        let text = spec.text.as_ref().map(|text| fill(text, values, own));
        let size = text.as_ref().map_or_else(|| whole(&programs.size, input), |text| text.len() as u64);
        let age = programs.age.as_ref().and_then(|age| run(age, input)).and_then(|age| age.as_f64()).unwrap_or(0.0);
        Lying { path: fill(&spec.path, values, own), size_bytes: size, modified: now - super::cell::millis(age), text }
    }

    /// Every file system that there is.
    #[must_use]
    pub fn disks(&self, now: i64) -> Vec<Disk> {
        let both = self.script.spec.disks.iter().zip(&self.script.disks);
        both.map(|(spec, (size, free))| {
            let input = self.machine_input(now, spec.node.as_deref());
            Disk { path: spec.path.clone(), size_bytes: whole(size, &input), free_bytes: whole(free, &input) }
        })
        .collect()
    }

    /// What a program would do; nothing where there is none that is called so.
    #[must_use]
    pub fn ran(&self, now: i64, argv: &[String]) -> Option<Ran> {
        let both = self.script.spec.programs.iter().zip(&self.script.programs);
        let (spec, programs) = both.into_iter().find(|(spec, _)| fits(&spec.argv, argv))?;
        let input = self.machine_input(now, spec.node.as_deref());
        let stdout = match tried(&programs.stdout, &input) {
            Ok(Some(value)) => plain(&value),
            Ok(None) => String::new(),
            Err(why) => format!("world.ron: {}: {why}", spec.argv.join(" ")),
        };
        let code = programs.code.as_ref().and_then(|code| run(code, &input)).and_then(|code| code.as_i64());
        let nothing = serde_json::Map::new();
        let stderr = spec.stderr.as_ref().map(|text| fill(text, input.as_object().unwrap_or(&nothing), |_| None));
        let code = i32::try_from(code.unwrap_or(0)).unwrap_or(1);
        // What a program that worked has to complain about is nothing.
        Some(Ran { code, stdout, stderr: stderr.filter(|_| code != 0).unwrap_or_default() })
    }

    fn machine_input(&self, now: i64, node: Option<&str>) -> Value {
        let number = self.script.spec.nodes.iter().position(|of| Some(of.id.as_str()) == node).unwrap_or(0);
        Value::Object(self.view(now, number))
    }
}

fn whole(program: &Filter, input: &Value) -> u64 {
    run(program, input).and_then(|value| value.as_f64()).map_or(0, |value| value.max(0.0) as u64)
}

/// Whether a program was called so.
fn fits(pattern: &[String], argv: &[String]) -> bool {
    let (open, fixed) = match pattern.split_last() {
        Some((last, before)) if last == "*" && !before.is_empty() => (true, before),
        Some(_) | None => (false, pattern),
    };
    let long_enough = if open { argv.len() >= fixed.len() } else { argv.len() == fixed.len() };
    let called = argv.first().and_then(|program| program.rsplit('/').next());
    let word = |(want, have): (&String, &String)| want == "*" || want == have;
    long_enough && called == fixed.first().map(String::as_str) && fixed.iter().zip(argv).skip(1).all(word)
}
