//! The library's working memory outside the region: compiled patterns, the matcher, a buffer for text. It lives from
//! call to call only so that calls need not allocate.

use crate::{
    calendar::ZoneFile,
    format::Format,
    pattern::{MatchError, Matcher, PatternCache, Stop},
    text_cache::TextCache,
};
use alloc::{boxed::Box, vec::Vec};
use lunette_gc::heap::Heap;
use lunette_interpreter::{
    Machine, Throw,
    limits::{BYTES_PER_UNIT, Meter},
};

/// Steps of a match that cost one unit of fuel.
pub(crate) const STEPS_PER_UNIT: u64 = 4;

/// A larger buffer is given back after use.
const KEPT_CAPACITY: usize = 1 << 16;

/// Working memory.
#[derive(Default)]
pub(crate) struct Workspace {
    /// Recently used patterns.
    pub patterns: PatternCache,
    /// Recently used formats.
    pub formats: TextCache<Format>,
    /// Working memory of matching.
    pub matcher: Matcher,
    /// Text that is being made; empty at first.
    pub text: Vec<u8>,
    /// The local time zone.
    pub zone: Option<ZoneFile>,
}

/// Does something with the working memory.
#[inline]
pub(crate) fn with_workspace<R>(machine: &mut Machine, work: impl FnOnce(&mut Machine, &mut Workspace) -> R) -> R {
    let mut workspace: Box<Workspace> = match machine.library.take().map(|library| library.downcast()) {
        Some(Ok(workspace)) => workspace,
        _ => Box::default(),
    };
    let result = work(machine, &mut workspace);
    if workspace.text.capacity() > KEPT_CAPACITY {
        workspace.text = Vec::new();
    }
    workspace.text.clear();
    machine.library = Some(workspace);
    result
}

/// Charges for bytes that are copied or looked at.
#[inline]
pub(crate) fn charge_bytes(machine: &mut Machine, count: usize) -> Result<(), Throw> {
    machine.charge(count as u64 / BYTES_PER_UNIT)
}

/// The most bytes of working memory that the instance's memory limit leaves for a text: the string made of it must fit
/// beside it.
pub(crate) fn allowance(heap: &Heap) -> usize {
    let left = heap.memory_limit().saturating_sub(heap.used_bytes());
    usize::try_from(left / 2).unwrap_or(usize::MAX)
}

/// Appends within a limit.
#[inline]
pub(crate) fn append(text: &mut Vec<u8>, bytes: &[u8], limit: usize) -> Result<(), Throw> {
    if bytes.len() > limit.saturating_sub(text.len()) {
        return Err(Throw::Memory);
    }
    if text.capacity() - text.len() < bytes.len() {
        text.try_reserve(bytes.len()).map_err(|_| Throw::Memory)?;
    }
    // A few bytes are stored by the first and the last of them, in line.
    match bytes {
        [] => {}
        [byte] => text.push(*byte),
        _ if bytes.len() > 32 => text.extend_from_slice(bytes),
        _ => {
            let _ = append_ends::<16>(text, bytes)
                || append_ends::<8>(text, bytes)
                || append_ends::<4>(text, bytes)
                || append_ends::<2>(text, bytes);
        }
    }
    Ok(())
}

/// Appends at least `COUNT` bytes, and at most twice as many; `false` if there are fewer.
#[inline(always)]
fn append_ends<const COUNT: usize>(text: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<COUNT>(), bytes.last_chunk::<COUNT>()) else {
        return false;
    };
    let end = text.len() + bytes.len();
    text.extend_from_slice(first);
    text.truncate(end - COUNT);
    text.extend_from_slice(last);
    true
}

/// Charges for the steps of a match.
#[inline]
pub(crate) fn charge_steps(meter: &mut Meter<'_>, steps: u64) -> Result<(), Stop> {
    meter.charge(steps / STEPS_PER_UNIT).map_err(|_| Stop)
}

/// The error of a match that found none.
#[cold]
pub(crate) fn match_error(machine: &Machine, error: MatchError) -> Throw {
    match error {
        // The meter stops for no other reason.
        MatchError::Interrupted => Throw::Stop,
        MatchError::OutOfMemory => Throw::Memory,
        error => machine.native_error(format_args!("{error}")),
    }
}
