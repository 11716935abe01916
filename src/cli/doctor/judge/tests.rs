use std::time::Duration;

use ratatui::layout::Size;

use super::*;
use crate::shell::terminal::probe::Answers;

/// The worst finding, and that its words are among the findings'; whatever is not ok names a remedy.
fn check(findings: &[Finding], worst: Health, want: &str) {
    assert_eq!(findings.iter().map(|finding| finding.health).max(), Some(worst), "{findings:#?}");
    let said = |finding: &Finding| format!("{} {}", finding.what, finding.remedy.clone().unwrap_or_default());
    assert!(findings.iter().any(|finding| finding.health == worst && said(finding).contains(want)), "{findings:#?}");
    for finding in findings.iter().filter(|finding| finding.health != Health::Ok) {
        assert!(finding.remedy.is_some(), "{finding:?}");
    }
}

fn good() -> TerminalFacts {
    let size = Size { width: 120, height: 40 };
    let answers = Answers { size, status_after: Some(Duration::from_millis(3)), synchronized: true };
    TerminalFacts {
        is_terminal: true,
        term: Some("xterm-256color".to_owned()),
        locale: Some("C.UTF-8".to_owned()),
        answers: Some(Ok(answers)),
        ..TerminalFacts::default()
    }
}

#[test]
fn the_terminal() {
    let answered = |change: fn(&mut Answers)| {
        let mut facts = good();
        if let Some(Ok(answers)) = &mut facts.answers {
            change(answers);
        }
        facts
    };
    let term = |term: &str| TerminalFacts { term: Some(term.to_owned()), ..good() };
    check(&terminal(&good()), Health::Ok, "256 colours");
    check(&terminal(&TerminalFacts::default()), Health::Ok, "no terminal");
    check(&terminal(&term("dumb")), Health::Problem, "TERM is dumb");
    check(&terminal(&TerminalFacts { term: None, ..good() }), Health::Problem, "TERM is not set");
    check(&terminal(&term("xterm")), Health::Warning, "16 colours");
    check(&terminal(&term("linux")), Health::Warning, "no clipboard");
    check(&terminal(&TerminalFacts { colorterm: Some("truecolor".to_owned()), ..term("xterm") }), Health::Ok, "24-bit");
    check(&terminal(&TerminalFacts { no_color: true, ..good() }), Health::Ok, "NO_COLOR");
    check(&terminal(&TerminalFacts { tmux: true, ..good() }), Health::Ok, "tmux.conf");
    check(&terminal(&TerminalFacts { locale: None, ..good() }), Health::Warning, "--ascii");
    check(&terminal(&TerminalFacts { locale: Some("POSIX".to_owned()), ..good() }), Health::Warning, "not UTF-8");
    check(&terminal(&answered(|answers| answers.size.height = 10)), Health::Warning, "at least 80 by 24");
    check(&terminal(&answered(|answers| answers.status_after = None)), Health::Warning, "no status report");
    check(&terminal(&answered(|answers| answers.synchronized = false)), Health::Ok, "half drawn");
    let unusable = TerminalFacts { answers: Some(Err("hung up".to_owned())), ..good() };
    check(&terminal(&unusable), Health::Problem, "hung up");
}

#[test]
fn the_configuration() {
    let place =
        |mode, trusted_owner| PathFacts { path: "c.ron".to_owned(), owner: "eve".to_owned(), trusted_owner, mode };
    let facts = |places| ConfigFacts { path: Some("c.ron".to_owned()), targets: 1, places, ..ConfigFacts::default() };
    check(&config(&facts(vec![place(0o640, true)])), Health::Ok, "1 target, no mistakes");
    check(&config(&facts(vec![place(0o646, true)])), Health::Problem, "chmod o-w c.ron");
    check(&config(&facts(vec![place(0o1777, true)])), Health::Ok, "no mistakes");
    check(&config(&facts(vec![place(0o640, false)])), Health::Warning, "belongs to eve");
    let wrong = ConfigFacts { problems: vec!["c.ron:1:2: what".to_owned()], ..facts(Vec::new()) };
    check(&config(&wrong), Health::Problem, "c.ron:1:2: what");
    check(
        &config(&ConfigFacts { usual: "x".to_owned(), ..ConfigFacts::default() }),
        Health::Warning,
        "config init --out x",
    );
    let found = ConfigFacts { found: Some("found one".to_owned()), ..ConfigFacts::default() };
    check(&config(&found), Health::Warning, "found one");
}

#[test]
fn the_state_root() {
    let own = StateFacts { path: "/s".to_owned(), exists: true, ..StateFacts::default() };
    check(&state(&StateFacts { shared: true, ..own.clone() }, false), Health::Ok, "exclude each other");
    check(&state(&own, false), Health::Warning, "install -d -g opsconsole");
    check(&state(&own, true), Health::Ok, "as the simulated targets are");
    check(&state(&StateFacts { exists: false, ..own.clone() }, false), Health::Warning, "will be made");
    let refused = StateFacts { not_shared_because: Some("ops may not write".to_owned()), ..own.clone() };
    check(&state(&refused, false), Health::Warning, "ops may not write");
    check(&state(&StateFacts { unusable: Some("a link".to_owned()), ..own.clone() }, false), Health::Problem, "a link");
    let full = StateFacts { shared: true, free_bytes: Some(5 << 20), ..own };
    check(&state(&full, false), Health::Warning, "5 MiB are free");
}

#[test]
fn secrets_privilege_and_tools() {
    let secret = |unusable: Option<&str>| {
        let unusable = unusable.map(str::to_owned);
        let (of, reference) = ("t/n/e".to_owned(), "«env:X»".to_owned());
        secrets(&[SecretFacts { of, for_acts: false, reference, unusable }])
    };
    check(&secret(None), Health::Ok, "«env:X» of t/n/e can be used");
    check(&secret(Some("chmod 600 /f")), Health::Problem, "chmod 600 /f");
    let asked = |outcome: Result<&str, &str>| {
        let outcome = outcome.map(str::to_owned).map_err(str::to_owned);
        privilege(&[PrivilegeFacts {
            target: "t".to_owned(),
            command: Some("systemctl restart x".to_owned()),
            outcome,
        }])
    };
    check(&asked(Ok("sudo lets ops")), Health::Ok, "sudo lets ops");
    check(&asked(Err("sudo refuses")), Health::Problem, "NOPASSWD");
    let no_unit = PrivilegeFacts { target: "t".to_owned(), command: None, outcome: Err("it names no unit".to_owned()) };
    let said = privilege(&[no_unit]);
    check(&said, Health::Problem, "put that right, or take the host out");
    assert!(
        !said[0].remedy.as_deref().unwrap_or_default().contains("sudoers"),
        "a remedy for another problem: {said:?}"
    );
    check(&[tool("systemctl", true, true)], Health::Ok, "is there");
    check(&[tool("systemctl", false, true)], Health::Problem, "not installed");
    check(&[tool("systemctl", false, false)], Health::Warning, "not installed");
}

#[test]
fn what_is_read() {
    let fine =
        ReadFacts { source: "t/n/e/s".to_owned(), surfaces: vec!["as-built".to_owned()], ..ReadFacts::default() };
    check(&reads(std::slice::from_ref(&fine)), Health::Ok, "surface as-built");
    let hidden = ReadFacts { not_exposed: vec!["x_total".to_owned()], ..fine.clone() };
    check(&reads(&[hidden]), Health::Ok, "not exposed: x_total");
    let failing = |failure| reads(&[ReadFacts { failure: Some(failure), ..fine.clone() }]);
    check(&failing(FetchFailure::Refused), Health::Problem, "connection refused");
    // Each cause has its own remedy.
    let expected = || "JSON".to_owned();
    for (failure, want) in [
        (FetchFailure::Refused, "see whether the node runs"),
        (FetchFailure::Html { expected: expected() }, "a web page answers there"),
        (FetchFailure::Status { status: 503 }, "see the node's log"),
        (FetchFailure::Status { status: 401 }, "an auth that the node takes"),
        (FetchFailure::Status { status: 404 }, "does not know this read"),
        (FetchFailure::Malformed { expected: expected(), detail: "not UTF-8".to_owned() }, "this kind of node"),
        (FetchFailure::Timeout { after: Duration::from_secs(2), received_bytes: 3 }, "how busy it is"),
        (FetchFailure::Denied { path: "/l".to_owned() }, "let this user read it"),
    ] {
        check(&failing(failure), Health::Problem, want);
    }
    // What is of a machine that the console does not run on is not read, and that is no fault; it is said once.
    let why = "it is of the node's machine";
    let elsewhere = ReadFacts {
        address: format!("systemctl show x: not read, because {why}"),
        failure: Some(FetchFailure::NotRead { why: why.to_owned() }),
        ..fine.clone()
    };
    let findings = reads(&[elsewhere]);
    check(&findings, Health::Ok, "not read");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].what.matches(why).count(), 1, "{findings:?}");
    for (skew, want) in [(61.0, "61 s ahead of"), (-7.0, "7 s behind")] {
        check(&reads(&[ReadFacts { clock_skew_seconds: Some(skew), ..fine.clone() }]), Health::Warning, want);
    }
    check(&reads(&[ReadFacts { clock_skew_seconds: Some(0.0), ..fine }]), Health::Ok, "surface");
}

#[test]
fn what_nodes_are_and_have() {
    let found = || CapabilitySnapshot {
        target: "t".to_owned(),
        node: "n".to_owned(),
        system: "pouw".to_owned(),
        surface: Some("as_built"),
        versions: Vec::new(),
        answers: vec!["GET /health".to_owned()],
        not_exposed: Vec::new(),
        fails: Vec::new(),
        not_asked: 0,
        not_recognised: Vec::new(),
        answers_as: Vec::new(),
        found_out: None,
        restarted: None,
    };
    check(&capabilities(&[found()]), Health::Ok, "t/n: surface as built · 1 read answered");
    let another = "127.0.0.1:8080 answers as goud, the configuration says volchain; none of its values is taken";
    let taken = CapabilitySnapshot { answers_as: vec![another.to_owned()], ..found() };
    let said = capabilities(&[taken]);
    check(&said, Health::Problem, another);
    assert_eq!(said.len(), 1, "an endpoint is told of once: {said:?}");
    let strange = CapabilitySnapshot { not_recognised: vec!["http://n:1".to_owned()], ..found() };
    check(&capabilities(&[strange]), Health::Warning, "what answers at http://n:1 is not known for pouw");
    let lack = LackSnapshot {
        what: "pouw_receipts_rejected_total".to_owned(),
        kind: "series",
        how: None,
        expected: "the document promises it at GET /metrics (pouw:65)".to_owned(),
    };
    let without = CapabilitySnapshot { not_exposed: vec![lack], ..found() };
    let said = capabilities(&[without]);
    check(&said, Health::Ok, "is not exposed; the document promises it at GET /metrics (pouw:65)");
    // Its reads are not told one by one, and a path that the node does not have is no problem.
    let of_other =
        FetchFailure::OtherSystem { at: "n:1".to_owned(), answers: "goud".to_owned(), configured: "pouw".to_owned() };
    let failing = ReadFacts { failure: Some(of_other), ..ReadFacts::default() };
    assert_eq!(reads(&[failing]), Vec::new());
    let how = "answered with status 404".to_owned();
    check(
        &reads(&[ReadFacts { unserved: Some(how), ..ReadFacts::default() }]),
        Health::Ok,
        "not exposed: answered with",
    );
}
