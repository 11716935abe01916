//! Looking at a node with the keys: the explorer answers only while it is shown, reads roll-ups beyond raw samples, and
//! a source can be asked now.

use std::time::Duration;

use opsconsole::app::Effect;
use opsconsole::panes::Page;
use opsconsole::promql::Buckets;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::Rehearsal;

fn stage() -> Rehearsal {
    Rehearsal::begin(Surface::AsBuilt, &[], 120, 40).expect("the embedded data")
}

fn buckets(stage: &Rehearsal) -> &Buckets {
    let picture = stage.app.model().explorer.picture.as_ref().expect("something is explored");
    &picture.as_ref().unwrap_or_else(|error| panic!("{error}")).buckets
}

fn screen(stage: &Rehearsal) -> String {
    let screen = stage.screen();
    let width = usize::from(screen.area.width);
    let lines = screen.content().chunks(width);
    lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
}

fn measured(buckets: &Buckets) -> usize {
    buckets.lines.iter().flat_map(|line| &line.values).flatten().count()
}

#[test]
fn an_expression_is_typed_charted_and_read() {
    let mut stage = stage();
    stage.advance(Duration::from_secs(60));
    assert!(stage.app.model().explorer.picture.is_none(), "nothing is evaluated for a page that is not shown");
    stage.press("e");
    stage.press("ctrl-u");
    stage.type_text("volchain_height +");
    stage.press("enter");
    assert!(screen(&stage).contains("not PromQL"), "a mistake holds the answer back\n{}", screen(&stage));
    stage.type_text(" 1000000");
    stage.press("enter");
    assert_eq!(stage.app.page(), Page::Metrics);
    let expr = stage.app.model().explorer.expr().map(|expr| expr.source().to_owned());
    assert_eq!(expr.as_deref(), Some("volchain_height + 1000000"));
    assert!(measured(buckets(&stage)) > 0);

    // The cursor reads a bucket and stays at its time while others close.
    stage.press(",");
    stage.press(",");
    let read =
        |screen: &str| screen.lines().find(|line| line.contains("▸ ") && line.contains("min")).map(str::to_owned);
    let clock = |line: &str| line.split("▸ ").last().and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    let before = read(&screen(&stage)).and_then(|line| clock(&line)).expect("the cursor reads");
    stage.advance(Duration::from_secs(60));
    assert_eq!(read(&screen(&stage)).and_then(|line| clock(&line)), Some(before));

    // Away from the page nothing is evaluated; back on it what was missed is.
    stage.press("1");
    let left = buckets(&stage).end;
    stage.advance(Duration::from_secs(120));
    assert_eq!(buckets(&stage).end, left);
    stage.press("7");
    assert_ne!(buckets(&stage).end, left);
}

#[test]
fn beyond_raw_samples_a_chart_reads_roll_ups_and_says_so() {
    let mut stage = stage();
    stage.press("7");
    stage.press("e");
    stage.press("ctrl-u");
    stage.type_text("volchain_accounts");
    stage.press("enter");
    // No alert and no panel names it: it is kept because it is explored.
    stage.advance(Duration::from_secs(50 * 60));
    stage.press("]");
    assert!(screen(&stage).contains("1 h · "), "{}", screen(&stage));
    let buckets = buckets(&stage);
    assert!(buckets.rolled > 0, "{} of {} rolled", buckets.rolled, buckets.count);
    let minutes = measured(buckets) * buckets.seconds as usize / 60;
    assert!(minutes >= 45, "{minutes} minutes are drawn");
    assert!(screen(&stage).contains("roll-ups"), "{}", screen(&stage));
}

#[test]
fn a_row_of_a_panel_leads_to_its_chart_and_a_source_is_asked_now() {
    let mut stage = stage();
    stage.advance(Duration::from_secs(30));
    stage.press("2");
    stage.press("j");
    stage.press("enter");
    assert_eq!(stage.app.page(), Page::Metrics);
    assert!(stage.app.model().explorer.expr().is_some());
    stage.press("6");
    stage.asked.clear();
    stage.press("P");
    let asked = stage.asked.iter().filter(|effect| matches!(effect, Effect::FetchNow { .. })).count();
    assert_eq!(asked, 1);
    assert!(screen(&stage).contains("asked for "));
}
