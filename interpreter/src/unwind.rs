//! Errors: from where they are thrown, frame by frame, to where they are caught. No native stack is involved.

use crate::{
    call::Next,
    coroutine::{CLOSING_FAILED, RUNNING},
    error::Throw,
    execute::Exit,
    frame::{HeaderSlot, Return, kind, return_kind},
    machine::{Machine, roots},
    native::{CAUGHT, Role, THROWN},
};
use lunette_gc::value::Value;

/// Where unwinding ends.
#[derive(Clone, Copy)]
struct End {
    /// The frame.
    base: u32,
    /// If it does not catch the error, how it returns: to the host or the resumer.
    return_kind: Option<Return>,
}

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
                let end = self.unwinding_end();
                if let Some(handler) = self.message_handler(end) {
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
                self.begin_unwinding_to(end)
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
        self.begin_unwinding_to(self.unwinding_end())
    }

    fn begin_unwinding_to(&mut self, end: End) -> Next {
        if end.return_kind == Some(Return::Coroutine) {
            if self.get_thread().status.get() == RUNNING {
                return self.fail_thread();
            }
            self.get_thread().status.set(CLOSING_FAILED);
        }
        self.unwind_frames_to(end)
    }

    /// One more than the last slot that may be in use when an error was thrown.
    pub(crate) fn error_top(&self) -> u32 {
        self.frame_top().max(self.open_top.min(self.stack_length - crate::machine::STACK_RESERVE))
    }

    /// Where unwinding the running thread ends.
    fn unwinding_end(&self) -> End {
        let mut base = self.base;
        loop {
            if self.catches(base) {
                return End { base, return_kind: None };
            }
            let header = self.header(base);
            match return_kind(header.tag.get()) {
                end @ (Return::Exit | Return::Coroutine) => return End { base, return_kind: Some(end) },
                _ => base -= header.distance(),
            }
        }
    }

    /// The message handler of where unwinding ends, if there is one.
    fn message_handler(&self, end: End) -> Option<Value> {
        match end.return_kind {
            None => {
                let is_xpcall = self.native_of(end.base).is_some_and(|native| native.name == "xpcall");
                is_xpcall.then(|| self.value(end.base + 1))
            }
            Some(Return::Exit) => {
                let handler = self.heap.root(roots::HOST_HANDLER).get();
                (!handler.is_nil()).then_some(handler)
            }
            Some(_) => None,
        }
    }

    /// Unwinds with the pending error: leaves frames up to the one that catches it, then closes the variables of those
    /// that were left, as if that one had called the handlers.
    pub(crate) fn unwind_frames(&mut self) -> Next {
        self.unwind_frames_to(self.unwinding_end())
    }

    fn unwind_frames_to(&mut self, end: End) -> Next {
        self.lua.is_departed = true;
        while self.base != end.base {
            self.leave_frame();
        }
        while let Some(closing) = self.close_variable_unwinding() {
            match closing {
                Ok(next) => return next,
                Err(Throw::Stop) => return self.unwind(Throw::Stop),
                Err(throw) => {
                    self.settle(throw);
                    if end.return_kind == Some(Return::Coroutine) {
                        self.get_thread().status.set(CLOSING_FAILED);
                    }
                }
            }
        }
        let base = self.base;
        let header = self.header(base);
        match end.return_kind {
            None if self.is_typed_frame() => {
                self.restore_stack();
                self.catch_exception()
            }
            None => {
                self.restore_stack();
                let role = self.native_of(base).and_then(|native| native.role);
                if matches!(role, Some(Role::Protect | Role::ProtectHandled)) {
                    return self.return_error();
                }
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
