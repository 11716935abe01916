//! What is known of nodes and endpoints beside their series: what an endpoint does not have is judged by what its other
//! reads are answered, and all of it is forgotten when its node is started again.

use std::sync::Arc;

use super::Store;
use crate::base::{At, SourceId};
use crate::model::Restart;

impl Store {
    /// Judges anew, after an answer of one of its sources, what an endpoint said that it has not.
    pub(super) fn settle(&mut self, source: &SourceId) {
        let Some(target) = self.tables.get(source).map(|table| &table.state.target) else { return };
        let (folder, places) = (source.endpoint_folder(), self.by_target.get(target));
        let places = places.into_iter().flatten().copied().filter(|place| {
            let id = self.tables[*place].state.id.as_str();
            // A source that belongs to no endpoint has no siblings.
            !folder.is_empty() && id.starts_with(folder)
        });
        let places: Vec<usize> = places.collect();
        if !places.iter().any(|place| self.tables[*place].state.says_unserved()) {
            return;
        }
        let answers = places.iter().any(|place| self.tables[*place].state.shows_life());
        for place in places {
            Arc::make_mut(&mut self.tables[place]).state.settle(answers);
        }
    }

    /// Forgets what was found out about the node of a source, and of these sources beside: it was started again.
    /// Gives all of them.
    pub fn forget_node(&mut self, source: &SourceId, at: At, restart: &Restart, beside: &[SourceId]) -> Vec<SourceId> {
        self.version += 1;
        let mut forgotten = Vec::new();
        let folder = source.node_folder();
        for table in self.tables.values_mut().filter(|table| table.state.backfill.is_none()) {
            let id = &table.state.id;
            if (!folder.is_empty() && id.as_str().starts_with(folder)) || beside.contains(id) {
                forgotten.push(id.clone());
                Arc::make_mut(table).state.forget(at, restart);
            }
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::{Boot, Wall};
    use crate::model::store::Retention;
    use crate::model::{Batch, FetchFailure, Labels, Layout, LifeKind, LifeSign, SourceState, Told, Truth};

    fn at(second: u64) -> At {
        At { boot: Boot(second * 1000), wall: Wall(second as i64 * 1000) }
    }

    /// Sources of one endpoint over HTTP, the first of which decides whether it is up, and one of another endpoint.
    fn store() -> Store {
        let mut store = Store::new(Retention::default());
        for (id, decides_up, over_http) in [
            ("t/n/e/health", true, true),
            ("t/n/e/list", false, true),
            ("t/n/e/unit", false, false),
            ("t/n/other/metrics", true, true),
            ("t/m/e/health", true, true),
        ] {
            let ten = Duration::from_secs(10);
            let mut state = SourceState::new(id.into(), "t".into(), String::new(), ten, ten);
            (state.decides_up, state.over_http) = (decides_up, over_http);
            state.declares = vec!["x".to_owned()];
            store.declare(state);
        }
        store
    }

    fn answer(store: &mut Store, id: &str, second: u64, told: Told) {
        let layout = Arc::new(Layout::new(vec![Labels::named("x")]));
        let batch = Batch::of(id.into(), at(second), Duration::from_millis(5), layout, [1.0]);
        store.link(&Batch { told, ..batch });
    }

    fn fail(store: &mut Store, id: &str, second: u64, failure: FetchFailure) {
        store.link(&Batch::failed(id.into(), at(second), failure));
    }

    const NO_SUCH_PATH: FetchFailure = FetchFailure::Status { status: 404 };

    /// What happens to `t/n/e/list`, after the others said what they said.
    #[test]
    fn a_path_is_not_exposed_only_where_the_endpoint_answers_otherwise() {
        let html = || FetchFailure::Html { expected: "JSON".to_owned() };
        let check = |others: &[(&str, Option<FetchFailure>)], how: FetchFailure, want: &str| {
            let mut store = store();
            fail(&mut store, "t/n/e/list", 1, how.clone());
            for (id, failure) in others {
                match failure {
                    None => answer(&mut store, id, 2, Told::default()),
                    Some(failure) => fail(&mut store, id, 2, failure.clone()),
                }
            }
            let state = store.source(&"t/n/e/list".into()).expect("declared");
            assert_eq!(state.truth(Boot(3_000)).state(), want, "{how} beside {others:?}");
            assert_eq!(state.is_unserved, want == "not_exposed");
            assert_eq!(state.lacks().len(), usize::from(state.is_unserved), "what it could give is not exposed");
            assert_eq!(state.failing_since.is_some(), want == "failing");
        };
        let well = |id: &'static str| (id, None);
        for status in [404, 405, 501] {
            check(&[well("t/n/e/health")], FetchFailure::Status { status }, "not_exposed");
        }
        check(&[well("t/n/e/health")], html(), "not_exposed");
        // Other statuses and other failures are what they are.
        for failure in
            [FetchFailure::Status { status: 500 }, FetchFailure::Status { status: 403 }, FetchFailure::Closed]
        {
            check(&[well("t/n/e/health")], failure, "failing");
        }
        check(&[], NO_SUCH_PATH, "failing");
        check(&[("t/n/e/health", Some(NO_SUCH_PATH))], NO_SUCH_PATH, "failing");
        check(&[("t/n/e/health", Some(html()))], html(), "failing");
        // What answers must be the same endpoint, of the same node, and answer over HTTP.
        check(&[well("t/n/other/metrics")], NO_SUCH_PATH, "failing");
        check(&[well("t/m/e/health")], NO_SUCH_PATH, "failing");
        check(&[well("t/n/e/unit")], NO_SUCH_PATH, "failing");
    }

    #[test]
    fn it_fails_again_when_nothing_answers_any_more_and_tells_since_when() {
        let mut store = store();
        let list: SourceId = "t/n/e/list".into();
        fail(&mut store, "t/n/e/list", 1, NO_SUCH_PATH);
        answer(&mut store, "t/n/e/health", 2, Told::default());
        assert_eq!(store.source(&list).expect("declared").truth(Boot(900_000)), Truth::NotExposed, "it never ages");
        fail(&mut store, "t/n/e/health", 12, FetchFailure::Refused);
        let state = store.source(&list).expect("declared");
        assert_eq!((state.truth(Boot(13_000)).state(), state.failing_since), ("failing", Some(at(1))));
        fail(&mut store, "t/n/e/list", 14, NO_SUCH_PATH);
        answer(&mut store, "t/n/e/health", 22, Told::default());
        assert_eq!(store.source(&list).expect("declared").truth(Boot(23_000)), Truth::NotExposed);
        // It is served all at once: a newer node at the same address.
        answer(&mut store, "t/n/e/list", 24, Told::default());
        assert_eq!(store.source(&list).expect("declared").truth(Boot(25_000)), Truth::Fresh);
    }

    #[test]
    fn what_answered_before_and_what_decides_is_a_failure() {
        let mut store = store();
        answer(&mut store, "t/n/e/list", 1, Told::default());
        answer(&mut store, "t/n/e/health", 2, Told::default());
        fail(&mut store, "t/n/e/list", 11, NO_SUCH_PATH);
        assert_eq!(store.source(&"t/n/e/list".into()).expect("declared").truth(Boot(12_000)).state(), "failing");
        answer(&mut store, "t/n/e/list", 21, Told::default());
        let mut store = self::store();
        fail(&mut store, "t/n/e/health", 1, NO_SUCH_PATH);
        answer(&mut store, "t/n/e/list", 2, Told::default());
        assert_eq!(store.source(&"t/n/e/health".into()).expect("declared").truth(Boot(3_000)).state(), "failing");
    }

    fn told(version: Option<&str>, life: &[(&str, LifeKind, f64)]) -> Told {
        let sign = |(series, kind, value): &(&str, LifeKind, f64)| LifeSign {
            series: Arc::from(*series),
            kind: *kind,
            value: *value,
        };
        Told { version: version.map(Arc::from), life: life.iter().map(sign).collect(), is_own: None }
    }

    #[test]
    fn a_restart_is_told_by_what_is_measured() {
        let check = |before: Told, between: Option<FetchFailure>, now: Told, want: &str| {
            let mut store = store();
            answer(&mut store, "t/n/e/health", 1, before.clone());
            if let Some(failure) = &between {
                fail(&mut store, "t/n/e/health", 2, failure.clone());
            }
            answer(&mut store, "t/n/e/health", 3, now.clone());
            let state = store.source(&"t/n/e/health".into()).expect("declared");
            let said = state.restart.as_ref().map(ToString::to_string).unwrap_or_default();
            assert_eq!(said, want, "{before:?} {between:?} {now:?}");
        };
        let (grows, stays) = (LifeKind::Grows, LifeKind::Stays);
        let nothing = || told(None, &[]);
        check(nothing(), None, nothing(), "");
        check(nothing(), Some(FetchFailure::Closed), nothing(), "");
        check(nothing(), Some(FetchFailure::Refused), nothing(), "it answers again after it was refused");
        check(told(Some("1"), &[]), None, told(Some("1"), &[]), "");
        check(told(Some("1"), &[]), None, told(Some("2"), &[]), "its version was 1 and is 2");
        check(told(Some("1"), &[]), None, nothing(), "");
        check(told(None, &[("up_s", grows, 90.0)]), None, told(None, &[("up_s", grows, 2.0)]), "up_s fell");
        check(told(None, &[("up_s", grows, 90.0)]), None, told(None, &[("up_s", grows, 95.0)]), "");
        check(told(None, &[("start", stays, 90.0)]), None, told(None, &[("start", stays, 950.0)]), "start changed");
        check(told(None, &[("a", grows, 90.0)]), None, told(None, &[("b", grows, 2.0)]), "");
    }

    #[test]
    fn a_counter_that_is_missing_at_first_still_tells() {
        let mut store = store();
        let counted = |value| told(None, &[("mined_total", LifeKind::Grows, value)]);
        answer(&mut store, "t/n/e/health", 1, counted(80.0));
        answer(&mut store, "t/n/e/health", 2, Told::default());
        answer(&mut store, "t/n/e/health", 3, counted(1.0));
        let state = store.source(&"t/n/e/health".into()).expect("declared");
        assert_eq!(state.restart, Some(Restart::Fell(Arc::from("mined_total"))));
    }

    #[test]
    fn what_was_found_out_of_a_node_is_forgotten_and_of_no_other() {
        let mut store = store();
        for id in ["t/n/e/health", "t/n/other/metrics", "t/m/e/health"] {
            answer(&mut store, id, 2, told(Some("1"), &[("up_s", LifeKind::Grows, 90.0)]));
        }
        fail(&mut store, "t/n/e/list", 3, NO_SUCH_PATH);
        let restart = Restart::Returned;
        let forgotten = store.forget_node(&"t/n/e/health".into(), at(4), &restart, &["t/m/e/health".into()]);
        let ids: Vec<&str> = forgotten.iter().map(SourceId::as_str).collect();
        assert_eq!(ids, ["t/n/e/health", "t/n/e/list", "t/n/e/unit", "t/n/other/metrics", "t/m/e/health"]);
        for id in &forgotten {
            let state = store.source(id).expect("declared");
            assert_eq!((&state.version, state.found_out, state.is_unserved), (&None, None, false), "{id}");
            assert_eq!(state.restarted, Some((at(4), restart.clone())));
        }
        // The lesser value after it is no second restart, and the path is found out anew.
        answer(&mut store, "t/n/e/health", 5, told(Some("2"), &[("up_s", LifeKind::Grows, 1.0)]));
        assert_eq!(store.source(&"t/n/e/health".into()).expect("declared").restart, None);
        fail(&mut store, "t/n/e/list", 6, NO_SUCH_PATH);
        assert_eq!(store.source(&"t/n/e/list".into()).expect("declared").truth(Boot(7_000)), Truth::NotExposed);
    }
}
