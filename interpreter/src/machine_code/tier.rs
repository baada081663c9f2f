//! Which functions are hot, and where their machine code is.

use super::{
    Compile, FindField, GoOn, Perform, SiteState, Unit, enter, heat::HOT_CALLS, helpers::Helpers, report::Records,
    status,
};
use crate::{
    code_cache::BlockNumber,
    compiling::Compiling,
    dispatch::{PERFORMERS, find_field, find_target},
    machine::Machine,
    typed::native::{
        Refusal,
        report::{NativeFunctionReport, NativeOutcome},
    },
};
use alloc::{collections::BTreeMap, format, vec::Vec};
use core::{
    cell::Cell,
    mem,
    ptr::{NonNull, null, null_mut},
};
use lunette_gc::{
    function::Prototype,
    heap::Heap,
    reference::Ref,
    value::{Slot, Tag},
};

/// What the machine does about machine code of Lua functions.
pub(crate) struct LuaTier {
    pub(super) compile: Option<Compile>,
    compiling: Compiling,
    functions: Vec<Function>,
    /// Numbers of functions that are gone.
    free: Vec<u32>,
    /// Of each of the functions what compiled code needs to call it.
    known: Vec<Known>,
    /// Where they are, for compiled code.
    pub(super) known_address: *const Known,
    pub(super) known_count: u32,
    /// How often functions were compiled.
    pub(super) compiled_count: u32,
    /// The machine code of the function that a tail call has called.
    pub(super) next: *const u8,
    /// The number of the entry there of a frame that a role has made the running one.
    pub(super) next_entry: u32,
    /// Where the frame is in which the loop goes on.
    pub(super) exit_base: *mut u8,
    /// The number of the function whose machine code was left: that of the frame, or one in which it was compiled.
    pub(super) exit_number: u32,
    /// What a frame gives to what has called it back.
    pub(super) results: *mut u8,
    pub(super) result_count: u32,
    /// By opcode, what performs instructions.
    pub(super) performers: *const Perform,
    pub(super) go_on: GoOn,
    pub(super) find_field: FindField,
    pub(super) find_target: FindField,
    pub(super) helpers: Helpers,
    /// A field that is nil, for compiled code.
    pub(crate) nil: Slot,
    /// How the loop goes on after an instruction that was performed and did not end with the next one.
    pub(crate) outcome: u64,
    /// How often frames were changed by others than the instruction that is performed: by what it was followed by in a sample,
    /// or since somebody has set variables of theirs.
    pub(crate) moves: u32,
    /// The base of the frame of a function of Lua that was made last out of the loop.
    pub(crate) begun: u32,
    /// Whether the instruction that is executed has led to another coroutine, or to the end of frames by an error: then its own
    /// frame may be gone, and compiled code returns to whoever has called it before any other begins.
    pub(crate) is_departed: bool,
    /// What is kept for reports, if they are wanted.
    pub(super) records: Option<Records>,
}

/// What compiled code needs to call a function.
#[repr(C)]
pub(super) struct Known {
    /// Of its machine code, or of [`refuse`].
    pub address: *const u8,
    /// In units of references.
    pub prototype: u32,
    /// The least number of arguments with which it may be called so.
    pub parameters: u32,
    /// How many registers it has.
    pub registers: u32,
    /// Fuel that is charged when it is entered.
    pub cost: u32,
}

/// A function that was hot once. Its prototype has its number.
#[derive(Default)]
pub(super) struct Function {
    /// `None` if it is gone.
    pub prototype: Option<Ref<Prototype>>,
    name: Vec<u8>,
    pub words: u32,
    /// Slices of fuel that have ended in it while it was interpreted.
    pub heat: u32,
    pub outcome: NativeOutcome,
    /// Its machine code.
    pub block: Option<BlockNumber>,
    /// Where that is.
    pub address: Option<NonNull<u8>>,
    /// Whether it was entered, or seen running, since it was last asked.
    pub is_used: Cell<bool>,
    /// How many registers its machine code uses.
    pub register_count: u16,
    /// The instructions of the entries.
    pub entry_words: Vec<u32>,
    /// Of each instruction the number of the entry there; 0 if there is none.
    pub entries: Vec<u16>,
    /// Of each entry, from the first one on.
    pub uses: Vec<Uses>,
    /// Whether entries were taken away that did not pay. All come back when the function is hot again: what it calls may be
    /// compiled by then.
    pub is_partial: bool,
    /// How often that has happened: they come back later each time, until other functions are compiled.
    pub retreats: u32,
    /// How many functions had been compiled when it last happened.
    pub compiled_before: u32,
    /// How often compiled code was left at an instruction.
    pub exits: BTreeMap<u32, u32>,
    /// What its sites have met when it was compiled: a collection empties them.
    pub sites: Vec<SiteState>,
    /// How often its machine code was left since it was last compiled.
    pub left: u32,
    /// How often it has to have been left at an instruction for going on there, as it was last compiled.
    pub often: u32,
    /// How often compiled code has called it while it was interpreted.
    pub calls: u32,
    /// How often it was compiled with what was learnt.
    pub generation: u32,
}

impl Function {
    fn report(&self) -> NativeFunctionReport {
        NativeFunctionReport { name: self.name.clone(), words: self.words, slices: self.heat, outcome: self.outcome }
    }

    /// The address of its machine code, which is entered, with the number of the entry.
    fn enter(&self, entry: u32) -> Option<(*const u8, u32)> {
        self.is_used.set(true);
        Some((self.address?.as_ptr().cast_const(), entry))
    }

    /// Whether compiled code has called it often while there was no machine code of its beginning.
    pub fn is_called_often(&self) -> bool {
        self.calls >= HOT_CALLS
    }

    /// Whether it is interpreted for now.
    pub fn is_interpreted(&self) -> bool {
        matches!(self.outcome, NativeOutcome::Interpreted | NativeOutcome::Refused(Refusal::NoRoom))
    }
}

/// What there is to know of an entry.
#[derive(Clone)]
pub(super) struct Uses {
    /// How often it was used since it was last looked at, and for how much fuel.
    count: u32,
    fuel: u64,
    /// Whether the loop uses it: if not, its mark was taken away.
    pays: bool,
}

impl Default for Uses {
    fn default() -> Uses {
        Uses { count: 0, fuel: 0, pays: true }
    }
}

/// An entry is looked at whenever it has been used so often: on average so much fuel has to be used until compiled code is
/// left, or the way there does not pay.
const USES: u32 = 256;
const WORTH: u64 = 96;
/// So often a function is compiled; the last time so that it goes on everywhere.
pub(super) const GENERATIONS: u32 = 6;

/// Stands for functions that are not compiled.
unsafe extern "sysv64" fn refuse(_: *mut u8, _: *mut Machine, _: *mut u8, _: u32) -> u64 {
    status::REFUSED
}

impl Default for LuaTier {
    fn default() -> LuaTier {
        LuaTier {
            compile: None,
            compiling: Compiling::default(),
            functions: Vec::new(),
            free: Vec::new(),
            known: Vec::new(),
            known_address: null(),
            known_count: 0,
            compiled_count: 0,
            next: null(),
            next_entry: 0,
            exit_base: null_mut(),
            exit_number: 0,
            results: null_mut(),
            result_count: 0,
            performers: PERFORMERS.as_ptr(),
            go_on: enter::go_on,
            find_field,
            find_target,
            helpers: Helpers::ALL,
            nil: Slot { payload: Cell::new(0), tag: Cell::new(Tag::Nil as u32), spare: Cell::new(0) },
            outcome: enter::RESUME,
            moves: 0,
            begun: u32::MAX,
            is_departed: false,
            records: None,
        }
    }
}

impl LuaTier {
    /// The address of a function's machine code, and the number of the entry at an instruction, if that pays. Functions are
    /// numbered from 1 on.
    pub(super) fn entry(&self, prototype: Ref<Prototype>, number: u32, word: usize) -> Option<(*const u8, u32)> {
        let function = self.function(prototype, number)?;
        let entry = *function.entries.get(word)?;
        let pays = function.uses.get(usize::from(entry).wrapping_sub(1))?.pays;
        if pays { function.enter(entry.into()) } else { None }
    }

    /// The same for compiled code that has resumed a coroutine: otherwise it would be left itself.
    pub(super) fn entry_of_resumed(
        &self,
        prototype: Ref<Prototype>,
        number: u32,
        word: usize,
    ) -> Option<(*const u8, u32)> {
        let function = self.function(prototype, number)?;
        let entry = *function.entries.get(word)?;
        if entry != 0 { function.enter(entry.into()) } else { None }
    }

    /// The same at the first instruction, for compiled code and what native functions call: from there it always pays.
    pub(super) fn first_entry(&self, prototype: Ref<Prototype>, number: u32) -> Option<(*const u8, u32)> {
        let function = self.function(prototype, number)?;
        // A chunk's may be another one.
        if function.entry_words.first() == Some(&0) { function.enter(1) } else { None }
    }

    /// Whether a function that had a number is still there.
    pub(crate) fn is_there(&self, prototype: Ref<Prototype>, number: u32) -> bool {
        self.function(prototype, number).is_some()
    }

    pub(super) fn function(&self, prototype: Ref<Prototype>, number: u32) -> Option<&Function> {
        let function = self.functions.get((number as usize).wrapping_sub(1))?;
        (function.prototype == Some(prototype)).then_some(function)
    }

    /// When functions are compiled.
    pub(super) fn compiling(&self) -> Compiling {
        self.compiling
    }

    /// What is known of the function of a number.
    pub(super) fn record(&self, number: u32) -> &Function {
        &self.functions[number as usize - 1]
    }

    pub(super) fn record_mut(&mut self, number: u32) -> &mut Function {
        &mut self.functions[number as usize - 1]
    }

    /// Whether it is recorded where compiled code is left.
    pub(crate) fn is_recorded(&self) -> bool {
        self.records.is_some()
    }

    /// The functions that were hot, without those that are gone.
    pub(super) fn reports(&self) -> impl Iterator<Item = NativeFunctionReport> + '_ {
        self.functions.iter().filter(|function| function.prototype.is_some()).map(Function::report)
    }

    /// The name of the function of a number.
    pub(crate) fn name(&self, number: u32) -> &[u8] {
        &self.record(number).name
    }

    /// How many functions there are.
    pub(crate) fn count(&self) -> usize {
        self.functions.len() - self.free.len()
    }

    /// Whether a function was seen running since this was last asked.
    pub(crate) fn take_use(&self, number: u32) -> bool {
        self.record(number).is_used.take()
    }

    /// A function is interpreted again. Marks of entries go when they are met next.
    pub(crate) fn evict(&mut self, number: u32) {
        self.forget(number);
        let function = self.record_mut(number);
        (function.block, function.address, function.register_count) = (None, None, 0);
        (function.entry_words, function.entries, function.uses) = (Vec::new(), Vec::new(), Vec::new());
        (function.outcome, function.is_partial) = (NativeOutcome::Interpreted, false);
        (function.heat, function.calls, function.left) = (0, 0, 0);
        // It will be compiled once more with what was known.
        function.generation = function.generation.saturating_sub(1);
    }

    /// Compiled code calls the function's machine code.
    pub(super) fn know(&mut self, number: u32, address: *const u8, unit: &Unit) {
        let known = &mut self.known[number as usize - 1];
        (known.address, known.parameters) = (address, unit.parameter_count.into());
        (known.registers, known.cost) = (unit.register_count.into(), unit.entry_cost);
    }

    /// Compiled code leaves the function to the loop.
    pub(super) fn forget(&mut self, number: u32) {
        let known = &mut self.known[number as usize - 1];
        (known.address, known.parameters) = (refuse as *const u8, u32::MAX);
    }

    /// Whether a function was alive when the collector last found that out.
    pub(crate) fn is_alive(&self, number: u32, heap: &Heap) -> bool {
        let prototype = self.record(number).prototype;
        prototype.is_some_and(|prototype| heap.was_alive(prototype) && heap.get(prototype).native.get() == number)
    }

    /// Forgets the functions that the collector has just found dead; their machine code.
    pub(crate) fn remove_dead(&mut self, heap: &Heap) -> Vec<BlockNumber> {
        let mut blocks = Vec::new();
        for number in 1..=self.functions.len() as u32 {
            if self.record(number).prototype.is_none() || self.is_alive(number, heap) {
                continue;
            }
            let function = mem::take(self.record_mut(number));
            blocks.extend(function.block);
            if let Some(records) = &mut self.records {
                records.keep_report(function.report());
            }
            self.known[number as usize - 1] = Known::default();
            self.free.push(number);
        }
        blocks
    }

    /// An entry at an instruction was used for so much fuel: if that does not pay, it is taken away.
    pub(super) fn note_use(&mut self, number: u32, word: usize, fuel: u64) {
        let Some(function) = self.functions.get_mut((number as usize).wrapping_sub(1)) else { return };
        let Some(&entry) = function.entries.get(word) else { return };
        let Some(uses) = function.uses.get_mut((entry as usize).wrapping_sub(1)) else { return };
        uses.count += 1;
        uses.fuel += fuel;
        if uses.count < USES {
            return;
        }
        let pays = uses.fuel >= WORTH * u64::from(USES) || self.compiling.is_eager();
        *uses = Uses { pays, ..Uses::default() };
        if !pays {
            // Its mark goes when it is met next: the function may be gone.
            if !function.is_partial {
                (function.is_partial, function.heat) = (true, 0);
                // What it calls may have been interpreted before.
                let is_news = function.compiled_before != self.compiled_count;
                function.retreats = if is_news { 1 } else { function.retreats + 1 };
                function.compiled_before = self.compiled_count;
            }
        }
    }

    fn add(&mut self, prototype: Ref<Prototype>, name: Vec<u8>, words: u32) -> u32 {
        let function = Function { prototype: Some(prototype), name, words, often: 1, ..Function::default() };
        let known = Known { prototype: prototype.units(), ..Known::default() };
        if let Some(number) = self.free.pop() {
            *self.record_mut(number) = function;
            self.known[number as usize - 1] = known;
            return number;
        }
        self.known.push(known);
        self.functions.push(function);
        (self.known_address, self.known_count) = (self.known.as_ptr(), self.known.len() as u32);
        self.known_count
    }
}

impl Default for Known {
    fn default() -> Known {
        Known { address: refuse as *const u8, prototype: 0, parameters: u32::MAX, registers: 0, cost: 0 }
    }
}

impl Machine {
    /// Has functions of Lua compiled.
    pub fn set_lua_compiler(&mut self, compile: Compile, compiling: Compiling) {
        (self.lua.compile, self.lua.compiling) = (Some(compile), compiling);
    }

    /// How many functions of Lua run as machine code.
    pub fn lua_functions(&self) -> usize {
        self.lua.functions.iter().filter(|function| function.address.is_some()).count()
    }

    /// The machine code of a function is elsewhere: it may become hot here.
    #[cold]
    pub(super) fn forget_machine_code(&mut self, prototype: Ref<Prototype>) {
        let number = self.lua_number(prototype);
        let function = self.lua.record_mut(number);
        if function.address.is_none() {
            (function.heat, function.outcome) = (0, NativeOutcome::Interpreted);
        }
    }

    /// The number of a function, from 1 on.
    pub(crate) fn lua_number(&mut self, prototype: Ref<Prototype>) -> u32 {
        let number = self.heap.get(prototype).native.get();
        if self.lua.function(prototype, number).is_some() {
            return number;
        }
        let name = self.name_of_prototype(prototype);
        let words = self.heap.get(self.heap.get(prototype).code).length() / 8;
        let number = self.lua.add(prototype, name, words);
        self.heap.get(prototype).native.set(number);
        number
    }

    pub(super) fn name_of_prototype(&self, prototype: Ref<Prototype>) -> Vec<u8> {
        let mut name = self.short_source(prototype);
        name.extend_from_slice(format!(":{}", self.heap.get(prototype).line_defined).as_bytes());
        name
    }
}
