//! Assignments.

use super::expression::{Operand, Term};
use super::index::{Key, Object};
use super::register::Destination;
use super::{Done, Generator};
use crate::ast::*;
use crate::error::Failure;
use alloc::vec::Vec;
use lunette_bytecode::instruction::Opcode;

/// What is assigned to, with everything evaluated that comes before the values.
#[derive(Clone, Copy)]
enum Target {
    Register(u8),
    Cell(u8),
    Upvalue(u8),
    Indexed(Object, Key),
}

impl Generator<'_> {
    /// Evaluates the parts of a target.
    fn target(&mut self, id: ExpressionId) -> Result<Target, Failure> {
        let Expression { kind, position } = self.ast.expression(id);
        if let ExpressionKind::Suffixed(suffixed) = kind {
            let (object, key) = self.indexed(suffixed)?;
            return Ok(Target::Indexed(object, key));
        }
        self.position = position;
        Ok(match kind {
            ExpressionKind::Local(local) => match self.variable(local) {
                Operand::Cell(register) => Target::Cell(register),
                _ => Target::Register(self.registers[local.0 as usize]),
            },
            ExpressionKind::Upvalue(number) => Target::Upvalue(number),
            ExpressionKind::UpvalueGlobal(number, name) => Target::Indexed(Object::Upvalue(number), Key::Field(name)),
            ExpressionKind::Global(id) => {
                let (object, key) = self.environment(id);
                Target::Indexed(object, key)
            }
            _ => return Err(Failure::near("syntax error", position)),
        })
    }

    fn store(&mut self, target: Target, value: Operand) -> Done {
        let mark = self.function.free;
        match target {
            Target::Register(register) => self.put(value, Destination::Register(register)).map(drop)?,
            Target::Cell(cell) => {
                let value = self.register(value)?;
                self.emit(Opcode::set_cell, &[cell.into(), value.into()])?;
            }
            Target::Upvalue(number) => {
                let value = self.register(value)?;
                self.emit(Opcode::set_upvalue, &[value.into(), number.into()])?;
            }
            Target::Indexed(object, key) => self.set(object, key, value)?,
        }
        self.function.free = mark;
        Ok(())
    }

    /// Evaluates `value` and stores it.
    fn store_expression(&mut self, target: Target, value: ExpressionId) -> Done {
        let term = self.term(value);
        match target {
            Target::Register(register) if self.may_evaluate_into(register, term) => {
                self.value(term, Destination::Register(register)).map(drop)
            }
            _ => {
                let value = self.operand(term)?;
                self.store(target, value)
            }
        }
    }

    /// Whether the variable in `register` may change while `term` is evaluated: `and` and `or` put the value of an
    /// operand there before they know whether it is the result.
    fn may_evaluate_into(&self, register: u8, term: Term) -> bool {
        match term {
            Term::Chain(chain, links) => {
                let first = links.min(1);
                let starts_with_variable = matches!(self.term(chain.head), Term::Node(id) if self.is_at(id, register));
                let is_simple = links == 1 && !self.is_condition(self.term(self.ast.link(chain, 0).operand));
                !self.is_condition(term)
                    || starts_with_variable && is_simple
                    || (starts_with_variable || !self.reads(chain.head, register))
                        && (first - 1..links).all(|number| !self.reads(self.ast.link(chain, number).operand, register))
            }
            Term::Node(id) => match self.ast.expression(id).kind {
                ExpressionKind::Unary(_, operand) => !self.reads(operand, register),
                _ => true,
            },
        }
    }

    /// Whether the node is the variable in `register`.
    fn is_at(&self, id: ExpressionId, register: u8) -> bool {
        match self.ast.expression(id).kind {
            ExpressionKind::Local(local) => self.registers[local.0 as usize] == register,
            ExpressionKind::Global(id) => match self.ast.globals[id.0 as usize].environment {
                ExpressionKind::Local(local) => self.registers[local.0 as usize] == register,
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the expression reads the variable in `register`, which is not captured.
    fn reads(&self, id: ExpressionId, register: u8) -> bool {
        match self.ast.expression(id).kind {
            ExpressionKind::Parenthesized(inner) | ExpressionKind::Unary(_, inner) => self.reads(inner, register),
            ExpressionKind::Chain(chain) => {
                let chain = self.ast.chain(chain);
                self.reads(chain.head, register)
                    || (0..chain.length).any(|number| self.reads(self.ast.link(chain, number).operand, register))
            }
            ExpressionKind::Suffixed(suffixed) => {
                let Suffixed { primary, first_suffix, length } = self.ast.suffixed[suffixed.0 as usize];
                let suffixes = &self.ast.suffixes[first_suffix as usize..(first_suffix + length) as usize];
                self.reads(primary, register)
                    || suffixes.iter().any(|suffix| match suffix.kind {
                        SuffixKind::Index(key) => self.reads(key, register),
                        SuffixKind::Call { arguments, .. } => (0..self.ast.list_length(arguments))
                            .any(|number| self.reads(self.ast.element(arguments, number), register)),
                        SuffixKind::Field(_) | SuffixKind::Method(_) => false,
                    })
            }
            ExpressionKind::Table(table) => {
                let (first, length) = self.ast.tables[table.0 as usize];
                self.ast.fields[first as usize..(first + length) as usize].iter().any(|field| {
                    matches!(field.key, FieldKey::Expression(key) if self.reads(key, register))
                        || self.reads(field.value, register)
                })
            }
            _ => self.is_at(id, register),
        }
    }

    pub(super) fn assign(&mut self, targets: ListId, values: ListId) -> Done {
        let mark = self.function.free;
        let count = self.ast.list_length(targets);
        let value_count = self.ast.list_length(values);
        if count == 1 && value_count == 1 {
            let target = self.target(self.ast.element(targets, 0))?;
            self.store_expression(target, self.ast.element(values, 0))?;
            self.function.free = mark;
            return Ok(());
        }
        let mut evaluated: Vec<Target> = Vec::new();
        self.memory.reserve(&mut evaluated, count as usize)?;
        for number in 0..count {
            let target = self.target(self.ast.element(targets, number))?;
            self.save_conflicts(&mut evaluated, target)?;
            evaluated.push(target);
        }
        let first = self.function.free;
        let mut last = count;
        if count == value_count {
            for number in 0..count - 1 {
                self.next(self.ast.element(values, number))?;
            }
            last = count - 1;
            self.store_expression(evaluated[last as usize], self.ast.element(values, last))?;
        } else {
            self.adjusted_values(values, count)?;
        }
        for number in (0..last).rev() {
            self.store(evaluated[number as usize], Operand::Register((first + number) as u8))?;
        }
        self.memory.release(evaluated);
        self.function.free = mark;
        Ok(())
    }

    /// If targets so far use the variable that the next target is, lets them use a copy of it: it changes before they
    /// are assigned to.
    fn save_conflicts(&mut self, targets: &mut [Target], next: Target) -> Done {
        let mut copy = None;
        for target in targets {
            let Target::Indexed(object, key) = target else { continue };
            let is_table = match (*object, next) {
                (Object::Operand(operand), _) => is_variable(operand, next),
                (Object::Upvalue(number), Target::Upvalue(other)) => number == other,
                (Object::Upvalue(_), _) => false,
            };
            let is_key = matches!(*key, Key::Operand(operand) if is_variable(operand, next));
            if !is_table && !is_key {
                continue;
            }
            let register = match copy {
                Some(register) => register,
                None => self.copy_of(next)?,
            };
            copy = Some(register);
            if is_table {
                *object = Object::Operand(Operand::Register(register));
            }
            if is_key {
                *key = Key::Operand(Operand::Register(register));
            }
        }
        Ok(())
    }

    fn copy_of(&mut self, variable: Target) -> Result<u8, Failure> {
        match variable {
            Target::Register(register) => self.put(Operand::Register(register), Destination::Next),
            Target::Cell(register) => self.put(Operand::Cell(register), Destination::Next),
            Target::Upvalue(number) => self.put_object(Object::Upvalue(number), Destination::Next),
            Target::Indexed(object, _) => self.object_register(object),
        }
    }

    /// `function name() ... end`, whose keyword is at `keyword`.
    pub(super) fn function_statement(&mut self, target: ExpressionId, function: FunctionId, keyword: u32) -> Done {
        let mark = self.function.free;
        let target = self.target(target)?;
        let destination = match target {
            Target::Register(register) => Destination::Register(register),
            _ => Destination::Next,
        };
        let closure = self.closure(function, destination)?;
        self.store(target, Operand::Register(closure))?;
        self.move_to_line(keyword);
        self.function.free = mark;
        Ok(())
    }
}

/// Whether the operand is the variable that `target` is.
fn is_variable(operand: Operand, target: Target) -> bool {
    match (operand, target) {
        (Operand::Register(register), Target::Register(other)) | (Operand::Cell(register), Target::Cell(other)) => {
            register == other
        }
        _ => false,
    }
}
