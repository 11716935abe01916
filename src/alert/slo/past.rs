//! The measured past of an objective: minute by minute for as long as anything is told of single minutes, by the hour
//! before that. A month of minutes would be most of what the console holds in memory.

use std::collections::VecDeque;

use super::{MOST_DAYS, Minute};

/// Minutes that are kept one by one: those of the longest burn, and the hour that is still being filled.
const FINE_MINUTES: i64 = 7 * 60;
const MOST_HOURS: usize = (MOST_DAYS * 24) as usize;

/// What was measured, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    hours: VecDeque<Hour>,
    minutes: VecDeque<Minute>,
}

/// The minutes of an hour that were measured, added up.
#[derive(Clone, Copy, Debug)]
struct Hour {
    /// Hours since 1970.
    hour: i64,
    sums: Sums,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub minutes: u32,
    pub good: f64,
    pub total: f64,
}

impl Sums {
    fn and(self, minute: &Minute) -> Sums {
        Sums {
            minutes: self.minutes + 1,
            good: self.good + f64::from(minute.1),
            total: self.total + f64::from(minute.2),
        }
    }
}

impl Past {
    /// Appends a minute that is later than all before it.
    pub fn push(&mut self, minute: Minute) {
        self.minutes.push_back(minute);
        while let Some(oldest) = self.minutes.front().copied().filter(|oldest| oldest.0 <= minute.0 - FINE_MINUTES) {
            self.minutes.pop_front();
            self.roll_up(&oldest);
        }
    }

    fn roll_up(&mut self, minute: &Minute) {
        let hour = minute.0.div_euclid(60);
        match self.hours.back_mut().filter(|last| last.hour == hour) {
            Some(last) => last.sums = last.sums.and(minute),
            None => self.hours.push_back(Hour { hour, sums: Sums::default().and(minute) }),
        }
        self.hours.drain(..self.hours.len().saturating_sub(MOST_HOURS));
    }

    /// Forgets this minute and all that are later: of a wall clock that went back they never were.
    pub fn forget_from(&mut self, minute: i64) {
        while self.minutes.back().is_some_and(|last| last.0 >= minute) {
            self.minutes.pop_back();
        }
        while self.hours.back().is_some_and(|last| last.hour * 60 + 59 >= minute) {
            self.hours.pop_back();
        }
    }

    /// What was measured from the minute `from` on; of what is kept by the hour, the hours that lie wholly after it.
    pub fn since(&self, from: i64) -> Sums {
        let hours = self.hours.range(self.hours.partition_point(|hour| hour.hour * 60 < from)..);
        let before = hours.fold(Sums::default(), |sums, Hour { sums: more, .. }| Sums {
            minutes: sums.minutes + more.minutes,
            good: sums.good + more.good,
            total: sums.total + more.total,
        });
        self.minutes_since(from).fold(before, Sums::and)
    }

    /// Single minutes from `from` on, at most six hours of them.
    pub fn minutes_since(&self, from: i64) -> impl Iterator<Item = &Minute> {
        self.minutes.range(self.minutes.partition_point(|minute| minute.0 < from)..)
    }
}

impl FromIterator<Minute> for Past {
    fn from_iter<I: IntoIterator<Item = Minute>>(minutes: I) -> Past {
        let mut past = Past::default();
        minutes.into_iter().for_each(|minute| past.push(minute));
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A past of so many minutes, all good but for every tenth.
    fn past(minutes: i64) -> Past {
        (0..minutes).map(|n| Minute(n, if n % 10 == 0 { 0.0 } else { 1.0 }, 1.0)).collect()
    }

    #[test]
    fn a_month_is_as_much_as_its_minutes_are_and_takes_the_room_of_its_hours() {
        let days = 30 * 24 * 60;
        let past = past(days);
        assert_eq!(past.since(0), Sums { minutes: 43_200, good: 38_880.0, total: 43_200.0 });
        assert_eq!(past.since(days - 24 * 60), Sums { minutes: 1440, good: 1296.0, total: 1440.0 });
        assert_eq!(past.since(days - 60), Sums { minutes: 60, good: 54.0, total: 60.0 });
        assert!(past.hours.len() + past.minutes.len() < 1200);
        // An hour that began before the window is not of it.
        assert_eq!(past.since(1).minutes, 43_140);
    }

    #[test]
    fn the_oldest_hours_fall_out() {
        let days = 40 * 24 * 60;
        assert_eq!(i64::from(past(days).since(0).minutes), 35 * 24 * 60 + FINE_MINUTES);
    }

    #[test]
    fn a_clock_that_goes_back_takes_its_future_along() {
        let mut past = past(1000);
        past.forget_from(900);
        assert_eq!(past.since(0).minutes, 900);
        // Of an hour that is kept as a whole nobody knows which of its minutes were before.
        past.forget_from(130);
        assert_eq!(past.since(0).minutes, 120);
        past.push(Minute(130, 1.0, 1.0));
        assert_eq!(past.since(120).minutes, 1);
    }
}
