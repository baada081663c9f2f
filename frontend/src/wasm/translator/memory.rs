//! Memories, globals and tables.

use super::{
    Translator,
    registers::{number, operand, reference},
    stack::Source,
};
use lunette_bytecode::typed::{
    function::GlobalKind,
    instruction::{Field, Opcode},
};
use wasmparser::{MemArg, MemArgTarget};

/// The memory that an instruction works on.
fn memory(at: MemArg) -> u32 {
    match at.target {
        MemArgTarget::Memory(memory) => memory,
        // Of a proposal that is not enabled.
        MemArgTarget::Array(_) => 0,
    }
}

impl Translator<'_> {
    /// A load of a value of this kind.
    pub(super) fn load_memory(&mut self, opcode: Opcode, kind: GlobalKind, at: MemArg) {
        let (address, offset) = self.pop_address(at);
        let home = self.push_home(kind);
        self.access(opcode, operand(kind, home), address, offset, at);
    }

    /// A store.
    pub(super) fn store_memory(&mut self, opcode: Opcode, at: MemArg) {
        let value = self.stack.pop();
        // Only loads that sign-extend look at more than the low bits of what is stored.
        let a = match opcode {
            Opcode::store_8 | Opcode::store_16 | Opcode::store_32 => self.low_register(value),
            _ => self.register(value),
        };
        let (address, offset) = self.pop_address(at);
        self.access(opcode, operand(value.kind, a), address, offset, at);
    }

    /// A load of one lane of a vector.
    pub(super) fn load_lane(&mut self, opcode: Opcode, at: MemArg, lane: u8) {
        let vector = self.pop();
        let (address, offset) = self.pop_address(at);
        let home = self.push_home(GlobalKind::Vector);
        self.enter_memory(at);
        self.code.abc(opcode, number(home), number(address), offset);
        self.code.quarters([vector, lane.into(), 0, 0]);
        self.leave_memory(at);
    }

    /// A store of one lane of a vector.
    pub(super) fn store_lane(&mut self, opcode: Opcode, at: MemArg, lane: u8) {
        let vector = self.pop();
        let (address, offset) = self.pop_address(at);
        self.enter_memory(at);
        self.code.abc(opcode, vector, number(address), offset);
        self.code.quarters([lane.into(), 0, 0, 0]);
        self.leave_memory(at);
    }

    /// Pops an address; its register, and the offset that is left to add to it.
    fn pop_address(&mut self, at: MemArg) -> (u32, u16) {
        let entry = self.stack.pop();
        if let Source::Constant(bits) = entry.source
            && let Some(sum) = bits.checked_add(at.offset)
        {
            self.load(entry.home, sum);
            return (entry.home, 0);
        }
        let register = self.register(entry);
        if let Ok(offset) = u16::try_from(at.offset) {
            return (register, offset);
        }
        self.code.abc(Opcode::add_offset, number(entry.home), number(register), 0);
        self.code.literal(at.offset);
        (entry.home, 0)
    }

    /// An access of one word.
    fn access(&mut self, opcode: Opcode, a: u16, address: u32, offset: u16, at: MemArg) {
        self.enter_memory(at);
        self.code.abc(opcode, a, number(address), offset);
        self.leave_memory(at);
    }

    fn enter_memory(&mut self, at: MemArg) {
        if memory(at) != 0 {
            self.code.ad(Opcode::use_memory, 0, memory(at));
        }
    }

    fn leave_memory(&mut self, at: MemArg) {
        if memory(at) != 0 {
            self.code.ad(Opcode::use_memory, 0, 0);
        }
    }

    /// An instruction with a result in a number register and what it names in operand d.
    pub(super) fn get(&mut self, opcode: Opcode, kind: GlobalKind, named: u32) {
        let home = self.push_home(kind);
        self.code.ad(opcode, operand(kind, home), named);
    }

    /// `memory.grow`
    pub(super) fn grow_memory(&mut self, memory: u32) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(Opcode::memory_grow, number(home), b, 0);
        self.code.halves(memory, 0);
    }

    /// An instruction with three operands and no result, that names one or two things.
    pub(super) fn bulk(&mut self, opcode: Opcode, l: u32, m: u32) {
        let entries = [self.stack.pop(), self.stack.pop(), self.stack.pop()];
        let [c, b, a] = entries.map(|entry| operand(entry.kind, self.register(entry)));
        self.code.abc(opcode, a, b, c);
        debug_assert!(m == 0 || opcode.entry().operand(Field::M).is_some());
        self.code.halves(l, m);
    }

    /// `global.get`
    pub(super) fn get_global(&mut self, global: u32) {
        let kind = self.global_kind(global);
        let opcode = match kind {
            GlobalKind::Number if global < self.surroundings.imported_globals => Opcode::get_imported_global,
            GlobalKind::Number => Opcode::get_global,
            GlobalKind::Vector => Opcode::get_global_vector,
            GlobalKind::Reference => Opcode::get_global_reference,
        };
        self.get(opcode, kind, global);
    }

    /// `global.set`
    pub(super) fn set_global(&mut self, global: u32) {
        let opcode = match self.global_kind(global) {
            GlobalKind::Number if global < self.surroundings.imported_globals => Opcode::set_imported_global,
            GlobalKind::Number => Opcode::set_global,
            GlobalKind::Vector => Opcode::set_global_vector,
            GlobalKind::Reference => Opcode::set_global_reference,
        };
        let a = self.pop();
        self.code.ad(opcode, a, global);
    }

    fn global_kind(&self, global: u32) -> GlobalKind {
        self.surroundings.globals.get(global as usize).copied().unwrap_or(GlobalKind::Number)
    }

    /// `table.get`
    pub(super) fn get_table(&mut self, table: u32) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Reference);
        self.code.abc(Opcode::table_get, reference(home), b, 0);
        self.code.halves(table, 0);
    }

    /// `table.set`
    pub(super) fn set_table(&mut self, table: u32) {
        let b = self.pop();
        let a = self.pop();
        self.code.abc(Opcode::table_set, a, b, 0);
        self.code.halves(table, 0);
    }

    /// `table.grow`
    pub(super) fn grow_table(&mut self, table: u32) {
        let c = self.pop();
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(Opcode::table_grow, number(home), b, c);
        self.code.halves(table, 0);
    }

    /// `ref.null`
    pub(super) fn null(&mut self) {
        self.get(Opcode::reference_null, GlobalKind::Reference, 0);
    }

    /// `ref.is_null`
    pub(super) fn is_null(&mut self) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(Opcode::reference_is_null, number(home), b, 0);
    }

    /// `ref.eq`
    pub(super) fn are_same(&mut self) {
        let c = self.pop();
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(Opcode::reference_equal, number(home), b, c);
    }

    /// `ref.as_non_null`
    pub(super) fn check_non_null(&mut self) {
        let &[entry] = self.stack.top(1) else { return };
        let register = self.register(entry);
        self.code.abc(Opcode::reference_as_non_null, reference(register), 0, 0);
    }
}
