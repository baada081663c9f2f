//! `gsub`.
//!
//! A replacement string needs no help: its result is made in one go. A function is called back, a table may have a
//! metamethod: for them the result grows in the region, and the frame's locals say how far the work has got.

use super::find::{push_captures, search};
use crate::{
    accumulator::Accumulator,
    arguments::Arguments,
    library::malformed_frame,
    pattern::{Capture, Caret, Match, Piece, Pieces},
    workspace::{Workspace, allowance, append, charge_bytes, match_error, with_workspace},
};
use lunette_bytecode::number::format_integer;
use lunette_gc::{reference::Ref, string::Str, value::Value};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw, frame::FRAME_SLOTS, index::Lookup, native::Native,
};

/// Fuel for a replacement.
const REPLACEMENT_COST: u64 = 4;

/// `string.gsub(s, pattern, repl [, n])`
pub(super) const GSUB: Native = Native::new("string.gsub", gsub).with_locals(LOCALS).unyieldable();

/// The replacement of the match in [`FOUND`] is in the window.
const REPLACED: u32 = 1;
/// The search goes on.
const SEARCH: u32 = 2;

// Locals: the result so far, up to where the subject is in it, the number of matches, the latest match (start and end in
// one), whether anything was replaced.
const RESULT: u32 = 0;
const COPIED: u32 = Accumulator::LOCALS;
const COUNT: u32 = COPIED + 1;
const FOUND: u32 = COPIED + 2;
const CHANGED: u32 = COPIED + 3;
const LOCALS: u32 = COPIED + 4;

fn gsub(machine: &mut Machine, frame: Frame) -> NativeResult {
    let subject = frame.check_string(machine, 0)?;
    let pattern = frame.check_string(machine, 1)?;
    let limit = frame.optional_integer(machine, 3, i64::MAX)?;
    let replacement = match frame.argument(machine, 2) {
        Some(Value::Integer(_) | Value::Float(_)) => Value::String(frame.check_string(machine, 2)?),
        Some(value) if value.is_function() || matches!(value, Value::String(_) | Value::Table(_)) => value,
        _ => return Err(frame.type_error(machine, 2, "string/function/table")),
    };
    let anchored = machine.bytes(pattern).first() == Some(&b'^');
    let job = Job { frame, subject, pattern, limit, anchored };
    match replacement {
        Value::String(replacement) => {
            with_workspace(machine, |machine, workspace| job.with_string(machine, workspace, replacement))
        }
        _ => job.with_callee(machine, replacement),
    }
}

struct Job {
    frame: Frame,
    subject: Ref<Str>,
    pattern: Ref<Str>,
    limit: i64,
    anchored: bool,
}

impl Job {
    fn with_string(&self, machine: &mut Machine, workspace: &mut Workspace, replacement: Ref<Str>) -> NativeResult {
        let limit = allowance(&machine.heap);
        let is_plain = !machine.bytes(replacement).contains(&b'%');
        // Out of the workspace, of which the search needs the rest.
        let mut text = core::mem::take(&mut workspace.text);
        let (mut copied, mut last, mut count) = (0, None, 0);
        while count < self.limit && !(self.anchored && count > 0) {
            let names = (self.subject, self.pattern);
            let Some((found, pattern, matcher)) = search(machine, workspace, names, Caret::Anchor, copied, last)?
            else {
                break;
            };
            count += 1;
            let bytes = machine.bytes(self.subject);
            append(&mut text, &bytes[copied..found.start], limit)?;
            let replacement = machine.bytes(replacement);
            if is_plain {
                append(&mut text, replacement, limit)?;
            } else {
                for piece in Pieces::new(replacement) {
                    let capture = match piece.map_err(|error| match_error(machine, error))? {
                        Piece::Text(part) => {
                            append(&mut text, part, limit)?;
                            continue;
                        }
                        Piece::Match => Capture::Text { start: found.start, end: found.end },
                        Piece::Capture(index) => {
                            matcher.value(pattern, found, index).map_err(|error| match_error(machine, error))?
                        }
                    };
                    match capture {
                        Capture::Text { start, end } => append(&mut text, &bytes[start..end], limit)?,
                        Capture::Position(position) => append(&mut text, &format_integer(position as i64 + 1), limit)?,
                    }
                }
            }
            (copied, last) = (found.end, Some(found.end));
            let length = replacement.len();
            machine.spend(REPLACEMENT_COST);
            charge_bytes(machine, length)?;
        }
        let result = if count == 0 {
            self.subject
        } else {
            append(&mut text, &machine.bytes(self.subject)[copied..], limit)?;
            charge_bytes(machine, text.len())?;
            machine.new_string(&text)?
        };
        workspace.text = text;
        self.frame.return_two(machine, Value::String(result), Value::Integer(count))
    }

    fn with_callee(&self, machine: &mut Machine, callee: Value) -> NativeResult {
        let mut is_replaced = self.frame.phase() == REPLACED;
        loop {
            let mut work = match self.load(machine, is_replaced) {
                Some(work) => work,
                None => {
                    let room = machine.bytes(self.subject).len();
                    Work { result: Accumulator::new(machine, room)?, copied: 0, count: 0, found: None, changed: false }
                }
            };
            if is_replaced {
                let value = self.frame.result(machine, 0);
                self.replace(machine, &mut work, value)?;
            }
            if let Some(step) = self.go_on(machine, &mut work, callee)? {
                return Ok(step);
            }
            // Whatever was called has given a replacement; programs can change what was stored.
            is_replaced = true;
        }
    }

    /// Goes on until the end, or until a function has been called: that has returned if there is no step.
    fn go_on(&self, machine: &mut Machine, work: &mut Work, callee: Value) -> Result<Option<Step>, Throw> {
        let is_table = matches!(callee, Value::Table(_));
        let arguments = self.frame.window() + FRAME_SLOTS;
        while work.count < self.limit && !(self.anchored && work.count > 0) {
            let Some((found, values)) = self.next_match(machine, work, is_table, arguments)? else { break };
            work.found = Some(found);
            if !is_table {
                self.store(machine, *work);
                self.frame.set_phase(machine, REPLACED);
                machine.set_value(self.frame.window(), callee);
                return Ok(machine.call_at_once(self.frame, values, GSUB.yieldable));
            }
            let key = machine.value(arguments);
            match machine.look_up(callee, key)? {
                Lookup::Found(value) => self.replace(machine, work, value)?,
                Lookup::Call { function, object } => {
                    self.store(machine, *work);
                    return self.frame.call(machine, REPLACED, function, &[object, key]).map(Some);
                }
            }
            if machine.heap.needs_collection() {
                self.store(machine, *work);
                self.frame.set_phase(machine, SEARCH);
                return Ok(Some(Step::Continue));
            }
        }
        let result = if work.changed {
            work.result.append(machine, &machine.bytes(self.subject)[work.copied..])?;
            let bytes = work.result.bytes(machine);
            let (result, length) = (machine.new_string(bytes)?, bytes.len());
            charge_bytes(machine, length)?;
            result
        } else {
            self.subject
        };
        self.frame.return_two(machine, Value::String(result), Value::Integer(work.count)).map(Some)
    }

    /// The next match, and how many values of it (the first alone for a table) were put into slots from `slot` on.
    #[inline(always)]
    fn next_match(
        &self,
        machine: &mut Machine,
        work: &Work,
        is_table: bool,
        slot: u32,
    ) -> Result<Option<(Match, u32)>, Throw> {
        with_workspace(machine, |machine, workspace| {
            let last = work.found.map(|found| found.end);
            let names = (self.subject, self.pattern);
            let found = search(machine, workspace, names, Caret::Anchor, last.unwrap_or(0), last)?;
            let Some((found, pattern, matcher)) = found else { return Ok(None) };
            let count = if is_table { 1 } else { pattern.value_count() as u32 };
            push_captures(machine, self.subject, (pattern, matcher, found), count, slot)?;
            Ok(Some((found, count)))
        })
    }

    /// Appends what stands before the match, and the value that replaces it. A match that stays as it is will be appended
    /// with what follows.
    fn replace(&self, machine: &mut Machine, work: &mut Work, value: Value) -> Result<(), Throw> {
        let Some(found) = work.found else {
            return Err(malformed_frame(machine));
        };
        work.count = work.count.saturating_add(1);
        machine.spend(REPLACEMENT_COST);
        let string = match value {
            Value::Nil | Value::Boolean(false) => return charge_bytes(machine, found.end - found.start),
            Value::String(string) => string,
            Value::Integer(_) | Value::Float(_) => crate::text::number_string(machine, value)?,
            other => {
                let name = machine.type_name(other);
                return Err(machine.native_error(format_args!("invalid replacement value (a {name})")));
            }
        };
        work.result.append(machine, &machine.bytes(self.subject)[work.copied..found.start])?;
        work.result.append(machine, machine.bytes(string))?;
        work.changed = true;
        work.copied = found.end;
        charge_bytes(machine, machine.bytes(string).len())
    }

    /// The work that was stored; none if there was not yet any, or programs have changed the function's locals.
    fn load(&self, machine: &Machine, is_replaced: bool) -> Option<Work> {
        let integer = |local| match self.frame.local(machine, local) {
            Value::Integer(value) => value,
            _ => 0,
        };
        let result = Accumulator::load(machine, self.frame, RESULT)?;
        let found = integer(FOUND) as u64;
        let found = Match { start: (found >> 32) as usize, end: found as u32 as usize };
        let copied = usize::try_from(integer(COPIED)).ok()?;
        let length = machine.bytes(self.subject).len();
        // A match that was replaced is copied, too.
        let is_in_place = copied <= found.start || copied == found.end && !is_replaced;
        (is_in_place && found.start <= found.end && found.end <= length).then_some(Work {
            result,
            copied,
            count: integer(COUNT).max(0),
            found: Some(found),
            changed: integer(CHANGED) != 0,
        })
    }

    fn store(&self, machine: &Machine, work: Work) {
        work.result.store(machine, self.frame, RESULT);
        self.frame.set_local(machine, COPIED, Value::Integer(work.copied as i64));
        self.frame.set_local(machine, COUNT, Value::Integer(work.count));
        let found = work.found.map_or(0, |found| (found.start as i64) << 32 | found.end as i64);
        self.frame.set_local(machine, FOUND, Value::Integer(found));
        self.frame.set_local(machine, CHANGED, Value::Integer(work.changed.into()));
    }
}

/// How far the work has got.
#[derive(Clone, Copy)]
struct Work {
    result: Accumulator,
    /// Up to where the subject is in the result.
    copied: usize,
    /// How many matches are done.
    count: i64,
    /// The latest match.
    found: Option<Match>,
    changed: bool,
}
