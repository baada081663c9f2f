//! Array parts of tables: where they are held in a loop ([`crate::dynamic::arrays`]), and otherwise.

use super::{Emitter, of_object};
use crate::dynamic::kinds::Kind;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::Variable;
use lunette_interpreter::machine_code::layout;

/// An array part: the address of the array and that of the tags, and how many elements are in use.
#[derive(Clone, Copy)]
pub(super) struct Array<T = Value> {
    pub payloads: T,
    pub tags: T,
    pub length: T,
}

impl Emitter<'_, '_, '_> {
    /// The array part of the table in a register, whose address is given.
    pub(super) fn array_of(&mut self, register: usize, table: Value) -> Array {
        match self.held_array(register) {
            Some(Array { payloads, tags, length }) => {
                let [payloads, tags, length] = [payloads, tags, length].map(|part| self.builder.use_var(part));
                Array { payloads, tags, length }
            }
            None => self.array_in(table),
        }
    }

    /// The array part of a table.
    pub(super) fn array_in(&mut self, table: Value) -> Array {
        Array {
            length: self.builder.ins().uload32(of_object(), table, layout::TABLE_LENGTH),
            payloads: self.referred(table, layout::TABLE_ARRAY),
            tags: self.referred(table, layout::TABLE_TAGS),
        }
    }

    /// Where the array part of a register's table is held, if it is in the present loop.
    fn held_array(&mut self, register: usize) -> Option<Array<Variable>> {
        let number = self.present_loop?;
        let is_held = self.arrays.tables(number).contains(&register) && self.held[register].kind == Kind::Table;
        is_held.then(|| self.array_variables(number, register))
    }

    fn array_variables(&mut self, number: usize, register: usize) -> Array<Variable> {
        let builder = &mut self.builder;
        *self.array_variables.entry((number, register)).or_insert_with(|| {
            let [payloads, tags, length] = core::array::from_fn(|_| builder.declare_var(types::I64));
            Array { payloads, tags, length }
        })
    }

    /// Looks up what the present loop holds, behind what may have changed it.
    pub(super) fn take_arrays(&mut self) {
        if let Some(number) = self.present_loop {
            self.look_up_arrays(number);
        }
    }

    /// Looks up what a loop holds. Where a register has no table, no element is in use.
    pub(super) fn look_up_arrays(&mut self, number: usize) {
        for place in 0..self.arrays.tables(number).len() {
            let register = self.arrays.tables(number)[place];
            let variables = self.array_variables(number, register);
            let array = match self.held[register].kind {
                Kind::Table => {
                    let table = self.read(register);
                    let table = self.object(table);
                    self.array_in(table)
                }
                _ => {
                    let nothing = self.builder.ins().iconst(types::I64, 0);
                    Array { payloads: nothing, tags: nothing, length: nothing }
                }
            };
            self.builder.def_var(variables.payloads, array.payloads);
            self.builder.def_var(variables.tags, array.tags);
            self.builder.def_var(variables.length, array.length);
        }
    }

    /// An element was added to some table: it may be one that is held.
    pub(super) fn take_lengths(&mut self) {
        let Some(number) = self.present_loop else { return };
        for place in 0..self.arrays.tables(number).len() {
            let register = self.arrays.tables(number)[place];
            if self.held[register].kind == Kind::Table {
                let table = self.read(register);
                let table = self.object(table);
                let length = self.builder.ins().uload32(of_object(), table, layout::TABLE_LENGTH);
                let variables = self.array_variables(number, register);
                self.builder.def_var(variables.length, length);
            }
        }
    }
}
