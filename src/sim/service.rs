//! The service that holds the node, as systemd would tell of it.

use serde::{Deserialize, Serialize};

/// From the command to the open port.
pub const RESTART_MILLIS: i64 = 3_000;

/// What can be asked of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Restart,
    Start,
    Stop,
}

/// systemd's `ActiveState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    Active,
    Activating,
    Inactive,
    Failed,
}

/// State and the moment it was entered, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    pub state: ServiceState,
    pub since: i64,
}

impl Verb {
    pub const ALL: [Verb; 3] = [Verb::Restart, Verb::Start, Verb::Stop];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verb::Restart => "restart",
            Verb::Start => "start",
            Verb::Stop => "stop",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.name() == name)
    }
}

impl ServiceState {
    /// As `systemctl is-active` prints it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ServiceState::Active => "active",
            ServiceState::Activating => "activating",
            ServiceState::Inactive => "inactive",
            ServiceState::Failed => "failed",
        }
    }
}

impl Service {
    #[must_use]
    pub fn active(since: i64) -> Service {
        Service { state: ServiceState::Active, since }
    }

    /// What the command makes of it.
    #[must_use]
    pub fn after(self, verb: Verb, now: i64) -> Service {
        let state = match (verb, self.state) {
            (Verb::Stop, ServiceState::Failed) => ServiceState::Failed,
            (Verb::Stop, ServiceState::Active | ServiceState::Activating | ServiceState::Inactive) => {
                ServiceState::Inactive
            }
            (Verb::Start, ServiceState::Active) => ServiceState::Active,
            // A second command joins the one that is under way instead of beginning anew.
            (Verb::Start | Verb::Restart, ServiceState::Activating) => ServiceState::Activating,
            (Verb::Start, ServiceState::Inactive | ServiceState::Failed)
            | (Verb::Restart, ServiceState::Active | ServiceState::Inactive | ServiceState::Failed) => {
                ServiceState::Activating
            }
        };
        if state == self.state { self } else { Service { state, since: now } }
    }

    /// When the start that is under way will have ended.
    #[must_use]
    pub fn settles_at(self) -> Option<i64> {
        (self.state == ServiceState::Activating).then_some(self.since + RESTART_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_do_what_systemd_would_do() {
        let check = |state, verb: Verb, want: ServiceState| {
            let after = Service { state, since: 1 }.after(verb, 9);
            assert_eq!(after.state, want, "{} from {}", verb.name(), state.word());
            assert_eq!(after.since, if state == want { 1 } else { 9 }, "{} from {}", verb.name(), state.word());
        };
        check(ServiceState::Active, Verb::Restart, ServiceState::Activating);
        check(ServiceState::Active, Verb::Start, ServiceState::Active);
        check(ServiceState::Active, Verb::Stop, ServiceState::Inactive);
        check(ServiceState::Activating, Verb::Restart, ServiceState::Activating);
        check(ServiceState::Activating, Verb::Stop, ServiceState::Inactive);
        check(ServiceState::Inactive, Verb::Stop, ServiceState::Inactive);
        check(ServiceState::Inactive, Verb::Start, ServiceState::Activating);
        check(ServiceState::Failed, Verb::Restart, ServiceState::Activating);
        check(ServiceState::Failed, Verb::Stop, ServiceState::Failed);
    }
}
