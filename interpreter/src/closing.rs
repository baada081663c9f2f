//! To-be-closed variables, and calls that the machine puts in between (`__close`, finalizers, hooks).
//!
//! The variables of a thread form a chain from the innermost to the outermost: `Thread::to_be_closed` is the index of
//! the innermost one's slot, the slot's `spare` the index of the next, 0 for none.
//!
//! A call put in between has two slots below its window:
//!
//! ```text
//!   saved value | mode | function | header | arguments
//! ```
//!
//! After it the frame below goes on as it was: a Lua frame executes its instruction again or goes on to the next,
//! whichever its resume point says.

use crate::{
    call::Next,
    error::Throw,
    frame::{FRAME_SLOTS, Return},
    machine::Machine,
    metamethod::Event,
};
use lunette_gc::value::Value;

/// Slots below the window of a call put in between.
pub(crate) const INTERLUDE_SLOTS: u32 = 2;

/// What happens after a call put in between.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// The frame below goes on; the saved value is the open top.
    GoOn = 0,
    /// Unwinding goes on; the saved value is the error.
    Unwind = 1,
    /// As `GoOn`, and a finalizer has run.
    GoOnFinalized = 2,
    /// As `GoOn`, and a hook has run: a Lua frame executes its instruction now.
    GoOnHooked = 3,
    /// A hook has run for the return of the frame below; the saved value is where its results are and how many.
    Return = 4,
    /// As `Unwind`, and the error is a trap.
    UnwindTrap = 5,
}

impl Machine {
    /// Marks the variable in slot `index` as to be closed.
    pub(crate) fn mark_to_be_closed(&mut self, index: u32) -> Result<(), Throw> {
        let value = self.value(index);
        if value.is_falsy() {
            return Ok(());
        }
        if self.metamethod(value, Event::Close).is_nil() {
            return Err(self.variable_without_close(index));
        }
        let thread = self.get_thread();
        self.slot(index).spare.set(thread.to_be_closed.get());
        thread.to_be_closed.set(index);
        Ok(())
    }

    /// Takes the innermost to-be-closed variable at or above slot `level` off the chain.
    fn pop_to_be_closed(&mut self, level: u32) -> Option<u32> {
        let thread = self.get_thread();
        let index = thread.to_be_closed.get();
        if index == 0 || index < level {
            return None;
        }
        thread.to_be_closed.set(self.slot(index).spare.get());
        Some(index)
    }

    /// Begins to close the variables at or above slot `level`: `None` if there is none left. The running instruction is
    /// executed again after each; slots below `top` are in use.
    pub(crate) fn close_variables(&mut self, level: u32, top: u32) -> Result<Option<Next>, Throw> {
        let Some(index) = self.pop_to_be_closed(level) else {
            return Ok(None);
        };
        self.jump_by(-1);
        let value = self.value(index);
        let saved = self.saved_open_top(top);
        self.call_close(value, Value::Nil, top, saved, Afterwards::GoOn).map(Some)
    }

    /// Begins to close the next variable of the frame that is being unwound.
    pub(crate) fn close_variable_unwinding(&mut self) -> Option<Result<Next, Throw>> {
        let index = self.pop_to_be_closed(self.base)?;
        let value = self.value(index);
        let error = self.pending_error();
        let top = self.frame_top().max(index + 1);
        let afterwards = if self.is_trap.get() { Afterwards::UnwindTrap } else { Afterwards::Unwind };
        Some(self.call_close(value, error, top, error, afterwards))
    }

    fn call_close(
        &mut self,
        value: Value,
        error: Value,
        top: u32,
        saved: Value,
        afterwards: Afterwards,
    ) -> Result<Next, Throw> {
        let function = self.metamethod(value, Event::Close);
        if function.is_nil() {
            return Err(self.close_error(value));
        }
        let is_function = function.is_function();
        if afterwards == Afterwards::GoOn && !is_function && self.metamethod(function, Event::Call).is_nil() {
            return Err(self.close_error(function));
        }
        self.push_interlude(top, function, &[value, error], saved, afterwards, Return::Closing)
    }

    /// The end of the open list, for after a call put in between above slot `top`. If there is a list that is still needed,
    /// it lies below that.
    pub(crate) fn saved_open_top(&self, top: u32) -> Value {
        Value::Integer(self.open_top.min(top).into())
    }

    /// Calls `function` with a few arguments above slot `top`, between what the running frame does.
    pub(crate) fn push_interlude(
        &mut self,
        top: u32,
        function: Value,
        arguments: &[Value],
        saved: Value,
        afterwards: Afterwards,
        return_kind: Return,
    ) -> Result<Next, Throw> {
        self.ensure_stack(top, INTERLUDE_SLOTS + FRAME_SLOTS + arguments.len() as u32)?;
        self.set_value(top, saved);
        self.set_value(top + 1, Value::Integer(afterwards as i64));
        self.push_values_at(top + INTERLUDE_SLOTS, function, arguments, 0, return_kind, false)
    }

    /// A hook or finalizer whose window was at slot `window` ends by an error.
    pub(crate) fn abandon_interlude(&mut self, window: u32) {
        if matches!(self.value(window - 1), Value::Integer(mode) if mode == Afterwards::GoOnFinalized as i64) {
            self.finalizing = false;
        } else {
            self.hook_ended();
        }
    }

    /// Goes on after a call put in between whose window was at slot `window`.
    pub(crate) fn end_interlude(&mut self, window: u32) -> Result<Next, Throw> {
        let saved = self.value(window - INTERLUDE_SLOTS);
        let Value::Integer(mode) = self.value(window - 1) else {
            unreachable!("the mode stands below the window");
        };
        if mode == Afterwards::Unwind as i64 || mode == Afterwards::UnwindTrap as i64 {
            self.throw(saved);
            self.is_trap.set(mode == Afterwards::UnwindTrap as i64);
            return Ok(self.unwind_frames());
        }
        if let Value::Integer(saved) = saved {
            if mode == Afterwards::Return as i64 {
                self.hook_ended();
                if self.is_typed_frame() {
                    self.pop_numbers();
                }
                return self.return_from((saved >> 32) as u32, saved as u32);
            }
            self.open_top = saved as u32;
        }
        if mode == Afterwards::GoOnFinalized as i64 {
            self.finalizing = false;
        }
        let is_native = self.is_native_frame(self.base);
        if mode == Afterwards::GoOnHooked as i64 {
            self.hook_ended();
            if !is_native {
                self.jump_by(-1);
            }
        }
        Ok(self.next_of_frame())
    }
}
