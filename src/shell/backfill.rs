//! Asks a server what it remembers of a target, and for charts of single expressions. One question after the other:
//! the server has other work.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::fetch::http::HttpClient;
use super::poller::Clock;
use super::prometheus;
use crate::app::Msg;
use crate::base::time::spoken;
use crate::base::{At, text};
use crate::model::{Backfill, FetchFailure};
use crate::panes::metrics::Inquiry;
use crate::promql::buckets::Charted;
use crate::promql::data::Answer;
use crate::sources::backfill::{BackfillPlan, Gathered};
use crate::sources::server::{Bounds, When};

/// What one question may take.
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), limit_bytes: 32 << 20 };

/// What all questions about one target may take together.
const ALTOGETHER: Duration = Duration::from_secs(30);

/// A chart has few series and few steps.
const CHART_BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), limit_bytes: 4 << 20 };

/// Asks for the past of a target up to now, beside the loop; call it before the target is polled. What comes of it is
/// told as [`Msg::Backfilled`].
pub fn start(plan: BackfillPlan, client: HttpClient, out: mpsc::Sender<(At, Msg)>, clock: Clock) {
    let asked = clock();
    tokio::spawn(async move {
        let fill = fill(&plan, &client, asked).await;
        // Nobody listens any more when the console has ended.
        let _ = out.send((clock(), Msg::Backfilled(Box::new(fill)))).await;
    });
}

/// Asks for a chart, beside the loop.
pub fn inquire(number: u64, inquiry: Inquiry, client: HttpClient, out: mpsc::Sender<(At, Msg)>, clock: Clock) {
    tokio::spawn(async move {
        let answer = charted(&inquiry, &client).await;
        // As above.
        let _ = out.send((clock(), Msg::Inquired { number, answer })).await;
    });
}

async fn charted(inquiry: &Inquiry, client: &HttpClient) -> Result<Charted, String> {
    let step_millis = i64::from(inquiry.seconds.max(1)) * 1000;
    let from = crate::base::Wall(inquiry.end.0 - (inquiry.count as i64 - 1) * step_millis);
    let when = When::Steps { from, to: inquiry.end, step_millis };
    match prometheus::ask(client, &inquiry.server, &inquiry.expr, when, CHART_BOUNDS).await {
        Ok(Answer::Matrix(series)) => Ok(Charted::of(&series, inquiry.seconds, inquiry.count, inquiry.end)),
        Ok(Answer::Scalar(..) | Answer::Vector(_)) => Err("the server gave no range".to_owned()),
        Err(failure) => Err(text::clean(&failure.to_string()).into_owned()),
    }
}

/// Everything the server remembers that the plan asks for. What came before a failure is kept.
pub async fn fill(plan: &BackfillPlan, client: &HttpClient, asked: At) -> Backfill {
    let began = Instant::now();
    let selectors = plan.selectors();
    let mut gathered = Gathered::new(plan);
    let mut limit = None;
    for (place, selector) in selectors.iter().enumerate() {
        let left = ALTOGETHER.saturating_sub(began.elapsed());
        let bounds = Bounds { timeout: BOUNDS.timeout.min(left), ..BOUNDS };
        let answer = match left.is_zero() {
            true => Err(FetchFailure::Timeout { after: ALTOGETHER, received_bytes: 0 }),
            false => prometheus::ask(client, &plan.server, selector, When::At(asked.wall), bounds).await,
        };
        let series = match answer {
            Ok(Answer::Matrix(series)) => series,
            Ok(Answer::Scalar(..) | Answer::Vector(_)) => Vec::new(),
            Err(failure) if place == 0 => {
                return Backfill::failed(plan.target.clone(), asked, began.elapsed(), failure);
            }
            Err(failure) => {
                let after = spoken(began.elapsed());
                limit = Some(format!("{place} of {} questions were answered in {after}: {failure}", selectors.len()));
                break;
            }
        };
        if let Err(reached) = gathered.add(series) {
            limit = Some(reached);
            break;
        }
    }
    // Sorting a million samples would keep the thread that answers keys.
    let finished = tokio::task::spawn_blocking(move || gathered.finish(asked.wall)).await.unwrap_or_default();
    Backfill {
        target: plan.target.clone(),
        asked,
        took: began.elapsed(),
        scrapes: finished.scrapes,
        untold: finished.untold,
        limit: limit.or(finished.limit),
        failure: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fetch::http::loopback::{Act, answer, serve};
    use super::*;
    use crate::base::{Boot, Wall};
    use crate::model::Labels;
    use crate::sources::server::Server;

    const ASKED: At = At { boot: Boot(1), wall: Wall(100_000) };

    fn plan(url: &str, names: usize) -> BackfillPlan {
        let server = Server { url: url.to_owned(), credentials: None };
        let names = (0..names).map(|n| Arc::from(format!("a_name_that_is_long_enough_to_make_questions_many_{n}")));
        let mut plan = BackfillPlan::new("t".into(), (server, Some("")), names, Duration::from_secs(900), &[]);
        plan.ends = vec![Labels::from_pairs([("target", "t"), ("node", "n"), ("job", "j"), ("instance", "h:1")])];
        plan
    }

    fn matrix() -> String {
        let series = |name: &str| {
            format!(r#"{{"metric":{{"__name__":"{name}","job":"j","instance":"h:1"}},"values":[[10,"1"],[20,"2"]]}}"#)
        };
        let result = [series("up"), series("x")].join(",");
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
    }

    async fn filled(acts: Vec<Act>, names: usize) -> (Backfill, usize) {
        let server = serve(acts).await;
        let fill = fill(&plan(&server.url, names), &HttpClient::new(), ASKED).await;
        (fill, server.requests.load(std::sync::atomic::Ordering::SeqCst))
    }

    #[tokio::test]
    async fn what_a_server_remembers_becomes_rows() {
        let (fill, requests) = filled(vec![answer("200 OK", "", &matrix())], 1).await;
        assert_eq!((fill.failure.clone(), fill.limit.clone(), fill.untold, requests), (None, None, 0, 1));
        assert_eq!(fill.scrapes[0].rows.len(), 2);
        assert_eq!(fill.scrapes[0].layouts[0].series().len(), 2);
    }

    #[tokio::test]
    async fn a_server_that_fails_is_asked_once() {
        let check = async |acts: Vec<Act>, want: &str| {
            let (fill, requests) = filled(acts, 200).await;
            let failure = fill.failure.expect(want).to_string();
            assert!(failure.contains(want) && requests == 1, "{failure}, {requests} requests");
            assert!(fill.scrapes.is_empty());
        };
        check(vec![answer("500 Internal Server Error", "", "oops")], "status 500").await;
        check(vec![answer("200 OK", "", "<html></html>")], "HTML").await;
        check(vec![answer("200 OK", "", "[]")], "not an answer").await;
        let head = Act::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n".to_vec());
        check(vec![head, Act::Hold], "larger than 33554432 bytes").await;
        let unused = fill(&plan("http://127.0.0.1:1", 1), &HttpClient::new(), ASKED).await;
        assert_eq!(unused.failure, Some(FetchFailure::Refused));
    }

    #[tokio::test]
    async fn a_series_that_comes_with_every_answer_is_taken_once() {
        let (fill, requests) = filled(vec![answer("200 OK", "", &matrix())], 200).await;
        assert!(requests > 3, "{requests} questions");
        assert_eq!(
            fill.scrapes.iter().flat_map(|scrape| &scrape.layouts).map(|layout| layout.series().len()).max(),
            Some(2)
        );
    }
}
