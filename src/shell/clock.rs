//! The two clocks, read together, and the name of this boot.

#![allow(clippy::disallowed_methods, reason = "the shell is where clocks and files are read")]

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::base::{At, Boot, Wall};

/// One reading of both clocks.
#[must_use]
pub fn now() -> At {
    let boot = clock_gettime(ClockId::Boottime);
    let wall = clock_gettime(ClockId::Realtime);
    At { boot: Boot(u64::try_from(milliseconds(&boot)).unwrap_or(0)), wall: Wall(milliseconds(&wall)) }
}

fn milliseconds(time: &Timespec) -> i64 {
    time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000)
}

/// The kernel's name for this boot; empty where it gives none. Boot times of different boots can not be compared.
#[must_use]
pub fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_move_forward_together() {
        let before = now();
        let after = now();
        assert!(after.boot >= before.boot);
        assert!(before.wall > Wall(1_600_000_000_000), "the wall clock is in milliseconds since 1970");
        assert_eq!(boot_id(), boot_id());
    }
}
