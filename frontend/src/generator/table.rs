//! Table constructors.

use super::call::Results;
use super::expression::Operand;
use super::index::{Key, Object};
use super::register::Destination;
use super::{Done, Generator};
use crate::ast::*;
use crate::error::Failure;
use lunette_bytecode::instruction::Opcode;

/// How many elements wait in registers at most.
const BATCH: u32 = 50;

impl Generator<'_> {
    /// A table constructor that ends at `position`.
    pub(super) fn table(&mut self, id: TableId, position: u32, destination: Destination) -> Result<u8, Failure> {
        let (first, length) = self.ast.tables[id.0 as usize];
        if length == 0 {
            let target = self.take(destination)?;
            self.emit(Opcode::new_table, &[target.into(), 0, 0])?;
            self.position = position;
            return Ok(target);
        }
        // The table is complete before anything else may see it.
        let mark = self.function.free;
        let table = self.reserve(1)?;
        let (elements, fields) = self.table_size(first, length);
        let limit = |count: u32| i64::from(count.min(u16::MAX.into()));
        self.emit(Opcode::new_table, &[table.into(), limit(elements), limit(fields)])?;
        self.fill_table(table, first, length, position)?;
        self.function.free = mark;
        self.put(Operand::Register(table), destination)
    }

    /// How many elements and fields a constructor is known to have.
    fn table_size(&self, first: u32, length: u32) -> (u32, u32) {
        let fields = &self.ast.fields[first as usize..(first + length) as usize];
        let mut elements = fields.iter().filter(|field| matches!(field.key, FieldKey::Positional)).count() as u32;
        let others = length - elements;
        if let Some(&Field { key: FieldKey::Positional, value }) = fields.last()
            && self.ast.is_multiple(value)
        {
            elements -= 1;
        }
        (elements, others)
    }

    fn fill_table(&mut self, table: u8, first: u32, length: u32, position: u32) -> Done {
        let mut stored = 0;
        let mut waiting = 0;
        for number in first..first + length {
            if waiting == BATCH {
                self.store_elements(table, stored, waiting)?;
                stored += waiting;
                waiting = 0;
            }
            let Field { key, value } = self.ast.fields[number as usize];
            match key {
                FieldKey::Positional if number + 1 == first + length && self.ast.is_multiple(value) => {
                    self.multiple(value, Results::Open)?;
                    self.position = position;
                    let index = i64::from(stored) + 1;
                    return self.emit(Opcode::set_list_open, &[table.into(), index]).map(drop);
                }
                FieldKey::Positional => {
                    self.next(value)?;
                    waiting += 1;
                }
                FieldKey::Name(name) => self.field(table, Key::Field(name), value)?,
                FieldKey::Expression(key) => {
                    let mark = self.function.free;
                    let key = self.key(key)?;
                    self.field(table, key, value)?;
                    self.function.free = mark;
                }
            }
        }
        self.position = position;
        if waiting > 0 {
            self.store_elements(table, stored, waiting)?;
        }
        Ok(())
    }

    fn field(&mut self, table: u8, key: Key, value: ExpressionId) -> Done {
        let mark = self.function.free;
        let value = self.operand(self.term(value))?;
        match key {
            Key::Field(name) => self.initialize(table, name, value)?,
            _ => self.set(Object::Operand(Operand::Register(table)), key, value)?,
        }
        self.function.free = mark;
        Ok(())
    }

    /// Stores the elements that wait in registers above the table.
    fn store_elements(&mut self, table: u8, stored: u32, count: u32) -> Done {
        self.emit(Opcode::set_list, &[table.into(), count.into(), i64::from(stored) + 1])?;
        self.function.free = u32::from(table) + 1;
        Ok(())
    }
}
