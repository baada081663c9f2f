//! Searching: `find`, `match`, `gmatch`.

use crate::{
    arguments::Arguments,
    library::native_value,
    pattern::{Capture, Caret, Match, Matcher, Pattern, Stop, find_plain, has_specials},
    position::start_position,
    workspace::{STEPS_PER_UNIT, Workspace, allowance, charge_bytes, charge_steps, match_error, with_workspace},
};
use lunette_gc::{reference::Ref, string::Str, value::Value};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    native::{ArgumentList, Native},
};

/// The iterator that `gmatch` gives. Its values are the subject, the pattern and the state: twice the position where to
/// go on, and one more if a match has ended there.
pub(super) const GMATCH_ITERATOR: Native = Native::new("gmatch_iterator", next_match).with_upvalues(3);

/// `string.find(s, pattern [, init [, plain]])`
pub(super) fn find(machine: &mut Machine, frame: Frame) -> NativeResult {
    let subject = frame.check_string(machine, 0)?;
    let pattern = frame.check_string(machine, 1)?;
    let bytes = machine.bytes(subject);
    let start = start_position(frame.optional_integer(machine, 2, 1)?, bytes.len());
    if start > bytes.len() {
        return frame.return_one(machine, Value::Nil);
    }
    let text = machine.bytes(pattern);
    if !frame.argument_or_nil(machine, 3).is_falsy() || !has_specials(text) {
        let found = find_plain(&bytes[start..], text);
        let (seen, length) = (found.unwrap_or(bytes.len() - start), text.len());
        charge_bytes(machine, seen + length)?;
        return match found {
            Some(offset) => {
                let first = (start + offset) as i64;
                frame.return_two(machine, Value::Integer(first + 1), Value::Integer(first + length as i64))
            }
            None => frame.return_one(machine, Value::Nil),
        };
    }
    with_workspace(machine, |machine, workspace| {
        match search(machine, workspace, (subject, pattern), Caret::Anchor, start, None)? {
            Some((found, pattern, matcher)) => {
                let captures = pattern.capture_count() as u32;
                machine.set_value(frame.window(), Value::Integer(found.start as i64 + 1));
                machine.set_value(frame.window() + 1, Value::Integer(found.end as i64));
                push_captures(machine, subject, (pattern, matcher, found), captures, frame.window() + 2)?;
                Ok(Step::Return { first: frame.window(), count: captures + 2 })
            }
            None => frame.return_one(machine, Value::Nil),
        }
    })
}

/// `string.match(s, pattern [, init])`
pub(super) fn match_(machine: &mut Machine, frame: Frame) -> NativeResult {
    let subject = frame.check_string(machine, 0)?;
    let pattern = frame.check_string(machine, 1)?;
    let length = machine.bytes(subject).len();
    let start = start_position(frame.optional_integer(machine, 2, 1)?, length);
    if start > length {
        return frame.return_one(machine, Value::Nil);
    }
    with_workspace(machine, |machine, workspace| {
        match search(machine, workspace, (subject, pattern), Caret::Anchor, start, None)? {
            Some((found, pattern, matcher)) => {
                let values = pattern.value_count() as u32;
                push_captures(machine, subject, (pattern, matcher, found), values, frame.window())?;
                Ok(Step::Return { first: frame.window(), count: values })
            }
            None => frame.return_one(machine, Value::Nil),
        }
    })
}

/// The most bytes that the quick form searches for others.
const FEW: usize = 1 << 12;

/// See [`Quick`](lunette_interpreter::native::Quick).
pub(super) fn quick_find(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let (subject, pattern, start) = quick_arguments(machine, arguments)?;
    let (bytes, text) = (machine.bytes(subject), machine.bytes(pattern));
    if start > bytes.len() {
        return Some(Value::Nil);
    }
    if is_plain(machine, arguments, text) {
        let found = quick_plain(machine, (bytes, text), start)?;
        return Some(found.map_or(Value::Nil, |first| Value::Integer(first as i64 + 1)));
    }
    let found = quick_search(machine, (subject, pattern), start, |_, (_, _, found)| Some(found.start as i64 + 1))?;
    Some(found.map_or(Value::Nil, Value::Integer))
}

/// See [`QuickList`](lunette_interpreter::native::QuickList).
pub(super) fn quick_find_list(machine: &mut Machine, arguments: ArgumentList, target: u32) -> Option<u32> {
    let (subject, pattern, start) = quick_arguments(machine, arguments)?;
    let (bytes, text) = (machine.bytes(subject), machine.bytes(pattern));
    let found = if start > bytes.len() {
        None
    } else if is_plain(machine, arguments, text) {
        quick_plain(machine, (bytes, text), start)?.map(|first| (first, first + text.len(), 0))
    } else {
        quick_search(machine, (subject, pattern), start, |machine, (pattern, matcher, found)| {
            let captures = pattern.capture_count() as u32;
            push_captures(machine, subject, (pattern, matcher, found), captures, target + CAPTURES).ok()?;
            Some((found.start, found.end, captures))
        })?
    };
    Some(match found {
        Some((start, end, captures)) => {
            machine.set_value(target, Value::Integer(start as i64 + 1));
            machine.set_value(target + 1, Value::Integer(end as i64));
            take_captures(machine, captures, target, 2)
        }
        None => give_nil(machine, target),
    })
}

/// See [`QuickList`](lunette_interpreter::native::QuickList).
pub(super) fn quick_match_list(machine: &mut Machine, arguments: ArgumentList, target: u32) -> Option<u32> {
    let (subject, pattern, start) = quick_arguments(machine, arguments)?;
    if start > machine.bytes(subject).len() {
        return Some(give_nil(machine, target));
    }
    let found = quick_search(machine, (subject, pattern), start, |machine, (pattern, matcher, found)| {
        let values = pattern.value_count() as u32;
        push_captures(machine, subject, (pattern, matcher, found), values, target + CAPTURES).ok()?;
        Some(values)
    })?;
    Some(match found {
        Some(values) => take_captures(machine, values, target, 0),
        None => give_nil(machine, target),
    })
}

/// From the first result on, where captures are put until all have taken memory: behind the arguments that are looked at.
const CAPTURES: u32 = 8;

/// Puts captures behind so many other results; how many there are in all.
fn take_captures(machine: &Machine, captures: u32, target: u32, others: u32) -> u32 {
    for index in 0..captures {
        machine.set_value(target + others + index, machine.value(target + CAPTURES + index));
    }
    others + captures
}

fn give_nil(machine: &Machine, target: u32) -> u32 {
    machine.set_value(target, Value::Nil);
    1
}

/// Whether a search is one for the bytes as they are.
#[inline(always)]
fn is_plain(machine: &Machine, arguments: ArgumentList, text: &[u8]) -> bool {
    arguments.get(machine, 3).is_some_and(|plain| !plain.is_falsy()) || !has_specials(text)
}

/// Where bytes are found, if they are; `None` if that takes long.
#[inline(always)]
fn quick_plain(machine: &Machine, (bytes, text): (&[u8], &[u8]), start: usize) -> Option<Option<usize>> {
    let reach = bytes.len().min(start + FEW);
    let found = find_plain(&bytes[start..reach], text);
    if found.is_none() && reach < bytes.len() {
        return None;
    }
    machine.spend_on_bytes(found.unwrap_or(bytes.len() - start) + text.len());
    Some(found.map(|offset| start + offset))
}

/// See [`Quick`](lunette_interpreter::native::Quick).
pub(super) fn quick_match(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let (subject, pattern, start) = quick_arguments(machine, arguments)?;
    if start > machine.bytes(subject).len() {
        return Some(Value::Nil);
    }
    let found = quick_search(machine, (subject, pattern), start, |machine, (pattern, matcher, found)| {
        let capture = matcher.value(pattern, found, 0).ok()?;
        capture_value(machine, subject, capture).ok()
    })?;
    Some(found.unwrap_or(Value::Nil))
}

/// The subject, the pattern, and where to begin.
#[inline(always)]
fn quick_arguments(machine: &Machine, arguments: ArgumentList) -> Option<(Ref<Str>, Ref<Str>, usize)> {
    let (Value::String(subject), Value::String(pattern)) = (arguments.get(machine, 0)?, arguments.get(machine, 1)?)
    else {
        return None;
    };
    let length = machine.bytes(subject).len();
    let start = match arguments.get(machine, 2) {
        None => 0,
        Some(Value::Integer(first)) => start_position(first, length),
        Some(_) => return None,
    };
    Some((subject, pattern, start))
}

/// What `value` makes of the first match, if there is one. `None` if a search takes long, or is an error.
#[inline(always)]
fn quick_search<T>(
    machine: &mut Machine,
    (subject, pattern): (Ref<Str>, Ref<Str>),
    start: usize,
    value: impl FnOnce(&Machine, (&Pattern, &Matcher, Match)) -> Option<T>,
) -> Option<Option<T>> {
    with_workspace(machine, |machine, workspace| {
        let (text, hash) = (machine.bytes(pattern), machine.heap.get(pattern).hash);
        if Pattern::memory_bound(text.len()) > allowance(&machine.heap) {
            return None;
        }
        let pattern = workspace.patterns.get(text, hash, Caret::Anchor).ok()?;
        let matcher = &mut workspace.matcher;
        let found = matcher.find(pattern, machine.bytes(subject), start, None, &mut |_| Err(Stop));
        let steps = matcher.take_steps();
        let value = match found.ok()? {
            Some(found) => {
                let is_sound = (0..pattern.value_count()).all(|index| matcher.value(pattern, found, index).is_ok());
                Some(is_sound.then(|| value(machine, (pattern, matcher, found)))??)
            }
            None => None,
        };
        machine.spend(steps / STEPS_PER_UNIT);
        Some(value)
    })
}

/// `string.gmatch(s, pattern [, init])`
pub(super) fn gmatch(machine: &mut Machine, frame: Frame) -> NativeResult {
    let subject = frame.check_string(machine, 0)?;
    let pattern = frame.check_string(machine, 1)?;
    let length = machine.bytes(subject).len();
    let start = start_position(frame.optional_integer(machine, 2, 1)?, length).min(length + 1);
    let values = [Value::String(subject), Value::String(pattern), Value::LightUserdata(2 * start as u64)];
    let iterator = native_value(machine, GMATCH_ITERATOR.name, &values)?;
    frame.return_one(machine, iterator)
}

fn next_match(machine: &mut Machine, frame: Frame) -> NativeResult {
    let closure = frame.closure(machine);
    let [Value::String(subject), Value::String(pattern), Value::LightUserdata(state)] =
        core::array::from_fn(|index| frame.closure_value(machine, index as u32))
    else {
        return frame.return_none();
    };
    with_workspace(machine, |machine, workspace| {
        let start = (state / 2) as usize;
        let last = (state % 2 == 1).then_some(start);
        match search(machine, workspace, (subject, pattern), Caret::Literal, start, last)? {
            Some((found, pattern, matcher)) => {
                let values = pattern.value_count() as u32;
                push_captures(machine, subject, (pattern, matcher, found), values, frame.window())?;
                let state = Value::LightUserdata(2 * found.end as u64 + 1);
                machine.heap.native_values(closure)[2].set(state);
                Ok(Step::Return { first: frame.window(), count: values })
            }
            None => frame.return_one(machine, Value::Nil),
        }
    })
}

/// The first match from `start` on that does not end at `last`, with the pattern and the matcher that know its captures.
#[inline]
pub(super) fn search<'w>(
    machine: &mut Machine,
    workspace: &'w mut Workspace,
    (subject, pattern): (Ref<Str>, Ref<Str>),
    caret: Caret,
    start: usize,
    last: Option<usize>,
) -> Result<Option<(Match, &'w Pattern, &'w Matcher)>, Throw> {
    let (text, hash) = (machine.bytes(pattern), machine.heap.get(pattern).hash);
    if Pattern::memory_bound(text.len()) > allowance(&machine.heap) {
        return Err(Throw::Memory);
    }
    let pattern = workspace.patterns.get(text, hash, caret).map_err(|error| match_error(machine, error))?;
    let (heap, mut meter) = machine.heap_and_meter();
    let matcher = &mut workspace.matcher;
    let subject = heap.string_bytes(subject);
    let found = matcher.find(pattern, subject, start, last, &mut |steps| charge_steps(&mut meter, steps));
    let steps = matcher.take_steps();
    charge_steps(&mut meter, steps).map_err(|_| Throw::Stop)?;
    match found {
        Ok(found) => Ok(found.map(|found| (found, pattern, &*matcher))),
        Err(error) => Err(match_error(machine, error)),
    }
}

/// Puts the first `count` values of a match into slots.
#[inline]
pub(super) fn push_captures(
    machine: &Machine,
    subject: Ref<Str>,
    (pattern, matcher, found): (&Pattern, &Matcher, Match),
    count: u32,
    slot: u32,
) -> Result<(), Throw> {
    for index in 0..count {
        let capture = matcher.value(pattern, found, index as usize).map_err(|error| match_error(machine, error))?;
        machine.set_value(slot + index, capture_value(machine, subject, capture)?);
    }
    Ok(())
}

/// The value of a capture.
#[inline]
pub(super) fn capture_value(machine: &Machine, subject: Ref<Str>, capture: Capture) -> Result<Value, Throw> {
    Ok(match capture {
        Capture::Text { start, end } => Value::String(machine.new_string(&machine.bytes(subject)[start..end])?),
        Capture::Position(position) => Value::Integer(position as i64 + 1),
    })
}
