//! How often may be asked: a bucket of tokens that fills by the second, and a ban for who empties it.

use super::spec::{LimitSpec, RefusalSpec};

#[derive(Clone, Debug)]
pub struct Bucket {
    tokens: f64,
    at: i64,
    banned_until: i64,
}

impl Bucket {
    /// It holds what one second brings.
    pub fn full(limit: &LimitSpec, now: i64) -> Bucket {
        Bucket { tokens: limit.per_second, at: now, banned_until: i64::MIN }
    }

    /// Takes a token for each question; gives what is said instead of an answer where there are not enough.
    pub fn take<'a>(&mut self, limit: &'a LimitSpec, now: i64, many: usize) -> Option<&'a RefusalSpec> {
        if now < self.banned_until {
            return Some(limit.then.as_ref().unwrap_or(&limit.first));
        }
        let filled = (now - self.at).max(0) as f64 / 1000.0 * limit.per_second;
        self.tokens = (self.tokens + filled).min(limit.per_second);
        self.at = now;
        if self.tokens < many as f64 {
            self.banned_until = now + super::cell::millis(limit.ban_seconds);
            return Some(&limit.first);
        }
        self.tokens -= many as f64;
        None
    }
}
