//! Arithmetic and comparisons.

use super::{
    Translator,
    condition::opposite,
    registers::{number, operand},
    stack::Source,
};
use lunette_bytecode::typed::{function::GlobalKind, instruction::Opcode};

/// The width of integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    I32,
    I64,
}

impl Width {
    /// The value of bits of such an integer.
    fn signed(self, bits: u64) -> i64 {
        match self {
            Width::I32 => (bits as i32).into(),
            Width::I64 => bits as i64,
        }
    }

    /// The operand for a constant of this width, if it fits.
    fn immediate(self, source: Source) -> Option<i16> {
        match source {
            Source::Constant(bits) => i16::try_from(self.signed(bits)).ok(),
            _ => None,
        }
    }
}

/// How an operation treats constants.
#[derive(Clone, Copy)]
pub(super) enum Constant {
    /// It has no form for them.
    None,
    /// The form for one on either side.
    Either(Opcode),
    /// The form for one on the right, negated: subtraction is addition.
    Negated(Opcode),
    /// The form for one on the right, of which the low bits count.
    Count(Opcode),
    /// The same, for rotation the other way round.
    OtherCount(Opcode),
}

/// A comparison of integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    Below,
    Above,
    BelowEqual,
    AboveEqual,
}

impl Relation {
    /// The relation of the operands in the other order.
    fn swapped(self) -> Relation {
        match self {
            Relation::Equal | Relation::NotEqual => self,
            Relation::Less => Relation::Greater,
            Relation::Greater => Relation::Less,
            Relation::LessEqual => Relation::GreaterEqual,
            Relation::GreaterEqual => Relation::LessEqual,
            Relation::Below => Relation::Above,
            Relation::Above => Relation::Below,
            Relation::BelowEqual => Relation::AboveEqual,
            Relation::AboveEqual => Relation::BelowEqual,
        }
    }

    /// The instruction for two registers, and whether they change places.
    fn opcode(self, width: Width) -> (Opcode, bool) {
        let (narrow, wide, swaps) = match self {
            Relation::Equal => (Opcode::i32_equal, Opcode::i64_equal, false),
            Relation::NotEqual => (Opcode::i32_not_equal, Opcode::i64_not_equal, false),
            Relation::Less => (Opcode::i32_less, Opcode::i64_less, false),
            Relation::Greater => (Opcode::i32_less, Opcode::i64_less, true),
            Relation::LessEqual => (Opcode::i32_less_equal, Opcode::i64_less_equal, false),
            Relation::GreaterEqual => (Opcode::i32_less_equal, Opcode::i64_less_equal, true),
            Relation::Below => (Opcode::i32_below, Opcode::i64_below, false),
            Relation::Above => (Opcode::i32_below, Opcode::i64_below, true),
            Relation::BelowEqual => (Opcode::i32_below_equal, Opcode::i64_below_equal, false),
            Relation::AboveEqual => (Opcode::i32_below_equal, Opcode::i64_below_equal, true),
        };
        (if width == Width::I32 { narrow } else { wide }, swaps)
    }

    /// The instruction for a constant on the right, and the constant; `None` if it does not fit.
    fn constant_opcode(self, width: Width, constant: i16) -> Option<(Opcode, i16)> {
        let (narrow, wide, constant) = match self {
            Relation::Equal => (Opcode::i32_equal_constant, Opcode::i64_equal_constant, constant),
            Relation::NotEqual => (Opcode::i32_not_equal_constant, Opcode::i64_not_equal_constant, constant),
            Relation::Less => (Opcode::i32_less_constant, Opcode::i64_less_constant, constant),
            Relation::Greater => (Opcode::i32_greater_constant, Opcode::i64_greater_constant, constant),
            Relation::LessEqual => (Opcode::i32_less_constant, Opcode::i64_less_constant, constant.checked_add(1)?),
            Relation::GreaterEqual => {
                (Opcode::i32_greater_constant, Opcode::i64_greater_constant, constant.checked_sub(1)?)
            }
            Relation::Below => (Opcode::i32_below_constant, Opcode::i64_below_constant, constant),
            Relation::Above => (Opcode::i32_above_constant, Opcode::i64_above_constant, constant),
            // Nothing is above -1 or below 0.
            Relation::BelowEqual if constant == -1 => return None,
            Relation::BelowEqual => (Opcode::i32_below_constant, Opcode::i64_below_constant, constant.checked_add(1)?),
            Relation::AboveEqual if constant == 0 => return None,
            Relation::AboveEqual => (Opcode::i32_above_constant, Opcode::i64_above_constant, constant.checked_sub(1)?),
        };
        Some((if width == Width::I32 { narrow } else { wide }, constant))
    }
}

impl Translator<'_> {
    /// Pushes a constant.
    pub(super) fn constant(&mut self, bits: u64) {
        self.push(GlobalKind::Number, Source::Constant(bits));
    }

    /// An operation with one operand.
    pub(super) fn unary(&mut self, opcode: Opcode) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(opcode, number(home), b, 0);
    }

    /// An operation with one operand, of which only the low half counts.
    pub(super) fn unary_low(&mut self, opcode: Opcode) {
        let entry = self.stack.pop();
        let b = number(self.low_register(entry));
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(opcode, number(home), b, 0);
    }

    /// An operation with two operands.
    pub(super) fn binary(&mut self, opcode: Opcode) {
        self.binary_from(opcode, false);
    }

    fn binary_from(&mut self, opcode: Opcode, is_low: bool) {
        let (right, left) = (self.stack.pop(), self.stack.pop());
        // The latest instruction, which may be a wrap, made the one on the right if that is in its home.
        let (b, c) = if !is_low {
            (self.register(left), self.register(right))
        } else if right.source == Source::Home {
            let c = self.low_register(right);
            (self.register(left), c)
        } else {
            let b = self.low_register(left);
            (b, self.register(right))
        };
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(opcode, number(home), number(b), number(c));
    }

    /// An operation of integers with two operands.
    pub(super) fn integer(&mut self, width: Width, opcode: Opcode, constant: Constant) {
        let &[left, right] = self.stack.top(2) else { return };
        let (form, operand, is_left) = match constant {
            Constant::None => (None, None, false),
            Constant::Either(form) => match width.immediate(right.source) {
                Some(operand) => (Some(form), Some(operand), false),
                None => (Some(form), width.immediate(left.source), true),
            },
            Constant::Negated(form) => {
                let negated = width.immediate(right.source).and_then(i16::checked_neg);
                (Some(form), negated, false)
            }
            Constant::Count(form) | Constant::OtherCount(form) => {
                let bits = if width == Width::I32 { 32 } else { 64 };
                let count = match right.source {
                    Source::Constant(count) => Some((count & (bits - 1)) as i16),
                    _ => None,
                };
                let other = matches!(constant, Constant::OtherCount(_));
                (Some(form), count.map(|count| if other { -count & (bits - 1) as i16 } else { count }), false)
            }
        };
        let (Some(form), Some(operand)) = (form, operand) else {
            self.binary_from(opcode, width == Width::I32);
            return;
        };
        let (right, left) = (self.stack.pop(), self.stack.pop());
        let variable = if is_left { right } else { left };
        let b = if width == Width::I32 { self.low_register(variable) } else { self.register(variable) };
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(form, number(home), number(b), operand as u16);
    }

    /// A comparison of integers.
    pub(super) fn compare(&mut self, width: Width, relation: Relation) {
        let &[left, right] = self.stack.top(2) else { return };
        let on_right = width.immediate(right.source).and_then(|value| relation.constant_opcode(width, value));
        let on_left =
            || width.immediate(left.source).and_then(|value| relation.swapped().constant_opcode(width, value));
        let (found, is_left) = if on_right.is_some() { (on_right, false) } else { (on_left(), true) };
        if let Some((opcode, operand)) = found {
            self.stack.pop();
            self.stack.pop();
            let variable = if is_left { right } else { left };
            let b = if width == Width::I32 { self.low_register(variable) } else { self.register(variable) };
            let home = self.push_home(GlobalKind::Number);
            self.code.abc(opcode, number(home), number(b), operand as u16);
            return;
        }
        let (opcode, swaps) = relation.opcode(width);
        self.binary_from(opcode, width == Width::I32);
        if swaps {
            self.code.swap_last();
        }
    }

    /// `f32.gt` and the like: those that have no instruction are the others with their operands in the other order.
    pub(super) fn binary_swapped(&mut self, opcode: Opcode) {
        self.binary(opcode);
        self.code.swap_last();
    }

    /// `i32.eqz`, `i64.eqz`
    pub(super) fn is_zero(&mut self, width: Width) {
        let entry = self.stack.pop();
        // The opposite of a comparison is another.
        if width == Width::I32
            && entry.source == Source::Home
            && let Some(last) = self.code.last()
            && last.a == number(entry.home)
            && let Some(opposite) = opposite(last)
        {
            self.code.remove_last();
            self.code.abc(opposite.opcode, opposite.a, opposite.b, opposite.c);
            self.push_home(GlobalKind::Number);
            return;
        }
        let (opcode, b) = match width {
            Width::I32 => (Opcode::i32_equal_constant, self.low_register(entry)),
            Width::I64 => (Opcode::i64_equal_constant, self.register(entry)),
        };
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(opcode, number(home), number(b), 0);
    }

    /// `select`
    pub(super) fn select(&mut self) {
        let condition = self.stack.pop();
        let e = number(self.low_register(condition));
        let (otherwise, chosen) = (self.stack.pop(), self.stack.pop());
        let opcode = match chosen.kind {
            GlobalKind::Number => Opcode::select,
            GlobalKind::Vector => Opcode::select_vector,
            GlobalKind::Reference => Opcode::select_reference,
        };
        let kind = chosen.kind;
        let b = operand(kind, self.register(chosen));
        let c = operand(kind, self.register(otherwise));
        let home = self.push_home(kind);
        self.code.abc(opcode, operand(kind, home), b, c);
        self.code.quarters([e, 0, 0, 0]);
    }
}
