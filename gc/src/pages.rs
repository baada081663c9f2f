//! How the collector gets memory from the home it lives in.

use core::ptr::NonNull;

/// Alignment of a region in bytes.
pub const REGION_ALIGNMENT: usize = 1 << 15;

/// Memory of the home: the small trait that `Host` extends.
///
/// # Safety
/// Memory that `reserve` gave is readable and writable until `unreserve`, but for what `guard` has made inaccessible, belongs
/// to nobody else, and reads as zero where it was not written since `reserve` or `release`.
pub unsafe trait Pages {
    /// Reserves `bytes` of addresses aligned to [`REGION_ALIGNMENT`], of which only touched pages take memory. `None`
    /// if there are none to be had.
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>>;

    /// Gives the memory of a page-aligned part of a reservation back; it reads as zero afterwards.
    ///
    /// # Safety
    /// The range lies in one reservation and nothing in it is used.
    unsafe fn release(&self, start: NonNull<u8>, bytes: usize);

    /// Ends a reservation.
    ///
    /// # Safety
    /// The range is what one `reserve` gave; nothing in it is used afterwards.
    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize);

    /// Says that a range of a reservation, multiples of [`LARGE_PAGE`] from its start, is about to be written for the
    /// first time: its pages may be made at once, which takes less time than one by one. A hint.
    ///
    /// # Safety
    /// The range lies in a reservation of this source.
    unsafe fn prepare(&self, start: NonNull<u8>, bytes: usize) {
        let _ = (start, bytes);
    }

    /// Where so many bytes for places, of which parts can be made inaccessible, lie in a reservation whose other part has `bytes`
    /// bytes: an offset, a multiple of [`LARGE_PAGE`]. `None` if there can be none.
    fn places(&self, bytes: usize, place_bytes: usize) -> Option<usize> {
        let _ = (bytes, place_bytes);
        None
    }

    /// Makes a page-aligned part of a reservation inaccessible, or accessible again; its pages are then as they were, or zero.
    /// Whether that was done.
    ///
    /// # Safety
    /// The range lies in one reservation of this source; nothing in it is used while it is inaccessible.
    unsafe fn guard(&self, start: NonNull<u8>, bytes: usize, is_guarded: bool) -> bool {
        let _ = (start, bytes, is_guarded);
        false
    }

    /// Says that a range of a reservation, multiples of [`LARGE_PAGE`] from its start, is written from its beginning on if at
    /// all, by programs that need much: large pages suit it. A hint.
    ///
    /// # Safety
    /// The range lies in a reservation of this source.
    unsafe fn expect_growth(&self, start: NonNull<u8>, bytes: usize) {
        let _ = (start, bytes);
    }
}

/// Bytes of a large page.
pub const LARGE_PAGE: usize = 2 << 20;
