//! Holds a configuration as it is written against its description, and tells every place where they differ.

use super::described::{ChoiceShape, Content, FieldShape, Shape, VariantShape};
use super::found::Found;
use crate::base::problem::nearest;
use crate::base::ron_tree::{Node, Parens, Part, Place, Value};
use crate::base::text;

/// Longest piece of a file that a message repeats.
const LONGEST_SHOWN: usize = 40;

/// Names that people give to a secret; a field of such a name is answered with where secrets belong.
const SECRETIVE: [&str; 9] =
    ["token", "password", "secret", "bearer", "api_key", "apikey", "authorization", "credentials", "user"];

/// Checks an element. `what` is what it is called in a message.
pub(super) fn fit(node: &Node, shape: &Shape, what: &str, found: &mut Found) {
    if matches!(node.value, Value::Missing) {
        // Told already, as what keeps the text from being RON.
        return;
    }
    match shape {
        Shape::Optional(inner) => match (node.given(), inner) {
            (None, _) => {}
            (Some(given), Shape::Choice(choice)) => fit_choice(given, choice, what, true, found),
            (Some(given), inner) => fit(given, inner, what, found),
        },
        Shape::Text => match &node.value {
            Value::Text(said) if said.chars().any(text::is_hostile) => {
                found.at(node.place, format!("{what} contains characters that can not be shown"));
            }
            Value::Text(_) => {}
            _ => differs(node, shape, what, found),
        },
        Shape::Number => match node.number() {
            Some(number) if number.is_finite() => {}
            Some(_) | None => differs(node, shape, what, found),
        },
        Shape::List(inner) => match &node.value {
            Value::List(items) => {
                let one = format!("this {}", what.strip_suffix('s').unwrap_or(what));
                items.iter().for_each(|item| fit(item, inner, &one, found));
            }
            _ => differs(node, shape, what, found),
        },
        Shape::Map(inner) => fit_map(node, inner, shape, what, found),
        Shape::Struct(described) => match &node.value {
            Value::Parens(parens) if parens.name.is_none() => {
                fit_fields(node.place, parens, described.fields, what, found);
            }
            _ => differs(node, shape, what, found),
        },
        Shape::Choice(choice) => fit_choice(node, choice, what, false, found),
    }
}

fn fit_map(node: &Node, inner: &Shape, shape: &Shape, what: &str, found: &mut Found) {
    let Value::Map(entries) = &node.value else { return differs(node, shape, what, found) };
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in entries {
        match key.text() {
            Some(name) if seen.contains(&name) => {
                found.at(key.place, format!("{} is given twice in {what}", shown(name)));
            }
            Some(name) => {
                seen.push(name);
                fit(value, inner, &shown(name), found);
            }
            None => differs(key, &Shape::Text, &format!("a name in {what}"), found),
        }
    }
}

fn fit_fields(place: Place, parens: &Parens, fields: &[FieldShape], what: &str, found: &mut Found) {
    let mut seen: Vec<&str> = Vec::new();
    for Part { name, quoted, node } in &parens.parts {
        let Some((name, place)) = name else {
            if !parens.broken {
                found.at(
                    node.place,
                    format!("{what} has fields, each written as name: value; here the name is missing"),
                );
            }
            continue;
        };
        if seen.contains(&name.as_str()) {
            found.at(*place, format!("the field {name} is given twice"));
            continue;
        }
        seen.push(name);
        match fields.iter().find(|field| field.name == name) {
            Some(field) => {
                if *quoted {
                    found.at(*place, format!("the name of a field stands without quotes: {name}"));
                }
                fit(node, &field.shape, name, found);
            }
            None => unknown_field(name, *place, fields, what, found),
        }
    }
    // What looks missing in a part that could not be read may well be there.
    for field in fields.iter().filter(|field| field.required && !parens.broken && !seen.contains(&field.name)) {
        found.at(place, format!("{what} has no {}, which must be given: {}", field.name, field.shape.word()));
    }
}

fn unknown_field(name: &str, place: Place, fields: &[FieldShape], what: &str, found: &mut Found) {
    let known = fields.iter().map(|field| field.name);
    let listed = known.clone().collect::<Vec<_>>().join(", ");
    let meant = nearest(name, known).map(|known| format!("did you mean {known}?"));
    let secretive = meant.is_none() && SECRETIVE.contains(&name.to_ascii_lowercase().as_str());
    let suggestion = if secretive {
        Some("what a read identifies itself with is the auth of an endpoint: Bearer(Env(\"NAME\"))".to_owned())
    } else {
        meant
    };
    found.suggest(place, format!("{what} has no field {}, only {listed}", shown(name)), suggestion);
}

/// `optional` where it may also be left out, which a list of what may stand there must not hide.
fn fit_choice(node: &Node, choice: &ChoiceShape, what: &str, optional: bool, found: &mut Found) {
    let left_out = if optional { format!("; {what} may also be left out") } else { String::new() };
    if choice.secret && matches!(node.value, Value::Text(_)) {
        // Its text may be the secret itself, so that it is not repeated.
        return found.suggest(
            node.place,
            format!("{what} is written here as plain text; a secret never stands in a configuration"),
            Some(format!("change it, for it has been read, and name where it is kept: {}", choice.written())),
        );
    }
    let Some(name) = node.word() else {
        // A bare value where a variant belongs: the variant that would hold it is what was meant.
        let meant = choice.variants.iter().find(|variant| holds(variant, node));
        let suggestion = match &node.value {
            Value::Text(said) => nearest_variant(said, choice).map(|known| format!("did you mean {known}?")),
            _ => None,
        };
        let suggestion = suggestion.or_else(|| meant.map(|variant| format!("write it as {}", variant.written)));
        let must = format!("{what} must be one of {}{left_out}", choice.written());
        return found.suggest(node.place, must, suggestion);
    };
    let Some(variant) = choice.variants.iter().find(|variant| variant.name == name) else {
        let number = crate::base::ron_tree::number(name).is_some();
        let meant = nearest_variant(name, choice).map(|known| format!("did you mean {known}?"));
        let held = choice.variants.iter().find(|variant| number && holds(variant, node));
        let suggestion = meant.or_else(|| held.map(|variant| format!("write it as {}", variant.written)));
        let said = if choice.secret { "this".to_owned() } else { shown(name) };
        return found.suggest(node.place, format!("{said} is none of {}{left_out}", choice.written()), suggestion);
    };
    fit_variant(node, variant, what, found);
}

fn fit_variant(node: &Node, variant: &VariantShape, what: &str, found: &mut Found) {
    let parts = match &node.value {
        Value::Parens(parens) => Some(parens),
        _ => None,
    };
    match (&variant.content, parts) {
        (Content::Nothing, None) => {}
        (Content::Nothing, Some(_)) => {
            found.at(node.place, format!("{} stands alone, without parentheses", variant.name));
        }
        (Content::One(shape), Some(parens)) => match &parens.parts[..] {
            [Part { name: None, node, .. }] => fit(node, shape, what, found),
            _ if parens.broken => {}
            _ => found.at(node.place, format!("{} holds one value: {}", variant.name, variant.written)),
        },
        (Content::Fields(fields), Some(parens)) => fit_fields(node.place, parens, fields, variant.name, found),
        (Content::One(_) | Content::Fields(_), None) => {
            found.at(node.place, format!("{} holds a value: {}", variant.name, variant.written));
        }
    }
}

/// Whether a variant would take this value as its content.
fn holds(variant: &VariantShape, node: &Node) -> bool {
    match (&variant.content, &node.value) {
        (Content::One(Shape::Text), Value::Text(_)) => true,
        (Content::One(Shape::Number), Value::Word(_)) => node.number().is_some(),
        _ => false,
    }
}

/// The variant that was meant: by its name, or by the words under which people know it.
fn nearest_variant(said: &str, choice: &ChoiceShape) -> Option<&'static str> {
    let lower = said.to_lowercase();
    let names = || choice.variants.iter().map(|variant| variant.name);
    // "prod" for Production, "dev" for Development.
    let begun = names().find(|name| lower.len() >= 3 && name.to_lowercase().starts_with(&lower));
    // "Enviro" for Env; the longest, should several begin it.
    let begins = names().filter(|name| name.len() >= 3 && lower.starts_with(&name.to_lowercase()));
    let begins = || begins.max_by_key(|name| name.len());
    begun.or_else(|| nearest(said, names())).or_else(begins)
}

fn differs(node: &Node, shape: &Shape, what: &str, found: &mut Found) {
    found.at(node.place, format!("{what} must be {}, and this is {}", shape.word(), kind(node)));
}

/// What stands there, in a word; not its value, which may be anything.
fn kind(node: &Node) -> &'static str {
    match &node.value {
        Value::Text(_) => "text",
        Value::Char => "text in single quotes",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Parens(parens) if parens.name.is_some() => "a name with content",
        Value::Parens(_) => "fields in ( )",
        Value::Word(word) if crate::base::ron_tree::number(word).is_some() => "a number",
        Value::Word(word) if word == "true" || word == "false" => "a truth value",
        Value::Word(_) => "a name without quotes",
        Value::Missing => "nothing",
    }
}

/// A piece of the file, fit to be repeated.
pub(super) fn shown(said: &str) -> String {
    text::fitted(&text::escaped(said), LONGEST_SHOWN).into_owned()
}
