//! Coroutines: threads in the heap, each with its own stack of frames. Switching between them is a change of the
//! machine's few fields.

use crate::{
    call::{MAX_NATIVE_DEPTH, Next},
    error::Throw,
    frame::{COUNTED, FRAME_SLOTS, HeaderSlot, Return, header_tag, kind, wanted},
    machine::{Machine, roots},
    native::{CAUGHT, Frame, PASS_ON, PASS_ON_TRUE},
};
use lunette_gc::{reference::Ref, storage::SlotArray, thread::Thread, value::Value};

/// Status of a thread: it can be resumed.
pub const SUSPENDED: u32 = 0;
/// Status of a thread: it runs.
pub const RUNNING: u32 = 1;
/// Status of a thread: it has resumed another.
pub const NORMAL: u32 = 2;
/// Status of a thread: its function has returned, or it was closed.
pub const DEAD: u32 = 3;
/// Status of a thread: an error ended it; its frames are still there, and its variables are to be closed.
pub const FAILED: u32 = 4;
/// Status of a thread: it runs, to be closed.
pub const CLOSING: u32 = 5;
/// Status of a thread: it runs, to be closed with an error.
pub const CLOSING_FAILED: u32 = 6;
/// Status of a thread: as [`NORMAL`], and it is being closed.
pub const NORMAL_CLOSING: u32 = 7;
/// Status of a thread: as [`NORMAL`], and it is being closed with an error.
pub const NORMAL_CLOSING_FAILED: u32 = 8;

const COROUTINE_STACK: u32 = 64;

impl Machine {
    /// A suspended coroutine that will run `function`.
    pub fn new_thread(&mut self, function: Value) -> Result<Ref<Thread>, Throw> {
        let thread = self.heap.new_thread(COROUTINE_STACK)?;
        let object = self.heap.get(thread);
        let slots = self.heap.slots(object.stack.get());
        slots[1].tag.set(header_tag(Return::Coroutine as u32 | crate::frame::NATIVE, -1));
        slots[2].set(function);
        object.base.set(FRAME_SLOTS);
        object.top.set(FRAME_SLOTS + 1);
        object.status.set(SUSPENDED);
        Ok(thread)
    }

    /// The status of a thread: one of this module's constants up to [`CLOSING_FAILED`].
    pub fn thread_status(&self, thread: Ref<Thread>) -> u32 {
        match self.heap.get(thread).status.get() {
            NORMAL_CLOSING | NORMAL_CLOSING_FAILED => NORMAL,
            status => status,
        }
    }

    /// Whether the running thread can yield.
    pub fn is_yieldable(&self) -> bool {
        self.is_thread_yieldable(self.thread)
    }

    /// Whether a thread could yield if it ran as it is.
    pub fn is_thread_yieldable(&self, thread: Ref<Thread>) -> bool {
        thread != self.main_thread() && self.heap.get(thread).native_depth.get() >> 16 == 0
    }

    /// Whether a suspended thread has yet to start.
    fn is_fresh(&self, thread: Ref<Thread>) -> bool {
        let object = self.heap.get(thread);
        object.base.get() == FRAME_SLOTS
    }

    /// Writes the machine's fields of the running thread into the thread.
    pub(crate) fn store_thread(&mut self, top: u32) {
        let thread = self.get_thread();
        thread.base.set(self.base);
        thread.open_top.set(self.open_top);
        thread.number_base.set(self.number_base);
        thread.top.set(top);
    }

    /// Makes `thread` the running one.
    pub(crate) fn load_thread(&mut self, thread: Ref<Thread>) {
        self.thread = thread;
        self.heap.root(roots::CURRENT_THREAD).set(Value::Thread(thread));
        let object = self.heap.get(thread);
        self.base = object.base.get();
        self.open_top = object.open_top.get();
        self.number_base = object.number_base.get();
        object.status.set(match object.status.get() {
            NORMAL_CLOSING => CLOSING,
            NORMAL_CLOSING_FAILED => CLOSING_FAILED,
            _ => RUNNING,
        });
        self.adopt_stack();
    }

    /// Takes up the host's thread and frame again after an error that ended a call from the host.
    pub(crate) fn switch_back(&mut self, thread: Ref<Thread>, base: u32, number_base: u32, depth: u32) {
        while self.thread != thread && self.abandon_thread() {}
        self.base = base;
        self.number_base = number_base;
        let object = self.get_thread();
        object.native_depth.set(depth);
        let mut variable = object.to_be_closed.get();
        while variable >= base && variable != 0 {
            variable = self.slot(variable).spare.get();
        }
        self.get_thread().to_be_closed.set(variable);
    }

    /// Gives the running thread up for the one that has resumed it. `false` if there is none.
    pub(crate) fn abandon_thread(&mut self) -> bool {
        self.lua.is_departed = true;
        let object = self.get_thread();
        object.status.set(FAILED);
        let resumer = object.resumer.take();
        self.heap.barrier(self.thread);
        resumer.inspect(|&resumer| self.load_thread(resumer)).is_some()
    }

    /// The running thread is about to run another one.
    pub(crate) fn set_normal(&self) {
        let status = &self.get_thread().status;
        status.set(match status.get() {
            CLOSING => NORMAL_CLOSING,
            CLOSING_FAILED => NORMAL_CLOSING_FAILED,
            _ => NORMAL,
        });
    }

    /// Resumes `thread` with values of the running native frame.
    pub(crate) fn resume_thread(&mut self, thread: Ref<Thread>, first: u32, count: u32) -> Result<Next, Throw> {
        let status = self.thread_status(thread);
        if status != SUSPENDED {
            let what = if status == DEAD || status == FAILED { "dead" } else { "non-suspended" };
            return self.resume_error(format_args!("cannot resume {what} coroutine"));
        }
        let depth = self.get_thread().native_depth.get() & 0xffff;
        if depth + 1 >= MAX_NATIVE_DEPTH {
            return self.resume_error(format_args!("C stack overflow"));
        }
        let fresh = self.is_fresh(thread);
        let resumer = self.thread;
        self.store_thread(first + count);
        self.set_normal();
        let source = self.get_thread().stack.get();
        self.load_thread(thread);
        let object = self.get_thread();
        object.resumer.set(Some(resumer));
        // While a thread is suspended it counts its own levels only.
        object.native_depth.set(object.native_depth.get().wrapping_add(depth + 1));
        if !fresh {
            // The thread's frame is that of `yield`, which returns the values.
            return Ok(self.return_across(source, first, count).unwrap_or_else(|throw| self.unwind(throw)));
        }
        let target = FRAME_SLOTS + FRAME_SLOTS;
        let enter = |machine: &mut Machine| {
            machine.ensure_stack(target, count)?;
            machine.copy_across(source, first, target, count);
            machine.push_call(FRAME_SLOTS, count, -1, Return::Coroutine, 0)
        };
        let mut next = enter(self);
        if next == Err(Throw::Memory) {
            self.collect_fully(target);
            next = enter(self);
        }
        Ok(next.unwrap_or_else(|throw| self.unwind(throw)))
    }

    /// A resume that did not happen: the native frame is told.
    fn resume_error(&mut self, message: core::fmt::Arguments<'_>) -> Result<Next, Throw> {
        let text = alloc::format!("{message}");
        let string = self.new_string(text.as_bytes())?;
        self.throw(Value::String(string));
        self.header(self.base).set_resume(CAUGHT);
        Ok(Next::Native)
    }

    /// Suspends the running thread with values of its native frame, and goes on in the resumer.
    pub(crate) fn yield_values(&mut self, frame: Frame, first: u32, count: u32) -> Result<Next, Throw> {
        if !self.is_yieldable() {
            return Err(if self.thread == self.main_thread() {
                self.runtime_error(format_args!("attempt to yield from outside a coroutine"))
            } else {
                self.runtime_error(format_args!("attempt to yield across a C-call boundary"))
            });
        }
        // What the thread is resumed with is returned.
        self.header(self.base).set_resume(PASS_ON);
        self.leave_thread(first, count, SUSPENDED, frame.window())
    }

    /// The first function of the running thread has returned.
    pub(crate) fn finish_thread(&mut self, first: u32, count: u32) -> Result<Next, Throw> {
        self.base = FRAME_SLOTS;
        self.leave_thread(first, count, DEAD, FRAME_SLOTS)
    }

    /// An error, which is pending, has ended the running thread. The thread keeps it, at its open top.
    pub(crate) fn fail_thread(&mut self) -> Next {
        let top = self.error_top();
        self.set_value(top, self.pending_error());
        self.open_top = top;
        self.leave_failed(FAILED, top + 1)
    }

    /// All variables of the running thread, which is being closed, are closed.
    pub(crate) fn end_close(&mut self) -> Next {
        if self.get_thread().status.get() == CLOSING_FAILED {
            return self.leave_failed(DEAD, FRAME_SLOTS);
        }
        self.leave_thread(0, 0, DEAD, FRAME_SLOTS).unwrap_or_else(|throw| self.unwind(throw))
    }

    /// Leaves the running thread for its resumer, which is told of the pending error.
    fn leave_failed(&mut self, status: u32, top: u32) -> Next {
        self.switch_to_resumer(status, top);
        self.header(self.base).set_resume(CAUGHT);
        Next::Native
    }

    /// Leaves the running thread, of which the slots below `top` stay, for its resumer, which is given values.
    fn leave_thread(&mut self, first: u32, count: u32, status: u32, top: u32) -> Result<Next, Throw> {
        let source = self.get_thread().stack.get();
        self.switch_to_resumer(status, top);
        self.return_across(source, first, count)
    }

    /// Leaves the running native frame, whose thread has just been switched to, with `count` values from slot `first` of
    /// the stack `source` on.
    fn return_across(&mut self, source: Ref<SlotArray>, first: u32, count: u32) -> Result<Next, Throw> {
        let header = self.header(self.base);
        let (tag, phase) = (header.tag.get(), header.resume());
        let passes_on = matches!(phase, PASS_ON | PASS_ON_TRUE);
        if !passes_on || self.hooked || kind(tag) & (COUNTED | 7) != Return::Call as u32 {
            let window = self.frame_top();
            self.ensure_stack(window, count)?;
            self.copy_across(source, first, window, count);
            if passes_on {
                let (first, count) = self.passed_on(phase, window, count);
                return self.return_from(first, count);
            }
            self.open_top = window + count;
            if self.heap.needs_collection() {
                return Ok(self.safepoint(self.open_top, Next::Native));
            }
            return Ok(Next::Native);
        }
        // Straight to the Lua function that called.
        let to = self.base - FRAME_SLOTS;
        let caller = self.base - header.distance();
        let mut target = to;
        let end = match u32::try_from(wanted(tag)) {
            Ok(wanted) => to + wanted,
            Err(_) => {
                self.ensure_stack(to, count + 1)?;
                self.open_top = to + count + u32::from(phase == PASS_ON_TRUE);
                self.open_top
            }
        };
        if phase == PASS_ON_TRUE && target < end {
            self.set_value(target, Value::Boolean(true));
            target += 1;
        }
        let given = count.min(end - target);
        self.copy_across(source, first, target, given);
        for slot in target + given..end {
            self.set_value(slot, Value::Nil);
        }
        self.base = caller;
        Ok(if self.heap.needs_collection() { self.safepoint(end, Next::Lua) } else { Next::Lua })
    }

    /// Copies values from another stack.
    #[inline(always)]
    fn copy_across(&self, source: Ref<SlotArray>, first: u32, to: u32, count: u32) {
        for (index, slot) in self.heap.slots(source)[first as usize..][..count as usize].iter().enumerate() {
            let target = self.slot(to + index as u32);
            target.payload.set(slot.payload.get());
            target.tag.set(slot.tag.get());
        }
    }

    fn switch_to_resumer(&mut self, status: u32, top: u32) {
        self.lua.is_departed = true;
        let left = self.thread;
        self.store_thread(top);
        let object = self.get_thread();
        object.status.set(status);
        let Some(resumer) = object.resumer.take() else {
            unreachable!("a coroutine that runs was resumed");
        };
        let depth = self.heap.get(resumer).native_depth.get() & 0xffff;
        object.native_depth.set(object.native_depth.get().saturating_sub(depth + 1));
        self.heap.barrier(left);
        self.load_thread(resumer);
    }

    /// Closes a suspended or failed thread: its to-be-closed variables are closed in it, then it is dead.
    pub(crate) fn close_thread(&mut self, thread: Ref<Thread>) -> Result<Next, Throw> {
        let depth = self.get_thread().native_depth.get() & 0xffff;
        if depth + 1 >= MAX_NATIVE_DEPTH {
            return self.resume_error(format_args!("C stack overflow"));
        }
        let resumer = self.thread;
        let failed = self.thread_status(thread) == FAILED;
        self.store_thread(self.frame_top());
        self.set_normal();
        self.load_thread(thread);
        self.throw(if failed { self.value(self.open_top) } else { Value::Nil });
        let object = self.get_thread();
        object.status.set(if failed { CLOSING_FAILED } else { CLOSING });
        object.resumer.set(Some(resumer));
        object.native_depth.set((depth + 1) | 1 << 16);
        // All frames but the bottom one are gone; their variables are not.
        self.base = FRAME_SLOTS;
        self.open_top = FRAME_SLOTS;
        debug_assert_eq!(kind(self.header(self.base).tag.get()) & 7, Return::Coroutine as u32);
        Ok(self.unwind_frames())
    }
}
