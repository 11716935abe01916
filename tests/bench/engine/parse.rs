//! Reading a text that is there already.

use opsconsole::base::{At, Boot, Wall};
use opsconsole::model::{Answer, HttpAnswer, Reply};
use opsconsole::sources::Cursor;
use opsconsole::sources::exposition::{Dialect, Lines};

use super::{allocations, corpus, quantile, row, scrape, thread_seconds};

const RUNS: usize = 15;
const SERIES: usize = 100_000;

pub fn run() {
    let text = corpus::exposition(SERIES, 0);
    let megabytes = text.len() as f64 / 1e6;
    let newlines = timed(|| text.as_bytes().iter().filter(|byte| **byte == b'\n').count());
    row("floor: count the lines of the same text, MB/s", megabytes / newlines, "-");

    let before = allocations::count();
    let tokens = timed(|| samples_of(&text, Dialect::PrometheusText));
    let allocated = (allocations::count() - before) as f64 / (RUNS * SERIES) as f64;
    row("parse unknown series, 100k: every name, label and value, MB/s", megabytes / tokens, "700");
    row("  allocations per sample", allocated, "0");

    // There a family of counters is called without the suffix of its samples.
    let open = text.replace("_total counter\n", " counter\n") + "# EOF\n";
    let tokens = timed(|| samples_of(&open, Dialect::OpenMetrics));
    row("the same as OpenMetrics, families checked, MB/s", megabytes / tokens, "700");

    let source = scrape::source("http://127.0.0.1:1");
    let reply = |body: &str| Reply {
        answer: Answer::Http(HttpAnswer {
            status: 200,
            content_type: "text/plain".to_owned(),
            date: None,
            body: body.as_bytes().to_vec(),
        }),
        sent: At { boot: Boot(1), wall: Wall(1) },
        took: std::time::Duration::ZERO,
    };
    let first = reply(&text);
    let decode = timed(|| source.decode(&mut Cursor::default(), &first).values.len());
    row("first answer to a batch: parse, intern, layout, 100k new, ms", decode * 1e3, "270");

    let mut cursor = Cursor::default();
    source.decode(&mut cursor, &first);
    let before = allocations::count();
    let again = timed(|| source.decode(&mut cursor, &first).values.len());
    row("steady answer to a batch, ms", again * 1e3, "-");
    row("steady answer to a batch, MB/s", megabytes / again, "-");
    row("  allocations per answer", (allocations::count() - before) as f64 / RUNS as f64, "-");

    // One line in a thousand goes and comes.
    let fewer: String =
        text.lines().enumerate().filter(|(at, _)| at % 1000 != 7).map(|(_, line)| format!("{line}\n")).collect();
    let fewer = reply(&fewer);
    let mut fewest = false;
    let changed = timed(|| {
        fewest = !fewest;
        source.decode(&mut cursor, if fewest { &fewer } else { &first }).values.len()
    });
    row("an answer with a hundred series more or less, ms", changed * 1e3, "-");
}

fn samples_of(text: &str, dialect: Dialect) -> usize {
    let mut lines = Lines::new(text, dialect);
    let (mut count, mut labels, mut sum) = (0, 0, 0.0);
    while lines.advance() {
        if let Some(sample) = lines.sample().expect("a good line") {
            count += 1;
            labels += lines.pairs().len();
            sum += sample.value + sample.name.len() as f64;
        }
    }
    lines.finish().expect("a good end");
    assert!(count == SERIES && labels > SERIES && sum > 0.0);
    count
}

/// Median seconds of CPU.
fn timed<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let began = thread_seconds();
            std::hint::black_box(work());
            thread_seconds() - began
        })
        .collect();
    quantile(&mut times, 0.5)
}
