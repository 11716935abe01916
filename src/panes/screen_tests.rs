//! The whole screen on every page, in every condition, at every size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::testing::{self, Condition};
use super::{Intent, Model, Page, Panes, draw};
use crate::base::{TargetId, text};
use crate::ui::action::ACTIONS;
use crate::ui::widget::testing::{screen_of, text_of};
use crate::ui::{Action, Role, Theme};

fn drawn(model: &Model, panes: &Panes, page: Page, width: u16, height: u16) -> Buffer {
    let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
    let area = buf.area;
    draw(model, panes, page, area, &mut buf);
    buf
}

/// The model and the panes as they are while this page is shown.
fn shown(condition: Condition, page: Page, width: u16, height: u16) -> (Model, Panes) {
    let (mut model, mut panes) = (testing::model(condition), Panes::default());
    panes.resized(Rect { x: 0, y: 0, width, height }, &model);
    match page {
        Page::Logs if condition != Condition::Empty => testing::logged(&mut model, 60),
        Page::Metrics => testing::explored(&mut model, &panes),
        Page::Alerts => model.why = panes.alerts.asked(&model, model.now).map(|asked| asked.run()),
        Page::Overview
        | Page::Target
        | Page::Wizard
        | Page::Journal
        | Page::Sources
        | Page::Logs
        | Page::Slo
        | Page::Fleet => {}
    }
    (model, panes)
}

#[test]
fn every_page_looks_as_it_was_last_seen() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for condition in Condition::ALL {
            for page in Page::ALL {
                let (model, panes) = shown(condition, page, width, height);
                let buf = drawn(&model, &panes, page, width, height);
                let name = format!("{}_{}_{width}x{height}", page.word(), condition.word());
                insta::assert_snapshot!(name, screen_of(&buf, &model.theme));
            }
        }
    }
}

/// Small numbers from a seed, without a crate.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

#[test]
fn no_size_and_no_keys_bring_it_down() {
    for condition in Condition::ALL {
        let mut model = testing::model(condition);
        let mut panes = Panes::default();
        if condition != Condition::Empty {
            testing::logged(&mut model, 3);
        }
        let mut dice = Dice(condition as u64);
        for width in 0..=30 {
            for height in 0..=12 {
                Page::ALL.iter().for_each(|page| drop(drawn(&model, &panes, *page, width, height)));
            }
        }
        for _ in 0..600 {
            let area = Rect { x: 0, y: 0, width: dice.below(220) as u16, height: dice.below(70) as u16 };
            panes.resized(area, &model);
            let page = Page::ALL[dice.below(Page::ALL.len())];
            let action = ACTIONS[dice.below(ACTIONS.len())].action;
            if let Some(Intent::SelectTarget(_)) = panes.on(page, action, &model) {
                model.selected = (model.selected + 1) % model.targets.len();
            }
            testing::explored(&mut model, &panes);
            model.why = panes.alerts.asked(&model, model.now).map(|asked| asked.run());
            drop(drawn(&model, &panes, page, area.width, area.height));
        }
    }
}

/// An area that does not begin at the corner, in a buffer that ends before it does.
#[test]
fn nothing_is_drawn_outside_the_area() {
    let model = testing::model(Condition::Ill);
    let mut buf = Buffer::empty(Rect { x: 0, y: 0, width: 100, height: 30 });
    let area = Rect { x: 7, y: 3, width: 80, height: 24 };
    for page in Page::ALL {
        draw(&model, &Panes::default(), page, area, &mut buf);
        draw(&model, &Panes::default(), page, Rect { x: 95, y: 28, width: 80, height: 24 }, &mut buf.clone());
    }
    for y in 0..30 {
        for x in 0..100 {
            let outside = !area.contains((x, y).into());
            assert!(!outside || buf[(x, y)].symbol() == " ", "{x},{y} is outside and says {}", buf[(x, y)].symbol());
        }
    }
}

/// A target whose name, series, failures, banners and journal are as hostile as text can be.
#[test]
fn hostile_text_never_reaches_a_cell() {
    const HOSTILE: &str = "a\x1b]0;owned\x07\u{9b}2J\u{202e}b\r\n\u{200b}日本\u{0301}語";
    let mut model = testing::model(Condition::Ill);
    model.targets[0].id = TargetId::new(HOSTILE);
    model.banners[0].text = HOSTILE.to_owned();
    model.status = Some((HOSTILE.to_owned(), testing::NOW.plus(std::time::Duration::from_secs(9))));
    model.dimensions.iter_mut().for_each(|dimension| dimension.fed_by = HOSTILE.to_owned());
    if let Some(arming) = &mut model.arming {
        arming.declared = HOSTILE.to_owned();
    }
    let mut spec = (*model.targets[0].system).clone();
    spec.spec.title = HOSTILE.to_owned();
    spec.spec.panels.iter_mut().flat_map(|panel| &mut panel.rows).for_each(|row| row.label = HOSTILE.to_owned());
    model.targets[0].system = std::sync::Arc::new(spec);
    let mut entry = model.journal.last().expect("the fixture has entries").clone();
    entry.actor.declared = Some(HOSTILE.to_owned());
    entry.record = crate::runbook::Record::Refused { what: HOSTILE.to_owned(), why: HOSTILE.to_owned() };
    model.journal.push(entry);
    for ascii in [false, true] {
        model.theme = std::sync::Arc::new(Theme::standard().with_ascii(ascii));
        for page in Page::ALL {
            for (width, height) in [(80, 24), (137, 41)] {
                let buf = drawn(&model, &Panes::default(), page, width, height);
                for cell in buf.content() {
                    assert!(!cell.symbol().chars().any(text::is_hostile), "{:?}", cell.symbol());
                    assert!(!ascii || cell.symbol().is_ascii(), "{page:?}: {:?}", cell.symbol());
                }
            }
        }
    }
}

/// What is not fresh has neither the colour of health nor that of an alarm, wherever it stands.
#[test]
fn nothing_stale_looks_alive() {
    let model = testing::model(Condition::Stale);
    let fresh_green = model.theme.style(Role::Ok).fg;
    for page in [Page::Overview, Page::Target] {
        let buf = drawn(&model, &Panes::default(), page, 120, 40);
        let green: Vec<&str> =
            buf.content().iter().filter(|cell| Some(cell.fg) == fresh_green).map(|cell| cell.symbol()).collect();
        assert!(green.is_empty(), "{page:?}: {green:?}");
        assert!(text_of(&buf).contains("stale 5m 00s"));
    }
}

#[test]
fn the_clock_costs_few_cells_a_second() {
    let mut model = testing::model(Condition::Well);
    for page in [Page::Overview, Page::Target] {
        let before = drawn(&model, &Panes::default(), page, 80, 24);
        model.now = model.now.plus(std::time::Duration::from_secs(1));
        let after = drawn(&model, &Panes::default(), page, 80, 24);
        let changed = before.diff(&after).len();
        assert!((1..=6).contains(&changed), "{page:?}: {changed} cells");
    }
}

#[test]
fn danger_is_said_in_words_at_the_narrowest() {
    let model = testing::model(Condition::Ill);
    for (width, height) in [(40, 10), (40, 24), (80, 24)] {
        let text = text_of(&drawn(&model, &Panes::default(), Page::Overview, width, height));
        assert!(text.contains("PROD") && text.contains("ARMED") && text.contains("04:59"), "{text}");
    }
    let mut model = testing::model(Condition::Well);
    assert!(text_of(&drawn(&model, &Panes::default(), Page::Wizard, 40, 10)).contains("DEMO"));
    model.console.demo = false;
    assert!(text_of(&drawn(&model, &Panes::default(), Page::Wizard, 40, 10)).contains("DEMO"));
}

#[test]
fn pages_follow_each_other() {
    let model = testing::model(Condition::Well);
    let mut panes = Panes::default();
    let mut check = |page, action, want| assert_eq!(panes.on(page, action, &model), want, "{page:?} {action:?}");
    check(Page::Overview, Action::PreviousPage, Some(Intent::Show(Page::Fleet)));
    check(Page::Fleet, Action::NextPage, Some(Intent::Show(Page::Overview)));
    check(Page::Journal, Action::Back, None);
    let alone = Intent::Say("there is no other target to select".to_owned());
    check(Page::Overview, Action::NextTarget, Some(alone));
    check(Page::Overview, Action::Quit, None);
}

#[test]
fn an_alert_leads_to_its_runbook_and_a_branch_to_its_step() {
    let model = testing::model(Condition::Ill);
    let mut panes = Panes::default();
    let open = Intent::OpenRunbook { target: "main-a".into(), alert: "BlocksStale".to_owned() };
    assert_eq!(panes.on(Page::Overview, Action::Open, &model), Some(open.clone()));
    assert_eq!(panes.on(Page::Alerts, Action::Open, &model), Some(open));

    let model = testing::model(Condition::Well);
    let take =
        |branch: &str| Some(Intent::TakeBranch { run: "run-1".into(), step: "cause".into(), branch: branch.into() });
    let mut panes = Panes::default();
    assert_eq!(panes.on(Page::Wizard, Action::Open, &model), take("stuck"));
    assert_eq!(panes.on(Page::Wizard, Action::Down, &model), None);
    assert_eq!(panes.on(Page::Wizard, Action::TakeOther, &model), take("idle"));

    let model = testing::model(Condition::Stale);
    let settle = Intent::SettleUnknown { run: "run-1".into(), step: "restart".into() };
    assert_eq!(panes.on(Page::Wizard, Action::SettleUnknown, &model), Some(settle));
    let copied = Intent::Copy("/usr/bin/systemctl restart node".to_owned());
    assert_eq!(panes.on(Page::Wizard, Action::Copy, &model), Some(copied));
}

/// A fleet of two: the second is in trouble.
fn one_well_one_ill() -> Model {
    let mut model = testing::model(Condition::Well);
    let mut second = testing::model(Condition::Ill).targets.remove(0);
    second.id = "main-b".into();
    model.targets.push(second);
    model
}

#[test]
fn several_targets_are_told_apart() {
    let model = one_well_one_ill();
    let text = text_of(&drawn(&model, &Panes::default(), Page::Overview, 120, 40));
    assert!(text.contains("▸ main-a ● ok") && text.contains("main-b ■ critical"), "{text}");
    let select = Some(Intent::SelectTarget("main-b".into()));
    assert_eq!(Panes::default().on(Page::Overview, Action::NextTarget, &model), select);
}

/// The header is about all targets, and says beside its name what is of the selected one alone.
#[test]
fn the_header_counts_the_fleet() {
    let mut model = one_well_one_ill();
    model.faults = Some(super::model::FaultsTold { on: vec!["chain/stuck".to_owned()] });
    let header = |width| {
        let text = text_of(&drawn(&model, &Panes::default(), Page::Alerts, width, 24));
        text.lines().next().unwrap_or_default().to_owned()
    };
    let wide = header(120);
    assert!(wide.contains("main-a ● 2 of 2 sources answer") && wide.contains("2 targets: ■ 1 critical"), "{wide}");
    assert!(wide.contains("demo: 1 fault on"), "{wide}");
    assert!(header(80).contains("2 targets: ■ 1 critical") && header(80).contains("1 fault on"), "{}", header(80));
}

/// What can not be opened is not offered.
#[test]
fn no_runbook_is_offered_for_an_alert_that_none_serves() {
    let (model, mut panes) = (testing::model(Condition::Ill), Panes::default());
    let foot = |panes: &Panes| {
        let text = text_of(&drawn(&model, panes, Page::Alerts, 80, 24));
        text.lines().last().unwrap_or_default().to_owned()
    };
    assert!(foot(&panes).contains("open its runbook"), "{}", foot(&panes));
    panes.on(Page::Alerts, Action::Down, &model);
    assert!(!foot(&panes).contains("open its runbook"), "{}", foot(&panes));
    // On the overview such an alert leads to its target.
    panes.on(Page::Overview, Action::Down, &model);
    let target = Some(Intent::SelectTarget("main-a".into()));
    assert_eq!(panes.on(Page::Overview, Action::Open, &model), target);
}

/// What nobody reads here is counted apart: the rest answers, and that is well.
#[test]
fn an_observed_target_whose_sources_all_answer_is_well() {
    let mut model = testing::model(Condition::Well);
    let unread = model.store.sources().nth(1).map(|source| source.id.clone()).expect("a second source");
    let failure = crate::model::FetchFailure::NotRead { why: "its target has no host".to_owned() };
    let missing = vec![std::sync::Arc::from("users_with_issues")];
    let batch = crate::model::Batch { not_exposed: missing, ..crate::model::Batch::failed(unread, model.now, failure) };
    model.store.link(&batch);
    let text = |page| text_of(&drawn(&model, &Panes::default(), page, 120, 40));
    assert!(text(Page::Overview).contains("● 1 of 1 sources answer · 1 not read"), "{}", text(Page::Overview));
    let sources = text(Page::Sources);
    assert!(sources.contains("1 of 1 answer · 1 not read") && sources.contains("not read "), "{sources}");
    let target = text(Page::Target);
    assert!(
        target.contains("1 of 1 sources answer · 1 not read") && target.contains("not read: its target"),
        "{target}"
    );
}

/// Ranges whose first column is long have nothing to draw for a while; that is no fault, and it ends.
#[test]
fn what_is_measured_now_says_when_its_first_column_closes() {
    let (mut model, mut panes) = (testing::model(Condition::Well), Panes::default());
    panes.resized(Rect { x: 0, y: 0, width: 80, height: 24 }, &model);
    (0..3).for_each(|_| assert_eq!(panes.on(Page::Metrics, Action::ChooseNext, &model), None));
    let mut said = |panes: &Panes| {
        testing::explored(&mut model, panes);
        text_of(&drawn(&model, panes, Page::Metrics, 80, 24))
    };
    let text = said(&panes);
    assert!(text.contains("the first column closes in 8 min, at 03:12:00 UTC"), "{text}");
    panes.metrics.ask(Some("mempool_size{node=\"other\"}".to_owned()));
    let text = said(&panes);
    assert!(text.contains("nothing was measured") && !text.contains("closes"), "{text}");
}

/// Whether the node answers is said before the name of this program, and in few columns before not at all.
#[test]
fn a_narrow_header_keeps_what_is_said_of_the_node() {
    let mut model = testing::model(Condition::Well);
    let first = |model: &Model, width| {
        let text = text_of(&drawn(model, &Panes::default(), Page::Alerts, width, 24));
        text.lines().next().unwrap_or_default().to_owned()
    };
    let check = |line: &str, has: &[&str], lacks: &[&str]| {
        assert!(has.iter().all(|words| line.contains(words)), "{line}");
        assert!(!lacks.iter().any(|words| line.contains(words)), "{line}");
    };
    check(&first(&model, 120), &["opsconsole", "2 of 2 sources answer", "terminal ok"], &[]);
    model.targets[0].id = "production-of-the-main-chain".into();
    check(&first(&model, 80), &["0 of 0 sources answer"], &["opsconsole", "terminal ok"]);
    check(&first(&model, 60), &["production-of-the-main-chain", "0/0"], &["sources", "terminal"]);
    model.link.state = crate::panes::model::LinkState::Slow { bytes_per_second: Some(700) };
    check(&first(&model, 80), &["terminal 700 B/s", "0/0"], &["opsconsole"]);
}

/// A banner that does not fit takes a second line where there is one, and else says what shows it whole.
#[test]
fn a_banner_that_is_cut_says_how_to_read_it() {
    let mut model = testing::model(Condition::Well);
    let words: Vec<String> = (0..24).map(|n| format!("word-{n}")).collect();
    model.banners.push(super::model::Banner { severity: crate::base::Severity::Info, text: words.join(" ") });
    let text = |model: &Model, height| text_of(&drawn(model, &Panes::default(), Page::Alerts, 120, height));
    let low = text(&model, 24);
    assert!(low.contains("? shows all") && !low.contains("word-23"), "{low}");
    let high = text(&model, 40);
    assert!(!high.contains("shows all") && high.contains("word-23"), "{high}");
    let more = model.banners[0].clone();
    model.banners.extend([more.clone(), more.clone(), more]);
    let many = text(&model, 24);
    assert!(many.contains("+1 more") && many.contains("? shows all"), "{many}");
}

/// The same entry stays selected while others come; without a selection it is the newest that is shown.
#[test]
fn the_journal_follows_the_newest_until_it_is_moved() {
    let mut model = testing::model(Condition::Well);
    let mut panes = Panes::default();
    let selected = |model: &Model, panes: &Panes| {
        let text = text_of(&drawn(model, panes, Page::Journal, 80, 24));
        // Below the header, whose tabs have a cursor too.
        text.lines().skip(2).find(|line| line.contains('▸')).map(str::to_owned)
    };
    let more = |model: &mut Model, version: &str| {
        let mut entry = model.journal.last().expect("the fixture has entries").clone();
        entry.record = crate::runbook::Record::ConsoleStarted { version: version.to_owned() };
        model.journal.push(entry);
    };
    more(&mut model, "1");
    assert!(selected(&model, &panes).is_some_and(|line| line.contains("version 1")));
    panes.on(Page::Journal, Action::Up, &model);
    let chosen = selected(&model, &panes);
    assert!(chosen.as_ref().is_some_and(|line| !line.contains("version 1")));
    // More than the ring holds of others, so that the chosen one's place in it changes.
    (0..50).for_each(|n| more(&mut model, &format!("n{n}")));
    assert_eq!(selected(&model, &panes), chosen);
    panes.on(Page::Journal, Action::Bottom, &model);
    more(&mut model, "2");
    assert!(selected(&model, &panes).is_some_and(|line| line.contains("version 2")));
}

/// Every branch can be brought on the screen with the keys, however low the window is.
#[test]
fn the_selected_branch_is_always_on_the_screen() {
    let model = testing::model(Condition::Well);
    for height in 16..30 {
        let area = Rect { x: 0, y: 0, width: 80, height };
        let mut panes = Panes::default();
        panes.resized(area, &model);
        for action in [Action::Down, Action::Up, Action::Down, Action::PageDown, Action::Up, Action::Down] {
            panes.on(Page::Wizard, action, &model);
            let text = text_of(&drawn(&model, &panes, Page::Wizard, 80, height));
            let seen = text.contains("· selected") || text.contains(", selected");
            assert!(action == Action::PageDown || seen, "{height} {action:?}\n{text}");
        }
    }
}
