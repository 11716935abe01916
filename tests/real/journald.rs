//! What three chains print, through a real journald: records of several lines, JSON, and colours.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::look::Look;
use crate::machine::{Machine, chroot, write};

/// What the units print, each line of it a record of the journal.
const PRINTED: [(&str, &str); 3] = [
    (
        "coinjectured",
        r#"{"block_hash":"9f86d081884c7d65","block_number":1041,"fees":0,"gas_used":0,"level":"info","msg":"New block produced","time":"2026-11-20T23:12:00.156Z","tx_count":0}
2026-11-20 23:16:50,166 - coinjecture.legacy_compat - ERROR - compute_header_hash: PARITY DRIFT ✗
  Legacy:      b'\xb6\xd0\x01{"level"'
  Refactored:  b'\x1d\x9a'
  Legacy time: 4.35ms
  Refactored time: 0.06ms
2026-11-20 23:16:51,002 - coinjecture.legacy_compat - ERROR - compute_merkle_root: PARITY DRIFT ✗
{"error":"pin quorum not met: got 1/3, required 2/3","level":"warning","msg":"Pin failed","time":"2026-11-20T23:17:00.156Z"}
{"block_hash":"03ac674216f3e15c","block_number":1042,"fees":0,"gas_used":0,"level":"info","msg":"New block produced","time":"2026-11-20T23:18:00.156Z","tx_count":0}
"#,
    ),
    (
        "pouw-node",
        "\u{1b}[2m2026-11-20T23:10:23.481822Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m \u{1b}[2mzhtp::pouw::rate_limiter\u{1b}[0m\u{1b}[2m:\u{1b}[0m IP rate limit exceeded \u{1b}[3mip\u{1b}[0m\u{1b}[2m=\u{1b}[0m203.0.113.9 \u{1b}[3mcount\u{1b}[0m\u{1b}[2m=\u{1b}[0m101 \u{1b}[3mlimit\u{1b}[0m\u{1b}[2m=\u{1b}[0m100
\u{1b}[2m2026-11-20T23:10:23.481903Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m \u{1b}[2mzhtp::api::handlers::pouw\u{1b}[0m\u{1b}[2m:\u{1b}[0m Rate limit exceeded for challenge request \u{1b}[3mip\u{1b}[0m\u{1b}[2m=\u{1b}[0m203.0.113.9 \u{1b}[3mreason\u{1b}[0m\u{1b}[2m=\u{1b}[0mIP rate limit exceeded
\u{1b}[2m2026-11-20T23:10:24.100001Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m \u{1b}[2mzhtp::pouw::validation\u{1b}[0m\u{1b}[2m:\u{1b}[0m Receipt rejected \u{1b}[3mclient\u{1b}[0m\u{1b}[2m=\u{1b}[0mdid:zhtp:00 \u{1b}[3mreason\u{1b}[0m\u{1b}[2m=\u{1b}[0mBadSig \u{1b}[3mdetails\u{1b}[0m\u{1b}[2m=\u{1b}[0mno such key
",
    ),
    (
        "the-block",
        r#"[WARN] the_block::rpc::limiter -- rate_limit_exceeded client=203.0.113.9 (node/src/rpc/limiter.rs:92::the_block::rpc::limiter)
[ERROR] the_block::config -- config_reload_failed: failed to parse node config (node/src/config.rs:1166::the_block::config)
{"file":"node/src/p2p.rs","level":"error","line":12,"message":"handshake failed","module":"the_block::p2p","target":"the_block::p2p"}

thread 'executor' panicked at node/src/treasury_executor.rs:310:22:
called `Option::unwrap()` on a `None` value
"#,
    ),
];

/// The exact count of every pattern that these lines are for; one fires where it is that.
const COUNTED: [(&str, &str); 9] = [
    ("Drifts", "coinjecture_parity_drift_records_total{log=\"journal\"} == 2"),
    ("DriftsWithBothValues", "coinjecture_parity_hash_differences_total{log=\"journal\"} == 1"),
    ("PinsWithoutQuorum", "coinjecture_pin_quorum_failure_lines_total{log=\"journal\"} == 1"),
    ("RefusedByAddress", "pouw_log_rate_limited_total{by=\"ip\"} == 1"),
    ("RefusedByClient", "pouw_log_rate_limited_total{by=\"did\"} == 0"),
    ("BadSignatures", "pouw_log_receipts_rejected_total{reason=\"invalid_signature\"} == 1"),
    ("Errors", "fastmainnet_errors_total{log=\"journal\"} == 2"),
    ("Panics", "fastmainnet_panics_total{log=\"journal\"} == 1"),
    ("TurnedAway", "fastmainnet_rate_limited_total{log=\"journal\"} == 1"),
];

/// The unit of each system, and the endpoint that it belongs to.
const TARGETS: [(&str, &str, &str); 3] =
    [("coinjecture", "api", "coinjectured"), ("pouw", "api", "pouw-node"), ("fastmainnet", "rpc", "the-block")];

fn furnish(root: &Path) {
    for (unit, printed) in PRINTED {
        write(root, &format!("srv/printed/{unit}"), printed);
        let service = format!("[Service]\nType=oneshot\nExecStart=/bin/cat /srv/printed/{unit}\n");
        write(root, &format!("etc/systemd/system/{unit}.service"), &service);
    }
    let rules = COUNTED.iter().map(|(name, expr)| format!("  - alert: {name}\n    expr: {expr}\n"));
    write(root, "etc/counted.yml", &format!("groups:\n- name: counted\n  rules:\n{}", rules.collect::<String>()));
    let targets = TARGETS.map(|(system, endpoint, _)| {
        format!(
            "(id: \"{system}-1\", system: {system:?}, environment: Development, host: Local, privilege: None, nodes: \
             [(id: \"node-1\", endpoints: [(id: {endpoint:?}, url: \"http://127.0.0.1:1\")])])"
        )
    });
    let config = format!("(targets: [{}], rules: [(file: \"/etc/counted.yml\")])", targets.join(", "));
    write(root, "etc/opsconsole-journals.ron", &config);
    chroot(root, "id reader >/dev/null 2>&1 || useradd --create-home --groups systemd-journal reader");
}

#[test]
fn what_chains_print_is_counted_through_a_real_journal() {
    let Some(machine) = Machine::start(furnish) else { return };
    // A line from before the console looked is context, and is not counted.
    for (_, _, unit) in TARGETS {
        let (started, said) = machine.run(&["systemctl", "start", unit]);
        assert!(started, "{said}");
    }
    let enter = machine.enter();
    let watching = Command::new(&enter[0])
        .args(&enter[1..])
        .args(["runuser", "-u", "reader", "--", "opsconsole", "--config", "/etc/opsconsole-journals.ron"])
        .args(["snapshot", "--json", "--watch", "26"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("nsenter runs");
    std::thread::sleep(Duration::from_secs(4));
    for (_, _, unit) in TARGETS {
        let (started, said) = machine.run(&["systemctl", "start", unit]);
        assert!(started, "{said}");
    }
    let output = watching.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for (name, expr) in COUNTED {
        let system = expr.split('_').next().expect("a name");
        let look = Look::read(&said, &format!("{system}-1"));
        println!("{name}: {}, {}", look.alert(name), look.source("journal"));
        assert_eq!(look.alert(name), "firing", "{expr}: {}", look.source("journal"));
    }
    let height = Look::read(&said, "coinjecture-1").row("height");
    println!("{height:?}");
    assert_eq!(height.value, Some(1042.0));
}
