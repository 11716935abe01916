//! What one log says, and when.

use jiff::Timestamp;

use super::script::Script;
use super::spec::LogEffectSpec;
use crate::base::{Digest, Ring};
use crate::sim::exchange::Surface;
use crate::sim::random::Random;
use crate::sim::record::{LogRecord, RECORDS_KEPT};

/// Records that one line may bring in a second.
const MOST_AT_ONCE: u64 = 20;

#[derive(Clone, Debug)]
pub struct Voice {
    random: Random,
    records: Ring<LogRecord>,
    /// Number of the last record, and bytes of all.
    said: (u64, u64),
}

impl Voice {
    pub fn new(random: Random) -> Voice {
        Voice { random, records: Ring::new(RECORDS_KEPT), said: (0, 0) }
    }

    pub fn records_after(&self, number: u64) -> Vec<LogRecord> {
        self.records.iter().filter(|record| record.number > number).cloned().collect()
    }

    /// The texts of this second, in order. A voice that does not speak still says what its faults make it say.
    pub fn turn(
        &mut self,
        script: &Script,
        log: usize,
        surface: Surface,
        speaks: bool,
        effects: Vec<LogEffectSpec>,
    ) -> Vec<String> {
        let mut texts = Vec::new();
        let only = effects.iter().any(|effect| effect.only);
        for line in &script.spec.logs[log].lines {
            let here = line.surfaces.is_empty() || line.surfaces.contains(&surface);
            // Chance is asked every second, so that a fault of another kind leaves it where it was.
            let many = self.times(line.per_second);
            if speaks && here && !only {
                texts.extend((0..many).map(|_| line.text.clone()));
            }
        }
        for effect in effects {
            for _ in 0..self.times(effect.per_second) {
                let turn = usize::try_from(self.random.below(effect.texts.len() as u64)).unwrap_or(0);
                texts.extend(effect.texts.get(turn).cloned());
            }
        }
        texts
    }

    fn times(&mut self, per_second: f64) -> u64 {
        let rest = self.random.happens(per_second.max(0.0).fract());
        (per_second.max(0.0) as u64 + u64::from(rest)).min(MOST_AT_ONCE)
    }

    /// What only the text of a record finds.
    pub fn own(&mut self, now: i64, name: &str) -> Option<String> {
        Some(match name {
            "time" => {
                // The microseconds of a record differ, as they do where a clock is asked.
                let micros = now * 1000 + i64::try_from(self.random.below(1_000)).unwrap_or(0);
                let moment = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
                format!("{moment:.6}")
            }
            "n" => (self.said.0 + 1).to_string(),
            "hex" => Digest::of(&self.random.next().to_le_bytes()).to_string(),
            // Addresses that are nobody's, for documents.
            "ip" => format!("203.0.113.{}", 1 + self.random.below(12)),
            _ => return None,
        })
    }

    pub fn say(&mut self, at_millis: i64, text: String) {
        let (number, end) = (self.said.0 + 1, self.said.1 + text.len() as u64 + 1);
        self.said = (number, end);
        self.records.push(LogRecord { number, at_millis, text, end });
    }
}
