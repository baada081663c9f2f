//! References inside the region: 32-bit offsets from its base, scaled by 8.

use core::{fmt, hash, marker::PhantomData, num::NonZeroU32};

/// Bytes of one unit of a reference; every object is aligned to it.
pub const REFERENCE_SCALE: usize = 8;

/// A reference to an object of layout `T` in the region of one instance.
///
/// It is valid until the first collection in which the object is not reachable from the roots.
#[repr(transparent)]
pub struct Ref<T>(NonZeroU32, PhantomData<*const T>);

impl<T> Ref<T> {
    /// The reference whose offset is `units` times [`REFERENCE_SCALE`]; `None` for 0.
    pub const fn from_units(units: u32) -> Option<Ref<T>> {
        match NonZeroU32::new(units) {
            Some(units) => Some(Ref(units, PhantomData)),
            None => None,
        }
    }

    /// The offset from the region's base in units of [`REFERENCE_SCALE`] bytes.
    pub const fn units(self) -> u32 {
        self.0.get()
    }

    /// The object's address for a region at `base`.
    #[inline(always)]
    pub fn pointer(self, base: *mut u8) -> *mut T {
        base.wrapping_add(self.0.get() as usize * REFERENCE_SCALE).cast()
    }

    /// The same reference for another layout; the caller vouches for the layout where it is used.
    pub const fn cast<U>(self) -> Ref<U> {
        Ref(self.0, PhantomData)
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}
impl<T> hash::Hash for Ref<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "@{:x}", self.0)
    }
}
