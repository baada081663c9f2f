//! Events and metatables.

use crate::{error::Throw, machine::Machine};
use lunette_gc::{reference::Ref, string::Str, table::Table, value::Value};

macro_rules! events {
    ($($variant:ident $name:literal,)*) => {
        /// Events whose handler a metatable can have, and other names the machine looks up in metatables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the names are those of the manual")]
        pub enum Event { $($variant,)* }

        /// The keys of the events in a metatable, by number.
        pub const EVENTS: &[&str] = &[$($name,)*];
    };
}

events! {
    Index "__index",
    NewIndex "__newindex",
    Gc "__gc",
    Mode "__mode",
    Length "__len",
    Equal "__eq",
    Add "__add",
    Subtract "__sub",
    Multiply "__mul",
    Modulo "__mod",
    Power "__pow",
    Divide "__div",
    FloorDivide "__idiv",
    BitAnd "__band",
    BitOr "__bor",
    BitXor "__bxor",
    ShiftLeft "__shl",
    ShiftRight "__shr",
    Negate "__unm",
    BitNot "__bnot",
    Less "__lt",
    LessEqual "__le",
    Concat "__concat",
    Call "__call",
    Close "__close",
    ToString "__tostring",
    Name "__name",
    Pairs "__pairs",
    Metatable "__metatable",
    MemoryMessage "not enough memory",
}

/// Number of types that have one metatable for all their values.
pub(crate) const TYPE_COUNT: u32 = 8;
/// The number of strings among them.
pub(crate) const STRING_TYPE: usize = 3;

/// The name of a value's type.
pub fn type_name(value: Value) -> &'static str {
    match value {
        Value::Nil | Value::Cell(_) | Value::Bytes(_) | Value::Internal(_) => "nil",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Table(_) => "table",
        Value::Closure(_) | Value::NativeClosure(_) | Value::TypedFunction(_) => "function",
        Value::LightUserdata(_) | Value::Userdata(_) | Value::TypedObject(_) => "userdata",
        Value::Thread(_) => "thread",
    }
}

fn type_number(value: Value) -> Option<usize> {
    Some(match value {
        Value::Nil | Value::Cell(_) | Value::Bytes(_) | Value::Internal(_) => 0,
        Value::Boolean(_) => 1,
        Value::Integer(_) | Value::Float(_) => 2,
        Value::String(_) => STRING_TYPE,
        Value::Closure(_) | Value::NativeClosure(_) | Value::TypedFunction(_) => 4,
        Value::LightUserdata(_) | Value::TypedObject(_) => 5,
        Value::Thread(_) => 6,
        Value::Table(_) | Value::Userdata(_) => return None,
    })
}

impl Machine {
    /// The key of an event.
    #[inline]
    pub fn event_name(&self, event: Event) -> Ref<Str> {
        let name = &self.heap.slots(self.names)[event as usize];
        Ref::from_units(name.payload.get() as u32).expect("the names of events are short strings")
    }

    /// The metatable of a value.
    #[inline]
    pub fn metatable(&self, value: Value) -> Option<Ref<Table>> {
        match value {
            Value::Table(table) => self.heap.get(table).metatable.get(),
            Value::Userdata(userdata) => self.heap.get(userdata).metatable.get(),
            other => match self.heap.slots(self.metatables)[type_number(other)?].get() {
                Value::Table(table) => Some(table),
                _ => None,
            },
        }
    }

    /// Sets the metatable of a table or userdata, or of all values of the type of any other value.
    pub fn set_metatable(&self, value: Value, metatable: Option<Ref<Table>>) -> Result<(), Throw> {
        match value {
            Value::Table(table) => self.heap.set_metatable(table, metatable),
            Value::Userdata(userdata) => {
                self.heap.get(userdata).metatable.set(metatable);
                self.heap.barrier(userdata);
            }
            other => {
                if let Some(number) = type_number(other) {
                    self.heap.slots(self.metatables)[number].set(metatable.map_or(Value::Nil, Value::Table));
                    self.heap.barrier(self.metatables);
                }
            }
        }
        if let Some(metatable) = metatable
            && let Value::Table(_) | Value::Userdata(_) = value
            && let Some(object) = value.object()
            && !self.metatable_event(metatable, Event::Gc).is_nil()
        {
            self.heap.register_finalizable(object)?;
        }
        Ok(())
    }

    /// The handler that a metatable has for an event; nil if none.
    #[inline]
    pub fn metatable_event(&self, metatable: Ref<Table>, event: Event) -> Value {
        let object = self.heap.get(metatable);
        let bit = 1 << event as u32;
        if object.absent.get() & bit != 0 {
            return Value::Nil;
        }
        let (tag, payload) = self.heap.table_get_short_parts(metatable, self.event_name(event));
        let value = Value::from_parts(tag, payload);
        if value.is_nil() {
            object.absent.set(object.absent.get() | bit);
        }
        value
    }

    /// The handler of a value for an event; nil if none.
    #[inline]
    pub fn metamethod(&self, value: Value, event: Event) -> Value {
        match self.metatable(value) {
            Some(metatable) => self.metatable_event(metatable, event),
            None => Value::Nil,
        }
    }

    /// The name of a value's type for messages: the metatable's `__name` if that is a string.
    pub fn type_name_of(&self, value: Value) -> alloc::borrow::Cow<'_, [u8]> {
        if matches!(value, Value::Table(_) | Value::Userdata(_))
            && let Value::String(name) = self.metamethod(value, Event::Name)
        {
            return self.bytes(name).into();
        }
        type_name(value).as_bytes().into()
    }
}
