//! What keeps memory flat: a sample of rows by the hash of a key, so that all rows of a key are in it or none;
//! and names as numbers.

use std::collections::HashMap;

/// A hash of a text: FNV-1a with the finaliser of SplitMix64. The same on every machine.
pub fn key(text: &str) -> u64 {
    mixed(fnv(0xcbf2_9ce4_8422_2325, text))
}

/// A hash of several texts: their border counts.
pub fn key_of(parts: &[&str]) -> u64 {
    mixed(parts.iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| fnv(fnv(hash, part), "\u{1f}")))
}

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Rows of as many keys as fit: all of them at first; when there are too many, those whose hash lies in the
/// upper half of what is still kept leave.
#[derive(Debug)]
pub struct Sample<T> {
    most: usize,
    below: u64,
    rows: Vec<(u64, T)>,
}

impl<T> Sample<T> {
    /// Keeps at most so many rows.
    pub fn new(most: usize) -> Self {
        Self { most, below: u64::MAX, rows: vec![] }
    }

    /// Takes a row of a key.
    pub fn put(&mut self, key: u64, row: T) {
        if key > self.below {
            return;
        }
        self.rows.push((key, row));
        while self.rows.len() > self.most && self.below > 0 {
            self.below /= 2;
            let below = self.below;
            self.rows.retain(|(key, _)| *key <= below);
        }
    }

    /// The rows that are kept.
    pub fn into_rows(self) -> Vec<T> {
        self.rows.into_iter().map(|(_, row)| row).collect()
    }
}

/// Numbers for names, in the order in which they came.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<String, u32>,
}

impl Names {
    /// The number of a name; a new one where it has none.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

/// Sums by name.
#[derive(Debug, Default)]
pub struct Tally {
    names: Names,
    sums: Vec<f64>,
}

impl Tally {
    /// Adds to the sum of a name.
    pub fn add(&mut self, name: &str, amount: f64) {
        let place = self.names.number(name) as usize;
        match self.sums.get_mut(place) {
            Some(sum) => *sum += amount,
            None => self.sums.push(amount),
        }
    }

    /// The sum of a name.
    pub fn of(&self, name: &str) -> f64 {
        let place = self.names.numbers.get(name);
        place.and_then(|place| self.sums.get(*place as usize)).copied().unwrap_or_default()
    }

    /// Sum of all.
    pub fn total(&self) -> f64 {
        self.sums.iter().sum()
    }

    /// Share of a name in the sum of all.
    pub fn share(&self, name: &str) -> f64 {
        self.of(name) / self.total()
    }

    /// Sums from the largest to the smallest.
    pub fn ranked(&self) -> Vec<f64> {
        let mut sums = self.sums.clone();
        sums.sort_by(|a, b| b.total_cmp(a));
        sums
    }

    /// Names with their sums, from the largest to the smallest; alike ones by name.
    pub fn named(&self) -> Vec<(&str, f64)> {
        let sum = |place: u32| self.sums.get(place as usize).copied().unwrap_or_default();
        let mut all: Vec<(&str, f64)> =
            self.names.numbers.iter().map(|(name, place)| (name.as_str(), sum(*place))).collect();
        all.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        all
    }

    /// How many names there are.
    pub fn count(&self) -> usize {
        self.sums.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_all_rows_of_a_key_or_none_and_never_more_than_it_may() {
        let mut sample = Sample::new(1000);
        for row in 0..30_000_u32 {
            let firm = format!("firm {}", row % 3000);
            sample.put(key(&firm), firm);
        }
        let rows = sample.into_rows();
        assert!((200..=1000).contains(&rows.len()), "{}", rows.len());
        let mut tally = Tally::default();
        rows.iter().for_each(|firm| tally.add(firm, 1.0));
        assert!(tally.ranked().iter().all(|count| (*count - 10.0).abs() < 1e-9));
    }

    #[test]
    fn few_rows_are_all_kept() {
        let mut sample = Sample::new(10);
        (0..10).for_each(|row| sample.put(key("same"), row));
        assert_eq!(sample.into_rows(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn tallies_rank_and_share() {
        let mut tally = Tally::default();
        for (name, amount) in [("a", 1.0), ("b", 5.0), ("a", 2.0), ("c", 2.0)] {
            tally.add(name, amount);
        }
        assert_eq!(tally.named(), [("b", 5.0), ("a", 3.0), ("c", 2.0)]);
        assert!((tally.share("a") - 0.3).abs() < 1e-12);
        assert_ne!(key_of(&["a", "bc"]), key_of(&["ab", "c"]));
    }
}
