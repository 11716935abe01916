//! When the loop has to look again without being told: one timer of the kernel, set anew only when that changes.
//!
//! The runtime's own timers wake the process twice for each wait of more than a few milliseconds, because they are
//! sorted coarsely at first. This one wakes it once, counts time spent in suspend, and rings in the milliseconds in
//! which the core says when it is due.
//!
//! Must never: be the only thing that could notice that the terminal is gone.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::base::Boot;

/// One timer.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    set: Option<Boot>,
}

impl Alarm {
    /// A timer that is not set. Needs a runtime.
    ///
    /// # Errors
    /// No file descriptor is left.
    #[allow(
        deprecated,
        reason = "deprecated because a type may lie about its descriptor; this one owns its own for life"
    )]
    pub fn new() -> io::Result<Alarm> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        Ok(Alarm { timer: AsyncFd::with_interest(timer, Interest::READABLE)?, set: None })
    }

    /// It rings then; at once if that is past.
    ///
    /// # Errors
    /// The kernel refuses the time.
    pub fn set(&mut self, due: Boot) -> io::Result<()> {
        if self.set == Some(due) {
            return Ok(());
        }
        // Zero would stop it instead.
        let millis = i64::try_from(due.0.max(1)).unwrap_or(i64::MAX);
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: millis / 1000, tv_nsec: millis % 1000 * 1_000_000 };
        let time = Itimerspec { it_interval: zero, it_value: value };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &time)?;
        self.set = Some(due);
        Ok(())
    }

    /// Waits until it rings. May be dropped while waiting.
    ///
    /// # Errors
    /// The timer can not be waited for any more.
    pub async fn rings(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            match rustix::io::read(self.timer.get_ref(), &mut [0; 8]) {
                Ok(_) => {
                    self.set = None;
                    return Ok(());
                }
                // It was set to another time since.
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::shell::clock;

    #[test]
    fn it_rings_when_it_is_due_and_not_when_it_was_put_off() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut alarm = Alarm::new().expect("a timer");
            let soon = |millis| clock::now().boot.plus(Duration::from_millis(millis));
            let due = soon(20);
            alarm.set(due).expect("a time");
            alarm.set(due).expect("a time");
            alarm.rings().await.expect("it rings");
            assert!(clock::now().boot >= due);
            // It has rung: nothing is left of it until it is set again.
            let again = tokio::time::timeout(Duration::from_millis(50), alarm.rings()).await;
            assert!(again.is_err());
            alarm.set(Boot(0)).expect("a time");
            alarm.rings().await.expect("what is past rings at once");
            alarm.set(soon(10)).expect("a time");
            let later = soon(80);
            alarm.set(later).expect("a time");
            alarm.rings().await.expect("it rings");
            assert!(clock::now().boot >= later, "it was put off");
        });
    }
}
