//! A simulated node, or a whole world of them, together with its recent past.
//!
//! The past is not recorded, it is lived again: a copy of the model from before, and what was done to it since. So any
//! read can be asked of any past moment, and the answer is the one that would have come then.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::exchange::{Answer, Delivery, Request};
use crate::base::time::millis;
use crate::base::{At, Boot, Wall};
use crate::model::{self, HttpAnswer, Reply};

/// How far back the past is kept.
const KEPT_MILLIS: i64 = 15 * 60_000;
/// Changes after which a new copy is made even if the old one is young; then the past is shorter.
const CHANGES_KEPT: usize = 2_000;

/// What lives by the clock, is changed from outside and answers: a pure model.
pub trait Lives: Clone {
    /// Something done to it from outside.
    type Change: Copy + std::fmt::Debug;

    /// The moment up to which it has lived, in milliseconds since the epoch.
    fn lived_until(&self) -> i64;

    /// Lives until `now`. An earlier moment changes nothing.
    fn advance(&mut self, now: i64);

    /// Lives until `now` and is changed then.
    fn apply(&mut self, now: i64, change: Self::Change);

    /// Answers as of `now`, for which it must have been advanced.
    fn answer(&self, now: i64, request: &Request) -> Answer;

    /// What answering this request changes.
    fn consequence(&self, request: &Request) -> Option<Self::Change>;

    /// How the answer to this request travels; refused while nothing listens.
    fn delivery(&self, request: &Request) -> Delivery;

    /// Counts a request that came just now, and gives the answer instead where there were too many. This is of the
    /// present alone: the past is asked as by one who asked seldom.
    fn admit(&mut self, _now: i64, _request: &Request) -> Option<Answer> {
        None
    }
}

/// A model that remembers at least its last 15 minutes (less after 2000 changes within them).
#[derive(Clone, Debug)]
pub struct Timeline<L: Lives> {
    node: L,
    /// Oldest first; at most three.
    copies: VecDeque<Checkpoint<L>>,
}

#[derive(Clone, Debug)]
struct Checkpoint<L: Lives> {
    at: i64,
    node: L,
    changes: Vec<(i64, L::Change)>,
}

/// What a poll of the past would have brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub at_millis: i64,
    pub status: u16,
    pub content_type: String,
    /// The `Date` header: the node's own clock.
    pub date_millis: i64,
    pub body: String,
}

impl Past {
    /// The answer as if it had come then, and taken this long.
    #[must_use]
    pub fn reply(self, now: At, took: Duration) -> Reply {
        let wall = Wall(self.at_millis);
        let boot = Boot(now.boot.0.saturating_sub(millis(now.wall.since(wall))));
        let answer = HttpAnswer {
            status: self.status,
            content_type: self.content_type,
            date: Some(Wall(self.date_millis)),
            body: self.body.into_bytes(),
        };
        Reply { answer: model::Answer::Http(answer), sent: At { boot, wall }, took }
    }
}

impl<L: Lives> Timeline<L> {
    /// The life of this model from its own moment on.
    #[must_use]
    pub fn of(node: L) -> Timeline<L> {
        let first = Checkpoint { at: node.lived_until(), node: node.clone(), changes: Vec::new() };
        Timeline { node, copies: VecDeque::from([first]) }
    }

    /// The model as it is.
    #[must_use]
    pub fn node(&self) -> &L {
        &self.node
    }

    /// Lives until `now`, in milliseconds since the epoch.
    pub fn advance(&mut self, now: i64) {
        self.node.advance(now);
        let newest = self.copies.back();
        if newest.is_some_and(|copy| now - copy.at >= KEPT_MILLIS || copy.changes.len() >= CHANGES_KEPT) {
            self.copies.push_back(Checkpoint { at: now, node: self.node.clone(), changes: Vec::new() });
        }
        // The oldest may go once the one after it reaches back far enough, or when there are too many.
        while self.copies.len() > 3 || self.copies.get(1).is_some_and(|second| now - second.at >= KEPT_MILLIS) {
            self.copies.pop_front();
        }
    }

    pub fn apply(&mut self, now: i64, change: L::Change) {
        self.advance(now);
        self.node.apply(now, change);
        if let Some(copy) = self.copies.back_mut() {
            copy.changes.push((now, change));
        }
    }

    /// Answers as of `now`, and changes what answering changes.
    pub fn answer(&mut self, now: i64, request: &Request) -> Answer {
        self.advance(now);
        if let Some(refusal) = self.node.admit(now, request) {
            return refusal;
        }
        let answer = self.node.answer(now, request);
        if let Some(change) = self.node.consequence(request) {
            self.apply(now, change);
        }
        answer
    }

    /// What polls of this read would have brought, every `step_millis` up to and without `now`, oldest first. Polls
    /// that would have been refused or disturbed on their way are left out.
    #[must_use]
    pub fn history(&self, now: i64, request: &Request, step_millis: i64) -> Vec<Past> {
        let step = step_millis.max(250);
        let Some(oldest) = self.copies.front() else { return Vec::new() };
        let mut changes = self.copies.iter().flat_map(|copy| &copy.changes).peekable();
        let mut node = oldest.node.clone();
        let steps = (now - oldest.at.max(now - KEPT_MILLIS)) / step;
        let mut past = Vec::new();
        for at in (1..=steps).rev().map(|back| now - back * step) {
            while let Some((when, change)) = changes.next_if(|(when, _)| *when <= at) {
                node.apply(*when, *change);
            }
            node.advance(at);
            if node.delivery(request) == Delivery::Whole {
                past.push(Past::of(at, node.answer(at, request)));
            }
        }
        past
    }
}

impl Past {
    fn of(at_millis: i64, answer: Answer) -> Past {
        Past {
            at_millis,
            status: answer.status,
            content_type: answer.content_type.into_owned(),
            date_millis: answer.date_millis,
            body: answer.body,
        }
    }
}
