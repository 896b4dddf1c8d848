//! Numbers in another order, by formula: so that an id says neither when nor how many, and any worker finds the
//! place of any row without a table.
//!
//! A balanced Feistel network of four rounds over the smallest even number of bits that hold the range, walked
//! until it falls inside (J. Black, P. Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). Not for
//! secrets: whoever knows the seed can undo it.

use crate::rng::{Seed, Stream};

const ROUNDS: usize = 4;

/// A permutation of the numbers below a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutation {
    length: u64,
    half: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// That of a seed and a name, over the numbers below `length`.
    pub fn new(seed: Seed, name: &str, length: u64) -> Self {
        Self::keyed(&Stream::new(seed, name), 0, length)
    }

    /// One of many: that of a row of a stream.
    pub fn keyed(stream: &Stream, row: u64, length: u64) -> Self {
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        let mut cell = stream.row(row);
        Self { length, half: bits.div_ceil(2).max(1), keys: [(); ROUNDS].map(|()| cell.bits64()) }
    }

    /// How many numbers it orders.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where a number goes. A number that is not below the length stays.
    pub fn apply(&self, number: u64) -> u64 {
        self.walk(number, |left, right| {
            self.keys
                .iter()
                .fold((left, right), |(left, right), key| (right, left ^ self.mix(right, *key)))
        })
    }

    /// The number that goes there.
    pub fn invert(&self, place: u64) -> u64 {
        self.walk(place, |left, right| {
            let back = |(left, right): (u64, u64), key: &u64| (right ^ self.mix(left, *key), left);
            self.keys.iter().rev().fold((left, right), back)
        })
    }

    fn walk(&self, start: u64, network: impl Fn(u64, u64) -> (u64, u64)) -> u64 {
        if start >= self.length {
            return start;
        }
        let mut number = start;
        loop {
            let (left, right) = network(number >> self.half, number & self.mask());
            number = (left << self.half) | right;
            if number < self.length {
                return number;
            }
        }
    }

    fn mask(&self) -> u64 {
        (1 << self.half) - 1
    }

    /// Half of the finaliser of SplitMix64 (S. Vigna, public domain).
    fn mix(&self, half: u64, key: u64) -> u64 {
        let mut z = half.wrapping_add(key);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_place() {
        for length in [1, 2, 3, 7, 64, 65, 1000, 4096, 100_003] {
            let order = Permutation::new(Seed(5), "ids", length);
            let mut seen = vec![false; usize::try_from(length).unwrap()];
            for number in 0..length {
                let place = order.apply(number);
                assert!(place < length);
                assert!(!std::mem::replace(&mut seen[usize::try_from(place).unwrap()], true));
                assert_eq!(order.invert(place), number);
            }
        }
    }

    #[test]
    fn places_say_nothing_of_the_order() {
        let order = Permutation::new(Seed(5), "ids", 100_000);
        // Correlation of number and place; its standard deviation is 1 / sqrt(n) = 0.003.
        let mean = 49_999.5;
        let covariance: f64 = (0..100_000_u32)
            .map(|n| (f64::from(n) - mean) * (order.apply(n.into()) as f64 - mean))
            .sum();
        let correlation = covariance / (100_000.0 * (1e10 - 1.0) / 12.0);
        assert!(correlation.abs() < 0.012, "{correlation}");
        let rising = (1..100_000).filter(|n| order.apply(*n) > order.apply(n - 1)).count();
        assert!((49_500..50_500).contains(&rising), "{rising}");
    }

    #[test]
    fn large_ranges_and_other_names_work() {
        let a = Permutation::new(Seed(5), "a", u64::MAX / 3);
        let b = Permutation::new(Seed(5), "b", u64::MAX / 3);
        assert_ne!(a.apply(1), b.apply(1));
        assert_eq!(a.invert(a.apply(12_345_678_901)), 12_345_678_901);
    }
}
