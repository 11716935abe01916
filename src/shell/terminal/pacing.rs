//! When the next frame may be written: not before the far end has taken the last one.
//!
//! After a frame the terminal is asked for its status (`CSI 5 n`). Its answer comes back behind the frame, over the
//! same line, however many buffers lie between; so an answer says that the frame was taken in. While a question is
//! open nothing is written. What is drawn after the answer is the newest state, and a slow line carries one frame at
//! a time instead of a queue of old ones.
//!
//! ```text
//! written ──► open ──answer──► free            a frame of a few bytes is not asked about, up to 256 bytes in all
//!              │  └─too late─► held ──► free   one more frame, one more question; each wait is twice as long
//!              └─never yet───► silent          the terminal may not know the question: paced by time
//! ```
//!
//! A multiplexer on this side of the slow line answers for itself, and then drops what its client can not take: the
//! pace is then the multiplexer's.
//!
//! Must never: read a clock (every call says when it is); take an answer for that of a frame which was written after
//! the question it may belong to, except after [`LOST_AFTER`] without one.
//!
//! To change what a slow line is spared: [`Link`](crate::panes::model::Link), which says it, and `ui::plain`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::Boot;
use crate::panes::model::{Link, LinkState};

/// Bytes that may be under way without a question about them.
const UNASKED_BYTES: usize = 256;
/// A line of which nothing was heard for this long is asked with the next frame, however small.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Questions that a terminal may leave unanswered from the start before it is asked no more.
const ASKED_LIMIT: usize = 8;

/// How long the first answer of all is waited for.
const FIRST_PATIENCE: Duration = Duration::from_millis(1500);
/// How long an answer is waited for at least, and at most after it did not come several times.
pub const LOST_AFTER: Duration = Duration::from_secs(2);
const MOST_PATIENCE: Duration = Duration::from_secs(16);

/// Frames this large tell how much the line carries; smaller ones tell how long it takes.
const MEASURED_FROM_BYTES: usize = 512;
/// Frames and round trips that the figures are taken from.
const MEASURES: usize = 3;
const ROUND_TRIPS: usize = 8;

/// Below the first a line is slow, from the second on it is not. Bytes a second.
const SLOW: (u64, u64) = (16_000, 24_000);
/// Below the first the screen is plain, from the second on it is not.
const PLAIN: (u64, u64) = (4_000, 6_000);
/// Answers that take this long make a line slow whatever it carries.
const LONG_ROUND_TRIP: Duration = Duration::from_secs(1);

/// What a slow line may be busy with at a time: a key pressed meanwhile waits for no more than this.
const CHUNK: Duration = Duration::from_millis(250);
const LEAST_CHUNK_BYTES: usize = 192;
/// The same while nothing is known of the line.
const UNKNOWN_CHUNK_BYTES: usize = 2048;

/// What a terminal that answers nothing is thought to take, and how far ahead of that it may be written to.
const SILENT_BYTES_PER_SECOND: u64 = 4_000;
const SILENT_AHEAD: Duration = Duration::from_secs(2);

/// One question that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    frame: u64,
    sent: Boot,
    /// Written since the question before it.
    bytes: usize,
    /// Nothing is written while it is open.
    holds: bool,
}

/// When the next frame may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    Now,
    At(Boot),
    /// When the terminal has answered, or did not for too long.
    Answered,
}

/// Paces frames by the terminal's answers.
#[derive(Clone, Debug)]
pub struct Pacing {
    /// Oldest first; at most two: the one at the start, and that of the last frame.
    asked: VecDeque<Question>,
    unasked_bytes: usize,
    /// Questions given up, whose answers may still come.
    late: usize,
    /// While the last question was open, an answer came that was taken for one of the late.
    late_heard: bool,
    heard: Option<Boot>,
    /// Whether a frame was ever answered for.
    proven: bool,
    patience: Duration,
    held_since: Option<Boot>,
    round_trips_millis: VecDeque<u64>,
    /// Bytes, and the milliseconds they took beyond a round trip.
    measures: VecDeque<(u64, u64)>,
    slow: bool,
    plain: bool,
    /// When a terminal that answers nothing is thought to have taken everything.
    taken: Boot,
}

impl Default for Pacing {
    fn default() -> Pacing {
        Pacing {
            asked: VecDeque::with_capacity(2),
            unasked_bytes: 0,
            late: 0,
            late_heard: false,
            heard: None,
            proven: false,
            patience: FIRST_PATIENCE,
            held_since: None,
            round_trips_millis: VecDeque::with_capacity(ROUND_TRIPS),
            measures: VecDeque::with_capacity(MEASURES),
            slow: false,
            plain: true,
            taken: Boot(0),
        }
    }
}

impl Pacing {
    /// Whether the terminal is to be asked after a frame of so many bytes. `insists`: somebody waits for the answer.
    #[must_use]
    pub fn asks(&self, at: Boot, bytes: usize, insists: bool) -> bool {
        if self.heard.is_none() && self.late >= ASKED_LIMIT {
            return false;
        }
        if insists {
            return true;
        }
        let long_ago = self.heard.is_none_or(|heard| at.since(heard) >= ASKED_AGAIN_AFTER);
        bytes > 0 && (long_ago || self.slow || !self.proven || self.unasked_bytes + bytes >= UNASKED_BYTES)
    }

    /// A frame was written, and the terminal was asked about it if there is a number for it.
    pub fn wrote(&mut self, at: Boot, bytes: usize, asked: Option<u64>) {
        self.unasked_bytes += bytes;
        let millis = (bytes as u64 * 1000).div_ceil(SILENT_BYTES_PER_SECOND);
        self.taken = self.taken.max(at).plus(Duration::from_millis(millis));
        if let Some(frame) = asked {
            self.ask(at, frame, true);
        }
    }

    /// The terminal was asked before the first frame, so that a round trip is known when that is answered.
    pub fn asked_first(&mut self, at: Boot, bytes: usize) {
        self.unasked_bytes += bytes;
        self.ask(at, 0, false);
    }

    fn ask(&mut self, at: Boot, frame: u64, holds: bool) {
        let bytes = std::mem::take(&mut self.unasked_bytes);
        self.asked.push_back(Question { frame, sent: at, bytes, holds });
    }

    /// The terminal answered: the frame that it has taken for sure, if that can be told.
    pub fn answered(&mut self, at: Boot) -> Option<u64> {
        let before = self.heard.replace(at);
        self.patience = LOST_AFTER;
        if self.late > 0 {
            self.late -= 1;
            self.late_heard = !self.asked.is_empty();
            return None;
        }
        let question = self.asked.pop_front()?;
        self.held_since = None;
        self.late_heard = false;
        self.proven |= question.holds;
        self.measure(question, before, at);
        Some(question.frame)
    }

    /// Time has passed: an answer that did not come in time is given up.
    pub fn note_time(&mut self, at: Boot) {
        if self.deadline().is_none_or(|due| at < due) {
            return;
        }
        let oldest = self.asked.front().map(|question| question.sent);
        if self.late_heard {
            // What was taken for a late answer was the one waited for: those before it are lost for good.
            self.late = 0;
            self.held_since = None;
            self.patience = LOST_AFTER;
        } else {
            self.late += self.asked.len();
            if self.heard.is_some() {
                self.held_since = self.held_since.or(oldest);
            } else {
                self.plain = false;
            }
            self.patience = (self.patience * 2).clamp(LOST_AFTER, MOST_PATIENCE);
        }
        self.late_heard = false;
        self.asked.clear();
    }

    /// When an open question is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Boot> {
        let newest = self.asked.back()?;
        // An answer to an earlier question begins the wait anew: the line lives.
        let since = self.heard.map_or(newest.sent, |heard| heard.max(newest.sent));
        let expected = self.bytes_per_second().map_or(0, |rate| newest.bytes as u64 * 1000 / rate.max(1));
        let round_trip = self.round_trip_millis();
        Some(since.plus(self.patience.max(Duration::from_millis(4 * (expected + round_trip)))))
    }

    /// When the next frame may be written.
    #[must_use]
    pub fn ready(&self, at: Boot) -> Ready {
        if self.asked.iter().any(|question| question.holds) {
            return Ready::Answered;
        }
        if self.heard.is_none() && self.late > 0 && self.taken > at.plus(SILENT_AHEAD) {
            return Ready::At(Boot(self.taken.0.saturating_sub(crate::base::time::millis(SILENT_AHEAD))));
        }
        Ready::Now
    }

    /// Bytes that the next frame may have before its rest must wait for an answer.
    #[must_use]
    pub fn budget_bytes(&self) -> usize {
        match self.bytes_per_second() {
            _any if !self.proven && self.late == 0 => UNKNOWN_CHUNK_BYTES,
            Some(rate) if self.slow => {
                let chunk = rate * crate::base::time::millis(CHUNK) / 1000;
                usize::try_from(chunk).unwrap_or(usize::MAX).max(LEAST_CHUNK_BYTES)
            }
            Some(_) | None => usize::MAX,
        }
    }

    /// The terminal was given back and taken again: what was asked before is not answered any more.
    pub fn resumed(&mut self) {
        self.asked.clear();
        self.late = 0;
        self.late_heard = false;
        self.held_since = None;
        self.unasked_bytes = 0;
    }

    /// What is known of the line.
    #[must_use]
    pub fn link(&self) -> Link {
        let state = match (self.held_since, self.bytes_per_second()) {
            (Some(since), _) => LinkState::Held { since },
            (None, _) if !self.proven => LinkState::Unknown,
            (None, Some(rate)) if self.slow => LinkState::Slow { bytes_per_second: Some(rounded(rate)) },
            (None, _) if Duration::from_millis(self.round_trip_millis()) >= LONG_ROUND_TRIP => {
                LinkState::Slow { bytes_per_second: None }
            }
            (None, _) => LinkState::Fast,
        };
        Link { state, plain: self.plain }
    }

    fn measure(&mut self, question: Question, before: Option<Boot>, at: Boot) {
        // A slow line is given smaller pieces, and they take long enough to tell.
        let least = if self.slow { LEAST_CHUNK_BYTES / 2 } else { MEASURED_FROM_BYTES };
        if question.bytes < least {
            keep(&mut self.round_trips_millis, at.0.saturating_sub(question.sent.0), ROUND_TRIPS);
        } else {
            // It began to be carried when it was written, or when what was written before it had been.
            let alone = Boot(question.sent.0 + self.round_trip_millis());
            let began = before.map_or(alone, |before| before.max(alone));
            keep(&mut self.measures, (question.bytes as u64, at.0.saturating_sub(began.0).max(1)), MEASURES);
        }
        let rate = self.bytes_per_second().unwrap_or(u64::MAX);
        self.slow = if self.slow { rate < SLOW.1 } else { rate < SLOW.0 };
        if self.proven {
            self.plain = if self.plain { rate < PLAIN.1 } else { rate < PLAIN.0 };
        }
    }

    fn round_trip_millis(&self) -> u64 {
        self.round_trips_millis.iter().copied().min().unwrap_or(0)
    }

    fn bytes_per_second(&self) -> Option<u64> {
        let (bytes, millis) = self.measures.iter().fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
        (millis > 0).then(|| bytes * 1000 / millis)
    }
}

fn keep<T>(list: &mut VecDeque<T>, newest: T, limit: usize) {
    if list.len() == limit {
        list.pop_front();
    }
    list.push_back(newest);
}

/// To what an operator tells apart, so that the figure stands still: whole kilobytes, below them hundreds of bytes.
fn rounded(bytes_per_second: u64) -> u32 {
    let step = if bytes_per_second < 1000 { 100 } else { 1000 };
    u32::try_from((bytes_per_second + step / 2) / step * step).unwrap_or(u32::MAX).max(100)
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
