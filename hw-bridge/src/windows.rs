//! Where a guest's memory is and may be: what is checked of the addresses and lengths that it names.
//!
//! Nothing here touches memory. The numbers are of unknown origin, and whatever they are, what comes out lies where the
//! guest may have it.

use lunette_hw_interface::{channel::MOST_PREPARED, layout::*};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The least that is added, but for places.
const LEAST_GROWTH: u64 = 4 * LARGE_PAGE_BYTES;
/// Windows before those of places.
const FIRST_PLACE: usize = 3;
/// The most that is added at a time.
const MOST_GROWTH: u64 = 1 << 30;

/// Addresses of the guest that memory can be added to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// Where they begin.
    start: u64,
    /// End of the addresses that are mapped.
    mapped: u64,
    /// End of the addresses.
    end: u64,
    /// From where on they are guarded.
    guard: Option<u64>,
}

/// The windows of a guest, and how much may be added to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Those of places last.
    windows: [Window; FIRST_PLACE + PLACE_COUNT],
    /// Physical address of the next memory that is added.
    next: u64,
    /// The most bytes that may be added.
    limit: u64,
}

/// Memory that is to be added to a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The window's number.
    window: usize,
    /// The guest's address.
    pub address: u64,
    /// Physical address.
    pub physical: u64,
    /// Bytes: large pages.
    pub bytes: u64,
}

/// A place for a linear memory, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub usize);

/// From where on each place is guarded, if it is.
pub type Guards = [Option<u64>; PLACE_COUNT];

impl Window {
    /// The addresses for which memory can be added.
    fn missing(&self) -> Range<u64> {
        self.mapped..self.guard.map_or(self.end, |guard| guard.max(self.mapped))
    }
}

impl Growth {
    /// The place to which it belongs.
    pub fn place(&self) -> Option<Place> {
        self.window.checked_sub(FIRST_PLACE).map(Place)
    }

    /// The address at which the memory can be executed, too: that of machine code.
    pub fn executed_at(&self) -> Option<u64> {
        let offset = self.address.checked_sub(CODE_WRITTEN).filter(|&offset| offset < CODE_BYTES)?;
        Some(CODE + offset)
    }
}

impl Windows {
    /// Those that a guest starts with, to which so many bytes may be added.
    pub fn new(limit: u64) -> Windows {
        let window = |start, bytes, present| Window { start, mapped: start + present, end: start + bytes, guard: None };
        let windows = core::array::from_fn(|number| match number {
            0 => window(ARENA, ARENA_BYTES, ARENA_START_BYTES),
            1 => window(REGION, PLACES - REGION, REGION_START_BYTES),
            2 => window(CODE_WRITTEN, CODE_BYTES, 0),
            _ => window(PLACES + (number - FIRST_PLACE) as u64 * PLACE_BYTES, PLACE_BYTES, 0),
        });
        Windows { windows, next: GROWTH, limit }
    }

    /// The same with another limit, which counts what was added before.
    pub fn with_limit(&self, limit: u64) -> Windows {
        Windows { limit, ..self.clone() }
    }

    /// The most bytes that may be added.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether memory can be added at this address.
    pub fn is_growable(&self, address: u64) -> bool {
        self.windows.iter().any(|window| window.missing().contains(&address))
    }

    /// Whether this address is guarded.
    pub fn is_guarded(&self, address: u64) -> bool {
        self.windows.iter().any(|window| window.guard.is_some_and(|guard| (guard..window.end).contains(&address)))
    }

    /// The place whose pages are to be guarded, or are to be so no more, and from where on it will be guarded then.
    pub fn guarded(&self, start: u64, bytes: u64, is_guarded: bool) -> Option<(Place, Option<u64>)> {
        let pages = pages(start, bytes)?;
        let places = self.windows[FIRST_PLACE..].iter().enumerate();
        let mut found = places.filter(|(_, window)| window.start <= pages.start && pages.end <= window.end);
        let (number, window) = found.next()?;
        let is_right = if is_guarded { pages.end == window.end } else { window.guard == Some(pages.start) };
        let guard = if is_guarded { pages.start } else { pages.end };
        is_right.then(|| (Place(number), Some(guard).filter(|&guard| guard < window.end)))
    }

    /// From where on each place is guarded.
    pub fn guards(&self) -> Guards {
        core::array::from_fn(|number| self.windows[FIRST_PLACE + number].guard)
    }

    /// The places that are guarded otherwise than these say, which say what can be.
    pub fn guarded_otherwise(&self, guards: &Guards) -> impl Iterator<Item = (Place, Option<u64>)> {
        let windows = self.windows.clone();
        let differing = guards.iter().copied().enumerate().filter(move |&(number, guard)| {
            let window = &windows[FIRST_PLACE + number];
            let can_be = guard
                .is_none_or(|guard| (window.start..window.end).contains(&guard) && guard.is_multiple_of(PAGE_BYTES));
            can_be && window.guard != guard
        });
        differing.map(|(number, guard)| (Place(number), guard))
    }

    /// Notes from where on a place is guarded; the addresses for which that makes a difference.
    pub fn set_guard(&mut self, place: Place, guard: Option<u64>) -> Range<u64> {
        let window = &mut self.windows[FIRST_PLACE + place.0];
        let [old, new] = [std::mem::replace(&mut window.guard, guard), guard].map(|guard| guard.unwrap_or(window.end));
        old.min(new)..old.max(new)
    }

    /// The addresses of a place that are guarded and for which there is memory.
    pub fn guarded_memory(&self, place: Place) -> Range<u64> {
        let Window { mapped, guard, .. } = self.windows[FIRST_PLACE + place.0];
        guard.unwrap_or(mapped).min(mapped)..mapped
    }

    /// The large pages of a place that lie in a range and for which there is memory, and the bytes of each that are accessible.
    pub fn large_pages(&self, place: Place, range: Range<u64>) -> impl Iterator<Item = (u64, u64)> {
        let Window { start, mapped, end, guard } = self.windows[FIRST_PLACE + place.0].clone();
        let first = range.start.max(start) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
        let guard = guard.unwrap_or(end);
        (first..range.end.min(mapped))
            .step_by(LARGE_PAGE_BYTES as usize)
            .map(move |page| (page, guard.saturating_sub(page).min(LARGE_PAGE_BYTES)))
    }

    /// What may be added to a window.
    fn left(&self, window: &Window) -> u64 {
        let left = self.limit.saturating_sub(self.next - GROWTH).min(window.end - window.mapped);
        left / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES
    }

    fn growth(&self, number: usize, bytes: u64) -> Growth {
        Growth { window: number, address: self.windows[number].mapped, physical: self.next, bytes }
    }

    /// What is to be added so that there is memory at an address; `None` if there cannot be.
    pub fn growth_to(&self, address: u64) -> Option<Growth> {
        let number = self.windows.iter().position(|window| window.missing().contains(&address))?;
        let window = &self.windows[number];
        let least = (address + 1 - window.mapped).next_multiple_of(LARGE_PAGE_BYTES);
        let left = self.left(window);
        if least > left {
            return None;
        }
        let wanted = (window.mapped - window.start).next_multiple_of(LARGE_PAGE_BYTES);
        let least_growth = if number < FIRST_PLACE { LEAST_GROWTH } else { LARGE_PAGE_BYTES };
        Some(self.growth(number, wanted.clamp(least_growth, MOST_GROWTH).clamp(least, left)))
    }

    /// What is to be added for so many bytes from an address on, no more and no less; `None` if that cannot be.
    pub fn growth_by(&self, address: u64, bytes: u64) -> Option<Growth> {
        let number = self.windows.iter().position(|window| window.mapped == address)?;
        let is_right = bytes > 0 && bytes <= self.left(&self.windows[number]) && bytes.is_multiple_of(LARGE_PAGE_BYTES);
        is_right.then(|| self.growth(number, bytes))
    }

    /// Notes that memory was added.
    pub fn add(&mut self, growth: &Growth) {
        self.windows[growth.window].mapped += growth.bytes;
        self.next += growth.bytes;
    }

    /// Whether messages may lie there: in a box, or in what is mapped of a window.
    pub fn holds(&self, start: u64, bytes: usize) -> bool {
        let boxes = [(OUTBOX, OUTBOX + OUTBOX_BYTES as u64), (INBOX, INBOX + INBOX_BYTES as u64)];
        let windows = self.windows.iter().map(|window| (window.start, window.mapped));
        let end = start.checked_add(bytes as u64);
        boxes.into_iter().chain(windows).any(|(from, to)| from <= start && end.is_some_and(|end| end <= to))
    }

    /// The address up to which there must be memory so that a message may lie there, if there is none yet.
    pub fn missing(&self, start: u64, bytes: usize) -> Option<u64> {
        let last = start.checked_add(bytes as u64)?.checked_sub(1)?;
        let is_missing = |window: &Window| window.start <= start && window.missing().contains(&last);
        self.windows.iter().any(is_missing).then_some(last)
    }

    /// The addresses of pages that the guest may discard, without those where there is no memory yet, and of which window they are:
    /// that which begins there.
    pub fn discarded(&self, start: u64, bytes: u64) -> Option<(u64, Range<u64>)> {
        let pages = pages(start, bytes)?;
        let window = self.windows.iter().find(|window| window.start <= start && pages.end <= window.end)?;
        Some((window.start, pages.start.min(window.mapped)..pages.end.min(window.mapped)))
    }

    /// The addresses of pages that the guest may have prepared.
    pub fn prepared(&self, start: u64, bytes: u64) -> Option<Range<u64>> {
        let pages = pages(start, bytes).filter(|_| (1..=MOST_PREPARED).contains(&bytes))?;
        self.windows.iter().any(|window| window.start <= start && pages.end <= window.end).then_some(pages)
    }
}

/// The addresses of whole pages.
fn pages(start: u64, bytes: u64) -> Option<Range<u64>> {
    let is_aligned = start.is_multiple_of(PAGE_BYTES) && bytes.is_multiple_of(PAGE_BYTES);
    let end = start.checked_add(bytes).filter(|_| is_aligned)?;
    Some(start..end)
}
