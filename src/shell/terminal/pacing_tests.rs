use super::*;

/// What happens to a line, at a millisecond.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// So many bytes are written, and asked about if the pacing says so.
    Wrote(u64, usize),
    /// The same by somebody who waits for the answer.
    Key(u64, usize),
    Answer(u64),
    Time(u64),
}

use Happens::{Answer, Key, Time, Wrote};

/// A console that was started at 0 and asked the terminal how it is.
fn started() -> Pacing {
    let mut pacing = Pacing::default();
    pacing.asked_first(Boot(0), 13);
    pacing
}

/// Plays what happens; frames are numbered from 1. Returns the frames that the terminal was heard to have taken.
fn play(pacing: &mut Pacing, happens: &[Happens]) -> Vec<Option<u64>> {
    let (mut frame, mut taken) = (0, Vec::new());
    for next in happens {
        match *next {
            Wrote(at, bytes) | Key(at, bytes) => {
                frame += 1;
                let asked = pacing.asks(Boot(at), bytes, matches!(next, Key(..)));
                pacing.wrote(Boot(at), bytes, asked.then_some(frame));
            }
            Answer(at) => taken.push(pacing.answered(Boot(at))),
            Time(at) => pacing.note_time(Boot(at)),
        }
    }
    taken
}

#[track_caller]
fn check(happens: &[Happens], at: u64, taken: &[Option<u64>], ready: Ready, state: LinkState) -> Pacing {
    let mut pacing = started();
    assert_eq!(play(&mut pacing, happens), taken, "{happens:?}");
    assert_eq!(pacing.ready(Boot(at)), ready, "{happens:?}");
    assert_eq!(pacing.link().state, state, "{happens:?}");
    pacing
}

const FIRST: Option<u64> = Some(0);

#[test]
fn a_frame_holds_the_next_until_it_is_answered() {
    use LinkState::{Fast, Unknown};
    check(&[], 0, &[], Ready::Now, Unknown);
    check(&[Wrote(1, 900)], 2, &[], Ready::Answered, Unknown);
    // The answer to the question before it is not its own.
    check(&[Wrote(1, 900), Answer(5)], 6, &[FIRST], Ready::Answered, Unknown);
    let pacing = check(&[Wrote(1, 900), Answer(5), Answer(6)], 6, &[FIRST, Some(1)], Ready::Now, Fast);
    assert!(!pacing.link().plain && pacing.budget_bytes() == usize::MAX);
    // An answer that nobody asked for is nothing.
    check(&[Wrote(1, 900), Answer(5), Answer(6), Answer(7)], 8, &[FIRST, Some(1), None], Ready::Now, Fast);
}

#[test]
fn small_frames_are_asked_about_together() {
    let begun = [Wrote(1, 900), Answer(5), Answer(6)];
    let with = |rest: &[Happens]| [&begun[..], rest].concat();
    let taken = [FIRST, Some(1)];
    check(&with(&[Wrote(1_000, 40), Wrote(2_000, 40)]), 2_001, &taken, Ready::Now, LinkState::Fast);
    let filled: Vec<Happens> = (1..8).map(|second| Wrote(second * 1_000, 40)).collect();
    check(&with(&filled), 7_001, &taken, Ready::Answered, LinkState::Fast);
    // One that a person waits for is asked about at once, and so is one after a long silence.
    check(&with(&[Key(1_000, 4)]), 1_001, &taken, Ready::Answered, LinkState::Fast);
    check(&with(&[Wrote(20_000, 10)]), 20_001, &taken, Ready::Answered, LinkState::Fast);
    check(&with(&[Wrote(20_000, 0)]), 20_001, &taken, Ready::Now, LinkState::Fast);
}

#[test]
fn a_line_is_measured_by_large_frames_beyond_its_round_trip() {
    let slow = |bytes_per_second| LinkState::Slow { bytes_per_second: Some(bytes_per_second) };
    // 2 kB/s, 20 ms away.
    let pacing = check(&[Wrote(1, 1_600), Answer(20), Answer(820)], 820, &[FIRST, Some(1)], Ready::Now, slow(2_000));
    assert!(pacing.link().plain);
    assert_eq!(pacing.budget_bytes(), 500);
    // 300 ms away and fast: the same wait in all, and nothing to be spared.
    let far = check(&[Wrote(1, 1_600), Answer(300), Answer(302)], 302, &[FIRST, Some(1)], Ready::Now, LinkState::Fast);
    assert!(!far.link().plain);
    // A line that becomes slow is found out by the next large frame, and one that recovers by a few.
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 900), Answer(5), Answer(6), Key(1_000, 2_000), Answer(3_000)]);
    assert_eq!(pacing.link().state, slow(1_000));
    for second in 4..8 {
        play(&mut pacing, &[Key(second * 1_000, 400), Answer(second * 1_000 + 5)]);
    }
    assert_eq!(pacing.link(), Link { state: LinkState::Fast, plain: false });
    // Hours away, whatever it carries.
    check(
        &[Wrote(1, 900), Answer(1_400), Answer(1_401)],
        1_500,
        &[FIRST, Some(1)],
        Ready::Now,
        LinkState::Slow { bytes_per_second: None },
    );
}

#[test]
fn a_slow_line_is_asked_about_every_frame() {
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 1_600), Answer(20), Answer(820), Wrote(2_000, 6)]);
    assert_eq!(pacing.ready(Boot(2_001)), Ready::Answered);
}

#[test]
fn a_terminal_that_never_answers_is_paced_by_time() {
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 900), Time(1_400)]);
    assert_eq!(pacing.ready(Boot(1_400)), Ready::Answered);
    play(&mut pacing, &[Time(1_501)]);
    assert_eq!(pacing.ready(Boot(1_501)), Ready::Now);
    assert_eq!(pacing.link(), Link { state: LinkState::Unknown, plain: false });
    // It is asked a few times more, and no more after that.
    let mut at = 1_501;
    let mut questions = 2;
    while pacing.asks(Boot(at), 900, true) {
        assert!(questions < 12, "it is asked for ever");
        play(&mut pacing, &[Key(at, 900)]);
        at += 60_000;
        play(&mut pacing, &[Time(at)]);
        questions += 1;
    }
    assert_eq!(questions, 8);
    // What it is given is bounded by time.
    let mut frames = 0;
    while pacing.ready(Boot(at)) == Ready::Now {
        play(&mut pacing, &[Key(at, 1_000)]);
        frames += 1;
        assert!(frames < 100, "nothing bounds what is written");
    }
    assert_eq!(frames, 9);
    let Ready::At(free) = pacing.ready(Boot(at)) else { panic!("it is a matter of time") };
    assert_eq!(free, Boot(at + 250));
    assert_eq!(pacing.ready(free), Ready::Now);
    // And if it answers after all, it is believed.
    assert_eq!(pacing.answered(free), None);
    for _ in 0..7 {
        assert_eq!(pacing.answered(free), None);
    }
    play(&mut pacing, &[Key(at + 300, 900)]);
    assert_eq!(pacing.ready(Boot(at + 300)), Ready::Answered);
}

#[test]
fn a_lost_answer_is_said_and_made_up_for() {
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 900), Answer(5), Answer(6), Key(1_000, 50), Time(2_900)]);
    assert_eq!(pacing.ready(Boot(2_900)), Ready::Answered);
    assert_eq!(pacing.deadline(), Some(Boot(3_000)));
    play(&mut pacing, &[Time(3_000)]);
    assert_eq!(pacing.link().state, LinkState::Held { since: Boot(1_000) });
    assert_eq!(pacing.ready(Boot(3_000)), Ready::Now);
    // The next frame's answer could be the one that is missing: it vouches for neither.
    assert_eq!(play(&mut pacing, &[Key(3_001, 50), Answer(3_010)]), [None]);
    assert_eq!(pacing.ready(Boot(3_010)), Ready::Answered);
    // Only when no second one follows was the first one lost.
    play(&mut pacing, &[Time(5_010)]);
    assert_eq!((pacing.ready(Boot(5_010)), pacing.link().state), (Ready::Now, LinkState::Fast));
    assert_eq!(play(&mut pacing, &[Key(5_011, 50), Answer(5_020)]), [Some(1)]);
}

#[test]
fn a_late_answer_speaks_for_its_own_frame() {
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 900), Answer(5), Answer(6)]);
    let frame = |at| [Key(at, 50), Time(at + 1_999)];
    play(&mut pacing, &frame(1_000));
    play(&mut pacing, &[Time(3_000)]);
    // Each wait for a line that stands still is twice as long.
    play(&mut pacing, &[Key(3_001, 50)]);
    assert_eq!(pacing.deadline(), Some(Boot(7_001)));
    play(&mut pacing, &[Time(7_001), Key(7_002, 50)]);
    assert_eq!(pacing.deadline(), Some(Boot(15_002)));
    // All three come at once, and only the last speaks for what is on the screen.
    assert_eq!(play(&mut pacing, &[Answer(9_000), Answer(9_000), Answer(9_000)]), [None, None, Some(1)]);
    assert_eq!((pacing.ready(Boot(9_000)), pacing.link().state), (Ready::Now, LinkState::Fast));
}

#[test]
fn a_large_frame_is_given_the_time_it_takes() {
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 1_600), Answer(20), Answer(820), Key(1_000, 4_000)]);
    // Two seconds at 2 kB/s, four times that before it is given up.
    assert!(pacing.deadline() >= Some(Boot(9_000)), "{:?}", pacing.deadline());
}

#[test]
fn after_a_suspension_nothing_is_expected() {
    let mut pacing = started();
    play(&mut pacing, &[Wrote(1, 900)]);
    pacing.resumed();
    assert_eq!((pacing.ready(Boot(2)), pacing.deadline()), (Ready::Now, None));
}

#[test]
fn however_it_goes_little_is_under_way_and_nothing_waits_for_ever() {
    // Every mixture of on time, late and lost over 400 frames, by a fixed sequence.
    let mut pacing = started();
    let (mut at, mut random, mut under_way) = (0_u64, 7_u64, 0_usize);
    let mut written = 0;
    for _ in 0..4_000 {
        at += 50;
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = (random >> 33) % 10;
        pacing.note_time(Boot(at));
        if pacing.ready(Boot(at)) == Ready::Now {
            let asked = pacing.asks(Boot(at), 300, true);
            pacing.wrote(Boot(at), 300, asked.then_some(at));
            written += 1;
            under_way += 1;
        } else if chance < 6 {
            pacing.answered(Boot(at));
            under_way = 0;
        } else {
            assert!(pacing.deadline().is_some(), "it waits for an answer for ever");
        }
        assert!(under_way < 8, "{under_way} frames are under way");
        assert!(pacing.asked.len() <= 2);
    }
    assert!(written > 400, "{written}");
}
