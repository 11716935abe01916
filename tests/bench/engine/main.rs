//! What it costs to read a hundred thousand series, measured from the text to the store, and to keep a long journal.
//!
//! `cargo bench --bench engine` prints a table with the target beside each figure; `-- parse`, `-- scrape`, `-- store`,
//! `-- keys` or `-- journal` prints one part. The exposition is served by a process of its own, and each figure of memory is of a
//! fresh process. Figures are of this machine in this minute: compare runs side by side, not across machines.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks and starts programs")]

mod allocations;
mod corpus;
mod journal;
mod keys;
mod parse;
mod scrape;
mod store;

/// Prints one line of the table.
fn row(figure: &str, measured: f64, target: &str) {
    println!("{figure:<64} {measured:>10.2} {target:>8}");
}

fn quantile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}

/// CPU time of this thread in seconds: other work on the machine does not count.
fn thread_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // `cargo test --benches` asks for no figures.
        [first, ..] if *first == "--test" => {}
        ["serve", series] => corpus::serve(series.parse().expect("a number of series")),
        ["scrape-in-child", url] => scrape::child(url),
        parts => {
            println!("{:<64} {:>10} {:>8}", "figure", "measured", "target");
            let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
            if wanted("parse") {
                parse::run();
            }
            if wanted("store") {
                store::run();
            }
            if wanted("scrape") {
                scrape::run();
            }
            if wanted("keys") {
                keys::run();
            }
            if wanted("journal") {
                journal::run();
            }
        }
    }
}
