//! Expressions as values.

use super::Generator;
use super::register::Destination;
use crate::ast::*;
use crate::error::Failure;
use crate::fold::{self, Constant};
use lunette_bytecode::instruction::Opcode;

/// An expression to be evaluated, without parentheses around it: a node, or the first links of a chain, at least one.
#[derive(Clone, Copy)]
pub(super) enum Term {
    Node(ExpressionId),
    Chain(Chain, u32),
}

/// A value that an instruction is about to use. Captured variables are read as late as variables in registers are.
#[derive(Clone, Copy)]
pub(super) enum Operand {
    Constant(Constant),
    Register(u8),
    /// A variable whose cell is in this register.
    Cell(u8),
}

impl Generator<'_> {
    pub(super) fn term(&self, mut id: ExpressionId) -> Term {
        loop {
            match self.ast.expression(id).kind {
                ExpressionKind::Parenthesized(inner) => id = inner,
                ExpressionKind::Chain(chain) => {
                    let chain = self.ast.chain(chain);
                    return Term::Chain(chain, chain.length);
                }
                _ => return Term::Node(id),
            }
        }
    }

    /// The first `links` links of a chain.
    pub(super) fn prefix(&self, chain: Chain, links: u32) -> Term {
        if links == 0 { self.term(chain.head) } else { Term::Chain(chain, links) }
    }

    /// The last operator of a term that is a chain.
    pub(super) fn last_link(&self, term: Term) -> Option<Link> {
        match term {
            Term::Chain(chain, links) => Some(self.ast.link(chain, links - 1)),
            Term::Node(_) => None,
        }
    }

    // ---- operands ----

    /// Evaluates an expression to where an instruction can take it from, into a new register if need be.
    pub(super) fn operand(&mut self, term: Term) -> Result<Operand, Failure> {
        let id = match term {
            Term::Chain(..) => return self.chain(term, Destination::Next),
            Term::Node(id) => id,
        };
        let Expression { kind, position } = self.ast.expression(id);
        if let Some(constant) = self.ast.literal(kind) {
            self.position = position;
            return Ok(Operand::Constant(constant));
        }
        match kind {
            ExpressionKind::Local(local) => {
                self.position = position;
                Ok(self.variable(local))
            }
            ExpressionKind::Unary(operator, operand) => self.unary(operator, operand, position, Destination::Next),
            _ => Ok(Operand::Register(self.value(term, Destination::Next)?)),
        }
    }

    /// Evaluates an operand that the word ending at `end` follows.
    pub(super) fn operand_before(&mut self, term: Term, end: Option<u32>) -> Result<Operand, Failure> {
        let operand = self.operand(term)?;
        self.pass(term, end);
        Ok(operand)
    }

    /// Passes the word after an operand, if it is given. Variables that are no local ones, and elements of tables, count
    /// as read only then, which the lines show.
    pub(super) fn pass(&mut self, term: Term, end: Option<u32>) {
        let Some(end) = end else { return };
        let is_read_late = matches!(term, Term::Node(id) if match self.ast.expression(id).kind {
            ExpressionKind::Suffixed(suffixed) => !self.ast.is_call(suffixed),
            ExpressionKind::Upvalue(_) | ExpressionKind::UpvalueGlobal(..) | ExpressionKind::Global(_) => true,
            _ => false,
        });
        if is_read_late {
            self.move_to_line(end);
        }
        self.position = end;
    }

    /// Whether an instruction can use the node without code of its own: it is a variable or a constant.
    pub(super) fn is_in_place(&self, id: ExpressionId) -> bool {
        let kind = self.ast.expression(id).kind;
        matches!(kind, ExpressionKind::Local(_)) || self.ast.literal(kind).is_some()
    }

    /// A local variable of the function.
    pub(super) fn variable(&self, local: LocalId) -> Operand {
        let register = self.registers[local.0 as usize];
        if self.ast.local(local).is_captured { Operand::Cell(register) } else { Operand::Register(register) }
    }

    /// The register of an operand, a new one if it has none.
    pub(super) fn register(&mut self, operand: Operand) -> Result<u8, Failure> {
        match operand {
            Operand::Register(register) => Ok(register),
            _ => self.put(operand, Destination::Next),
        }
    }

    /// Brings an operand to its destination.
    pub(super) fn put(&mut self, operand: Operand, destination: Destination) -> Result<u8, Failure> {
        match operand {
            Operand::Constant(constant) => self.load(constant, destination),
            Operand::Register(source) => {
                let target = self.take(destination)?;
                if target != source {
                    self.emit(Opcode::copy, &[target.into(), source.into()])?;
                }
                Ok(target)
            }
            Operand::Cell(cell) => {
                let target = self.take(destination)?;
                self.emit(Opcode::get_cell, &[target.into(), cell.into()])?;
                Ok(target)
            }
        }
    }

    /// Evaluates an expression to a register, its own if it is a variable that has one.
    pub(super) fn any_register(&mut self, id: ExpressionId) -> Result<u8, Failure> {
        let operand = self.operand(self.term(id))?;
        self.register(operand)
    }

    /// Evaluates an expression into the next register.
    pub(super) fn next(&mut self, id: ExpressionId) -> Result<u8, Failure> {
        self.value(self.term(id), Destination::Next)
    }

    // ---- values ----

    /// Evaluates an expression to one value in `destination`; gives its register.
    pub(super) fn value(&mut self, term: Term, destination: Destination) -> Result<u8, Failure> {
        let id = match term {
            Term::Node(id) => id,
            Term::Chain(..) => {
                let mark = self.function.free;
                let operand = self.chain(term, destination)?;
                self.function.free = mark;
                return self.put(operand, destination);
            }
        };
        let Expression { kind, position } = self.ast.expression(id);
        match kind {
            ExpressionKind::Table(table) => return self.table(table, position, destination),
            ExpressionKind::Suffixed(suffixed) => return self.suffixed(suffixed, destination),
            ExpressionKind::Function(function) => return self.closure(function, destination),
            ExpressionKind::Unary(operator, operand) => {
                let mark = self.function.free;
                let operand = self.unary(operator, operand, position, destination)?;
                self.function.free = mark;
                return self.put(operand, destination);
            }
            _ => self.position = position,
        }
        match kind {
            ExpressionKind::Local(local) => self.put(self.variable(local), destination),
            ExpressionKind::Upvalue(number) => {
                let target = self.take(destination)?;
                self.emit(Opcode::get_upvalue, &[target.into(), number.into()])?;
                Ok(target)
            }
            ExpressionKind::UpvalueGlobal(number, name) => self.upvalue_field(number, name, destination),
            ExpressionKind::Global(id) => self.global(id, position, destination),
            ExpressionKind::VariableArguments => {
                let target = self.take(destination)?;
                self.emit(Opcode::variable_arguments, &[target.into(), 2])?;
                Ok(target)
            }
            _ => self.load(self.ast.literal(kind).unwrap_or(Constant::Nil), destination),
        }
    }

    /// A unary operator that ends at `position`.
    fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: ExpressionId,
        position: u32,
        destination: Destination,
    ) -> Result<Operand, Failure> {
        self.position = position;
        let term = self.term(operand);
        if operator == UnaryOperator::Not && self.is_condition(term) {
            return Ok(Operand::Register(self.negated_condition(term, destination)?));
        }
        let mark = self.function.free;
        let operand = self.operand(term)?;
        if let Operand::Constant(constant) = operand
            && let Some(result) = fold::unary(operator, constant)
        {
            return Ok(Operand::Constant(result));
        }
        let source = self.register(operand)?;
        self.function.free = mark;
        let target = self.take(destination)?;
        let opcode = match operator {
            UnaryOperator::Negate => Opcode::negate,
            UnaryOperator::BitNot => Opcode::bit_not,
            UnaryOperator::Not => Opcode::not,
            UnaryOperator::Length => Opcode::length,
        };
        self.emit_at(opcode, &[target.into(), source.into()], position)?;
        Ok(Operand::Register(target))
    }
}
