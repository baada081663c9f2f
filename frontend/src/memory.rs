//! The budget of a compilation: every growth of a collection is charged before it is taken, so that no source text can
//! take more memory than its instance has.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::hash::{BuildHasher, Hash};
use hashbrown::HashMap;

/// The budget is used up, or the allocator has nothing left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// What is left of the budget.
pub(crate) struct Memory {
    left: Cell<usize>,
}

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        Memory { left: Cell::new(bytes) }
    }

    /// Takes `bytes` from the budget.
    pub(crate) fn charge(&self, bytes: usize) -> Result<(), OutOfMemory> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(OutOfMemory)?);
        Ok(())
    }

    /// Gives back what `vector` was charged.
    pub(crate) fn release<T>(&self, vector: Vec<T>) {
        self.left.set(self.left.get().saturating_add(vector.capacity() * size_of::<T>()));
    }

    /// Makes room for `additional` more elements.
    pub(crate) fn reserve<T>(&self, vector: &mut Vec<T>, additional: usize) -> Result<(), OutOfMemory> {
        let needed = vector.len().checked_add(additional).ok_or(OutOfMemory)?;
        if needed <= vector.capacity() {
            return Ok(());
        }
        let capacity = needed.max(vector.capacity().saturating_add(vector.capacity() / 2)).max(4);
        self.charge((capacity - vector.capacity()).checked_mul(size_of::<T>()).ok_or(OutOfMemory)?)?;
        vector.try_reserve_exact(capacity - vector.len()).map_err(|_| OutOfMemory)
    }

    /// Appends `value`.
    #[inline]
    pub(crate) fn push<T>(&self, vector: &mut Vec<T>, value: T) -> Result<(), OutOfMemory> {
        if vector.len() == vector.capacity() {
            self.reserve(vector, 1)?;
        }
        vector.push(value);
        Ok(())
    }

    /// Appends copies of `values`.
    pub(crate) fn extend<T: Copy>(&self, vector: &mut Vec<T>, values: &[T]) -> Result<(), OutOfMemory> {
        self.reserve(vector, values.len())?;
        vector.extend_from_slice(values);
        Ok(())
    }

    /// Moves the elements of `vector` to one that is just large enough; `vector` keeps its room.
    pub(crate) fn take<T>(&self, vector: &mut Vec<T>) -> Result<Vec<T>, OutOfMemory> {
        let mut exact = Vec::new();
        self.charge(vector.len() * size_of::<T>())?;
        exact.try_reserve_exact(vector.len()).map_err(|_| OutOfMemory)?;
        exact.append(vector);
        Ok(exact)
    }

    /// Copies `bytes` to the heap.
    pub(crate) fn copy(&self, bytes: &[u8]) -> Result<Box<[u8]>, OutOfMemory> {
        let mut copy = Vec::new();
        self.charge(bytes.len())?;
        copy.try_reserve_exact(bytes.len()).map_err(|_| OutOfMemory)?;
        copy.extend_from_slice(bytes);
        Ok(copy.into_boxed_slice())
    }

    /// Enters `value` under `key`.
    pub(crate) fn insert<K: Hash + Eq, V, S: BuildHasher>(
        &self,
        map: &mut HashMap<K, V, S>,
        key: K,
        value: V,
    ) -> Result<(), OutOfMemory> {
        if map.len() == map.capacity() {
            let before = map.capacity();
            // Growing doubles; a control byte stands beside each entry.
            self.charge(before.max(4) * (size_of::<(K, V)>() + 1))?;
            map.try_reserve(1).map_err(|_| OutOfMemory)?;
        }
        map.insert(key, value);
        Ok(())
    }
}
