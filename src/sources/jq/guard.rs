//! Reads a filter, holds it to the allow-list, and writes charges behind every place where values multiply or grow.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jaq_core::load::Lexer;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Parser, Pattern, Term};
use jaq_core::{ops, path};

use super::allowed;

/// The filter that charges its input's size and passes it on. Its name can not be written in a filter.
pub(super) const CHARGE: &str = "!charge";

/// Multiplication of numbers alone: jq's own would make a text of any length where a node answers with a text.
pub(super) const MULTIPLY: &str = "!multiply";

/// The definitions of the standard library that an allowed filter may stand on, parsed once.
static LIBRARY: LazyLock<Vec<Def<&'static str>>> = LazyLock::new(|| {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    all.filter(|def| allowed::defined(def.name, def.args.len())).collect()
});

/// A filter that may run.
pub(super) struct Approved<'s> {
    /// It, after the definitions that it needs.
    pub definitions: Vec<Def<&'s str>>,
    /// Name and arity of all that any of them calls.
    pub calls: BTreeSet<(&'s str, usize)>,
}

/// Reads `code` as the definition `name`.
pub(super) fn approve<'s>(code: &'s str, name: &'s str) -> Result<Approved<'s>, String> {
    let tokens = Lexer::new(code).lex().map_err(|errors| match errors.first() {
        Some((expected, found)) => format!("syntax: expected {} at {:?}", expected.as_str(), near(found)),
        None => "syntax: the filter can not be read".to_owned(),
    })?;
    let term = Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| match errors.first() {
        Some((expected, Some(found))) => {
            format!("syntax: expected {} at {:?}", expected.as_str(), near(found.as_str()))
        }
        Some((expected, None)) => format!("syntax: expected {} at the end", expected.as_str()),
        None => "syntax: the filter can not be read".to_owned(),
    })?;
    let mut main = Guard { written: true, refused: None, calls: BTreeSet::new() };
    let body = main.term(term);
    if let Some(refused) = main.refused {
        return Err(refused);
    }
    let mut library = Guard { written: false, refused: None, calls: main.calls };
    // Definitions stand on earlier ones only, so that one pass from the last to the first finds all that are needed.
    let mut needed = vec![Def { name, args: Vec::new(), body }];
    for def in LIBRARY.iter().rev() {
        if library.calls.contains(&(def.name, def.args.len())) {
            needed.push(library.def(def.clone()));
        }
    }
    needed.reverse();
    library.calls.extend([(CHARGE, 0), (MULTIPLY, 2)]);
    match library.refused {
        Some(refused) => Err(refused),
        None => Ok(Approved { definitions: needed, calls: library.calls }),
    }
}

fn near(text: &str) -> String {
    text.chars().take(20).collect()
}

struct Guard<'s> {
    /// Whether the term was written by a person, not taken from the library.
    written: bool,
    /// The first thing that is not allowed.
    refused: Option<String>,
    /// Name and arity of every call.
    calls: BTreeSet<(&'s str, usize)>,
}

impl<'s> Guard<'s> {
    fn refuse(&mut self, what: impl Into<String>) -> Term<&'s str> {
        self.refused.get_or_insert(what.into());
        Term::Id
    }

    fn boxed(&mut self, term: Term<&'s str>) -> Box<Term<&'s str>> {
        Box::new(self.term(term))
    }

    fn def(&mut self, def: Def<&'s str>) -> Def<&'s str> {
        Def { name: def.name, args: def.args, body: self.term(def.body) }
    }

    fn term(&mut self, term: Term<&'s str>) -> Term<&'s str> {
        match term {
            Term::Id | Term::Num(_) | Term::Var(_) => term,
            Term::Recurse => self.refuse("`..` is not allowed: name the fields"),
            Term::Str(Some(format), _) => self.refuse(format!("the format {format} is not allowed")),
            Term::Str(None, parts) => self.text(parts),
            Term::Arr(items) => Term::Arr(items.map(|items| self.boxed(*items))),
            Term::Obj(entries) => Term::Obj(
                entries.into_iter().map(|(key, value)| (self.term(key), value.map(|value| self.term(value)))).collect(),
            ),
            Term::Neg(of) => Term::Neg(self.boxed(*of)),
            Term::BinOp(left, op, right) => self.operation(*left, op, *right),
            Term::Label(..) | Term::Break(_) => self.refuse("`label` and `break` are not allowed"),
            Term::Fold(word, ..) if self.written => {
                self.refuse(format!("`{word}` is not allowed: use add, map or length"))
            }
            Term::Fold(word, over, pattern, parts) => {
                let over = self.boxed(*over);
                Term::Fold(word, over, self.pattern(pattern), parts.into_iter().map(|part| self.term(part)).collect())
            }
            Term::TryCatch(of, catch) => Term::TryCatch(self.boxed(*of), catch.map(|catch| self.boxed(*catch))),
            Term::IfThenElse(cases, otherwise) => Term::IfThenElse(
                cases.into_iter().map(|(when, then)| (self.term(when), self.term(then))).collect(),
                otherwise.map(|otherwise| self.boxed(*otherwise)),
            ),
            Term::Def(..) if self.written => self.refuse("`def` is not allowed"),
            Term::Def(defs, of) => {
                let defs = defs.into_iter().map(|def| self.def(def)).collect();
                Term::Def(defs, self.boxed(*of))
            }
            Term::Call(name, args) => self.call(name, args),
            Term::Path(of, path) => self.path(*of, path),
        }
    }

    fn text(&mut self, parts: Vec<StrPart<&'s str, Term<&'s str>>>) -> Term<&'s str> {
        let plain = parts.iter().all(|part| !matches!(part, StrPart::Term(_)));
        let parts = parts
            .into_iter()
            .map(|part| match part {
                StrPart::Term(term) => StrPart::Term(self.term(term)),
                StrPart::Str(text) => StrPart::Str(text),
                StrPart::Char(c) => StrPart::Char(c),
            })
            .collect();
        if plain { Term::Str(None, parts) } else { charged(Term::Str(None, parts)) }
    }

    fn operation(&mut self, left: Term<&'s str>, op: BinaryOp<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
        let (left, right) = (self.term(left), self.boxed(right));
        match op {
            BinaryOp::Pipe(pattern) => {
                let pattern = pattern.map(|pattern| self.pattern(pattern));
                Term::BinOp(Box::new(left), BinaryOp::Pipe(pattern), right)
            }
            BinaryOp::Comma => Term::BinOp(Box::new(charged(left)), op, Box::new(charged(*right))),
            BinaryOp::Math(ops::Math::Mul) => Term::Call(MULTIPLY, vec![left, *right]),
            BinaryOp::Math(ops::Math::Add | ops::Math::Sub | ops::Math::Div | ops::Math::Rem) => {
                charged(Term::BinOp(Box::new(left), op, right))
            }
            BinaryOp::Alt | BinaryOp::Or | BinaryOp::And | BinaryOp::Cmp(_) => Term::BinOp(Box::new(left), op, right),
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                self.refuse("assignment is not allowed: a filter only reads")
            }
        }
    }

    fn pattern(&mut self, pattern: Pattern<&'s str>) -> Pattern<&'s str> {
        match pattern {
            Pattern::Var(name) => Pattern::Var(name),
            Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(|item| self.pattern(item)).collect()),
            Pattern::Obj(entries) => {
                Pattern::Obj(entries.into_iter().map(|(key, item)| (self.term(key), self.pattern(item))).collect())
            }
        }
    }

    fn call(&mut self, name: &'s str, args: Vec<Term<&'s str>>) -> Term<&'s str> {
        if self.written && !allowed::callable(name, args.len()) {
            let names = allowed::names();
            let hint = match crate::base::problem::nearest(name, names) {
                Some(near) if near != name => format!("; did you mean {near}?"),
                Some(_) | None => String::new(),
            };
            return self.refuse(format!("the filter {name}/{} is unknown or not allowed{hint}", args.len()));
        }
        self.calls.insert((name, args.len()));
        let args = args.into_iter().map(|arg| self.term(arg)).collect();
        piped(Term::Call(CHARGE, Vec::new()), Term::Call(name, args))
    }

    fn path(&mut self, of: Term<&'s str>, path: path::Path<Term<&'s str>>) -> Term<&'s str> {
        let of = self.boxed(of);
        let many = path.0.iter().any(|(part, _)| matches!(part, path::Part::Range(..)));
        let parts = path.0.into_iter().map(|(part, optional)| {
            let part = match part {
                path::Part::Index(at) => path::Part::Index(self.term(at)),
                path::Part::Range(from, to) => {
                    let from = from.map(|from| self.term(from));
                    path::Part::Range(from, to.map(|to| self.term(to)))
                }
            };
            (part, optional)
        });
        let path = Term::Path(of, path::Path(parts.collect()));
        if many { charged(path) } else { path }
    }
}

fn piped<'s>(left: Term<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

fn charged(term: Term<&str>) -> Term<&str> {
    piped(term, Term::Call(CHARGE, Vec::new()))
}
