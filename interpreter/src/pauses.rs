//! Pauses of the program while the collector works: the machine has the clock and times its calls of the collector.

use crate::machine::Machine;
use alloc::{boxed::Box, vec, vec::Vec};
use lunette_gc::{collector::Progress, heap::Heap, statistics::Collection};

/// Buckets of the histogram for each power of two.
const BUCKETS_PER_OCTAVE: u64 = 8;
/// Enough for every pause of 64 bits.
const BUCKETS: usize = 62 * BUCKETS_PER_OCTAVE as usize;

/// The pauses of an instance, in nanoseconds of the host's monotonic clock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pauses {
    /// Sum of all pauses.
    pub total: u64,
    /// The longest pause.
    pub longest: u64,
    /// Number of pauses.
    pub count: u64,
    /// Pauses by length: exact up to 15 ns, within an eighth above.
    histogram: Vec<u32>,
}

impl Default for Pauses {
    fn default() -> Self {
        Pauses { total: 0, longest: 0, count: 0, histogram: vec![0; BUCKETS] }
    }
}

fn bucket_of(pause: u64) -> usize {
    let octave = pause.max(BUCKETS_PER_OCTAVE).ilog2() - BUCKETS_PER_OCTAVE.ilog2();
    (u64::from(octave) * BUCKETS_PER_OCTAVE + (pause >> octave)) as usize
}

/// The longest pause of a bucket.
fn longest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * BUCKETS_PER_OCTAVE {
        return bucket;
    }
    let octave = bucket / BUCKETS_PER_OCTAVE - 1;
    (((bucket % BUCKETS_PER_OCTAVE + BUCKETS_PER_OCTAVE + 1) as u128) << octave).saturating_sub(1) as u64
}

impl Pauses {
    fn note(&mut self, pause: u64) {
        self.total = self.total.saturating_add(pause);
        self.longest = self.longest.max(pause);
        self.count += 1;
        let bucket = &mut self.histogram[bucket_of(pause)];
        *bucket = bucket.saturating_add(1);
    }

    /// A length that this percentage of the pauses does not exceed.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = libm::ceil(self.count as f64 * percent / 100.0) as u64;
        let mut seen = 0;
        for (number, &count) in self.histogram.iter().take(BUCKETS).enumerate() {
            seen += u64::from(count);
            if seen >= wanted && count > 0 {
                return longest_of(number).min(self.longest);
            }
        }
        self.longest
    }
}

/// What is told about collections that were completed: the figures, and the pause in which that happened.
pub type CollectionObserver = Box<dyn FnMut(Collection, u64) + Send>;

impl Machine {
    /// Lets the collector work and notes how long it took.
    pub(crate) fn timed<T>(&mut self, work: impl FnOnce(&Heap) -> (T, Progress)) -> T {
        let (start, markings) = (self.host.monotonic(), self.heap.markings());
        let (result, progress) = work(&self.heap);
        let pause = self.host.monotonic().saturating_sub(start);
        if progress != Progress::Nothing {
            self.pauses.note(pause);
        }
        if matches!(progress, Progress::Minor | Progress::Full)
            && let Some(observer) = &mut self.collection_observer
            && let Some(collection) = self.heap.statistics().last_collection
        {
            observer(collection, pause);
        }
        if self.heap.markings() != markings {
            self.forget_dead_functions(progress == Progress::Minor);
        }
        result
    }

    /// The pauses so far.
    pub fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// Sets what is told about collections.
    pub fn observe_collections(&mut self, observer: Option<CollectionObserver>) {
        self.collection_observer = observer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_all_pauses_in_order() {
        let mut last = 0;
        for shift in 0..64 {
            for pause in [1u64 << shift, (1 << shift) | (1 << shift >> 1), (1 << shift) + ((1 << shift) - 1)] {
                let bucket = bucket_of(pause);
                assert!(bucket >= last && bucket < BUCKETS, "{pause}");
                assert!(longest_of(bucket) >= pause, "{pause}");
                assert!(longest_of(bucket) - pause <= pause / 8, "{pause}");
                last = bucket;
            }
        }
    }

    #[test]
    fn percentiles() {
        let mut pauses = Pauses::default();
        for pause in 1..=1000 {
            pauses.note(pause * 1000);
        }
        assert!((500_000..570_000).contains(&pauses.percentile(50.0)));
        assert_eq!(pauses.percentile(100.0), 1_000_000);
        assert_eq!(Pauses::default().percentile(99.0), 0);
    }
}
