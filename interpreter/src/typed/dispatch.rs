//! The drivers of typed instructions, made from the typed section of the instruction table: as in [`crate::dispatch`], one
//! of functions that end in a jump to the next, one that is a loop around a `match`.

use super::{branches::*, calls::*, memory::*, moves::*, numbers::*, objects::*, vectors::*};
use crate::{
    dispatch::{
        SWITCH,
        state::{OutOfLine, Status},
    },
    machine::Machine,
};
use lunette_bytecode::{for_each_typed_instruction, instruction::Word};

use super::state::{Driver, Flow, Stage, State, finish};

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
pub(crate) mod threaded {
    //! Handlers that end in a jump to the next.

    use super::*;
    use crate::dispatch::resume;
    use core::{marker::PhantomData, mem::MaybeUninit};
    use lunette_gc::typed::Instance;

    type Handler = unsafe extern "sysv64" fn(*const u64, *mut u8, *mut u8, *mut Machine, *mut Instance, Word) -> u64;

    macro_rules! define_handlers {
        ($($name:ident $operands:tt flow $flow:ident list $list:ident effects $effects:tt $meaning:literal;)*) => {
            mod handlers {
                use super::*;
                $(
                    pub(super) unsafe extern "sysv64" fn $name(
                        pc: *const u64,
                        base: *mut u8,
                        memory: *mut u8,
                        machine: *mut Machine,
                        instance: *mut Instance,
                        word: Word,
                    ) -> u64 {
                        // SAFETY: the caller's state is the machine's.
                        unsafe {
                            let driver = PhantomData::<Threaded>;
                            match super::super::$name(State { pc, base, memory, machine, instance, driver }, word) {
                                Flow::Next(s) => dispatch(s),
                                Flow::Leave(exit) => exit,
                            }
                        }
                    }
                )*
            }

            static HANDLERS: &[Handler] = &[$(handlers::$name),*];
        };
    }

    for_each_typed_instruction!(define_handlers);

    /// The driver. An out-of-line path is a tail call as well, to a function that goes on by itself.
    pub(crate) struct Threaded;

    impl Driver for Threaded {
        #[inline(always)]
        unsafe fn stage<S: Stage>(s: State<Self>, word: Word) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe { second_stage::<S>(s.pc, s.base, s.memory, s.machine, s.instance, word) })
        }

        #[inline(always)]
        unsafe fn call_out<F: OutOfLine>(s: State<Self>, word: Word, _: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe { go_on::<F>(s.pc, s.base, s.memory, s.machine, s.instance, word) })
        }

        #[inline(always)]
        unsafe fn slow<F: OutOfLine>(s: State<Self>, word: Word, _: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe {
                go_on_cold::<F>(s.pc, s.base, MaybeUninit::uninit(), s.machine, MaybeUninit::uninit(), word)
            })
        }
    }

    #[inline(never)]
    unsafe extern "sysv64" fn second_stage<S: Stage>(
        pc: *const u64,
        base: *mut u8,
        memory: *mut u8,
        machine: *mut Machine,
        instance: *mut Instance,
        word: Word,
    ) -> u64 {
        // SAFETY: the caller's state is the machine's.
        unsafe {
            match S::run(State::<Threaded> { pc, base, memory, machine, instance, driver: PhantomData }, word) {
                Flow::Next(s) => dispatch(s),
                Flow::Leave(exit) => exit,
            }
        }
    }

    #[inline(never)]
    unsafe extern "sysv64" fn go_on<F: OutOfLine>(
        pc: *const u64,
        base: *mut u8,
        memory: *mut u8,
        machine: *mut Machine,
        instance: *mut Instance,
        word: Word,
    ) -> u64 {
        // SAFETY: the caller's state is the machine's; a function's name is a type without content.
        unsafe {
            let function = core::ptr::NonNull::<F>::dangling().read();
            match finish(machine, base, pc, word, function) {
                Status::Next => dispatch(State { pc, base, memory, machine, instance, driver: PhantomData }),
                Status::Reload => resume(machine),
                Status::Leave => 0,
            }
        }
    }

    #[cold]
    #[inline(never)]
    unsafe extern "sysv64" fn go_on_cold<F: OutOfLine>(
        pc: *const u64,
        base: *mut u8,
        _memory: MaybeUninit<*mut u8>,
        machine: *mut Machine,
        _instance: MaybeUninit<*mut Instance>,
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
    pub(crate) unsafe fn dispatch(s: State<Threaded>) -> u64 {
        // SAFETY: `pc` is at a verified instruction, so that its opcode is known.
        unsafe {
            let word = Word(*s.pc);
            let handler = HANDLERS.as_ptr().add(word.0 as u16 as usize).read();
            handler(s.pc.add(1), s.base, s.memory, s.machine, s.instance, word)
        }
    }
}

mod matched {
    //! A loop around a `match`.

    use super::*;
    use lunette_bytecode::typed::instruction::Opcode;

    /// The driver: out-of-line paths return to the loop.
    pub(super) struct Matched;

    impl Driver for Matched {
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
                    Status::Reload if (*s.machine).is_typed_frame() => Flow::Next((*s.machine).typed_state()),
                    Status::Reload => Flow::Leave(SWITCH),
                    Status::Leave => Flow::Leave(0),
                }
            }
        }

        #[inline(always)]
        unsafe fn slow<F: OutOfLine>(s: State<Self>, word: Word, function: F) -> Flow<Self> {
            // SAFETY: the state is the machine's. What goes on where it was finds the frame saved.
            unsafe { Self::call_out(s, word, function) }
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
        ($($name:ident $operands:tt flow $flow:ident list $list:ident effects $effects:tt $meaning:literal;)*) => {
            /// Executes one instruction.
            #[inline(always)]
            unsafe fn step(s: State<Matched>) -> Flow<Matched> {
                // SAFETY: `pc` is at a verified instruction, so that its opcode is known.
                unsafe {
                    let word = Word(*s.pc);
                    let at = s.past(1);
                    match core::mem::transmute::<u16, Opcode>(word.0 as u16) {
                        $(Opcode::$name => super::$name(at, word),)*
                    }
                }
            }
        };
    }

    for_each_typed_instruction!(define_loop);

    pub(super) unsafe fn run(mut s: State<Matched>) -> u64 {
        loop {
            // SAFETY: the caller's state is the machine's, and so is every one that follows.
            match unsafe { step(s) } {
                Flow::Next(next) => s = next,
                Flow::Leave(exit) => return exit,
            }
        }
    }
}

/// Runs typed frames until something must be done outside the loop, or a frame is to run that is not typed.
#[cfg_attr(all(target_arch = "x86_64", not(debug_assertions)), expect(dead_code, reason = "for the other driver"))]
pub(crate) fn run(machine: &mut Machine) -> u64 {
    // SAFETY: the machine's saved frame is a typed frame of verified code.
    unsafe { matched::run(machine.typed_state()) }
}
