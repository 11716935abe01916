//! Acts by HTTP: every way in which a node can answer one, or not.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use super::*;
use crate::base::SecretRef;
use crate::model::{Exec, Method, SecretHeader};

const SECRET: &str = "k7+not/to\"be seen";

/// What the node does once it has read a request.
#[derive(Clone)]
enum Then {
    Close,
    /// Says no more, until the other side goes.
    Hold,
}

impl Then {
    /// How long an answer may take: to its end where it has one, however busy the machine is.
    fn patience(&self) -> Duration {
        match self {
            Then::Close => Duration::from_secs(60),
            Then::Hold => Duration::from_secs(1),
        }
    }
}

/// A node on the workshop's port that answers every request with this; what it was asked.
fn node(shop: &Workshop, answer: Vec<u8>, then: Then) -> Arc<Mutex<Vec<String>>> {
    let (listener, asked) = (shop._socket.try_clone().expect("ours"), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut part = [0; 1024];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => request.extend_from_slice(&part[..count]),
                }
            }
            heard.lock().expect("ours").push(String::from_utf8_lossy(&request).into_owned());
            // A reader that goes away is its own affair.
            let _ = stream.write_all(&answer);
            if matches!(then, Then::Hold) {
                let _ = stream.read(&mut part);
            }
        }
    });
    asked
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// A sequence of one request that carries the secret.
fn sealed(shop: &Workshop, timeout: Duration) -> SealedSequence {
    let path = shop.folder.join("secret");
    std::fs::write(&path, format!("{SECRET}\n")).expect("ours");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let value = SecretRef::File(path.display().to_string());
    let mut sealed = shop.sealed(&[], &[]);
    sealed.place.base_url = format!("http://{}", sealed.place.listens_on);
    sealed.place.secrets.insert("admin".to_owned(), value.clone());
    let exec = Exec::Request {
        method: Method::Post,
        url: format!("{}/admin/reconcile", sealed.place.base_url),
        headers: vec![SecretHeader { name: "X-Admin-Secret".to_owned(), value }],
        body: Some(r#"{"mode":"fix"}"#.to_owned()),
        timeout,
    };
    sealed.acts = vec![SealedAct { id: "a1".into(), title: "reconcile".to_owned(), exec }];
    sealed
}

struct Told {
    end: SequenceEnd,
    story: Vec<String>,
    asked: Vec<String>,
    /// Every byte of every file that the run left, but for the secret's own.
    kept: String,
    output: String,
}

fn everything(folder: &std::path::Path, found: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        match entry.is_dir() {
            true => everything(&entry, found),
            false => found.extend(std::fs::read(&entry).expect("ours")),
        }
    }
}

fn told(answer: Vec<u8>, then: Then) -> Told {
    let shop = workshop();
    let patience = then.patience();
    let asked = node(&shop, answer, then);
    let hash = shop.confirm(&sealed(&shop, patience));
    let Finished::Ended(end) = shop.run(&hash, cured) else { panic!("it ends") };
    let mut kept = Vec::new();
    everything(shop.root.path(), &mut kept);
    let output = shop.records().into_iter().find_map(|record| match record {
        Record::Applied { output, .. } => Some(output),
        _ => None,
    });
    let story = shop.story().into_iter().filter(|told| told != "Verifying").collect();
    let asked = asked.lock().expect("ours").clone();
    Told { end, story, asked, kept: String::from_utf8_lossy(&kept).into_owned(), output: output.unwrap_or_default() }
}

#[test]
fn a_request_is_done_when_the_node_says_so() {
    let found = told(answer("200 OK", "", r#"{"ok":true,"stakedAccounts":8}"#), Then::Close);
    assert_eq!(found.end, SequenceEnd::Verified);
    assert_eq!(found.story, ["RunnerStarted", "intent a1", "applied a1 answered 200", "Settling", "ended verified"]);
    let [asked] = found.asked.as_slice() else { panic!("{:?}", found.asked) };
    assert!(asked.starts_with("POST /admin/reconcile HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("x-admin-secret: {SECRET}\r\n")), "{asked}");
    assert!(
        asked.contains("content-type: application/json\r\n") && asked.contains("content-length: 14\r\n"),
        "{asked}"
    );
    assert_eq!(found.output, "answered with status 200\n{\"ok\":true,\"stakedAccounts\":8}");
    assert!(!found.kept.contains("k7+not"), "a file keeps it");
    assert!(matches!(told(answer("204 No Content", "", ""), Then::Close).end, SequenceEnd::Verified));
}

#[test]
fn any_other_answer_is_a_failure() {
    let check = |status: &str, headers: &str, want: &str| {
        let found = told(answer(status, headers, r#"{"ok":false}"#), Then::Close);
        let SequenceEnd::NotCured { why } = &found.end else { panic!("{status}: {:?}", found.end) };
        assert!(why.contains(&format!("reconcile was answered with status {}", &status[..3])), "{why}");
        assert!(found.output.contains(want), "{}", found.output);
        assert_eq!(found.asked.len(), 1, "asked once, whatever the answer");
    };
    check("403 Forbidden", "", r#"{"ok":false}"#);
    check("500 Internal Server Error", "", "answered with status 500");
    check("404 Not Found", "", "answered with status 404");
    let to = format!("Location: http://127.0.0.1:1/{SECRET}\r\n");
    check("302 Found", &to, "redirected to http://127.0.0.1:1/[masked]; redirects are not followed");
}

#[test]
fn what_may_have_been_done_is_unknown_and_not_repeated() {
    let check = |bytes: &[u8], then: Then, want: &str| {
        let found = told(bytes.to_vec(), then);
        let SequenceEnd::OutcomeUnknown { why } = &found.end else { panic!("{:?}", found.end) };
        assert!(why.contains(want), "{why}");
        assert_eq!(found.story, ["RunnerStarted", "intent a1", "applied a1 unknown", "Settling", "ended unknown"]);
        assert_eq!(found.asked.len(), 1, "never sent again");
    };
    check(b"", Then::Hold, "no answer within 1s");
    check(b"", Then::Close, "sent, and no answer came");
    check(b"HTTP/1.1 200 OK\r\nContent-Le", Then::Close, "sent, and no answer came");
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"ok\":";
    check(half, Then::Close, "answered with status 200, and its answer broke off");
    check(half, Then::Hold, "answered with status 200, and its answer was not whole within 1s");
}

#[test]
fn an_answer_without_end_is_read_to_its_limit() {
    let flood = "x".repeat(3 << 20);
    let found = told(answer("200 OK", "", &flood), Then::Close);
    assert_eq!(found.end, SequenceEnd::Verified);
    assert!(found.kept.len() < 300 << 10, "{}", found.kept.len());
    assert!(found.output.ends_with("[the answer is larger than 1048576 bytes]"), "{}", found.output);
}

#[test]
fn a_node_that_repeats_the_secret_gives_nothing_away() {
    let json = serde_json::to_string(SECRET).expect("a string");
    let base64 = crate::shell::terminal::copy::base64(SECRET.as_bytes());
    let url = "k7%2Bnot%2Fto%22be%20seen";
    let body = format!("plain {SECRET} json {json} url {url} base64 {base64} end");
    let found = told(answer("403 Forbidden", "", &body), Then::Close);
    assert!(
        found.output.contains("plain [masked] json \"[masked]\" url [masked] base64 [masked] end"),
        "{}",
        found.output
    );
    for form in [SECRET, &json, url, &base64] {
        assert!(!found.kept.contains(form), "{form}");
    }
}

#[test]
fn without_a_connection_nothing_was_done() {
    let shop = workshop();
    let mut sealed = sealed(&shop, Duration::from_secs(1));
    // Port 1 of loopback is nobody's.
    sealed.place.listens_on = "127.0.0.1:1".to_owned();
    sealed.place.base_url = "http://127.0.0.1:1".to_owned();
    let Exec::Request { url, .. } = &mut sealed.acts[0].exec else { panic!("a request") };
    *url = "http://127.0.0.1:1/admin/reconcile".to_owned();
    let hash = shop.confirm(&sealed);
    let Finished::Ended(SequenceEnd::Refused { why }) = shop.run(&hash, cured) else { panic!("it ends") };
    assert!(why.contains("reconcile did not start: connection refused"), "{why}");
}

#[test]
fn what_could_not_be_sent_as_it_was_reviewed_is_refused_before_anything_runs() {
    let check = |change: &dyn Fn(&Workshop, &mut SealedSequence), want: &str| {
        let shop = workshop();
        let asked = node(&shop, answer("200 OK", "", ""), Then::Close);
        let mut sealed = sealed(&shop, Duration::from_secs(1));
        change(&shop, &mut sealed);
        let hash = shop.confirm(&sealed);
        let Finished::Ended(SequenceEnd::Refused { why }) = shop.run(&hash, cured) else { panic!("it ends") };
        assert!(why.contains(want), "{why}");
        assert_eq!(shop.story(), ["ended refused"]);
        assert!(asked.lock().expect("ours").is_empty(), "nothing was sent");
    };
    check(&|shop, _| std::fs::remove_file(shop.folder.join("secret")).expect("ours"), "can not be read");
    let open = |shop: &Workshop, _: &mut SealedSequence| {
        let path = shop.folder.join("secret");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("ours");
    };
    check(&open, "chmod 640");
    check(&|_, sealed| sealed.place.secrets.clear(), "is none of the target's secrets");
    check(&|_, sealed| "http://127.0.0.1:2".clone_into(&mut sealed.place.base_url), "does not go to");
    let elsewhere = |_: &Workshop, sealed: &mut SealedSequence| {
        let Exec::Request { url, .. } = &mut sealed.acts[0].exec else { panic!("a request") };
        *url = "http://127.0.0.1:2/admin/reconcile".to_owned();
    };
    check(&elsewhere, "does not go to");
}
