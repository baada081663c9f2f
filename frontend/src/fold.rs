//! Constants and what can be computed of them when compiling.

use crate::ast::*;
use crate::strings::StringId;
use lunette_bytecode::number::float_to_integer_exact;

/// A value known when compiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Constant {
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(StringId),
}

impl Constant {
    pub(crate) fn is_true(self) -> bool {
        !matches!(self, Constant::Nil | Constant::Boolean(false))
    }

    fn as_float(self) -> Option<f64> {
        match self {
            Constant::Integer(value) => Some(value as f64),
            Constant::Float(value) => Some(value),
            _ => None,
        }
    }

    fn as_integer(self) -> Option<i64> {
        match self {
            Constant::Integer(value) => Some(value),
            Constant::Float(value) => float_to_integer_exact(value),
            _ => None,
        }
    }
}

/// A float may be a folded result unless it is a NaN or a zero, whose sign a constant might lose.
fn float(value: f64) -> Option<Constant> {
    (!value.is_nan() && value != 0.0).then_some(Constant::Float(value))
}

/// The result of a unary operator on a constant, if it may be computed now.
pub(crate) fn unary(operator: UnaryOperator, operand: Constant) -> Option<Constant> {
    match (operator, operand) {
        (UnaryOperator::Not, operand) => Some(Constant::Boolean(!operand.is_true())),
        (UnaryOperator::Negate, Constant::Integer(value)) => Some(Constant::Integer(value.wrapping_neg())),
        (UnaryOperator::Negate, Constant::Float(value)) => float(-value),
        (UnaryOperator::BitNot, operand) => Some(Constant::Integer(!operand.as_integer()?)),
        (UnaryOperator::Negate | UnaryOperator::Length, _) => None,
    }
}

/// The result of an arithmetic or bitwise operator on two constants, if it may be computed now.
pub(crate) fn binary(operator: BinaryOperator, left: Constant, right: Constant) -> Option<Constant> {
    match operator {
        BinaryOperator::Divide | BinaryOperator::Power => {}
        BinaryOperator::BitAnd
        | BinaryOperator::BitOr
        | BinaryOperator::BitXor
        | BinaryOperator::ShiftLeft
        | BinaryOperator::ShiftRight => {
            left.as_float().zip(right.as_float())?;
            return bitwise(operator, left.as_integer()?, right.as_integer()?).map(Constant::Integer);
        }
        _ => {
            if let (Constant::Integer(left), Constant::Integer(right)) = (left, right) {
                return integers(operator, left, right).map(Constant::Integer);
            }
        }
    }
    float(floats(operator, left.as_float()?, right.as_float()?)?)
}

fn bitwise(operator: BinaryOperator, left: i64, right: i64) -> Option<i64> {
    match operator {
        BinaryOperator::BitAnd => Some(left & right),
        BinaryOperator::BitOr => Some(left | right),
        BinaryOperator::BitXor => Some(left ^ right),
        BinaryOperator::ShiftLeft => Some(shift_left(left, right)),
        BinaryOperator::ShiftRight => Some(shift_left(left, right.checked_neg().unwrap_or(i64::MAX))),
        _ => None,
    }
}

/// Shifts to the left, or to the right by negative distances; 64 bits and more shift everything out.
fn shift_left(value: i64, distance: i64) -> i64 {
    let bits = value as u64;
    match distance {
        0..=63 => (bits << distance) as i64,
        -63..=-1 => (bits >> -distance) as i64,
        _ => 0,
    }
}

fn integers(operator: BinaryOperator, left: i64, right: i64) -> Option<i64> {
    match operator {
        BinaryOperator::Add => Some(left.wrapping_add(right)),
        BinaryOperator::Subtract => Some(left.wrapping_sub(right)),
        BinaryOperator::Multiply => Some(left.wrapping_mul(right)),
        BinaryOperator::FloorDivide | BinaryOperator::Modulo if right == 0 => None,
        BinaryOperator::FloorDivide => {
            let quotient = left.wrapping_div(right);
            let is_inexact = left.wrapping_rem(right) != 0;
            Some(if is_inexact && (left < 0) != (right < 0) { quotient - 1 } else { quotient })
        }
        BinaryOperator::Modulo => {
            let remainder = left.wrapping_rem(right);
            Some(if remainder != 0 && (remainder < 0) != (right < 0) { remainder + right } else { remainder })
        }
        _ => None,
    }
}

fn floats(operator: BinaryOperator, left: f64, right: f64) -> Option<f64> {
    match operator {
        BinaryOperator::Add => Some(left + right),
        BinaryOperator::Subtract => Some(left - right),
        BinaryOperator::Multiply => Some(left * right),
        BinaryOperator::Divide | BinaryOperator::FloorDivide | BinaryOperator::Modulo if right == 0.0 => None,
        BinaryOperator::Divide => Some(left / right),
        BinaryOperator::FloorDivide => Some(libm::floor(left / right)),
        BinaryOperator::Modulo => {
            let remainder = libm::fmod(left, right);
            Some(if remainder != 0.0 && (remainder < 0.0) != (right < 0.0) { remainder + right } else { remainder })
        }
        // The square is common, and exact where `pow` need not be.
        BinaryOperator::Power if right == 2.0 => Some(left * left),
        BinaryOperator::Power => Some(libm::pow(left, right)),
        _ => None,
    }
}

impl Ast {
    /// The constant that a single node of the tree is.
    pub(crate) fn literal(&self, kind: ExpressionKind) -> Option<Constant> {
        Some(match kind {
            ExpressionKind::Nil => Constant::Nil,
            ExpressionKind::True => Constant::Boolean(true),
            ExpressionKind::False => Constant::Boolean(false),
            ExpressionKind::SmallInteger(value) => Constant::Integer(value.into()),
            ExpressionKind::Integer(number) => Constant::Integer(self.integers[number as usize]),
            ExpressionKind::Float(number) => Constant::Float(self.floats[number as usize]),
            ExpressionKind::String(id) => Constant::String(id),
            _ => return None,
        })
    }

    /// The value of an expression whose names have been resolved, if it can be computed now.
    pub(crate) fn constant(&self, id: ExpressionId) -> Option<Constant> {
        match self.expression(id).kind {
            ExpressionKind::Parenthesized(inner) => self.constant(inner),
            ExpressionKind::Unary(operator, operand) => unary(operator, self.constant(operand)?),
            ExpressionKind::Chain(chain) => {
                let chain = self.chain(chain);
                (0..chain.length).try_fold(self.constant(chain.head)?, |left, number| {
                    let link = self.link(chain, number);
                    binary(link.operator, left, self.constant(link.operand)?)
                })
            }
            kind => self.literal(kind),
        }
    }
}
