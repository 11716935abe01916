//! The two template forms that annotations may use: `{{ $value }}` and `{{ $labels.name }}`.

use crate::model::Labels;

/// One piece of an annotation.
#[derive(Clone, Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Value,
    Label(&'a str),
    /// A construct that is not expanded, as written.
    Unknown(&'a str),
}

/// The first construct in the text that is neither of the two forms, as written.
pub(super) fn unknown_construct(text: &str) -> Option<&str> {
    pieces(text).into_iter().find_map(|piece| match piece {
        Piece::Unknown(construct) => Some(construct),
        Piece::Text(_) | Piece::Value | Piece::Label(_) => None,
    })
}

/// Whether the text has any template construct at all.
pub(super) fn has_template(text: &str) -> bool {
    text.contains("{{")
}

/// The text with both forms expanded. A label that is not there is an empty text, as in Prometheus.
pub(super) fn expanded(text: &str, labels: &Labels, value: f64) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) | Piece::Unknown(text) => out.push_str(text),
            Piece::Value => out.push_str(&value.to_string()),
            Piece::Label(name) => out.push_str(labels.get(name)),
        }
    }
    out
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let Some(length) = rest[start..].find("}}") else {
            pieces.push(Piece::Unknown(&rest[start..]));
            return pieces;
        };
        let construct = &rest[start..start + length + 2];
        let inside = construct[2..length].trim();
        pieces.push(match inside.strip_prefix("$labels.") {
            Some(name) if is_label_name(name) => Piece::Label(name),
            None if inside == "$value" => Piece::Value,
            Some(_) | None => Piece::Unknown(construct),
        });
        rest = &rest[start + length + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub(super) fn is_label_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_two_forms_are_expanded() {
        let labels = Labels::from_pairs([("node", "a"), ("job", "chain")]);
        let check = |text: &str, want: &str| {
            assert_eq!(unknown_construct(text), None, "{text}");
            assert_eq!(expanded(text, &labels, 61.5), want, "{text}");
        };
        check("plain {x} }} text", "plain {x} }} text");
        check("{{ $value }} on {{ $labels.node }}", "61.5 on a");
        check("{{$value}}{{$labels.job}}{{ $labels.none }}.", "61.5chain.");
        check("", "");
    }

    #[test]
    fn any_other_construct_is_named() {
        let check = |text: &str, want: &str| assert_eq!(unknown_construct(text), Some(want), "{text}");
        check("a {{ $value | humanize }} b", "{{ $value | humanize }}");
        check("{{ $value }} {{ printf \"%.1f\" $value }}", "{{ printf \"%.1f\" $value }}");
        check("{{- $value -}}", "{{- $value -}}");
        check("{{ $labels }}", "{{ $labels }}");
        check("{{ $labels.a.b }}", "{{ $labels.a.b }}");
        check("{{ $externalLabels.x }}", "{{ $externalLabels.x }}");
        check("open {{ $value", "{{ $value");
        check("{{}}", "{{}}");
    }

    #[test]
    fn a_label_can_not_become_a_template() {
        let labels = Labels::from_pairs([("node", "{{ $value }}")]);
        assert_eq!(expanded("{{ $labels.node }}", &labels, 1.0), "{{ $value }}");
    }
}
