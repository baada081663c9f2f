//! Which functions are hot, and where their machine code is.

use super::{Compile, FindField, GoOn, Perform, SiteState, enter, helpers::Helpers, report::Records, status};
use crate::{
    compiling::Compiling,
    dispatch::{PERFORMERS, find_field, find_target},
    frame::HeaderSlot,
    machine::Machine,
    traceback::FrameView,
    typed::native::{
        Refusal,
        report::{NativeFunctionReport, NativeOutcome},
    },
};
use alloc::{collections::BTreeMap, format, vec, vec::Vec};
use core::{
    cell::Cell,
    ptr::{null, null_mut},
};
use lunette_bytecode::instruction::Word;
use lunette_gc::{
    function::Prototype,
    reference::Ref,
    thread::Thread,
    value::{Slot, Tag, Value},
};

/// What the machine does about machine code of Lua functions.
pub(crate) struct LuaTier {
    compile: Option<Compile>,
    compiling: Compiling,
    functions: Vec<Function>,
    /// Of each of the functions what compiled code needs to call it.
    known: Vec<Known>,
    /// Where they are, for compiled code.
    pub(super) known_address: *const Known,
    pub(super) known_count: u32,
    /// How often functions were compiled.
    compiled_count: u32,
    /// The machine code of the function that a tail call has called.
    pub(super) next: *const u8,
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
pub(super) struct Function {
    prototype: Ref<Prototype>,
    name: Vec<u8>,
    words: u32,
    /// Slices of fuel that have ended in it while it was interpreted.
    heat: u32,
    outcome: NativeOutcome,
    address: *const u8,
    /// How many registers its machine code uses.
    pub register_count: u16,
    /// The instructions of the entries.
    entry_words: Vec<u32>,
    /// Of each instruction the number of the entry there; 0 if there is none.
    entries: Vec<u16>,
    /// Of each entry, from the first one on.
    uses: Vec<Uses>,
    /// Whether entries were taken away that did not pay. All come back when the function is hot again: what it calls may be
    /// compiled by then.
    is_partial: bool,
    /// How often that has happened: they come back later each time, until other functions are compiled.
    retreats: u32,
    /// How many functions had been compiled when it last happened.
    compiled_before: u32,
    /// How often compiled code was left at an instruction.
    pub exits: BTreeMap<u32, u32>,
    /// What its sites have met when it was compiled: a collection empties them.
    pub sites: Vec<SiteState>,
    /// How often its machine code was left since it was last compiled.
    pub left: u32,
    /// How often compiled code has called it while it was interpreted.
    calls: u32,
    /// How often it was compiled.
    pub generation: u32,
}

/// What there is to know of an entry.
#[derive(Clone)]
struct Uses {
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

/// A function is hot when so many slices of fuel have ended in it, and one more for each instruction: what compiling takes.
/// Entries come back after so many, and after twice as many each time if no other function was compiled meanwhile.
const HOT: u32 = 4;
/// Or in functions that it has called, which are compiled: so many frames from it.
const MOST_CALLERS: u32 = 8;
/// And when compiled code has called it so often.
const HOT_CALLS: u32 = 2000;
/// A function is compiled anew when it was left so often, and so often for each instruction; twice as often each time.
const LEFT: u32 = 200;
const LEFT_FOR_WORD: u32 = 20;
/// In chaos, functions are compiled anew after so few times, so that tests have what was learnt.
const LEFT_IN_CHAOS: u32 = 16;
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
            known: Vec::new(),
            known_address: null(),
            known_count: 0,
            compiled_count: 0,
            next: null(),
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
        pays.then_some((function.address, entry.into()))
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
        (entry != 0).then_some((function.address, entry.into()))
    }

    /// The same at the first instruction, for compiled code and what native functions call: from there it always pays.
    pub(super) fn first_entry(&self, prototype: Ref<Prototype>, number: u32) -> Option<(*const u8, u32)> {
        let function = self.function(prototype, number)?;
        (!function.address.is_null()).then_some((function.address, 1))
    }

    fn function(&self, prototype: Ref<Prototype>, number: u32) -> Option<&Function> {
        let function = self.functions.get((number as usize).wrapping_sub(1))?;
        (function.prototype == prototype).then_some(function)
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

    /// The functions that were hot. Their prototypes may be gone.
    pub(super) fn reports(&self) -> impl Iterator<Item = NativeFunctionReport> + '_ {
        self.functions.iter().map(|function| NativeFunctionReport {
            name: function.name.clone(),
            words: function.words,
            slices: function.heat,
            outcome: function.outcome,
        })
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

    fn add(&mut self, function: Function) -> u32 {
        self.known.push(Known {
            address: refuse as *const u8,
            prototype: function.prototype.units(),
            parameters: u32::MAX,
            registers: 0,
            cost: 0,
        });
        self.functions.push(function);
        (self.known_address, self.known_count) = (self.known.as_ptr(), self.known.len() as u32);
        self.known_count
    }
}

impl Machine {
    /// Has functions of Lua compiled.
    pub fn set_lua_compiler(&mut self, compile: Compile, compiling: Compiling) {
        (self.lua.compile, self.lua.compiling) = (Some(compile), compiling);
    }

    /// How many functions of Lua run as machine code.
    pub fn lua_functions(&self) -> usize {
        self.lua.functions.iter().filter(|function| !function.address.is_null()).count()
    }

    /// Whether slices of fuel that end in the running function tell nothing new.
    pub(crate) fn runs_machine_code(&self) -> bool {
        let prototype = self.running_prototype();
        let function = self.lua.function(prototype, self.heap.get(prototype).native.get());
        function.is_some_and(|function| function.outcome != NativeOutcome::Interpreted && !function.is_partial)
    }

    /// Whether a function has just become hot enough to be compiled, when a slice of fuel has ended in it.
    pub(crate) fn heat_lua(&mut self, prototype: Ref<Prototype>) -> bool {
        if self.lua.compile.is_none() {
            return false;
        }
        let (number, slices) = (self.lua_number(prototype), self.ended_slices());
        let compiled_count = self.lua.compiled_count;
        let function = self.lua.record_mut(number);
        function.heat = function.heat.saturating_add(slices);
        let needed = match function.address.is_null() {
            true => HOT + function.words,
            false if function.compiled_before != compiled_count => HOT,
            false => HOT << function.retreats.min(8),
        };
        let is_hot = function.heat >= needed;
        is_hot && (function.outcome == NativeOutcome::Interpreted || function.is_partial)
    }

    /// A slice of fuel has ended where Lua is interpreted. If the running function is compiled, it is its callers' code that is
    /// missing: they become hotter, up to the first that is not compiled, past native functions and into the resumer.
    pub(crate) fn heat_callers(&mut self) {
        let mut frame = FrameView { thread: self.thread, base: self.base };
        for _ in 0..=MOST_CALLERS {
            match self.frame_function(frame) {
                Value::Closure(closure) => {
                    let prototype = self.prototype_of(closure);
                    let function = self.lua.function(prototype, self.heap.get(prototype).native.get());
                    let is_compiled = function.is_some_and(|function| function.outcome != NativeOutcome::Interpreted);
                    let is_running = frame.base == self.base && frame.thread == self.thread;
                    if !is_running && self.heat_lua(prototype) {
                        self.make_lua_native(prototype);
                    }
                    if !is_compiled {
                        return;
                    }
                }
                Value::NativeClosure(_) => {}
                _ => return,
            }
            let Some(caller) = self.caller_of(frame).or_else(|| self.resuming_frame(frame.thread)) else { return };
            frame = caller;
        }
    }

    /// The innermost frame of the thread that has resumed another.
    fn resuming_frame(&self, thread: Ref<Thread>) -> Option<FrameView> {
        let thread = self.heap.get(thread).resumer.get()?;
        Some(FrameView { thread, base: self.heap.get(thread).base.get() })
    }

    /// Compiled code has called the running function of Lua, which is not compiled. `false` if the loop is to be left.
    pub(super) fn called_by_machine_code(&mut self) -> bool {
        let prototype = self.running_prototype();
        let number = self.lua_number(prototype);
        let function = self.lua.record_mut(number);
        function.calls += 1;
        if function.calls != HOT_CALLS || function.outcome != NativeOutcome::Interpreted {
            return true;
        }
        self.sample_and_compile(prototype)
    }

    /// All functions of a module have been loaded.
    pub(crate) fn compile_lua_eagerly(&mut self, prototypes: &[Ref<Prototype>]) {
        if self.lua.compiling.is_eager() {
            prototypes.iter().for_each(|&prototype| self.compile_lua(prototype));
        }
    }

    /// The machine code of a function is elsewhere: it may become hot here.
    #[cold]
    pub(super) fn forget_machine_code(&mut self, prototype: Ref<Prototype>) {
        let number = self.lua_number(prototype);
        let function = self.lua.record_mut(number);
        if function.address.is_null() {
            (function.heat, function.outcome) = (0, NativeOutcome::Interpreted);
        }
    }

    /// Compiled code was left before the instruction at the running frame's resume point, for what it has met.
    #[cold]
    pub(super) fn left_machine_code(&mut self) {
        self.observe();
        let prototype = self.running_prototype();
        let word = self.header(self.base).resume() - (self.heap.get(prototype).code.units() + 1);
        let number = self.lua_number(prototype);
        *self.lua.record_mut(number).exits.entry(word).or_default() += 1;
        let is_chaotic = self.lua.compiling.is_chaotic();
        let function = self.lua.record_mut(self.lua.exit_number);
        function.left += 1;
        let enough = if is_chaotic { LEFT_IN_CHAOS } else { LEFT + LEFT_FOR_WORD * function.words };
        if function.generation < GENERATIONS && function.left >= enough << function.generation {
            let prototype = function.prototype;
            self.compile_lua(prototype);
        }
    }

    /// The number of a function, from 1 on.
    pub(super) fn lua_number(&mut self, prototype: Ref<Prototype>) -> u32 {
        let number = self.heap.get(prototype).native.get();
        if self.lua.function(prototype, number).is_some() {
            return number;
        }
        let name = self.name_of_prototype(prototype);
        let words = self.heap.get(self.heap.get(prototype).code).length() / 8;
        let number = self.lua.add(Function {
            prototype,
            name,
            words,
            heat: 0,
            outcome: NativeOutcome::Interpreted,
            address: null(),
            register_count: 0,
            entry_words: Vec::new(),
            entries: Vec::new(),
            uses: Vec::new(),
            is_partial: false,
            retreats: 0,
            compiled_before: 0,
            exits: BTreeMap::new(),
            sites: Vec::new(),
            left: 0,
            calls: 0,
            generation: 0,
        });
        self.heap.get(prototype).native.set(number);
        number
    }

    pub(super) fn name_of_prototype(&self, prototype: Ref<Prototype>) -> Vec<u8> {
        let mut name = self.short_source(prototype);
        name.extend_from_slice(format!(":{}", self.heap.get(prototype).line_defined).as_bytes());
        name
    }

    /// A function is hot: it is compiled, or its entries come back.
    pub(crate) fn make_lua_native(&mut self, prototype: Ref<Prototype>) {
        let number = self.lua_number(prototype);
        let function = self.lua.record_mut(number);
        function.heat = 0;
        match function.address.is_null() {
            true => self.compile_lua(prototype),
            false => self.install_lua(prototype, number),
        }
    }

    /// Marks the entries of a function's machine code.
    fn install_lua(&mut self, prototype: Ref<Prototype>, number: u32) {
        let function = self.lua.record_mut(number);
        let code = self.heap.get(prototype).code;
        function.is_partial = false;
        function.entries = vec![0; function.words as usize];
        function.uses = vec![Uses::default(); function.entry_words.len()];
        let (words, _) = self.heap.bytes(code).as_chunks::<8>();
        let mut words: Vec<Word> = words.iter().map(|&word| Word(u64::from_ne_bytes(word)).unmarked()).collect();
        for (entry, &word) in (1..=u16::MAX).zip(&function.entry_words) {
            function.entries[word as usize] = entry;
            words[word as usize].0 |= Word::MARK;
        }
        for (index, word) in words.iter().enumerate() {
            self.heap.write_bytes(code, 8 * index, &word.0.to_ne_bytes());
        }
    }

    /// Compiles a function, for the first time or with what was learnt since.
    fn compile_lua(&mut self, prototype: Ref<Prototype>) {
        let Some(compile) = self.lua.compile else { return };
        let number = self.lua_number(prototype);
        let unit = self.lua_unit(prototype);
        let start = self.host.monotonic();
        let outcome = compile(&unit).and_then(|native| {
            let name = &self.lua.record(number).name;
            let address = self.host.install_code(&native.bytes, name).ok_or(Refusal::NoRoom)?;
            Ok((native, address))
        });
        let nanoseconds = self.host.monotonic().saturating_sub(start);
        let name = &self.lua.functions[number as usize - 1].name;
        if let Some(records) = &mut self.lua.records {
            records.keep(name.clone(), unit.clone());
        }
        let function = self.lua.record_mut(number);
        function.left = 0;
        function.generation += 1;
        let (native, address) = match outcome {
            Ok(compiled) => compiled,
            Err(refusal) => {
                function.outcome = NativeOutcome::Refused(refusal);
                // What there is goes on.
                return;
            }
        };
        function.outcome = NativeOutcome::Compiled { bytes: native.bytes.len(), nanoseconds };
        function.address = address.as_ptr();
        function.entry_words = native.entries;
        function.register_count = native.register_count;
        if native.is_callable {
            let known = &mut self.lua.known[number as usize - 1];
            (known.address, known.parameters) = (address.as_ptr(), unit.parameter_count.into());
            (known.registers, known.cost) = (unit.register_count.into(), unit.entry_cost);
        }
        self.lua.compiled_count += 1;
        self.install_lua(prototype, number);
    }
}
