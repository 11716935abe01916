//! What nodes are found to be and to have, on every system and surface: whose answers they are, which surface, which
//! version, what is not exposed beside what the document expects; and all of it anew after a restart.

use std::sync::Arc;
use std::time::Duration;

use opsconsole::app::{Effect, Msg};
use opsconsole::model::{Batch, FetchFailure};
use opsconsole::panes::capability::{self, Capability, LackKind, Surface as Found};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::Rehearsal;
use opsconsole::sim::simulation::Simulation;
use opsconsole::sim::volchain::Verb;

use crate::stage::{shows, shows_not};

fn stage(simulation: Simulation, surface: Surface) -> Rehearsal {
    let mut stage = Rehearsal::of_systems(vec![simulation], surface, &[], (160, 50), |_setup| {}).expect("a rehearsal");
    // Long enough for the rarest read.
    stage.advance(Duration::from_secs(150));
    stage
}

fn found(stage: &Rehearsal) -> Vec<Capability> {
    let model = stage.app.model();
    capability::of_target(model, &model.targets[0])
}

#[test]
fn every_system_is_known_by_its_own_answers_on_both_surfaces() {
    for simulation in Simulation::all(&opsconsole::systems::embedded()).expect("the worlds have no mistakes") {
        for surface in [Surface::Documented, Surface::AsBuilt] {
            let system = simulation.system.clone();
            let stage = stage(simulation.clone(), surface);
            let model = stage.app.model();
            let target = &model.targets[0];
            for bound in target.sources.iter().filter(|bound| bound.recognise.is_some()) {
                let state = model.store.source(&bound.id).expect("declared");
                assert_ne!(state.is_own, Some(false), "{system}, {}: {}", surface.name(), bound.id);
            }
            for one in found(&stage) {
                let other = if surface == Surface::Documented { Found::AsBuilt } else { Found::Documented };
                assert_ne!(one.surface, other, "{system}, {}, {}", surface.name(), one.node);
                // What does not run on this surface was not found out, and is not said to have anything.
                assert!(one.found_out.is_some() || one.answers.is_empty(), "{system}: {one:?}");
                assert!(one.restarted.is_none(), "{system}: {one:?}");
                assert_eq!(one.answers_as, Vec::<String>::new());
                for lack in one.lacks {
                    assert!(!lack.expected.starts_with("nothing"), "{system}, {}: {}", surface.name(), lack.words());
                }
            }
        }
    }
}

fn of(system: &str) -> Simulation {
    let all = Simulation::all(&opsconsole::systems::embedded()).expect("the worlds have no mistakes");
    all.into_iter().find(|simulation| simulation.system.as_str() == system).expect("a system of the demo")
}

#[test]
fn what_a_node_does_not_have_stands_beside_what_the_document_expects() {
    let stage = stage(of("pouw"), Surface::AsBuilt);
    let found = found(&stage);
    let lack = found[0].lacks.iter().find(|lack| lack.what.contains("disputes")).expect("the list of disputes");
    assert!(matches!(&lack.how, LackKind::Read(how) if how == "answered with status 404"), "{lack:?}");
    assert!(lack.expected.contains("pouw:236"), "{lack:?}");
    assert_eq!(found[0].fails, Vec::<(String, String)>::new(), "a path that there is not is no failure");
    let versions: Vec<&str> = found[0].versions.iter().map(|(_, version)| version.as_str()).collect();
    assert_eq!(versions, ["0.1.0"]);
}

#[test]
fn after_a_restart_everything_is_found_out_anew() {
    let mut stage = Rehearsal::begin(Surface::AsBuilt, &[], 120, 70).expect("the embedded data");
    stage.advance(Duration::from_secs(60));
    stage.press("2");
    shows(&stage, "found out");
    shows(&stage, "as built");
    shows_not(&stage, "asked anew");
    let before = found(&stage)[0].found_out.expect("it was found out");
    let asked = |stage: &Rehearsal| stage.asked.iter().filter(|one| matches!(one, Effect::FetchNow { .. })).count();
    assert_eq!(asked(&stage), 0, "nothing is asked out of its rhythm");
    stage.service(Verb::Restart);
    stage.advance(Duration::from_secs(60));
    shows(&stage, "asked anew");
    let after = found(&stage).remove(0);
    assert!(after.found_out.is_some_and(|at| at.boot > before.boot), "{after:?}");
    assert_eq!(after.surface, Found::AsBuilt);
    let sources = stage.app.model().targets[0].sources.len();
    assert!(asked(&stage) >= sources, "{} of {sources} sources were asked again", asked(&stage));
}

#[test]
fn another_system_in_the_place_of_the_node_is_said_to_everyone_until_it_is_gone() {
    let mut stage = Rehearsal::begin(Surface::AsBuilt, &[], 120, 70).expect("the embedded data");
    let target = &stage.app.model().targets[0];
    let bound = target.sources.iter().find(|bound| bound.spec.decides_up).expect("every endpoint has one");
    let failure = FetchFailure::OtherSystem {
        at: "127.0.0.1:3001".to_owned(),
        answers: "goud".to_owned(),
        configured: "volchain".to_owned(),
    };
    let batch = Batch::failed(bound.id.clone(), stage.now(), failure);
    stage.tell(Msg::Polled(Arc::new(batch)));
    shows(&stage, "127.0.0.1:3001 answers as goud, the configuration says volchain");
    stage.press("2");
    shows(&stage, "another");
    assert_eq!(found(&stage)[0].answers_as.len(), 1);
    stage.advance(Duration::from_secs(30));
    shows_not(&stage, "answers as goud");
}

#[test]
fn a_row_that_is_not_exposed_says_what_the_document_promises_wherever_it_is_looked_at() {
    let mut stage = Rehearsal::begin(Surface::AsBuilt, &[], 120, 60).expect("the embedded data");
    stage.advance(Duration::from_secs(60));
    // A line may end anywhere behind it.
    let promised = "document promises";
    stage.press("e");
    stage.press("ctrl-u");
    stage.type_text("increase(volchain_barrier_timeouts_total[5m])");
    stage.press("enter");
    shows(&stage, promised);
    stage.press("3");
    // What nobody can watch stands before what is quiet.
    shows(&stage, promised);
    stage.press("6");
    shows(&stage, promised);
}
