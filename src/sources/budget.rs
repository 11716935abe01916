//! Reads that a node counts, shared by all consoles of a machine. Pure: time is an argument, and where the budget is kept
//! is the shell's business.
//!
//! A node may count reads per address and shut out whoever asks too often; then every console on that machine is blind.
//! The system's data says how many reads of a kind there may be in a second, and which sources make them. Turns are
//! spaced evenly: whoever finds none free comes back when the next one is, and nothing is saved up, so that there is
//! never a burst, however many consoles run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::base::{Boot, secret};

/// Reads per second that a budget may have.
const RATES: std::ops::RangeInclusive<f64> = 0.01..=100.0;

/// Longest rest after a node said that it was asked too often.
const LONGEST_PAUSE_SECONDS: f64 = 3_600.0;

/// Reads that a node counts, as a system's data declares them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetSpec {
    pub name: String,
    pub help: String,
    /// For all consoles of a machine together, and for one address of a node.
    pub per_second: f64,
    /// How long everybody rests after the node said that it was asked too often.
    #[serde(default = "pause_seconds")]
    pub pause_seconds: f64,
    #[serde(default)]
    pub from: Vec<String>,
}

fn pause_seconds() -> f64 {
    60.0
}

impl BudgetSpec {
    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that can not be used, and why.
    pub fn check(&self) -> Result<(), String> {
        if !RATES.contains(&self.per_second) {
            let (least, most) = (RATES.start(), RATES.end());
            return Err(format!("per_second is {}; it must be between {least} and {most}", self.per_second));
        }
        if !(0.0..=LONGEST_PAUSE_SECONDS).contains(&self.pause_seconds) {
            let pause = self.pause_seconds;
            return Err(format!("pause_seconds is {pause}; it must be between 0 and {LONGEST_PAUSE_SECONDS}"));
        }
        Ok(())
    }

    /// The budget of one address.
    #[must_use]
    pub fn at(&self, base_url: &str) -> SharedBudget {
        SharedBudget {
            key: format!("{} at {}", self.name, authority(base_url)),
            name: self.name.clone(),
            per_second: self.per_second,
            pause_seconds: self.pause_seconds,
        }
    }
}

/// The budget that a source's reads are taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedBudget {
    /// What two consoles that read the same address have in common, whatever they call it.
    pub key: String,
    pub name: String,
    pub per_second: f64,
    pub pause_seconds: f64,
}

impl SharedBudget {
    /// From one turn to the next.
    #[must_use]
    pub fn spacing(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.per_second).unwrap_or(Duration::from_secs(100))
    }

    #[must_use]
    pub fn pause(&self) -> Duration {
        Duration::try_from_secs_f64(self.pause_seconds).unwrap_or(Duration::ZERO)
    }
}

/// When the next turn is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    pub free_at: Boot,
}

impl Turns {
    /// Takes the turn that is free now, or says how long it is until one is.
    ///
    /// # Errors
    /// None is free, and for how long.
    pub fn take(&mut self, budget: &SharedBudget, now: Boot) -> Result<(), Duration> {
        let wait = self.free_at.since(now);
        if wait > budget.spacing().max(budget.pause()) {
            // Nobody writes such a time: what was kept is damaged, and is mended without a burst.
            self.free_at = now.plus(budget.spacing());
            return Err(budget.spacing());
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        self.free_at = now.plus(budget.spacing());
        Ok(())
    }

    /// Rests everybody, because the node said that it was asked too often.
    pub fn pause(&mut self, budget: &SharedBudget, now: Boot) {
        self.free_at = self.free_at.max(now.plus(budget.pause()));
    }
}

/// Host and port. Every name of this machine is one, because the node counts by the address that it sees.
fn authority(base_url: &str) -> String {
    let Ok(url) = Url::parse(base_url) else { return base_url.to_owned() };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => secret::is_loopback_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let host = if loopback { "this machine" } else { url.host_str().unwrap_or_default() };
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(per_second: f64, pause_seconds: f64) -> BudgetSpec {
        let name = "energy_reads".to_owned();
        BudgetSpec { name, help: String::new(), per_second, pause_seconds, from: Vec::new() }
    }

    #[test]
    fn turns_are_spaced_whoever_asks_and_nothing_is_saved_up() {
        let budget = spec(4.0, 60.0).at("http://127.0.0.1:26658");
        let mut turns = Turns::default();
        // Asked for every 10 ms over three seconds, after a long silence.
        let given: Vec<u64> =
            (10_000..13_000).step_by(10).filter(|now| turns.take(&budget, Boot(*now)).is_ok()).collect();
        assert_eq!(given.len(), 12);
        assert!(given.windows(2).all(|pair| pair[1] - pair[0] >= 250), "{given:?}");
        assert_eq!(turns.take(&budget, Boot(12_800)), Err(Duration::from_millis(200)));
    }

    #[test]
    fn a_node_that_was_asked_too_often_is_left_alone() {
        let budget = spec(4.0, 60.0).at("http://127.0.0.1:26658");
        let mut turns = Turns::default();
        assert_eq!(turns.take(&budget, Boot(1_000)), Ok(()));
        turns.pause(&budget, Boot(1_100));
        assert_eq!(turns.take(&budget, Boot(31_100)), Err(Duration::from_secs(30)));
        assert_eq!(turns.take(&budget, Boot(61_100)), Ok(()));
    }

    #[test]
    fn a_damaged_time_is_mended_without_a_burst() {
        let budget = spec(4.0, 60.0).at("http://127.0.0.1:26658");
        let mut turns = Turns { free_at: Boot(u64::MAX) };
        assert_eq!(turns.take(&budget, Boot(1_000)), Err(Duration::from_millis(250)));
        assert_eq!(turns.take(&budget, Boot(1_250)), Ok(()));
    }

    #[test]
    fn one_address_has_one_budget_by_whatever_name() {
        let key = |url: &str| spec(1.0, 0.0).at(url).key;
        assert_eq!(key("http://127.0.0.1:26658"), key("http://localhost:26658/rpc"));
        assert_eq!(key("http://[::1]:26658"), key("http://127.0.0.9:26658"));
        assert_ne!(key("http://127.0.0.1:26658"), key("http://127.0.0.1:26659"));
        assert_ne!(key("http://10.0.0.1:1"), key("http://10.0.0.2:1"));
    }

    #[test]
    fn numbers_that_can_not_work_are_refused() {
        let check = |per_second, pause, want: &str| {
            assert!(spec(per_second, pause).check().is_err_and(|what| what.contains(want)), "{per_second} {pause}");
        };
        check(0.0, 60.0, "per_second is 0");
        check(f64::NAN, 60.0, "per_second is NaN");
        check(500.0, 60.0, "between 0.01 and 100");
        check(4.0, -1.0, "pause_seconds is -1");
        assert_eq!(spec(4.0, 60.0).check(), Ok(()));
    }
}
