//! Calls of functions that change which frame runs, for compiled code: the machine does what they do ([`crate::roles`]), and the
//! frame that runs then is entered at once where it is compiled.
//!
//! Compiled code that knows the function calls the machine code of that frame itself, between [`super::PushRole`] and
//! [`super::EndRole`]; other calls are performed, and end with [`Machine::end_performed_role`].

use super::{
    enter::{Begun, LEAVE, RESUME, go_on_after},
    performed,
    running::running,
    status,
};
use crate::{
    call::Next,
    dispatch::state::Operands,
    frame::{FRAME_SLOTS, HeaderSlot},
    machine::Machine,
    native::Role,
    roles::Call,
    slow,
};
use core::ptr::null_mut;
use lunette_gc::{function::NativeClosure, reference::Ref, value::Value};

/// Of each role, by number, what makes the frame that runs, for `call`.
pub(super) const PUSH_ROLES: [super::PushRole; Role::ALL.len()] = [
    push_role::<{ Role::Resume as usize }>,
    push_role::<{ Role::Wrapped as usize }>,
    push_role::<{ Role::Yield as usize }>,
    push_role::<{ Role::Protect as usize }>,
    push_role::<{ Role::ProtectHandled as usize }>,
];

unsafe extern "sysv64" fn push_role<const ROLE: usize>(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
) -> *mut u8 {
    // SAFETY: the caller is compiled code, for an instruction of its own.
    let (machine, word) = unsafe { running(machine, base, at) };
    let window = machine.register_index(word.a());
    let count = machine.argument_count(word, window);
    machine.push_role(Role::ALL[ROLE], Call { window, count, wanted: word.c() as i32 - 1 })
}

/// For `generic_for_call`, where the iterator resumes a coroutine.
pub(super) unsafe extern "sysv64" fn push_resuming_iterator(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
) -> *mut u8 {
    // SAFETY: the caller is compiled code, for an instruction of its own.
    let (machine, word) = unsafe { running(machine, base, at) };
    let window = slow::place_iterator(machine, word);
    machine.push_role(Role::Wrapped, Call { window, count: 2, wanted: word.b() as i32 })
}

/// See [`super::EndRole`].
pub(super) unsafe extern "sysv64" fn end_role(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
    ended: u64,
    caller: *mut u8,
    moves: u32,
) -> u64 {
    let ended = match ended {
        // SAFETY: nothing refers to the machine.
        status::REPLACED | status::TAILED => unsafe { go_on_after(machine, ended) },
        ended => ended,
    };
    // SAFETY: as above.
    let machine = unsafe { &mut *machine };
    let goes_on = match ended {
        status::PERFORMED => machine.lua.outcome != LEAVE,
        status::RETURNED => {
            machine.lua.outcome = RESUME;
            machine.base = ((caller as usize - machine.stack as usize) >> 4) as u32;
            true
        }
        status::RETURNS => {
            machine.lua.outcome = RESUME;
            let next = machine.give_results();
            machine.go_on_with(next)
        }
        ended => return ended,
    };
    if goes_on && machine.comes_back(base, at, moves) { status::RETURNED } else { status::PERFORMED }
}

impl Machine {
    /// Does what a function of this role does, if nothing is in the way and the frame that runs then is compiled; the address of
    /// that frame's register 0, or 0 with nothing done.
    #[inline(always)]
    fn push_role(&mut self, role: Role, call: Call) -> *mut u8 {
        let here = 0u8;
        let may_begin = (&raw const here) >= self.native.stack_end && !self.heap.needs_collection();
        match self.value(call.window) {
            Value::NativeClosure(closure) if may_begin && self.is_plain_role(call) => {
                self.push_role_of(role, closure, call).unwrap_or(null_mut())
            }
            _ => null_mut(),
        }
    }

    #[inline(always)]
    fn push_role_of(&mut self, role: Role, closure: Ref<NativeClosure>, call: Call) -> Option<*mut u8> {
        match role {
            Role::Yield => {
                self.switch_from(call)?;
                // What has resumed the coroutine goes on when compiled code has ended.
                self.lua.outcome = RESUME;
                return Some(self.stack);
            }
            Role::Resume | Role::Wrapped => {
                let (thread, skipped) = self.resumed_thread(role, closure, call)?;
                let (prototype, resume) = self.resume_point(thread)?;
                let object = self.heap.get(prototype);
                let word = resume - (object.code.units() + 1);
                let entry = self.lua.entry_of_resumed(prototype, object.native.get(), word as usize)?;
                self.lua.is_departed = false;
                self.switch_to(thread, call, skipped)?;
                (self.lua.next, self.lua.next_entry) = entry;
            }
            Role::Protect | Role::ProtectHandled => {
                let Value::Closure(callee) = self.value(call.window + FRAME_SLOTS) else { return None };
                let prototype = self.prototype_of(callee);
                let entry = self.lua.first_entry(prototype, self.heap.get(prototype).native.get())?;
                self.lua.is_departed = false;
                self.call_protected(call, if role == Role::Protect { 1 } else { 2 })?;
                (self.lua.next, self.lua.next_entry) = entry;
            }
        }
        Some(self.stack.wrapping_add(self.base as usize * 16))
    }

    /// Ends the performing of a call for which the machine has done what the function does, where `next` runs next; gives a
    /// [`performed`]. `at` is the instruction of the frame at `base`, on the stack `stack`.
    pub(super) fn end_performed_role(&mut self, stack: *mut u8, base: *mut u8, at: *const u64, next: Next) -> u64 {
        let moves = self.lua.moves;
        self.lua.outcome = RESUME;
        let is_begun = next == Next::Lua && self.stack == stack && self.may_begin_machine_code();
        let goes_on = if is_begun { self.run_protected() } else { self.go_on_with(next) };
        if goes_on && self.comes_back(base, at, moves) { performed::NEXT } else { performed::ELSEWHERE }
    }

    /// Whether, when everything compiled has run, the frame at `base` goes on behind its instruction `at`.
    #[inline(always)]
    pub(super) fn comes_back(&mut self, base: *mut u8, at: *const u64, moves: u32) -> bool {
        let first = ((at as usize - self.heap.base() as usize) >> 3) as u32 + 1;
        self.run_resumed(base)
            && self.lua.moves == moves
            && self.stack.wrapping_add(self.base as usize * 16) == base
            && self.header(self.base).resume() == first
    }

    /// Runs the Lua function that was called protected; whether the loop would go on.
    fn run_protected(&mut self) -> bool {
        match self.run_begun() {
            Begun::Ran(next) => self.go_on_with(next),
            Begun::Uncompiled if !self.called_by_machine_code() => {
                self.lua.outcome = LEAVE;
                false
            }
            Begun::Uncompiled | Begun::Left => false,
            Begun::Elsewhere => self.lua.outcome != LEAVE,
        }
    }
}
