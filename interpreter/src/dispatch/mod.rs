//! The dispatch loop: instruction bodies, each written once, and the two drivers made from the instruction table.
//!
//! *Threaded* (optimised builds on x86-64): every instruction is a function that ends in a jump to the next one, so that
//! the state stays in machine registers. Rust does not promise the tail call; optimised builds make it, and a test looks
//! for calls in the handlers' code. *Match*: a loop around a `match`, for everything else.
//!
//! Rules for bodies: read operands, take the fast path, or leave by [`State::slow`] (cold) or [`State::call_out`] with a
//! function of `crate::slow`, which finds the machine's frame saved and may move anything. Nothing on the fast path may
//! panic, allocate or call.

mod arithmetic;
mod branches;
mod calls;
mod loops;
mod moves;
pub(crate) mod state;
mod tables;

use crate::machine::{Machine, Outcome};
use arithmetic::*;
use branches::*;
use calls::*;
use loops::*;
use lunette_bytecode::{for_each_instruction, instruction::Word};
use lunette_gc::{function::VariableCell, object::Header, reference::Ref};
use moves::*;
use state::{Flow, State, Status};
use tables::*;

/// A function that finishes an instruction out of line.
pub(crate) type OutOfLine = fn(&mut Machine, Word) -> Outcome;

#[inline(never)]
unsafe fn out_of_line(machine: *mut Machine, base: *mut u8, pc: *const u64, word: Word, function: OutOfLine) -> Status {
    // SAFETY: the loop owns the machine, and no other borrow of it is alive in the loop.
    let machine = unsafe { &mut *machine };
    machine.save(base, pc);
    match function(machine, word) {
        Ok(status) => status,
        Err(throw) => machine.raise(throw),
    }
}

#[cold]
#[inline(never)]
unsafe fn out_of_line_cold(
    machine: *mut Machine,
    base: *mut u8,
    pc: *const u64,
    word: Word,
    function: OutOfLine,
) -> Status {
    // SAFETY: as for `out_of_line`.
    unsafe { out_of_line(machine, base, pc, word, function) }
}

impl State {
    #[inline(always)]
    unsafe fn after(self, status: Status) -> Flow {
        match status {
            Status::Next => Flow::Next(self),
            // SAFETY: the machine outlives its loop.
            Status::Reload => Flow::Next(unsafe { (*self.machine).state() }),
            Status::Leave => Flow::Leave(0),
        }
    }

    /// Finishes the instruction by `function`, on a path that is rarely taken.
    #[inline(always)]
    unsafe fn slow(self, word: Word, function: OutOfLine) -> Flow {
        // SAFETY: the state is the machine's.
        unsafe { self.after(out_of_line_cold(self.machine, self.base, self.pc, word, function)) }
    }

    /// Finishes the instruction by `function`.
    #[inline(always)]
    unsafe fn call_out(self, word: Word, function: OutOfLine) -> Flow {
        // SAFETY: the state is the machine's.
        unsafe { self.after(out_of_line(self.machine, self.base, self.pc, word, function)) }
    }

    /// Charges `-distance` units of fuel and goes on at `pc`.
    #[inline(always)]
    unsafe fn poll(self, word: Word, distance: i64) -> Flow {
        // SAFETY: the machine outlives its loop.
        unsafe {
            let budget = (*self.machine).budget + distance;
            (*self.machine).budget = budget;
            if budget < 0 {
                return self.slow(word, crate::slow::poll);
            }
        }
        Flow::Next(self)
    }

    /// Tells the collector that a reference was written into the cell whose value is `value`.
    #[inline(always)]
    unsafe fn cell_barrier(self, value: state::Register) {
        // SAFETY: a cell is its header and then its value.
        unsafe {
            let cell = value.0.cast::<u8>().sub(core::mem::offset_of!(VariableCell, value)).cast::<VariableCell>();
            if (*cell).header.gc.get() & Header::BARRIER != 0 {
                let units = (cell.cast::<u8>().offset_from(self.region) as usize / 8) as u32;
                if let Some(cell) = Ref::<VariableCell>::from_units(units) {
                    (*self.machine).heap.barrier(cell);
                }
            }
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
mod threaded {
    //! Handlers that end in a jump to the next.

    use super::*;
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
                            match super::super::$name(State { pc, base, region, machine, prototype }, word) {
                                Flow::Next(s) => dispatch(s),
                                Flow::Leave(exit) => exit,
                            }
                        }
                    }
                )*
            }

            static HANDLERS: [Handler; 256] = {
                let mut table: [Handler; 256] = [handlers::jump; 256];
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

    #[inline(always)]
    unsafe fn dispatch(s: State) -> u64 {
        // SAFETY: `pc` is at a verified instruction.
        unsafe {
            let word = Word(*s.pc);
            HANDLERS[word.opcode_number() as usize](s.pc.add(1), s.base, s.region, s.machine, s.prototype, word)
        }
    }

    pub(super) unsafe fn run(s: State) -> u64 {
        // SAFETY: the caller's state is the machine's.
        unsafe { dispatch(s) }
    }
}

mod matched {
    //! A loop around a `match`, and single steps for hooks.

    use super::*;
    use crate::slow;
    use lunette_bytecode::instruction::Opcode;

    macro_rules! define_loop {
        ($($name:ident $rest:tt flow $flow:ident extent $extent:tt effects $effects:tt $meaning:literal;)*) => {
            /// Executes one instruction.
            #[inline(always)]
            pub(super) unsafe fn step(s: State) -> Flow {
                // SAFETY: `pc` is at a verified instruction, so that its opcode is known.
                unsafe {
                    let word = Word(*s.pc);
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
    pub(super) unsafe fn run(mut s: State) -> u64 {
        loop {
            // SAFETY: the caller's state is the machine's, and so is every one that follows.
            match unsafe { step(s) } {
                Flow::Next(next) => s = next,
                Flow::Leave(exit) => return exit,
            }
        }
    }

    /// Executes one instruction, with everything that concerns hooks out of line.
    pub(super) unsafe fn step_hooked(s: State) -> Flow {
        // SAFETY: as for `step`.
        unsafe {
            let word = Word(*s.pc);
            let at = State { pc: s.pc.add(1), ..s };
            match core::mem::transmute::<u8, Opcode>(word.opcode_number()) {
                Opcode::call => at.call_out(word, slow::call),
                Opcode::return_none => at.call_out(word, slow::return_none),
                Opcode::return_one => at.call_out(word, slow::return_one),
                Opcode::return_values => at.call_out(word, slow::return_values),
                _ => step(s),
            }
        }
    }
}

/// Runs the machine's current frame until something must be done outside the loop.
pub(crate) fn run(machine: &mut Machine) {
    // SAFETY: the machine's saved frame is a Lua frame of verified code.
    unsafe {
        let state = machine.state();
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        threaded::run(state);
        #[cfg(not(all(target_arch = "x86_64", not(debug_assertions))))]
        matched::run(state);
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
