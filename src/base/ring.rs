//! A queue with a stated limit, which counts what it drops.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Keeps the newest `limit` items; older ones fall out and are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ring<T> {
    items: VecDeque<T>,
    limit: usize,
    dropped: u64,
}

impl<T> Ring<T> {
    /// An empty ring that holds `limit` items, at least one.
    #[must_use]
    pub fn new(limit: usize) -> Ring<T> {
        Ring { items: VecDeque::new(), limit: limit.max(1), dropped: 0 }
    }

    pub fn push(&mut self, item: T) {
        if self.items.len() == self.limit {
            self.items.pop_front();
            self.dropped += 1;
        }
        self.items.push_back(item);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.items.back()
    }

    /// How many items fell out since the ring was made.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_falls_out_and_is_counted() {
        let mut ring = Ring::new(2);
        (1..=5).for_each(|n| ring.push(n));
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [4, 5]);
        assert_eq!(ring.dropped(), 3);
    }
}
