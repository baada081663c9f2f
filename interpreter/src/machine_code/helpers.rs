//! Functions that compiled code calls for an instruction, or a part of one. They neither collect nor fail, and move nothing: what
//! takes more is performed ([`super::Perform`]).

use super::{pushed, roles, running::running};
use crate::{
    dispatch::{find_string_method, state::Operands},
    field_cache::{Place, Question},
    frame::FRAME_SLOTS,
    machine::Machine,
    metamethod::Event,
    native::{ArgumentList, CALL_COST},
    slow::traverse,
};
use core::ptr::null;
use lunette_gc::{
    reference::Ref,
    string::Str,
    table::{NIL, Table},
    value::{Slot, Value},
};

/// Where they are, for compiled code.
#[repr(C)]
pub(super) struct Helpers {
    pub call_quick: super::CallQuick,
    pub traverse: super::Traverse,
    pub find_element: super::FindElement,
    pub string_method: super::Shortcut,
    pub push_metamethod: super::PushFrame,
    pub push_roles: [super::PushRole; roles::PUSH_ROLES.len()],
    pub push_resuming_iterator: super::PushRole,
    pub end_role: super::EndRole,
    pub find_handler: super::FindHandler,
}

impl Helpers {
    pub const ALL: Helpers = Helpers {
        call_quick,
        traverse: traverse_loop,
        find_element,
        string_method,
        push_metamethod: pushed::push_metamethod,
        push_roles: roles::PUSH_ROLES,
        push_resuming_iterator: roles::push_resuming_iterator,
        end_role: roles::end_role,
        find_handler,
    };
}

/// The number of a slot of the running stack.
unsafe fn slot_number(machine: *mut Machine, slot: *const Slot) -> u32 {
    // SAFETY: the machine is alive, and nothing refers to it.
    ((slot as usize - unsafe { (*machine).stack } as usize) >> 4) as u32
}

/// See [`super::CallQuick`].
unsafe extern "sysv64" fn call_quick(machine: *mut Machine, window: *const Slot, count: u32, native: u32) -> u64 {
    // SAFETY: the caller's window lies on the machine's stack, and nothing refers to the machine.
    let (window, machine) = unsafe { (slot_number(machine, window), &mut *machine) };
    // Where the library allocates, the collector has its turn when that is performed.
    if machine.heap.needs_collection() || machine.budget.get() < CALL_COST as i64 {
        return 0;
    }
    let Some(quick) = machine.natives[native as usize].quick else { return 0 };
    match quick(machine, ArgumentList::new(window + FRAME_SLOTS, count)) {
        Some(value) => {
            machine.spend(CALL_COST);
            machine.set_value(window, value);
            1
        }
        None => 0,
    }
}

/// See [`super::Traverse`].
unsafe extern "sysv64" fn traverse_loop(machine: *mut Machine, first: *const Slot, wanted: u32) -> u64 {
    // SAFETY: the caller's slots lie on the machine's stack, and nothing refers to the machine.
    unsafe {
        let first = slot_number(machine, first);
        traverse(&mut *machine, first, wanted).into()
    }
}

/// For `get_method`: see [`super::Shortcut`].
unsafe extern "sysv64" fn string_method(machine: *mut Machine, base: *mut u8, at: *const u64) -> u64 {
    // SAFETY: the caller is compiled code, for an instruction of its own.
    let (machine, word) = unsafe { running(machine, base, at) };
    let object = machine.register(word.b());
    if !matches!(object, Value::String(_)) {
        return 0;
    }
    let prototype = machine.running_prototype();
    // SAFETY: the site is one of the running function's.
    let known = unsafe { find_string_method(machine, prototype.pointer(machine.heap.base()), word.c()) };
    let (tag, payload) = match known {
        Some(method) => method,
        // The site is to remember what is found.
        None if machine.site(word.c()).0.next_shape.get().is_none() => return 0,
        None => {
            let key = machine.site(word.c()).1;
            let Value::Table(methods) = machine.metamethod(object, Event::Index) else { return 0 };
            if !machine.heap.get(key).is_short() {
                return 0;
            }
            machine.heap.table_get_short_parts(methods, key)
        }
    };
    if tag == NIL.0 {
        return 0;
    }
    machine.set_register(word.a() + 32, object);
    let target = machine.slot(machine.register_index(word.a()));
    target.payload.set(payload);
    target.tag.set(tag.into());
    1
}

/// See [`super::FindElement`].
unsafe extern "sysv64" fn find_element(
    machine: *mut Machine,
    table: u32,
    key: *const Slot,
    target: *const Slot,
) -> u64 {
    // SAFETY: the caller's slots lie on the machine's stack, and nothing refers to the machine.
    let (machine, key, target) = unsafe { (&*machine, (*key).get(), &*target) };
    let Some(table) = Ref::<Table>::from_units(table) else { return 0 };
    if matches!(key, Value::String(key) if !machine.heap.get(key).is_short()) {
        // Those cost fuel.
        return 0;
    }
    let (tag, payload) = machine.heap.table_get_parts(table, key.to_parts());
    if tag == NIL.0 && machine.heap.get(table).metatable.get().is_some() {
        return 0;
    }
    target.payload.set(payload);
    target.tag.set(tag.into());
    1
}

/// See [`super::FindHandler`].
unsafe extern "sysv64" fn find_handler(machine: *mut Machine, metatable: *mut Table, key: u32) -> *const Slot {
    // SAFETY: nothing refers to the machine, whose heap has the metatable.
    let (machine, metatable) = unsafe { (&*machine, &*metatable) };
    let Some(key) = Ref::<Str>::from_units(key) else { return null() };
    let shape = metatable.shape.get();
    if machine.heap.is_dictionary(shape) {
        return null();
    }
    let Some(offset) = machine.heap.find_field_offset(shape, key) else { return null() };
    let question = Question { shape, metatable: metatable.metatable.get(), key, epoch: machine.heap.prototype_epoch() };
    machine.field_cache.set(question, Place::Own(offset));
    let fields = machine.heap.field_slots(metatable);
    fields.get((offset as usize - 8) / 16).map_or(null(), |slot| &raw const *slot)
}
