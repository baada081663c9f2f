//! Conditions: comparisons become part of the branches that they decide.

use super::{
    Translator,
    code::{NUMBER_BYTES, Parts, REFERENCE_BYTES},
    registers::{number, reference},
    stack::Source,
};
use lunette_bytecode::typed::instruction::Opcode;

/// What decides a branch.
#[derive(Clone, Copy)]
pub(super) struct Condition {
    test: Test,
    is_negated: bool,
    /// A register for its value, should it need one.
    home: u32,
}

#[derive(Clone, Copy)]
enum Test {
    /// What a comparison, which was taken back, would give.
    Comparison(Parts),
    /// The low half of a number register is not 0.
    Number(u32),
    /// A reference register is null.
    Null(u32),
    /// A reference register is of the type that the literal of such instructions says.
    Type(u32, u64),
}

/// A branch on a condition, with operands as in the word.
pub(super) struct ConditionalJump {
    pub(super) opcode: Opcode,
    pub(super) a: u16,
    /// Of short jumps only.
    pub(super) b: u16,
    pub(super) is_short: bool,
    /// Of some wide jumps.
    pub(super) literal: Option<u64>,
}

impl Condition {
    pub(super) fn negated(self) -> Condition {
        Condition { is_negated: !self.is_negated, ..self }
    }

    pub(super) fn is_null(register: u32, home: u32) -> Condition {
        Condition { test: Test::Null(register), is_negated: false, home }
    }

    pub(super) fn is_type(register: u32, literal: u64, home: u32) -> Condition {
        Condition { test: Test::Type(register, literal), is_negated: false, home }
    }
}

macro_rules! jumps {
    ($parts:expr, $negated:expr, $prefix:ident: $($from:ident => $to:ident),* $(; $($float:ident => $holds:ident, $fails:ident),*)?) => {
        match ($parts.opcode, $negated) {
            $((Opcode::$from, false) => Some(Opcode::$to),)*
            $($((Opcode::$float, false) => Some(Opcode::$holds), (Opcode::$float, true) => Some(Opcode::$fails),)*)?
            _ => None,
        }
    };
}

/// The forward jump that is taken if the comparison holds or, for those that have no opposite, if it does not.
fn forward(parts: Parts, negated: bool) -> Option<Opcode> {
    jumps!(parts, negated, jump:
        i32_equal => jump_i32_equal, i32_not_equal => jump_i32_not_equal, i32_less => jump_i32_less,
        i32_less_equal => jump_i32_less_equal, i32_below => jump_i32_below, i32_below_equal => jump_i32_below_equal,
        i32_equal_constant => jump_i32_equal_constant, i32_not_equal_constant => jump_i32_not_equal_constant,
        i32_less_constant => jump_i32_less_constant, i32_greater_constant => jump_i32_greater_constant,
        i32_below_constant => jump_i32_below_constant, i32_above_constant => jump_i32_above_constant,
        i64_equal => jump_i64_equal, i64_not_equal => jump_i64_not_equal, i64_less => jump_i64_less,
        i64_less_equal => jump_i64_less_equal, i64_below => jump_i64_below, i64_below_equal => jump_i64_below_equal,
        i64_equal_constant => jump_i64_equal_constant, i64_not_equal_constant => jump_i64_not_equal_constant,
        i64_less_constant => jump_i64_less_constant, i64_greater_constant => jump_i64_greater_constant,
        i64_below_constant => jump_i64_below_constant, i64_above_constant => jump_i64_above_constant;
        i32_and => jump_i32_and, jump_i32_and_zero,
        i32_and_constant => jump_i32_and_constant, jump_i32_and_zero_constant,
        f32_equal => jump_f32_equal, jump_f32_not_equal,
        f32_not_equal => jump_f32_not_equal, jump_f32_equal,
        f32_less => jump_f32_less, jump_f32_not_less,
        f32_less_equal => jump_f32_less_equal, jump_f32_not_less_equal,
        f64_equal => jump_f64_equal, jump_f64_not_equal,
        f64_not_equal => jump_f64_not_equal, jump_f64_equal,
        f64_less => jump_f64_less, jump_f64_not_less,
        f64_less_equal => jump_f64_less_equal, jump_f64_not_less_equal)
}

/// The jump back that is taken if the comparison holds.
fn backward(parts: Parts) -> Option<Opcode> {
    jumps!(parts, false, loop:
        i32_equal => loop_i32_equal, i32_not_equal => loop_i32_not_equal, i32_less => loop_i32_less,
        i32_less_equal => loop_i32_less_equal, i32_below => loop_i32_below, i32_below_equal => loop_i32_below_equal,
        i32_equal_constant => loop_i32_equal_constant, i32_not_equal_constant => loop_i32_not_equal_constant,
        i32_less_constant => loop_i32_less_constant, i32_greater_constant => loop_i32_greater_constant,
        i32_below_constant => loop_i32_below_constant, i32_above_constant => loop_i32_above_constant,
        i64_equal => loop_i64_equal, i64_not_equal => loop_i64_not_equal, i64_less => loop_i64_less,
        i64_less_equal => loop_i64_less_equal, i64_below => loop_i64_below, i64_below_equal => loop_i64_below_equal,
        i64_equal_constant => loop_i64_equal_constant, i64_not_equal_constant => loop_i64_not_equal_constant,
        i64_less_constant => loop_i64_less_constant, i64_greater_constant => loop_i64_greater_constant,
        i64_below_constant => loop_i64_below_constant, i64_above_constant => loop_i64_above_constant)
}

/// Whether a branch can take the place of the instruction.
fn is_comparison(parts: Parts) -> bool {
    forward(parts, false).is_some()
}

/// The comparison of integers that holds if this one does not, if there is one.
pub(super) fn opposite(parts: Parts) -> Option<Parts> {
    let Parts { opcode, a, b, c } = parts;
    let same = |opcode| Some(Parts { opcode, a, b, c });
    let swapped = |opcode| Some(Parts { opcode, a, b: c, c: b });
    let constant = |opcode, step: i16, wraps_at: Option<i16>| {
        let value = c as i16;
        let value = if wraps_at == Some(value) { None } else { value.checked_add(step) }?;
        Some(Parts { opcode, a, b, c: value as u16 })
    };
    match opcode {
        Opcode::i32_equal => same(Opcode::i32_not_equal),
        Opcode::i32_not_equal => same(Opcode::i32_equal),
        Opcode::i32_less => swapped(Opcode::i32_less_equal),
        Opcode::i32_less_equal => swapped(Opcode::i32_less),
        Opcode::i32_below => swapped(Opcode::i32_below_equal),
        Opcode::i32_below_equal => swapped(Opcode::i32_below),
        Opcode::i32_equal_constant => same(Opcode::i32_not_equal_constant),
        Opcode::i32_not_equal_constant => same(Opcode::i32_equal_constant),
        Opcode::i32_less_constant => constant(Opcode::i32_greater_constant, -1, None),
        Opcode::i32_greater_constant => constant(Opcode::i32_less_constant, 1, None),
        Opcode::i32_below_constant => constant(Opcode::i32_above_constant, -1, Some(0)),
        Opcode::i32_above_constant => constant(Opcode::i32_below_constant, 1, Some(-1)),
        Opcode::i64_equal => same(Opcode::i64_not_equal),
        Opcode::i64_not_equal => same(Opcode::i64_equal),
        Opcode::i64_less => swapped(Opcode::i64_less_equal),
        Opcode::i64_less_equal => swapped(Opcode::i64_less),
        Opcode::i64_below => swapped(Opcode::i64_below_equal),
        Opcode::i64_below_equal => swapped(Opcode::i64_below),
        Opcode::i64_equal_constant => same(Opcode::i64_not_equal_constant),
        Opcode::i64_not_equal_constant => same(Opcode::i64_equal_constant),
        Opcode::i64_less_constant => constant(Opcode::i64_greater_constant, -1, None),
        Opcode::i64_greater_constant => constant(Opcode::i64_less_constant, 1, None),
        Opcode::i64_below_constant => constant(Opcode::i64_above_constant, -1, Some(0)),
        Opcode::i64_above_constant => constant(Opcode::i64_below_constant, 1, Some(-1)),
        _ => None,
    }
}

impl Translator<'_> {
    /// Pops the condition of a branch.
    pub(super) fn pop_condition(&mut self) -> Condition {
        let entry = self.stack.pop();
        let home = entry.home;
        if entry.source != Source::Home {
            return Condition { test: Test::Number(self.register(entry)), is_negated: false, home };
        }
        let mut test = Test::Number(home);
        let mut is_negated = false;
        // A comparison, or the opposite of one that has none, which are two instructions.
        while let Test::Number(register) = test
            && register == home
            && let Some(last) = self.code.last()
            && last.a == number(home)
        {
            match last.opcode {
                Opcode::i32_equal_constant | Opcode::i32_not_equal_constant if last.c == 0 => {
                    test = Test::Number(u32::from(last.b) / NUMBER_BYTES);
                    is_negated ^= last.opcode == Opcode::i32_equal_constant;
                }
                Opcode::reference_is_null => test = Test::Null(u32::from(last.b) / REFERENCE_BYTES),
                Opcode::reference_test => {
                    test = Test::Type(u32::from(last.b) / REFERENCE_BYTES, self.code.last_literal());
                }
                Opcode::i32_wrap => test = Test::Number(u32::from(last.b) / NUMBER_BYTES),
                _ if is_comparison(last) => test = Test::Comparison(last),
                _ => break,
            }
            self.code.remove_last();
        }
        Condition { test, is_negated, home }
    }

    /// The jump forward that the condition decides.
    pub(super) fn forward_jump(&mut self, condition: Condition) -> ConditionalJump {
        if let Test::Comparison(parts) = condition.test {
            let jump = |parts: Parts, opcode| ConditionalJump {
                opcode,
                a: parts.b,
                b: parts.c,
                is_short: true,
                literal: None,
            };
            if let Some(opcode) = forward(parts, condition.is_negated) {
                return jump(parts, opcode);
            }
            if let Some(parts) = opposite(parts)
                && let Some(opcode) = forward(parts, false)
            {
                return jump(parts, opcode);
            }
        }
        self.wide_jump(condition, [Opcode::jump_if, Opcode::jump_if_zero])
    }

    /// The jump back that the condition decides, a short one only if that will do; `None` if there is none.
    pub(super) fn backward_jump(&mut self, condition: Condition, is_near: bool) -> Option<ConditionalJump> {
        match condition.test {
            Test::Null(_) | Test::Type(..) => return None,
            Test::Comparison(parts) if is_near => {
                let parts = if condition.is_negated { opposite(parts) } else { Some(parts) };
                if let Some(parts) = parts
                    && let Some(opcode) = backward(parts)
                {
                    return Some(ConditionalJump { opcode, a: parts.b, b: parts.c, is_short: true, literal: None });
                }
            }
            _ => {}
        }
        Some(self.wide_jump(condition, [Opcode::loop_if, Opcode::loop_if_zero]))
    }

    fn wide_jump(&mut self, condition: Condition, [holds, fails]: [Opcode; 2]) -> ConditionalJump {
        let mut literal = None;
        let (opcode, a) = match (condition.test, condition.is_negated) {
            (Test::Null(register), false) => (Opcode::jump_if_null, reference(register)),
            (Test::Null(register), true) => (Opcode::jump_if_not_null, reference(register)),
            (Test::Type(register, bits), is_negated) => {
                literal = Some(bits);
                (if is_negated { Opcode::jump_if_not_type } else { Opcode::jump_if_type }, reference(register))
            }
            (Test::Number(register), false) => (holds, number(register)),
            (Test::Number(register), true) => (fails, number(register)),
            (Test::Comparison(parts), is_negated) => {
                let a = number(condition.home);
                self.code.abc(parts.opcode, a, parts.b, parts.c);
                (if is_negated { fails } else { holds }, a)
            }
        };
        ConditionalJump { opcode, a, b: 0, is_short: false, literal }
    }
}
