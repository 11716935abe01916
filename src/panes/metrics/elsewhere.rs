//! A chart that the server of the target evaluates: what it is asked, how often, and what it answered.
//!
//! One question is under way at most. It is asked again when the expression or the range changes, and otherwise when a
//! column has closed, but no more often than every [`EVERY`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Explorer, Question};
use crate::base::{At, Boot, Unit, Wall, text};
use crate::config::PrometheusSpec;
use crate::model::Labels;
use crate::model::labels::NAME;
use crate::panes::model::Target;
use crate::panes::series;
use crate::promql::buckets::Charted;
use crate::promql::{Buckets, Expr};
use crate::sources::server::Server;

/// How often a server is asked the same.
const EVERY: Duration = Duration::from_secs(10);

/// Who is asked, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub server: Server,
    /// PromQL, in the labels of the server.
    pub expr: String,
}

/// One question to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    pub server: Server,
    pub expr: String,
    /// Seconds of a bucket, how many there are, and where the newest ends.
    pub seconds: u32,
    pub count: usize,
    pub end: Wall,
}

/// What is charted from a server.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    pub turn: Turn,
    pub unit: Unit,
    pub buckets: Buckets,
    /// Why the last question has no answer.
    pub fault: Option<String>,
    /// When it was last asked.
    asked: Option<Boot>,
    /// The question under way: its number, and the end of its newest bucket.
    waits_for: Option<(u64, Wall)>,
    answered: bool,
}

impl Elsewhere {
    fn new(turn: Turn, question: &Question, target: Option<&Target>) -> Elsewhere {
        let unit = |target: &Target| {
            // What the console can not read the server may: then nothing is known of its unit.
            Expr::parse(&question.expr).map_or(Unit::Count, |expr| series::unit(&target.system.spec, &expr))
        };
        Elsewhere {
            unit: target.map_or(Unit::Count, unit),
            buckets: Buckets::new(question.bucket_seconds, question.buckets),
            turn,
            fault: None,
            asked: None,
            waits_for: None,
            answered: false,
        }
    }

    fn is_of(&self, turn: &Turn, question: &Question) -> bool {
        let fresh = Buckets::new(question.bucket_seconds, question.buckets);
        self.turn == *turn && (self.buckets.seconds, self.buckets.count) == (fresh.seconds, fresh.count)
    }

    fn is_due(&self, now: At) -> bool {
        match self.asked {
            None => true,
            Some(asked) if now.boot.since(asked) < EVERY => false,
            Some(_) => self.fault.is_some() || self.buckets.is_due(now.wall),
        }
    }

    /// `from prometheus at http://127.0.0.1:9090: rate(x[5m])`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("from {}: {}", self.name(), text::clean(&self.turn.expr))
    }

    fn name(&self) -> String {
        format!("prometheus at {}", text::clean(&self.turn.server.url))
    }

    /// Why there is nothing to draw.
    #[must_use]
    pub fn nothing(&self, range: &str) -> String {
        match &self.fault {
            Some(fault) => format!("{}: {}", self.name(), text::clean(fault)),
            None if self.answered => format!("{} has nothing of this in the last {range}", self.name()),
            None => format!("asking {}", self.name()),
        }
    }
}

impl Explorer {
    /// Turns to a server with a question, or back to this console.
    pub fn turn_to(&mut self, turn: Option<Turn>, question: Option<&Question>, target: Option<&Target>) {
        let Some((turn, question)) = turn.zip(question) else {
            self.elsewhere = None;
            return;
        };
        if !self.elsewhere.as_ref().is_some_and(|known| known.is_of(&turn, question)) {
            self.elsewhere = Some(Elsewhere::new(turn, question, target));
        }
    }

    /// What a server is to be asked now, with a number by which its answer is known.
    pub fn inquire(&mut self, now: At) -> Option<(u64, Inquiry)> {
        let elsewhere = self.elsewhere.as_mut().filter(|_| self.under_way.is_none())?;
        if !elsewhere.is_due(now) {
            return None;
        }
        self.asked += 1;
        self.under_way = Some(self.asked);
        let end = elsewhere.buckets.newest_end(now.wall);
        elsewhere.asked = Some(now.boot);
        elsewhere.waits_for = Some((self.asked, end));
        let inquiry = Inquiry {
            server: elsewhere.turn.server.clone(),
            expr: elsewhere.turn.expr.clone(),
            seconds: elsewhere.buckets.seconds,
            count: elsewhere.buckets.count,
            end,
        };
        Some((self.asked, inquiry))
    }

    /// Takes an answer in, if it is to what is asked now.
    pub fn inquired(&mut self, number: u64, answer: Result<Charted, String>) {
        if self.under_way != Some(number) {
            return;
        }
        self.under_way = None;
        let Some(elsewhere) = &mut self.elsewhere else { return };
        let Some((_, end)) = elsewhere.waits_for.take_if(|(waited, _)| *waited == number) else { return };
        elsewhere.answered = true;
        match answer {
            Ok(charted) => {
                elsewhere.fault = None;
                elsewhere.buckets.take_over(charted, end);
            }
            // What is on the screen would be taken for what the server says now.
            Err(fault) => {
                elsewhere.buckets.restart();
                elsewhere.fault = Some(fault);
            }
        }
    }
}

/// The selector of a series in the labels of the server: what the console attached makes way for what finds the target
/// there.
#[must_use]
pub(super) fn selector(labels: &Labels, server: &PrometheusSpec) -> String {
    const OWN: [&str; 4] = ["target", "node", "job", "instance"];
    let rest = labels.iter().filter(|(name, _)| *name != NAME && !OWN.contains(name));
    let rest = Labels::from_pairs(rest);
    let pairs = series::selector(&rest);
    let pairs = pairs.trim_start_matches('{').trim_end_matches('}');
    let found = match &server.matchers {
        Some(matchers) => matchers.clone(),
        None => {
            let instance = Labels::from_pairs([("instance", labels.get("instance"))]);
            series::selector(&instance).trim_start_matches('{').trim_end_matches('}').to_owned()
        }
    };
    let both: Vec<&str> = [pairs, found.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}{{{}}}", labels.name(), both.join(","))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::panes::testing::{self, Condition};
    use crate::promql::buckets::Line;

    fn at(second: i64) -> At {
        At { boot: Boot(second as u64 * 1000), wall: Wall(second * 1000) }
    }

    fn turn(expr: &str) -> Option<Turn> {
        let server = Server { url: "http://h:9090".to_owned(), credentials: None };
        Some(Turn { server, expr: expr.to_owned() })
    }

    fn question(expr: &str) -> Question {
        Question { target: "t".into(), expr: expr.to_owned(), bucket_seconds: 5, buckets: 3 }
    }

    fn charted(value: f64) -> Charted {
        let line = Line { labels: Arc::new(Labels::named("x")), values: vec![None, Some(value), Some(value)] };
        Charted { lines: vec![line], left_out: 0 }
    }

    #[test]
    fn one_question_is_under_way_and_the_same_is_asked_every_ten_seconds() {
        let mut explorer = Explorer::default();
        let ask = |explorer: &mut Explorer, expr: &str, second: i64| {
            explorer.turn_to(turn(expr), Some(&question(expr)), None);
            explorer.inquire(at(second)).map(|(number, inquiry)| (number, inquiry.expr, inquiry.end.0 / 1000))
        };
        assert_eq!(ask(&mut explorer, "x", 101), Some((1, "x".to_owned(), 100)));
        assert_eq!(ask(&mut explorer, "x", 102), None);
        // Another expression waits for the answer to the first, which is not its own.
        assert_eq!(ask(&mut explorer, "y", 103), None);
        explorer.inquired(1, Ok(charted(1.0)));
        assert!(explorer.buckets().is_some_and(|buckets| buckets.lines.is_empty()));
        assert_eq!(ask(&mut explorer, "y", 104), Some((2, "y".to_owned(), 100)));
        explorer.inquired(7, Ok(charted(7.0)));
        assert_eq!(ask(&mut explorer, "y", 120), None, "the answer to another question is none");
        explorer.inquired(2, Ok(charted(2.0)));
        let buckets = explorer.buckets().expect("an answer");
        assert_eq!(
            (buckets.end, buckets.lines[0].values.as_slice()),
            (Some(Wall(100_000)), &[None, Some(2.0), Some(2.0)][..])
        );
        assert_eq!(ask(&mut explorer, "y", 113), None, "ten seconds are not over");
        assert_eq!(ask(&mut explorer, "y", 114), Some((3, "y".to_owned(), 110)));
        explorer.inquired(3, Err("connection \u{1b}[2J refused".to_owned()));
        let elsewhere = explorer.elsewhere.as_ref().expect("still asked");
        assert!(elsewhere.buckets.lines.is_empty());
        assert_eq!(elsewhere.nothing("5 min"), "prometheus at http://h:9090: connection \u{fffd}[2J refused");
        assert_eq!(elsewhere.title(), "from prometheus at http://h:9090: y");
        assert_eq!(ask(&mut explorer, "y", 118), None);
        assert_eq!(ask(&mut explorer, "y", 124).map(|(number, ..)| number), Some(4), "a fault is asked about again");
        explorer.turn_to(None, Some(&question("y")), None);
        assert!(explorer.elsewhere.is_none() && explorer.inquire(at(200)).is_none());
        explorer.inquired(4, Ok(charted(4.0)));
        assert!(explorer.buckets().is_none());
    }

    #[test]
    fn a_series_is_asked_for_in_the_labels_of_the_server() {
        let labels = Labels::from_pairs([
            (NAME, "x"),
            ("target", "t"),
            ("node", "n"),
            ("job", "j"),
            ("instance", "h:1"),
            ("path", "/a\"b"),
        ]);
        let server = |matchers: Option<&str>| PrometheusSpec {
            url: String::new(),
            matchers: matchers.map(str::to_owned),
            auth: None,
        };
        assert_eq!(selector(&labels, &server(None)), r#"x{path="/a\"b",instance="h:1"}"#);
        assert_eq!(selector(&labels, &server(Some(r#"job="p""#))), r#"x{path="/a\"b",job="p"}"#);
        assert_eq!(selector(&Labels::named("x"), &server(Some(r#"job="p""#))), r#"x{job="p"}"#);
    }

    #[test]
    fn a_target_without_a_server_says_what_to_configure() {
        let model = testing::model(Condition::Well);
        let mut metrics = super::super::Metrics::default();
        let body = ratatui::layout::Rect::new(0, 0, 80, 20);
        let said = metrics.on(crate::ui::Action::SwitchOrigin, &model, body);
        let Some(crate::panes::Intent::Say(said)) = said else { panic!("{said:?}") };
        assert!(said.contains("add prometheus: (url:"), "{said}");
        assert!(metrics.asked(&model, body).elsewhere.is_none());
    }
}
