//! A program that only reads, run by argv: its exit code, and what it puts out as a Prometheus exposition, as JSON, as
//! lines of JSON or as one number.
//!
//! There is no shell. The program is a bare name that lies in one of the system's own folders, or an absolute path to
//! a file that nobody but root can have written. It is never started more often than every ten seconds, gets no input
//! and no environment of ours, and is killed with everything it started when its time is up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::exposition::{Dialect, Exposition};
use super::extraction::{self, EXPECTED, Extraction, JsonDocumentSpec, JsonSeriesSpec};
use super::jq::Json;
use super::kind::{
    Columns, Decoded, Fill, Kind, KindSpec, Own, PROGRAM_INTERVAL, folder_of, free_name, mismatched, names_of,
};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::base::{Unit, text};
use crate::model::{Answer, CommandRequest, Fetch, FetchFailure, Labels, Reply};

/// Most words of a command, and most bytes of one.
const MOST_WORDS: usize = 64;
const LONGEST_WORD: usize = 4_096;

/// Most lines of JSON that a program may put out.
const MOST_LINES: usize = 10_000;

const EXIT_CODE: &str = "opsconsole_command_exit_code";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    /// The program and its arguments; words may hold `{setting}`s.
    pub argv: Vec<String>,
    pub output: OutputSpec,
}

/// What a program puts out on its standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OutputSpec {
    /// Nothing that is read: its exit code is the answer, whatever it is.
    ExitCode,
    /// One number. Any exit code but 0 is a failure, here and below.
    Number(NumberSpec),
    Json {
        #[serde(default)]
        series: Vec<JsonSeriesSpec>,
        #[serde(default)]
        documents: Vec<JsonDocumentSpec>,
    },
    PrometheusText {
        limit_series: usize,
    },
    /// One JSON value on each line; filters see the list of them. Nothing at all is a failure, because some programs
    /// complain of one on their standard error and end with 0; unless nothing is what there may be.
    JsonLines {
        #[serde(default)]
        may_be_empty: bool,
        #[serde(default)]
        series: Vec<JsonSeriesSpec>,
        #[serde(default)]
        documents: Vec<JsonDocumentSpec>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberSpec {
    pub name: String,
    pub help: String,
    #[serde(default)]
    pub unit: Unit,
}

#[derive(Debug)]
struct Command {
    request: CommandRequest,
    output: Output,
}

#[derive(Debug)]
enum Output {
    ExitCode(Columns),
    Number(Columns),
    Json(Extraction),
    PrometheusText(Exposition),
    JsonLines { may_be_empty: bool, extraction: Extraction },
}

impl KindSpec for CommandSpec {
    fn read(&self) -> String {
        format!("run {}", text::shell_line(&self.argv))
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        check_words(&self.argv)?;
        let exit_code = || Columns::of_source(bound, EXIT_CODE);
        let output = match &self.output {
            OutputSpec::ExitCode => Output::ExitCode(Columns::new(bound, [exit_code()])?),
            OutputSpec::Number(number) => {
                free_name(&number.name)?;
                Output::Number(Columns::new(bound, [exit_code(), Labels::named(&number.name)])?)
            }
            OutputSpec::Json { series, documents } => Output::Json(Extraction::compile(bound, series, documents)?),
            OutputSpec::PrometheusText { limit_series } => {
                Output::PrometheusText(Exposition::new(Dialect::PrometheusText, *limit_series)?)
            }
            OutputSpec::JsonLines { may_be_empty, series, documents } => Output::JsonLines {
                may_be_empty: *may_be_empty,
                extraction: Extraction::compile(bound, series, documents)?,
            },
        };
        let request = CommandRequest {
            argv: self.argv.clone(),
            within: folder_of(bound),
            timeout: seconds(bound.spec.timeout_seconds),
            limit_bytes: bound.spec.limit_bytes,
        };
        Ok(Box::new(Command { request, output }))
    }

    fn names(&self) -> Option<Vec<String>> {
        match &self.output {
            OutputSpec::ExitCode => Some(vec![EXIT_CODE.to_owned()]),
            OutputSpec::Number(number) => Some(vec![EXIT_CODE.to_owned(), number.name.clone()]),
            OutputSpec::Json { series, .. } | OutputSpec::JsonLines { series, .. } => {
                Some(names_of(series.iter().map(|series| series.name.as_str())))
            }
            OutputSpec::PrometheusText { .. } => None,
        }
    }

    fn meaning(&self, name: &str) -> Option<(&str, Unit)> {
        match &self.output {
            OutputSpec::Number(number) => (number.name == name).then_some((number.help.as_str(), number.unit)),
            OutputSpec::Json { series, .. } | OutputSpec::JsonLines { series, .. } => extraction::meaning(series, name),
            OutputSpec::ExitCode | OutputSpec::PrometheusText { .. } => None,
        }
    }

    fn extractions(&self) -> Vec<(Labels, &str)> {
        match &self.output {
            OutputSpec::Json { series, .. } | OutputSpec::JsonLines { series, .. } => extraction::extractions(series),
            OutputSpec::ExitCode | OutputSpec::Number(_) | OutputSpec::PrometheusText { .. } => Vec::new(),
        }
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        let word = |template: &String| {
            let word = fill(template)?;
            match word.starts_with('-') && !template.starts_with('-') {
                true => Err(format!("{template:?} becomes the option {:?}", text::escaped(&word))),
                false => Ok(word),
            }
        };
        let argv = self.argv.iter().map(word).collect::<Result<_, _>>()?;
        Ok(SourceKindSpec::Command(CommandSpec { argv, ..self.clone() }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }

    fn least_interval(&self) -> Duration {
        PROGRAM_INTERVAL
    }
}

impl Kind for Command {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::Command(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = match (&reply.answer, &self.output) {
            (Answer::Command(answer), Output::ExitCode(_)) => answer,
            (Answer::Command(answer), _) if answer.code == 0 => answer,
            (Answer::Command(answer), _) => {
                let program = self.request.argv.first().cloned().unwrap_or_default();
                return Err(FetchFailure::Exit { program, code: answer.code, complaint: answer.complaint.clone() });
            }
            (Answer::Http(_) | Answer::Tcp | Answer::File(_) | Answer::FileSystem(_), _) => return Err(mismatched()),
        };
        let code = f64::from(answer.code);
        let silent = answer.stdout.trim_ascii().is_empty();
        let nothing = || FetchFailure::Malformed {
            expected: EXPECTED.to_owned(),
            detail: match answer.complaint.as_str() {
                "" => "it put out nothing".to_owned(),
                complaint => format!("it put out nothing, ended with 0, and said: {complaint}"),
            },
        };
        match &self.output {
            Output::ExitCode(columns) => Ok(columns.lay_out(own, cursor, &[(0, code)])),
            Output::Number(columns) => Ok(columns.lay_out(own, cursor, &[(0, code), (1, number(&answer.stdout)?)])),
            Output::Json(_) if silent => Err(nothing()),
            Output::JsonLines { may_be_empty: false, .. } if silent => Err(nothing()),
            Output::JsonLines { extraction, .. } => {
                extraction.decode_json(&json_lines(&answer.stdout)?, None, reply.sent.wall, own, cursor)
            }
            Output::Json(extraction) => extraction.decode(&answer.stdout, None, reply.sent.wall, own, cursor),
            Output::PrometheusText(exposition) => {
                exposition.decode(&answer.stdout, reply.sent.wall, own, &mut cursor.shape)
            }
        }
    }
}

fn check_words(argv: &[String]) -> Result<(), String> {
    if argv.first().is_none_or(String::is_empty) {
        return Err("the command is empty".to_owned());
    }
    if argv.len() > MOST_WORDS || argv.iter().any(|word| word.len() > LONGEST_WORD) {
        return Err(format!("the command has more than {MOST_WORDS} words, or one longer than {LONGEST_WORD} bytes"));
    }
    match argv.iter().find(|word| word.chars().any(text::is_hostile)) {
        Some(word) => Err(format!("the word {:?} has characters that can not be shown", text::escaped(word))),
        None => Ok(()),
    }
}

/// The values of all lines, as a list. One line that is none spoils them all: half a list would pass for a whole one.
fn json_lines(stdout: &[u8]) -> Result<Json, FetchFailure> {
    let mut values = Vec::new();
    for (number, line) in stdout.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if values.len() == MOST_LINES {
            return Err(FetchFailure::Other { detail: format!("it put out more than {MOST_LINES} lines") });
        }
        values.push(Json::parse(line).map_err(|error| FetchFailure::Malformed {
            expected: EXPECTED.to_owned(),
            detail: format!("line {}: {error}", number + 1),
        })?);
    }
    Ok(Json::list(values))
}

/// The one number that a program put out.
fn number(stdout: &[u8]) -> Result<f64, FetchFailure> {
    let said = String::from_utf8_lossy(stdout);
    let said = said.trim();
    let finite = said.parse::<f64>().ok().filter(|value| value.is_finite());
    finite.ok_or_else(|| {
        let shown = text::fitted(&text::escaped(said), 40).into_owned();
        let detail = if said.is_empty() { "it put out nothing".to_owned() } else { format!("it put out {shown:?}") };
        FetchFailure::Malformed { expected: "a number".to_owned(), detail }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_number_and_nothing_else() {
        let check = |said: &str, want: Result<f64, &str>| match (number(said.as_bytes()), want) {
            (Ok(found), Ok(want)) => assert_eq!(found, want),
            (Err(failure), Err(word)) => assert!(failure.to_string().contains(word), "{failure}"),
            (found, _) => panic!("{said}: {found:?}"),
        };
        check("42\n", Ok(42.0));
        check(" -1.5e3 ", Ok(-1500.0));
        check("", Err("not a number: it put out nothing"));
        check("42 blocks", Err("42 blocks"));
        check("NaN", Err("NaN"));
        check("inf", Err("inf"));
        check("\u{1b}[2J", Err("\\\\x1b"));
    }

    #[test]
    fn a_setting_can_not_become_an_option() {
        let spec = CommandSpec {
            argv: ["df", "--output=avail", "{folder}"].map(str::to_owned).to_vec(),
            output: OutputSpec::ExitCode,
        };
        let filled = |value: &str| spec.filled(&|word| Ok(word.replace("{folder}", value)));
        let SourceKindSpec::Command(good) = filled("/data").expect("a path") else { panic!("another kind") };
        assert_eq!(good.argv, ["df", "--output=avail", "/data"]);
        assert_eq!(good.read(), "run df --output=avail /data");
        assert!(filled("--help").expect_err("an option").contains("becomes the option"));
    }

    #[test]
    fn a_command_that_can_not_be_shown_is_refused() {
        let check = |argv: &[&str], want: &str| {
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
            assert!(check_words(&argv).expect_err(want).contains(want));
        };
        check(&[], "is empty");
        check(&[""], "is empty");
        check(&["a", "b\u{202e}c"], "can not be shown");
        check(&["a"; 65], "more than 64 words");
    }
}
