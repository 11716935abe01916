//! What is written is read back equal; bytes of any kind break nothing; what came before changes no answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::text_tests::over_http;
use super::*;
use crate::model::labels::NAME;

const DIALECTS: [Dialect; 2] = [Dialect::PrometheusText, Dialect::OpenMetrics];

fn read(dialect: Dialect, shape: &mut Shape, body: &[u8]) -> Result<(Vec<String>, Vec<u64>, u64), String> {
    let labels = Labels::from_pairs([("job", "j")]);
    let own = Own { labels: &labels, series: &[], values: &[] };
    let reply = over_http(body, None);
    let decoded = Exposition { dialect, limit_series: 30 }.decode_reply(&reply, &own, shape);
    let decoded = decoded.map_err(|failure| failure.to_string())?;
    let series = decoded.layout.series().iter().map(|labels| format!("{labels:?}")).collect();
    Ok((series, decoded.values.iter().map(|value| value.to_bits()).collect(), decoded.dropped_series))
}

/// A series as a node has it: its name and its labels.
type Series = (String, BTreeMap<String, String>);

fn series() -> impl Strategy<Value = Series> {
    let labels = proptest::collection::btree_map("[a-z_][a-z0-9_]{0,3}", "(?s).{0,6}|[\"\\\\\n}{,= #]{1,4}", 0..4);
    ("[a-z_:][a-z0-9_:]{0,3}", labels.prop_filter("ours", |labels| !labels.contains_key("job")))
}

/// Series with their values, written in an order and with blanks of their own.
fn written(samples: &[(Series, f64)], end: &str) -> String {
    let mut text = String::new();
    for ((name, labels), value) in samples {
        text.push_str(name);
        for (at, (label, text_value)) in labels.iter().enumerate() {
            let escaped = text_value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(text, "{}{label}=\"{escaped}\"", if at == 0 { '{' } else { ',' });
        }
        let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
    text + end
}

/// What a scanner cares for.
const PIECES: [&[u8]; 30] = [
    b"a",
    b"b_total",
    b"{",
    b"}",
    b"x=",
    b"\"v\"",
    b"\"",
    b"\\",
    b",",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"1",
    b" 2.5\n",
    b"NaN",
    b"# TYPE b counter\n",
    b"# EOF",
    b"#",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"a{x=\"1\"} 1\n",
    b"a 1 1757407389000\n",
    b" # {} 1",
    b"# HELP a b\n",
    b"\xe2\x80",
    b"le=\"1\"",
    b"-1",
    b"1e999",
];

/// Such pieces in any order.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::collection::vec(0..PIECES.len(), 0..24);
    pieces.prop_map(|pieces| pieces.into_iter().flat_map(|at| PIECES[at].iter().copied()).collect())
}

proptest! {
    #[test]
    fn what_is_written_is_read(samples in proptest::collection::btree_map(series(), any::<f64>(), 0..12)) {
        let samples: Vec<(Series, f64)> = samples.into_iter().filter(|((name, _), _)| name != "up").collect();
        let mut want: Vec<(String, u64)> = Vec::new();
        for ((name, labels), value) in &samples {
            let pairs = labels.iter().filter(|(label, _)| *label != NAME).map(|(label, value)| (&**label, &**value));
            let line = format!("{:?}", Labels::from_pairs(pairs.chain([(NAME, &**name), ("job", "j")])));
            // A label without a value is none, so that two series can be one.
            if !want.iter().any(|(have, _)| *have == line) {
                want.push((line, value.to_bits()));
            }
        }
        let (series, values, dropped) =
            read(Dialect::PrometheusText, &mut Shape::default(), written(&samples, "").as_bytes()).expect("valid");
        prop_assert_eq!(dropped as usize, samples.len() - want.len());
        let (want_series, want_values): (Vec<String>, Vec<u64>) = want.into_iter().unzip();
        prop_assert_eq!(&series, &want_series);
        for (value, want) in values.into_iter().zip(want_values) {
            prop_assert!(value == want || (f64::from_bits(value).is_nan() && f64::from_bits(want).is_nan()));
        }
    }

    #[test]
    fn a_second_reading_is_as_the_first(
        before in proptest::collection::vec((series(), any::<f64>()), 0..20),
        kept in proptest::collection::vec(any::<bool>(), 20),
        added in proptest::collection::vec((series(), any::<f64>()), 0..4),
    ) {
        let mut after: Vec<(Series, f64)> =
            before.iter().zip(&kept).filter(|(_, kept)| **kept).map(|((series, value), _)| (series.clone(), value + 1.0)).collect();
        let middle = after.len() / 2;
        after.splice(middle..middle, added);
        for dialect in DIALECTS {
            let mut shape = Shape::default();
            let _ = read(dialect, &mut shape, written(&before, "# EOF\n").as_bytes());
            for body in [written(&after, "# EOF\n"), written(&after, "# EOF\n"), written(&before, "# EOF\n")] {
                let again = read(dialect, &mut shape, body.as_bytes());
                prop_assert_eq!(again, read(dialect, &mut Shape::default(), body.as_bytes()), "{}", body);
            }
        }
    }

    #[test]
    fn hostile_bytes_break_nothing(bodies in proptest::collection::vec(hostile(), 1..5)) {
        for dialect in DIALECTS {
            let mut shape = Shape::default();
            for body in bodies.iter().chain(&bodies) {
                let after = read(dialect, &mut shape, body);
                prop_assert_eq!(after, read(dialect, &mut Shape::default(), body));
            }
        }
    }
}
