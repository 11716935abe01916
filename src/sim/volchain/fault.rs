//! What can go wrong with a simulated node, and the one table of what a restart does about it.

use serde::{Deserialize, Serialize};

use super::{Delivery, Surface};
pub use crate::model::FaultKind;

/// Something that can be switched on and off while the node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    ProducerStuck,
    StuckAgain,
    ProducerOff,
    Idle,
    MempoolFlood,
    RestartFails,
    UserMismatch,
    Refused,
    Sluggish,
    Slow,
    Dripping,
    Status500,
    Html,
    Truncated,
    Huge,
    ClockOff,
    Redirect,
    CrossMismatch,
    ChainBroken,
    GameMissing,
    Stubborn,
    SlowSealing,
}

/// What a restart of the service does to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRestart {
    /// The fault lives in the process, and goes with it.
    Cured,
    /// Its cause lies outside the process: configuration, users, data, the network, the clock.
    Remains,
    /// It keeps the process from coming up.
    KeepsDown,
}

impl Fault {
    pub const ALL: [Fault; 22] = [
        Fault::ProducerStuck,
        Fault::StuckAgain,
        Fault::ProducerOff,
        Fault::Idle,
        Fault::MempoolFlood,
        Fault::RestartFails,
        Fault::UserMismatch,
        Fault::Refused,
        Fault::Sluggish,
        Fault::Slow,
        Fault::Dripping,
        Fault::Status500,
        Fault::Html,
        Fault::Truncated,
        Fault::Huge,
        Fault::ClockOff,
        Fault::Redirect,
        Fault::CrossMismatch,
        Fault::ChainBroken,
        Fault::GameMissing,
        Fault::Stubborn,
        Fault::SlowSealing,
    ];

    /// As written in addresses and on command lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fault::ProducerStuck => "producer-stuck",
            Fault::StuckAgain => "stuck-again",
            Fault::ProducerOff => "producer-off",
            Fault::Idle => "idle",
            Fault::MempoolFlood => "mempool-flood",
            Fault::RestartFails => "restart-fails",
            Fault::UserMismatch => "user-mismatch",
            Fault::Refused => "refused",
            Fault::Sluggish => "sluggish",
            Fault::Slow => "slow",
            Fault::Dripping => "dripping",
            Fault::Status500 => "status500",
            Fault::Html => "html",
            Fault::Truncated => "truncated",
            Fault::Huge => "huge",
            Fault::ClockOff => "clock-off",
            Fault::Redirect => "redirect",
            Fault::CrossMismatch => "cross-mismatch",
            Fault::ChainBroken => "chain-broken",
            Fault::GameMissing => "game-missing",
            Fault::Stubborn => "stubborn",
            Fault::SlowSealing => "slow-sealing",
        }
    }

    /// The fault of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// What happens while it is on, for the list that an operator reads.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Fault::ProducerStuck => "the producer stops sealing; transactions pile up until the service is restarted",
            Fault::StuckAgain => "the producer stops sealing, and stops again right after every restart",
            Fault::ProducerOff => {
                "the node runs without a producer (VOLCHAIN_MODE is not mempool); a restart changes nothing"
            }
            Fault::Idle => "nobody sends transactions; the chain is healthy and its last block grows old",
            Fault::MempoolFlood => "transactions arrive faster than blocks can take them",
            Fault::RestartFails => "the service does not come up again once it was stopped or restarted",
            Fault::UserMismatch => "one user's balance differs from what the user mined; system verification fails",
            Fault::Refused => "nothing listens on the node's port, though the service runs",
            Fault::Sluggish => "every answer takes two and a half seconds longer",
            Fault::Slow => "every answer takes ten seconds",
            Fault::Dripping => "bodies arrive one byte a second",
            Fault::Status500 => "every answer is a status 500",
            Fault::Html => "every answer is an HTML page with status 200",
            Fault::Truncated => "the connection closes in the middle of every body",
            Fault::Huge => "every body has 100 MB",
            Fault::ClockOff => "the node's clock is 45 seconds ahead",
            Fault::Redirect => "every answer sends the reader elsewhere",
            Fault::CrossMismatch => {
                "the game counts cells that nobody's balance holds; the totals of chain and game differ"
            }
            Fault::ChainBroken => "the blocks do not give the balances that the node holds",
            Fault::GameMissing => {
                "the game's database is missing; a reconciliation would overwrite every stake with none"
            }
            Fault::Stubborn => "a reconciliation is answered with ok and changes nothing that verification sees",
            Fault::SlowSealing => "a block takes five seconds, so that those who wait two seconds for theirs give up",
        }
    }

    #[must_use]
    pub fn kind(self) -> FaultKind {
        match self {
            Fault::ProducerStuck
            | Fault::StuckAgain
            | Fault::ProducerOff
            | Fault::Idle
            | Fault::MempoolFlood
            | Fault::RestartFails
            | Fault::UserMismatch
            | Fault::CrossMismatch
            | Fault::ChainBroken
            | Fault::GameMissing
            | Fault::Stubborn
            | Fault::SlowSealing => FaultKind::Chain,
            Fault::Refused
            | Fault::Sluggish
            | Fault::Slow
            | Fault::Dripping
            | Fault::Status500
            | Fault::Html
            | Fault::Truncated
            | Fault::Huge
            | Fault::ClockOff
            | Fault::Redirect => FaultKind::Endpoint,
        }
    }

    /// The alerts that fire for it on this surface: the only place that says so.
    #[must_use]
    pub fn raises(self, surface: Surface) -> &'static [&'static str] {
        const STALE: &[&str] = &["VolchainBlocksStale"];
        const FAILED: &[&str] = &["VolchainSystemVerificationFailed"];
        const MISMATCHES: &[&str] = &["VolchainSystemVerificationFailed", "VolchainUserMismatches"];
        // There it also counts who waits for a block in vain, and what is wrong with its blocks fails the system.
        let documented = surface == Surface::Documented;
        match self {
            Fault::ProducerStuck | Fault::StuckAgain | Fault::ProducerOff if documented => {
                &["VolchainBarrierTimeouts", "VolchainBlocksStale"]
            }
            Fault::ProducerStuck | Fault::StuckAgain | Fault::ProducerOff => STALE,
            Fault::MempoolFlood if documented => &["VolchainBarrierTimeouts", "VolchainMempoolOverload"],
            Fault::MempoolFlood => &["VolchainMempoolOverload"],
            Fault::SlowSealing if documented => &["VolchainBarrierTimeouts"],
            Fault::ChainBroken if documented => FAILED,
            Fault::CrossMismatch => FAILED,
            Fault::UserMismatch | Fault::GameMissing => MISMATCHES,
            Fault::Refused
            | Fault::Slow
            | Fault::Dripping
            | Fault::Status500
            | Fault::Html
            | Fault::Truncated
            | Fault::Huge
            | Fault::Redirect => &["VolchainServiceDown"],
            Fault::Sluggish => &["VolchainHighResponseTime"],
            Fault::ChainBroken
            | Fault::SlowSealing
            | Fault::RestartFails
            | Fault::Idle
            | Fault::ClockOff
            | Fault::Stubborn => &[],
        }
    }

    /// What a restart of the service does to it: the only place that says so.
    #[must_use]
    pub fn after_restart(self) -> AfterRestart {
        match self {
            Fault::ProducerStuck => AfterRestart::Cured,
            Fault::RestartFails => AfterRestart::KeepsDown,
            Fault::StuckAgain
            | Fault::ProducerOff
            | Fault::Idle
            | Fault::MempoolFlood
            | Fault::UserMismatch
            | Fault::Refused
            | Fault::Sluggish
            | Fault::Slow
            | Fault::Dripping
            | Fault::Status500
            | Fault::Html
            | Fault::Truncated
            | Fault::Huge
            | Fault::ClockOff
            | Fault::Redirect
            | Fault::CrossMismatch
            | Fault::ChainBroken
            | Fault::GameMissing
            | Fault::Stubborn
            | Fault::SlowSealing => AfterRestart::Remains,
        }
    }
}

/// The faults that are on, each with the moment since which it is, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults([Option<i64>; Fault::ALL.len()]);

impl Faults {
    #[must_use]
    pub fn on(&self, fault: Fault) -> bool {
        self.since(fault).is_some()
    }

    /// Since when it is on; nothing where it is not.
    #[must_use]
    pub fn since(&self, fault: Fault) -> Option<i64> {
        self.0[fault as usize]
    }

    /// Switches a fault. One that is on stays on since when it was.
    pub fn switch(&mut self, now: i64, fault: Fault, on: bool) {
        let since = &mut self.0[fault as usize];
        *since = on.then(|| since.unwrap_or(now));
    }

    /// Drops what a restart cures.
    pub fn restart(&mut self) {
        for fault in Fault::ALL {
            if fault.after_restart() == AfterRestart::Cured {
                self.0[fault as usize] = None;
            }
        }
    }

    /// Whether the service can not come up.
    #[must_use]
    pub fn keep_down(&self) -> bool {
        Fault::ALL.into_iter().any(|fault| self.on(fault) && fault.after_restart() == AfterRestart::KeepsDown)
    }

    /// How answers travel. Where several faults disturb the same thing, the one that lets least through wins.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        let worst_first = [
            (Fault::Refused, Delivery::Refused),
            (Fault::Slow, Delivery::Slow),
            (Fault::Dripping, Delivery::Dripping),
            (Fault::Truncated, Delivery::Truncated),
            (Fault::Huge, Delivery::Huge),
        ];
        worst_first.into_iter().find(|(fault, _)| self.on(*fault)).map_or(Delivery::Whole, |(_, delivery)| delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name_and_is_switched_alone() {
        let mut seen = Faults::default();
        for fault in Fault::ALL {
            assert_eq!(Fault::named(fault.name()), Some(fault));
            assert!(!seen.on(fault), "{} is switched with another", fault.name());
            seen.switch(1, fault, true);
            seen.switch(2, fault, true);
            assert_eq!(seen.since(fault), Some(1), "{} is on since the first time", fault.name());
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.name());
        }
        assert_eq!(Fault::named("producer"), None);
    }

    #[test]
    fn a_restart_cures_the_stuck_producer_and_nothing_else() {
        let mut faults = Faults::default();
        Fault::ALL.into_iter().for_each(|fault| faults.switch(1, fault, true));
        faults.restart();
        let cured: Vec<&str> = Fault::ALL.into_iter().filter(|fault| !faults.on(*fault)).map(Fault::name).collect();
        assert_eq!(cured, ["producer-stuck"]);
    }
}
