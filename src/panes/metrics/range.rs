//! The fixed ranges of the chart, and how long a column of each is.

use std::time::Duration;

/// A range with the lengths of buckets that suit it, shortest first: each divides a day, so that buckets stay where
/// they are.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub words: &'static str,
    seconds: u32,
    buckets: &'static [u32],
}

pub const RANGES: [Range; 5] = [
    Range { words: "5 min", seconds: 300, buckets: &[5] },
    Range { words: "15 min", seconds: 900, buckets: &[5, 10, 15] },
    Range { words: "1 h", seconds: 3_600, buckets: &[20, 30, 60] },
    Range { words: "6 h", seconds: 21_600, buckets: &[120, 180, 300, 360] },
    Range { words: "24 h", seconds: 86_400, buckets: &[480, 600, 900, 1_200, 1_440] },
];

impl Range {
    /// Seconds of a bucket, and how many cover the range: as many as there are columns for.
    #[must_use]
    pub fn buckets(&self, columns: usize) -> (u32, usize) {
        let count = |seconds: u32| (self.seconds / seconds) as usize;
        let longest = self.buckets[self.buckets.len() - 1];
        let seconds = self.buckets.iter().copied().find(|seconds| count(*seconds) <= columns).unwrap_or(longest);
        (seconds, count(seconds))
    }

    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::buckets::MOST_BUCKETS;

    #[test]
    fn a_range_is_covered_by_whole_buckets_that_stay_where_they_are() {
        for range in RANGES {
            for seconds in range.buckets {
                assert_eq!((range.seconds % seconds, 86_400 % seconds), (0, 0), "{} {seconds}", range.words);
            }
            for columns in 0..300 {
                let (seconds, count) = range.buckets(columns);
                assert_eq!(u64::from(seconds) * count as u64, range.duration().as_secs());
                assert!(count <= MOST_BUCKETS && (columns < 60 || count <= columns));
            }
        }
        assert_eq!(RANGES[1].buckets(64), (15, 60));
        assert_eq!(RANGES[1].buckets(100), (10, 90));
    }
}
