//! The node on the machine's clock, shared by the node's own listener and the control listener.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::life::Life;
use super::volchain::{Answer, Change, Delivery, Past, Request, Service, Timeline};

/// One node, and who must hear when it changes.
#[derive(Clone)]
pub struct Stage {
    timeline: Arc<Mutex<Timeline>>,
    /// Number of the last change made.
    changed: watch::Sender<u64>,
    followed: watch::Sender<Followed>,
    /// The node's one thread of execution.
    thread: Arc<tokio::sync::Mutex<()>>,
    /// Where changes are kept, for a chain that outlives its process.
    life: Option<Arc<Mutex<Life>>>,
    /// The barrier's time that systemd has read of the unit's drop-ins.
    loaded: Arc<Mutex<Option<u32>>>,
}

/// How far the node's listener has come.
#[derive(Clone, Copy, Default)]
struct Followed {
    /// Number of the last change that it knows.
    number: u64,
    /// Whether its port is open.
    open: bool,
}

/// Milliseconds since the epoch.
#[allow(clippy::disallowed_methods, reason = "the simulation lives by the machine's clock")]
pub fn wall_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Stage {
    pub fn new(timeline: Timeline) -> Stage {
        Stage {
            timeline: Arc::new(Mutex::new(timeline)),
            changed: watch::Sender::new(0),
            followed: watch::Sender::new(Followed::default()),
            thread: Arc::default(),
            life: None,
            loaded: Arc::default(),
        }
    }

    /// Keeps every change in this life from now on.
    #[must_use]
    pub fn kept_in(self, life: Option<Life>) -> Stage {
        Stage { life: life.map(|life| Arc::new(Mutex::new(life))), ..self }
    }

    /// What systemd has read of the unit's drop-ins.
    pub fn loaded(&self) -> Option<u32> {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// systemd reads them again.
    pub fn load(&self, millis: Option<u32>) {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = millis;
    }

    /// The node as of now.
    pub fn look<T>(&self, see: impl FnOnce(&Timeline, i64) -> T) -> T {
        let (timeline, now) = self.now();
        see(&timeline, now)
    }

    pub fn answer(&self, request: &Request) -> (Answer, Delivery) {
        let (mut timeline, now) = self.now();
        let answer = timeline.answer(now, request);
        (answer, timeline.node().delivery())
    }

    /// Lets the node work for so long. It does one thing at a time, so an expensive read delays all others.
    pub async fn take_time(&self, millis: u64) {
        let _turn = self.thread.lock().await;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// What polls of the last 15 minutes would have brought.
    pub fn history(&self, request: &Request, step_millis: i64) -> Vec<Past> {
        // A copy, so that the node goes on answering while its past is lived again.
        let (timeline, now) = self.look(|timeline, now| (timeline.clone(), now));
        timeline.history(now, request, step_millis)
    }

    /// Changes the node without waiting for its listener.
    pub fn change(&self, change: Change) -> u64 {
        let (mut timeline, now) = self.now();
        timeline.apply(now, change);
        drop(timeline);
        if let Some(life) = &self.life {
            let noted = life.lock().unwrap_or_else(PoisonError::into_inner).note(now, change);
            if let Err(error) = noted {
                eprintln!("opsconsole: the simulated chain will not outlive its process: {error}");
            }
        }
        self.changed.send_modify(|number| *number += 1);
        *self.changed.borrow()
    }

    /// Changes the node, and returns when its port is as open or closed as the change makes it.
    pub async fn change_and_follow(&self, change: Change) {
        let number = self.change(change);
        // Fails only when the listener is gone, and then there is nobody to wait for.
        let _ = self.followed.subscribe().wait_for(|followed| followed.number >= number).await;
    }

    /// Returns when no start of the service is under way and the port is as its state says, with that state.
    pub async fn settled(&self) -> Service {
        let mut followed = self.followed.subscribe();
        loop {
            let open = followed.borrow_and_update().open;
            let (service, listening) =
                self.look(|timeline, _| (timeline.node().service(), timeline.node().listening()));
            if service.settles_at().is_none() && open == listening {
                return service;
            }
            if followed.changed().await.is_err() {
                return service;
            }
        }
    }

    /// For the listener: hears of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// For the listener: it knows of this change, and its port is open or closed.
    pub fn follow(&self, number: u64, open: bool) {
        self.followed.send_replace(Followed { number, open });
    }

    fn now(&self) -> (MutexGuard<'_, Timeline>, i64) {
        // A panic while answering leaves a node that lives on; the demo need not end for it.
        let mut timeline = self.timeline.lock().unwrap_or_else(PoisonError::into_inner);
        let now = wall_millis();
        timeline.advance(now);
        (timeline, now)
    }
}
