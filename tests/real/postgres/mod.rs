//! The questions that PoUW's sources ask its database, put to a real PostgreSQL in every state that its runbook fears.

use std::path::{Path, PathBuf};

use crate::look::{Look, run, series};

mod cluster;

use cluster::{Cluster, KEPT_CONNECTIONS, MOST_CONNECTIONS};

/// The tables as the runbook's purges know them, for the user of the sources.
const TABLES: &str = "CREATE TABLE challenges (id bigint PRIMARY KEY, expires_at timestamptz NOT NULL);
CREATE TABLE used_nonces (nonce bigint PRIMARY KEY, created_at timestamptz NOT NULL);
CREATE TABLE receipts (id bigint PRIMARY KEY, submitted_at timestamptz NOT NULL);
GRANT SELECT ON challenges, used_nonces, receipts TO pouw;";

/// Rows on both sides of what is kept: 7 days, 24 hours, 90 days.
const ROWS: &str = "INSERT INTO challenges SELECT n, now() - interval '6 days' FROM generate_series(1, 4) AS n;
INSERT INTO challenges SELECT n, now() - interval '40 days' FROM generate_series(5, 7) AS n;
INSERT INTO used_nonces SELECT n, now() - interval '23 hours' FROM generate_series(1, 9) AS n;
INSERT INTO receipts SELECT n, now() - interval '89 days' FROM generate_series(1, 2) AS n;
INSERT INTO receipts SELECT n, now() - interval '90 days' - n * interval '1 day' FROM generate_series(3, 7) AS n;";

/// The user of the sources, who may change nothing; and one who would have to give a password.
const USERS: &str = "CREATE ROLE pouw LOGIN; ALTER ROLE pouw SET default_transaction_read_only TO on;
CREATE ROLE guarded LOGIN PASSWORD 'x';";

const TARGET: &str = "pouw-1";

const DAY_SECONDS: f64 = 86_400.0;

fn configured(cluster: &Cluster, user: &str) -> PathBuf {
    let config = cluster.folder.path().join(format!("{user}.ron"));
    // Its node answers nothing: what is looked at is the database alone.
    let text = format!(
        "(targets: [(id: {TARGET:?}, system: \"pouw\", environment: Development, host: Local, privilege: None, settings: {{\"db_host\": \
         Text({:?}), \"db_user\": Text({user:?}), \"most_connections\": Number({MOST_CONNECTIONS}.0)}}, nodes: [(id: \
         \"node-1\", endpoints: [(id: \"api\", url: \"http://127.0.0.1:1\")])])], state_root: {:?})",
        cluster.address,
        cluster.folder.path().join("state").display().to_string(),
    );
    std::fs::write(&config, text).expect("written");
    config
}

/// The number of one row, with its level.
fn check_row(look: &Look, label: &str, value: Option<f64>, level: &str) {
    let row = look.row(label);
    println!("{label}: {row:?}");
    assert_eq!((row.value, row.level.as_str()), (value, level), "{label}: {}", row.truth);
}

/// The failure of a source, as it is said to the operator, in the words of psql.
fn check_failing(look: &Look, source: &str, words: &str) {
    let said = look.source(source);
    println!("{source}: {said}");
    assert!(said.starts_with("failing") && said.to_lowercase().contains(words), "{source}: {said}");
}

fn check_exit_code(config: &Path, code: f64) {
    let found = series("opsconsole_command_exit_code{source=\"database\"}", &["target", "source"], config);
    assert_eq!(found, [(vec![TARGET.to_owned(), "database".to_owned()], code)]);
}

/// Nothing can be asked of the database: the first question ends as psql does, the others fail with its words.
fn check_unreachable(config: &Path, words: &str) {
    let look = Look::at(config, TARGET);
    check_row(&look, "database answers", Some(0.0), "critical");
    assert_eq!(look.alert("PouwDatabaseUnreachable"), "pending");
    for source in ["database_connections", "database_due"] {
        check_failing(&look, source, words);
    }
    // What can not be asked is never a number, and never well.
    for row in ["connections", "connections in use", "challenges to purge"] {
        check_row(&look, row, None, "unknown");
        let truth = look.row(row).truth.to_lowercase();
        assert!(truth.starts_with("failing") && truth.contains(words), "{row}: {truth}");
    }
    assert_eq!(look.alert("PouwDatabaseConnectionsHigh"), "no data");
    check_exit_code(config, 2.0);
    let (code, said) = run(&["check"], config);
    assert!(code == Some(2) && said.contains("pouw-1: database answers: no"), "{code:?} {said}");
}

/// It answers, with so many connections at least: two sources may ask at the same time.
fn check_reachable(look: &Look, at_least: f64) -> f64 {
    check_row(look, "database answers", Some(1.0), "ok");
    assert_eq!(look.alert("PouwDatabaseUnreachable"), "inactive");
    let connections = look.row("connections").value.expect("it was asked");
    assert!((at_least..at_least + 3.0).contains(&connections), "{connections}");
    connections
}

#[test]
fn the_rows_of_a_real_database_are_counted_by_one_who_can_change_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let config = configured(&cluster, "pouw");
    cluster.administer("postgres", USERS);
    check_unreachable(&config, "database \"pouw\" does not exist");

    // Without PoUW's tables there is nothing to count, which is not a count of 0.
    cluster.administer("postgres", "CREATE DATABASE pouw;");
    let look = Look::at(&config, TARGET);
    check_reachable(&look, 1.0);
    check_row(&look, "challenges to purge", None, "unknown");
    assert_eq!(look.not_exposed("database_due"), ["pouw_database_due_rows", "pouw_database_overdue_seconds"]);
    assert_eq!(look.alert("PouwOldRowsKept"), "not exposed");

    cluster.administer("pouw", TABLES);
    let look = Look::at(&config, TARGET);
    check_row(&look, "challenges to purge", Some(0.0), "ok");
    check_row(&look, "nonces to purge", Some(0.0), "ok");
    check_row(&look, "receipts to archive", Some(0.0), "ok");
    assert_eq!(look.alert("PouwOldRowsKept"), "inactive");

    cluster.administer("pouw", ROWS);
    let look = Look::at(&config, TARGET);
    check_row(&look, "challenges to purge", Some(3.0), "warning");
    check_row(&look, "nonces to purge", Some(0.0), "ok");
    check_row(&look, "receipts to archive", Some(5.0), "ok");
    assert_eq!(look.alert("PouwOldRowsKept"), "pending");
    let overdue = series("pouw_database_overdue_seconds", &["table"], &config);
    println!("{overdue:?}");
    let days: Vec<_> =
        overdue.iter().map(|(table, value)| (table[0].as_str(), (value / DAY_SECONDS).round())).collect();
    assert_eq!(days, [("challenges", 33.0), ("receipts", 7.0), ("used_nonces", 0.0)]);

    // A table that somebody holds is not waited for: the database ends the question, and the others are answered.
    let mut holder = cluster.connect("postgres", "pouw").expect("a connection");
    holder.ask("BEGIN; LOCK TABLE receipts IN ACCESS EXCLUSIVE MODE").expect("it is locked");
    let look = Look::at(&config, TARGET);
    check_failing(&look, "database_due", "canceling statement due to statement timeout");
    check_reachable(&look, 2.0);
    drop(holder);

    cluster.administer("pouw", "REVOKE SELECT ON used_nonces FROM pouw;");
    check_failing(&Look::at(&config, TARGET), "database_due", "permission denied for table used_nonces");

    // A password that is asked for is not waited for either.
    check_unreachable(&configured(&cluster, "guarded"), "no password supplied");
}

#[test]
fn a_real_database_runs_out_of_connections_stops_and_comes_back() {
    let Some(mut cluster) = Cluster::start() else { return };
    let config = configured(&cluster, "pouw");
    cluster.administer("postgres", USERS);
    cluster.administer("postgres", "CREATE DATABASE pouw;");
    let look = Look::at(&config, TARGET);
    check_reachable(&look, 1.0);
    assert_eq!(look.alert("PouwDatabaseConnectionsHigh"), "inactive");
    check_exit_code(&config, 0.0);

    // All but the two that the console may need at once.
    let mut pool = cluster.hold("pouw", MOST_CONNECTIONS - KEPT_CONNECTIONS - 2);
    let look = Look::at(&config, TARGET);
    let connections = check_reachable(&look, (pool.len() + 1) as f64);
    check_row(&look, "connections in use", Some(connections / MOST_CONNECTIONS as f64), "critical");
    assert_eq!(look.alert("PouwDatabaseConnectionsHigh"), "pending");

    pool.extend(cluster.hold("pouw", 2));
    check_unreachable(&config, "remaining connection slots are reserved");
    // Administrators still come in, until they too are too many.
    pool.extend(cluster.hold("postgres", KEPT_CONNECTIONS));
    check_unreachable(&config, "sorry, too many clients already");
    drop(pool);

    cluster.stop();
    check_unreachable(&config, "connection refused");
    cluster.resume();
    check_reachable(&Look::at(&config, TARGET), 1.0);
}
