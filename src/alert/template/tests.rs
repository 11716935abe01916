//! What Prometheus makes of templates. Every answer here was taken from one.

use std::sync::Arc;

use super::{Scene, Template};
use crate::model::Labels;
use crate::promql::Sample;

fn samples(expr: &str) -> Result<Vec<Sample>, String> {
    let of =
        |a: &str, value: f64| Sample { labels: Arc::new(Labels::from_pairs([("__name__", "x"), ("a", a)])), value };
    match expr {
        "x" => Ok(vec![of("1", 1_234_567.0), of("2", -5.0)]),
        "back" => Ok(vec![of("2", -5.0), of("1", 1.0)]),
        "nope" => Ok(Vec::new()),
        other => Err(format!("{other}: not known")),
    }
}

/// A template over `x{a="1",b="z"} 1234567`.
fn expanded(text: &str) -> Result<String, String> {
    let labels = Labels::from_pairs([("__name__", "x"), ("a", "1"), ("b", "z")]);
    let external = Labels::from_pairs([("cluster", "eu")]);
    let scene = Scene {
        external_labels: Some(&external),
        external_url: "http://prometheus:9090/base/",
        ask: Some(&samples),
        ..Scene::of(&labels, 1_234_567.0)
    };
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    template.expanded(&scene).map_err(|error| error.to_string())
}

fn check(text: &str, want: &str) {
    assert_eq!(expanded(text).as_deref(), Ok(want), "{text}");
}

fn check_error(text: &str, part: &str) {
    match expanded(text) {
        Err(error) => assert!(error.contains(part), "{text}: {error}"),
        Ok(made) => panic!("{text}: {made}"),
    }
}

#[test]
fn text_actions_and_trimming() {
    check("", "");
    check("plain {x} }} text", "plain {x} }} text");
    check("a {{- /* nothing */ -}} b", "ab");
    check("a {{ `b` -}}   c", "a bc");
    check("a   {{- 5 }} c", "a5 c");
    check("{{$labels.a}}{{ $labels.none }}.{{ .Labels.b }} {{ $.Value }}", "1.z 1.234567e+06");
    check("{{ $externalLabels.cluster }} {{ $labels }}", "eu map[__name__:x a:1 b:z]");
    check(
        "{{ $x := 5 }}{{ if eq $x 5 }}five{{ else if eq $x 6 }}six{{ else }}other{{ end }} {{ $x = 7 }}{{ $x }}",
        "five 7",
    );
    check("{{ range $i, $e := query \"x\" }}{{ $i }}:{{ $e.Value }},{{ else }}none{{ end }}", "0:1.234567e+06,1:-5,");
    check("{{ range query `nope` }}x{{ else }}none{{ end }}", "none");
    check("{{ range query `x` }}{{ if lt .Value 0.0 }}{{ continue }}{{ end }}{{ .Labels.a }}{{ break }}{{ end }}", "1");
    check("{{ range $k, $v := $labels }}{{ $k }}={{ $v }} {{ end }}", "__name__=x a=1 b=z ");
    check(
        "{{ with query `x` }}{{ . | first | value }} {{ (first .).Labels.a }} {{ . | first | label \"a\" }}{{ end }}",
        "1.234567e+06 1 1",
    );
    check("{{ with $labels.none }}x{{ else with $labels.a }}{{ . }}{{ else }}y{{ end }}", "1");
    check("{{ define \"t\" }}[{{ . }}]{{ end }}{{ template \"t\" $value }}", "[1.234567e+06]");
}

#[test]
fn numbers_are_printed_as_go_prints_them() {
    check(
        "{{ 1e21 }} {{ 1e20 }} {{ 1e6 }} {{ 1000000 }} {{ 0.00001 }} {{ 100000.0 }}",
        "1e+21 1e+20 1e+06 1000000 1e-05 100000",
    );
    check(
        "{{ printf \"%v %g %.3g %.10g %e\" $value $value $value $value $value }}",
        "1.234567e+06 1.234567e+06 1.23e+06 1234567 1.234567e+06",
    );
    check("{{ printf \"%d|%6.2f|%s %s\" $value 1.5 \"a\" }}", "%!d(float64=1.234567e+06)|  1.50|a %!s(MISSING)");
    check("{{ printf \"%s\" \"a\" 5 }}", "a%!(EXTRA int=5)");
    check(
        "{{ printf \"%q %+.1f %05.1f %x %X %o %b %c %t\" \"a\\\"b\" 1.5 1.5 255 255 8 5 65 true }}",
        "\"a\\\"b\" +1.5 001.5 ff FF 10 101 A true",
    );
    check("{{ printf \"%5s|%-5s|%.2s\" \"é\" \"a\" \"éab\" }}", "    é|a    |éa");
    check(
        "{{ printf \"%s\" 1.5 }} {{ printf \"%d%%\" 5 }} {{ printf \"%z\" 1 }} {{ printf \"%v %v\" true nil }}",
        "%!s(float64=1.5) 5% %!z(int=1) true <nil>",
    );
    check("{{ 5 | printf \"%d\" }} {{ print 1 2 \"a\" \"b\" 3 }} {{ println 1 }}{{ 'a' }}", "5 1 2ab3 1\n97");
}

#[test]
fn what_prometheus_makes_for_people() {
    check(
        "{{ humanizeTimestamp 1435065584.128 }} {{ humanizeDuration 3661.5 }}",
        "2015-06-23 13:19:44.128 +0000 UTC 1h 1m 1s",
    );
    check(
        "{{ humanizeDuration 0.0123 }} {{ humanizeDuration -90061.0 }} {{ humanizeDuration 59.987 }} {{ humanizeDuration 0 }}",
        "12.3ms -1d 1h 1m 1s 59.99s 0s",
    );
    check(
        "{{ humanize 0.00001234 }} {{ humanize -1e30 }} {{ humanize 999.95 }} {{ humanize 9999.5 }} {{ humanize 0.0 }}",
        "12.34u -1e+06Y 1000 9.999k 0",
    );
    check(
        "{{ humanize \"1234567\" }} {{ humanize1024 1048577.0 }} {{ humanizePercentage 0.12345 }}",
        "1.235M 1Mi 12.35%",
    );
    check("{{ title \"aa bb_cc-dd\" }} {{ toUpper \"aé\" }} {{ toLower \"AÉ\" }}", "Aa Bb_cc-Dd AÉ aé");
    check("{{ reReplaceAll \"(a)b\" \"$1x${1}y\" \"abab\" }} {{ match \"a.c\" \"xabcx\" }}", "ayay true");
    check(
        "{{ parseDuration \"1h30m\" }} {{ stripPort \"a:80\" }} {{ stripDomain \"a.b.c:80\" }} {{ stripDomain \"10.0.0.1:80\" }}",
        "5400 a a:80 10.0.0.1:80",
    );
    check(
        "{{ html \"<a>\" }} {{ urlquery \"a b\" }} {{ slice \"abcdef\" 1 3 }} {{ safeHtml \"<\" }}",
        "&lt;a&gt; a+b bc <",
    );
    check(
        "{{ externalURL }} {{ pathPrefix }} {{ $externalURL }}",
        "http://prometheus:9090/base/ /base http://prometheus:9090/base/",
    );
    check("{{ graphLink \"up{a=\\\"b\\\"}\" }}", "/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0");
    check(
        "{{ range sortByLabel \"a\" (query \"back\") }}{{ .Labels.a }}{{ end }} {{ query \"x\" | len }} {{ strvalue (first (query \"x\")) }}",
        "12 2 ",
    );
}

#[test]
fn comparisons_and_truth() {
    check(
        "{{ lt 1 2 }} {{ lt \"a\" \"b\" }} {{ le 1.0 1.0 }} {{ ne \"a\" \"b\" }} {{ gt $value 5.0 }} {{ ge 1 2 }}",
        "true true true true true false",
    );
    check(
        "{{ eq 1 2 1 }} {{ and 1 0 2 }} {{ or 0 \"\" \"x\" }} {{ not 1 }} {{ len \"aé\" }} {{ index $labels \"a\" }}",
        "true 0 x false 3 1",
    );
    // What decides is not followed by a look at the rest.
    check("{{ if and $labels.none (query \"wrong\") }}x{{ else }}y{{ end }}", "y");
    check_error("{{ gt $value 5 }}", "incompatible types for comparison: float64 and int; write 5.0");
    check_error("{{ eq \"a\" 1 }}", "incompatible types");
    check_error("{{ .Foo }}", "field Foo");
    check_error("{{ .Labels.a.b }}", "field b in string");
    check_error("{{ first (query \"nope\") }}", "error calling first: first() called on vector with no elements");
    check_error("{{ humanize true }}", "can't convert bool to float");
    check_error("{{ nil }}", "nil is not a command");
    check_error("{{ query \"wrong\" }}", "wrong: not known");
}

#[test]
fn mistakes_are_named_when_a_template_is_read() {
    let check = |text: &str, want: &str| match Template::parse(text) {
        Err(error) => assert_eq!(error.to_string(), want, "{text}"),
        Ok(_) => panic!("{text}"),
    };
    check("{{ $vlaue }}", "the variable $vlaue is not set; did you mean $value?");
    check("{{ humanise 1 }}", "there is no template function humanise; did you mean humanize?");
    check("{{ toTime 1 }}", "the template function toTime is not supported");
    check("{{ block \"a\" . }}{{ end }}", "the template function block is not supported");
    check("a {{ $value", "an action does not end with }}, in \"{{ $value\"");
    check("{{ if $value }}x", "a if without its end, in \"{{ if $value }}\"");
    check("{{ if }}x{{ end }}", "a value is missing, in \"{{ if }}\"");
    check("{{ end }}", "an end without its beginning, in \"{{ end }}\"");
    check("{{ \"a }}", "a text does not end with a quote, in \"\\\"a }}\"");
    check("{{ (1 }}", "a parenthesis that is not closed, in \"{{ (1 }}\"");
    check("{{ break }}", "a break outside of any range, in \"{{ break }}\"");
    check("{{ $labels.a $labels.b }}", "only a function can be given arguments, in \"{{ $labels.a $labels.b }}\"");
    check("{{ with $x := 1 }}{{ end }}{{ $x }}", "the variable $x is not set; did you mean $?");
    check("{{}}", "an action without anything in it, in \"{{}}\"");
}

#[test]
fn a_template_can_not_run_away() {
    check_error("{{ define \"t\" }}{{ template \"t\" . }}{{ end }}{{ template \"t\" . }}", "too deeply");
    check_error("{{ range 40000 }}{{ range 40000 }}{{ end }}{{ end }}", "too many steps");
    check_error("{{ range 9999 }}0123456789{{ end }}", "longer than 64 KiB");
    check_error("{{ range 60 }}{{ $x := query `nope` }}{{ end }}", "more than 50 queries");
    assert!(Template::parse(&"{{ if 1 }}".repeat(5000)).is_err());
    assert!(Template::parse(&format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000))).is_err());
}

#[test]
fn a_label_can_not_become_a_template() {
    let labels = Labels::from_pairs([("node", "{{ $value }}")]);
    let template = Template::parse("{{ $labels.node }}").expect("a template");
    assert_eq!(template.expanded(&Scene::of(&labels, 1.0)).as_deref(), Ok("{{ $value }}"));
    let unanswered = Template::parse("{{ query \"up\" }}").expect("a template");
    let said = unanswered.expanded_or_said(&Scene::of(&labels, 1.0));
    assert_eq!(said, "<error expanding template: error calling query: queries can not be answered here>");
}
