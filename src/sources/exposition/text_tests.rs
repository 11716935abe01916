//! The Prometheus text: as it should be, as it should not be, and changing its shape.

use super::*;
use crate::base::{At, Boot};
use crate::model::labels::NAME;
use crate::model::{Answer, Layout};

/// When every answer of these tests was asked for.
pub(super) const NOW: Wall = Wall(1_757_407_389_000);

pub(super) fn reply(body: &str) -> Reply {
    over_http(body.as_bytes(), None)
}

pub(super) fn over_http(body: &[u8], date: Option<Wall>) -> Reply {
    // One that nobody judges: both formats are read with it.
    let content_type = String::new();
    let answer = HttpAnswer { status: 200, content_type, date, body: body.to_vec() };
    Reply { answer: Answer::Http(answer), sent: At { boot: Boot(0), wall: NOW }, took: Duration::ZERO }
}

fn text(limit_series: usize) -> Exposition {
    Exposition { dialect: Dialect::PrometheusText, limit_series }
}

/// The lines that were kept, as `series value` without the source's labels, and how many were not.
pub(super) fn decode_as(
    exposition: Exposition,
    shape: &mut Shape,
    reply: &Reply,
) -> Result<(Vec<String>, u64), String> {
    let labels = Labels::from_pairs([("job", "j"), ("node", "n")]);
    let series = [labels.clone().with(NAME, "up")];
    let own = Own { labels: &labels, series: &series, values: &[1.0] };
    let decoded = exposition.decode_reply(reply, &own, shape).map_err(|failure| failure.to_string())?;
    assert_eq!(decoded.layout.series().len(), decoded.values.len());
    let bare = |labels: &Labels| match (labels.get("job"), labels.get("node")) {
        ("j", "n") => labels.clone().without("job").without("node").to_string(),
        _ => panic!("{labels} lost the source's labels"),
    };
    let pairs = decoded.layout.series().iter().zip(&decoded.values).skip(1);
    Ok((pairs.map(|(labels, value)| format!("{} {value}", bare(labels))).collect(), decoded.dropped_series))
}

fn decode_with(limit: usize, shape: &mut Shape, body: &str) -> Result<(Vec<String>, u64), String> {
    decode_as(text(limit), shape, &reply(body))
}

fn decode(body: &str) -> Result<(Vec<String>, u64), String> {
    decode_with(100, &mut Shape::default(), body)
}

#[test]
fn the_format_is_read() {
    let check = |body: &str, want: &[&str]| {
        let want = want.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(decode(body), Ok((want, 0)), "{body}");
    };
    check("", &[]);
    check("# HELP a b\n# TYPE a counter\n\na 1\n", &["a 1"]);
    check("a 1", &["a 1"]);
    check("a{} 2\r\nb{x=\"1\"} 3\r\n", &["a 2", "b{x=\"1\"} 3"]);
    check("  a\t { x = \"1\" , y=\"2\", }\t 4  1757407389515", &["a{x=\"1\",y=\"2\"} 4"]);
    check(r#"a{x="q\"b\\n\n}"} 1"#, &[r#"a{x="q\"b\\n\n}"} 1"#]);
    check("a NaN\nb +Inf\nc -Inf\nd 1.5e-3", &["a NaN", "b inf", "c -inf", "d 0.0015"]);
    check("a:b_c 1", &["a:b_c 1"]);
    check("a{x=\"\"} 1", &["a 1"]);
}

#[test]
fn labels_that_the_console_sets_are_exported() {
    let (lines, dropped) = decode(r#"a{job="x",node="y",exported_job="z"} 1"#).expect("valid");
    assert_eq!(lines, [r#"a{exported_exported_job="x",exported_job="z",exported_node="y"} 1"#]);
    assert_eq!(dropped, 0);
}

#[test]
fn a_bad_line_is_named() {
    let check = |body: &str, want: &str| {
        let error = decode(body).expect_err(body);
        assert!(error.contains(want), "{error}");
    };
    check("a 1\nb\n", "line 2: \"\" is not a value");
    check("a 1\n# c\n9b 1", "line 3: \"9b\" is not a metric name");
    check("{\"height\": 1}", "line 1: \"\" is not a metric name");
    check("a{x=\"1\" 2", "line 1: the labels do not end");
    check("a{x=1} 2", "line 1: \"1}\" is not a quoted value");
    check("a{x=\"1\" y=\"2\"} 2", "a comma is missing");
    check("a{x=\"1\",x=\"2\"} 2", "the label \"x\" twice");
    check("a{__name__=\"up\"} 2", "\"__name__\" is not a label name");
    check("a 1 2 3", "\"2 3\" is not a timestamp");
    check("a 1 soon", "\"soon\" is not a timestamp");
    check("a 1 1.5", "\"1.5\" is not a timestamp");
    check("a one", "\"one\" is not a value");
    check("a 1e999", "\"1e999\" is not a value");
    check("a{x=\"1\\\"} 2", "a label value does not end");
    check("a{x} 2", "\"x} 2\" is not a label");
    check("a{9=\"1\"} 2", "\"9\" is not a label name");
    check("a 1\nb\0 2", "line 2: \"b\\0\" is not a metric name");
    check("a 1\0", "is not a value");
    check("a 1 # {id=\"x\"} 1", "is not a timestamp");
    check("<html><body>", "answered with HTML instead of a Prometheus exposition");
    let many: Vec<String> = (0..70).map(|n| format!("l{n}=\"1\"")).collect();
    check(&format!("a{{{}}} 1", many.join(",")), "more than 64 labels");
    let own = Labels::default();
    let own = Own { labels: &own, series: &[], values: &[] };
    let broken = over_http(b"a 1\nb{x=\"\xff\"} 1", None);
    let failure = text(9).decode_reply(&broken, &own, &mut Shape::default());
    assert!(failure.expect_err("not UTF-8").to_string().contains("line 2: not UTF-8"));
}

#[test]
fn what_is_left_out_is_counted() {
    let check = |limit: usize, body: &str, want: (&[&str], u64)| {
        let mut shape = Shape::default();
        let want = (want.0.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), want.1);
        assert_eq!(decode_with(limit, &mut shape, body), Ok(want.clone()), "{body}");
        assert_eq!(decode_with(limit, &mut shape, body), Ok(want), "again: {body}");
    };
    check(2, "a 1\nb 2\nc 3\nd 4", (&["a 1", "b 2"], 2));
    check(9, "a 1\na 2\nb 3", (&["a 1", "b 3"], 1));
    check(9, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2", (&["a{x=\"1\",y=\"2\"} 1"], 1));
    check(9, "up 0\nopsconsole_setting{name=\"block_stale_seconds\"} 9e9\nb 3", (&["b 3"], 2));
}

#[test]
fn an_exposition_of_the_same_shape_keeps_its_layout() {
    let own_labels = Labels::from_pairs([("job", "j")]);
    let own = Own { labels: &own_labels, series: &[], values: &[] };
    let text = text(9);
    let mut shape = Shape::default();
    let mut decode = |body: &str| text.decode_reply(&reply(body), &own, &mut shape).expect(body);
    let first = decode("# x\na{p=\"1\"} 1\nb 2\n");
    let second = decode("a{p=\"1\"} 5\n\nb NaN 1757407389517\n");
    assert!(Arc::ptr_eq(&first.layout, &second.layout));
    assert_eq!(second.values[0], 5.0);
    let third = decode("b 3\na{p=\"1\"} 7\nc 1");
    assert_eq!(third.layout.series().iter().map(|labels| labels.name()).collect::<Vec<_>>(), ["b", "a", "c"]);
    assert_eq!(third.values, [3.0, 7.0, 1.0]);
}

#[test]
fn changes_of_shape_are_seen() {
    let check = |before: &str, after: &str, want: &[&str]| {
        let mut shape = Shape::default();
        decode_with(9, &mut shape, before).expect(before);
        let (lines, _) = decode_with(9, &mut shape, after).expect(after);
        assert_eq!(lines, want, "{before:?} then {after:?}");
    };
    check("a 1", "ab 2", &["ab 2"]);
    check("ab 1", "a 2", &["a 2"]);
    check("a 1", "a{x=\"1\"} 2", &["a{x=\"1\"} 2"]);
    check("a 1", "a {x=\"1\"} 2", &["a{x=\"1\"} 2"]);
    check("a 1\nb 2", "a 3", &["a 3"]);
    check("a 1", "a 2\nb 3", &["a 2", "b 3"]);
    check("a 1\na 2", "a 3\nb 4", &["a 3", "b 4"]);
    check("a 1", "", &[]);
    check("a 1\nb 1\nc 1", "a 2\nc 2", &["a 2", "c 2"]);
    check("a 1\nc 1", "a 2\nb 2\nc 2", &["a 2", "b 2", "c 2"]);
    check("a 1\na 1\nb 1", "b 2\na 2", &["b 2", "a 2"]);
    check("a{x=\"1\"} 1\na{x=\"2\"} 1", "a{x=\"1\"} 2\na{x=\"3\"} 2", &["a{x=\"1\"} 2", "a{x=\"3\"} 2"]);
}

#[test]
fn a_change_of_shape_keeps_the_labels_that_stay() {
    let own_labels = Labels::from_pairs([("job", "j")]);
    let own = Own { labels: &own_labels, series: &[], values: &[] };
    let mut shape = Shape::default();
    let mut decode = |body: &str| text(99).decode_reply(&reply(body), &own, &mut shape).expect(body).layout;
    let line = |n: usize| format!("a{{n=\"{n}\"}} 1\n");
    let before = decode(&(0..50).map(line).collect::<String>());
    let check = |after: &Layout, pairs: &[(usize, usize)]| {
        for (old, new) in pairs {
            assert!(Arc::ptr_eq(&before.series()[*old], &after.series()[*new]), "{old} is {new}");
        }
    };
    // One goes, one comes, one is further than is looked ahead, and all in another order.
    check(&decode(&(0..50).filter(|n| *n != 7).map(line).collect::<String>()), &[(6, 6), (8, 7), (49, 48)]);
    check(&decode(&(0..51).map(line).collect::<String>()), &[(6, 6), (49, 49)]);
    check(&decode(&(40..50).map(line).collect::<String>()), &[(40, 0), (49, 9)]);
    check(&decode(&(40..50).rev().map(line).collect::<String>()), &[(40, 9), (49, 0)]);
}

#[test]
fn layouts_are_freed_where_they_were_made() {
    let own_labels = Labels::default();
    let own = Own { labels: &own_labels, series: &[], values: &[] };
    let mut shape = Shape::default();
    let held = text(9).decode_reply(&reply("a 1"), &own, &mut shape).expect("valid").layout;
    text(9).decode_reply(&reply("a 1\nb 1"), &own, &mut shape).expect("valid");
    assert_eq!(Arc::strong_count(&held), 2, "the decoder holds what others hold");
    let watched = Arc::downgrade(&held);
    drop(held);
    assert!(watched.upgrade().is_some());
    text(9).decode_reply(&reply("a 1\nb 1"), &own, &mut shape).expect("valid");
    assert!(watched.upgrade().is_none());
}

#[test]
fn stamped_samples_are_taken_where_they_are_of_now() {
    let check = |date: Option<Wall>, stamp: i64, kept: bool| {
        let body = format!("a 1 {stamp}\nb 2\n");
        let reply = over_http(body.as_bytes(), date);
        let fresh = decode_as(text(9), &mut Shape::default(), &reply);
        let want: (Vec<String>, u64) = match kept {
            true => (vec!["a 1".to_owned(), "b 2".to_owned()], 0),
            false => (vec!["b 2".to_owned()], 1),
        };
        assert_eq!(fresh, Ok(want.clone()), "{stamp}");
        // Whatever the stamps of the last answer were.
        for before in ["a 1\nb 2\n".to_owned(), format!("a 1 {}\nb 2\n", i64::MIN), body.clone()] {
            let mut shape = Shape::default();
            decode_with(9, &mut shape, &before).expect("valid");
            assert_eq!(decode_as(text(9), &mut shape, &reply), Ok(want.clone()), "{before:?} then {stamp}");
        }
    };
    check(None, NOW.0, true);
    check(None, NOW.0 - 300_000, true);
    check(None, NOW.0 - 300_001, false);
    check(None, NOW.0 + 600_000, true);
    check(None, NOW.0 + 600_001, false);
    check(None, 0, false);
    check(None, i64::MAX, false);
    check(None, i64::MIN, false);
    // A node whose clock is an hour behind stamps with that clock.
    check(Some(Wall(NOW.0 - 3_600_000)), NOW.0 - 3_600_000, true);
    check(Some(Wall(NOW.0 - 3_600_000)), NOW.0, false);
}

#[test]
fn hostile_sizes_are_refused_or_read() {
    let check = |body: String, want: &str| {
        let error = decode(&body).expect_err(&body[..40]);
        assert!(error.contains(want), "{error}");
        assert!(error.len() < 300, "{error}");
    };
    let labels: String = (0..1_000_000).map(|n| format!("l{n}=\"1\",")).collect();
    check(format!("a 1\nb{{{labels}}} 1\n"), "line 2: a series with more than 64 labels");
    check(format!("a 1\n{} 1\n", "n".repeat(20_000)), "line 2: a series of more than 16384 bytes");
    check(format!("a{{x=\"{}\"}} 1\n", "v".repeat(20_000)), "line 1: a series of more than 16384 bytes");
    check("x".repeat(5_000_000), "line 1");
    check(format!("a {}", "9".repeat(100_000)), "is not a value");
    check(format!("a 1 {}", "9".repeat(100_000)), "is not a timestamp");
    check("\0".repeat(1_000), "is not a metric name");
    check(format!("a{{x=\"{}", "v".repeat(100_000)), "the labels do not end");
    assert_eq!(decode(&format!("# {}\na -1", "x".repeat(100_000))), Ok((vec!["a -1".to_owned()], 0)));
    assert_eq!(decode("# TYPE a counter\na_total -5"), Ok((vec!["a_total -5".to_owned()], 0)), "as in Prometheus");
}

#[test]
fn a_histogram_that_forgets_is_read_as_it_is() {
    // As one node writes it: in microseconds, the sum and the count before the buckets, over its last samples alone, so
    // that what should only grow falls.
    let body = |count: u32| {
        format!(
            "# TYPE v_duration_microseconds histogram\nv_duration_microseconds_sum {}\nv_duration_microseconds_count {count}\n\
            v_duration_microseconds_bucket{{le=\"100\"}} 0\nv_duration_microseconds_bucket{{le=\"+Inf\"}} {count}\n",
            count * 300
        )
    };
    let mut shape = Shape::default();
    for count in [10_000, 5_000] {
        let want = [
            format!("v_duration_microseconds_sum {}", count * 300),
            format!("v_duration_microseconds_count {count}"),
            "v_duration_microseconds_bucket{le=\"100\"} 0".to_owned(),
            format!("v_duration_microseconds_bucket{{le=\"+Inf\"}} {count}"),
        ];
        assert_eq!(decode_with(100, &mut shape, &body(count)), Ok((want.to_vec(), 0)));
    }
}
