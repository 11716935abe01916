//! What a filter may call: the list, and the natives behind it. Everything else does not exist.

use jaq_core::box_iter::box_once;
use jaq_core::native::{Filter, Fun, bome, run, unary, v};
use jaq_core::{Error, Exn, RunPtr, ValR};
use jaq_json::{Num, Val};

use super::Guarded;
use super::guard::{CHARGE, MULTIPLY};

/// Elements or bytes that count as one unit of work.
const PER_UNIT: usize = 64;

/// Longest text that is read as a number.
const LONGEST_NUMBER: usize = 64;

/// Filters that a person may call and that the standard library defines in jq itself, with their arity.
const DEFINED: &[(&str, usize)] = &[
    ("empty", 0),
    ("true", 0),
    ("false", 0),
    ("null", 0),
    ("not", 0),
    ("select", 1),
    ("tostring", 0),
    ("map", 1),
    ("first", 0),
    ("last", 0),
    ("nth", 1),
    ("to_entries", 0),
    ("from_entries", 0),
    ("with_entries", 1),
    ("isempty", 1),
    ("all", 0),
    ("all", 1),
    ("all", 2),
    ("any", 0),
    ("any", 1),
    ("any", 2),
    ("type", 0),
    ("values", 0),
    ("nulls", 0),
    ("booleans", 0),
    ("numbers", 0),
    ("strings", 0),
    ("arrays", 0),
    ("objects", 0),
    ("iterables", 0),
    ("scalars", 0),
    ("finites", 0),
    ("isnan", 0),
    ("isinfinite", 0),
    ("isfinite", 0),
    ("infinite", 0),
    ("nan", 0),
    ("abs", 0),
    ("add", 0),
    ("add", 1),
    ("min", 0),
    ("max", 0),
    ("min_by", 1),
    ("max_by", 1),
    ("unique", 0),
    ("unique_by", 1),
    ("keys", 0),
    ("flatten", 0),
    ("flatten", 1),
    ("split", 1),
    ("fromdate", 0),
    ("in", 1),
];

/// Definitions that those stand on, and that nobody may call.
const BENEATH: &[(&str, usize)] = &[
    ("recurse", 1),
    ("error", 1),
    ("isboolean", 0),
    ("isnumber", 0),
    ("isstring", 0),
    ("isarray", 0),
    ("isobject", 0),
];

/// Filters that a person may call and that are native, with their arity.
const NATIVE: &[(&str, usize)] = &[
    ("length", 0),
    ("has", 1),
    ("contains", 1),
    ("floor", 0),
    ("round", 0),
    ("ceil", 0),
    ("fabs", 0),
    ("startswith", 1),
    ("endswith", 1),
    ("ltrimstr", 1),
    ("rtrimstr", 1),
    ("trim", 0),
    ("ascii_downcase", 0),
    ("ascii_upcase", 0),
    ("sort", 0),
    ("sort_by", 1),
    ("group_by", 1),
    ("reverse", 0),
    ("keys_unsorted", 0),
    ("first", 1),
    ("last", 1),
    ("limit", 2),
    ("fromdateiso8601", 0),
    ("tonumber", 0),
    ("join", 1),
];

/// Natives that definitions stand on, and that nobody may call.
const NATIVE_BENEATH: &[(&str, usize)] =
    &[("min_by_or_empty", 1), ("max_by_or_empty", 1), ("key_values", 0), ("error_empty", 0)];

/// Whether a person's filter may call this.
pub(super) fn callable(name: &str, arity: usize) -> bool {
    DEFINED.contains(&(name, arity)) || NATIVE.contains(&(name, arity))
}

/// Whether this definition of the standard library is taken over. Ours replace `tonumber`, which would parse any JSON
/// out of a text, and `join`, which assigns.
pub(super) fn defined(name: &str, arity: usize) -> bool {
    DEFINED.contains(&(name, arity)) || BENEATH.contains(&(name, arity))
}

/// The names of all that may be called.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DEFINED.iter().chain(NATIVE).map(|(name, _)| *name)
}

/// The native filters that are `called`, and no others: a program keeps all that it is given.
pub(super) fn natives(called: impl Fn(&str, usize) -> bool) -> impl Iterator<Item = Fun<Guarded>> {
    let library = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let listed = |(name, args, _): &Fun<Guarded>| {
        NATIVE.contains(&(*name, args.len())) || NATIVE_BENEATH.contains(&(*name, args.len()))
    };
    ours().into_iter().chain(library.filter(listed)).filter(move |(name, args, _)| called(name, args.len()))
}

fn ours() -> [Fun<Guarded>; 4] {
    let natives: [Filter<RunPtr<Guarded>>; 4] = [
        (CHARGE, v(0), |(context, value)| {
            let affordable = context.data().charge(cost(&value));
            box_once(if affordable { Ok(value) } else { Err(Exn::halt(0)) })
        }),
        (MULTIPLY, v(2), |mut cv| {
            let right = cv.0.pop_var();
            let left = cv.0.pop_var();
            bome(multiply(left, right))
        }),
        ("tonumber", v(0), |(_, value)| bome(to_number(value))),
        ("join", v(1), |cv| unary(cv, |items, between| join(&items, &between))),
    ];
    natives.map(run::<Guarded>)
}

fn cost(value: &Val) -> u64 {
    let size = match value {
        Val::Null | Val::Bool(_) | Val::Num(_) => 0,
        Val::BStr(bytes) | Val::TStr(bytes) => bytes.len(),
        Val::Arr(items) => items.len(),
        Val::Obj(entries) => entries.len(),
    };
    1 + u64::try_from(size / PER_UNIT).unwrap_or(u64::MAX)
}

/// The product of two numbers. Where whole numbers would outgrow a machine word, the product is a float: exact products
/// of any length would let thirty multiplications fill the memory.
fn multiply(left: Val, right: Val) -> ValR<Val> {
    use jaq_std::ValT as _;
    if let (Val::Num(Num::Int(a)), Val::Num(Num::Int(b))) = (&left, &right)
        && let Some(product) = a.checked_mul(*b)
    {
        return Ok(Val::from(product));
    }
    match (left.as_f64(), right.as_f64()) {
        (Some(a), Some(b)) => Ok(Val::from(a * b)),
        _ => Err(Error::str("only numbers can be multiplied")),
    }
}

/// A number as it is, and a text that is a decimal number as that number.
fn to_number(value: Val) -> ValR<Val> {
    let Val::TStr(bytes) = &value else {
        return match value {
            Val::Num(_) => Ok(value),
            _ => Err(Error::str("not a number")),
        };
    };
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST_NUMBER);
    // A decimal number and nothing else: Rust would also read `inf` and `nan`.
    let decimal = text.filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)));
    let number = decimal.and_then(|text| match text.parse::<isize>() {
        Ok(whole) => Some(Val::from(whole)),
        Err(_) => text.parse::<f64>().ok().map(Val::from),
    });
    number.ok_or_else(|| Error::str("not a number"))
}

/// The texts of an array's scalars with `between` between them; null is an empty text.
fn join(items: &Val, between: &Val) -> ValR<Val> {
    let (Val::Arr(items), Val::TStr(between)) = (items, between) else {
        return Err(Error::str("join takes an array and a text"));
    };
    let mut out: Vec<u8> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(between);
        }
        match item {
            Val::Null => {}
            Val::TStr(text) | Val::BStr(text) => out.extend_from_slice(text),
            Val::Bool(_) | Val::Num(_) => out.extend_from_slice(item.to_string().as_bytes()),
            Val::Arr(_) | Val::Obj(_) => return Err(Error::str("join takes an array of texts and numbers")),
        }
    }
    Ok(Val::utf8_str(out))
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;

    #[test]
    fn every_listed_filter_compiles_with_all_it_stands_on() {
        for (name, arity) in DEFINED.iter().chain(NATIVE) {
            let args = vec!["."; *arity].join("; ");
            let code = if *arity == 0 { (*name).to_owned() } else { format!("{name}({args})") };
            assert!(Filter::compile(&code, &[]).is_ok(), "{code}: {:?}", Filter::compile(&code, &[]));
        }
    }
}
