//! How many sources answer, counted and said the same in the header, on the page of sources and among the nodes.
//!
//! Must never: count a source that nobody asks among those that should answer: of a machine that the console does not
//! run on, units, logs and disks stay unread for ever, and nothing is wrong with that.

use super::mark;
use super::model::Level;
use crate::base::Boot;
use crate::model::{SourceState, Truth};
use crate::ui::widget::Mark;

/// Sources counted by what became of asking them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answering {
    /// Those that are asked at all.
    pub asked: usize,
    pub answering: usize,
    pub failing: usize,
    /// Those that nobody has asked yet, but will.
    pub unpolled: usize,
    /// Those that nobody will ever ask.
    pub not_read: usize,
    /// Those whose path the node does not have: it answers, and nothing is missing.
    pub unserved: usize,
}

impl Answering {
    #[must_use]
    pub fn of<'s>(sources: impl Iterator<Item = &'s SourceState>, now: Boot) -> Answering {
        let mut counted = Answering::default();
        for source in sources {
            if source.is_never_read() {
                counted.not_read += 1;
                continue;
            }
            if source.is_unserved {
                counted.unserved += 1;
                continue;
            }
            counted.asked += 1;
            match source.truth(now) {
                Truth::Fresh => counted.answering += 1,
                Truth::Failing { .. } => counted.failing += 1,
                Truth::NeverPolled => counted.unpolled += 1,
                Truth::Stale { .. } | Truth::Absent | Truth::NotExposed | Truth::WarmingUp { .. } => {}
                Truth::NotRead { .. } | Truth::ProvesNothing { .. } => {}
            }
        }
        counted
    }

    #[must_use]
    pub fn mark(&self) -> Mark {
        mark::level(match self.answering {
            0 if self.unpolled == self.asked => Level::Unknown,
            0 => Level::Critical,
            some if some < self.asked => Level::Warning,
            _all_of_them => Level::Ok,
        })
    }

    /// `4 of 4 sources answer · 4 not read`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.asked {
            0 if self.not_read > 0 => format!("{} not read", crate::base::text::count(self.not_read, "source")),
            asked => format!("{} of {asked} sources answer{}", self.answering, self.unread()),
        }
    }

    /// In the fewest columns: `8/8`.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}/{}", self.answering, self.asked)
    }

    /// As [`Answering::words`], below a title that says of what: `4 of 4 answer · 1 fails · 4 not read`.
    #[must_use]
    pub fn counts(&self) -> String {
        let fail = match self.failing {
            0 => String::new(),
            1 => " · 1 fails".to_owned(),
            failing => format!(" · {failing} fail"),
        };
        format!("{} of {} answer{fail}{}", self.answering, self.asked, self.unread())
    }

    fn unread(&self) -> String {
        let part = |count: usize, words: &str| match count {
            0 => String::new(),
            count => format!(" · {count} {words}"),
        };
        part(self.unserved, "not exposed") + &part(self.not_read, "not read")
    }
}

/// The state of one source: whether what it gives can be believed now, or that nobody reads it.
#[must_use]
pub fn mark_of(source: &SourceState, now: Boot) -> Mark {
    mark::truth(&source.truth(now))
}

/// Why a source can not be believed, or why nobody reads it; empty of one that answers.
#[must_use]
pub fn why(source: &SourceState, now: Boot) -> String {
    match &source.failure {
        Some(not_read) if source.is_never_read() => not_read.to_string(),
        Some(_) | None => match source.unserved() {
            Some((how, since)) => {
                let since = since.wall.clock();
                format!("not exposed: {how} since {since} UTC, while other reads of the endpoint are answered")
            }
            None => source.truth(now).words(now),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::base::{At, Wall};
    use crate::model::{Batch, FetchFailure, Layout};

    const NOW: At = At { boot: Boot(9_000), wall: Wall(9_000) };

    fn source(polled: Option<Option<FetchFailure>>) -> SourceState {
        let ten = Duration::from_secs(10);
        let mut state = SourceState::new("t/n/e/s".into(), "t".into(), String::new(), ten, ten);
        if let Some(failure) = polled {
            let batch = Batch::of("t/n/e/s".into(), NOW, ten, Arc::new(Layout::new(Vec::new())), []);
            state.note(&Batch { failure, not_exposed: vec![Arc::from("x")], ..batch });
        }
        state
    }

    fn not_read() -> FetchFailure {
        FetchFailure::NotRead { why: "its target has no host".to_owned() }
    }

    #[test]
    fn what_nobody_reads_is_not_missing() {
        let (well, ill) = (|| source(Some(None)), || source(Some(Some(FetchFailure::Refused))));
        let unread = || source(Some(Some(not_read())));
        let check = |sources: &[SourceState], level: Level, words: &str, counts: &str| {
            let counted = Answering::of(sources.iter(), NOW.boot);
            assert_eq!(counted.mark(), mark::level(level), "{words}");
            assert_eq!((counted.words().as_str(), counted.counts().as_str()), (words, counts));
        };
        check(&[well(), well()], Level::Ok, "2 of 2 sources answer", "2 of 2 answer");
        let (words, counts) = ("1 of 1 sources answer · 2 not read", "1 of 1 answer · 2 not read");
        check(&[well(), unread(), unread()], Level::Ok, words, counts);
        check(&[well(), ill()], Level::Warning, "1 of 2 sources answer", "1 of 2 answer · 1 fails");
        check(&[ill(), ill()], Level::Critical, "0 of 2 sources answer", "0 of 2 answer · 2 fail");
        check(&[source(None)], Level::Unknown, "0 of 1 sources answer", "0 of 1 answer");
        check(&[unread()], Level::Unknown, "1 source not read", "0 of 0 answer · 1 not read");
        check(&[], Level::Unknown, "0 of 0 sources answer", "0 of 0 answer");
    }

    #[test]
    fn a_source_that_nobody_reads_says_so_and_lacks_nothing() {
        let (unread, well) = (source(Some(Some(not_read()))), source(Some(None)));
        assert_eq!(mark_of(&unread, NOW.boot).word, "not read");
        assert_eq!(why(&unread, NOW.boot), "not read: its target has no host");
        assert!(unread.lacks().is_empty() && !unread.not_exposed.is_empty());
        assert_eq!((mark_of(&well, NOW.boot).word, well.lacks().len()), ("answers", 1));
    }
}
