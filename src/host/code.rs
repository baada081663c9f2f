//! Machine code: pages that can be written to at first, and be executed, but not written to, from then on.
//!
//! ```text
//!   the arena of the process:  | area of an instance | area | area | ...
//!   an area:                   | function | function | ... | not accessible
//! ```
//!
//! All lies in one range of addresses, so that it is soon seen whether the processor was in machine code.

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use std::{
    ffi::c_void,
    ops::Range,
    ptr::{NonNull, null_mut},
    sync::{Mutex, OnceLock, PoisonError},
};

/// Bytes of an area: the most machine code that an instance may have.
const AREA_BYTES: usize = 64 << 20;
/// How many areas there are: as many of these as the system gives addresses for.
const AREAS: [usize; 4] = [4096, 256, 16, 1];
/// Where functions begin: at a multiple of this.
const ALIGNMENT: usize = 32;

/// The addresses of all machine code.
struct Arena {
    start: usize,
    areas: usize,
    /// Areas that are nobody's, of the first so many ones; the others were never used.
    free: Mutex<(Vec<usize>, usize)>,
}

static ARENA: OnceLock<Option<Arena>> = OnceLock::new();

impl Arena {
    /// The process's; `None` if the system has no addresses.
    fn get() -> Option<&'static Arena> {
        let reserve = |areas: usize| {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            // SAFETY: a new mapping, in no existing one's place.
            let start = unsafe { mmap_anonymous(null_mut(), areas * AREA_BYTES, ProtFlags::empty(), flags) };
            Some(Arena { start: start.ok()?.addr(), areas, free: Mutex::default() })
        };
        ARENA.get_or_init(|| AREAS.into_iter().find_map(reserve)).as_ref()
    }

    fn take(&self) -> Option<Area> {
        let (free, used) = &mut *self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let number = free.pop().or_else(|| {
            *used += 1;
            (*used <= self.areas).then_some(*used - 1)
        })?;
        Some(Area { number, start: self.start + number * AREA_BYTES, used: 0 })
    }
}

/// Whether an address is one of machine code. May be asked by signal handlers.
#[cfg(all(feature = "jit", target_arch = "x86_64"))]
pub(super) fn is_code(address: usize) -> bool {
    let arena = ARENA.get().and_then(Option::as_ref);
    arena.is_some_and(|arena| (arena.start..arena.start + arena.areas * AREA_BYTES).contains(&address))
}

/// The machine code of an instance.
#[derive(Debug, Default)]
pub(super) struct InstalledCode {
    area: Option<Area>,
}

#[derive(Debug)]
struct Area {
    number: usize,
    start: usize,
    used: usize,
}

impl InstalledCode {
    /// Puts machine code where it can be executed; its address, or `None` if the system or the limit has no room for it.
    pub fn install(&mut self, code: &[u8]) -> Option<NonNull<u8>> {
        if self.area.is_none() {
            self.area = Some(Arena::get()?.take()?);
        }
        self.area.as_mut()?.install(code)
    }
}

impl Area {
    fn install(&mut self, code: &[u8]) -> Option<NonNull<u8>> {
        let place = self.used.next_multiple_of(ALIGNMENT);
        let end = place.checked_add(code.len()).filter(|&end| end <= AREA_BYTES && !code.is_empty())?;
        let page = rustix::param::page_size();
        let pages = place / page * page..end.next_multiple_of(page);
        self.protect(pages.clone(), MprotectFlags::READ | MprotectFlags::WRITE)?;
        let target = NonNull::new((self.start + place) as *mut u8)?;
        // SAFETY: the range lies in the area, of which it was never used; it can be written to.
        unsafe { target.as_ptr().copy_from_nonoverlapping(code.as_ptr(), code.len()) };
        self.protect(pages, MprotectFlags::READ | MprotectFlags::EXEC)?;
        self.used = end;
        Some(target)
    }

    /// Changes what can be done with pages, of which none is being executed.
    fn protect(&self, pages: Range<usize>, flags: MprotectFlags) -> Option<()> {
        let start = (self.start + pages.start) as *mut c_void;
        // SAFETY: the pages lie in the area, which is nobody else's; its instance, which alone executes it, is here.
        unsafe { mprotect(start, pages.len(), flags).ok() }
    }
}

impl Drop for InstalledCode {
    fn drop(&mut self) {
        let Some(area) = self.area.take() else { return };
        let Some(arena) = Arena::get() else { return };
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: the machine is gone, which alone executes it.
        let fresh = unsafe { mmap_anonymous(area.start as *mut c_void, AREA_BYTES, ProtFlags::empty(), flags) };
        // What cannot be made as it was is not used again.
        if fresh.is_ok() {
            arena.free.lock().unwrap_or_else(PoisonError::into_inner).0.push(area.number);
        }
    }
}

#[cfg(all(test, feature = "jit", target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn code_is_packed_executable_and_taken_back() {
        // `mov eax, 7; ret`
        static SEVEN: [u8; 6] = [0xb8, 7, 0, 0, 0, 0xc3];
        let mut code = InstalledCode::default();
        let first = code.install(&SEVEN).unwrap();
        let second = code.install(&SEVEN).unwrap();
        assert_eq!(second.addr().get() - first.addr().get(), ALIGNMENT);
        assert!(is_code(first.addr().get()) && !is_code(&raw const SEVEN as usize));
        for place in [first, second] {
            // SAFETY: it is a function of the C convention.
            let function: extern "C" fn() -> u32 = unsafe { std::mem::transmute(place.as_ptr()) };
            assert_eq!(function(), 7);
        }
        assert!(code.install(&[]).is_none() && code.install(&vec![0xc3; AREA_BYTES]).is_none());
        let area = code.area.as_ref().unwrap().number;
        drop(code);
        assert!(Arena::get().unwrap().free.lock().unwrap().0.contains(&area));
    }
}
