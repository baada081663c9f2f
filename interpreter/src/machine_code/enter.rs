//! From the loop into compiled code and back, and from compiled code to single instructions.

use super::{Compiled, performed, status};
use crate::{
    call::Next,
    dispatch::{self, state::Status},
    frame::{HeaderSlot, Return, TAIL_CALLED_MASK, return_kind},
    machine::{MAX_STACK, Machine, STACK_RESERVE},
    typed::native::report::NativeExitCause,
};
use lunette_bytecode::instruction::{Flow, Opcode, Word};
use lunette_gc::{
    function::{Closure, Prototype},
    reference::Ref,
    value::Slot,
};

/// The loop is to execute the instruction at the running frame's resume point, whatever mark it has.
pub(crate) const EXECUTE: u64 = 0;
/// The loop is to go on in the machine's running frame.
pub(crate) const RESUME: u64 = 1;
/// The loop is to be left; the machine knows why.
pub(crate) const LEAVE: u64 = 2;

/// Enters compiled code at the marked instruction `at` of the Lua frame at `base`; says how the loop goes on.
///
/// # Safety
/// The frame is the machine's running one, of verified code, and the instruction is one of its function's.
pub(crate) unsafe fn enter(machine: *mut Machine, base: *mut u8, at: *const u64) -> u64 {
    // SAFETY: the frame's function slot has the closure; compiled code keeps to `Compiled`. No reference to the machine is
    // alive while it runs.
    unsafe {
        let region = (*machine).heap.base();
        (*machine).save(base, at);
        let prototype = running_prototype(region, base);
        let object: *mut Prototype = prototype.pointer(region);
        let first: *const u64 = (*object).code.pointer(region).add(1).cast();
        let number = (*object).native.get();
        let word = at.offset_from(first) as usize;
        let Some((address, entry)) = (*machine).lua.entry(prototype, number, word) else {
            // The machine code is elsewhere, or the way there does not pay.
            at.cast_mut().write(Word(*at).unmarked().0);
            (*machine).forget_machine_code(prototype);
            return EXECUTE;
        };
        if !(*machine).has_room((*machine).base, (*machine).lua.record(number).register_count.into()) {
            return if (*machine).make_room_for_machine_code(number) { RESUME } else { EXECUTE };
        }
        // Results may take the header's place, and what was called is the machine's running frame in between.
        let caller = (*machine).base - (*base.sub(16).cast::<Slot>()).distance();
        let compiled: Compiled = core::mem::transmute(address);
        let before = (*machine).budget.get();
        (*machine).code.enter();
        let ended = compiled(base, machine, region, entry);
        (*machine).code.leave();
        // A new slice may have begun.
        let fuel = before.checked_sub((*machine).budget.get()).and_then(|fuel| u64::try_from(fuel).ok());
        (*machine).lua.note_use(number, word, fuel.unwrap_or(u64::from(u16::MAX)));
        match ended {
            status::RETURNED => {
                (*machine).base = caller;
                RESUME
            }
            status::PERFORMED => (*machine).lua.outcome,
            status::REPLACED => RESUME,
            status::RETURNS => {
                let next = (*machine).give_results();
                if (*machine).drive(next) == Status::Leave { LEAVE } else { RESUME }
            }
            status::TAILED => {
                (*machine).take_exit_base();
                let code = (*running_prototype(region, (*machine).lua.exit_base).pointer(region)).code.units();
                (*machine).header((*machine).base).set_resume(code + 1);
                RESUME
            }
            ended => {
                (*machine).take_exit_base();
                if (*machine).lua.records.is_some() {
                    (*machine).record_lua_exit(match ended {
                        status::LEFT => NativeExitCause::Unexpected,
                        _ => NativeExitCause::Left,
                    });
                }
                if ended == status::LEFT {
                    (*machine).left_machine_code();
                }
                EXECUTE
            }
        }
    }
}

unsafe fn running_prototype(region: *mut u8, base: *mut u8) -> Ref<Prototype> {
    // SAFETY: the caller's frame has its closure in the function slot.
    unsafe {
        let closure = base.sub(32).cast::<u64>().read() as usize;
        (*region.add(closure * 8).cast::<Closure>()).prototype
    }
}

/// An instruction that is performed, and what there was before it: afterwards its function may be gone.
pub(crate) struct Performed {
    /// The frame's register 0.
    pub base: *mut u8,
    /// The stack that the frame is on.
    pub stack: *mut u8,
    /// How far above its caller's it lies: a frame that takes its place may lie elsewhere, but has the same caller.
    pub distance: u32,
    /// The instruction, and where it is.
    pub word: Word,
    pub at: *const u64,
    /// How often frames had been changed from outside.
    pub moves: u32,
}

/// Ends the performing of an instruction after which the loop would go on in the frame at `next` with the instruction `pc`;
/// gives a [`performed`].
///
/// # Safety
/// The frames are those before and after the instruction.
#[cold]
#[inline(never)]
pub(crate) unsafe fn perform_elsewhere(
    machine: *mut Machine,
    performed: Performed,
    next: *mut u8,
    pc: *const u64,
) -> u64 {
    let Performed { base, stack, distance, word, at, moves } = performed;
    // SAFETY: the caller's promise; nothing refers to the machine.
    let machine = unsafe { &mut *machine };
    machine.save(next, pc);
    let first = ((at as usize - machine.heap.base() as usize) >> 3) as u32 + 1;
    machine.lua.outcome = RESUME;
    if !machine.run_resumed(base) || machine.lua.moves != moves {
        return performed::ELSEWHERE;
    }
    let frame = ((base as usize - stack as usize) >> 4) as u32;
    let opcode = Opcode::from_number(word.opcode_number());
    if opcode.is_some_and(|opcode| opcode.entry().flow == Flow::End) {
        // Compiled code has looked whether that is to its caller.
        return if machine.base < frame { performed::RETURNED } else { performed::ELSEWHERE };
    }
    if opcode == Some(Opcode::tail_call) {
        let header = machine.header(machine.base);
        if machine.base == frame && header.resume() == first {
            return performed::NEXT;
        }
        let is_lua = !machine.lua.is_departed && !machine.is_typed_frame() && !machine.is_native_frame(machine.base);
        // By now a function in the frame's place, or one above it, may have called what begins, which has another caller then.
        let is_replaced = is_lua
            && header.tag.get() & TAIL_CALLED_MASK != 0
            && machine.base - header.distance() == frame - distance
            && machine.is_at_beginning();
        return if is_replaced { performed::REPLACED } else { performed::ELSEWHERE };
    }
    let is_called = machine.base > frame && !machine.lua.is_departed;
    if is_called && !machine.run_called(frame) || machine.base != frame {
        return performed::ELSEWHERE;
    }
    let resume = machine.header(frame).resume();
    if resume == first {
        return performed::NEXT;
    }
    let jump = word.jump_distance().unwrap_or_default();
    if i64::from(resume) == i64::from(first) + jump { performed::JUMPED } else { performed::ELSEWHERE }
}

/// The same, where the loop would be left, or go on in another driver.
///
/// # Safety
/// The machine's running frame is saved.
#[cold]
#[inline(never)]
pub(crate) unsafe fn perform_left(machine: *mut Machine, exit: u64) -> u64 {
    // SAFETY: nothing refers to the machine.
    unsafe { (*machine).lua.outcome = if exit == dispatch::SWITCH { RESUME } else { LEAVE } };
    performed::ELSEWHERE
}

impl Machine {
    /// Whether another stack is the running one, or frames were changed from outside.
    fn is_moved(&self, stack: *mut u8, moves: u32) -> bool {
        self.stack != stack || self.lua.moves != moves
    }

    /// The frame that compiled code has named is the running one.
    fn take_exit_base(&mut self) {
        self.base = ((self.lua.exit_base as usize - self.stack as usize) >> 4) as u32;
    }

    /// The slot of the first result that is given to what is no call.
    #[inline(always)]
    pub(super) fn first_result(&self) -> u32 {
        ((self.lua.results as usize - self.stack as usize) >> 4) as u32
    }

    /// Gives the stack room for the registers that the machine code of a function uses in the running frame, if it may have so many.
    #[cold]
    fn make_room_for_machine_code(&mut self, number: u32) -> bool {
        let end = self.base + u32::from(self.lua.record(number).register_count);
        let most = MAX_STACK + STACK_RESERVE;
        end + STACK_RESERVE <= most
            && self.resize_stack((end + STACK_RESERVE).max(self.stack_length.saturating_mul(2)).min(most)).is_ok()
    }

    /// Whether nothing of the running Lua frame's function has been executed yet.
    fn is_at_beginning(&self) -> bool {
        self.header(self.base).resume() == self.heap.get(self.running_prototype()).code.units() + 1
    }

    /// The frame at the exit base gives its results to what has called it back; which frame runs next.
    #[inline(always)]
    pub(super) fn give_results(&mut self) -> Next {
        // Whatever has happened, it has come back to its frame.
        self.lua.is_departed = false;
        self.take_exit_base();
        let given = self.return_from(self.first_result(), self.lua.result_count);
        given.unwrap_or_else(|throw| self.unwind(throw))
    }

    /// Runs what an instruction of the frame at `frame` has called, if that is compiled; whether it has returned to that frame.
    fn run_called(&mut self, frame: u32) -> bool {
        if self.is_typed_frame() || self.is_native_frame(self.base) {
            return false;
        }
        let (stack, moves) = (self.stack, self.lua.moves);
        let is_left = match self.run_begun() {
            Begun::Ran(Next::Lua) => return !self.is_moved(stack, moves) && self.base == frame,
            Begun::Ran(next) => self.drive(next) == Status::Leave,
            Begun::Uncompiled => !self.called_by_machine_code(),
            Begun::Left | Begun::Elsewhere => false,
        };
        if is_left {
            self.lua.outcome = LEAVE;
        }
        false
    }

    /// Whether the loop would go on with a frame that runs next.
    #[inline(always)]
    pub(super) fn go_on_with(&mut self, next: Next) -> bool {
        if next != Next::Lua && self.drive(next) == Status::Leave {
            self.lua.outcome = LEAVE;
        }
        self.lua.outcome != LEAVE
    }

    /// Runs what an instruction of the frame at `base` has resumed, as long as that is compiled, until the frame's stack is the
    /// running one again; whether it is.
    #[inline(always)]
    pub(super) fn run_resumed(&mut self, base: *mut u8) -> bool {
        while !is_on(base, self.stack, self.stack_length as usize) {
            if !self.is_resumed_from(base) || !self.run_resumed_frame() {
                return false;
            }
        }
        true
    }

    /// Whether the running coroutine was resumed by the one that has the frame at `base`.
    fn is_resumed_from(&self, base: *mut u8) -> bool {
        let resumer = self.get_thread().resumer.get();
        resumer.is_some_and(|resumer| {
            let slots = self.heap.slots(self.heap.get(resumer).stack.get());
            is_on(base, slots.as_ptr().cast_mut().cast(), slots.len())
        })
    }

    /// Runs the running frame where it goes on, if that is an entry of compiled code; whether the machine goes on after that.
    fn run_resumed_frame(&mut self) -> bool {
        if self.is_typed_frame() || self.is_native_frame(self.base) {
            return false;
        }
        let prototype = self.running_prototype();
        let object = self.heap.get(prototype);
        let word = self.header(self.base).resume() - (object.code.units() + 1);
        let Some(entry) = self.lua.entry_of_resumed(prototype, object.native.get(), word as usize) else {
            return false;
        };
        match self.run_at(entry) {
            Begun::Ran(next) => self.go_on_with(next),
            Begun::Elsewhere => self.lua.outcome != LEAVE,
            Begun::Left | Begun::Uncompiled => false,
        }
    }

    /// Whether the running frame, which is a Lua function's, may be one that begins and is compiled: frames that go on, as those of
    /// coroutines that are resumed, are told apart at once.
    #[inline(always)]
    pub(crate) fn may_begin_machine_code(&self) -> bool {
        self.lua.begun == self.base && self.lua.known_count != 0 && !self.lua.is_departed
    }

    /// Runs the Lua function that a native function or an instruction has just called, if it is compiled. Which frame runs
    /// next; `None` if that is up to the loop.
    #[inline(always)]
    pub(crate) fn run_called_back(&mut self) -> Option<Next> {
        if return_kind(self.header(self.base).tag.get()) == Return::Call {
            return None;
        }
        match self.run_begun() {
            Begun::Ran(next) => Some(next),
            _ => (self.lua.outcome == LEAVE).then_some(Next::Leave),
        }
    }

    /// Runs the running frame, which is a Lua function's, if that begins and is compiled.
    pub(super) fn run_begun(&mut self) -> Begun {
        self.lua.outcome = RESUME;
        let prototype = self.running_prototype();
        let object = self.heap.get(prototype);
        if self.header(self.base).resume() != object.code.units() + 1 {
            return Begun::Left;
        }
        match self.lua.first_entry(prototype, object.native.get()) {
            Some(entry) => self.run_at(entry),
            None => Begun::Uncompiled,
        }
    }

    /// Runs the running frame, which is a Lua function's, from an entry of its machine code on.
    pub(super) fn run_at(&mut self, entry: (*const u8, u32)) -> Begun {
        let caller = self.base - self.header(self.base).distance();
        match self.call_at(entry) {
            Some(ended) => self.begun(ended, caller),
            None => Begun::Left,
        }
    }

    /// Calls the machine code of the running frame's function at an entry; how it ends. `None` if there is no room for that.
    #[inline(always)]
    pub(super) fn call_at(&mut self, (address, entry): (*const u8, u32)) -> Option<u64> {
        let region = self.heap.base();
        let base = self.stack.wrapping_add(self.base as usize * 16);
        let here = 0u8;
        if (&raw const here) < self.native.stack_end {
            return None;
        }
        let machine: *mut Machine = self;
        // SAFETY: the running frame is one of verified code, at the entry's instruction; compiled code keeps to `Compiled`.
        // Nothing refers to the machine.
        unsafe {
            let compiled: Compiled = core::mem::transmute(address);
            (*machine).code.enter();
            let ended = match compiled(base, machine, region, entry) {
                ended @ (status::REPLACED | status::TAILED) => go_on_after(machine, ended),
                ended => ended,
            };
            (*machine).code.leave();
            Some(ended)
        }
    }

    /// What has become of the frame that the one at `caller` has called, by how its machine code has ended.
    pub(super) fn begun(&mut self, ended: u64, caller: u32) -> Begun {
        match ended {
            status::RETURNS => Begun::Ran(self.give_results()),
            status::RETURNED => {
                self.base = caller;
                Begun::Ran(Next::Lua)
            }
            status::PAUSED => {
                self.take_exit_base();
                Begun::Left
            }
            status::LEFT => {
                self.take_exit_base();
                self.left_machine_code();
                Begun::Left
            }
            // The machine knows how it goes on.
            _ => Begun::Elsewhere,
        }
    }
}

/// Whether the frame at `base` lies on a stack of so many slots.
#[inline(always)]
fn is_on(base: *mut u8, stack: *mut u8, slots: usize) -> bool {
    (base as usize).wrapping_sub(stack as usize) < slots * 16
}

/// What has become of a frame that was to run as machine code.
pub(super) enum Begun {
    /// It has returned: this frame runs next.
    Ran(Next),
    /// Its function is not compiled.
    Uncompiled,
    /// The loop goes on with the running frame: compiled code was left there, or not entered.
    Left,
    /// The loop goes on with the running frame, or, where the machine's outcome says so, is left.
    Elsewhere,
}

/// See [`super::GoOn`].
///
/// # Safety
/// Compiled code has ended so, and nothing refers to the machine.
pub(super) unsafe extern "sysv64" fn go_on(machine: *mut Machine, ended: u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { go_on_after(machine, ended) }
}

/// Goes on after a tail call, by which compiled code has ended; gives another [`status`].
///
/// # Safety
/// Where the function is not the machine's running frame yet, the exit base says where it is. Nothing refers to the machine.
pub(super) unsafe fn go_on_after(machine: *mut Machine, mut ended: u64) -> u64 {
    // SAFETY: the caller's promise; compiled code keeps to `Compiled`.
    unsafe {
        loop {
            match ended {
                status::REPLACED => {}
                status::TAILED => {
                    let compiled: Compiled = core::mem::transmute((*machine).lua.next);
                    ended = compiled((*machine).lua.exit_base, machine, (*machine).heap.base(), 1);
                    continue;
                }
                ended => return ended,
            }
            let region = (*machine).heap.base();
            let base = (*machine).stack.add((*machine).base as usize * 16);
            let prototype = running_prototype(region, base);
            let number = (*prototype.pointer(region)).native.get();
            (*machine).lua.outcome = RESUME;
            let Some((address, entry)) = (*machine).lua.first_entry(prototype, number) else {
                if !(*machine).called_by_machine_code() {
                    (*machine).lua.outcome = LEAVE;
                }
                return status::PERFORMED;
            };
            let compiled: Compiled = core::mem::transmute(address);
            ended = compiled(base, machine, region, entry);
        }
    }
}
