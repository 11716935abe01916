//! A simulated system on the machine's clock, shared by its listeners and the control listener.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::exchange::{Answer, Delivery, Request};
use super::life::Life;
use super::service::Service;
use super::simulation::{Event, Play, Simulation};
use super::timeline::Past;
use super::volchain::Node;

/// One system, and who must hear when it changes.
#[derive(Clone)]
pub struct Stage {
    pub simulation: Simulation,
    play: Arc<Mutex<Play>>,
    /// Number of the last change made.
    changed: watch::Sender<u64>,
    /// Of every port.
    followed: watch::Sender<Vec<Followed>>,
    /// Of every port, the one thread of execution behind it.
    threads: Arc<Vec<tokio::sync::Mutex<()>>>,
    /// Where changes are kept, for a chain that outlives its process.
    life: Option<Arc<Mutex<Life>>>,
    /// The barrier's time that systemd has read of the unit's drop-ins.
    loaded: Arc<Mutex<Option<u32>>>,
}

/// How far a listener has come.
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
    pub fn new(simulation: Simulation, play: Play) -> Stage {
        let ports = simulation.ports();
        Stage {
            play: Arc::new(Mutex::new(play)),
            changed: watch::Sender::new(0),
            followed: watch::Sender::new(vec![Followed::default(); ports]),
            threads: Arc::new((0..ports).map(|_| tokio::sync::Mutex::default()).collect()),
            life: None,
            loaded: Arc::default(),
            simulation,
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

    /// The system as of now.
    pub fn look<T>(&self, see: impl FnOnce(&Play, i64) -> T) -> T {
        let (play, now) = self.now();
        see(&play, now)
    }

    /// The one that is written by hand, as of now; nothing where this is another.
    pub fn by_hand<T>(&self, see: impl FnOnce(&Node) -> T) -> Option<T> {
        self.look(|play, _| play.by_hand().map(see))
    }

    pub fn answer(&self, request: &Request) -> (Answer, Delivery) {
        let (mut play, now) = self.now();
        play.answer(now, request)
    }

    /// Lets what is behind a port work for so long. It does one thing at a time, so an expensive read delays all others.
    pub async fn take_time(&self, port: usize, millis: u64) {
        let Some(thread) = self.threads.get(port) else { return };
        let _turn = thread.lock().await;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// What polls of the last 15 minutes would have brought.
    pub fn history(&self, request: &Request, step_millis: i64) -> Vec<Past> {
        // A copy, so that the system goes on answering while its past is lived again.
        let (play, now) = self.look(|play, now| (play.clone(), now));
        play.history(now, request, step_millis)
    }

    /// Changes the system without waiting for its listeners.
    pub fn change(&self, event: impl Into<Event>) -> u64 {
        let event = event.into();
        let (mut play, now) = self.now();
        play.apply(now, &event);
        drop(play);
        if let Some(life) = &self.life {
            let noted = life.lock().unwrap_or_else(PoisonError::into_inner).note(now, event);
            if let Err(error) = noted {
                eprintln!("opsconsole: the simulated chain will not outlive its process: {error}");
            }
        }
        self.changed.send_modify(|number| *number += 1);
        *self.changed.borrow()
    }

    /// Changes the system, and returns when its ports are as open or closed as the change makes them.
    pub async fn change_and_follow(&self, event: impl Into<Event>) {
        let number = self.change(event);
        // Fails only when the listeners are gone, and then there is nobody to wait for.
        let all = |followed: &Vec<Followed>| followed.iter().all(|port| port.number >= number);
        let _ = self.followed.subscribe().wait_for(all).await;
    }

    /// Returns when no start of this unit is under way and the ports are as their state says, with that state; nothing
    /// where there is no such unit.
    pub async fn settled(&self, unit: &str) -> Option<Service> {
        let mut followed = self.followed.subscribe();
        loop {
            let open: Vec<bool> = followed.borrow_and_update().iter().map(|port| port.open).collect();
            let (service, as_said) = self.look(|play, _| {
                let as_said = open.iter().enumerate().all(|(port, open)| play.listening(port) == *open);
                (play.service(unit), as_said)
            });
            let service = service?;
            if service.settles_at().is_none() && as_said {
                return Some(service);
            }
            if followed.changed().await.is_err() {
                return Some(service);
            }
        }
    }

    /// For a listener: hears of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// For a listener: it knows of this change, and its port is open or closed.
    pub fn follow(&self, port: usize, number: u64, open: bool) {
        self.followed.send_modify(|followed| {
            if let Some(followed) = followed.get_mut(port) {
                *followed = Followed { number, open };
            }
        });
    }

    fn now(&self) -> (MutexGuard<'_, Play>, i64) {
        // A panic while answering leaves a system that lives on; the demo need not end for it.
        let mut play = self.play.lock().unwrap_or_else(PoisonError::into_inner);
        let now = wall_millis();
        play.advance(now);
        (play, now)
    }
}
