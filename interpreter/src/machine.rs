//! The machine: one instance's heap and the state of what runs in it.

use crate::{
    code_cache::CodeCache,
    compiling::FIRST_CHANCE,
    dispatch::state::{State, Status},
    error::Throw,
    execute::Exit,
    field_cache::FieldCache,
    frame::{FRAME_SLOTS, HeaderSlot, NATIVE, Return, header_payload, header_tag, kind},
    host::{Host, Response},
    image::snapshot::Keeper,
    limits::Limits,
    machine_code::LuaTier,
    metamethod::{EVENTS, TYPE_COUNT},
    method_cache::MethodCache,
    native::Native,
    pauses::{CollectionObserver, Pauses},
    profile::Profiler,
    typed::{FrontEnd, native::NativeTier},
};
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::{any::Any, cell::Cell, marker::PhantomData};
use lunette_gc::{
    function::{Closure, NativeClosure, Prototype},
    heap::{Heap, OutOfMemory},
    reference::Ref,
    storage::SlotArray,
    string::Str,
    table::Table,
    thread::Thread,
    typed::Instance,
    value::{Slot, Value},
};

/// What an out-of-line path of an instruction gives.
pub(crate) type Outcome = Result<Status, Throw>;

/// Meaning of the heap's root slots.
pub mod roots {
    /// The running thread.
    pub const CURRENT_THREAD: usize = 0;
    /// The main thread.
    pub const MAIN_THREAD: usize = 1;
    /// The table of globals.
    pub const GLOBALS: usize = 2;
    /// The registry: a table that programs reach only through `debug.getregistry`.
    pub const REGISTRY: usize = 3;
    /// The value of the pending error.
    pub const ERROR: usize = 4;
    /// Array of the names of events and other strings the machine needs.
    pub const NAMES: usize = 5;
    /// Array of the metatables of types other than table and userdata.
    pub const METATABLES: usize = 6;
    /// Array of the host's handles.
    pub const HANDLES: usize = 7;
    /// Function that handles the messages of errors which leave a call from the host; nil for none.
    pub const HOST_HANDLER: usize = 16;
    /// The library's buffer of standard output: an array of bytes; the slot's `spare` is how many of them are in use.
    pub const OUTPUT_BUFFER: usize = 8;
    /// How the library buffers standard output.
    pub const OUTPUT_MODE: usize = 9;
    /// Whether the library shows warnings.
    pub const WARNINGS: usize = 10;
    /// The types of WebAssembly, by description and by number; nil as long as there are none.
    pub const TYPES: usize = 11;
    /// The metatable of exceptions of WebAssembly; nil without the library.
    pub const EXCEPTIONS: usize = 12;
    /// How many WebAssembly modules were loaded; nil for none.
    pub const LOADED_MODULES: usize = 13;
}

/// Slots that every frame leaves free above it for the machine's own call windows.
pub(crate) const STACK_RESERVE: u32 = 40;
/// So many slots at most are copied one by one.
const FEW_SLOTS: u32 = 8;
/// The most slots of a stack that programs can use.
pub(crate) const MAX_STACK: u32 = 1_000_000;
/// Slots beyond that for handling the overflow.
pub(crate) const STACK_EMERGENCY: u32 = 4096;
const MAIN_STACK: u32 = 256;

/// How a machine is made.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// Bytes of addresses reserved for the region.
    pub region_bytes: usize,
    /// The most bytes of memory the instance may use.
    pub memory_limit: u64,
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration { region_bytes: 1 << 35, memory_limit: u64::MAX }
    }
}

/// One instance: a heap and what runs in it.
pub struct Machine {
    /// Fuel left until the next look at limits and interrupts.
    pub(crate) budget: Cell<i64>,
    /// Address that the registers of a new frame may not pass.
    pub(crate) stack_limit: *mut u8,
    /// Address of slot 0 of the running thread's stack.
    pub(crate) stack: *mut u8,
    /// Index of register 0 of the running frame.
    pub(crate) base: u32,
    /// End of the open list of values.
    pub(crate) open_top: u32,
    /// Number of slots of the stack.
    pub(crate) stack_length: u32,
    /// Where register 0 of the innermost typed frame is on the number stack, in words; 0 if there is no such frame.
    pub(crate) number_base: u32,
    /// Address of the running thread's number stack.
    pub(crate) numbers: *mut u8,
    /// Address that the number registers of a new frame may not pass.
    pub(crate) number_limit: *mut u8,
    /// Address of the instance whose functions the loop of typed code runs.
    pub(crate) instance: *mut Instance,
    /// Words of the number stack.
    pub(crate) number_length: u32,
    /// Whether the pending error is a trap, which WebAssembly does not catch.
    pub(crate) is_trap: Cell<bool>,
    /// Who knows WebAssembly files.
    pub(crate) front_end: Option<FrontEnd>,
    /// What is done about machine code.
    pub(crate) native: NativeTier,
    /// The same, of functions of Lua.
    pub(crate) lua: LuaTier,
    /// Machine code of both.
    pub(crate) code: CodeCache,
    /// State of the generator of chances that compiled code takes in chaos ([`crate::compiling`]).
    pub(crate) chance: u32,
    /// The running thread.
    pub(crate) thread: Ref<Thread>,
    /// The heap.
    pub heap: Heap,
    /// The home's services.
    pub host: Box<dyn Host>,
    pub(crate) pauses: Pauses,
    pub(crate) collection_observer: Option<CollectionObserver>,
    /// What the embedder keeps with the machine: side tables outside the region.
    pub embedder: Box<dyn Any + Send>,
    pub(crate) natives: Vec<Native>,
    /// Their numbers, by name.
    pub(crate) native_numbers: BTreeMap<&'static str, u32>,
    pub(crate) names: Ref<SlotArray>,
    pub(crate) metatables: Ref<SlotArray>,
    pub(crate) exit: Exit,
    /// What the host answered to the request a native function waits for.
    pub(crate) response: Option<Response>,
    pub(crate) limits: Limits,
    pub(crate) method_cache: MethodCache,
    pub(crate) field_cache: FieldCache,
    /// Working memory of the library that can be dropped at any time: caches and scratch buffers.
    pub library: Option<Box<dyn Any + Send>>,
    /// What the front end knows of loaded modules; it can be made again of what the heap has.
    pub known_modules: Option<Box<dyn Any + Send>>,
    /// Number of the native function `next`, which generic `for` knows.
    pub(crate) next_native: u32,
    /// Number of the native function that runs finalizers.
    pub(crate) finalizer_native: Option<u32>,
    /// Number of the native function that `ipairs` gives, likewise.
    pub(crate) ipairs_native: u32,
    /// Whether the running thread has a hook.
    pub(crate) hooked: bool,
    /// Whether a finalizer is running: no other is started then.
    pub(crate) finalizing: bool,
    /// Calls from the host in progress, one inside the other.
    pub(crate) host_calls: u32,
    /// Who takes snapshots.
    pub(crate) keeper: Option<Keeper>,
    /// Who notes what runs.
    pub(crate) profiler: Option<Profiler>,
}

// SAFETY: the addresses point into the heap's region, which moves with the machine; `Host` is `Send`.
unsafe impl Send for Machine {}

impl Machine {
    /// Makes a machine without any function.
    pub fn new(host: Box<dyn Host>, configuration: Configuration) -> Result<Machine, OutOfMemory> {
        let heap = Heap::new(host.pages(), configuration.region_bytes)?;
        heap.set_memory_limit(configuration.memory_limit.min(configuration.region_bytes as u64));
        let thread = heap.new_thread(MAIN_STACK)?;
        heap.root(roots::CURRENT_THREAD).set(Value::Thread(thread));
        heap.root(roots::MAIN_THREAD).set(Value::Thread(thread));
        let names = heap.new_slot_array(EVENTS.len() as u32)?;
        heap.root(roots::NAMES).set(Value::Cell(names.cast()));
        for (slot, name) in heap.slots(names).iter().zip(EVENTS) {
            slot.set(Value::String(heap.new_string(name.as_bytes())?));
        }
        let metatables = heap.new_slot_array(TYPE_COUNT)?;
        heap.root(roots::METATABLES).set(Value::Cell(metatables.cast()));
        let handles = heap.new_slot_array(8)?;
        heap.root(roots::HANDLES).set(Value::Cell(handles.cast()));
        heap.root(roots::GLOBALS).set(Value::Table(heap.new_table(0, 0)?));
        heap.root(roots::REGISTRY).set(Value::Table(heap.new_table(0, 0)?));
        let Some(machine) = Machine::of_heap(host, heap) else { unreachable!("the roots were just made") };
        machine.write_bottom_frame(Return::Exit);
        machine.get_thread().base.set(FRAME_SLOTS);
        machine.get_thread().status.set(crate::coroutine::RUNNING);
        Ok(machine)
    }

    /// A machine whose roots are there.
    pub(crate) fn of_heap(host: Box<dyn Host>, heap: Heap) -> Option<Machine> {
        let (Value::Thread(thread), Value::Cell(names), Value::Cell(metatables)) =
            (heap.root(roots::CURRENT_THREAD).get(), heap.root(roots::NAMES).get(), heap.root(roots::METATABLES).get())
        else {
            return None;
        };
        let (names, metatables) = (names.cast(), metatables.cast());
        let mut machine = Machine {
            budget: Cell::new(0),
            stack_limit: core::ptr::null_mut(),
            stack: core::ptr::null_mut(),
            base: FRAME_SLOTS,
            open_top: FRAME_SLOTS,
            stack_length: 0,
            number_base: 0,
            numbers: core::ptr::null_mut(),
            number_limit: core::ptr::null_mut(),
            instance: core::ptr::null_mut(),
            number_length: 0,
            is_trap: Cell::new(false),
            front_end: None,
            native: NativeTier::default(),
            lua: LuaTier::default(),
            code: CodeCache::default(),
            chance: FIRST_CHANCE,
            thread,
            heap,
            host,
            pauses: Pauses::default(),
            collection_observer: None,
            embedder: Box::new(()),
            natives: Vec::new(),
            native_numbers: BTreeMap::new(),
            names,
            metatables,
            exit: Exit::None,
            response: None,
            limits: Limits::default(),
            method_cache: MethodCache::new(),
            field_cache: FieldCache::new(),
            library: None,
            known_modules: None,
            next_native: u32::MAX,
            ipairs_native: u32::MAX,
            finalizer_native: None,
            hooked: false,
            finalizing: false,
            host_calls: 0,
            keeper: None,
            profiler: None,
        };
        machine.adopt_stack();
        Some(machine)
    }

    /// Takes its own fields from the roots, which come from elsewhere.
    pub(crate) fn adopt_roots(&mut self) {
        if let Value::Thread(thread) = self.heap.root(roots::CURRENT_THREAD).get() {
            self.thread = thread;
            let object = self.heap.get(thread);
            self.base = object.base.get();
            self.open_top = object.open_top.get();
            self.number_base = object.number_base.get();
            self.adopt_stack();
        }
        if self.exit_closes() && self.is_running() {
            self.limits.exit_base = self.outermost_base();
        }
        self.method_cache.clear();
        self.field_cache.clear();
    }

    /// The base of the main thread's first frame that the host has called.
    fn outermost_base(&self) -> u32 {
        self.frame_bases(self.main_thread()).get(1).copied().unwrap_or(0)
    }

    /// The first frame of a stack: it belongs to nobody.
    pub(crate) fn write_bottom_frame(&self, return_kind: Return) {
        self.slot(0).set(Value::Nil);
        let header = self.slot(1);
        header.payload.set(header_payload(0, 0));
        header.tag.set(header_tag(return_kind as u32 | NATIVE, -1));
        header.spare.set(0);
    }

    /// The running thread.
    #[inline(always)]
    pub(crate) fn get_thread(&self) -> &Thread {
        self.heap.get(self.thread)
    }

    /// Takes the addresses of the running thread's stack anew.
    pub(crate) fn adopt_stack(&mut self) {
        let slots = self.heap.slots(self.get_thread().stack.get());
        let (address, length) = (slots.as_ptr().cast_mut().cast::<u8>(), slots.len());
        self.stack = address;
        self.stack_length = length as u32;
        let usable = length.saturating_sub(STACK_RESERVE as usize);
        self.stack_limit = address.wrapping_add(usable * 16);
        self.hooked = self.get_thread().hook_mask.get() != 0;
        self.adopt_numbers();
    }

    /// Slot `index` of the running thread's stack.
    #[inline(always)]
    pub fn slot(&self, index: u32) -> &Slot {
        assert!(index < self.stack_length, "stack index out of range");
        // SAFETY: in range of the stack.
        unsafe { &*self.stack.cast::<Slot>().add(index as usize) }
    }

    /// The running thread's stack.
    pub(crate) fn stack_slots(&self) -> &[Slot] {
        self.heap.slots(self.get_thread().stack.get())
    }

    /// `COUNT` slots of the running thread's stack from slot `first` on.
    #[inline(always)]
    pub fn slots<const COUNT: usize>(&self, first: u32) -> &[Slot; COUNT] {
        assert!(u64::from(first) + COUNT as u64 <= u64::from(self.stack_length), "stack index out of range");
        // SAFETY: in range of the stack.
        unsafe { &*self.stack.cast::<Slot>().add(first as usize).cast() }
    }

    /// The value in slot `index` of the running thread's stack.
    #[inline(always)]
    pub fn value(&self, index: u32) -> Value {
        self.slot(index).get()
    }

    /// Sets slot `index` of the running thread's stack.
    #[inline(always)]
    pub fn set_value(&self, index: u32, value: Value) {
        self.slot(index).set(value);
    }

    /// Copies a slot of the stack to another.
    #[inline(always)]
    pub(crate) fn copy_slot(&self, from: u32, to: u32) {
        self.slot(to).copy_from(self.slot(from));
    }

    /// Copies `count` slots of the stack, as if by way of a third place.
    #[inline]
    pub(crate) fn copy_slots(&self, from: u32, to: u32, count: u32) {
        // One by one as they were written: a wider load would wait for the stores.
        match count {
            0 => {}
            1 => self.copy_slot(from, to),
            2..=FEW_SLOTS if to < from => (0..count).for_each(|index| self.copy_slot(from + index, to + index)),
            2..=FEW_SLOTS => (0..count).rev().for_each(|index| self.copy_slot(from + index, to + index)),
            _ => self.copy_many_slots(from, to, count),
        }
    }

    fn copy_many_slots(&self, from: u32, to: u32, count: u32) {
        assert!(u64::from(from.max(to)) + u64::from(count) <= u64::from(self.stack_length), "stack index out of range");
        let slots = self.stack.cast::<Slot>();
        // SAFETY: both ranges lie in the stack. What is copied of `spare` is nobody's: no variable to be closed and no
        // cursor of a traversal lies where values are copied to.
        unsafe { core::ptr::copy(slots.add(from as usize), slots.add(to as usize), count as usize) };
    }

    /// The header of the frame whose register 0 is slot `base`.
    #[inline(always)]
    pub(crate) fn header(&self, base: u32) -> &Slot {
        self.slot(base - 1)
    }

    /// The function of the frame whose register 0 is slot `base`.
    #[inline(always)]
    pub(crate) fn function_of(&self, base: u32) -> Value {
        self.value(base - FRAME_SLOTS)
    }

    /// Whether the frame belongs to a native function.
    #[inline(always)]
    pub(crate) fn is_native_frame(&self, base: u32) -> bool {
        kind(self.header(base).tag.get()) & NATIVE != 0
    }

    /// The native closure of the frame, if it is one's.
    #[inline]
    pub(crate) fn native_closure_of(&self, base: u32) -> Option<Ref<NativeClosure>> {
        if !self.is_native_frame(base) {
            return None;
        }
        match self.function_of(base) {
            Value::NativeClosure(closure) => Some(closure),
            _ => None,
        }
    }

    /// The prototype of a closure.
    #[inline(always)]
    pub(crate) fn prototype_of(&self, closure: Ref<Closure>) -> Ref<Prototype> {
        self.heap.get(closure).prototype
    }

    /// Notes where the loop is, for everything outside of it.
    #[inline(always)]
    pub(crate) fn save(&mut self, base: *mut u8, pc: *const u64) {
        self.base = ((base as usize - self.stack as usize) >> 4) as u32;
        let units = ((pc as usize - self.heap.base() as usize) >> 3) as u32;
        // SAFETY: the header lies before register 0.
        unsafe { base.sub(16).cast::<u32>().write(units) };
    }

    /// The state with which the loop goes on in the running frame, which is a Lua function's.
    #[inline(always)]
    pub(crate) fn state<D>(&mut self) -> State<D> {
        let region = self.heap.base();
        let base = self.stack.wrapping_add(self.base as usize * 16);
        // SAFETY: the running frame is a Lua function's: its header holds the resume point, its function slot the
        // closure.
        unsafe {
            let resume = *base.sub(16).cast::<u32>();
            let closure = *base.sub(32).cast::<u64>() as usize;
            let closure = region.add(closure * 8).cast::<Closure>();
            let prototype = (*closure).prototype.pointer(region);
            State {
                pc: region.add(resume as usize * 8).cast(),
                base,
                region,
                machine: self,
                prototype,
                driver: PhantomData,
            }
        }
    }

    /// Sets the end of the open list of values by address.
    #[inline(always)]
    pub(crate) fn set_open_top(&mut self, end: *mut u8) {
        self.open_top = ((end as usize - self.stack as usize) >> 4) as u32;
    }

    /// Number of values of the open list that begins at this address.
    #[inline(always)]
    pub(crate) fn open_count(&self, first: *mut u8) -> usize {
        let end = self.stack.wrapping_add(self.open_top as usize * 16);
        (end as usize).saturating_sub(first as usize) >> 4
    }

    /// Slot index of a register operand (a byte offset) of the running frame.
    #[inline(always)]
    pub(crate) fn register_index(&self, offset: usize) -> u32 {
        self.base + (offset >> 4) as u32
    }

    /// Value of a register operand (a byte offset) of the running frame.
    #[inline(always)]
    pub(crate) fn register(&self, offset: usize) -> Value {
        self.value(self.register_index(offset))
    }

    /// Sets a register operand (a byte offset) of the running frame.
    #[inline(always)]
    pub(crate) fn set_register(&self, offset: usize, value: Value) {
        self.set_value(self.register_index(offset), value);
    }

    /// The running function's prototype, which is a Lua function's.
    pub(crate) fn running_prototype(&self) -> Ref<Prototype> {
        match self.function_of(self.base) {
            Value::Closure(closure) => self.prototype_of(closure),
            other => unreachable!("a Lua frame has a closure, not {other:?}"),
        }
    }

    /// One more than the last slot in use by the running frame.
    pub(crate) fn frame_top(&self) -> u32 {
        self.top_of(self.base)
    }

    /// One more than the last slot that belongs to the frame.
    pub(crate) fn top_of(&self, base: u32) -> u32 {
        let header = self.header(base);
        match self.function_of(base) {
            Value::Closure(closure) if kind(header.tag.get()) & NATIVE == 0 => {
                base + u32::from(self.heap.get(self.prototype_of(closure)).register_count)
            }
            Value::NativeClosure(closure) => {
                let slots = self.natives[self.heap.get(closure).native as usize].slots;
                base + header.argument_count() + slots
            }
            Value::Internal(prototype) => self.typed_top(base, prototype.cast()),
            _ => base + header.argument_count(),
        }
    }

    /// The table of globals.
    pub fn globals(&self) -> Ref<Table> {
        self.root_table(roots::GLOBALS)
    }

    /// The registry.
    pub fn registry(&self) -> Ref<Table> {
        self.root_table(roots::REGISTRY)
    }

    fn root_table(&self, number: usize) -> Ref<Table> {
        match self.heap.root(number).get() {
            Value::Table(table) => table,
            other => unreachable!("the root is a table, not {other:?}"),
        }
    }

    /// The main thread.
    pub fn main_thread(&self) -> Ref<Thread> {
        match self.heap.root(roots::MAIN_THREAD).get() {
            Value::Thread(thread) => thread,
            other => unreachable!("the root is a thread, not {other:?}"),
        }
    }

    /// The thread that runs.
    pub fn current_thread(&self) -> Ref<Thread> {
        self.thread
    }

    /// The value of the pending error.
    pub fn pending_error(&self) -> Value {
        self.heap.root(roots::ERROR).get()
    }

    /// Sets the pending error and gives the code to return with.
    pub fn throw(&self, value: Value) -> Throw {
        self.heap.root(roots::ERROR).set(value);
        self.is_trap.set(false);
        Throw::Error
    }

    /// A string of the heap.
    pub fn new_string(&self, bytes: &[u8]) -> Result<Ref<Str>, Throw> {
        Ok(self.heap.new_string(bytes)?)
    }

    /// Bytes of a string of the heap.
    pub fn bytes(&self, string: Ref<Str>) -> &[u8] {
        self.heap.string_bytes(string)
    }
}
