//! `math.random`'s generator: xoshiro256**, giving the sequences of PUC Lua.

/// The generator's state: four words, to be kept by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random(pub [u64; 4]);

impl Random {
    /// The generator as `math.randomseed(first, second)` leaves it.
    pub fn seeded(first: u64, second: u64) -> Self {
        let mut random = Random([first, 0xff, second, 0]);
        for _ in 0..16 {
            random.next();
        }
        random
    }

    /// The next 64 random bits.
    #[expect(clippy::should_implement_trait, reason = "a generator without end is no iterator")]
    #[inline]
    pub fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.0;
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.0 = [s0 ^ s3, s1 ^ s2, s2 ^ s1 << 17, s3.rotate_left(45)];
        s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// The next float in `[0, 1)`.
    #[inline]
    pub fn next_float(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (0.5 / (1u64 << 52) as f64)
    }

    /// The next integer in `low..=high`, without bias; none if that range is empty.
    #[inline]
    pub fn next_in(&mut self, low: i64, high: i64) -> Option<i64> {
        let bits = self.next();
        if low > high {
            return None;
        }
        let size = (high as u64).wrapping_sub(low as u64);
        Some((low as u64).wrapping_add(self.project(bits, size)) as i64)
    }

    /// Projects `bits` into `0..=limit`, drawing again until they fall into it.
    #[inline]
    fn project(&mut self, mut bits: u64, limit: u64) -> u64 {
        let mask = u64::MAX.checked_shr(limit.leading_zeros()).unwrap_or(0);
        loop {
            bits &= mask;
            if bits <= limit {
                return bits;
            }
            bits = self.next();
        }
    }
}
