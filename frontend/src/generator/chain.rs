//! Chains of binary operators, evaluated from left to right in a loop.

use super::Generator;
use super::expression::{Operand, Term};
use super::register::Destination;
use crate::ast::*;
use crate::error::Failure;
use crate::fold::{self, Constant};
use lunette_bytecode::instruction::Opcode;

/// The forms of an arithmetic instruction besides the one with two registers.
struct Forms {
    registers: Opcode,
    /// With a 16-bit integer on the right.
    integer: Option<Opcode>,
    /// With a constant number on the right.
    constant: Option<Opcode>,
    /// Whether those forms have a flag for operands the other way round.
    is_swappable: bool,
}

fn forms(operator: BinaryOperator) -> Option<Forms> {
    let (registers, integer, constant, is_swappable) = match operator {
        BinaryOperator::Add => (Opcode::add, Some(Opcode::add_integer), Some(Opcode::add_constant), true),
        BinaryOperator::Subtract => {
            (Opcode::subtract, Some(Opcode::subtract_integer), Some(Opcode::subtract_constant), false)
        }
        BinaryOperator::Multiply => (Opcode::multiply, None, Some(Opcode::multiply_constant), true),
        BinaryOperator::Divide => (Opcode::divide, None, Some(Opcode::divide_constant), false),
        BinaryOperator::FloorDivide => (Opcode::floor_divide, None, Some(Opcode::floor_divide_constant), false),
        BinaryOperator::Modulo => (Opcode::modulo, None, Some(Opcode::modulo_constant), false),
        BinaryOperator::Power => (Opcode::power, None, Some(Opcode::power_constant), false),
        BinaryOperator::BitAnd => (Opcode::bit_and, None, Some(Opcode::bit_and_constant), true),
        BinaryOperator::BitOr => (Opcode::bit_or, None, Some(Opcode::bit_or_constant), true),
        BinaryOperator::BitXor => (Opcode::bit_xor, None, Some(Opcode::bit_xor_constant), true),
        BinaryOperator::ShiftLeft => (Opcode::shift_left, Some(Opcode::shift_left_integer), None, false),
        BinaryOperator::ShiftRight => (Opcode::shift_right, Some(Opcode::shift_right_integer), None, false),
        _ => return None,
    };
    Some(Forms { registers, integer, constant, is_swappable })
}

impl Generator<'_> {
    /// Evaluates a chain. The result is a constant or lies in `destination`.
    pub(super) fn chain(&mut self, term: Term, destination: Destination) -> Result<Operand, Failure> {
        let Term::Chain(chain, links) = term else { return self.operand(term) };
        if self.last_link(term).is_some_and(|link| is_logical(link.operator)) {
            return Ok(Operand::Register(self.logical(term, destination)?));
        }
        let mark = self.function.free;
        let mut left = self.operand_before(self.prefix(chain, 0), Some(self.ast.link(chain, 0).position))?;
        for number in 0..links {
            let link = self.ast.link(chain, number);
            let destination = if number + 1 == links { destination } else { Destination::Next };
            self.position = link.position;
            left = match (forms(link.operator), link.operator) {
                (Some(forms), _) => self.arithmetic(left, link, &forms, mark, destination)?,
                (None, BinaryOperator::Concatenate) => self.concatenation(left, link, mark, destination)?,
                (None, _) => Operand::Register(self.comparison_value(left, link, mark, destination)?),
            };
        }
        Ok(left)
    }

    /// Applies an arithmetic operator. Registers from `mark` on are free afterwards but for the result.
    fn arithmetic(
        &mut self,
        left: Operand,
        link: Link,
        forms: &Forms,
        mark: u32,
        destination: Destination,
    ) -> Result<Operand, Failure> {
        let right = self.operand(self.term(link.operand))?;
        if let (Operand::Constant(left), Operand::Constant(right)) = (left, right)
            && let Some(result) = fold::binary(link.operator, left, right)
        {
            return Ok(Operand::Constant(result));
        }
        let (variable, constant, is_swapped) = match (left, right) {
            (_, Operand::Constant(constant)) => (left, Some(constant), false),
            (Operand::Constant(constant), _) if forms.is_swappable => (right, Some(constant), true),
            _ => (left, None, false),
        };
        let form = match constant {
            Some(constant) => self.constant_form(constant, forms)?,
            None => None,
        };
        if let Some((opcode, operand)) = form {
            let source = self.register(variable)?;
            self.function.free = mark;
            let target = self.take(destination)?;
            let operands = [target.into(), source.into(), operand, is_swapped.into()];
            let count = if forms.is_swappable { 4 } else { 3 };
            self.emit_at(opcode, &operands[..count], link.position)?;
            return Ok(Operand::Register(target));
        }
        let left = self.register(left)?;
        let right = self.register(right)?;
        self.function.free = mark;
        let target = self.take(destination)?;
        self.emit_at(forms.registers, &[target.into(), left.into(), right.into()], link.position)?;
        Ok(Operand::Register(target))
    }

    /// The instruction that has `constant` as an operand, and that operand.
    fn constant_form(&mut self, constant: Constant, forms: &Forms) -> Result<Option<(Opcode, i64)>, Failure> {
        if let (Some(opcode), Some(operand)) = (forms.integer, immediate(constant)) {
            return Ok(Some((opcode, operand)));
        }
        match (forms.constant, constant) {
            (Some(opcode), Constant::Integer(_) | Constant::Float(_)) => {
                Ok(self.small_constant(constant)?.map(|operand| (opcode, operand)))
            }
            _ => Ok(None),
        }
    }

    /// Concatenates `left` with all that the right-associative operator takes in.
    fn concatenation(
        &mut self,
        left: Operand,
        mut link: Link,
        mark: u32,
        destination: Destination,
    ) -> Result<Operand, Failure> {
        self.function.free = mark;
        let first = self.put(left, Destination::Next)?;
        let mut count = 1;
        loop {
            let term = self.term(link.operand);
            count += 1;
            match (term, self.last_link(term)) {
                // Parentheses make no difference: the operator goes from the right anyway.
                (Term::Chain(chain, links), Some(inner)) if inner.operator == BinaryOperator::Concatenate => {
                    let operand = self.prefix(chain, links - 1);
                    self.value(operand, Destination::Next)?;
                    link = inner;
                    self.pass(operand, Some(link.position));
                }
                _ => {
                    self.value(term, Destination::Next)?;
                    break;
                }
            }
        }
        self.function.free = mark;
        self.emit_at(Opcode::concat, &[first.into(), count], link.position)?;
        Ok(Operand::Register(self.put(Operand::Register(first), destination)?))
    }
}

/// The operand of an instruction with an immediate integer that `constant` is.
pub(super) fn immediate(constant: Constant) -> Option<i64> {
    match constant {
        Constant::Integer(value) => i16::try_from(value).ok().map(i64::from),
        _ => None,
    }
}

pub(super) fn is_logical(operator: BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::And | BinaryOperator::Or)
}
