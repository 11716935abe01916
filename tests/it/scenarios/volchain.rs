//! VolChain: every leaf of its runbooks, and what leads to it.
//!
//! Where a surface can not lead to a leaf, the row says why.

use opsconsole::sim::volchain::Fault::{
    ChainBroken, CrossMismatch, GameMissing, Idle, MempoolFlood, ProducerOff, ProducerStuck, Refused, RestartFails,
    SlowSealing, Sluggish, Stubborn, StuckAgain, UserMismatch,
};
use opsconsole::sim::volchain::Verb;

use super::Happens::{
    BackupsDamaged, Begins, Declines, Ends, Follows, GameEmpty, LongerTimeLeft, Passes, PruningRefused, Service,
    SystemdSilent,
};
use super::{AS_BUILT, BEGUN, DOCUMENTED, Scenario, leaf};

#[rustfmt::skip]
pub const SCENARIOS: &[Scenario] = &[
    // ---- stale blocks ----
    leaf("stale-blocks", "cured", &[(ProducerStuck, 300)], &[]),
    leaf("stale-blocks", "not-cured", &[(StuckAgain, 300)], &[]),
    leaf("stale-blocks", "busy-again", &[(Idle, 400)],
        &[("wait-for-transactions", Passes(20)), ("wait-for-transactions", Ends(Idle))]),
    leaf("stale-blocks", "idle-still", &[(Idle, 400)], &[]),
    leaf("stale-blocks", "tell-producer-off", &[(ProducerOff, 300)], &[]),
    leaf("stale-blocks", "recovered-end", &[(ProducerStuck, 300)],
        &[("cause", Ends(ProducerStuck)), ("cause", Passes(30))]),
    // ---- service down ----
    leaf("service-down", "stopped-cured", &[], &[(BEGUN, Service(Verb::Stop))]),
    leaf("service-down", "stopped-not-cured", &[(RestartFails, 10)], &[(BEGUN, Service(Verb::Stop))]),
    leaf("service-down", "silent-cured", &[(Refused, 70)],
        &[("restart-silent", Follows), ("restart-silent", Ends(Refused))]),
    leaf("service-down", "silent-not-cured", &[(Refused, 70)], &[]),
    leaf("service-down", "came-up", &[(Refused, 70)],
        &[(BEGUN, Service(Verb::Restart)), ("comes-up", Passes(20)), ("comes-up", Ends(Refused))]),
    leaf("service-down", "restarted-in-vain", &[(Refused, 70)], &[(BEGUN, Service(Verb::Restart))]),
    leaf("service-down", "answers-end", &[(Refused, 70)], &[("cause", Ends(Refused)), ("cause", Passes(10))]),
    leaf("service-down", "unseen-tell", &[(Refused, 70)], &[(BEGUN, SystemdSilent)]),
    // ---- mempool overload ----
    leaf("mempool-overload", "drained-end", &[(MempoolFlood, 200)], &[("watch", Ends(MempoolFlood))]),
    leaf("mempool-overload", "producer-off-tell", &[(ProducerOff, 100), (MempoolFlood, 200)], &[]),
    leaf("mempool-overload", "drained-naturally", &[(MempoolFlood, 200)],
        &[("watch", Passes(140)), ("watch", Ends(MempoolFlood))]),
    leaf("mempool-overload", "drains-too-slowly", &[(MempoolFlood, 200)],
        &[("watch", Passes(140)), ("watch", Ends(MempoolFlood)), ("wait-drained", Begins(MempoolFlood))]),
    leaf("mempool-overload", "not-cured", &[(MempoolFlood, 200)], &[("slow-down", Declines)]),
    leaf("mempool-overload", "cured", &[(MempoolFlood, 200)],
        &[("restart", Follows), ("restart", Ends(MempoolFlood))]),
    // ---- barrier timeouts ----
    leaf("barrier-timeouts", "tell-stuck", &[(ProducerStuck, 200)], &[]),
    leaf("barrier-timeouts", "tell-overwhelmed", &[(MempoolFlood, 200)], &[]),
    leaf("barrier-timeouts", "tell-in-vain", &[(SlowSealing, 300)], &[(BEGUN, LongerTimeLeft)]).after(150),
    leaf("barrier-timeouts", "taken-away", &[], &[(BEGUN, LongerTimeLeft)]).after(150),
    leaf("barrier-timeouts", "taken-away-failed", &[],
        &[(BEGUN, LongerTimeLeft), ("take-away", Follows), ("take-away", Begins(SlowSealing))]).after(150),
    // As it is documented the longer time helps, and the cause is still there when it ends; as it is built the variable
    // is ignored, and the drop-in taken back at once.
    leaf("barrier-timeouts", "not-cured", &[(SlowSealing, 300)], &[]).after(150),
    leaf("barrier-timeouts", "over", &[(SlowSealing, 300)], &[("expiry", Ends(SlowSealing))])
        .after(150).on(DOCUMENTED),
    // A node that ignores the variable verifies only where the cause goes by itself meanwhile.
    leaf("barrier-timeouts", "over", &[(SlowSealing, 300)],
        &[("raise-timeout", Follows), ("raise-timeout", Ends(SlowSealing))]).after(150).on(AS_BUILT),
    leaf("barrier-timeouts", "again", &[(SlowSealing, 300)], &[("expiry", Begins(ProducerStuck))])
        .after(150).on(DOCUMENTED),
    leaf("barrier-timeouts", "again", &[(SlowSealing, 300)],
        &[("raise-timeout", Follows), ("raise-timeout", Ends(SlowSealing)), ("expiry", Begins(SlowSealing))])
        .after(150).on(AS_BUILT),
    leaf("barrier-timeouts", "over-already-end", &[(Idle, 400)], &[]).after(150),
    // ---- verification failure ----
    // Only the documented surface says whether the chain is consistent in itself; as it is built the replay of the
    // blocks stands for it, which on the documented surface never fails alone.
    leaf("verification-failure", "tell-chain-inconsistent", &[(ChainBroken, 400)], &[]).on(DOCUMENTED),
    leaf("verification-failure", "tell-blocks-inconsistent", &[(ChainBroken, 400)], &[]).on(AS_BUILT),
    leaf("verification-failure", "tell-no-file", &[(GameMissing, 400)], &[]),
    leaf("verification-failure", "tell-no-game", &[(GameMissing, 400)], &[(BEGUN, GameEmpty)]),
    leaf("verification-failure", "to-user-mismatches", &[(UserMismatch, 400)], &[]),
    leaf("verification-failure", "totals-cured", &[(CrossMismatch, 400)], &[]).on(DOCUMENTED),
    // As it is built a reconciliation changes nothing that is verified: only another cure of it can be seen.
    leaf("verification-failure", "totals-cured", &[(CrossMismatch, 400)],
        &[("reconcile", Follows), ("reconcile", Ends(CrossMismatch))]).on(AS_BUILT),
    leaf("verification-failure", "totals-not-cured", &[(CrossMismatch, 400), (Stubborn, 400)], &[]).on(DOCUMENTED),
    leaf("verification-failure", "totals-not-cured", &[(CrossMismatch, 400)], &[]).on(AS_BUILT),
    leaf("verification-failure", "passes-end", &[], &[]),
    // ---- user mismatches ----
    leaf("user-mismatches", "tell-chain-inconsistent", &[(ChainBroken, 400), (UserMismatch, 400)], &[]),
    leaf("user-mismatches", "tell-no-file", &[(GameMissing, 400)], &[]),
    leaf("user-mismatches", "tell-no-game", &[(GameMissing, 400)], &[(BEGUN, GameEmpty)]),
    leaf("user-mismatches", "users-cured", &[(UserMismatch, 400)], &[]).on(DOCUMENTED),
    // As with the totals.
    leaf("user-mismatches", "users-cured", &[(UserMismatch, 400)],
        &[("reconcile", Follows), ("reconcile", Ends(UserMismatch))]).on(AS_BUILT),
    leaf("user-mismatches", "users-not-cured", &[(UserMismatch, 400), (Stubborn, 400)], &[]).on(DOCUMENTED),
    leaf("user-mismatches", "users-not-cured", &[(UserMismatch, 400)], &[]).on(AS_BUILT),
    leaf("user-mismatches", "none-end", &[], &[]),
    // ---- daily backup ----
    leaf("daily-backup", "done", &[], &[]),
    leaf("daily-backup", "not-done", &[], &[("backup", BackupsDamaged)]),
    leaf("daily-backup", "not-done", &[], &[("prune", PruningRefused)]),
    // ---- recovery from backup ----
    leaf("recovery-from-backup", "restored", &[(UserMismatch, 100)], &[]),
    leaf("recovery-from-backup", "not-restored", &[], &[("restore", BackupsDamaged)]),
    leaf("recovery-from-backup", "not-restored", &[], &[("restore", Begins(ProducerOff))]),
    // ---- health check ----
    leaf("health-check-commands", "down-end", &[(Refused, 60)], &[]),
    leaf("health-check-commands", "blocks-fail-tell", &[(ChainBroken, 300)], &[]),
    leaf("health-check-commands", "system-fails-end", &[(UserMismatch, 300)], &[]),
    leaf("health-check-commands", "stale-end", &[(ProducerStuck, 100)], &[]),
    leaf("health-check-commands", "overload-end", &[(MempoolFlood, 200)], &[]),
    leaf("health-check-commands", "well-end", &[], &[]),
    leaf("health-check-commands", "well-end", &[(Idle, 300)], &[]),
    // ---- high response time ----
    leaf("response-time", "fast-end", &[], &[]),
    leaf("response-time", "overloaded-end", &[(Sluggish, 60), (MempoolFlood, 200)], &[]),
    leaf("response-time", "passed", &[(Sluggish, 60)], &[("passes", Passes(20)), ("passes", Ends(Sluggish))]),
    leaf("response-time", "slow-tell", &[(Sluggish, 60)], &[]),
];
