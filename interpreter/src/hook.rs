//! Debug hooks: the driver that looks at every instruction, and the calls of the hook function, put in between.

use crate::{
    call::Next,
    closing::Afterwards,
    dispatch::{self, state::Status},
    error::Throw,
    execute::Exit,
    frame::{HeaderSlot, Return},
    machine::Machine,
    traceback::FrameView,
};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{function::Prototype, reference::Ref, thread::Thread, value::Value};

/// Event mask: functions are called.
pub const CALL: u32 = 1;
/// Event mask: functions return.
pub const RETURN: u32 = 2;
/// Event mask: a new line is entered.
pub const LINE: u32 = 4;
/// Event mask: so many instructions were executed.
pub const COUNT: u32 = 8;

/// While this is set in the mask the hook runs, and is not called.
const RUNNING: u32 = 0x100;
/// Shift from an event to the bit that says that it was reported for what is about to happen.
pub(crate) const REPORTED_SHIFT: u32 = 16;

impl Machine {
    /// Sets the hook of a thread; nil takes it away.
    pub fn set_hook(&mut self, thread: Ref<Thread>, hook: Value, mask: u32, count: u32) {
        let object = self.heap.get(thread);
        object.hook.set(hook);
        let mask = if hook.is_nil() { 0 } else { mask };
        let state = object.hook_mask.get() & !0xff;
        object.hook_mask.set(if mask == 0 { 0 } else { mask | state });
        object.hook_count.set(count);
        object.hook_left.set(count);
        self.heap.barrier(thread);
        if thread == self.thread {
            self.hooked = mask != 0;
        }
    }

    /// The hook of a thread, its mask and its count.
    pub fn get_hook(&self, thread: Ref<Thread>) -> (Value, u32, u32) {
        let object = self.heap.get(thread);
        (object.hook.get(), object.hook_mask.get() & 0xff, object.hook_count.get())
    }

    /// Whether hooks are called now: neither hooks nor finalizers are reported.
    fn allows_hooks(&self) -> bool {
        self.get_thread().hook_mask.get() & RUNNING == 0 && !self.finalizing
    }

    /// Whether the running frame is of the function that runs finalizers, which programs do not know of.
    fn runs_finalizers(&self) -> bool {
        let number = self.native_closure_of(self.base).map(|closure| self.heap.get(closure).native);
        number.is_some() && number == self.finalizer_native
    }

    /// Whether the hook is to be called for `event` now. Says so once.
    pub(crate) fn hook_is_due(&self, event: u32) -> bool {
        let thread = self.get_thread();
        let mask = thread.hook_mask.get();
        if mask & event == 0 || !self.allows_hooks() || self.runs_finalizers() {
            return false;
        }
        let reported = event << REPORTED_SHIFT;
        thread.hook_mask.set(mask ^ reported);
        mask & reported == 0
    }

    /// Calls the hook above slot `top`.
    fn push_hook(
        &mut self,
        top: u32,
        event: &str,
        line: Option<u32>,
        saved: Value,
        afterwards: Afterwards,
    ) -> Result<Next, Throw> {
        let name = Value::String(self.new_string(event.as_bytes())?);
        let line = line.map_or(Value::Nil, |line| Value::Integer(line.into()));
        let hook = self.get_thread().hook.get();
        let thread = self.get_thread();
        thread.hook_mask.set(thread.hook_mask.get() | RUNNING);
        let pushed = self.push_interlude(top, hook, &[name, line], saved, afterwards, Return::Interlude);
        if pushed.is_err() {
            self.hook_ended();
        }
        pushed
    }

    /// The hook has returned or thrown.
    pub(crate) fn hook_ended(&self) {
        let thread = self.get_thread();
        thread.hook_mask.set(thread.hook_mask.get() & !RUNNING);
    }

    /// Calls the hook from the running Lua frame, of which slots below `top` are in use. While it runs, the instruction
    /// to come counts as the one being executed.
    fn push_lua_hook(&mut self, top: u32, event: &str, line: Option<u32>) -> Result<Next, Throw> {
        let header = self.header(self.base);
        header.set_resume(header.resume() + 1);
        let saved = self.saved_open_top(top);
        self.push_hook(top, event, line, saved, Afterwards::GoOnHooked)
    }

    /// The hook for the call of the running frame.
    pub(crate) fn call_hook(&mut self, tail: bool) -> Result<Option<Next>, Throw> {
        if !self.hook_is_due(CALL) {
            return Ok(None);
        }
        let event = if tail { "tail call" } else { "call" };
        let top = self.frame_top();
        if self.is_native_frame(self.base) {
            let saved = self.saved_open_top(top);
            return self.push_hook(top, event, None, saved, Afterwards::GoOnHooked).map(Some);
        }
        // The instruction's own events are still to come.
        self.get_thread().hook_last.set(0);
        self.get_thread().hook_mask.set(self.get_thread().hook_mask.get() & !(CALL << REPORTED_SHIFT));
        self.push_lua_hook(top, event, None).map(Some)
    }

    /// The hook for the return of the running frame with `count` results from slot `first` on.
    pub(crate) fn return_hook(&mut self, first: u32, count: u32) -> Result<Option<Next>, Throw> {
        if !self.hook_is_due(RETURN) {
            // The caller goes on in the line of its call.
            let caller = self.base - self.header(self.base).distance();
            let thread = self.get_thread();
            if self.allows_hooks() && !self.is_native_frame(caller) {
                thread.hook_last.set(self.header(caller).resume() - 1);
            }
            return Ok(None);
        }
        // Results below the frame, where its caller wants them, could not be looked at.
        let from = first;
        let first = if from < self.base { self.frame_top() } else { from };
        if from != first {
            self.ensure_stack(first, count)?;
            self.copy_slots(from, first, count);
        }
        let top = self.frame_top().max(first + count);
        let saved = Value::Integer((i64::from(first) << 32) | i64::from(count));
        self.push_hook(top, "return", None, saved, Afterwards::Return).map(Some)
    }

    /// Runs the machine's Lua frames one instruction at a time as long as the thread has a hook.
    pub(crate) fn run_hooked(&mut self) -> Status {
        while self.hooked && self.exit == Exit::None {
            if self.is_typed_frame() {
                // Hooks are not called for what WebAssembly does.
                dispatch::run(self);
                continue;
            }
            match self.report_instruction() {
                Ok(None) => {
                    dispatch::step(self);
                }
                Ok(Some(next)) => {
                    self.drive(next);
                }
                Err(throw) => {
                    self.raise(throw);
                }
            }
        }
        Status::Leave
    }

    /// Reports the next instruction of the running Lua frame, if the hook wants it.
    fn report_instruction(&mut self) -> Result<Option<Next>, Throw> {
        let thread = self.get_thread();
        if thread.hook_mask.get() & (COUNT | LINE) == 0 || !self.allows_hooks() {
            return Ok(None);
        }
        let frame = FrameView { thread: self.thread, base: self.base };
        let Some((prototype, _)) = self.lua_position(frame) else {
            return Ok(None);
        };
        let resume = self.header(self.base).resume();
        let code = self.heap.get(prototype).code.units() + 1;
        let number = resume - code;
        let mut top = self.frame_top();
        if self.takes_open_list(prototype, number) {
            top = top.max(self.open_top);
        }
        let thread = self.get_thread();
        let reported = thread.hook_mask.get() >> REPORTED_SHIFT;
        if reported & COUNT != 0 {
            thread.hook_mask.set(thread.hook_mask.get() & !(COUNT << REPORTED_SHIFT));
        } else if thread.hook_mask.get() & COUNT != 0 && reported & LINE == 0 {
            let left = thread.hook_left.get().saturating_sub(1);
            thread.hook_left.set(left);
            if left == 0 {
                thread.hook_left.set(thread.hook_count.get());
                thread.hook_mask.set(thread.hook_mask.get() | COUNT << REPORTED_SHIFT);
                return self.push_lua_hook(top, "count", None).map(Some);
            }
        }
        let thread = self.get_thread();
        if thread.hook_mask.get() & LINE << REPORTED_SHIFT != 0 {
            thread.hook_mask.set(thread.hook_mask.get() & !(LINE << REPORTED_SHIFT));
            return Ok(None);
        }
        if thread.hook_mask.get() & LINE != 0 {
            let last = thread.hook_last.replace(resume);
            let length = (self.heap.bytes(self.heap.get(prototype).code).len() / 8) as u32;
            let line = self.line_of(prototype, number);
            // As PUC: the first instruction, a jump back, or another line than before.
            let is_new = number == 0
                || !(code..code + length).contains(&last)
                || resume <= last
                || self.line_of(prototype, last - code) != line;
            if is_new {
                let thread = self.get_thread();
                thread.hook_mask.set(thread.hook_mask.get() | LINE << REPORTED_SHIFT);
                return self.push_lua_hook(top, "line", line).map(Some);
            }
        }
        Ok(None)
    }

    pub(crate) fn takes_open_list(&self, prototype: Ref<Prototype>, number: u32) -> bool {
        let bytes = self.heap.bytes(self.heap.get(prototype).code);
        let at = number as usize * 8;
        let word = Word(u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap_or_default())).unmarked();
        let is_open = (word.0 >> 32) as u16 == 0;
        match Opcode::ALL[word.opcode_number() as usize] {
            Opcode::call | Opcode::tail_call | Opcode::return_values | Opcode::return_closing => is_open,
            Opcode::set_list_open => true,
            _ => false,
        }
    }
}
