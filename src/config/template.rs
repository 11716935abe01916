//! The commented file of `config init`, written from the description that the check uses.

use std::collections::BTreeMap;

use super::ConfigSpec;
use super::described::{Described, FieldShape, Shape, StructShape};
use crate::base::SystemId;
use crate::base::text::width;
use crate::systems::{SettingValue, SystemSpec};

/// Columns of a line.
const COLUMNS: usize = 100;

pub(super) fn template(systems: &BTreeMap<SystemId, SystemSpec>) -> String {
    let mut out = String::new();
    let Shape::Struct(whole) = ConfigSpec::SHAPE else { return out };
    comment(&mut out, "", "", &sentence(whole.doc));
    comment(&mut out, "", "", "Options that may be left out stand behind // without a space; take it away to use one.");
    out.push_str("//\n// The systems that a target can be of, with their endpoints, settings and secrets:\n");
    for (id, system) in systems {
        system_lines(&mut out, id, system);
    }
    fields(&mut out, 0, whole);
    out.push('\n');
    out
}

fn system_lines(out: &mut String, id: &SystemId, system: &SystemSpec) {
    comment(out, "", "  ", &format!("{id}: {}", system.title));
    for endpoint in &system.endpoints {
        comment(out, "", "      ", &format!("endpoint {}, usually port {}", endpoint.id, endpoint.default_port));
    }
    for setting in &system.settings {
        let value = match &setting.value {
            SettingValue::Number(number) => format!("Number({number:?})"),
            SettingValue::Text(text) => format!("Text({text:?})"),
        };
        comment(out, "", "      ", &format!("setting {}: {value}. {}", setting.name, setting.help));
    }
    for secret in &system.secrets {
        let (name, variable, help) = (&secret.name, &secret.variable, &secret.help);
        comment(out, "", "      ", &format!("secret {name}: such as {{\"{name}\": Env(\"{variable}\")}}. {help}"));
    }
}

fn fields(out: &mut String, depth: usize, shape: &StructShape) {
    let pad = " ".repeat(4 * (depth + 1));
    out.push_str("(\n");
    // What nobody writes by hand has no example.
    for field in shape.fields.iter().filter(|field| field.required || field.example.is_some()) {
        comment(out, &pad, "", &sentence(field.doc));
        let mark = if field.required { "" } else { "//" };
        out.push_str(&format!("{pad}{mark}{}: ", field.name));
        value(out, depth + 1, field);
        out.push_str(",\n");
    }
    out.push_str(&format!("{})", " ".repeat(4 * depth)));
}

fn value(out: &mut String, depth: usize, field: &FieldShape) {
    match (field.example, &field.shape) {
        (Some(example), _) => out.push_str(example),
        (None, Shape::List(Shape::Struct(inner))) => {
            let pad = " ".repeat(4 * (depth + 1));
            out.push_str(&format!("[\n{pad}"));
            fields(out, depth + 1, inner);
            out.push_str(&format!(",\n{}]", " ".repeat(4 * depth)));
        }
        (None, Shape::Struct(inner)) => fields(out, depth, inner),
        (None, Shape::List(_)) => out.push_str("[]"),
        (None, Shape::Map(_)) => out.push_str("{}"),
        // A test holds every other field of the description to an example.
        (None, Shape::Text | Shape::Number | Shape::Optional(_) | Shape::Choice(_)) => out.push_str("None"),
    }
}

fn sentence(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A comment of as many lines as it needs: `pad` before its slashes, `indent` behind them.
fn comment(out: &mut String, pad: &str, indent: &str, text: &str) {
    let room = COLUMNS.saturating_sub(pad.len() + 3 + indent.len());
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > room {
            out.push_str(&format!("{pad}// {indent}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&format!("{pad}// {indent}{line}\n"));
}
