//! Debian's Prometheus and its node exporter, scraped by the console.

use std::process::{Child, Command, Stdio};

use crate::terminal::{Console, PROGRAM, wait};
use crate::{free_port, has};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, args: &[String]) -> Server {
    let child = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Server(child.expect("it starts"))
}

#[test]
fn prometheus_and_node_exporter_are_scraped_shown_and_charted() {
    if !has("prometheus") || !has("prometheus-node-exporter") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (prometheus, exporter) = (free_port(), free_port());
    let own = folder.path().join("prometheus.yml");
    std::fs::write(&own, "global: {scrape_interval: 5s}\n").expect("written");
    let _prometheus = start(
        "prometheus",
        &[
            format!("--config.file={}", own.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{prometheus}"),
        ],
    );
    let _exporter = start("prometheus-node-exporter", &[format!("--web.listen-address=127.0.0.1:{exporter}")]);
    let config = folder.path().join("config.ron");
    let target = |id: &str, port: u16| {
        format!(
            "(id: {id:?}, system: \"prometheus\", environment: Development, nodes: [(id: \"node-1\", endpoints: \
             [(id: \"metrics\", url: \"http://127.0.0.1:{port}\")])]),"
        )
    };
    let state = folder.path().join("state");
    let text = format!(
        "(targets: [{}{}], state_root: {:?})",
        target("server", prometheus),
        target("host", exporter),
        state.display().to_string()
    );
    std::fs::write(&config, text).expect("written");

    let snapshot = || {
        let output =
            Command::new(PROGRAM).args(["snapshot", "--json", "--config"]).arg(&config).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    wait("both answer", || {
        let said = snapshot();
        let sources = said.matches("\"truth\": \"\",\n          \"took_ms\"").count();
        sources == 2
    });
    println!("{}", snapshot());

    let config = config.display().to_string();
    let mut console = Console::start(&["--config", &config], 160, 50);
    console.shows("server");
    console.type_text("7");
    console.shows("go_goroutines");
    console.type_text("[e");
    console.shows("expression (PromQL)");
    console.type_text("\u{15}go_goroutines * 2\r");
    console.shows("go_goroutines * 2");
    console.shows("5 min");
    println!("{}", console.screen());
    console.type_text("n7");
    console.shows("host");
    console.type_text("G");
    console.shows("a column is 5s");
    println!("{}", console.screen());
    console.type_text("q");
    console.ended();
}
