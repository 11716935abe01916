//! OpenMetrics: what it is, what it is not, and that a second reading sees all that the first one does.

use super::text_tests::{NOW, decode_as, reply};
use super::*;

const OPEN_METRICS: Exposition = Exposition { dialect: Dialect::OpenMetrics, limit_series: 100 };

fn decode(body: &str) -> Result<(Vec<String>, u64), String> {
    decode_as(OPEN_METRICS, &mut Shape::default(), &reply(body))
}

#[test]
fn the_format_is_read() {
    let check = |body: &str, want: &[&str]| {
        let want = Ok((want.iter().map(|line| (*line).to_owned()).collect(), 0));
        let mut shape = Shape::default();
        assert_eq!(decode_as(OPEN_METRICS, &mut shape, &reply(body)), want, "{body}");
        assert_eq!(decode_as(OPEN_METRICS, &mut shape, &reply(body)), want, "again: {body}");
    };
    check("# EOF", &[]);
    check("# EOF\n", &[]);
    check("a 1\n# EOF\n", &["a 1"]);
    check("# TYPE a counter\n# HELP a What it \\n is.\na_total 1\na_created 5\n# EOF\n", &["a_total 1", "a_created 5"]);
    check("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds\na_seconds -1\n# EOF", &["a_seconds -1"]);
    check("# TYPE a info\na_info{v=\"1\"} 1\n# EOF", &["a_info{v=\"1\"} 1"]);
    check("# TYPE a stateset\na{a=\"x\"} 1\na{a=\"y\"} 0\n# EOF", &["a{a=\"x\"} 1", "a{a=\"y\"} 0"]);
    check(
        "# TYPE a summary\na{quantile=\"0.5\"} NaN\na_count 2\na_sum -1\n# EOF",
        &["a{quantile=\"0.5\"} NaN", "a_count 2", "a_sum -1"],
    );
    check(
        "# TYPE a histogram\na_bucket{le=\"1\"} 2 # {trace_id=\"x, }\\\" #\"} 0.5 1520879607.789\n\
         a_bucket{le=\"+Inf\"} 3 1757407389.0 # {} 1\na_count 3\na_sum 4\n# EOF",
        &["a_bucket{le=\"1\"} 2", "a_bucket{le=\"+Inf\"} 3", "a_count 3", "a_sum 4"],
    );
    check(
        "# TYPE a gaugehistogram\na_bucket{le=\"1\"} 2\na_gcount 2\na_gsum -3\n# EOF",
        &["a_bucket{le=\"1\"} 2", "a_gcount 2", "a_gsum -3"],
    );
    check("# TYPE a counter\na_total 1\na_b 2\n# EOF", &["a_total 1", "a_b 2"]);
    check("# TYPE a unknown\na NaN\nb +Inf\n# EOF", &["a NaN", "b inf"]);
}

#[test]
fn a_bad_line_is_named() {
    let check = |body: &str, want: &str| {
        let error = decode(body).expect_err(body);
        assert!(error.contains(want), "{error}");
        // The same lines as before do not make a bad text good.
        let mut shape = Shape::default();
        let good = body.replace("-1\n", "1\n");
        if decode_as(OPEN_METRICS, &mut shape, &reply(&good)).is_ok() {
            assert_eq!(decode_as(OPEN_METRICS, &mut shape, &reply(body)), Err(error));
        }
    };
    check("", "line 1: the text ends without # EOF");
    check("a 1\n", "line 2: the text ends without # EOF");
    check("a 1\n# EOF\na 2\n", "line 3: a line behind # EOF");
    check("a 1\n# EOF\n\n", "line 3: a line behind # EOF");
    check("a 1\n\n# EOF", "line 2: \"\" is not a metric name");
    check("# a comment\n# EOF", "line 1: \"# a comment\" says neither TYPE, UNIT, HELP nor EOF");
    check("# EOF x", "says neither");
    check("#EOF", "says neither");
    check("# TYPE a what\n# EOF", "line 1: \"what\" is not a type");
    check("# TYPE 9 gauge\n# EOF", "line 1: \"9\" is not a metric name");
    check("# TYPE a gauge\n# TYPE a gauge\n# EOF", "line 2: TYPE of a twice");
    check("# HELP a x\n# HELP a y\n# EOF", "line 2: HELP of a twice");
    check("a 1\n# TYPE a gauge\n# EOF", "line 2: TYPE of a behind its samples");
    check("a 1\nb 1\na{x=\"1\"} 1\n# EOF", "line 3: the family a again, behind others");
    check("# UNIT a seconds\n# EOF", "line 1: a does not end with its unit \"seconds\"");
    check("# UNIT aseconds seconds\n# EOF", "does not end with its unit");
    check("# TYPE a counter\na 1\n# EOF", "line 2: a is no sample of a counter: its suffix is missing");
    check("# TYPE a counter\na_total -1\n# EOF", "line 2: -1 is not a number from 0 on, as it must be for a_total");
    check("# TYPE a counter\na_total NaN\n# EOF", "line 2: NaN is not a number from 0 on");
    check("# TYPE a histogram\na_bucket 1\n# EOF", "line 2: a_bucket without the label \"le\"");
    check("# TYPE a summary\na 1\n# EOF", "line 2: a without the label \"quantile\"");
    check("# TYPE a stateset\na 1\n# EOF", "line 2: a without the label \"a\"");
    check("# TYPE a stateset\na{a=\"x\"} 2\n# EOF", "line 2: 2 is neither 0 nor 1, as it must be for a");
    check("# TYPE a info\na_info 2\n# EOF", "line 2: 2 is not 1, as it must be for a_info");
    check("# TYPE a gauge\na 1 # {} 1\n# EOF", "line 2: an exemplar, which only counters and buckets have, on a");
    check("# TYPE a counter\na_total 1 # 5\n# EOF", "line 2: an exemplar without labels");
    check("# TYPE a counter\na_total 1 # {x=\"1\"}\n# EOF", "\"\" is not the value of an exemplar");
    check("# TYPE a counter\na_total 1 # {x=\"1\"} 1 2 3\n# EOF", "\"3\" stands behind an exemplar");
    check("# TYPE a counter\na_total 1 # {x=1} 1\n# EOF", "\"1}\" is not a quoted value");
    check("a 1 soon\n# EOF", "line 1: \"soon\" is not a timestamp");
    check("a 1 NaN\n# EOF", "line 1: \"NaN\" is not a timestamp");
    check("a{x=\"1\",x=\"2\"} 1\n# EOF", "line 1: the label \"x\" twice");
}

#[test]
fn what_changed_is_seen_in_a_text_of_the_same_series() {
    let check = |before: &str, after: &str| {
        let mut shape = Shape::default();
        decode_as(OPEN_METRICS, &mut shape, &reply(before)).expect(before);
        assert_eq!(decode_as(OPEN_METRICS, &mut shape, &reply(after)), decode(after), "{before:?} then {after:?}");
    };
    check("# TYPE a counter\na_total 1\n# EOF", "# TYPE a gauge\na_total 1\n# EOF");
    check("# TYPE a counter\na_total 1\n# EOF", "# TYPE a counter\na_total -1\n# EOF");
    check("# TYPE a counter\na_total 1\n# EOF", "# TYPE a counter\na_total 1\n");
    check("# TYPE a counter\na_total 1\n# EOF", "# TYPE a counter\na_total 1\n# EOFF");
    check("# TYPE a counter\na_total 1\n# EOF", "# TYPE a counter\na_total 1\n# EOF\nb 1");
    check("a 1\n# EOF", "a 1\n\n# EOF");
    check("a 1\n# EOF", "# TYPE a counter\na 1\n# EOF");
    check("a 1\n# EOF", "a 1 # {} 1\n# EOF");
    check("a 1\n# EOF", "a 1 17\n# EOF");
    check("a 1 17\n# EOF", "a 1\n# EOF");
}

#[test]
fn seconds_stamp_a_sample() {
    let check = |stamp: f64, kept: usize| {
        let (lines, dropped) = decode(&format!("a 1 {stamp}\n# EOF")).expect("valid");
        assert_eq!((lines.len(), dropped), (kept, 1 - kept as u64), "{stamp}");
    };
    let now = NOW.as_seconds();
    check(now, 1);
    check(now - 299.9, 1);
    check(now - 301.0, 0);
    check(now + 601.0, 0);
    check(-1e300, 0);
}
