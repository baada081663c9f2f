//! Calls that compiled code has performed: those of compiled functions, and of native ones for which the machine does what they do
//! ([`crate::roles`]) or that have a quick form, take a short way, all others that of the loop.

use super::{
    Perform,
    enter::{Begun, LEAVE, RESUME},
    performed,
    running::running,
};
use crate::{
    dispatch::state::Operands,
    frame::{FRAME_SLOTS, Return},
    machine::Machine,
    native::{ArgumentList, CALL_COST, MOST_LISTED},
    roles::Call,
    slow,
};
use lunette_gc::{function::Closure, reference::Ref, value::Value};

/// Performs `call`; `otherwise` is the usual way.
#[inline(always)]
pub(crate) unsafe fn perform_call(machine: *mut Machine, base: *mut u8, at: *const u64, otherwise: Perform) -> u64 {
    // SAFETY: the caller is compiled code, for an instruction of its own. Nothing refers to the machine when others are called.
    unsafe {
        let (running, word) = running(machine, base, at);
        let (stack, window) = (running.stack, running.register_index(word.a()));
        let count = running.argument_count(word, window);
        let call = Call { window, count, wanted: word.c() as i32 - 1 };
        if let Value::Closure(closure) = running.value(window) {
            return match running.call_compiled(closure, call, base, at) {
                Some(ended) => ended,
                None => otherwise(machine, base, at),
            };
        }
        if running.call_quick_list(call) {
            return performed::NEXT;
        }
        match running.call_by_role(call) {
            Some(next) => running.end_performed_role(stack, base, at, next),
            None => otherwise(machine, base, at),
        }
    }
}

/// Performs `generic_for_call` likewise.
#[inline(always)]
pub(crate) unsafe fn perform_generic_for_call(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
    otherwise: Perform,
) -> u64 {
    // SAFETY: as above.
    unsafe {
        let (running, word) = running(machine, base, at);
        let stack = running.stack;
        let call = Call { window: slow::place_iterator(running, word), count: 2, wanted: word.b() as i32 };
        if let Value::Closure(closure) = running.value(call.window) {
            return match running.call_compiled(closure, call, base, at) {
                Some(ended) => ended,
                None => otherwise(machine, base, at),
            };
        }
        match running.call_by_role(call) {
            Some(next) => running.end_performed_role(stack, base, at, next),
            None => otherwise(machine, base, at),
        }
    }
}

impl Machine {
    /// Calls a function of Lua for the instruction `at` of the frame at `base`, as [`Machine::push_compiled`] does, and runs it;
    /// gives a [`performed`]. `None`, with nothing done, if it is not compiled, or the call takes more.
    #[inline(always)]
    pub(super) fn call_compiled(
        &mut self,
        closure: Ref<Closure>,
        call: Call,
        base: *mut u8,
        at: *const u64,
    ) -> Option<u64> {
        let pushed = self.push_compiled(closure, call.window, call.count, call.wanted, Return::Call as u32);
        if pushed.is_null() {
            return None;
        }
        let moves = self.lua.moves;
        self.base = ((pushed as usize - self.stack as usize) >> 4) as u32;
        self.lua.outcome = RESUME;
        let goes_on = match self.run_at((self.lua.next, 1)) {
            Begun::Ran(next) => self.go_on_with(next),
            Begun::Elsewhere => self.lua.outcome != LEAVE,
            Begun::Left | Begun::Uncompiled => false,
        };
        Some(if goes_on && self.comes_back(base, at, moves) { performed::NEXT } else { performed::ELSEWHERE })
    }

    /// Calls the [`QuickList`](crate::native::QuickList) form of a function, if it has one that serves. If not, nothing is done.
    #[inline(always)]
    fn call_quick_list(&mut self, Call { window, count, wanted }: Call) -> bool {
        let Value::NativeClosure(closure) = self.value(window) else { return false };
        let Some(quick) = self.natives[self.heap.get(closure).native as usize].quick_list else { return false };
        // Where the library allocates, the collector has its turn when that is performed.
        if self.hooked
            || self.heap.needs_collection()
            || self.budget.get() < CALL_COST as i64
            || !self.has_room(window, MOST_LISTED)
        {
            return false;
        }
        let Some(given) = quick(self, ArgumentList::new(window + FRAME_SLOTS, count), window) else { return false };
        self.spend(CALL_COST);
        match u32::try_from(wanted) {
            Ok(wanted) => (given..wanted).for_each(|index| self.set_value(window + index, Value::Nil)),
            Err(_) => self.open_top = window + given,
        }
        true
    }
}
