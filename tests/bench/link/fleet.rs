//! Many targets of every system at once: simulated deployments in processes of their own, and what they cost the console.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opsconsole::base::TargetId;
use opsconsole::config::ConfigSpec;
use opsconsole::systems::{self, System};

use crate::far_end::PROGRAM;

/// Demos of all systems, one beside the other, each on its own ports.
pub struct Fleet {
    folder: tempfile::TempDir,
    servers: Vec<Child>,
}

impl Fleet {
    /// So many demos, in which nothing is wrong.
    pub fn start(demos: usize) -> Fleet {
        let folder = tempfile::tempdir().expect("a folder");
        let serve = |n: usize| {
            let demo = folder.path().join(format!("demo-{n}"));
            let mut command = Command::new(PROGRAM);
            command.args(["demo", "--serve", "--fault", "none", "--folder"]).arg(demo).stdout(Stdio::null());
            command.spawn().expect("the program starts")
        };
        let servers = (0..demos).map(serve).collect();
        let fleet = Fleet { folder, servers };
        for n in 0..demos {
            while !fleet.config_of(n).exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        std::thread::sleep(Duration::from_secs(1));
        fleet
    }

    fn config_of(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("demo-{n}/config.ron"))
    }

    /// A configuration of the targets of the first so many demos; with how many targets and sources that are.
    pub fn config(&self, demos: usize) -> (PathBuf, usize, usize) {
        let read = |n: usize| {
            let file = self.config_of(n);
            let text = fs::read_to_string(&file).expect("the configuration");
            let mut config = ConfigSpec::parse("config.ron", &text).expect("it is the demo's own");
            for target in &mut config.targets {
                target.id = TargetId::new(format!("{}-{n}", target.id));
            }
            config
        };
        let mut whole = read(0);
        whole.targets.extend((1..demos).flat_map(|n| read(n).targets));
        let files = systems::embedded();
        let sources = whole.targets.iter().map(|target| {
            let system = System::load(&target.system, &files[&target.system]).expect("it comes with the program");
            target.bind(&system.spec).iter().filter(|source| source.not_read().is_none()).count()
        });
        let sources = sources.sum();
        whole.state_root = Some(self.folder.path().join(format!("state-{demos}")).display().to_string());
        let path = self.folder.path().join(format!("fleet-{demos}.ron"));
        fs::write(&path, whole.text().expect("it can be written")).expect("written");
        (path, whole.targets.len(), sources)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ended = server.kill();
            let _ended = server.wait();
        }
    }
}
