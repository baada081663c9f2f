//! Entering and leaving typed functions where that is more than moving values: from the dynamic world and back, between
//! instances, and when stacks must grow.

use super::{
    calls::FIXED_SLOTS,
    convert::{Register, from_number, to_register},
    state::{Link, State},
};
use crate::{
    call::Next,
    error::Throw,
    frame::{FRAME_SLOTS, HeaderSlot, Return, VARIADIC, header_payload, header_tag, kind},
    machine::{MAX_STACK, Machine, STACK_RESERVE},
};
use core::marker::PhantomData;
use lunette_bytecode::typed::{module::ValueType, trap::Trap};
use lunette_gc::{
    reference::Ref,
    thread::Thread,
    typed::{CanonicalType, Instance, LinearMemory, TypedFunction, TypedPrototype},
    value::{Tag, Value},
};

/// Words of a number stack at first.
const FIRST_NUMBERS: u32 = 1 << 11;
/// The least slots of a stack with typed frames.
const FIRST_SLOTS: u32 = 1 << 10;
/// The most words of a number stack.
pub(crate) const MOST_NUMBERS: u32 = 1 << 21;
/// Words that calls may write beyond a frame: arguments are copied four at a time.
pub(super) const NUMBER_RESERVE: u32 = 8;

/// Where a call's results go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The first number register.
    pub numbers: u32,
    /// The first reference register.
    pub references: u32,
}

impl Machine {
    /// Whether the running frame is a typed one.
    #[inline(always)]
    pub(crate) fn is_typed_frame(&self) -> bool {
        self.is_typed(self.base)
    }

    /// Whether a frame of the running thread is a typed one.
    #[inline(always)]
    pub(crate) fn is_typed(&self, base: u32) -> bool {
        self.slot(base - FRAME_SLOTS).tag.get() == Tag::Internal as u32
    }

    /// How the running frame goes on.
    pub(crate) fn next_of_frame(&self) -> Next {
        match self.is_native_frame(self.base) {
            true => Next::Native,
            false if self.is_typed_frame() => Next::Typed,
            false => Next::Lua,
        }
    }

    /// Notes where the loop is, for everything outside of it.
    #[inline(always)]
    pub(crate) fn save_typed(&mut self, base: *mut u8, pc: *const u64) {
        self.number_base = ((base as usize - self.numbers as usize) >> 3) as u32;
        let units = ((pc as usize - self.heap.base() as usize) >> 3) as u32;
        self.header(self.base).set_resume(units);
    }

    /// The state with which the loop goes on in the running frame, which is a typed one.
    #[inline(always)]
    pub(crate) fn typed_state<D>(&mut self) -> State<D> {
        let region = self.heap.base();
        let resume = self.header(self.base).resume();
        let instance = self.running_instance();
        let memory = self.first_memory(instance);
        self.instance = instance.pointer(region);
        State {
            pc: region.wrapping_add(resume as usize * 8).cast(),
            base: self.numbers.wrapping_add(self.number_base as usize * 8),
            memory,
            machine: self,
            integer: 0,
            single: 0.0,
            double: 0.0,
            driver: PhantomData,
        }
    }

    /// Byte 0 of an instance's memory 0; some address if it has none.
    #[inline(always)]
    pub(super) fn first_memory(&self, instance: Ref<Instance>) -> *mut u8 {
        match self.heap.reference_at::<LinearMemory>(self.heap.get(instance).memories, 0) {
            Some(memory) => self.heap.memory_base(memory),
            None => self.heap.base(),
        }
    }

    /// The instance of the running typed frame.
    #[inline(always)]
    pub(crate) fn running_instance(&self) -> Ref<Instance> {
        self.instance_of(self.base)
    }

    /// The instance of a typed frame.
    pub(super) fn instance_of(&self, base: u32) -> Ref<Instance> {
        match self.value(base) {
            Value::Internal(instance) => instance.cast(),
            other => unreachable!("a typed frame has its instance, not {other:?}"),
        }
    }

    /// The instance of the frame that has called the running native function, if that is a typed frame.
    pub fn calling_instance(&self) -> Option<Ref<Instance>> {
        let caller = self.base - self.header(self.base).distance();
        self.is_typed(caller).then(|| self.instance_of(caller))
    }

    /// The link of the innermost typed frame; of none if there is no such frame.
    pub(super) fn link(&self) -> Link {
        match self.number_base {
            0 => Link::new(0, 0, 0),
            base => Link(self.number(base - 1)),
        }
    }

    /// A word of the number stack.
    #[inline(always)]
    pub(crate) fn number(&self, index: u32) -> u64 {
        assert!(index < self.number_length, "number stack index out of range");
        // SAFETY: in range of the stack.
        unsafe { *self.numbers.cast::<u64>().add(index as usize) }
    }

    #[inline(always)]
    pub(crate) fn set_number(&self, index: u32, value: u64) {
        assert!(index < self.number_length, "number stack index out of range");
        // SAFETY: in range of the stack.
        unsafe { *self.numbers.cast::<u64>().add(index as usize) = value }
    }

    /// Takes the addresses of the running thread's number stack anew.
    pub(crate) fn adopt_numbers(&mut self) {
        match self.get_thread().numbers.get() {
            Some(numbers) => {
                let bytes = self.heap.bytes(numbers);
                self.numbers = bytes.as_ptr().cast_mut();
                self.number_length = (bytes.len() / 8) as u32;
                let usable = self.number_length.saturating_sub(NUMBER_RESERVE);
                self.number_limit = self.numbers.wrapping_add(usable as usize * 8);
            }
            None => {
                self.numbers = core::ptr::null_mut();
                self.number_length = 0;
                self.number_limit = core::ptr::null_mut();
            }
        }
    }

    /// Makes room on both stacks for a frame whose number register 0 will be at `base`, and whose slots end at `top`.
    fn ensure_typed(&mut self, base: u32, numbers: u32, top: u32) -> Result<(), Throw> {
        let needed = u64::from(base) + u64::from(numbers) + u64::from(NUMBER_RESERVE);
        if needed > u64::from(MOST_NUMBERS) {
            return Err(self.trap(Trap::StackExhausted));
        }
        if top > MAX_STACK - STACK_RESERVE && !(self.is_overflowing() && top + STACK_RESERVE <= self.stack_length) {
            self.open_emergency_room()?;
            return Err(self.trap(Trap::StackExhausted));
        }
        if needed > u64::from(self.number_length) {
            let length = (needed as u32).max(self.number_length * 2).clamp(FIRST_NUMBERS, MOST_NUMBERS);
            let new = self.heap.new_zeroed_byte_array(length * 8)?;
            if let Some(old) = self.get_thread().numbers.get() {
                self.heap.write_bytes(new, 0, self.heap.bytes(old));
            }
            self.get_thread().numbers.set(Some(new));
            self.heap.barrier(self.thread);
            self.adopt_numbers();
        }
        self.ensure_stack(top.max(FIRST_SLOTS - STACK_RESERVE), 0)
    }

    /// Gives a thread its number stack: the words in use, and where register 0 of the innermost typed frame is.
    pub(crate) fn restore_numbers(&mut self, thread: Ref<Thread>, words: &[u64], base: u32) -> Result<(), Throw> {
        let needed = words.len() as u32 + NUMBER_RESERVE;
        let length = needed.next_power_of_two().clamp(FIRST_NUMBERS, MOST_NUMBERS.max(needed));
        let numbers = self.heap.new_zeroed_byte_array(length * 8)?;
        for (index, word) in words.iter().enumerate() {
            self.heap.write_bytes(numbers, 8 * index, &word.to_ne_bytes());
        }
        let object = self.heap.get(thread);
        object.numbers.set(Some(numbers));
        object.number_base.set(base);
        Ok(())
    }

    /// Puts a frame of a typed function above the running one, the slots below its prototype's being in use up to
    /// `window`. Its registers are the caller's to fill. Nothing has changed if there is no room.
    pub(super) fn push_frame(
        &mut self,
        prototype: Ref<TypedPrototype>,
        instance: Ref<Instance>,
        window: u32,
        kind: u32,
        wanted: i32,
        spare: u32,
    ) -> Result<(), Throw> {
        self.translate(prototype)?;
        let object = self.heap.get(prototype);
        let Some(code) = object.code.get() else { return Err(self.trap(Trap::Unreachable)) };
        let (numbers, references, cost) = (object.numbers.get(), object.references.get(), object.entry_cost.get());
        let below = self.link().numbers() as u32;
        let number_base = self.number_base + below + 1;
        let base = window + FRAME_SLOTS;
        let mut link = Link::new(numbers, references, below);
        if kind & VARIADIC != 0 || !self.is_typed_frame() || self.running_instance() != instance {
            link = link.foreign();
        }
        self.ensure_typed(number_base, numbers, base + 1 + references)?;
        let ends_slice = self.budget.get() < cost.into();
        self.charge(cost.into())?;
        if ends_slice {
            self.heat(prototype);
        } else {
            self.sample_call(prototype);
        }
        self.set_value(base - FRAME_SLOTS, Value::Internal(prototype.cast()));
        let header = self.slot(base - 1);
        header.payload.set(header_payload(code.units() + 1, base - self.base));
        header.tag.set(header_tag(kind, wanted));
        header.spare.set(spare);
        self.set_value(base, Value::Internal(instance.cast()));
        self.set_number(number_base - 1, link.0);
        for reference in 0..references {
            self.set_value(base + 1 + reference, Value::Nil);
        }
        self.base = base;
        self.number_base = number_base;
        Ok(())
    }

    /// Enters a WebAssembly function from the dynamic world, with `count` arguments two slots above `window`.
    pub(crate) fn push_typed(
        &mut self,
        function: Ref<TypedFunction>,
        window: u32,
        count: u32,
        wanted: i32,
        kind: u32,
    ) -> Result<Next, Throw> {
        let object = self.heap.get(function);
        let (Some(prototype), Some(instance)) = (object.prototype, object.instance) else {
            // A function of the host that went through WebAssembly: itself again.
            self.set_value(window, object.callee.get());
            return self.push_call_of_kind(window, count, wanted, kind);
        };
        let function_type = object.kind;
        let parameters = self.function_type(function_type).parameters().count() as u32;
        let arguments = window + FRAME_SLOTS;
        // As in Lua: what is missing is nil, what is too much is dropped.
        let given = count.min(parameters);
        let mut registers = alloc::vec::Vec::new();
        registers.try_reserve_exact(parameters as usize).map_err(|_| Throw::Memory)?;
        for (index, wanted) in self.function_type(function_type).parameters().enumerate() {
            let value = if (index as u32) < given { self.value(arguments + index as u32) } else { Value::Nil };
            match to_register(self, value, wanted) {
                Ok(register) => registers.push(register),
                Err(mismatch) => return Err(self.mismatch("argument", index, value, mismatch)),
            }
        }
        self.push_frame(prototype, instance, arguments + count, kind | VARIADIC, wanted, count)?;
        // The slot of the unused header must not be taken for one.
        self.set_value(window + 1, Value::Nil);
        let (mut number, mut reference) = (self.number_base, self.base + 1);
        for register in registers {
            match register {
                Register::Number(bits) => {
                    self.set_number(number, bits);
                    number += 1;
                }
                Register::Vector(halves) => {
                    self.set_number(number, halves[0]);
                    self.set_number(number + 1, halves[1]);
                    number += 2;
                }
                Register::Reference(value) => {
                    self.set_value(reference, value);
                    reference += 1;
                }
            }
        }
        Ok(Next::Typed)
    }

    /// Forgets the registers of the running typed frame, which is about to be left.
    #[inline]
    pub(crate) fn pop_numbers(&mut self) {
        let link = self.link();
        self.number_base -= 1 + link.below() as u32;
    }

    /// Leaves the running typed frame, whose results are in the registers from `numbers` and `references` on, for a caller
    /// of whatever kind.
    pub(super) fn return_typed(&mut self, numbers: u32, references: u32) -> Result<Next, Throw> {
        let header = self.header(self.base);
        let (tag, distance, spare) = (header.tag.get(), header.distance(), header.spare.get());
        let Some(prototype) = self.typed_prototype_of(self.base) else { unreachable!("the frame is a typed one") };
        let function_type = self.heap.get(prototype).kind;
        if kind(tag) & VARIADIC != 0 {
            return self.return_to_dynamic(function_type, numbers, references);
        }
        let (count, reference_count) = {
            let prototype = self.heap.get(prototype);
            (prototype.result_numbers, prototype.result_references)
        };
        let from = self.number_base + numbers;
        let from_references = self.base + 1 + references;
        self.pop_numbers();
        self.base -= distance;
        let to = self.number_base + (tag >> 16);
        for index in 0..count {
            self.set_number(to + index, self.number(from + index));
        }
        self.copy_slots(from_references, self.base + 1 + spare, reference_count);
        Ok(Next::Typed)
    }

    /// Leaves the running typed frame with values as the dynamic world has them.
    fn return_to_dynamic(
        &mut self,
        function_type: Ref<CanonicalType>,
        numbers: u32,
        references: u32,
    ) -> Result<Next, Throw> {
        let count = self.function_type(function_type).results().count() as u32;
        let first = self.frame_top();
        self.ensure_stack(first, count)?;
        let (mut number, mut reference) = (self.number_base + numbers, self.base + 1 + references);
        for index in 0..count {
            let Some(result) = self.function_type(function_type).results().nth(index as usize) else { break };
            let value = match result {
                ValueType::Reference(_) => {
                    reference += 1;
                    self.value(reference - 1)
                }
                ValueType::V128 => {
                    number += 2;
                    self.vector_value(self.number(number - 2), self.number(number - 1))?
                }
                given => {
                    number += 1;
                    from_number(self.number(number - 1), given)
                }
            };
            self.set_value(first + index, value);
        }
        if self.hooked
            && let Some(next) = self.return_hook(first, count)?
        {
            return Ok(next);
        }
        self.pop_numbers();
        self.return_from(first, count)
    }

    /// Calls a function of the host for the running typed frame: `values` are its arguments.
    pub(super) fn call_host(
        &mut self,
        function: Ref<TypedFunction>,
        values: &[Value],
        window: Window,
    ) -> Result<Next, Throw> {
        let top = self.frame_top();
        self.ensure_stack(top + FRAME_SLOTS + FRAME_SLOTS, values.len() as u32)?;
        // What is needed when it returns: whose results these are, and where they go.
        self.set_value(top, Value::TypedFunction(function));
        self.set_value(top + 1, Value::Integer(i64::from(window.numbers) | i64::from(window.references) << 32));
        let callee = top + FRAME_SLOTS;
        self.set_value(callee, self.heap.get(function).callee.get());
        for (index, &value) in values.iter().enumerate() {
            self.set_value(callee + FRAME_SLOTS + index as u32, value);
        }
        self.push_call(callee, values.len() as u32, -1, Return::Finish, 0)
    }

    /// Takes the results of a function of the host that the running typed frame has called in the window at slot `window`.
    pub(crate) fn finish_host_call(&mut self, first: u32, count: u32, window: u32) -> Result<Next, Throw> {
        let (Value::TypedFunction(function), Value::Integer(place)) = (self.value(window - 2), self.value(window - 1))
        else {
            return Err(self.runtime_error(format_args!("malformed frame: nobody has called")));
        };
        let function_type = self.heap.get(function).kind;
        let (numbers, references) = (place as u32, (place >> 32) as u32);
        let (taken, link) = (self.function_type(function_type).result_registers(), self.link());
        let fits = |start: u32, taken: u32, room: usize| u64::from(start) + u64::from(taken) <= room as u64;
        if !fits(numbers, taken.numbers, link.numbers()) || !fits(references, taken.references, link.references()) {
            return Err(self.runtime_error(format_args!("malformed frame: no room for results")));
        }
        let (mut number, mut reference) = (self.number_base + numbers, self.base + 1 + references);
        let results = self.function_type(function_type).results().count();
        for index in 0..results {
            let Some(wanted) = self.function_type(function_type).results().nth(index) else { break };
            let value = if (index as u32) < count { self.value(first + index as u32) } else { Value::Nil };
            match to_register(self, value, wanted) {
                Ok(Register::Number(bits)) => {
                    self.set_number(number, bits);
                    number += 1;
                }
                Ok(Register::Vector(halves)) => {
                    self.set_number(number, halves[0]);
                    self.set_number(number + 1, halves[1]);
                    number += 2;
                }
                Ok(Register::Reference(value)) => {
                    self.set_value(reference, value);
                    reference += 1;
                }
                Err(mismatch) => return Err(self.mismatch("result", index, value, mismatch)),
            }
        }
        Ok(if self.heap.needs_collection() { self.safepoint(self.frame_top(), Next::Typed) } else { Next::Typed })
    }

    /// Slots of a typed frame.
    pub(crate) fn typed_top(&self, base: u32, prototype: Ref<TypedPrototype>) -> u32 {
        base + FIXED_SLOTS - FRAME_SLOTS + self.heap.get(prototype).references.get()
    }
}
