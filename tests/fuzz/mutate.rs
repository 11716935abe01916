//! Good input made bad: pieces taken out, doubled, swapped between seeds, and words of the format put in.

/// Longest input.
const LONGEST: usize = 4096;

pub struct Mutator {
    state: u64,
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static [u8]],
}

impl Mutator {
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>, words: &'static [&'static [u8]]) -> Mutator {
        Mutator { state: seed | 1, seeds, words }
    }

    /// xorshift: the same seed gives the same inputs.
    fn chance(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % below.max(1)
    }

    pub fn next(&mut self) -> Vec<u8> {
        let at = self.chance(self.seeds.len());
        let mut input = self.seeds[at].clone();
        for _ in 0..=self.chance(6) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        // What was made becomes a seed now and then, so that changes add up.
        if self.chance(200) == 0 {
            match self.seeds.len() {
                0..400 => self.seeds.push(input.clone()),
                _ => {
                    let at = self.chance(400);
                    self.seeds[at] = input.clone();
                }
            }
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let from = self.chance(input.len() + 1);
        let longest = 1 << self.chance(9);
        let to = (from + self.chance(longest)).min(input.len());
        match self.chance(8) {
            0 => drop(input.drain(from..to)),
            1 => {
                let piece = input[from..to].to_vec();
                input.splice(from..from, piece);
            }
            2 | 3 => {
                let word = self.words[self.chance(self.words.len())];
                input.splice(from..from, word.iter().copied());
            }
            4 => {
                let word = self.words[self.chance(self.words.len())];
                input.splice(from..to, word.iter().copied());
            }
            5 => {
                let other = self.chance(self.seeds.len());
                let start = self.chance(self.seeds[other].len() + 1);
                let piece: Vec<u8> = self.seeds[other].iter().skip(start).take(to - from + 8).copied().collect();
                input.splice(from..to, piece);
            }
            6 if from < input.len() => input[from] ^= 1 << self.chance(8),
            _ => {
                let byte = self.chance(256) as u8;
                input.insert(from, byte);
            }
        }
    }
}
