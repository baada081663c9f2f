//! The numbers of objects by where they are: first which objects there are, then the number of each.
//!
//! ```text
//!   reached   a bit for each place at which an object can begin
//!   before    for each word of these bits, how many are set in the words before it
//!   numbers   those of the objects in the order of their addresses
//! ```
//!
//! So an object takes four bytes and a place three sixteenths of one, however few objects there are.

use super::error::WriteError;
use alloc::vec::Vec;
use lunette_gc::reference::Ref;

type Result<T> = core::result::Result<T, WriteError>;

/// A vector of zeroes.
fn zeroes<T: Copy + Default>(length: usize) -> Result<Vec<T>> {
    let mut zeroes = Vec::new();
    zeroes.try_reserve_exact(length).map_err(|_| WriteError::Memory)?;
    zeroes.resize(length, T::default());
    Ok(zeroes)
}

/// The word and the bit of a place.
#[inline]
fn bit_of(units: u32) -> (usize, u64) {
    (units as usize / 64, 1 << (units % 64))
}

/// Which objects were met.
#[derive(Default)]
pub(super) struct Reached {
    words: Vec<u64>,
    count: usize,
}

impl Reached {
    /// Objects can lie at so many places; more are found room for when it is needed.
    pub fn new(places: usize) -> Result<Reached> {
        Ok(Reached { words: zeroes(places.div_ceil(64))?, count: 0 })
    }

    /// Adds an object; whether it was not there.
    #[inline]
    pub fn insert(&mut self, units: u32) -> Result<bool> {
        let (word, bit) = bit_of(units);
        if word >= self.words.len() {
            self.grow(word)?;
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(is_new);
        Ok(is_new)
    }

    #[cold]
    fn grow(&mut self, word: usize) -> Result<()> {
        self.words.try_reserve(word + 1 - self.words.len()).map_err(|_| WriteError::Memory)?;
        self.words.resize(word + 1, 0);
        Ok(())
    }

    /// Room for the numbers of these objects.
    pub fn into_places(self) -> Result<Places> {
        let mut before = Vec::new();
        before.try_reserve_exact(self.words.len()).map_err(|_| WriteError::Memory)?;
        let mut sum = 0;
        for word in &self.words {
            before.push(sum);
            sum += word.count_ones();
        }
        Ok(Places { reached: self.words, before, numbers: zeroes(self.count)? })
    }
}

/// The numbers of the objects that were met.
#[derive(Default)]
pub(super) struct Places {
    reached: Vec<u64>,
    before: Vec<u32>,
    numbers: Vec<u32>,
}

impl Places {
    /// Where the object's number is; `None` if it was not met.
    #[inline]
    fn rank(&self, units: u32) -> Option<usize> {
        let (word, bit) = bit_of(units);
        let bits = *self.reached.get(word)?;
        (bits & bit != 0).then(|| self.before[word] as usize + (bits & (bit - 1)).count_ones() as usize)
    }

    /// The number of an object, 0 if it was not met.
    #[inline]
    pub fn get(&self, units: u32) -> u32 {
        self.rank(units).map_or(0, |rank| self.numbers[rank])
    }

    /// Gives objects, all of which were met, their numbers from 1.
    pub fn number<T>(&mut self, objects: &[Ref<T>]) {
        for (object, number) in objects.iter().zip(1..) {
            if let Some(rank) = self.rank(object.units()) {
                self.numbers[rank] = number;
            }
        }
    }
}
