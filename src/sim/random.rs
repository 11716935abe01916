//! Chance that can be repeated: splitmix64.

/// A generator whose whole state is one number.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; zero for a bound of zero. The bias of the remainder is far below what a simulation
    /// of people could show.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// True once in `of` times.
    pub fn once_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// Between 0 and 1, without 1.
    pub fn share(&mut self) -> f64 {
        // 53 bits are what a number of this kind holds.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Between -1 and 1.
    pub fn either_side(&mut self) -> f64 {
        2.0 * self.share() - 1.0
    }

    /// True so often, of 1.
    pub fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Around 0, two thirds of all within 1.
    pub fn bell(&mut self) -> f64 {
        let (near, far) = (1.0 - self.share(), self.share());
        (-2.0 * near.ln()).sqrt() * (std::f64::consts::TAU * far).cos()
    }
}
