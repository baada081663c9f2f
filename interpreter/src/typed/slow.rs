//! What typed instructions do when moving values is not enough. As in [`crate::slow`], each function finds the frame saved,
//! may move anything, and is tried again after a collection if it fails for memory: it takes memory before it changes
//! anything. The frame's resume point is past the whole instruction.

use super::{forwarding, frames::Window};
use crate::{
    call::Next,
    dispatch::state::{Operands, Status},
    error::Throw,
    frame::{FRAME_SLOTS, HeaderSlot, Return, VARIADIC, kind, wanted},
    machine::{Machine, Outcome},
};
use alloc::vec::Vec;
use lunette_bytecode::{
    instruction::Word,
    typed::{instruction::Opcode, module::ValueType, trap::Trap},
};
use lunette_gc::{
    reference::Ref,
    storage::SlotArray,
    typed::{CanonicalType, Global, Instance, LinearMemory, ReferenceTable, TypedFunction, TypedPrototype},
    value::{Slot, Value},
};

/// The running instruction, with what follows its first word.
#[derive(Clone, Copy)]
pub(super) struct Running {
    opcode: Opcode,
    word: Word,
    /// Where its first literal is, in units from the region's base.
    literals: u32,
}

impl Running {
    pub(super) fn new(machine: &Machine, word: Word) -> Running {
        let Some(opcode) = Opcode::of(forwarding::unmarked(word)) else {
            unreachable!("verified code has known opcodes")
        };
        let entry = opcode.entry();
        let list = if entry.has_list { word.c() } else { 0 };
        let words = entry.fixed_words() - 1 + list;
        Running { opcode, word, literals: machine.header(machine.base).resume() - words as u32 }
    }

    fn literal(self, machine: &Machine, index: usize) -> u64 {
        // SAFETY: the instruction is in the code of the running function, literals and list included.
        unsafe { *machine.heap.base().cast::<u64>().add(self.literals as usize + index) }
    }

    /// The 32-bit operand number `index` of the literals.
    pub(super) fn wide(self, machine: &Machine, index: usize) -> u32 {
        (self.literal(machine, index / 2) >> (32 * (index % 2))) as u32
    }

    /// The 16-bit operand number `index` of the literals.
    pub(super) fn short(self, machine: &Machine, index: usize) -> usize {
        super::state::field(self.literal(machine, index / 4), (index % 4) as u32)
    }
}

/// The registers that a call's arguments, or an object's members, come from.
pub(super) struct Arguments {
    pub(super) numbers: u32,
    pub(super) references: u32,
    /// Number of the first element among the 16-bit operands after the first word.
    first: usize,
}

impl Arguments {
    pub(super) fn of(running: Running, machine: &Machine) -> Arguments {
        let entry = running.opcode.entry();
        if !entry.has_list {
            return Arguments { numbers: 4, references: 0, first: 0 };
        }
        let (numbers, references) = (running.short(machine, 2) as u32, running.short(machine, 3) as u32);
        Arguments { numbers, references, first: 4 * (entry.fixed_words() - 1) }
    }

    /// The index of number register `index`, from the caller's first on.
    fn number(&self, running: Running, machine: &Machine, index: u32) -> u32 {
        (running.short(machine, self.first + index as usize) >> 3) as u32
    }

    fn reference(&self, running: Running, machine: &Machine, index: u32) -> u32 {
        (running.short(machine, self.first + (self.numbers + index) as usize) >> 4) as u32
    }

    /// What number register `index` holds.
    pub(super) fn number_value(&self, running: Running, machine: &Machine, index: u32) -> u64 {
        machine.number(machine.number_base + self.number(running, machine, index))
    }

    /// What reference register `index` holds.
    pub(super) fn reference_value(&self, running: Running, machine: &Machine, index: u32) -> Value {
        machine.value(machine.base + 1 + self.reference(running, machine, index))
    }
}

/// What is called.
#[derive(Clone, Copy)]
enum Callee {
    Typed(Ref<TypedPrototype>, Ref<Instance>),
    Host(Ref<TypedFunction>),
}

impl Machine {
    /// Number register at the byte offset of an operand.
    pub(super) fn number_at(&self, offset: usize) -> u64 {
        self.number(self.number_base + (offset >> 3) as u32)
    }

    fn set_number_at(&self, offset: usize, value: u64) {
        self.set_number(self.number_base + (offset >> 3) as u32, value);
    }

    pub(super) fn reference_register(&self, offset: usize) -> u32 {
        self.base + 1 + (offset >> 4) as u32
    }

    fn memory(&self, number: u32) -> Ref<LinearMemory> {
        let memories = self.heap.get(self.running_instance()).memories;
        match self.heap.reference_at(memories, number) {
            Some(memory) => memory,
            None => unreachable!("verified code names memories that are there"),
        }
    }

    fn table(&self, number: u32) -> Ref<ReferenceTable> {
        let tables = self.heap.get(self.running_instance()).tables;
        match self.heap.reference_at(tables, number) {
            Some(table) => table,
            None => unreachable!("verified code names tables that are there"),
        }
    }

    /// The elements of a table.
    fn elements(&self, table: Ref<ReferenceTable>) -> &[Slot] {
        let object = self.heap.get(table);
        &self.heap.slots(object.elements.get())[..object.length.get() as usize]
    }

    /// A reference to function `number` of an instance, made when it is first asked for.
    pub fn function_reference(&mut self, instance: Ref<Instance>, number: u32) -> Result<Ref<TypedFunction>, Throw> {
        let object = self.heap.get(instance);
        if let Some(function) = self.heap.reference_at(object.functions, number) {
            return Ok(function);
        }
        let Some(prototype) = self.heap.reference_at::<TypedPrototype>(object.prototypes, number) else {
            unreachable!("imported functions are there from the beginning");
        };
        let (functions, kind) = (object.functions, self.heap.get(prototype).kind);
        let function = self.new_typed_function(Some((prototype, instance)), kind, Value::Nil)?;
        self.heap.refs(functions)[number as usize].set(Some(function.cast()));
        self.heap.barrier(functions);
        Ok(function)
    }

    fn callee_of_function(&self, function: Ref<TypedFunction>) -> Callee {
        let object = self.heap.get(function);
        match (object.prototype, object.instance) {
            (Some(prototype), Some(instance)) => Callee::Typed(prototype, instance),
            _ => Callee::Host(function),
        }
    }

    fn callee(&mut self, running: Running) -> Result<Callee, Throw> {
        let word = running.word;
        match running.opcode {
            Opcode::call => Ok(self.own_callee(word.d())),
            Opcode::call_general | Opcode::tail_call => Ok(self.own_callee(running.wide(self, 0))),
            Opcode::call_reference | Opcode::tail_call_reference => {
                let signature = self.type_of(running.wide(self, 2));
                match self.value(self.reference_register(word.b())) {
                    // What a register of this type refers to is of it; but nobody has verified that.
                    Value::TypedFunction(function) if self.heap.is_subtype(self.heap.get(function).kind, signature) => {
                        Ok(self.callee_of_function(function))
                    }
                    Value::Nil => Err(self.trap(Trap::NullFunction)),
                    _ => Err(self.misused()),
                }
            }
            _ => {
                let (signature, table) = (running.wide(self, 2), running.wide(self, 3));
                let index = self.number_at(word.b());
                let elements = self.elements(self.table(table));
                let element = usize::try_from(index).ok().and_then(|index| elements.get(index)).map(Slot::get);
                let function = match element {
                    Some(Value::TypedFunction(function)) => function,
                    Some(_) => return Err(self.trap(Trap::UninitializedElement)),
                    None => return Err(self.trap(Trap::UndefinedElement)),
                };
                if !self.heap.is_subtype(self.heap.get(function).kind, self.type_of(signature)) {
                    return Err(self.trap(Trap::IndirectCallTypeMismatch));
                }
                Ok(self.callee_of_function(function))
            }
        }
    }

    fn own_callee(&self, number: u32) -> Callee {
        let instance = self.running_instance();
        let object = self.heap.get(instance);
        if let Some(prototype) = self.heap.reference_at(object.prototypes, number) {
            return Callee::Typed(prototype, instance);
        }
        match self.heap.reference_at(object.functions, number) {
            Some(function) => self.callee_of_function(function),
            None => unreachable!("imported functions are there"),
        }
    }

    /// The machine's form of a type of the running module.
    pub(super) fn type_of(&self, number: u32) -> Ref<CanonicalType> {
        let types = self.heap.get(self.running_instance()).types;
        match self.heap.reference_at(types, number) {
            Some(kind) => kind,
            None => unreachable!("verified code names types that are there"),
        }
    }

    /// The arguments of a call of the host as values.
    fn host_arguments(
        &mut self,
        running: Running,
        arguments: &Arguments,
        function: Ref<TypedFunction>,
    ) -> Result<Vec<Value>, Throw> {
        let kind = self.heap.get(function).kind;
        let mut values = Vec::new();
        let (mut number, mut reference) = (0, 0);
        let count = self.function_type(kind).parameters().count();
        values.try_reserve_exact(count).map_err(|_| Throw::Memory)?;
        for given in self.function_type(kind).parameters() {
            values.push(match given {
                ValueType::Reference(_) => {
                    reference += 1;
                    self.value(self.base + 1 + arguments.reference(running, self, reference - 1))
                }
                ValueType::V128 => {
                    number += 2;
                    let half = |index| self.number(self.number_base + arguments.number(running, self, index));
                    self.vector_value(half(number - 2), half(number - 1))?
                }
                given => {
                    number += 1;
                    let register = arguments.number(running, self, number - 1);
                    super::convert::from_number(self.number(self.number_base + register), given)
                }
            });
        }
        Ok(values)
    }
}

/// Every call that the loop does not do itself.
pub(crate) fn call(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let callee = machine.callee(running)?;
    let arguments = Arguments::of(running, machine);
    let references = match running.opcode {
        Opcode::call_general => word.b() >> 4,
        Opcode::call_indirect_general | Opcode::call_reference => running.short(machine, 0) >> 4,
        _ => 0,
    };
    let window = Window { numbers: (word.a() >> 3) as u32, references: references as u32 };
    let next = match callee {
        Callee::Host(function) => {
            let values = machine.host_arguments(running, &arguments, function)?;
            machine.call_host(function, &values, window)?
        }
        Callee::Typed(prototype, instance) => {
            let (numbers, slots) = (machine.number_base, machine.base + 1);
            let top = machine.frame_top();
            let kind = Return::Call as u32;
            machine.push_frame(prototype, instance, top, kind, window.numbers as i32, window.references)?;
            for index in 0..arguments.numbers {
                let value = machine.number(numbers + arguments.number(running, machine, index));
                machine.set_number(machine.number_base + index, value);
            }
            for index in 0..arguments.references {
                machine.copy_slot(slots + arguments.reference(running, machine, index), machine.base + 1 + index);
            }
            Next::Typed
        }
    };
    Ok(machine.drive(next))
}

/// Every tail call.
pub(crate) fn tail_call(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let callee = machine.callee(running)?;
    let arguments = Arguments::of(running, machine);
    let mut values = Vec::new();
    let (mut numbers, mut references) = (Vec::new(), Vec::new());
    if let Callee::Host(function) = callee {
        values = machine.host_arguments(running, &arguments, function)?;
    } else {
        numbers.try_reserve_exact(arguments.numbers as usize).map_err(|_| Throw::Memory)?;
        references.try_reserve_exact(arguments.references as usize).map_err(|_| Throw::Memory)?;
        numbers.extend((0..arguments.numbers).map(|index| arguments.number_value(running, machine, index)));
        references.extend((0..arguments.references).map(|index| arguments.reference_value(running, machine, index)));
    }
    if let Callee::Typed(prototype, _) = callee {
        // While the frame is there, so that this can be tried again.
        machine.translate(prototype)?;
    }
    let header = machine.header(machine.base);
    let (tag, distance, spare) = (header.tag.get(), header.distance(), header.spare.get());
    let slot = machine.base - FRAME_SLOTS;
    let window = machine.window_of(machine.base);
    machine.pop_numbers();
    machine.base -= distance;
    let is_dynamic = kind(tag) & VARIADIC != 0;
    let entered = match callee {
        Callee::Typed(prototype, instance) => {
            machine.push_frame(prototype, instance, slot, kind(tag), (tag as i32) >> 16, spare).map(|()| {
                for (index, &value) in (0..).zip(&numbers) {
                    machine.set_number(machine.number_base + index, value);
                }
                for (index, &value) in (0..).zip(&references) {
                    machine.set_value(machine.base + 1 + index, value);
                }
                Next::Typed
            })
        }
        Callee::Host(function) if !is_dynamic => {
            machine.call_host(function, &values, Window { numbers: tag >> 16, references: spare })
        }
        Callee::Host(function) => {
            let count = values.len() as u32;
            machine.ensure_stack(window + FRAME_SLOTS, count).and_then(|()| {
                machine.set_value(window, machine.heap.get(function).callee.get());
                for (index, &value) in (0..).zip(&values) {
                    machine.set_value(window + FRAME_SLOTS + index, value);
                }
                machine.push_call_of_kind(window, count, wanted(tag), kind(tag) & !VARIADIC)
            })
        }
    };
    match entered {
        Ok(next) => Ok(machine.drive(next)),
        // The frame is gone: this cannot be tried again.
        Err(throw) => {
            let throw = machine.settle(throw);
            Ok(machine.raise(throw))
        }
    }
}

/// `throw`
pub(crate) fn throw(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let arguments = Arguments::of(running, machine);
    let tags = machine.heap.get(machine.running_instance()).tags;
    let Some(tag) = machine.heap.reference_at(tags, running.wide(machine, 0)) else {
        unreachable!("verified code names tags that are there");
    };
    let number = |index| arguments.number_value(running, machine, index);
    let numbers: Vec<u64> = (0..arguments.numbers).map(number).collect();
    let reference = |index| arguments.reference_value(running, machine, index);
    let references: Vec<Value> = (0..arguments.references).map(reference).collect();
    Err(machine.throw_exception(tag, &numbers, &references)?)
}

/// `throw_reference`
pub(crate) fn throw_reference(machine: &mut Machine, word: Word) -> Outcome {
    let exception = machine.value(machine.reference_register(word.a()));
    Err(machine.throw_again(exception))
}

/// Every return that the loop does not do itself.
pub(crate) fn return_values(machine: &mut Machine, word: Word) -> Outcome {
    let references =
        if Opcode::of(forwarding::unmarked(word)) == Some(Opcode::return_values) { word.b() >> 4 } else { 0 };
    let next = machine.return_typed((word.a() >> 3) as u32, references as u32)?;
    Ok(machine.drive(next))
}

/// The budget of fuel is used up.
pub(crate) fn poll(machine: &mut Machine, _: Word) -> Outcome {
    machine.look_at_limits()?;
    if let Some(prototype) = machine.typed_prototype_of(machine.base) {
        machine.heat(prototype);
    }
    Ok(machine.drive(Next::Typed))
}

macro_rules! traps {
    ($($name:ident $trap:ident;)*) => { $(
        pub(crate) fn $name(machine: &mut Machine, _: Word) -> Outcome {
            Err(machine.trap(Trap::$trap))
        }
    )* };
}

traps! {
    memory_out_of_bounds MemoryOutOfBounds;
    divide_by_zero DivideByZero;
    integer_overflow IntegerOverflow;
    invalid_conversion InvalidConversion;
    null_reference NullReference;
}

/// `trap`
pub(crate) fn trap(machine: &mut Machine, word: Word) -> Outcome {
    Err(machine.trap(Trap::from_number(word.d()).unwrap_or(Trap::Unreachable)))
}

/// What an instruction that has taken memory does last.
pub(super) fn after_allocation(machine: &mut Machine) -> Outcome {
    if machine.heap.needs_collection() {
        let next = machine.safepoint(machine.frame_top(), Next::Typed);
        return Ok(machine.drive(next));
    }
    Ok(Status::Reload)
}

/// `reference_function`
pub(crate) fn reference_function(machine: &mut Machine, word: Word) -> Outcome {
    let function = machine.function_reference(machine.running_instance(), word.d())?;
    machine.set_value(machine.reference_register(word.a()), Value::TypedFunction(function));
    after_allocation(machine)
}

impl Machine {
    /// The slots of global `number` of the running instance.
    fn global(&self, number: u32) -> &[Slot] {
        let instance = self.running_instance();
        let imported = self.heap.get(instance).imported_globals;
        match self.heap.reference_at::<Global>(imported, number) {
            Some(global) => self.heap.global_slots(global),
            None => &self.heap.globals(instance)[2 * number as usize..][..2],
        }
    }

    /// Tells the collector that global `number` of the running instance was set to a reference.
    fn global_barrier(&self, number: u32) {
        let instance = self.running_instance();
        let imported = self.heap.get(instance).imported_globals;
        match self.heap.reference_at::<Global>(imported, number) {
            Some(global) => match self.heap.get(global).owner {
                Some(owner) => self.heap.barrier(owner),
                None => self.heap.barrier(global),
            },
            None => self.heap.barrier(instance),
        }
    }
}

/// `get_imported_global`
pub(crate) fn get_imported_global(machine: &mut Machine, word: Word) -> Outcome {
    machine.set_number_at(word.a(), machine.global(word.d())[0].payload.get());
    Ok(Status::Next)
}

/// `set_imported_global`
pub(crate) fn set_imported_global(machine: &mut Machine, word: Word) -> Outcome {
    machine.global(word.d())[0].payload.set(machine.number_at(word.a()));
    Ok(Status::Next)
}

/// `get_global_vector`
pub(crate) fn get_global_vector(machine: &mut Machine, word: Word) -> Outcome {
    for half in 0..2 {
        machine.set_number_at(word.a() + 8 * half, machine.global(word.d())[half].payload.get());
    }
    Ok(Status::Next)
}

/// `set_global_vector`
pub(crate) fn set_global_vector(machine: &mut Machine, word: Word) -> Outcome {
    for half in 0..2 {
        machine.global(word.d())[half].payload.set(machine.number_at(word.a() + 8 * half));
    }
    Ok(Status::Next)
}

/// `get_global_reference`
pub(crate) fn get_global_reference(machine: &mut Machine, word: Word) -> Outcome {
    machine.set_value(machine.reference_register(word.a()), machine.global(word.d())[0].get());
    Ok(Status::Next)
}

/// `set_global_reference`
pub(crate) fn set_global_reference(machine: &mut Machine, word: Word) -> Outcome {
    machine.global(word.d())[0].set(machine.value(machine.reference_register(word.a())));
    machine.global_barrier(word.d());
    Ok(Status::Next)
}

/// The size of a memory or table, or the failure to grow one, in the width of its addresses.
fn of_width(value: Option<u64>, is_64: u32) -> u64 {
    match value {
        Some(value) => value,
        None if is_64 != 0 => u64::MAX,
        None => u32::MAX.into(),
    }
}

/// `memory_size`
pub(crate) fn memory_size(machine: &mut Machine, word: Word) -> Outcome {
    let pages = machine.heap.get(machine.memory(word.d())).pages.get();
    machine.set_number_at(word.a(), pages);
    Ok(Status::Next)
}

impl Machine {
    /// Grows a memory; its size before in pages, or `None` if it cannot be.
    pub fn grow_memory(&mut self, memory: Ref<LinearMemory>, pages: u64) -> Option<u64> {
        let object = self.heap.get(memory);
        let before = object.pages.get();
        // What addresses of 32 bits reach, if nothing less was declared.
        let reachable = if object.is_64 != 0 { u64::MAX } else { 1 << (32 - object.page_shift.min(32)) };
        let total = before.checked_add(pages).filter(|&total| total <= object.maximum.min(reachable))?;
        if pages > 0 && self.heap.grow_linear_memory(memory, total - before).is_err() {
            self.collect_fully(self.frame_top());
            self.heap.grow_linear_memory(memory, total - before).ok()?;
        }
        Some(before)
    }

    /// Grows a table by elements that are `value`; its length before, or `None` if it cannot be.
    pub fn grow_table(&mut self, table: Ref<ReferenceTable>, count: u64, value: Value) -> Option<u64> {
        let object = self.heap.get(table);
        let before = object.length.get();
        let total = u64::from(before).checked_add(count)?;
        if total > object.maximum || total > u64::from(MOST_ELEMENTS) {
            return None;
        }
        let total = total as u32;
        let elements = object.elements.get();
        let room = self.heap.get(elements).length();
        if total > room {
            let larger = total.max(room.saturating_mul(2).min(MOST_ELEMENTS));
            let new: Ref<SlotArray> =
                self.heap.new_slot_array(larger).or_else(|_| self.heap.new_slot_array(total)).ok()?;
            for (from, to) in self.heap.slots(elements).iter().zip(self.heap.slots(new)) {
                to.set(from.get());
            }
            self.heap.get(table).elements.set(new);
            self.heap.barrier(table);
        }
        let elements = self.heap.get(table).elements.get();
        for slot in &self.heap.slots(elements)[before as usize..total as usize] {
            slot.set(value);
        }
        self.heap.barrier(elements);
        self.heap.get(table).length.set(total);
        self.spend(count);
        Some(before.into())
    }
}

/// The most elements of a table.
pub const MOST_ELEMENTS: u32 = 10_000_000;

/// `memory_grow`
pub(crate) fn memory_grow(machine: &mut Machine, word: Word) -> Outcome {
    let memory = machine.memory(Running::new(machine, word).wide(machine, 0));
    let before = machine.grow_memory(memory, machine.number_at(word.b()));
    machine.set_number_at(word.a(), of_width(before, machine.heap.get(memory).is_64));
    after_allocation(machine)
}

/// Charges for work on so many bytes of memory; nothing has been done yet.
pub(super) fn charge_bytes(machine: &mut Machine, count: u64) -> Result<(), Throw> {
    machine.charge(count / crate::limits::BYTES_PER_UNIT)
}

/// Goes on after an operation that may have looked at the limits.
pub(super) fn go_on(machine: &mut Machine) -> Outcome {
    Ok(if machine.limits.is_stop_due() { machine.drive(Next::Typed) } else { Status::Next })
}

/// `memory_fill`
pub(crate) fn memory_fill(machine: &mut Machine, word: Word) -> Outcome {
    let memory = machine.memory(Running::new(machine, word).wide(machine, 0));
    let (start, byte, count) = (machine.number_at(word.a()), machine.number_at(word.b()), machine.number_at(word.c()));
    let length = machine.heap.memory_bytes(memory).len() as u64;
    if start.checked_add(count).is_none_or(|end| end > length) {
        return Err(machine.trap(Trap::MemoryOutOfBounds));
    }
    charge_bytes(machine, count)?;
    machine.heap.fill_memory(memory, start, byte as u8, count);
    go_on(machine)
}

/// `memory_copy`
pub(crate) fn memory_copy(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let (target, source) = (machine.memory(running.wide(machine, 0)), machine.memory(running.wide(machine, 1)));
    let (to, from, count) = (machine.number_at(word.a()), machine.number_at(word.b()), machine.number_at(word.c()));
    let fits = |memory, start: u64| {
        start.checked_add(count).is_some_and(|end| end <= machine.heap.memory_bytes(memory).len() as u64)
    };
    if !fits(target, to) || !fits(source, from) {
        return Err(machine.trap(Trap::MemoryOutOfBounds));
    }
    charge_bytes(machine, count)?;
    machine.heap.copy_memory((target, to), (source, from), count);
    go_on(machine)
}

impl Machine {
    /// Where the bytes of a data segment lie in the module's file: start and length.
    pub(super) fn data_segment(&self, number: u32) -> (usize, usize) {
        let bytes = self.heap.bytes(self.heap.get(self.running_instance()).data);
        let word =
            |at: usize| bytes.get(at..at + 4).map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]) as usize);
        (word(8 * number as usize), word(8 * number as usize + 4))
    }
}

/// `memory_initialize`
pub(crate) fn memory_initialize(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let memory = machine.memory(running.wide(machine, 0));
    let (start, length) = machine.data_segment(running.wide(machine, 1));
    let (to, from, count) = (machine.number_at(word.a()), machine.number_at(word.b()), machine.number_at(word.c()));
    let is_there = from.checked_add(count).is_some_and(|end| end <= length as u64);
    let fits = to.checked_add(count).is_some_and(|end| end <= machine.heap.memory_bytes(memory).len() as u64);
    if !is_there || !fits {
        return Err(machine.trap(Trap::MemoryOutOfBounds));
    }
    charge_bytes(machine, count)?;
    let module = machine.heap.get(machine.running_instance()).module;
    let file = machine.heap.bytes(machine.heap.get(module).bytes);
    let bytes = &file[start + from as usize..][..count as usize];
    machine.heap.write_memory(memory, to, bytes);
    go_on(machine)
}

/// `drop_data`
pub(crate) fn drop_data(machine: &mut Machine, word: Word) -> Outcome {
    let data = machine.heap.get(machine.running_instance()).data;
    machine.heap.write_bytes(data, 8 * word.d() as usize, &[0; 8]);
    Ok(Status::Next)
}

/// The element of a table at the index in a number register.
fn element(machine: &Machine, table: Ref<ReferenceTable>, index: u64) -> Option<&Slot> {
    machine.elements(table).get(usize::try_from(index).ok()?)
}

/// `table_get`
pub(crate) fn table_get(machine: &mut Machine, word: Word) -> Outcome {
    let table = machine.table(Running::new(machine, word).wide(machine, 0));
    let Some(slot) = element(machine, table, machine.number_at(word.b())) else {
        return Err(machine.trap(Trap::TableOutOfBounds));
    };
    machine.set_value(machine.reference_register(word.a()), slot.get());
    Ok(Status::Next)
}

/// `table_set`
pub(crate) fn table_set(machine: &mut Machine, word: Word) -> Outcome {
    let table = machine.table(Running::new(machine, word).wide(machine, 0));
    let value = machine.value(machine.reference_register(word.b()));
    let Some(slot) = element(machine, table, machine.number_at(word.a())) else {
        return Err(machine.trap(Trap::TableOutOfBounds));
    };
    slot.set(value);
    machine.heap.barrier(machine.heap.get(table).elements.get());
    Ok(Status::Next)
}

/// `table_size`
pub(crate) fn table_size(machine: &mut Machine, word: Word) -> Outcome {
    let length = machine.heap.get(machine.table(word.d())).length.get();
    machine.set_number_at(word.a(), length.into());
    Ok(Status::Next)
}

/// `table_grow`
pub(crate) fn table_grow(machine: &mut Machine, word: Word) -> Outcome {
    let table = machine.table(Running::new(machine, word).wide(machine, 0));
    let value = machine.value(machine.reference_register(word.b()));
    let before = machine.grow_table(table, machine.number_at(word.c()), value);
    machine.set_number_at(word.a(), of_width(before, machine.heap.get(table).is_64));
    after_allocation(machine)
}

/// The range of `count` slots from `start` on, if it lies within `length`.
pub(super) fn range(start: u64, count: u64, length: usize) -> Option<core::ops::Range<usize>> {
    let end = start.checked_add(count).filter(|&end| end <= length as u64)?;
    Some(start as usize..end as usize)
}

/// `table_fill`
pub(crate) fn table_fill(machine: &mut Machine, word: Word) -> Outcome {
    let table = machine.table(Running::new(machine, word).wide(machine, 0));
    let value = machine.value(machine.reference_register(word.b()));
    let (start, count) = (machine.number_at(word.a()), machine.number_at(word.c()));
    let Some(range) = range(start, count, machine.elements(table).len()) else {
        return Err(machine.trap(Trap::TableOutOfBounds));
    };
    machine.charge(count)?;
    machine.elements(table)[range].iter().for_each(|slot| slot.set(value));
    machine.heap.barrier(machine.heap.get(table).elements.get());
    go_on(machine)
}

/// Copies slots, as if by way of a third place.
pub(super) fn copy_slots(from: &[Slot], to: &[Slot]) {
    let copy = |(from, to): (&Slot, &Slot)| to.set(from.get());
    if from.as_ptr() >= to.as_ptr() {
        from.iter().zip(to).for_each(copy);
    } else {
        from.iter().zip(to).rev().for_each(copy);
    }
}

/// `table_copy`
pub(crate) fn table_copy(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let (target, source) = (machine.table(running.wide(machine, 0)), machine.table(running.wide(machine, 1)));
    let (to, from, count) = (machine.number_at(word.a()), machine.number_at(word.b()), machine.number_at(word.c()));
    let ranges = (range(to, count, machine.elements(target).len()), range(from, count, machine.elements(source).len()));
    let (Some(to), Some(from)) = ranges else { return Err(machine.trap(Trap::TableOutOfBounds)) };
    machine.charge(count)?;
    copy_slots(&machine.elements(source)[from], &machine.elements(target)[to]);
    machine.heap.barrier(machine.heap.get(target).elements.get());
    go_on(machine)
}

/// `table_initialize`
pub(crate) fn table_initialize(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let table = machine.table(running.wide(machine, 0));
    let segments = machine.heap.get(machine.running_instance()).elements;
    let segment = machine.heap.reference_at::<SlotArray>(segments, running.wide(machine, 1));
    let segment = segment.map_or(&[][..], |segment| machine.heap.slots(segment));
    let (to, from, count) = (machine.number_at(word.a()), machine.number_at(word.b()), machine.number_at(word.c()));
    let ranges = (range(to, count, machine.elements(table).len()), range(from, count, segment.len()));
    let (Some(to), Some(from)) = ranges else { return Err(machine.trap(Trap::TableOutOfBounds)) };
    copy_slots(&segment[from], &machine.elements(table)[to]);
    machine.heap.barrier(machine.heap.get(table).elements.get());
    machine.charge(count)?;
    go_on(machine)
}

/// `drop_elements`
pub(crate) fn drop_elements(machine: &mut Machine, word: Word) -> Outcome {
    let segments = machine.heap.get(machine.running_instance()).elements;
    machine.heap.refs(segments)[word.d() as usize].set(None);
    Ok(Status::Next)
}
