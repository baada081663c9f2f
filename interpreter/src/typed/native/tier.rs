//! Which functions are hot or called by compiled ones, and where their machine code is.

use super::{
    Compile, Refusal,
    fault::{FaultTable, Faults},
    helpers::{Preserving, Refuel, provide_hole, refuel, written},
    report::{NativeFunctionReport, NativeOutcome, Records},
    status,
};
use crate::{code_cache::BlockNumber, compiling::Compiling, machine::Machine};
use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};
use core::{
    arch::asm,
    cell::Cell,
    mem,
    ptr::{self, null, null_mut},
};
use lunette_gc::{
    heap::Heap,
    reference::Ref,
    typed::{TypedModule, TypedPrototype},
};

/// What the machine does about machine code.
pub(crate) struct NativeTier {
    pub(super) compile: Option<Compile>,
    pub(super) compiling: Compiling,
    /// Whether the next call is to heat what is called.
    samples_call: bool,
    functions: Vec<NativeFunction>,
    /// Numbers of functions that are gone.
    free: Vec<u32>,
    /// Of each of the functions what compiled code needs to call it, in its place.
    #[expect(clippy::vec_box, reason = "compiled code has their addresses")]
    known_functions: Vec<Box<KnownFunction>>,
    /// Where the list of their places is, for compiled code.
    pub(super) known: *const Box<KnownFunction>,
    pub(super) known_count: u32,
    /// The address that the processor's stack may not pass while compiled code runs; null while nothing runs.
    pub(crate) stack_end: *const u8,
    /// The address down to which there is room on the other stacks for what compiled functions call.
    pub(super) room_end: *const u8,
    pub(super) exit: Exit,
    pub(super) targets: Targets,
    /// Where this was when it was compiled for: code has the address of the machine in it.
    home: *const NativeTier,
    pub(super) faults: FaultTable,
    /// Modules of which a memory could not be guarded.
    unguarded: BTreeSet<u32>,
    /// Takes a new slice of fuel, for compiled code.
    pub(super) refuel: Refuel,
    /// How many it has taken since the loop was left to.
    pub(super) refuels: u32,
    /// Tells the collector of a reference that was written, for compiled code.
    pub(super) written: Preserving,
    /// Looks for room for new objects, for compiled code.
    pub(super) provide_hole: Preserving,
    /// How often the loop was left to.
    left: u32,
    /// What is kept for reports, if they are wanted.
    pub(super) records: Option<Records>,
}

/// Where the loop goes on when compiled code was left for it.
#[repr(C)]
pub(super) struct Exit {
    pub word: u64,
    pub base: *mut u8,
    /// While compiled code runs, the one in use.
    pub memory: *mut u8,
    /// Whether the access there has faulted, and not 0 then; where it has, there is nothing in the frame and no memory is noted.
    pub is_fault: u64,
    /// While callers are left, what was left last, as it is noted above their frames.
    pub prototype: u64,
}

/// How many functions are remembered that were called by reference.
pub(super) const TARGETS: usize = 32;

/// The functions that compiled code has called by reference since it was entered, so that not all is looked at again that leads from a
/// reference to machine code. What that depends on changes only when the loop runs.
#[repr(C)]
pub(super) struct Targets {
    pub is_used: u64,
    pub places: [KnownTarget; TARGETS],
}

/// A function that was called by reference.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct KnownTarget {
    /// It, and in the high half the type as which it was called, in units of references.
    pub function: u64,
    pub address: *const u8,
}

impl Targets {
    const NONE: Targets = Targets { is_used: 0, places: [KnownTarget { function: 0, address: null() }; TARGETS] };

    /// Compiled code is entered.
    pub fn clear(&mut self) {
        if self.is_used != 0 {
            *self = Targets::NONE;
        }
    }
}

impl Default for NativeTier {
    fn default() -> NativeTier {
        NativeTier {
            compile: None,
            compiling: Compiling::default(),
            samples_call: false,
            functions: Vec::new(),
            free: Vec::new(),
            known_functions: Vec::new(),
            known: null(),
            known_count: 0,
            stack_end: null(),
            room_end: null(),
            exit: Exit { word: 0, base: null_mut(), memory: null_mut(), is_fault: 0, prototype: 0 },
            targets: Targets::NONE,
            home: null(),
            faults: FaultTable::new(),
            unguarded: BTreeSet::new(),
            refuel,
            refuels: 0,
            written,
            provide_hole,
            left: 0,
            records: None,
        }
    }
}

/// A function that was hot once, or that a compiled one calls. Its prototype has its number.
struct NativeFunction {
    /// `None` if it is gone.
    prototype: Option<Ref<TypedPrototype>>,
    module: Ref<TypedModule>,
    /// Slices of fuel that have ended in it.
    heat: u32,
    /// What came of it.
    outcome: NativeOutcome,
    /// Its name as in tracebacks, and words of its code, once it was a bit hot.
    name: Vec<u8>,
    words: u32,
    /// The machine code.
    block: Option<BlockNumber>,
    /// Where it is; null if there is none.
    address: *const u8,
    /// Whether it was entered, or seen running, since it was last asked.
    is_used: Cell<bool>,
    /// Of each word the number of the entry there; 0 if there is none.
    entries: Vec<u16>,
    /// Whether its machine code relies on guards.
    is_guarded: bool,
    /// Whether it, or what it may call, does.
    needs_guards: bool,
}

impl NativeFunction {
    /// Whether it is interpreted for now.
    fn is_interpreted(&self) -> bool {
        matches!(self.outcome, NativeOutcome::Interpreted | NativeOutcome::Refused(Refusal::NoRoom))
    }

    /// It is interpreted again; what its machine code was.
    fn give_up(&mut self) -> Option<BlockNumber> {
        (self.heat, self.outcome, self.is_guarded) = (0, NativeOutcome::Interpreted, false);
        (self.address, self.entries) = (null(), Vec::new());
        self.block.take()
    }

    fn report(&self) -> NativeFunctionReport {
        let (name, words, slices, outcome) = (self.name.clone(), self.words, self.heat, self.outcome);
        NativeFunctionReport { name, words, slices, outcome }
    }
}

/// Where compiled code is entered.
pub(super) struct Entry {
    pub address: *const u8,
    pub number: u32,
    pub module: Ref<TypedModule>,
    /// Whether the first memory must have guards.
    pub needs_guards: bool,
}

/// What compiled code needs to call a function.
#[repr(C)]
pub(super) struct KnownFunction {
    /// Of its machine code, or of [`refuse`].
    pub address: *const u8,
    /// In units of references.
    pub prototype: u32,
}

/// A function is hot when so many slices of fuel have ended in it, and one more for so many words: what compiling takes.
const HOT: u32 = 4;
const WORDS_OF_SLICE: u32 = 8;
/// What was hot and had no room is to be hotter by a factor of two to the power of this.
const NO_ROOM: u32 = 8;

/// Of so many times that compiled code is left for the loop, once the next call counts as if a slice of fuel had ended in what is
/// called: functions that are too short for that are to become machine code, too, where they are called from it.
const LEFT_FOR_SAMPLE: u32 = 64;

/// Bytes that compiled functions which call each other may take of the processor's stack.
const NATIVE_STACK: usize = 256 << 10;

/// Of these stacks, a compiled function takes at most so many bytes of numbers for each byte of the processor's stack, and as many of slots.
pub(super) const NUMBERS_OF_STACK: u64 = 2;
/// Bytes of either that are left for a function that calls no others, which may take less of the processor's stack.
pub(super) const ROOM_KEPT: u64 = 256;

/// What compiled code returns.
#[repr(C)]
pub(super) struct Ended {
    pub status: u64,
    pub value: u64,
}

/// Enters compiled code, as [`super::NativeCode`] says.
///
/// # Safety
/// It is compiled code that was compiled for this machine, at this address, whose frame has these registers, and that number is an entry of it.
pub(super) unsafe fn enter(
    code: *const u8,
    entry: u32,
    machine: *mut Machine,
    numbers: *mut u8,
    references: *mut u8,
) -> Ended {
    let (status, value);
    // SAFETY: compiled code keeps to the C convention but for what it expects in one register: the fuel. Nobody else accesses
    // the machine meanwhile.
    unsafe {
        let mut budget = (*machine).budget.get();
        asm!(
            "call {code}",
            code = in(reg) code,
            inout("r15") budget,
            in("rdi") numbers,
            in("rsi") references,
            inout("rdx") u64::from(entry) => value,
            lateout("rax") status,
            clobber_abi("sysv64"),
        );
        (*machine).budget.set(budget);
    }
    Ended { status, value }
}

/// Stands for functions that are not compiled.
unsafe extern "sysv64" fn refuse(
    numbers: *mut [u64; 3],
    _: *mut u8,
    _: u32,
    first: u64,
    second: u64,
    third: u64,
) -> Ended {
    // SAFETY: every frame has room for a few numbers behind it.
    unsafe { numbers.write([first, second, third]) };
    Ended { status: status::REFUSED, value: 0 }
}

impl NativeTier {
    /// Notes how far the processor's stack, which ends here now, may go as long as there are so many bytes of room for numbers, and for slots.
    #[inline(always)]
    pub(super) fn note_room(&mut self, numbers: usize, slots: usize) {
        let here: *const u8;
        // SAFETY: it reads a register. (That the address of something local is taken would keep the loop's handlers from ending in jumps.)
        unsafe { asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags)) };
        let kept = |room: usize| room.saturating_sub(ROOM_KEPT as usize);
        let room = (kept(numbers) / NUMBERS_OF_STACK as usize).min(kept(slots));
        self.room_end = here.wrapping_sub(room).max(self.stack_end);
    }

    /// A function's machine code at a word.
    pub(super) fn entry(&self, prototype: Ref<TypedPrototype>, number: u32, word: usize) -> Option<Entry> {
        if !ptr::eq(self, self.home) {
            return None;
        }
        let function = self.functions.get(number as usize)?;
        if function.prototype != Some(prototype) {
            return None;
        }
        let number = u32::from(*function.entries.get(word)?);
        function.is_used.set(true);
        let entry =
            Entry { address: function.address, number, module: function.module, needs_guards: function.needs_guards };
        (number != 0).then_some(entry)
    }

    /// Whether machine code is compiled for where this is.
    pub(super) fn is_settled(&self) -> bool {
        ptr::eq(self, self.home)
    }

    /// Machine code is compiled for where this is. What was compiled for another place is given up.
    pub(super) fn settle(&mut self) -> Vec<BlockNumber> {
        self.home = ptr::from_ref(self);
        self.give_up_where(|_| true)
    }

    /// Functions of a module that rely on guards are as if they had not been compiled.
    pub(super) fn give_up_guards(&mut self, module: Ref<TypedModule>) -> Vec<BlockNumber> {
        self.unguarded.insert(module.units());
        let blocks = self.give_up_where(|function| function.module == module && function.is_guarded);
        let of_module = |function: &&mut NativeFunction| function.module == module;
        self.functions.iter_mut().filter(of_module).for_each(|function| function.needs_guards = false);
        blocks
    }

    /// Whether the memory of a module may have guards.
    pub(super) fn may_guard(&self, module: Ref<TypedModule>) -> bool {
        !self.unguarded.contains(&module.units())
    }

    fn give_up_where(&mut self, is_given_up: impl Fn(&NativeFunction) -> bool) -> Vec<BlockNumber> {
        let mut blocks = Vec::new();
        for number in 0..self.functions.len() {
            if is_given_up(&self.functions[number]) {
                blocks.extend(self.give_up(number));
            }
        }
        blocks
    }

    /// A function is interpreted again. Marks of entries go when they are met next.
    fn give_up(&mut self, number: usize) -> Option<BlockNumber> {
        let function = &mut self.functions[number];
        self.faults.remove(&(function.address as u64));
        self.known_functions[number].address = refuse as *const u8;
        function.give_up()
    }

    /// There is no room for the machine code of a function.
    pub(crate) fn evict(&mut self, number: u32) {
        self.give_up(number as usize);
    }

    /// The name of the function of a number.
    pub(crate) fn name(&self, number: u32) -> &[u8] {
        &self.functions[number as usize].name
    }

    /// How many functions there are.
    pub(crate) fn count(&self) -> usize {
        self.functions.len() - self.free.len()
    }

    /// Whether a function was seen running since this was last asked.
    pub(crate) fn take_use(&self, number: u32) -> bool {
        self.functions[number as usize].is_used.take()
    }

    /// Whether a function was alive when the collector last found that out.
    pub(crate) fn is_alive(&self, number: u32, heap: &Heap) -> bool {
        let prototype = self.functions[number as usize].prototype;
        prototype.is_some_and(|prototype| heap.was_alive(prototype) && heap.get(prototype).native.get() == number + 1)
    }

    /// Forgets the functions that the collector has just found dead; their machine code.
    pub(crate) fn remove_dead(&mut self, heap: &Heap) -> Vec<BlockNumber> {
        let mut blocks = Vec::new();
        for number in 0..self.functions.len() {
            if self.functions[number].prototype.is_none() || self.is_alive(number as u32, heap) {
                continue;
            }
            let report = self.functions[number].report();
            if let Some(records) = &mut self.records {
                records.keep_report(report);
            }
            blocks.extend(self.give_up(number));
            let function = &mut self.functions[number];
            (function.prototype, function.name, function.needs_guards) = (None, Vec::new(), false);
            self.known_functions[number].prototype = 0;
            self.free.push(number as u32);
        }
        self.unguarded
            .retain(|&module| Ref::<TypedModule>::from_units(module).is_some_and(|module| heap.was_alive(module)));
        blocks
    }

    /// A function's machine code is there: the old one, if there was one.
    pub(super) fn install(
        &mut self,
        number: usize,
        outcome: NativeOutcome,
        (block, address): (BlockNumber, *const u8),
        entries: Vec<u16>,
        is_callable: bool,
    ) -> Option<BlockNumber> {
        let before = self.give_up(number);
        let function = &mut self.functions[number];
        (function.outcome, function.block, function.address) = (outcome, Some(block), address);
        function.entries = entries;
        if is_callable {
            self.known_functions[number].address = address;
        }
        before
    }

    /// A function was not compiled.
    pub(super) fn refuse(&mut self, number: usize, refusal: Refusal) {
        let function = &mut self.functions[number];
        if function.block.is_none() {
            function.outcome = NativeOutcome::Refused(refusal);
        }
        function.heat = 0;
    }

    /// The prototype of a function.
    pub(super) fn prototype(&self, number: usize) -> Option<Ref<TypedPrototype>> {
        self.functions[number].prototype
    }

    /// The address of what compiled code needs to call a function.
    pub(super) fn place(&self, number: u32) -> u64 {
        ptr::from_ref(&*self.known_functions[number as usize]).addr() as u64
    }

    /// Notes whether a function's machine code relies on guards, given where it may fault then.
    pub(super) fn note_guards(&mut self, number: usize, faults: Option<Faults>) {
        let function = &mut self.functions[number];
        function.is_guarded = faults.is_some();
        let module = function.module;
        if let Some(faults) = faults {
            self.faults.insert(function.address as u64, faults);
        }
        let of_module = |function: &&mut NativeFunction| function.module == module;
        if self.functions.iter_mut().filter(of_module).any(|function| function.is_guarded) {
            self.functions.iter_mut().filter(of_module).for_each(|function| function.needs_guards = true);
        }
    }

    /// The functions that were hot, without those that are gone.
    pub(super) fn reports(&self) -> impl Iterator<Item = NativeFunctionReport> + '_ {
        self.functions.iter().filter(|function| !function.name.is_empty()).map(NativeFunction::report)
    }

    fn add(&mut self, prototype: Ref<TypedPrototype>, module: Ref<TypedModule>) -> u32 {
        let function = NativeFunction {
            prototype: Some(prototype),
            module,
            heat: 0,
            outcome: NativeOutcome::Interpreted,
            name: Vec::new(),
            words: 0,
            block: None,
            address: null(),
            is_used: Cell::new(false),
            entries: Vec::new(),
            is_guarded: false,
            needs_guards: false,
        };
        let known = KnownFunction { address: refuse as *const u8, prototype: prototype.units() };
        if let Some(number) = self.free.pop() {
            self.functions[number as usize] = function;
            *self.known_functions[number as usize] = known;
            return number;
        }
        let number = self.functions.len() as u32;
        self.functions.push(function);
        self.known_functions.push(Box::new(known));
        self.known = self.known_functions.as_ptr();
        self.known_count = number + 1;
        number
    }
}

impl Machine {
    /// Has functions compiled.
    pub fn set_compiler(&mut self, compile: Compile, compiling: Compiling) {
        (self.native.compile, self.native.compiling) = (Some(compile), compiling);
    }

    /// How many functions run as machine code.
    pub fn native_functions(&self) -> usize {
        let is_compiled = |function: &&NativeFunction| matches!(function.outcome, NativeOutcome::Compiled { .. });
        self.native.functions.iter().filter(is_compiled).count()
    }

    /// Does what runs programs, with a part of the processor's stack for compiled code; of nested ones, the outermost's.
    pub(crate) fn with_native_stack<R>(&mut self, run: impl FnOnce(&mut Machine) -> R) -> R {
        let here = 0u8;
        let outer = self.native.stack_end;
        if outer.is_null() {
            self.native.stack_end = (&raw const here).wrapping_sub(NATIVE_STACK);
        }
        let outer_code = self.code.begin_call();
        let result = run(self);
        self.code.end_call(outer_code);
        self.native.stack_end = outer;
        result
    }

    /// A slice of fuel has ended in a function. If nothing is to be done about that one, for instance since a large loop takes
    /// all the fuel, the next that is called out of line stands for what is called from there.
    #[cold]
    pub(in crate::typed) fn heat(&mut self, prototype: Ref<TypedPrototype>) {
        if self.native.compile.is_none() {
            return;
        }
        self.look_after_code();
        if self.heat_by(prototype, self.ended_slices()) {
            self.keep_slices_short();
        } else {
            self.stretch_slice();
            self.sample_next_call();
        }
    }

    /// Compiled code was left for the loop.
    #[inline]
    pub(super) fn left_native(&mut self) {
        self.native.left = self.native.left.wrapping_add(1);
        if self.native.left.is_multiple_of(LEFT_FOR_SAMPLE) {
            self.sample_next_call();
        }
    }

    fn sample_next_call(&mut self) {
        self.native.samples_call = true;
        // No frame has room below that.
        self.number_limit = null_mut();
    }

    /// Whether there was something to be done about the function.
    fn heat_by(&mut self, prototype: Ref<TypedPrototype>, slices: u32) -> bool {
        let number = self.named_native(prototype);
        let function = &mut self.native.functions[number];
        function.heat = function.heat.saturating_add(slices);
        function.is_used.set(true);
        if !function.is_interpreted() {
            return false;
        }
        let mut needed = HOT + function.words / WORDS_OF_SLICE;
        if function.outcome != NativeOutcome::Interpreted {
            needed = needed.saturating_mul(1 << NO_ROOM);
        }
        if function.heat >= needed {
            self.compile(prototype);
        }
        true
    }

    /// A function is called out of line.
    #[inline]
    pub(in crate::typed) fn sample_call(&mut self, prototype: Ref<TypedPrototype>) {
        if mem::take(&mut self.native.samples_call) {
            self.adopt_numbers();
            self.heat_by(prototype, 1);
        }
    }

    /// The machine code of a function is elsewhere: it may become hot here.
    #[cold]
    pub(super) fn forget_native(&mut self, prototype: Ref<TypedPrototype>) {
        let number = self.native_number(prototype) as usize;
        let function = &mut self.native.functions[number];
        (function.heat, function.outcome) = (0, NativeOutcome::Interpreted);
    }

    /// The number of a function in the tables here.
    pub(super) fn native_number(&mut self, prototype: Ref<TypedPrototype>) -> u32 {
        let number = self.heap.get(prototype).native.get().wrapping_sub(1);
        match self.native.functions.get(number as usize) {
            Some(function) if function.prototype == Some(prototype) => number,
            _ => {
                let number = self.native.add(prototype, self.heap.get(prototype).module);
                self.heap.get(prototype).native.set(number + 1);
                number
            }
        }
    }

    /// The same, of a function that is a bit hot.
    pub(super) fn named_native(&mut self, prototype: Ref<TypedPrototype>) -> usize {
        let number = self.native_number(prototype) as usize;
        if self.native.functions[number].name.is_empty() {
            let name = self.prototype_name(prototype);
            let words = self.heap.get(prototype).code.get().map_or(0, |code| self.heap.get(code).length() / 8);
            let function = &mut self.native.functions[number];
            (function.name, function.words) = (name, words);
        }
        number
    }
}
