//! Errors: from where they are thrown, frame by frame, to where they are caught. No native stack is involved.

use crate::{
    call::Next,
    coroutine::{CLOSING_FAILED, RUNNING},
    error::Throw,
    execute::Exit,
    frame::{HeaderSlot, Return, kind, return_kind},
    machine::{Machine, roots},
    native::{CAUGHT, THROWN},
};
use lunette_gc::value::Value;

impl Machine {
    /// Handles an error of the running frame: calls the message handler, if the error will be caught by one, and
    /// unwinds.
    #[cold]
    pub(crate) fn unwind(&mut self, throw: Throw) -> Next {
        match throw {
            Throw::Stop if self.is_closing_exit() => self.unwind_to_exit(),
            Throw::Stop => {
                self.exit = Exit::Failed(Throw::Stop);
                Next::Leave
            }
            Throw::Memory => {
                self.memory_error();
                self.begin_unwinding()
            }
            Throw::Unhandled => self.begin_unwinding(),
            Throw::Error => {
                if let Some(handler) = self.message_handler() {
                    let error = self.pending_error();
                    let top = self.error_top();
                    if self.ensure_stack(top, 8).is_ok() {
                        match self.push_values_at(top, handler, &[error], 1, Return::Handler, true) {
                            Ok(next) => return next,
                            Err(Throw::Stop) => return self.unwind(Throw::Stop),
                            Err(_) => {
                                self.error_in_error_handling();
                            }
                        }
                    }
                }
                self.begin_unwinding()
            }
        }
    }

    /// Leaves all frames, since the program ends in an orderly way: closes the variables of the main thread.
    fn unwind_to_exit(&mut self) -> Next {
        while self.thread != self.main_thread() {
            if self.is_below_host() || !self.abandon_thread() {
                self.exit = Exit::Failed(Throw::Stop);
                return Next::Leave;
            }
        }
        while self.leave_frame().is_none() {}
        self.limits.exit_base = self.base;
        self.throw(Value::Nil);
        self.unwind_frames()
    }

    /// Whether the frame is the one below which the variables of a program that ends are closed.
    fn is_exit_frame(&self, base: u32) -> bool {
        base == self.limits.exit_base && self.thread == self.main_thread()
    }

    /// Whether the host has called one of the running thread's frames.
    fn is_below_host(&self) -> bool {
        let mut base = self.base;
        loop {
            let header = self.header(base);
            match return_kind(header.tag.get()) {
                Return::Exit => return true,
                Return::Coroutine => return false,
                _ if header.distance() == 0 => return false,
                _ => base -= header.distance(),
            }
        }
    }

    /// Unwinds with the pending error, unless nothing in the running coroutine catches it: then its frames stay, for
    /// tracebacks, and its variables until it is closed.
    fn begin_unwinding(&mut self) -> Next {
        let mut base = self.base;
        loop {
            let header = self.header(base);
            if self.catches(base) {
                break;
            }
            match return_kind(header.tag.get()) {
                Return::Coroutine if self.get_thread().status.get() == RUNNING => return self.fail_thread(),
                Return::Coroutine => {
                    self.get_thread().status.set(CLOSING_FAILED);
                    break;
                }
                Return::Exit => break,
                _ => base -= header.distance(),
            }
        }
        self.unwind_frames()
    }

    /// One more than the last slot that may be in use when an error was thrown.
    pub(crate) fn error_top(&self) -> u32 {
        self.frame_top().max(self.open_top.min(self.stack_length - crate::machine::STACK_RESERVE))
    }

    /// The message handler of the innermost catching frame of the running thread, if it has one.
    fn message_handler(&self) -> Option<Value> {
        let mut base = self.base;
        loop {
            let header = self.header(base);
            if self.catches(base) {
                let is_xpcall = self.native_of(base).is_some_and(|native| native.name == "xpcall");
                return is_xpcall.then(|| self.value(base + 1));
            }
            match return_kind(header.tag.get()) {
                Return::Exit => {
                    let handler = self.heap.root(roots::HOST_HANDLER).get();
                    return (!handler.is_nil()).then_some(handler);
                }
                Return::Coroutine => return None,
                _ if header.distance() == 0 => return None,
                _ => {}
            }
            base -= header.distance();
        }
    }

    /// Unwinds with the pending error: leaves frames up to the one that catches it, then closes the variables of those
    /// that were left, as if that one had called the handlers.
    pub(crate) fn unwind_frames(&mut self) -> Next {
        let end = self.leave_frames();
        while let Some(closing) = self.close_variable_unwinding() {
            match closing {
                Ok(next) => return next,
                Err(Throw::Stop) => return self.unwind(Throw::Stop),
                Err(throw) => {
                    self.settle(throw);
                    if end == Some(Return::Coroutine) {
                        self.get_thread().status.set(CLOSING_FAILED);
                    }
                }
            }
        }
        let base = self.base;
        let header = self.header(base);
        match end {
            None if self.is_typed_frame() => {
                self.restore_stack();
                self.catch_exception()
            }
            None => {
                self.restore_stack();
                self.header(base).set_resume(CAUGHT);
                Next::Native
            }
            Some(Return::Coroutine) => self.end_close(),
            Some(_) => {
                let (tag, distance) = (header.tag.get(), header.distance());
                let throw = if self.is_exit_frame(base) { Throw::Stop } else { Throw::Error };
                self.leave_native_level(kind(tag));
                if self.is_typed_frame() {
                    self.pop_numbers();
                }
                self.base = base - distance;
                self.exit = Exit::Failed(throw);
                Next::Leave
            }
        }
    }

    /// Leaves frames up to one that catches errors, or to the last one above the host or the resumer: then says which.
    fn leave_frames(&mut self) -> Option<Return> {
        loop {
            if self.catches(self.base) {
                return None;
            }
            if let Some(end) = self.leave_frame() {
                return Some(end);
            }
        }
    }

    /// Leaves the running frame, unless it is the last one above the host or the resumer: then says which.
    fn leave_frame(&mut self) -> Option<Return> {
        let header = self.header(self.base);
        let (tag, distance) = (header.tag.get(), header.distance());
        match return_kind(tag) {
            end @ (Return::Exit | Return::Coroutine) => return Some(end),
            Return::Interlude => self.abandon_interlude(self.window_of(self.base)),
            _ => {}
        }
        self.leave_native_level(kind(tag));
        if self.is_typed_frame() {
            self.pop_numbers();
        }
        self.base -= distance;
        None
    }

    /// Gives the emergency room of the stack back after an overflow was handled.
    pub(crate) fn restore_stack(&mut self) {
        let limit = crate::machine::MAX_STACK + crate::machine::STACK_RESERVE;
        if self.is_overflowing() && self.frame_top() + crate::machine::STACK_RESERVE < limit {
            // Without memory for the smaller stack the larger one does as well.
            let length = (self.frame_top() + crate::machine::STACK_RESERVE).next_power_of_two().min(limit);
            let _ = self.resize_stack(length);
        }
    }

    /// Whether the frame is that of a native function that catches errors and waits for a callee. One that has thrown
    /// an error itself does not catch that.
    #[inline]
    fn catches(&self, base: u32) -> bool {
        if !self.is_native_frame(base) {
            return self.is_typed(base) && self.catch_at(base).is_some();
        }
        self.header(base).resume() != THROWN
            && self.native_of(base).is_some_and(|native| native.catches)
            && !self.is_exit_frame(base)
    }

    #[inline]
    pub(crate) fn native_of(&self, base: u32) -> Option<&crate::native::Native> {
        self.native_closure_of(base).map(|closure| &self.natives[self.heap.get(closure).native as usize])
    }
}
