//! `opsconsole rules` and `opsconsole query` over files: exit codes and what is printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the fixtures").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "yml")).collect();
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    files
}

fn opsconsole(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opsconsole")).args(arguments).output().expect("it starts")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A test file whose name begins with `fails_` fails, and every other one passes.
#[test]
fn every_test_file_has_the_verdict_of_its_name() {
    for file in files(&fixtures().join("tests")) {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let output = opsconsole(&["rules", "test", "--prometheus", "2", file.to_str().expect("a path")]);
        let want = i32::from(name.starts_with("fails_"));
        assert_eq!(output.status.code(), Some(want), "{name}:\n{}", said(&output));
        assert_eq!(said(&output).contains("FAILED"), want == 1, "{name}:\n{}", said(&output));
    }
}

#[test]
fn one_bad_file_among_good_ones_fails_all() {
    let path = |name: &str| fixtures().join(name).display().to_string();
    let output = opsconsole(&["rules", "check", &path("node.yml"), &path("broken.yml"), &path("order.yml")]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("SUCCESS: 6 rules found") && text.contains("SUCCESS: 2 rules found"), "{text}");
    assert!(text.contains("broken.yml:5:"), "{text}");
    assert_eq!(opsconsole(&["rules", "check", &path("node.yml")]).status.code(), Some(0));
    assert_eq!(opsconsole(&["rules", "check", &path("none.yml")]).status.code(), Some(1));
    assert_eq!(opsconsole(&["rules", "test", &path("none.yml")]).status.code(), Some(1));
}

#[test]
fn a_file_of_samples_answers_queries() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.prom");
    let lines =
        (0..=10).map(|n| format!("blocks_total{{node=\"a\"}} {} {}\n", n * 30, 1_600_000_000_000_i64 + n * 30_000));
    std::fs::write(&file, lines.collect::<String>()).expect("written");
    let data = file.to_str().expect("a path");
    let check = |arguments: &[&str], want: &str| {
        let output = opsconsole(&[&["query", "--data", data], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), want, "{arguments:?}");
    };
    check(&["sum_over_time(blocks_total[45s])"], "{node=\"a\"}  570\n");
    check(&["-vector(1)"], "{}  -1\n");
    check(
        &["blocks_total", "--at", "1600000060.5", "--format", "json"],
        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"blocks_total\",\
         \"node\":\"a\"},\"value\":[1600000060.500,\"60\"]}]}}\n",
    );
    check(
        &["blocks_total", "--from", "2020-09-13T12:26:40Z", "--to", "1600000060", "--step", "1m"],
        "blocks_total{node=\"a\"}  2020-09-13T12:26:40.000Z   0\n\
         \x20                       2020-09-13T12:27:40.000Z  60\n",
    );
    let chart = opsconsole(&["query", "--data", data, "blocks_total", "--format", "chart", "--ascii"]);
    assert!(String::from_utf8_lossy(&chart.stdout).contains("max 300"), "{}", said(&chart));
    let wrong = opsconsole(&["query", "--data", data, "rate(blocks_total)"]);
    assert_eq!(wrong.status.code(), Some(3), "{}", said(&wrong));
    let old =
        opsconsole(&["query", "--data", data, "--prometheus", "2", "double_exponential_smoothing(x[5m], 0.5, 0.5)"]);
    assert!(said(&old).contains("1:1: function double_exponential_smoothing"), "{}", said(&old));
}
