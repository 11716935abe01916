//! The confirmation that no accident can give.
//!
//! It takes keys only after the terminal acknowledged the frame it stands in (or 1.5 s), and can not be answered before
//! its last line was on screen. Enter, Esc and any paste mean no. A *routine* sequence takes one named key; a *serious*
//! one the target's name and a fresh two-character code, typed. A *destructive* one takes the same, and then counts
//! down in plain sight: any key but those that scroll calls it off.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answer, Line, frame, line, place, wrapped, write_lines};
use crate::base::text::escaped;
use crate::base::time::spoken;
use crate::base::{At, Boot, Digest, Key, KeyCode, RunId, StepId, Wall};
use crate::runbook::SealedSequence;
use crate::runbook::record::{Evidence, Judged};
use crate::runbook::seal::{Approval, Host};
use crate::runbook::tree::Class;
use crate::ui::{Role, Theme};

/// How long a terminal that acknowledges nothing is waited for.
const UNACKNOWLEDGED: Duration = Duration::from_millis(1500);
/// The key that confirms a routine sequence.
pub const ROUTINE_KEY: char = 'R';
/// How long what is destructive can still be called off after it was confirmed.
pub const COUNTDOWN: Duration = Duration::from_secs(10);
/// A countdown that ends this much too late was not seen by anybody: the console stood still.
const COUNTDOWN_LATE: Duration = Duration::from_secs(2);
/// From one figure of the countdown to the next.
const SECOND: Duration = Duration::from_secs(1);
const WIDTH: u16 = 96;
/// Lines below the scrolled part: a rule, the prompt, the hint.
const FOOT: u16 = 3;

/// What is to be confirmed, as the shell proved it and the core sealed it.
#[derive(Clone, Debug)]
pub struct Offer {
    pub run: RunId,
    pub step: StepId,
    pub sequence: SealedSequence,
    pub hash: Digest,
    pub code: String,
    pub host_proof: Result<String, String>,
    pub privilege_proof: String,
    /// What verifications and acts were filled with.
    pub captured: BTreeMap<String, f64>,
    pub expect: String,
    pub evidence: Vec<Evidence>,
    pub only_if: Vec<Judged>,
    /// The alert that the run was opened from, where it was still active when this was offered.
    pub alert: Option<String>,
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct Confirm {
    pub offer: Offer,
    opened: Boot,
    /// When the evidence was measured.
    measured: Wall,
    painted: bool,
    offset: usize,
    /// Whether the last line has been on a screen that was painted.
    read: bool,
    typed: String,
    said: Option<&'static str>,
    /// When the countdown ends, once it runs.
    counting: Option<Boot>,
}

/// Where a countdown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// There is none, or it is not over.
    NotYet,
    /// It is over, and nobody called it off.
    Over,
    /// It was over long ago: nobody can have seen it.
    Unseen,
}

impl Confirm {
    #[must_use]
    pub fn new(offer: Offer, at: At) -> Confirm {
        Confirm {
            offer,
            opened: at.boot,
            measured: at.wall,
            painted: false,
            offset: 0,
            read: false,
            typed: String::new(),
            said: None,
            counting: None,
        }
    }

    /// The terminal acknowledged a frame that shows this dialog.
    pub fn painted(&mut self, area: Rect) {
        self.painted = true;
        self.note_read(area);
    }

    /// When the dialog starts to take keys although nothing was acknowledged.
    #[must_use]
    pub fn believed_painted(&self) -> Option<Boot> {
        (!self.painted).then(|| self.opened.plus(UNACKNOWLEDGED))
    }

    /// When the dialog changes by itself: it starts to take keys, or its countdown shows the next figure or ends.
    #[must_use]
    pub fn wake(&self, now: Boot) -> Option<Boot> {
        let figure = self.counting.map(|end| {
            let left_millis = u64::try_from(end.since(now).as_millis()).unwrap_or(u64::MAX);
            Boot(end.0 - left_millis.saturating_sub(1) / 1000 * 1000)
        });
        self.believed_painted().or(figure)
    }

    /// Where the countdown is.
    #[must_use]
    pub fn counted(&self, now: Boot) -> Counted {
        match self.counting {
            None => Counted::NotYet,
            Some(end) if now < end => Counted::NotYet,
            Some(end) if now.since(end) > COUNTDOWN_LATE => Counted::Unseen,
            Some(_) => Counted::Over,
        }
    }

    #[must_use]
    pub fn is_counting(&self) -> bool {
        self.counting.is_some()
    }

    /// What must be typed.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self.offer.sequence.class {
            Class::Routine => ROUTINE_KEY.to_string(),
            Class::Serious | Class::Destructive => format!("{} {}", self.offer.sequence.phrase(), self.offer.code),
        }
    }

    pub(super) fn key(&mut self, key: Key, at: At, area: Rect) -> Answer {
        if !self.painted {
            if at.boot.since(self.opened) < UNACKNOWLEDGED {
                // Typed before this dialog could be seen: meant for something else.
                return Answer::Open;
            }
            self.painted(area);
        }
        self.said = None;
        let screen = usize::from(self.body(area).height).max(1);
        match key.code {
            KeyCode::Enter | KeyCode::Esc => return Answer::No,
            KeyCode::Up => self.scroll_to(self.offset.saturating_sub(1), area),
            KeyCode::Down => self.scroll_to(self.offset + 1, area),
            KeyCode::PageUp => self.scroll_to(self.offset.saturating_sub(screen), area),
            KeyCode::PageDown => self.scroll_to(self.offset + screen, area),
            KeyCode::Home => self.scroll_to(0, area),
            KeyCode::End => self.scroll_to(usize::MAX, area),
            // While it counts down, whoever presses anything else is not sure.
            _any_other if self.is_counting() => return Answer::No,
            KeyCode::Backspace => {
                self.typed.pop();
            }
            KeyCode::Char(c) if !key.ctrl && !key.alt => return self.type_char(c, at),
            KeyCode::Char(_)
            | KeyCode::Tab
            | KeyCode::BackTab
            | KeyCode::Delete
            | KeyCode::Left
            | KeyCode::Right
            | KeyCode::Function(_) => {}
        }
        Answer::Open
    }

    fn type_char(&mut self, c: char, at: At) -> Answer {
        let phrase = self.phrase();
        if self.typed.chars().count() >= phrase.chars().count() {
            self.said = Some("that is not what is asked for; backspace corrects, esc means no");
            return Answer::Open;
        }
        self.typed.push(c);
        if self.typed != phrase {
            return Answer::Open;
        }
        if !self.read {
            self.typed.pop();
            self.said = Some("read to the last line first (page down), then type the last character again");
            return Answer::Open;
        }
        match self.offer.sequence.class {
            Class::Routine | Class::Serious => Answer::Yes,
            Class::Destructive => {
                self.counting = Some(at.boot.plus(COUNTDOWN));
                Answer::Open
            }
        }
    }

    fn scroll_to(&mut self, offset: usize, area: Rect) {
        let lines = self.lines(self.body(area).width).len();
        let screen = usize::from(self.body(area).height);
        self.offset = offset.min(lines.saturating_sub(screen));
        self.note_read(area);
    }

    fn note_read(&mut self, area: Rect) {
        let body = self.body(area);
        let lines = self.lines(body.width).len();
        if body.height > 0 && self.offset + usize::from(body.height) >= lines {
            self.read = true;
        }
    }

    fn outer(&self, area: Rect) -> Rect {
        let width = WIDTH.min(area.width);
        let lines = u16::try_from(self.lines(width.saturating_sub(4)).len()).unwrap_or(u16::MAX);
        place(area, width, lines.saturating_add(2 + FOOT))
    }

    /// Where the scrolled lines stand; empty on a screen too small to confirm on.
    fn body(&self, area: Rect) -> Rect {
        let outer = self.outer(area);
        if outer.width < 30 || outer.height < 3 + FOOT {
            return Rect { width: 0, height: 0, ..outer };
        }
        Rect { x: outer.x + 2, y: outer.y + 1, width: outer.width - 4, height: outer.height - 2 - FOOT }
    }

    /// Everything to be read before confirming.
    fn lines(&self, columns: u16) -> Vec<Line> {
        let columns = usize::from(columns).max(10);
        let (sequence, place) = (&self.offer.sequence, &self.offer.sequence.place);
        let mut lines = Vec::new();
        let mut say = |label: &str, role: Role, text: &str| {
            for (index, part) in wrapped(text, columns.saturating_sub(14)).into_iter().enumerate() {
                let head = if index == 0 { format!("{label:<13} ") } else { " ".repeat(14) };
                lines.push(vec![(Role::Dim, head), (role, part)]);
            }
        };
        say("target", Role::Title, &format!("{}/{}  ({})", place.environment.word(), place.target, place.system));
        let host = match &place.host {
            Host::Local => "this machine".to_owned(),
            Host::Ssh(alias) => format!("ssh {}", escaped(alias)),
        };
        match &self.offer.host_proof {
            Ok(proof) => say("host", Role::Text, &format!("{host}: {}", escaped(proof))),
            Err(why) => {
                say("host", Role::Warning, &format!("{host}, NOT PROVEN to be the node shown: {}", escaped(why)))
            }
        }
        say("as", Role::Text, &escaped(&self.offer.privilege_proof));
        if let Some(Approval::BreakGlass { incident, reason }) = &sequence.approval {
            say("BREAK-GLASS", Role::Critical, &format!("incident {}: {}", escaped(incident), escaped(reason)));
        }
        for act in &sequence.acts {
            match act.exec.sentence() {
                Some(sentence) => {
                    say("runs", Role::Title, &sentence);
                    say("", Role::Text, &act.exec.to_string());
                }
                None => say("runs", Role::Title, &act.exec.to_string()),
            }
        }
        say("expected", Role::Text, &escaped(&self.offer.expect));
        for judged in &self.offer.only_if {
            say("because", Role::Text, &format!("{}  [{}]", judged.means, judged.expr));
        }
        let measured = format!("at {}", self.measured.clock());
        for evidence in &self.offer.evidence {
            let value = evidence.reading.value.map_or_else(|| "—".to_owned(), |value| evidence.unit.write(value));
            let (role, said) = match evidence.reading.truth.words(self.opened) {
                fresh if fresh.is_empty() => (Role::Text, format!("{}: {value}", evidence.label)),
                truth => (Role::Warning, format!("{}: {value}, {truth}", evidence.label)),
            };
            say(&measured, role, &said);
        }
        say("then waits", Role::Text, &spoken(sequence.settle));
        for condition in &sequence.verify {
            say("verifies", Role::Text, &format!("{}  [{}]", condition.means, condition.expr));
        }
        say("within", Role::Text, &spoken(sequence.verify_within));
        for act in &sequence.way_back {
            if let Some(sentence) = act.exec.sentence() {
                say("way back", Role::Text, &sentence);
                say("", Role::Dim, &act.exec.to_string());
            } else {
                say("way back", Role::Text, &act.exec.to_string());
            }
        }
        if let Some(why) = &sequence.no_way_back {
            say("way back", Role::Warning, &format!("none: {why}"));
        }
        say(
            "if not cured",
            Role::Text,
            &format!("{}: {}", sequence.escalation.contacts.join(", "), sequence.escalation.say),
        );
        say("hash", Role::Dim, self.offer.hash.as_str());
        lines
    }

    pub(super) fn render(&self, theme: &Theme, at: At, area: Rect, buffer: &mut Buffer) {
        let title = format!("confirm ({}): {}", self.offer.sequence.class.word(), self.offer.sequence.title);
        let outer = self.outer(area);
        let inside = frame(theme, Role::Armed, &title, outer, buffer);
        let body = self.body(area);
        if body.height == 0 {
            let text = [line(Role::Warning, "window too small to confirm: enlarge it, or esc")];
            write_lines(theme, &text, 0, inside, buffer);
            return;
        }
        let lines = self.lines(body.width);
        write_lines(theme, &lines, self.offset, body, buffer);
        let foot = Rect { y: body.bottom(), height: FOOT, ..body };
        write_lines(theme, &self.foot(at, lines.len(), body), 0, foot, buffer);
    }

    fn foot(&self, at: At, lines: usize, body: Rect) -> Vec<Line> {
        if let Some(end) = self.counting {
            return countdown(end, at.boot);
        }
        let waiting = !self.painted && at.boot.since(self.opened) < UNACKNOWLEDGED;
        let below = lines.saturating_sub(self.offset + usize::from(body.height));
        let more = match below {
            0 => String::new(),
            n => format!("{n} more lines: page down"),
        };
        let ask = match self.offer.sequence.class {
            Class::Routine => format!("press {ROUTINE_KEY} to confirm: "),
            Class::Serious | Class::Destructive => format!("type  {}  to confirm: ", self.phrase()),
        };
        let hint = match (waiting, self.said) {
            (true, _) => line(Role::Dim, "waiting for the terminal to show this"),
            (false, Some(said)) => line(Role::Warning, said),
            (false, None) => line(Role::Dim, "enter and esc mean no   up, down, page down: read"),
        };
        vec![line(Role::Warning, more), vec![(Role::Text, ask), (Role::Selected, format!("{} ", self.typed))], hint]
    }
}

/// What stands below the text while it counts down: the seconds, as a figure and as a bar.
fn countdown(end: Boot, now: Boot) -> Vec<Line> {
    let left = end.since(now).as_millis().div_ceil(SECOND.as_millis());
    let left = usize::try_from(left).unwrap_or(usize::MAX).min(10);
    let bar = format!("{}{}", "#".repeat(left), ".".repeat(10 - left));
    vec![
        line(Role::Critical, format!("BREAK-GLASS: it is carried out in {left} s")),
        line(Role::Critical, format!("[{bar}]")),
        line(Role::Warning, "any key calls it off   up, down, page down: read"),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::{Severity, Wall};
    use crate::model::Exec;
    use crate::runbook::seal::{Environment, Place, Privilege, SealedAct};
    use crate::runbook::tree::{ConditionPlan, EscalationPlan};

    pub(crate) fn offer(environment: Environment) -> Offer {
        let sequence = SealedSequence {
            id: "restart".into(),
            title: "restart the backend".to_owned(),
            class: Class::Serious,
            place: Place {
                target: "chain-1".into(),
                system: "chain".into(),
                environment,
                host: Host::Local,
                privilege: Privilege::None,
                demo_folder: None,
                lock_key: "local/unit/backend".to_owned(),
                listens_on: "127.0.0.1:3001".to_owned(),
                unit: "backend".to_owned(),
                base_url: "http://127.0.0.1:1".to_owned(),
                secrets: std::collections::BTreeMap::new(),
            },
            acts: vec![SealedAct {
                id: "restart".into(),
                title: "restart".to_owned(),
                exec: Exec::Command {
                    argv: vec!["/usr/bin/systemctl".to_owned(), "restart".to_owned(), "backend".to_owned()],
                    timeout: Duration::from_secs(90),
                },
            }],
            settle: Duration::from_secs(10),
            verify: vec![ConditionPlan { means: "blocks are sealed".to_owned(), expr: "height > bool 93".to_owned() }],
            verify_within: Duration::from_secs(120),
            reads: Vec::new(),
            way_back: Vec::new(),
            no_way_back: Some("a restart can not be undone".to_owned()),
            approval: None,
            escalation: EscalationPlan {
                severity: Severity::Critical,
                contacts: vec!["on-call".to_owned()],
                respond_within_minutes: 15,
                say: "restart did not help".to_owned(),
            },
        };
        let hash = sequence.digest().expect("plain data");
        Offer {
            run: "run".into(),
            step: "restart".into(),
            sequence,
            hash,
            code: "k7".to_owned(),
            host_proof: Ok("pid 1 listens".to_owned()),
            privilege_proof: "root, directly".to_owned(),
            captured: BTreeMap::new(),
            expect: "the height rises".to_owned(),
            evidence: Vec::new(),
            only_if: Vec::new(),
            alert: None,
        }
    }

    const SCREEN: Rect = Rect { x: 0, y: 0, width: 80, height: 50 };

    fn at(millis: u64) -> At {
        At { boot: Boot(millis), wall: Wall(0) }
    }

    fn type_all(dialog: &mut Confirm, text: &str, at: At, area: Rect) -> Answer {
        text.chars().map(|c| dialog.key(Key::char(c), at, area)).last().unwrap_or(Answer::Open)
    }

    #[test]
    fn the_exact_phrase_confirms_and_nothing_else() {
        let check = |environment, text: &str, want| {
            let mut dialog = Confirm::new(offer(environment), at(0));
            dialog.painted(SCREEN);
            assert_eq!(type_all(&mut dialog, text, at(10), SCREEN), want, "{text:?}");
        };
        check(Environment::Demo, "chain-1 k7", Answer::Yes);
        check(Environment::Demo, "chain-1 k8", Answer::Open);
        check(Environment::Demo, "chain-1k7", Answer::Open);
        check(Environment::Demo, "Chain-1 k7", Answer::Open);
        check(Environment::Production, "chain-1 k7", Answer::Open);
        check(Environment::Production, "prod/chain-1 k7", Answer::Yes);
    }

    #[test]
    fn keys_typed_before_the_dialog_was_painted_are_dropped() {
        let mut dialog = Confirm::new(offer(Environment::Demo), at(0));
        assert_eq!(type_all(&mut dialog, "chain-1 k7", at(1499), SCREEN), Answer::Open);
        assert_eq!(dialog.key(Key::plain(KeyCode::Enter), at(1499), SCREEN), Answer::Open);
        assert_eq!(dialog.typed, "");
        assert_eq!(dialog.wake(Boot(1499)), Some(Boot(1500)));
        assert_eq!(type_all(&mut dialog, "chain-1 k7", at(1500), SCREEN), Answer::Yes);
    }

    #[test]
    fn enter_and_esc_mean_no() {
        for code in [KeyCode::Enter, KeyCode::Esc] {
            let mut dialog = Confirm::new(offer(Environment::Demo), at(0));
            dialog.painted(SCREEN);
            assert_eq!(dialog.key(Key::plain(code), at(1), SCREEN), Answer::No);
        }
    }

    #[test]
    fn the_last_line_must_have_been_on_screen() {
        let small = Rect { height: 14, ..SCREEN };
        let mut dialog = Confirm::new(offer(Environment::Demo), at(0));
        dialog.painted(small);
        assert_eq!(type_all(&mut dialog, "chain-1 k7", at(1), small), Answer::Open);
        dialog.key(Key::plain(KeyCode::End), at(2), small);
        assert_eq!(dialog.key(Key::char('7'), at(3), small), Answer::Yes);
    }

    #[test]
    fn a_window_too_small_to_read_in_can_not_confirm() {
        let tiny = Rect { width: 20, height: 5, ..SCREEN };
        let mut dialog = Confirm::new(offer(Environment::Demo), at(0));
        dialog.painted(tiny);
        dialog.key(Key::plain(KeyCode::End), at(1), tiny);
        assert_eq!(type_all(&mut dialog, "chain-1 k7", at(1), tiny), Answer::Open);
    }

    /// A dialog of this class, painted and read.
    fn opened(class: Class) -> Confirm {
        let mut offer = offer(Environment::Production);
        offer.sequence.class = class;
        if class == Class::Destructive {
            let (incident, reason) = ("INC-7".to_owned(), "the disk is full".to_owned());
            offer.sequence.approval = Some(Approval::BreakGlass { incident, reason });
        }
        let mut dialog = Confirm::new(offer, at(0));
        dialog.painted(SCREEN);
        dialog
    }

    #[test]
    fn what_is_routine_takes_one_named_key_and_no_other() {
        let mut dialog = opened(Class::Routine);
        for other in "rQyYx ".chars() {
            assert_eq!(dialog.key(Key::char(other), at(1), SCREEN), Answer::Open, "{other}");
            dialog.key(Key::plain(KeyCode::Backspace), at(1), SCREEN);
        }
        let held = Key { code: KeyCode::Char(ROUTINE_KEY), ctrl: false, alt: true };
        assert_eq!(dialog.key(held, at(1), SCREEN), Answer::Open);
        assert_eq!(dialog.key(Key::char(ROUTINE_KEY), at(1), SCREEN), Answer::Yes);
        assert_eq!(opened(Class::Routine).key(Key::plain(KeyCode::Enter), at(1), SCREEN), Answer::No);
    }

    #[test]
    fn what_is_destructive_counts_down_in_sight_before_it_is_answered() {
        let mut dialog = opened(Class::Destructive);
        // Neither the name of a person nor that of a target elsewhere is the target's.
        for other in ["alice k7", "chain-1 k7", "prod/chain-2 k7"] {
            assert_eq!(type_all(&mut dialog, other, at(1), SCREEN), Answer::Open);
            assert!(!dialog.is_counting(), "{other}");
            for _ in 0..20 {
                dialog.key(Key::plain(KeyCode::Backspace), at(1), SCREEN);
            }
        }
        assert_eq!(type_all(&mut dialog, "prod/chain-1 k7", at(1_000), SCREEN), Answer::Open);
        let check = |millis, left: &str, wake, counted| {
            let foot = dialog.foot(at(millis), 0, SCREEN);
            assert!(foot.iter().flatten().any(|(_, text)| text.contains(left)), "{millis}: {foot:?}");
            assert_eq!((dialog.wake(Boot(millis)), dialog.counted(Boot(millis))), (Some(Boot(wake)), counted));
        };
        check(1_000, " 10 s", 2_000, Counted::NotYet);
        check(1_500, " 10 s", 2_000, Counted::NotYet);
        check(2_000, " 9 s", 3_000, Counted::NotYet);
        check(10_999, " 1 s", 11_000, Counted::NotYet);
        check(11_000, " 0 s", 11_000, Counted::Over);
        check(13_001, " 0 s", 11_000, Counted::Unseen);
    }

    #[test]
    fn any_key_but_those_that_scroll_calls_the_countdown_off() {
        let check = |key: Key, want| {
            let mut dialog = opened(Class::Destructive);
            type_all(&mut dialog, "prod/chain-1 k7", at(1_000), SCREEN);
            assert_eq!(dialog.key(key, at(2_000), SCREEN), want, "{key}");
        };
        use KeyCode::{BackTab, Backspace, Delete, Down, End, Enter, Esc, Function, Home, Left, PageDown, PageUp};
        for code in [KeyCode::Up, Down, PageUp, PageDown, Home, End] {
            check(Key::plain(code), Answer::Open);
        }
        for code in [Enter, Esc, Backspace, Delete, Left, KeyCode::Right, KeyCode::Tab, BackTab, Function(5)] {
            check(Key::plain(code), Answer::No);
        }
        for c in ['7', 'q', ' ', 'é'] {
            check(Key::char(c), Answer::No);
            check(Key { code: KeyCode::Char(c), ctrl: true, alt: false }, Answer::No);
        }
    }
}
