//! The rules of the house: who may import whom, who may touch the world, and that no Rust knows a chain's name.

use std::fs;
use std::path::{Path, PathBuf};

/// In reading order: each may use only itself and those before it.
const FOLDERS: &[&str] = &[
    "base", "model", "promql", "alert", "sources", "runbook", "steps", "systems", "config", "ui", "panes", "app",
    "shell", "sim", "cli",
];

/// The folders that may touch the world.
const WORLDLY: &[&str] = &["shell", "sim", "cli"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files_of(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    rust_files(&root().join("src").join(folder), &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("source is text"))).collect()
}

/// Code without comments, string literals left in.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.split("//").next().unwrap_or(line)))
}

/// The folders that a line of code reaches for through `crate::`.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        FOLDERS.contains(&name).then_some(name)
    })
}

#[test]
fn every_folder_is_in_the_reading_order() {
    let mut found: Vec<String> = fs::read_dir(root().join("src"))
        .expect("src")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut known: Vec<&str> = FOLDERS.to_vec();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn nothing_imports_upwards() {
    let mut wrong = Vec::new();
    for (rank, folder) in FOLDERS.iter().enumerate() {
        for (path, text) in files_of(folder) {
            // Tests may reach further than the code they test.
            if path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests")) {
                continue;
            }
            let tested = text.split("#[cfg(test)]").next().unwrap_or(&text);
            for (line, code) in code(tested) {
                for import in imports(code) {
                    if FOLDERS.iter().position(|known| *known == import).expect("a known folder") > rank {
                        wrong.push(format!("{}:{line} imports {import}", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_touches_nothing() {
    let forbidden = [
        "tokio::",
        "reqwest::",
        "axum::",
        "std::fs",
        "std::net",
        "std::process",
        "std::env::",
        "std::thread",
        "std::os::",
        "rustix::",
        "Instant::now",
        "SystemTime::now",
        "crossterm::",
    ];
    let mut wrong = Vec::new();
    for folder in FOLDERS.iter().filter(|folder| !WORLDLY.contains(folder)) {
        for (path, text) in files_of(folder) {
            // Tests at the end of a file may reach further than the code they test.
            let tested = text.split("#[cfg(test)]").next().unwrap_or(&text);
            for (line, code) in code(tested) {
                for word in forbidden.iter().filter(|word| code.contains(**word)) {
                    wrong.push(format!("{}:{line} uses {word}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_rust_outside_the_simulation_knows_a_chain() {
    let chains: Vec<String> = fs::read_dir(root().join("src/systems"))
        .expect("systems")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        // Prometheus is no chain, its text format is spoken by many; nor is a machine.
        .filter(|name| name != "prometheus" && name != "host")
        .collect();
    assert!(chains.contains(&"volchain".to_owned()));
    let mut wrong = Vec::new();
    for folder in FOLDERS.iter().filter(|folder| **folder != "sim") {
        for (path, text) in files_of(folder) {
            let demo = path.ends_with("cli/demo.rs") || path.ends_with("cli/shot/mod.rs");
            let tested = text.split("#[cfg(test)]").next().unwrap_or(&text);
            let told = path.file_name().is_some_and(|name| name.to_string_lossy().contains("test"));
            for (line, code) in code(tested) {
                let code = code.to_lowercase();
                if !demo && !told && chains.iter().any(|chain| code.contains(chain.as_str())) {
                    wrong.push(format!("{}:{line} {code}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_top_level_is_as_designed() {
    let allowed =
        ["Cargo.toml", "Cargo.lock", "src", "themes", "keymaps", "tests", "screenshots", "README.md", "target"];
    for entry in fs::read_dir(root()).expect("the root") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || allowed.contains(&name.as_str()), "{name} is not part of the top level");
    }
}

#[test]
fn every_module_says_what_it_is_and_must_never_do() {
    for folder in FOLDERS {
        let text = fs::read_to_string(root().join("src").join(folder).join("mod.rs")).expect("a mod.rs");
        let docs: String = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        assert!(docs.contains("Must never"), "src/{folder}/mod.rs does not say what it must never do");
        assert!(docs.contains("To add"), "src/{folder}/mod.rs does not say where to add to it");
    }
}
