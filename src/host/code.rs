//! Machine code: pages that can be written to at first, and be executed, but not written to, from then on.
//!
//! ```text
//!   the arena of the process:  | area of an instance | area | area | ...
//!   an area:                   | function | free | function | ... | not accessible
//! ```
//!
//! All lies in one range of addresses, so that it is soon seen whether the processor was in machine code.

use lunette_interpreter::host::CodeSpace;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use std::{
    ffi::c_void,
    ops::Range,
    ptr::{NonNull, null_mut},
    sync::{Mutex, OnceLock, PoisonError},
};

/// Bytes of an area: the most machine code that an instance may have.
pub(super) const AREA_BYTES: usize = 64 << 20;
/// How many areas there are: as many of these as the system gives addresses for.
const AREAS: [usize; 4] = [4096, 256, 16, 1];
/// What is put where machine code was: the processor stops there.
const BREAKPOINT: u8 = 0xcc;

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
        Some(Area { number, start: self.start + number * AREA_BYTES, space: CodeSpace::default() })
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
    space: CodeSpace,
}

impl InstalledCode {
    /// Puts machine code where it can be executed; its address, or `None` if the system or the limit has no room for it.
    pub fn install(&mut self, code: &[u8], limit: usize) -> Option<NonNull<u8>> {
        if self.area.is_none() {
            self.area = Some(Arena::get()?.take()?);
        }
        self.area.as_mut()?.install(code, limit.min(AREA_BYTES))
    }

    /// Takes machine code away that was installed, and that nobody executes.
    pub fn remove(&mut self, address: NonNull<u8>, bytes: usize) {
        if let Some(area) = &mut self.area {
            area.remove(address.addr().get() - area.start, bytes);
        }
    }
}

impl Area {
    fn install(&mut self, code: &[u8], limit: usize) -> Option<NonNull<u8>> {
        let place = self.space.take(code.len(), limit)?;
        let is_written = self.write(place, code.len(), |target| target.copy_from_slice(code));
        if is_written.is_none() {
            self.space.give_back(place, code.len());
        }
        is_written.and_then(|()| NonNull::new((self.start + place) as *mut u8))
    }

    fn remove(&mut self, place: usize, bytes: usize) {
        // Where that cannot be written it is as good as lost, and is not used again.
        if self.write(place, bytes, |target| target.fill(BREAKPOINT)).is_some() {
            self.space.give_back(place, bytes);
        }
    }

    /// Writes to a part that is not being executed.
    fn write(&self, place: usize, bytes: usize, write: impl FnOnce(&mut [u8])) -> Option<()> {
        let page = rustix::param::page_size();
        let pages = place / page * page..(place + bytes).next_multiple_of(page);
        self.protect(pages.clone(), MprotectFlags::READ | MprotectFlags::WRITE)?;
        // SAFETY: the range lies in the area, which is nobody else's, and can be written to.
        write(unsafe { std::slice::from_raw_parts_mut((self.start + place) as *mut u8, bytes) });
        self.protect(pages, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    /// Changes what can be done with pages, of which none is being executed: the thread that would is here.
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
        let first = code.install(&SEVEN, AREA_BYTES).unwrap();
        let second = code.install(&SEVEN, AREA_BYTES).unwrap();
        assert_eq!(second.addr().get() - first.addr().get(), 32);
        assert!(is_code(first.addr().get()) && !is_code(&raw const SEVEN as usize));
        for place in [first, second] {
            // SAFETY: it is a function of the C convention.
            let function: extern "C" fn() -> u32 = unsafe { std::mem::transmute(place.as_ptr()) };
            assert_eq!(function(), 7);
        }
        assert!(code.install(&[], AREA_BYTES).is_none() && code.install(&vec![0xc3; AREA_BYTES], usize::MAX).is_none());
        assert!(code.install(&SEVEN, 64).is_none());
        code.remove(first, SEVEN.len());
        // SAFETY: what was installed can be read.
        assert_eq!(unsafe { first.as_ptr().read() }, BREAKPOINT);
        assert_eq!(code.install(&SEVEN, 64), Some(first));
        let area = code.area.as_ref().unwrap().number;
        drop(code);
        assert!(Arena::get().unwrap().free.lock().unwrap().0.contains(&area));
    }
}
