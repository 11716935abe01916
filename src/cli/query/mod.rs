//! `opsconsole query`: an expression over a file, over what the targets answer now, or at a server.
//!
//! No label is injected, and comparisons have two values, as in Prometheus.
//!
//! Must never: guess a time, a server or a place for samples; print another answer than the one that was asked for.
//!
//! To add a place to ask: a variant of [`Origin`]. To add a form: one function in `form`, one variant of [`Format`].

mod form;
mod time;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use color_eyre::eyre::{Result, WrapErr, bail, eyre};

use super::{Common, load};
use crate::base::Wall;
use crate::model::{Scope, Store};
use crate::promql::data::{self, Answer};
use crate::promql::{Dialect, Expr, ExprError, Steps, evaluate, evaluate_range, place};
use crate::shell::fetch::http::HttpClient;
use crate::shell::{self, clock, headless, prometheus};
use crate::sources::exposition::history;
use crate::sources::server::{Bounds, Server, When};
use time::Asked;

/// A server that takes longer has its own limit, and is not waited for.
const SERVER_BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(60), limit_bytes: 64 << 20 };

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The PromQL expression
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expr: String,
    /// At this time: RFC 3339 or seconds since 1970; now by default, with --data the newest sample's time
    #[arg(long, value_name = "TIME", value_parser = time::moment, conflicts_with_all = ["from", "to", "step"])]
    at: Option<Wall>,
    /// From this time on, in steps
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    from: Option<Wall>,
    /// Up to this time; what --at is by default
    #[arg(long, value_name = "TIME", value_parser = time::moment, requires = "from")]
    to: Option<Wall>,
    /// The length of a step: 15s, 1m30s, or seconds; so that there are about a hundred by default
    #[arg(long, value_name = "DURATION", value_parser = time::step, requires = "from")]
    step: Option<Duration>,
    /// Samples to ask: a Prometheus exposition or OpenMetrics, with times as a history
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// A Prometheus-compatible server to ask
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The Prometheus whose meaning the expression has
    #[arg(long, value_name = "2|3", default_value = "3", conflicts_with = "url")]
    prometheus: Dialect,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned, for people
    Table,
    /// As Prometheus' HTTP API gives it
    Json,
    /// Drawn over time
    Chart,
}

/// What is asked.
enum Origin {
    /// A store, and the time that is meant where none is said.
    Store(Box<Store>, Wall),
    /// A server, and now.
    Server(String, Wall),
}

/// Evaluates and prints.
///
/// # Errors
/// The expression is none, or has no answer; what is to be asked can not be.
pub fn run(common: &Common, args: &QueryArgs) -> Result<ExitCode> {
    let when = Asked { at: args.at, from: args.from, to: args.to, step: args.step };
    let chart = args.format == Format::Chart;
    let (answer, when) = match &args.url {
        Some(url) => {
            let origin = Origin::Server(url.clone(), clock::now().wall);
            origin.answer(&args.expr, None, when, chart)?
        }
        None => {
            // A mistake in the expression is told before anything is read or polled.
            let expr = parsed(&args.expr, args.prometheus)?;
            origin(common, args)?.answer(&args.expr, Some(&expr), when, chart)?
        }
    };
    match args.format {
        Format::Table => say!("{}", form::table(&answer)),
        Format::Json => say_line!("{}", answer.to_json()),
        Format::Chart => say!("{}", form::chart(&answer, &args.expr, when, common.ascii)),
    }
    Ok(ExitCode::SUCCESS)
}

fn origin(common: &Common, args: &QueryArgs) -> Result<Origin> {
    let Some(file) = &args.data else {
        let (setup, fetcher) = load::setup(common, load::targets(common)?)?.for_a_look();
        let app = shell::runtime()?.block_on(headless::look(setup, &fetcher, Duration::ZERO))?;
        let model = app.model();
        return Ok(Origin::Store(Box::new(model.store.clone()), model.now.wall));
    };
    let now = clock::now().wall;
    let text = load::read(file)?;
    let history = history(&text, args.at.or(args.to).unwrap_or(now)).wrap_err_with(|| file.display().to_string())?;
    let newest = history.last().unwrap_or(now);
    Ok(Origin::Store(Box::new(data::store(history)), newest))
}

impl Origin {
    fn answer(&self, text: &str, expr: Option<&Expr>, asked: Asked, chart: bool) -> Result<(Answer, When)> {
        let end = match self {
            Origin::Store(_, end) | Origin::Server(_, end) => *end,
        };
        let when = asked.when(end, chart).map_err(|what| eyre!(what))?;
        let answer = match (self, expr) {
            (Origin::Server(url, _), _) => asked_there(url, text, when)?,
            (Origin::Store(store, _), Some(expr)) => evaluated(expr, store, when)?,
            (Origin::Store(..), None) => bail!("there is no expression"),
        };
        Ok((answer, when))
    }
}

/// What a server answers.
fn asked_there(url: &str, expr: &str, when: When) -> Result<Answer> {
    let (client, server) = (HttpClient::new(), Server { url: url.to_owned(), credentials: None });
    let asking = prometheus::ask(&client, &server, expr, when, SERVER_BOUNDS);
    shell::runtime()?.block_on(asking).wrap_err_with(|| format!("--url {url}"))
}

fn evaluated(expr: &Expr, store: &Store, when: When) -> Result<Answer> {
    let said = |error| eyre!("{}: {error}", expr.source());
    match when {
        When::At(at) => Ok(Answer::instant(evaluate(expr, store, &Scope::Fleet, at).map_err(said)?, at)),
        When::Steps { from, to, step_millis } => {
            let steps = Steps::between(from, to, step_millis);
            Ok(Answer::range(evaluate_range(expr, store, &Scope::Fleet, steps).map_err(said)?))
        }
    }
}

fn parsed(text: &str, dialect: Dialect) -> Result<Expr> {
    Expr::parse_as(text, dialect).map_err(|error| eyre!(pointed_out(text, &error)))
}

/// What is wrong with an expression, and below it the line with a mark at the place.
fn pointed_out(text: &str, error: &ExprError) -> String {
    let Some(at) = place::place(text, error).filter(|at| text.is_char_boundary(*at)) else {
        return format!("{error}\n  {text}");
    };
    let before = &text[..at];
    let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or(before));
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    let column = crate::base::text::width(column);
    format!("{line}:{}: {error}\n  {shown}\n  {}^", column + 1, " ".repeat(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_pointed_at() {
        let check = |text: &str, want: &str| {
            let error = Expr::parse(text).expect_err(text);
            assert_eq!(pointed_out(text, &error), want);
        };
        check("x + * y", "1:5: not PromQL: invalid promql query\n  x + * y\n      ^");
        check("1 +\nlimitk(2, x)", "2:1: aggregation limitk is not supported\n  limitk(2, x)\n  ^");
        check("x[5m]", "1:1: range selector x[5m] without a function over it is not supported\n  x[5m]\n  ^");
    }
}
