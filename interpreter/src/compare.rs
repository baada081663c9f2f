//! Equality and order of any two values.

use crate::{machine::Machine, metamethod::Event, number};
use lunette_gc::{reference::Ref, string::Str, value::Value};

/// The answer to a comparison.
#[derive(Clone, Copy, Debug)]
pub enum Comparison {
    /// It is known.
    Known(bool),
    /// The metamethod must be called with the operands; what it returns counts as a condition.
    Call(Value),
    /// The operands cannot be compared.
    Invalid,
}

impl Machine {
    /// Equality without metamethods.
    pub fn raw_equal(&self, left: Value, right: Value) -> bool {
        match (left, right) {
            (Value::Integer(x), Value::Float(y)) | (Value::Float(y), Value::Integer(x)) => {
                number::integer_equals_float(x, y)
            }
            (Value::Float(x), Value::Float(y)) => x == y,
            (Value::String(x), Value::String(y)) => x == y || self.same_text(x, y),
            _ => left.to_parts() == right.to_parts(),
        }
    }

    /// Whether two strings that are not the same object are equal: long ones may be.
    fn same_text(&self, left: Ref<Str>, right: Ref<Str>) -> bool {
        if self.heap.get(left).is_short() || self.heap.get(right).is_short() {
            return false;
        }
        let (left, right) = (self.bytes(left), self.bytes(right));
        if left.len() != right.len() {
            return false;
        }
        self.spend_on_bytes(left.len());
        left == right
    }

    /// `left == right`
    pub fn equality(&self, left: Value, right: Value) -> Comparison {
        if self.raw_equal(left, right) {
            return Comparison::Known(true);
        }
        match (left, right) {
            (Value::Table(_), Value::Table(_)) | (Value::Userdata(_), Value::Userdata(_)) => {
                let mut handler = self.metamethod(left, Event::Equal);
                if handler.is_nil() {
                    handler = self.metamethod(right, Event::Equal);
                }
                if handler.is_nil() { Comparison::Known(false) } else { Comparison::Call(handler) }
            }
            _ => Comparison::Known(false),
        }
    }

    /// `left < right`, or `left <= right` if `event` is [`Event::LessEqual`].
    pub fn order(&self, left: Value, right: Value, event: Event) -> Comparison {
        let or_equal = event == Event::LessEqual;
        let known = if or_equal { number::less_equal(left, right) } else { number::less(left, right) };
        if let Some(known) = known {
            return Comparison::Known(known);
        }
        if let (Value::String(left), Value::String(right)) = (left, right) {
            let (left, right) = (self.bytes(left), self.bytes(right));
            self.spend_on_bytes(left.len().min(right.len()));
            return Comparison::Known(if or_equal { left <= right } else { left < right });
        }
        let mut handler = self.metamethod(left, event);
        if handler.is_nil() {
            handler = self.metamethod(right, event);
        }
        if handler.is_nil() { Comparison::Invalid } else { Comparison::Call(handler) }
    }
}
