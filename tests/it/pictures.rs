//! What is generated from the program is the program's: screenshots and the table of keys.

use std::fs;
use std::path::PathBuf;

use opsconsole::cli::console::keys_table;
use opsconsole::cli::shot::pictures;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_screenshots_are_those_of_this_version() {
    for (name, picture) in pictures().expect("the scenes play") {
        let path = root().join("screenshots").join(&name);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == picture, "{name} is out of date: run opsconsole shot --out screenshots and look at it");
    }
}

#[test]
fn the_readme_has_the_keys_of_this_version() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let kept = readme.split("<!-- keys -->\n").nth(1).and_then(|rest| rest.split("<!-- /keys -->").next());
    assert_eq!(
        kept,
        Some(keys_table().expect("the default keymap").as_str()),
        "put the output of opsconsole keys there"
    );
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let top: Vec<&str> = readme.lines().take(20).collect();
    for command in ["cargo run --release -- demo", "cargo test"] {
        assert!(top.contains(&command), "{command} is not at the top");
    }
}
