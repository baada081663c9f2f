//! Structures, arrays, and the types of references.

use super::{
    Translator, WasmError,
    calls::sizes,
    condition::Condition,
    registers::{number, operand, reference},
    types::heap_type,
};
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers},
    instruction::Opcode,
    layout::{Field, Storage},
};
use wasmparser::HeapType;

/// The instruction for what a field or an element takes.
fn by_storage(storage: Storage, opcodes: [Opcode; 7]) -> Opcode {
    opcodes[storage as usize]
}

impl Translator<'_> {
    fn field(&self, kind: u32, field: u32) -> Field {
        let layout = self.surroundings.structures.get(kind as usize).and_then(Option::as_ref);
        let field = layout.and_then(|layout| layout.fields.get(field as usize)).copied();
        field.unwrap_or(Field { offset: 0, storage: Storage::Reference })
    }

    fn element(&self, kind: u32) -> Storage {
        self.surroundings.arrays.get(kind as usize).copied().flatten().unwrap_or(Storage::Reference)
    }

    /// Makes an object of the top values.
    fn new_object(&mut self, opcode: Opcode, kind: u32, count: usize, values: Registers) {
        self.send_arguments(count);
        let next = self.next_below(self.stack.height().saturating_sub(count));
        let (words, g, h) = sizes(values);
        self.code.abc(opcode, reference(next.references), 0, words);
        self.code.halves(kind, u32::from(g) | u32::from(h) << 16);
        self.list(count);
        self.drop_top(count);
        self.push_home(GlobalKind::Reference);
    }

    /// `struct.new`
    pub(super) fn new_structure(&mut self, kind: u32) {
        let Some(Some(layout)) = self.surroundings.structures.get(kind as usize) else { return };
        self.new_object(Opcode::structure_new, kind, layout.fields.len(), layout.registers);
    }

    /// `struct.get`, `struct.get_u` and, if it `is_signed`, `struct.get_s`.
    pub(super) fn get_field(&mut self, kind: u32, number: u32, is_signed: bool) {
        let field = self.field(kind, number);
        let byte = if is_signed { Opcode::structure_get_8_signed } else { Opcode::structure_get_8 };
        let half = if is_signed { Opcode::structure_get_16_signed } else { Opcode::structure_get_16 };
        let opcodes = [
            byte,
            half,
            Opcode::structure_get_32,
            Opcode::structure_get_64,
            Opcode::structure_get_vector,
            Opcode::structure_get_reference,
            Opcode::structure_get_object,
        ];
        let b = self.pop();
        let home = self.push_home(field.storage.kind());
        let a = operand(field.storage.kind(), home);
        self.code.abc(by_storage(field.storage, opcodes), a, b, number as u16);
        self.code.halves(kind, field.offset);
    }

    /// `struct.set`
    pub(super) fn set_field(&mut self, kind: u32, number: u32) {
        let field = self.field(kind, number);
        let opcodes = [
            Opcode::structure_set_8,
            Opcode::structure_set_16,
            Opcode::structure_set_32,
            Opcode::structure_set_64,
            Opcode::structure_set_vector,
            Opcode::structure_set_reference,
            Opcode::structure_set_object,
        ];
        let b = self.pop();
        let a = self.pop();
        self.code.abc(by_storage(field.storage, opcodes), a, b, number as u16);
        self.code.halves(kind, field.offset);
    }

    /// `array.new`
    pub(super) fn new_array(&mut self, kind: u32) {
        let opcode = match self.element(kind).kind() {
            GlobalKind::Number => Opcode::array_new,
            GlobalKind::Vector => Opcode::array_new_vector,
            GlobalKind::Reference => Opcode::array_new_reference,
        };
        self.new_array_from(opcode, kind, 0);
    }

    /// `array.new_data`, `array.new_elem` and `array.new`: of two operands.
    pub(super) fn new_array_from(&mut self, opcode: Opcode, kind: u32, segment: u32) {
        let c = self.pop();
        let b = self.pop();
        let home = self.push_home(GlobalKind::Reference);
        self.code.abc(opcode, reference(home), b, c);
        self.code.halves(kind, segment);
    }

    /// `array.new_default`
    pub(super) fn new_default_array(&mut self, kind: u32) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Reference);
        self.code.abc(Opcode::array_new_default, reference(home), b, 0);
        self.code.halves(kind, 0);
    }

    /// `array.new_fixed`
    pub(super) fn new_fixed_array(&mut self, kind: u32, count: u32) {
        let values = match self.element(kind).kind() {
            GlobalKind::Number => Registers { numbers: count, references: 0 },
            GlobalKind::Vector => Registers { numbers: 2 * count, references: 0 },
            GlobalKind::Reference => Registers { numbers: 0, references: count },
        };
        self.new_object(Opcode::array_new_fixed, kind, count as usize, values);
    }

    /// `array.get`, `array.get_u` and, if it `is_signed`, `array.get_s`.
    pub(super) fn get_element(&mut self, kind: u32, is_signed: bool) {
        let storage = self.element(kind);
        let byte = if is_signed { Opcode::array_get_8_signed } else { Opcode::array_get_8 };
        let half = if is_signed { Opcode::array_get_16_signed } else { Opcode::array_get_16 };
        let opcodes = [
            byte,
            half,
            Opcode::array_get_32,
            Opcode::array_get_64,
            Opcode::array_get_vector,
            Opcode::array_get_reference,
            Opcode::array_get_object,
        ];
        let c = self.pop();
        let b = self.pop();
        let home = self.push_home(storage.kind());
        self.code.abc(by_storage(storage, opcodes), operand(storage.kind(), home), b, c);
    }

    /// `array.set`
    pub(super) fn set_element(&mut self, kind: u32) {
        let opcodes = [
            Opcode::array_set_8,
            Opcode::array_set_16,
            Opcode::array_set_32,
            Opcode::array_set_64,
            Opcode::array_set_vector,
            Opcode::array_set_reference,
            Opcode::array_set_object,
        ];
        let opcode = by_storage(self.element(kind), opcodes);
        let [c, b, a] = [self.pop(), self.pop(), self.pop()];
        self.code.abc(opcode, a, b, c);
    }

    /// `array.fill`
    pub(super) fn fill_array(&mut self, kind: u32) {
        let opcode = match self.element(kind).kind() {
            GlobalKind::Number => Opcode::array_fill,
            GlobalKind::Vector => Opcode::array_fill_vector,
            GlobalKind::Reference => Opcode::array_fill_reference,
        };
        self.initialize_array(opcode, 0);
    }

    /// `array.init_data`, `array.init_elem` and `array.fill`: of four operands.
    pub(super) fn initialize_array(&mut self, opcode: Opcode, segment: u32) {
        let [e, c, b, a] = [self.pop(), self.pop(), self.pop(), self.pop()];
        self.code.abc(opcode, a, b, c);
        self.code.halves(e.into(), segment);
    }

    /// `array.copy`
    pub(super) fn copy_array(&mut self) {
        let [f, e, c, b, a] = [self.pop(), self.pop(), self.pop(), self.pop(), self.pop()];
        self.code.abc(Opcode::array_copy, a, b, c);
        self.code.quarters([e, f, 0, 0]);
    }

    /// An operation with a reference that gives a number.
    pub(super) fn number_of_reference(&mut self, opcode: Opcode) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(opcode, number(home), b, 0);
    }

    /// `ref.i31`
    pub(super) fn new_i31(&mut self) {
        let entry = self.stack.pop();
        let b = number(self.low_register(entry));
        let home = self.push_home(GlobalKind::Reference);
        self.code.abc(Opcode::reference_i31, reference(home), b, 0);
    }

    /// `ref.test`
    pub(super) fn test_type(&mut self, heap: HeapType, or_null: bool, offset: u64) -> Result<(), WasmError> {
        let heap = encode(heap, offset)?;
        self.number_of_reference(Opcode::reference_test);
        self.code.halves(heap, or_null.into());
        Ok(())
    }

    /// `ref.cast`
    pub(super) fn cast(&mut self, heap: HeapType, or_null: bool, offset: u64) -> Result<(), WasmError> {
        let heap = encode(heap, offset)?;
        let &[entry] = self.stack.top(1) else { return Ok(()) };
        let register = self.register(entry);
        self.code.abc(Opcode::reference_cast, reference(register), 0, 0);
        self.code.halves(heap, or_null.into());
        Ok(())
    }

    /// `br_on_cast` and, if it `branches_on_failure`, `br_on_cast_fail`.
    pub(super) fn branch_on_cast(
        &mut self,
        depth: u32,
        to: wasmparser::RefType,
        branches_on_failure: bool,
        offset: u64,
    ) -> Result<(), WasmError> {
        let heap = encode(to.heap_type(), offset)?;
        let &[entry] = self.stack.top(1) else { return Ok(()) };
        let register = self.register(entry);
        let literal = u64::from(heap) | u64::from(to.is_nullable()) << 32;
        let condition = Condition::is_type(register, literal, self.stack.next().numbers);
        self.branch_on(if branches_on_failure { condition.negated() } else { condition }, depth);
        Ok(())
    }
}

/// The operand for a heap type.
fn encode(heap: HeapType, offset: u64) -> Result<u32, WasmError> {
    heap_type(heap).map(|heap| heap.encode()).ok_or(WasmError::Unsupported { offset, what: "heap type" })
}
