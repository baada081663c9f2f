//! The drivers of typed instructions, made from the typed section of the instruction table: as in [`crate::dispatch`], one
//! of functions that end in a jump to the next, one that is a loop around a `match`.

use super::{branches::*, calls::*, forwarding, memory::*, moves::*, native, numbers::*, objects::*, vectors::*};
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

    use super::super::{
        forwarding::{ENTRY, LEFT, OPCODE_BITS, RIGHT, takes},
        sequences::for_each_sequence,
    };
    use super::*;
    use crate::dispatch::resume;
    use core::{
        marker::PhantomData,
        mem::MaybeUninit,
        ptr::null_mut,
        sync::atomic::{AtomicPtr, Ordering},
    };
    use lunette_bytecode::typed::instruction::Opcode;

    type Handler = unsafe extern "sysv64" fn(*const u64, *mut u8, *mut u8, *mut Machine, u64, Word, f32, f64) -> u64;

    /// Defines a handler: the bodies of its instructions, and a jump to the next.
    macro_rules! handler {
        ($name:ident: $head:ident $($rest:tt)*) => {
            pub(super) unsafe extern "sysv64" fn $name<const LEFT: bool, const RIGHT: bool>(
                pc: *const u64,
                base: *mut u8,
                memory: *mut u8,
                machine: *mut Machine,
                integer: u64,
                word: Word,
                single: f32,
                double: f64,
            ) -> u64 {
                // SAFETY: the caller's state is the machine's.
                unsafe {
                    let driver = PhantomData::<Threaded<LEFT, RIGHT>>;
                    let state = State { pc, base, memory, machine, integer, single, double, driver };
                    match super::super::$head(state, word) {
                        Flow::Next(s) => then!(s $($rest)*),
                        Flow::Leave(exit) => exit,
                    }
                }
            }
        };
    }

    /// Goes on with the instructions of a sequence.
    macro_rules! then {
        ($s:ident) => {
            dispatch($s)
        };
        ($s:ident, $name:ident $($mark:ident)* $(, $($rest:tt)*)?) => {{
            let word = Word(*$s.pc);
            match super::super::$name($s.past(1).driven_by::<driver!($($mark)*)>(), word) {
                Flow::Next(s) => then!(s $(, $($rest)*)?),
                Flow::Leave(exit) => exit,
            }
        }};
    }

    macro_rules! driver {
        () => {
            Threaded<false, false>
        };
        (left) => {
            Threaded<true, false>
        };
        (right) => {
            Threaded<false, true>
        };
        (left right) => {
            Threaded<true, true>
        };
    }

    macro_rules! define_handlers {
        ($($name:ident $operands:tt flow $flow:ident list $list:ident effects $effects:tt $meaning:literal;)*) => {
            $(handler!($name: $name);)*
        };
    }

    macro_rules! define_sequence_handlers {
        ($($name:ident: $head:ident $(, $next:ident $($mark:ident)*)+;)*) => {
            $(handler!($name: $head $(, $next $($mark)*)+);)*
        };
    }

    mod handlers {
        use super::*;

        for_each_typed_instruction!(define_handlers);
        for_each_sequence!(define_sequence_handlers);
    }

    /// Enters a handler, with the marks that the first of its instructions can have.
    macro_rules! enter {
        ($name:ident $number:expr, $opcode:expr) => {
            let (number, (left, right)) = ($number, const { takes($opcode) });
            enter_handler(number, handlers::$name::<false, false>);
            if left {
                enter_handler(number | LEFT, handlers::$name::<true, false>);
            }
            if right {
                enter_handler(number | RIGHT, handlers::$name::<false, true>);
            }
            if left && right {
                enter_handler(number | LEFT | RIGHT, handlers::$name::<true, true>);
            }
        };
    }

    fn enter_handler(number: usize, handler: Handler) {
        HANDLERS[number].store(handler as *mut (), Ordering::Relaxed);
    }

    macro_rules! define_enter_instructions {
        ($($name:ident $operands:tt flow $flow:ident list $list:ident effects $effects:tt $meaning:literal;)*) => {
            fn enter_instructions() {
                $(enter!($name Opcode::$name as usize, Opcode::$name);)*
            }
        };
    }

    macro_rules! define_enter_sequences {
        ($($name:ident: $head:ident $(, $next:ident $($mark:ident)*)+;)*) => {
            fn enter_sequences() {
                let mut number = Opcode::ALL.len();
                $(
                    enter!($name number, Opcode::$head);
                    number += 1;
                )*
                assert!(number <= 1 << OPCODE_BITS);
            }
        };
    }

    for_each_typed_instruction!(define_enter_instructions);
    for_each_sequence!(define_enter_sequences);

    /// Opcodes with every combination of marks.
    const MARKED_OPCODES: usize = ENTRY + (1 << OPCODE_BITS);

    /// By the marked opcode. They are entered when typed code first runs: addresses in the program's file would have to be
    /// adapted whenever it is started.
    static HANDLERS: [AtomicPtr<()>; MARKED_OPCODES] = [const { AtomicPtr::new(null_mut()) }; MARKED_OPCODES];

    /// Enters all handlers. Others may do so, or read them, at the same time: what is there does not change any more.
    #[cold]
    #[inline(never)]
    fn enter_all() {
        enter_instructions();
        enter_sequences();
        for (number, handler) in HANDLERS.iter().enumerate() {
            let other: Handler = if number < ENTRY { missing } else { enter_native };
            if handler.load(Ordering::Relaxed).is_null() {
                handler.store(other as *mut (), Ordering::Release);
            }
        }
    }

    /// The handler of a marked opcode.
    #[inline(always)]
    unsafe fn handler(word: Word) -> Handler {
        // SAFETY: the word's opcode is one that is in the table, which was filled before the first was looked for.
        unsafe {
            let handler = HANDLERS.get_unchecked(word.0 as u16 as usize).load(Ordering::Relaxed);
            core::mem::transmute::<*mut (), Handler>(handler)
        }
    }

    /// Goes on in the machine's current frame, which is a typed one.
    #[inline(always)]
    pub(crate) unsafe fn resume_typed(machine: *mut Machine) -> u64 {
        // SAFETY: the machine's saved frame is of verified code.
        unsafe {
            if HANDLERS[MARKED_OPCODES - 1].load(Ordering::Acquire).is_null() {
                enter_all();
            }
            dispatch((*machine).typed_state::<Plain>())
        }
    }

    /// Goes into compiled code, and on where that has left to, with the instruction there.
    unsafe extern "sysv64" fn enter_native(
        pc: *const u64,
        base: *mut u8,
        memory: *mut u8,
        machine: *mut Machine,
        _: u64,
        _: Word,
        _: f32,
        _: f64,
    ) -> u64 {
        // SAFETY: the state is the machine's; where compiled code leaves to is a verified instruction.
        unsafe {
            let (s, word) = native::enter::enter(apart(pc, base, memory, machine));
            handler(word)(s.pc, s.base, s.memory, s.machine, s.integer, word, s.single, s.double)
        }
    }

    /// Stands where there is no handler, since no instruction is marked so.
    unsafe extern "sysv64" fn missing(
        _: *const u64,
        _: *mut u8,
        _: *mut u8,
        _: *mut Machine,
        _: u64,
        word: Word,
        _: f32,
        _: f64,
    ) -> u64 {
        unreachable!("no instruction is marked so: {:x}", word.0)
    }

    /// The driver. An out-of-line path is a tail call as well, to a function that goes on by itself.
    pub(crate) struct Threaded<const LEFT: bool, const RIGHT: bool>;

    impl<const LEFT: bool, const RIGHT: bool> Driver for Threaded<LEFT, RIGHT> {
        const LEFT: bool = LEFT;
        const RIGHT: bool = RIGHT;

        #[inline(always)]
        unsafe fn stage<S: Stage>(s: State<Self>, word: Word) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe { second_stage::<S>(s.pc, s.base, s.memory, s.machine, s.integer, word) })
        }

        #[inline(always)]
        unsafe fn call_out<F: OutOfLine>(s: State<Self>, word: Word, _: F) -> Flow<Self> {
            // SAFETY: the state is the machine's.
            Flow::Leave(unsafe { go_on::<F>(s.pc, s.base, s.memory, s.machine, s.integer, word) })
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
        _: u64,
        word: Word,
    ) -> u64 {
        // SAFETY: the caller's state is the machine's.
        unsafe {
            match S::run(apart(pc, base, memory, machine), word) {
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
        _: u64,
        word: Word,
    ) -> u64 {
        // SAFETY: the caller's state is the machine's; a function's name is a type without content.
        unsafe {
            let function = core::ptr::NonNull::<F>::dangling().read();
            match finish(machine, base, pc, word, function) {
                Status::Next => dispatch(apart(pc, base, memory, machine)),
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
        _: MaybeUninit<u64>,
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

    /// The state where nothing is handed on.
    #[inline(always)]
    fn apart(pc: *const u64, base: *mut u8, memory: *mut u8, machine: *mut Machine) -> State<Plain> {
        State { pc, base, memory, machine, integer: 0, single: 0.0, double: 0.0, driver: PhantomData }
    }

    /// The driver of instructions without marks.
    type Plain = Threaded<false, false>;

    #[inline(always)]
    unsafe fn dispatch<D>(s: State<D>) -> u64 {
        // SAFETY: `pc` is at a verified instruction, so that its opcode is known.
        unsafe {
            let word = Word(*s.pc);
            handler(word)(s.pc.add(1), s.base, s.memory, s.machine, s.integer, word, s.single, s.double)
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
        const LEFT: bool = false;
        const RIGHT: bool = false;

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
                    let (at, word) = match word.0 as usize & forwarding::ENTRY {
                        0 => (s.past(1), word),
                        _ => native::enter::enter(s.past(1)),
                    };
                    match core::mem::transmute::<u16, Opcode>(forwarding::unmarked(word).0 as u16) {
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
