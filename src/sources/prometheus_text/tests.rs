//! Expositions as they should be, as they should not be, and changing their shape.

use super::*;

fn reply(body: &str) -> HttpAnswer {
    HttpAnswer {
        status: 200,
        content_type: "text/plain; version=0.0.4".to_owned(),
        date: None,
        body: body.as_bytes().to_vec(),
    }
}

fn decode_with(limit: usize, shape: &mut Shape, body: &str) -> Result<(Vec<String>, u64), String> {
    let labels = Labels::from_pairs([("job", "j"), ("node", "n")]);
    let series = [labels.clone().with(NAME, "up")];
    let own = Own { labels: &labels, series: &series, values: &[1.0] };
    let text = PrometheusText { limit_series: limit };
    let decoded = text.decode(&reply(body), &own, shape).map_err(|failure| failure.to_string())?;
    assert_eq!(decoded.layout.series().len(), decoded.values.len());
    let bare = |labels: &Labels| match (labels.get("job"), labels.get("node")) {
        ("j", "n") => labels.clone().without("job").without("node").to_string(),
        _ => panic!("{labels} lost the source's labels"),
    };
    let pairs = decoded.layout.series().iter().zip(&decoded.values).skip(1);
    Ok((pairs.map(|(labels, value)| format!("{} {value}", bare(labels))).collect(), decoded.dropped))
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
    check("a 1 2 3", "is not a value");
    check("a 1 soon", "is not a value");
    check("a one", "\" one\" is not a value");
    check("<html><body>", "answered with HTML instead of a Prometheus exposition");
    let many: Vec<String> = (0..70).map(|n| format!("l{n}=\"1\"")).collect();
    check(&format!("a{{{}}} 1", many.join(",")), "more than 64 labels");
    let own = Labels::default();
    let own = Own { labels: &own, series: &[], values: &[] };
    let mut broken = reply("a 1\nb{x=\"?\"} 1");
    broken.body[9] = 0xff;
    let failure = PrometheusText { limit_series: 9 }.decode(&broken, &own, &mut Shape::default());
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
    let text = PrometheusText { limit_series: 9 };
    let mut shape = Shape::default();
    let mut decode = |body: &str| text.decode(&reply(body), &own, &mut shape).expect(body);
    let first = decode("# x\na{p=\"1\"} 1\nb 2\n");
    let second = decode("a{p=\"1\"} 5\n\nb NaN 17\n");
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
}
