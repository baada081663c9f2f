//! Calls and returns within an instance; everything else out of line.

use super::{
    forwarding::unmarked,
    slow,
    state::{Driver, Flow, Link, State, field},
};
use crate::{
    dispatch::state::{Operands, Register},
    frame::{HeaderSlot, Return, header_payload, header_tag},
    machine::Machine,
};
use lunette_bytecode::{instruction::Word, typed::instruction::Opcode};
use lunette_gc::{
    reference::Ref,
    storage::SlotArray,
    typed::{CanonicalType, Instance, ReferenceTable, TypedFunction, TypedPrototype},
    value::{Slot, Tag},
};

/// Slots of a typed frame that are not reference registers: function, header and instance.
pub(crate) const FIXED_SLOTS: u32 = 3;

/// Puts a frame of `function`, of the same instance, above the running one, whose number register 0 is at `caller`. It goes
/// on at `resume` after the call `w`, whose results go to reference registers from `references` on. Number register 0 of the
/// new frame.
///
/// # Safety
/// There is room for the frame, and the call is a verified one.
#[inline(always)]
pub(super) unsafe fn place_frame(
    machine: *mut Machine,
    caller: *mut u8,
    resume: *const u64,
    w: Word,
    references: u32,
    function: Ref<TypedPrototype>,
) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        let region = (*machine).heap.base();
        let prototype: *mut TypedPrototype = function.pointer(region);
        let link = Link(*caller.sub(8).cast());
        let base = caller.add(link.numbers() * 8 + 8);
        let slots = (*machine).stack.add((*machine).base as usize * 16);
        let distance = link.references() as u32 + FIXED_SLOTS;
        let new_slots = slots.add(distance as usize * 16);
        let (own_numbers, own_references) = ((*prototype).numbers.get(), (*prototype).references.get());
        slots.sub(16).cast::<u32>().write((resume.cast::<u8>().offset_from(region) >> 3) as u32);
        Register(new_slots.sub(32).cast()).set(Tag::Internal as u32, function.units().into());
        let header = new_slots.sub(16).cast::<Slot>();
        (*header).payload.set(header_payload(0, distance));
        (*header).tag.set(header_tag(Return::Call as u32, (w.a() >> 3) as i32));
        (*header).spare.set(references);
        Register(new_slots.cast()).copy_from(Register(slots.cast()));
        base.sub(8).cast::<u64>().write(Link::new(own_numbers, own_references, link.numbers() as u32).0);
        (*machine).base += distance;
        base
    }
}

/// How many words a call has that compiled code makes, and the first reference register for its results.
///
/// # Safety
/// It is a verified call.
pub(super) unsafe fn call_words(call: *const u64) -> (usize, u32) {
    // SAFETY: the caller's promise.
    unsafe {
        let word = unmarked(Word(*call));
        let general = word.0 as u16;
        if general == Opcode::call_general as u16 {
            (2 + word.c(), (word.b() >> 4) as u32)
        } else if general == Opcode::call_indirect_general as u16 || general == Opcode::call_reference as u16 {
            (3 + word.c(), (field(*call.add(1), 0) >> 4) as u32)
        } else if general == Opcode::call_indirect as u16 {
            (3, 0)
        } else {
            (2, 0)
        }
    }
}

/// Pushes a frame of `function`, of the same instance; the call has `words` words after the first, and its results go to
/// reference registers from `references` on. The state in that frame, whose arguments are still missing, and where the
/// caller's slots are; `None`, and nothing has changed, if that is not a matter of moving values.
#[inline(always)]
unsafe fn enter<D: Driver>(
    s: State<D>,
    w: Word,
    words: usize,
    references: u32,
    function: Ref<TypedPrototype>,
) -> Option<(State<D>, *mut u8)> {
    // SAFETY: operands are verified; the room of the new frame is checked before it is touched.
    unsafe {
        let prototype: *mut TypedPrototype = s.object(function);
        let code = (*prototype).code.get()?;
        let machine = s.machine;
        let link = Link(*s.base.sub(8).cast());
        let base = s.base.add(link.numbers() * 8 + 8);
        let slots = s.slot_base();
        let distance = link.references() as u32 + FIXED_SLOTS;
        let new_slots = slots.add(distance as usize * 16);
        let (own_numbers, own_references) = ((*prototype).numbers.get(), (*prototype).references.get());
        let budget = (*machine).budget.get() - i64::from((*prototype).entry_cost.get());
        if base.wrapping_add(own_numbers as usize * 8) > (*machine).number_limit
            || new_slots.wrapping_add(own_references as usize * 16) > (*machine).stack_limit
            || budget < 0
        {
            return None;
        }
        let base = place_frame(machine, s.base, s.pc.add(words), w, references, function);
        (*machine).budget.set(budget);
        let code = code.pointer(s.region()).add(1).cast::<u64>();
        Some((State { pc: code, base, ..s }, slots))
    }
}

/// Enters `function` with four numbers, whose offsets are `arguments`.
#[inline(always)]
unsafe fn enter_with_four<D: Driver>(
    s: State<D>,
    w: Word,
    words: usize,
    function: Ref<TypedPrototype>,
    arguments: u64,
) -> Option<State<D>> {
    // SAFETY: operands are verified; every frame has room for four numbers behind it.
    unsafe {
        let (entered, _) = enter(s, w, words, 0, function)?;
        let target = entered.base.cast::<u64>();
        target.write(s.get64(field(arguments, 0)));
        target.add(1).write(s.get64(field(arguments, 1)));
        target.add(2).write(s.get64(field(arguments, 2)));
        target.add(3).write(s.get64(field(arguments, 3)));
        Some(entered)
    }
}

/// Enters `function` with the registers of the list behind the call's literal words.
#[inline(always)]
unsafe fn enter_with_list<D: Driver>(
    s: State<D>,
    w: Word,
    literals: usize,
    references: u32,
    function: Ref<TypedPrototype>,
) -> Option<State<D>> {
    // SAFETY: operands are verified: the arguments are the function's parameters, for which its frame has room.
    unsafe {
        let (entered, slots) = enter(s, w, literals + w.c(), references, function)?;
        let (numbers, references) = (field(s.literal(0), 2), field(s.literal(0), 3));
        let list = s.pc.add(literals).cast::<u16>();
        for index in 0..numbers {
            entered.base.cast::<u64>().add(index).write(s.get64((*list.add(index)).into()));
        }
        for index in 0..references {
            let source = slots.add(16 + usize::from(*list.add(numbers + index)));
            entered.reference(16 * index).copy_from(Register(source.cast()));
        }
        Some(entered)
    }
}

#[inline(always)]
pub(super) unsafe fn call<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        if let Some(function) = s.element((*s.instance()).prototypes, w.d() as usize)
            && let Some(entered) = enter_with_four(s, w, 1, function, s.literal(0))
        {
            return Flow::Next(entered);
        }
        s.slow(w, 1, slow::call)
    }
}

#[inline(always)]
pub(super) unsafe fn call_indirect<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let literal = s.literal(1);
        if let Some(function) = indirect(s, s.get64(w.b()), literal as u32, (literal >> 32) as usize)
            && let Some(entered) = enter_with_four(s, w, 2, function, s.literal(0))
        {
            return Flow::Next(entered);
        }
        s.slow(w, 2, slow::call)
    }
}

#[inline(always)]
pub(super) unsafe fn call_general<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        if let Some(function) = s.element((*s.instance()).prototypes, s.literal(0) as u32 as usize)
            && let Some(entered) = enter_with_list(s, w, 1, (w.b() >> 4) as u32, function)
        {
            return Flow::Next(entered);
        }
        s.slow(w, 1 + w.c(), slow::call)
    }
}

#[inline(always)]
pub(super) unsafe fn call_indirect_general<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let (literal, references) = (s.literal(1), (field(s.literal(0), 0) >> 4) as u32);
        if let Some(function) = indirect(s, s.get64(w.b()), literal as u32, (literal >> 32) as usize)
            && let Some(entered) = enter_with_list(s, w, 2, references, function)
        {
            return Flow::Next(entered);
        }
        s.slow(w, 2 + w.c(), slow::call)
    }
}

#[inline(always)]
pub(super) unsafe fn call_reference<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let (signature, references) = (s.literal(1) as u32, (field(s.literal(0), 0) >> 4) as u32);
        if let Some(function) = own_function(s, s.reference(w.b()), signature)
            && let Some(entered) = enter_with_list(s, w, 2, references, function)
        {
            return Flow::Next(entered);
        }
        s.slow(w, 2 + w.c(), slow::call)
    }
}

/// The function of this instance that a slot refers to, if it is one of this type.
#[inline(always)]
unsafe fn own_function<D: Driver>(s: State<D>, slot: Register, signature: u32) -> Option<Ref<TypedPrototype>> {
    // SAFETY: a slot with this tag refers to a function; the verifier saw that the type is there.
    unsafe {
        if slot.tag() != Tag::TypedFunction as u32 {
            return None;
        }
        let function: *mut TypedFunction = s.object(Ref::from_units(slot.payload() as u32)?);
        let own: Option<Ref<Instance>> = Ref::from_units(s.instance_units() as u32);
        let wanted: Ref<CanonicalType> = s.element((*s.instance()).types, signature as usize)?;
        let is_own = (*function).instance == own && s.is_subtype((*function).kind, wanted);
        if is_own { (*function).prototype } else { None }
    }
}

/// The function of this instance in an element of a table, if it is one of this type.
#[inline(always)]
unsafe fn indirect<D: Driver>(s: State<D>, index: u64, signature: u32, table: usize) -> Option<Ref<TypedPrototype>> {
    // SAFETY: operands are verified; an element that is a function refers to one.
    unsafe {
        let table: Ref<ReferenceTable> = s.element((*s.instance()).tables, table)?;
        let table: *mut ReferenceTable = s.object(table);
        if index >= u64::from((*table).length.get()) {
            return None;
        }
        let elements: *mut SlotArray = s.object((*table).elements.get());
        let slot = Register(elements.add(1).cast::<Slot>().add(index as usize));
        own_function(s, slot, signature)
    }
}

/// Leaves the frame for its caller of the same instance. The result window begins at the byte offset that comes with it.
#[inline(always)]
unsafe fn leave<D: Driver>(s: State<D>, link: Link) -> (State<D>, usize) {
    // SAFETY: a frame that is not foreign lies above one of the same instance, whose header holds its resume point.
    unsafe {
        let slots = s.slot_base();
        let header = slots.sub(16).cast::<Slot>();
        let distance = (*header).distance();
        let window = ((*header).tag.get() >> 16) as usize * 8;
        let base = s.base.sub(8 + link.below() * 8);
        (*s.machine).base -= distance;
        let resume = *slots.sub(distance as usize * 16 + 16).cast::<u32>();
        let pc = s.region().add(resume as usize * 8).cast::<u64>();
        (State { pc, base, ..s }, window)
    }
}

#[inline(always)]
pub(super) unsafe fn return_none<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe {
        let link = Link(*s.base.sub(8).cast());
        if link.is_foreign() {
            return s.slow(w, 0, slow::return_values);
        }
        Flow::Next(leave(s, link).0)
    }
}

#[inline(always)]
pub(super) unsafe fn return_one<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let link = Link(*s.base.sub(8).cast());
        if link.is_foreign() {
            return s.slow(w, 0, slow::return_values);
        }
        let value: u64 = s.left(w.a());
        let (caller, window) = leave(s, link);
        caller.set64(window, value);
        Flow::Next(caller)
    }
}

#[inline(always)]
pub(super) unsafe fn return_values<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified; the prototype stands before the frame's header.
    unsafe {
        let link = Link(*s.base.sub(8).cast());
        let slots = s.slot_base();
        let prototype = Register(slots.sub(32).cast()).payload();
        let prototype: *mut TypedPrototype = s.object(Ref::from_units(prototype as u32).unwrap_unchecked());
        let (numbers, references) = ((*prototype).result_numbers, (*prototype).result_references);
        if link.is_foreign() || numbers > 1 || references > 1 {
            return s.slow(w, 0, slow::return_values);
        }
        let target = (*slots.sub(16).cast::<Slot>()).spare.get() as usize;
        let (caller, window) = leave(s, link);
        if numbers == 1 {
            caller.set64(window, s.get64(w.a()));
        }
        if references == 1 {
            caller.reference(16 * target).copy_from(Register(slots.add(16 + w.b()).cast()));
        }
        Flow::Next(caller)
    }
}

macro_rules! out_of_line {
    ($($name:ident $words:literal $has_list:literal $function:ident)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            let list = if $has_list { w.c() } else { 0 };
            // SAFETY: the state is the machine's.
            unsafe { s.call_out(w, $words + list, slow::$function) }
        }
    )* };
}

out_of_line! {
    tail_call 1 true tail_call
    tail_call_indirect 2 true tail_call
    tail_call_reference 2 true tail_call
    throw 1 true throw
    throw_reference 0 false throw_reference
}
