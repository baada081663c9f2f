//! The dispatch loop: instruction bodies, each written once, and the two drivers made from the instruction table.
//!
//! *Threaded* (optimised builds on x86-64): every instruction is a function that ends in a jump to the next one, so that
//! the state stays in machine registers. Rust does not promise the tail call; optimised builds make it, and a test looks
//! for calls in the handlers' code. *Match*: a loop around a `match`, for everything else.
//!
//! Both enter compiled code at marked instructions ([`crate::machine_code`]).
//!
//! Rules for bodies: read operands, take the fast path, or leave by `State::slow` (cold) or `State::call_out` with a
//! function of `crate::slow`, which finds the machine's frame saved and may move anything. Nothing on the fast path may
//! panic, allocate or call.

mod arithmetic;
mod branches;
mod calls;
mod fields;
mod finishing;
mod loops;
mod moves;
pub(crate) mod state;
mod tables;
mod variadic;

use crate::{error::Throw, machine::Machine, machine_code};
use arithmetic::*;
use branches::*;
use calls::*;
use fields::*;
use loops::*;
use lunette_bytecode::{for_each_instruction, instruction::Word};
use moves::*;
use state::{Driver, Flow, OutOfLine, Stage, State, Status};
use tables::*;
use variadic::variable_arguments;

#[inline(always)]
unsafe fn finish<F: OutOfLine>(
    machine: *mut Machine,
    base: *mut u8,
    pc: *const u64,
    word: Word,
    function: F,
) -> Status {
    // SAFETY: the loop owns the machine, and no other borrow of it is alive in the loop.
    let machine = unsafe { &mut *machine };
    machine.save(base, pc);
    machine.lua.is_departed = false;
    match function(machine, word) {
        Ok(status) => status,
        Err(Throw::Memory) => machine.retry(word, function),
        Err(throw) => machine.raise(throw),
    }
}

impl<D: Driver> State<D> {
    /// Finishes the instruction by `function`, on a path that is rarely taken.
    #[inline(always)]
    unsafe fn slow<F: OutOfLine>(self, word: Word, function: F) -> Flow<D> {
        // SAFETY: the state is the machine's.
        unsafe { D::slow(self, word, function) }
    }

    /// Finishes the instruction by `function`.
    #[inline(always)]
    unsafe fn call_out<F: OutOfLine>(self, word: Word, function: F) -> Flow<D> {
        // SAFETY: the state is the machine's.
        unsafe { D::call_out(self, word, function) }
    }

    /// Charges `-distance` units of fuel and goes on at `pc`.
    #[inline(always)]
    unsafe fn poll(self, word: Word, distance: i64) -> Flow<D> {
        // SAFETY: the machine outlives its loop.
        unsafe {
            let budget = (*self.machine).budget.get() + distance;
            (*self.machine).budget.set(budget);
            if budget < 0 {
                return self.slow(word, crate::slow::poll);
            }
        }
        Flow::Next(self)
    }
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
mod threaded {
    //! Handlers that end in a jump to the next.

    use super::*;
    use core::{marker::PhantomData, mem::MaybeUninit};
    use lunette_gc::function::Prototype;

    type Handler = unsafe extern "sysv64" fn(*const u64, *mut u8, *mut u8, *mut Machine, *mut Prototype, Word) -> u64;

    macro_rules! define_handlers {
        ($($name:ident $rest:tt flow $flow:ident extent $extent:tt effects $effects:tt $meaning:literal;)*) => {
            mod handlers {
                use super::*;
                $(
                    pub(super) unsafe extern "sysv64" fn $name(
                        pc: *const u64,
                        base: *mut u8,
                        region: *mut u8,
                        machine: *mut Machine,
                        prototype: *mut Prototype,
                        word: Word,
                    ) -> u64 {
                        // SAFETY: the caller's state is the machine's.
                        unsafe {
                            let driver = PhantomData::<Threaded>;
                            match super::super::$name(State { pc, base, region, machine, prototype, driver }, word) {
                                Flow::Next(s) => dispatch(s),
                                Flow::Leave(exit) => exit,
                            }
                        }
                    }
                )*
            }

            static HANDLERS: [Handler; 256] = {
                let mut table: [Handler; 256] = [enter; 256];
                let known: &[Handler] = &[$(handlers::$name),*];
                let mut number = 0;
                while number < known.len() {
                    table[number] = known[number];
                    number += 1;
                }
                table
            };
        };
    }

    for_each_instruction!(define_handlers);

    /// The driver. An out-of-line path is a tail call as well, to a function that goes on by itself: so handlers call
    /// nothing, and need no frame on the native stack.
    pub(super) struct Threaded;

    impl Driver for Threaded {
        #[inline(always)]
        unsafe fn slow<F: OutOfLine>(s: State<Self>, word: Word, _: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe {
                go_on_cold::<F>(s.pc, s.base, MaybeUninit::uninit(), s.machine, MaybeUninit::uninit(), word)
            })
        }

        #[inline(always)]
        unsafe fn stage<S: Stage>(s: State<Self>, word: Word) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe { second_stage::<S>(s.pc, s.base, s.region, s.machine, s.prototype, word) })
        }

        #[inline(always)]
        unsafe fn call_out<F: OutOfLine>(s: State<Self>, word: Word, _: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe { go_on::<F>(s.pc, s.base, s.region, s.machine, s.prototype, word) })
        }
    }

    #[inline(never)]
    unsafe extern "sysv64" fn second_stage<S: Stage>(
        pc: *const u64,
        base: *mut u8,
        region: *mut u8,
        machine: *mut Machine,
        prototype: *mut Prototype,
        word: Word,
    ) -> u64 {
        // SAFETY: the caller's state is the machine's.
        unsafe {
            match S::run(State { pc, base, region, machine, prototype, driver: PhantomData }, word) {
                Flow::Next(s) => dispatch(s),
                Flow::Leave(exit) => exit,
            }
        }
    }

    #[inline(never)]
    unsafe extern "sysv64" fn go_on<F: OutOfLine>(
        pc: *const u64,
        base: *mut u8,
        region: *mut u8,
        machine: *mut Machine,
        prototype: *mut Prototype,
        word: Word,
    ) -> u64 {
        const { assert!(size_of::<F>() == 0, "a function's name, not a pointer") };
        // SAFETY: the caller's state is the machine's; a function's name is a type without content.
        unsafe {
            let function = core::ptr::NonNull::<F>::dangling().read();
            match finish(machine, base, pc, word, function) {
                Status::Next => dispatch(State { pc, base, region, machine, prototype, driver: PhantomData }),
                Status::Reload => resume(machine),
                Status::Leave => 0,
            }
        }
    }

    /// As `go_on`, for paths that are rarely taken: what it does not take (but keeps the places of, so that nothing is
    /// moved) leaves machine registers free in the handlers.
    #[cold]
    #[inline(never)]
    unsafe extern "sysv64" fn go_on_cold<F: OutOfLine>(
        pc: *const u64,
        base: *mut u8,
        _region: MaybeUninit<*mut u8>,
        machine: *mut Machine,
        _prototype: MaybeUninit<*mut Prototype>,
        word: Word,
    ) -> u64 {
        // SAFETY: as for `go_on`; the machine's frame is saved by `finish`.
        unsafe {
            let function = core::ptr::NonNull::<F>::dangling().read();
            match finish(machine, base, pc, word, function) {
                Status::Next | Status::Reload => resume(machine),
                Status::Leave => 0,
            }
        }
    }

    #[inline(always)]
    unsafe fn dispatch(s: State<Threaded>) -> u64 {
        // SAFETY: `pc` is at a verified instruction.
        unsafe {
            let word = Word(*s.pc);
            HANDLERS[word.opcode_number() as usize](s.pc.add(1), s.base, s.region, s.machine, s.prototype, word)
        }
    }

    /// At a marked instruction, compiled code goes on.
    unsafe extern "sysv64" fn enter(
        pc: *const u64,
        base: *mut u8,
        _region: *mut u8,
        machine: *mut Machine,
        _prototype: *mut Prototype,
        _word: Word,
    ) -> u64 {
        // SAFETY: the caller's state is the machine's, at the instruction before `pc`.
        unsafe {
            match machine_code::enter::enter(machine, base, pc.sub(1)) {
                machine_code::enter::EXECUTE => {
                    let s: State<Threaded> = (*machine).state();
                    let word = Word(*s.pc).unmarked();
                    HANDLERS[word.opcode_number() as usize](s.pc.add(1), s.base, s.region, s.machine, s.prototype, word)
                }
                machine_code::enter::RESUME => resume(machine),
                _ => 0,
            }
        }
    }

    /// Goes on in the machine's current frame.
    #[inline(always)]
    pub(crate) unsafe fn resume(machine: *mut Machine) -> u64 {
        // SAFETY: the machine's saved frame is of verified code.
        unsafe {
            if (*machine).is_typed_frame() {
                crate::typed::dispatch::threaded::resume_typed(machine)
            } else {
                dispatch((*machine).state())
            }
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
pub(crate) use threaded::resume;

/// Exit number of a driver: the frame that is to run is one for another driver.
pub(crate) const SWITCH: u64 = 1;

mod matched {
    //! A loop around a `match`, and single steps for hooks.

    use super::*;
    use crate::slow;
    use lunette_bytecode::instruction::Opcode;

    /// The driver: out-of-line paths return to the loop.
    pub(crate) struct Matched;

    impl Driver for Matched {
        #[inline(always)]
        unsafe fn slow<F: OutOfLine>(s: State<Self>, word: Word, function: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            unsafe { Self::call_out(s, word, function) }
        }

        #[inline(always)]
        unsafe fn stage<S: Stage>(s: State<Self>, word: Word) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            unsafe { S::run(s, word) }
        }

        #[inline(always)]
        unsafe fn call_out<F: OutOfLine>(s: State<Self>, word: Word, function: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            unsafe {
                match finish_apart(s.machine, s.base, s.pc, word, function) {
                    Status::Next => Flow::Next(s),
                    Status::Reload if (*s.machine).is_typed_frame() => Flow::Leave(SWITCH),
                    Status::Reload => Flow::Next((*s.machine).state()),
                    Status::Leave => Flow::Leave(0),
                }
            }
        }
    }

    #[inline(never)]
    unsafe fn finish_apart<F: OutOfLine>(
        machine: *mut Machine,
        base: *mut u8,
        pc: *const u64,
        word: Word,
        function: F,
    ) -> Status {
        // SAFETY: as for `finish`.
        unsafe { finish(machine, base, pc, word, function) }
    }

    macro_rules! define_loop {
        ($($name:ident $rest:tt flow $flow:ident extent $extent:tt effects $effects:tt $meaning:literal;)*) => {
            /// Executes one instruction.
            #[inline(always)]
            pub(super) unsafe fn step(s: State<Matched>) -> Flow<Matched> {
                // SAFETY: `pc` is at a verified instruction, so that its opcode is known.
                unsafe {
                    let word = Word(*s.pc).unmarked();
                    let at = State { pc: s.pc.add(1), ..s };
                    match core::mem::transmute::<u8, Opcode>(word.opcode_number()) {
                        $(Opcode::$name => super::$name(at, word),)*
                    }
                }
            }
        };
    }

    for_each_instruction!(define_loop);

    #[cfg(not(all(target_arch = "x86_64", not(debug_assertions))))]
    pub(super) unsafe fn run(mut s: State<Matched>) -> u64 {
        loop {
            // SAFETY: the caller's state is the machine's, and so is every one that follows.
            unsafe {
                if Word(*s.pc).is_marked() {
                    match machine_code::enter::enter(s.machine, s.base, s.pc) {
                        machine_code::enter::EXECUTE => s = (*s.machine).state(),
                        machine_code::enter::RESUME if (*s.machine).is_typed_frame() => return SWITCH,
                        machine_code::enter::RESUME => {
                            s = (*s.machine).state();
                            continue;
                        }
                        _ => return 0,
                    }
                }
                match step(s) {
                    Flow::Next(next) => s = next,
                    Flow::Leave(exit) => return exit,
                }
            }
        }
    }

    /// Executes one instruction, for who does not do so often.
    #[inline(never)]
    pub(super) unsafe fn step_apart(s: State<Matched>) -> Flow<Matched> {
        // SAFETY: as for `step`.
        unsafe { step(s) }
    }

    /// Executes one instruction, with everything that concerns hooks out of line.
    pub(super) unsafe fn step_hooked(s: State<Matched>) -> Flow<Matched> {
        // SAFETY: as for `step`.
        unsafe {
            let word = Word(*s.pc).unmarked();
            let at = State { pc: s.pc.add(1), ..s };
            match core::mem::transmute::<u8, Opcode>(word.opcode_number()) {
                Opcode::call => at.call_out(word, slow::call),
                Opcode::tail_call => at.call_out(word, slow::tail_call),
                Opcode::return_none => at.call_out(word, slow::return_none),
                Opcode::return_one => at.call_out(word, slow::return_one),
                Opcode::return_values => at.call_out(word, slow::return_values),
                _ => step_apart(s),
            }
        }
    }
}

/// Runs the machine's current frame until something must be done outside the loop.
pub(crate) fn run(machine: &mut Machine) {
    // SAFETY: the machine's saved frame is of verified code.
    unsafe {
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        threaded::resume(machine);
        #[cfg(not(all(target_arch = "x86_64", not(debug_assertions))))]
        loop {
            let is_typed = machine.is_typed_frame();
            let exit = if is_typed { crate::typed::dispatch::run(machine) } else { matched::run(machine.state()) };
            if exit != SWITCH {
                break;
            }
        }
    }
}

/// Instructions for compiled code, one by one.
mod performers {
    use super::{matched::Matched, *};
    use crate::frame::HeaderSlot;
    use crate::machine_code::{
        Perform,
        calls::{perform_call, perform_generic_for_call},
        elements::{perform_get_index, perform_set_index},
        enter::{Performed, perform_elsewhere, perform_left},
        performed,
    };
    use crate::typed::native::report::NativeExitCause;
    use core::marker::PhantomData;
    use lunette_bytecode::instruction::Opcode;
    use lunette_gc::{function::Closure, value::Slot};

    macro_rules! define_performers {
        ($($name:ident $rest:tt flow $flow:ident extent $extent:tt effects $effects:tt $meaning:literal;)*) => {
            mod each {
                use super::*;
                $(
                    pub(super) unsafe extern "sysv64" fn $name(
                        machine: *mut Machine,
                        base: *mut u8,
                        at: *const u64,
                    ) -> u64 {
                        // SAFETY: the caller's frame is of verified code, with its closure in the function slot; the
                        // instruction is one of its function's, with this opcode.
                        unsafe {
                            let s = state(machine, base, at);
                            let (word, stack, moves) =
                                (Word(*at).unmarked(), (*machine).stack, (*machine).lua.moves);
                            let distance = (*base.sub(16).cast::<Slot>()).distance();
                            match super::super::$name(s, word) {
                                Flow::Next(next)
                                    if next.pc == s.pc && next.base == base && (*machine).lua.moves == moves =>
                                {
                                    performed::NEXT
                                }
                                Flow::Next(next) => {
                                    let performed = Performed { base, stack, distance, word, at, moves };
                                    perform_elsewhere(machine, performed, next.base, next.pc)
                                }
                                Flow::Leave(exit) => perform_left(machine, exit),
                            }
                        }
                    }
                )*
            }

            /// By opcode, what performs an instruction for compiled code.
            pub(crate) static PERFORMERS: &[Perform] = &{
                let mut performers: [Perform; _] = [$(each::$name),*];
                performers[Opcode::call as usize] = call;
                performers[Opcode::generic_for_call as usize] = generic_for_call;
                performers[Opcode::get_index as usize] = get_index;
                performers[Opcode::get_integer as usize] = get_integer;
                performers[Opcode::set_index as usize] = set_index;
                performers[Opcode::set_integer as usize] = set_integer;
                performers
            };
        };
    }

    for_each_instruction!(define_performers);

    macro_rules! define_shorter {
        ($($name:ident $shorter:ident)*) => {
            $(
                unsafe extern "sysv64" fn $name(machine: *mut Machine, base: *mut u8, at: *const u64) -> u64 {
                    // SAFETY: as for the others.
                    unsafe { $shorter(machine, base, at, each::$name) }
                }
            )*
        };
    }

    define_shorter! {
        call perform_call
        generic_for_call perform_generic_for_call
        get_index perform_get_index
        get_integer perform_get_index
        set_index perform_set_index
        set_integer perform_set_index
    }

    #[inline(always)]
    unsafe fn state(machine: *mut Machine, base: *mut u8, at: *const u64) -> State<Matched> {
        // SAFETY: the caller's frame has its closure in the function slot.
        unsafe {
            if (*machine).lua.is_recorded() {
                (*machine).save(base, at);
                (*machine).record_lua_exit(NativeExitCause::Performed);
            }
            (*machine).lua.is_departed = false;
            let region = (*machine).heap.base();
            let closure = base.sub(32).cast::<u64>().read() as usize;
            let prototype = (*region.add(closure * 8).cast::<Closure>()).prototype.pointer(region);
            State { pc: at.add(1), base, region, machine, prototype, driver: PhantomData }
        }
    }
}

pub(crate) use fields::{find_field, find_string_method, find_target};
pub(crate) use performers::PERFORMERS;

/// Executes one instruction of the machine's current frame, for a thread without hook; `false` if the loop is to be left.
pub(crate) fn step_unhooked(machine: &mut Machine) -> bool {
    // SAFETY: as for `run`.
    unsafe {
        let state = machine.state();
        match matched::step_apart(state) {
            Flow::Next(next) => {
                machine.save(next.base, next.pc);
                true
            }
            Flow::Leave(exit) => exit == SWITCH,
        }
    }
}

/// Executes one instruction of the machine's current frame, for a thread with a hook.
pub(crate) fn step(machine: &mut Machine) {
    // SAFETY: as for `run`.
    unsafe {
        let state = machine.state();
        if let Flow::Next(next) = matched::step_hooked(state) {
            machine.save(next.base, next.pc);
        }
    }
}
