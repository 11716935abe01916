//! jq under guard: filters over a node's answer that can neither touch the world nor run away.
//!
//! ```text
//! code ──parse──► term ──guard (allow-list, charges)──► Filter ──first(input, $variables)──► value or nothing
//! ```
//!
//! Only listed, pure filters can be called. Nobody can define a filter, recurse, fold, loop or assign, so that every
//! filter ends. What remains, products such as `.a[] as $x | .b[]`, is held by a budget: the guard writes a charge
//! behind every place where values multiply or grow, and a run whose [`BUDGET`] is spent stops where it stands. The
//! budget counts work, not time, so the same answer overruns everywhere or nowhere; the clock is the poller's.
//!
//! Must never: offer a filter that reads a clock, the environment or another input; parse without a limit on depth.
//!
//! To offer a filter: its name and arity in [`allowed`], with a case in the tests there.

mod allowed;
mod guard;
mod json;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jaq_core::data::HasLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, DataT, Lut, Vars};
use jaq_json::Val;

pub use json::{Json, JsonError, MAX_DEPTH};

/// What one run of one filter may cost: one unit per value visited, and one per 64 elements or bytes made.
pub const BUDGET: u64 = 400_000;

/// Longest filter that is compiled, in bytes. It bounds the parser's recursion.
const LONGEST_CODE: usize = 1024;

/// Deepest nesting of brackets in a filter.
const DEEPEST_CODE: usize = 32;

/// The name that a compiled filter has among the definitions.
const MAIN: &str = "main";

/// What a filter compiles to.
type Program = jaq_core::Filter<Guarded>;

/// What a program was compiled from: its text, and its variables with their `$`.
type Name = (String, Vec<String>);

/// A compiled filter.
pub struct Filter {
    code: String,
    variables: usize,
    program: Arc<Program>,
}

/// Programs that are in use, by their text and their variables: a program brings all definitions of the language along,
/// and the same few are compiled for every target of a system.
static IN_USE: Mutex<BTreeMap<Name, Weak<Program>>> = Mutex::new(BTreeMap::new());

fn compiled(code: &str, vars: &[&str]) -> Result<Program, String> {
    let approved = guard::approve(code, MAIN)?;
    let arena = Arena::default();
    let modules = Loader::new(approved.definitions)
        .load(&arena, File { code: MAIN, path: () })
        .map_err(|_| format!("{code:?} can not be loaded"))?;
    Compiler::default()
        .with_funs(allowed::natives(|name, arity| approved.calls.contains(&(name, arity))))
        .with_global_vars(vars.iter().copied())
        .compile(modules)
        .map_err(|errors| undefined(&errors))
}

/// Why a filter gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JqError {
    /// The input is not of the shape that the filter reads.
    #[error("{detail}")]
    Failed { detail: String },
    /// The budget is spent.
    #[error("the filter does too much work on this answer")]
    Overrun,
}

/// The kind of data that guarded filters work on.
pub(crate) struct Guarded;

impl DataT for Guarded {
    type V<'a> = Val;
    type Data<'a> = Run<'a>;
}

/// One run: the program, and what is left of its budget.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    lut: &'a Lut<Guarded>,
    left: &'a Cell<u64>,
}

impl<'a> HasLut<'a, Guarded> for Run<'a> {
    fn lut(&self) -> &'a Lut<Guarded> {
        self.lut
    }
}

impl Run<'_> {
    /// Whether the budget still held `cost`.
    fn charge(&self, cost: u64) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(cost));
        left > cost
    }
}

impl Filter {
    /// Compiles `code`, which may use the variables `vars`, named with their `$`.
    ///
    /// # Errors
    /// In words: bad syntax, a name that is unknown or not allowed, or a filter that is too long or nested too deep.
    pub fn compile(code: &str, vars: &[&str]) -> Result<Filter, String> {
        if code.len() > LONGEST_CODE {
            return Err(format!("the filter is longer than {LONGEST_CODE} bytes"));
        }
        if json::depth(code.as_bytes()) > DEEPEST_CODE {
            return Err(format!("the filter nests brackets deeper than {DEEPEST_CODE}"));
        }
        let name = (code.to_owned(), vars.iter().map(|name| (*name).to_owned()).collect());
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, program| program.strong_count() > 0);
        let program = match in_use.get(&name).and_then(Weak::upgrade) {
            Some(program) => program,
            None => {
                let program = Arc::new(compiled(code, vars)?);
                in_use.insert(name, Arc::downgrade(&program));
                program
            }
        };
        Ok(Filter { code: code.to_owned(), variables: vars.len(), program })
    }

    /// As written.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The first value that the filter gives for `input`, if it gives one. `vars` are the values of the variables it
    /// was compiled with, in the same order.
    ///
    /// # Errors
    /// The input has not the expected shape, or the filter's budget is spent.
    pub fn first(&self, input: &Json, vars: &[Json]) -> Result<Option<Json>, JqError> {
        if vars.len() != self.variables {
            let detail = format!("the filter takes {} variables and got {}", self.variables, vars.len());
            return Err(JqError::Failed { detail });
        }
        let left = Cell::new(BUDGET);
        let run = Run { lut: &self.program.lut, left: &left };
        let context = Ctx::<Guarded>::new(run, Vars::new(vars.iter().map(|json| json.0.clone())));
        let first = self.program.id.run((context, input.0.clone())).next();
        match first {
            _ if left.get() == 0 => Err(JqError::Overrun),
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(Json(value))),
            Some(Err(exception)) => match exception.get_err() {
                Ok(error) => Err(JqError::Failed { detail: error.to_string().chars().take(200).collect() }),
                Err(_) => Err(JqError::Overrun),
            },
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({})", self.code)
    }
}

fn undefined(errors: &jaq_core::compile::Errors<&str, ()>) -> String {
    match errors.iter().flat_map(|(_, errors)| errors).next() {
        Some((name, kind)) => format!("the {} {name} is not known here", kind.as_str()),
        None => "the filter can not be compiled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(code: &str, input: &str) -> Result<Option<serde_json::Value>, JqError> {
        let filter = Filter::compile(code, &["$seconds"]).expect(code);
        let input = Json::parse(input.as_bytes()).expect(input);
        filter.first(&input, &[Json::from(7.0)]).map(|found| found.map(|json| json.to_value()))
    }

    #[test]
    fn filters_of_one_text_share_their_program_while_they_live() {
        let program = |code: &str, vars: &[&str]| Filter::compile(code, vars).expect("a filter").program;
        let (first, again) = (program(".shared", &[]), program(".shared", &[]));
        assert!(Arc::ptr_eq(&first, &again));
        assert!(!Arc::ptr_eq(&first, &program(".shared", &["$seconds"])));
        let seen = Arc::downgrade(&first);
        drop((first, again));
        assert!(seen.upgrade().is_none(), "nothing outlives the filters");
    }

    #[test]
    fn filters_give_what_jq_gives() {
        let check = |code: &str, input: &str, want: &str| {
            let want: serde_json::Value = serde_json::from_str(want).expect(want);
            assert_eq!(run(code, input), Ok(Some(want)), "{code} over {input}");
        };
        check(".height", r#"{"height":93}"#, "93");
        check(".a.b", r#"{"a":null}"#, "null");
        check("$seconds - .t/1000", r#"{"t":5000}"#, "2.0");
        check(".a // .b", r#"{"b":4}"#, "4");
        check("if .ok then 1 else 0 end", r#"{"ok":false}"#, "0");
        check("[.u[] | select(.ok == false)] | length", r#"{"u":[{"ok":true},{"ok":false}]}"#, "1");
        check(".u | map(.n) | add", r#"{"u":[{"n":1},{"n":2}]}"#, "3");
        check("[.[] | .n] | max", r#"[{"n":1},{"n":5},{"n":2}]"#, "5");
        check("group_by(.k) | map(length)", r#"[{"k":1},{"k":2},{"k":1}]"#, "[2,1]");
        check("with_entries(select(.value > 1))", r#"{"a":1,"b":2}"#, r#"{"b":2}"#);
        check("[.[] | tonumber]", r#"["12", 3, "-1.5e1"]"#, "[12,3,-15.0]");
        check(r#"join(", ")"#, r#"["a",1,null,true]"#, r#""a, 1, , true""#);
        check(r#""\(.a) of \(.b)""#, r#"{"a":1,"b":[2]}"#, r#""1 of [2]""#);
        check("fromdate", r#""2025-09-09T08:43:09Z""#, "1757407389");
        check("flatten", "[1,[2,[3]]]", "[1,2,3]");
        check("3 * .a", r#"{"a":2}"#, "6");
        check(".s | ascii_downcase | startswith(\"ab\")", r#"{"s":"ABc"}"#, "true");
        check("try (.a.b) catch 1", r#"{"a":3}"#, "1");
    }

    #[test]
    fn what_is_not_pure_or_not_bounded_does_not_compile() {
        for code in [
            "env",
            "$ENV",
            "$ENV.HOME",
            "now",
            "input",
            "inputs",
            "debug",
            "stderr",
            "halt",
            "halt_error",
            "input_filename",
            "$__prog_args",
            "localtime",
            "mktime",
            "strflocaltime(\"%c\")",
            "range(9)",
            "repeat(.)",
            "recurse",
            "..",
            "until(true; .)",
            "while(true; .)",
            "def f: f; f",
            "reduce .[] as $x (0; .)",
            "foreach .[] as $x (0; .)",
            "label $f | break $f",
            ".a = 1",
            ".a |= 2",
            ".a += 1",
            "@base64",
            "fromjson",
            "test(\"a\")",
            "key_values",
            "!charge",
            "main",
            "$other",
            "import \"a\" as a; .",
            "error(1)",
            "splits(\"a\")",
            "limit(3; repeat(1))",
        ] {
            assert!(Filter::compile(code, &["$seconds"]).is_err(), "{code} compiled");
        }
        assert!(Filter::compile(&"(".repeat(40), &[]).is_err());
        assert!(Filter::compile(&"-".repeat(2000), &[]).is_err());
    }

    #[test]
    fn a_refused_filter_names_the_word() {
        let check = |code: &str, word: &str| {
            let error = Filter::compile(code, &[]).expect_err(code);
            assert!(error.contains(word), "{error}");
        };
        check(".a | now", "now/0");
        check(".a | lenght", "lenght/0");
        check("$when", "$when");
        check(".a |", "syntax");
        check("def f: 1; f", "def");
    }

    #[test]
    fn work_is_bounded_whatever_the_answer_holds() {
        let many = format!("[{}]", vec!["1"; 3000].join(","));
        assert_eq!(run("[.[] as $a | .[] as $b | $a + $b] | length", &many), Err(JqError::Overrun));
        assert_eq!(run("try ([.[] as $a | .[]] | length) catch 3", &many), Err(JqError::Overrun));
        assert_eq!(
            run(
                "[(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)\
             |(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)] | length",
                "1"
            ),
            Err(JqError::Overrun)
        );
        let doubling = vec![". + ."; 60].join(" | ");
        assert_eq!(run(&doubling, r#""aaaaaaaaaaaaaaaa""#), Err(JqError::Overrun));
        assert!(matches!(run(". * 1000000000000", r#""a""#), Err(JqError::Failed { .. })));
        let squares = vec![". * ."; 60].join(" | ");
        assert_eq!(run(&squares, "10"), Ok(Some(serde_json::Value::Null)), "an infinite number has no JSON");
        assert_eq!(run("map(. + 1) | length", &many), Ok(Some(3000.into())));
    }

    #[test]
    fn a_wrong_shape_is_an_error_and_not_a_value() {
        assert!(matches!(run(".a.b", r#"{"a":3}"#), Err(JqError::Failed { .. })));
        assert!(matches!(run("tonumber", r#""0x10""#), Err(JqError::Failed { .. })));
        assert!(matches!(run("tonumber", r#""[[[[""#), Err(JqError::Failed { .. })));
        assert_eq!(run("empty", "1"), Ok(None));
        assert_eq!(run(".[]?", "1"), Ok(None));
    }
}
