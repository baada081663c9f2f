//! Which functions are hot or called by compiled ones, and where their machine code is.

use super::{
    Callee, Compile, ObjectType, Refusal, Unit,
    fault::{FaultTable, Faults},
    helpers::{Preserving, Refuel, provide_hole, refuel, written},
    report::{NativeFunctionReport, NativeOutcome, Records},
    status,
};
use crate::{compiling::Compiling, machine::Machine, typed::forwarding::ENTRY};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};
use core::{
    arch::asm,
    mem,
    ptr::{self, null, null_mut},
};
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::{Function, Registers},
        instruction::{Opcode, OperandKind, length},
        module::HeapType,
    },
};
use lunette_gc::{
    reference::Ref,
    typed::{CanonicalType, TypedModule, TypedPrototype},
};

/// What the machine does about machine code.
pub(crate) struct NativeTier {
    compile: Option<Compile>,
    compiling: Compiling,
    /// Whether the next call is to heat what is called.
    samples_call: bool,
    functions: Vec<NativeFunction>,
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
    prototype: Ref<TypedPrototype>,
    module: Ref<TypedModule>,
    /// Slices of fuel that have ended in it.
    heat: u32,
    /// What came of it.
    outcome: NativeOutcome,
    /// Its name as in tracebacks, and words of its code, once it was a bit hot.
    name: Vec<u8>,
    words: u32,
    /// The machine code; null if there is none.
    address: *const u8,
    /// Of each word the number of the entry there; 0 if there is none.
    entries: Vec<u16>,
    /// Whether its machine code relies on guards.
    is_guarded: bool,
    /// Whether it, or what it may call, does.
    needs_guards: bool,
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
        let function = self.functions.get(number as usize).filter(|function| function.prototype == prototype)?;
        let number = u32::from(*function.entries.get(word)?);
        let entry =
            Entry { address: function.address, number, module: function.module, needs_guards: function.needs_guards };
        (number != 0).then_some(entry)
    }

    /// Machine code is compiled for where this is. What was compiled for another place is given up.
    fn settle(&mut self) {
        let here = ptr::from_ref(self);
        let before = mem::replace(&mut self.home, here);
        if before.is_null() || before == here {
            return;
        }
        for (function, known) in self.functions.iter_mut().zip(&mut self.known_functions) {
            (function.heat, function.outcome, function.is_guarded) = (0, NativeOutcome::Interpreted, false);
            function.entries.clear();
            known.address = refuse as *const u8;
        }
    }

    /// Functions of a module that rely on guards are as if they had not been compiled.
    pub(super) fn give_up_guards(&mut self, module: Ref<TypedModule>) {
        self.unguarded.insert(module.units());
        for (function, known) in self.functions.iter_mut().zip(&mut self.known_functions) {
            if function.module == module && function.needs_guards {
                function.needs_guards = false;
                if function.is_guarded {
                    (function.heat, function.outcome, function.is_guarded) = (0, NativeOutcome::Interpreted, false);
                    function.entries.clear();
                    known.address = refuse as *const u8;
                }
            }
        }
    }

    /// Notes whether a function's machine code relies on guards, given where it may fault then.
    fn note_guards(&mut self, number: usize, faults: Option<Faults>) {
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

    /// The functions that were hot. Their prototypes may be gone.
    pub(super) fn reports(&self) -> Vec<NativeFunctionReport> {
        let hot = self.functions.iter().filter(|function| !function.name.is_empty());
        hot.map(|function| NativeFunctionReport {
            name: function.name.clone(),
            words: function.words,
            slices: function.heat,
            outcome: function.outcome,
        })
        .collect()
    }

    fn add(&mut self, prototype: Ref<TypedPrototype>, module: Ref<TypedModule>) -> u32 {
        let number = self.functions.len() as u32;
        self.functions.push(NativeFunction {
            prototype,
            module,
            heat: 0,
            outcome: NativeOutcome::Interpreted,
            name: Vec::new(),
            words: 0,
            address: null(),
            entries: Vec::new(),
            is_guarded: false,
            needs_guards: false,
        });
        let known = KnownFunction { address: refuse as *const u8, prototype: prototype.units() };
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
        let result = run(self);
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
        if function.outcome != NativeOutcome::Interpreted {
            return false;
        }
        if function.heat >= HOT + function.words / WORDS_OF_SLICE {
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

    /// A function has got its code.
    pub(in crate::typed) fn compile_eagerly(&mut self, prototype: Ref<TypedPrototype>) {
        if self.native.compiling.is_eager() {
            self.compile(prototype);
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
    fn native_number(&mut self, prototype: Ref<TypedPrototype>) -> u32 {
        let number = self.heap.get(prototype).native.get().wrapping_sub(1);
        match self.native.functions.get(number as usize) {
            Some(function) if function.prototype == prototype => number,
            _ => {
                let number = self.native.add(prototype, self.heap.get(prototype).module);
                self.heap.get(prototype).native.set(number + 1);
                number
            }
        }
    }

    /// The same, of a function that is a bit hot.
    fn named_native(&mut self, prototype: Ref<TypedPrototype>) -> usize {
        let number = self.native_number(prototype) as usize;
        if self.native.functions[number].name.is_empty() {
            let name = self.prototype_name(prototype);
            let words = self.heap.get(prototype).code.get().map_or(0, |code| self.heap.get(code).length() / 8);
            let function = &mut self.native.functions[number];
            (function.name, function.words) = (name, words);
        }
        number
    }

    fn compile(&mut self, prototype: Ref<TypedPrototype>) {
        let Some(compile) = self.native.compile else { return };
        self.native.settle();
        let number = self.named_native(prototype);
        let unit = self.unit(prototype);
        let start = self.host.monotonic();
        let outcome = compile(&unit).and_then(|native| {
            let address =
                self.host.install_code(&native.bytes, &self.native.functions[number].name).ok_or(Refusal::NoRoom)?;
            Ok((native, address))
        });
        let nanoseconds = self.host.monotonic().saturating_sub(start);
        let function = &mut self.native.functions[number];
        if let Some(records) = &mut self.native.records {
            records.keep(function.name.clone(), unit.clone());
        }
        let (native, address) = match outcome {
            Ok((native, address)) => {
                function.outcome = NativeOutcome::Compiled { bytes: native.bytes.len(), nanoseconds };
                (native, address)
            }
            Err(refusal) => {
                function.outcome = NativeOutcome::Refused(refusal);
                return;
            }
        };
        let mut words = unit.function.code;
        let mut entries = vec![0; words.len()];
        for (entry, &word) in (1..=u16::MAX).zip(&native.entries) {
            entries[word as usize] = entry;
            words[word as usize].0 |= ENTRY as u64;
        }
        let Some(code) = self.heap.get(prototype).code.get() else { return };
        for (index, word) in words.iter().enumerate() {
            self.heap.write_bytes(code, 8 * index, &word.0.to_ne_bytes());
        }
        let function = &mut self.native.functions[number];
        (function.address, function.entries) = (address.as_ptr(), entries);
        if native.is_callable {
            self.native.known_functions[number].address = address.as_ptr();
        }
        self.native.note_guards(number, native.faults);
    }

    /// What the compiler needs to know of a function.
    fn unit(&mut self, prototype: Ref<TypedPrototype>) -> Unit {
        let object = self.heap.get(prototype);
        let (module, kind) = (self.heap.get(object.module), object.kind);
        let is_guarded = self.heap.has_places() && !self.native.unguarded.contains(&object.module.units());
        let (prototypes, types) = (module.prototypes, module.types);
        let function = Function {
            registers: Registers { numbers: object.numbers.get(), references: object.references.get() },
            code: self.installed_words(prototype),
            catches: self.installed_catches(prototype),
            offsets: Vec::new(),
        };
        let (mut callees, mut called_types, mut objects) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (kind, number) in named(&function.code) {
            if kind == OperandKind::Callee {
                if let Some(callee) = self.heap.reference_at::<TypedPrototype>(prototypes, number) {
                    let function_type = self.function_type(self.heap.get(callee).kind).to_type();
                    let known = self.native_number(callee) as usize;
                    let place = ptr::from_ref(&*self.native.known_functions[known]).addr() as u64;
                    callees.insert(number, Callee { place, function_type });
                }
                continue;
            }
            let Some(named) = self.heap.reference_at(types, number) else { continue };
            if kind == OperandKind::Signature {
                called_types.insert(number, self.function_type(named).to_type());
            }
            objects.insert(number, self.object_type(named));
        }
        let function_type = self.function_type(kind).to_type();
        Unit {
            function,
            machine: ptr::from_ref(self).addr(),
            prototype: prototype.units(),
            function_type,
            is_eager: self.native.compiling.is_eager(),
            is_chaotic: self.native.compiling == Compiling::Chaos,
            is_guarded,
            callees,
            types: called_types,
            objects,
        }
    }

    fn object_type(&self, kind: Ref<CanonicalType>) -> ObjectType {
        let object = self.heap.get(kind);
        let (numbers, references) = self.heap.fields(kind);
        ObjectType {
            kind: kind.units(),
            depth: object.depth,
            is_final: object.is_final != 0,
            form: self.heap.form(kind),
            bytes: object.bytes,
            numbers: numbers.to_vec(),
            references: references.to_vec(),
        }
    }
}

/// The functions and types that a code names, by number.
fn named(code: &[Word]) -> Vec<(OperandKind, u32)> {
    let mut named = Vec::new();
    let mut at = 0;
    while let Some(length) = code.get(at..).and_then(length) {
        let words = &code[at..at + length];
        for operand in Opcode::of(words[0]).iter().flat_map(|opcode| opcode.entry().operands()) {
            let Some(number) = operand.read(words).map(|number| number as u32) else { continue };
            match operand.kind {
                OperandKind::HeapType if !HeapType::is_concrete(number) => {}
                OperandKind::Callee
                | OperandKind::Signature
                | OperandKind::Structure
                | OperandKind::Array
                | OperandKind::HeapType => named.push((operand.kind, number)),
                _ => {}
            }
        }
        at += length;
    }
    named
}
