//! What debuggers see of frames and functions: local variables, temporaries, upvalues, transferred values.

use crate::{
    closing::{Afterwards, INTERLUDE_SLOTS},
    frame::{FRAME_SLOTS, HeaderSlot, Return, VARIADIC, kind},
    hook,
    machine::Machine,
    traceback::FrameView,
};
use alloc::vec::Vec;
use lunette_gc::{
    function::{Prototype, VariableCell},
    reference::Ref,
    value::Value,
};

/// A local variable or temporary of a frame.
#[derive(Clone, Debug)]
pub struct LocalView {
    /// Its name; of what has none, words in parentheses.
    pub name: Vec<u8>,
    /// Index of its slot in the thread's stack.
    slot: u32,
}

impl Machine {
    /// Local `number` of a frame: variables count from 1, extra arguments of variadic functions from -1 down.
    pub fn local_of(&self, frame: FrameView, number: i64) -> Option<LocalView> {
        let position = self.lua_position(frame);
        if number < 0 {
            let (prototype, _) = position?;
            return self.extra_argument(frame, prototype, number.unsigned_abs());
        }
        let index = u32::try_from(number).ok()?.checked_sub(1)?;
        if let Some((prototype, at)) = position
            && let Some(local) = self.local_name(prototype, index, at)
        {
            return Some(LocalView { name: local.name.to_vec(), slot: frame.base + local.register });
        }
        let slot = frame.base.checked_add(index).filter(|&slot| slot < self.end_of(frame))?;
        let name: &[u8] = if position.is_some() { b"(temporary)" } else { b"(C temporary)" };
        Some(LocalView { name: name.to_vec(), slot })
    }

    fn extra_argument(&self, frame: FrameView, prototype: Ref<Prototype>, number: u64) -> Option<LocalView> {
        let header = self.frame_header(frame);
        if kind(header.tag.get()) & VARIADIC == 0 {
            return None;
        }
        let parameters = u64::from(self.heap.get(prototype).parameter_count);
        let index = parameters + number - 1;
        if index >= header.argument_count().into() {
            return None;
        }
        Some(LocalView { name: b"(vararg)".to_vec(), slot: self.frame_window(frame) + FRAME_SLOTS + index as u32 })
    }

    /// One more than the last slot of the frame that is surely in use.
    fn end_of(&self, frame: FrameView) -> u32 {
        if let Some(callee) = self.callee_of(frame) {
            let window = self.frame_window(callee);
            return match self.frame_return(callee) {
                Return::Interlude | Return::Closing => window - INTERLUDE_SLOTS,
                _ => window,
            };
        }
        match self.prototype_of_value(self.frame_function(frame)) {
            Some(prototype) => frame.base + u32::from(self.heap.get(prototype).register_count),
            None => frame.base + self.frame_header(frame).argument_count(),
        }
    }

    /// The frame that this one has called.
    pub fn callee_of(&self, frame: FrameView) -> Option<FrameView> {
        let mut callee = self.frame_at(frame.thread, 0)?;
        loop {
            let caller = self.caller_of(callee)?;
            if caller == frame {
                return Some(callee);
            }
            callee = caller;
        }
    }

    /// The value of a local.
    pub fn local_value(&self, frame: FrameView, local: &LocalView) -> Value {
        match self.thread_slot(frame.thread, local.slot).get() {
            Value::Cell(cell) => self.heap.get(cell).value.get(),
            Value::Bytes(_) | Value::Internal(_) => Value::Nil,
            value => value,
        }
    }

    /// Sets the value of a local.
    pub fn set_local_value(&mut self, frame: FrameView, local: &LocalView, value: Value) {
        // Compiled code may have what was there in a register of the processor.
        self.lua.moves = self.lua.moves.wrapping_add(1);
        let slot = self.thread_slot(frame.thread, local.slot);
        match slot.get() {
            Value::Cell(cell) => self.set_cell(cell, value),
            _ => slot.set(value),
        }
    }

    /// Sets the value of a captured variable.
    pub fn set_cell(&self, cell: Ref<VariableCell>, value: Value) {
        self.heap.get(cell).value.set(value);
        self.heap.barrier(cell);
    }

    /// The name of a function's parameter, by its index from 0.
    pub fn parameter_name(&self, function: Value, index: u32) -> Option<Vec<u8>> {
        let Value::Closure(closure) = function else {
            return None;
        };
        Some(self.local_name(self.prototype_of(closure), index, 0)?.name.to_vec())
    }

    /// The prototype of a function, if it is a Lua function.
    pub fn prototype_of_value(&self, function: Value) -> Option<Ref<Prototype>> {
        match function {
            Value::Closure(closure) => Some(self.prototype_of(closure)),
            _ => None,
        }
    }

    /// While the hook runs for a call or return of the frame: the number of the first local that holds an argument or a
    /// result, and how many there are.
    pub fn transfer_of(&self, frame: FrameView) -> Option<(u32, u32)> {
        let callee = self.callee_of(frame)?;
        if self.frame_return(callee) != Return::Interlude {
            return None;
        }
        let window = self.frame_window(callee);
        let Value::Integer(mode) = self.thread_slot(frame.thread, window - 1).get() else {
            return None;
        };
        if mode == Afterwards::Return as i64 {
            let Value::Integer(saved) = self.thread_slot(frame.thread, window - INTERLUDE_SLOTS).get() else {
                return None;
            };
            return Some((((saved >> 32) as u32 + 1).saturating_sub(frame.base), saved as u32));
        }
        let reports = self.heap.get(frame.thread).hook_mask.get() >> hook::REPORTED_SHIFT;
        match self.prototype_of_value(self.frame_function(frame)) {
            Some(_) if reports & (hook::LINE | hook::COUNT) != 0 => None,
            Some(prototype) => Some((1, self.heap.get(prototype).parameter_count.into())),
            None => Some((1, self.frame_header(frame).argument_count())),
        }
    }
}
