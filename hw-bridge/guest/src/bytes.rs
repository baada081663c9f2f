//! The functions on memory that compilers expect.
//!
//! `rep movsb` is fast for long ranges only, so short ones, which are most, are moved as two words that may overlap.

use core::{
    arch::asm,
    ptr::{read_unaligned, write_unaligned},
};

type Wide = core::arch::x86_64::__m128i;

/// Bytes that are moved together where `rep movsb` is slow.
const LINE: usize = 64;
/// Up to this length, words are faster than `rep movsb`.
const SHORT: usize = 128;

/// Copies `count` bytes, all of which are read before any is written.
///
/// # Safety
/// The ranges are readable and writable; `count` is at most 32.
#[inline(always)]
unsafe fn copy_at_most_32(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: every access lies in the caller's ranges: the second of two words ends where the range does.
    unsafe {
        if count >= 16 {
            let first = read_unaligned(from.cast::<Wide>());
            let last = read_unaligned(from.add(count - 16).cast::<Wide>());
            write_unaligned(to.cast::<Wide>(), first);
            write_unaligned(to.add(count - 16).cast::<Wide>(), last);
        } else if count >= 8 {
            let first = read_unaligned(from.cast::<u64>());
            let last = read_unaligned(from.add(count - 8).cast::<u64>());
            write_unaligned(to.cast::<u64>(), first);
            write_unaligned(to.add(count - 8).cast::<u64>(), last);
        } else if count >= 4 {
            let first = read_unaligned(from.cast::<u32>());
            let last = read_unaligned(from.add(count - 4).cast::<u32>());
            write_unaligned(to.cast::<u32>(), first);
            write_unaligned(to.add(count - 4).cast::<u32>(), last);
        } else if count > 0 {
            let (first, middle, last) = (*from, *from.add(count / 2), *from.add(count - 1));
            *to = first;
            *to.add(count / 2) = middle;
            *to.add(count - 1) = last;
        }
    }
}

/// Copies [`LINE`] bytes, all of which are read before any is written.
///
/// # Safety
/// The ranges are readable and writable.
#[inline(always)]
unsafe fn copy_line(to: *mut u8, from: *const u8) {
    // SAFETY: the caller's ranges.
    unsafe { write_unaligned(to.cast::<[Wide; 4]>(), read_unaligned(from.cast::<[Wide; 4]>())) }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's ranges; the last 16 bytes of more than 32 are copied by themselves.
    unsafe {
        if count <= 32 {
            copy_at_most_32(to, from, count);
        } else if count <= SHORT {
            let mut done = 0;
            while done + 16 < count {
                write_unaligned(to.add(done).cast::<Wide>(), read_unaligned(from.add(done).cast::<Wide>()));
                done += 16;
            }
            let last = read_unaligned(from.add(count - 16).cast::<Wide>());
            write_unaligned(to.add(count - 16).cast::<Wide>(), last);
        } else {
            asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
        }
    }
    to
}

/// Moves bytes to lower addresses that they may overlap, where `rep movsb` is slow. Words are written at multiples of
/// their size, which takes half the time; the first and the last bytes by themselves, in the end.
///
/// # Safety
/// The ranges are readable and writable; `count` is at least 16.
unsafe fn move_down(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: the caller's ranges. Going up, a word is read before what it overlaps is written.
    unsafe {
        let first = read_unaligned(from.cast::<Wide>());
        let last = read_unaligned(from.add(count - 16).cast::<Wide>());
        let mut done = to.align_offset(16);
        while done + LINE < count {
            copy_line(to.add(done), from.add(done));
            done += LINE;
        }
        while done + 16 < count {
            write_unaligned(to.add(done).cast::<Wide>(), read_unaligned(from.add(done).cast::<Wide>()));
            done += 16;
        }
        write_unaligned(to.cast::<Wide>(), first);
        write_unaligned(to.add(count - 16).cast::<Wide>(), last);
    }
}

/// Moves bytes to higher addresses that they may overlap, likewise.
///
/// # Safety
/// The ranges are readable and writable; `count` is at least 16.
unsafe fn move_up(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: the caller's ranges. Going down, a word is read before what it overlaps is written.
    unsafe {
        let first = read_unaligned(from.cast::<Wide>());
        let last = read_unaligned(from.add(count - 16).cast::<Wide>());
        let mut left = count - (to.addr() + count) % 16;
        while left > LINE {
            left -= LINE;
            copy_line(to.add(left), from.add(left));
        }
        while left > 16 {
            left -= 16;
            write_unaligned(to.add(left).cast::<Wide>(), read_unaligned(from.add(left).cast::<Wide>()));
        }
        write_unaligned(to.cast::<Wide>(), first);
        write_unaligned(to.add(count - 16).cast::<Wide>(), last);
    }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's ranges.
    unsafe {
        if count <= 32 {
            copy_at_most_32(to, from, count);
        } else if (to as usize).wrapping_sub(from as usize) >= count {
            if (from as usize).wrapping_sub(to as usize) >= count {
                return memcpy(to, from, count);
            }
            move_down(to, from, count);
        } else {
            move_up(to, from, count);
        }
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    let word = u64::from(byte as u8) * 0x0101_0101_0101_0101;
    // SAFETY: the caller's range; the last word ends where it does.
    unsafe {
        if count > SHORT {
            asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") byte as u8, options(nostack, preserves_flags));
        } else if count >= 8 {
            let mut done = 0;
            while done + 8 < count {
                write_unaligned(to.add(done).cast::<u64>(), word);
                done += 8;
            }
            write_unaligned(to.add(count - 8).cast::<u64>(), word);
        } else {
            for index in 0..count {
                to.add(index).write_volatile(byte as u8);
            }
        }
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    let mut index = 0;
    // SAFETY: the caller's ranges.
    unsafe {
        while index + 8 <= count {
            let one = read_unaligned(left.add(index).cast::<u64>());
            let other = read_unaligned(right.add(index).cast::<u64>());
            if one != other {
                return if one.swap_bytes() < other.swap_bytes() { -1 } else { 1 };
            }
            index += 8;
        }
        while index < count {
            let (one, other) = (left.add(index).read_volatile(), right.add(index).read_volatile());
            if one != other {
                return i32::from(one) - i32::from(other);
            }
            index += 1;
        }
    }
    0
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: the caller's ranges.
    unsafe { memcmp(left, right, count) }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller's text, which ends with a zero.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}
