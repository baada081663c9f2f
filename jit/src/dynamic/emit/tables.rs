//! Elements of tables, and variables of closures.

use super::{Emitter, arrays::Array, of_content, of_object};
use crate::dynamic::{kinds::Kind, operands::Operands};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::layout::{self, tag};

impl Emitter<'_, '_, '_> {
    /// Where it goes on that something cannot be read here: if its kind is expected, it is unexpected.
    pub(super) fn otherwise(&mut self, loaded: Kind) -> Block {
        if loaded == Kind::Any { self.slow() } else { self.unexpected() }
    }

    /// Looks whether the table and the key that an instruction accesses are what they are taken for, if they are: behind it that is
    /// known, however it is done.
    pub(super) fn settle(&mut self, instruction: usize, table: usize, key: Option<usize>) {
        let kinds = self.kinds_held();
        if !self.code.is_table(instruction, table, 0, &kinds) {
            return;
        }
        let key = key.filter(|&key| self.code.is_integer(instruction, key, 1, &kinds));
        for (register, kind) in [(Some(table), Kind::Table), (key, Kind::Integer)] {
            if let Some(register) = register.filter(|&register| self.held[register].kind != kind) {
                let unexpected = self.unexpected();
                self.guard(register, kind, unexpected);
            }
        }
        self.outside.settle(&self.held);
    }

    /// Ends the reading of a value for register `to`.
    pub(super) fn write_value(&mut self, to: usize, loaded: Kind, tag: Value, payload: Value, otherwise: Block) {
        if loaded == Kind::Any {
            return self.write_any(to, tag, payload);
        }
        self.go_if_not(tag, loaded.tag().unwrap_or_default(), otherwise);
        self.write_loaded(to, loaded, payload);
    }

    /// The address of a table in a register.
    pub(super) fn table(&mut self, register: usize, otherwise: Block) -> Value {
        if self.held[register].kind != Kind::Table {
            self.guard(register, Kind::Table, otherwise);
        }
        let table = self.read(register);
        self.object(table)
    }

    pub(super) fn emit_length(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        self.settle(instruction, word.b(), None);
        let kinds = self.kinds_held();
        if !self.code.is_length(instruction, &kinds) {
            return self.perform_here();
        }
        let register = word.b();
        let unexpected = self.unexpected();
        let is_string =
            self.held[register].kind == Kind::Any && self.code.seen(instruction, 0).only() == Some(tag::STRING);
        let length = if is_string {
            let (found, payload) = (self.tag_of(register), self.payload_of(register));
            self.go_if_not(found, tag::STRING, unexpected);
            let string = self.object(payload);
            self.builder.ins().uload32(of_object(), string, layout::STRING_LENGTH)
        } else {
            let table = self.table(register, unexpected);
            let metatable = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_METATABLE);
            self.go_if(metatable, unexpected);
            self.builder.ins().uload32(of_object(), table, layout::TABLE_LENGTH)
        };
        self.write(word.a(), Kind::Integer, length);
    }

    /// The addresses of payload and tag of an element of a table; if it is not in use, to a block.
    pub(super) fn element(&mut self, array: Array, index: Value, otherwise: Block) -> (Value, Value) {
        let is_outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, array.length);
        self.go_if(is_outside, otherwise);
        self.element_place(array, index)
    }

    pub(super) fn element_place(&mut self, array: Array, index: Value) -> (Value, Value) {
        let distance = self.builder.ins().ishl_imm_u(index, 3);
        let payload = self.builder.ins().iadd(array.payloads, distance);
        (payload, self.builder.ins().iadd(array.tags, index))
    }

    /// The address of a table's array part, and for how many elements it has room; if there is none, to a block.
    pub(super) fn array(&mut self, table: Value, otherwise: Block) -> (Value, Value) {
        let array = self.builder.ins().uload32(of_object(), table, layout::TABLE_ARRAY);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, array, 0);
        self.go_if(is_none, otherwise);
        let array = self.object(array);
        (array, self.builder.ins().uload32(of_object(), array, layout::ARRAY_LENGTH))
    }

    /// The number of an element, from 0 on, from the key of an instruction: a register, or a number.
    fn index(&mut self, register: Option<usize>, number: usize, otherwise: Block) -> Value {
        match register {
            Some(register) => {
                if self.held[register].kind != Kind::Integer {
                    self.guard(register, Kind::Integer, otherwise);
                }
                let key = self.read(register);
                self.builder.ins().iadd_imm_s(key, -1)
            }
            None => self.builder.ins().iconst(types::I64, number as i64 - 1),
        }
    }

    pub(super) fn emit_get_index(&mut self, block: usize, instruction: usize) {
        let word = self.code.word(instruction);
        let key = (word.opcode() == Opcode::get_index).then(|| word.c());
        self.settle(instruction, word.b(), key);
        let kinds = self.kinds_held();
        let is_inline = self.code.may_be_table(instruction, word.b(), 0, &kinds)
            && key.is_none_or(|key| self.code.is_integer_key(instruction, key, &kinds));
        if !is_inline {
            let is_table = self.code.may_be_table(instruction, word.b(), 0, &kinds);
            return if is_table { self.emit_find_element(instruction) } else { self.perform_here() };
        }
        let loaded = self.code.loaded(block, instruction, word.a());
        let otherwise = self.otherwise(loaded);
        let table = self.table(word.b(), otherwise);
        let index = self.index(key, word.c_count(), otherwise);
        let array = self.array_of(word.b(), table);
        let (place, tag_place) = self.element(array, index, otherwise);
        let found = self.builder.ins().uload8(types::I32, of_content(), tag_place, 0);
        let payload = if loaded == Kind::Any {
            let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
            self.go_if(is_nil, otherwise);
            self.element_payload(found, place)
        } else {
            self.builder.ins().load(types::I64, of_content(), place, layout::ARRAY_PAYLOADS)
        };
        self.write_value(word.a(), loaded, found, payload, otherwise);
    }

    /// The payload of an element with this tag. Booleans have none in arrays: that is not even looked at, as it may never have been
    /// touched.
    pub(super) fn element_payload(&mut self, found: Value, place: Value) -> Value {
        let is_boolean = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, found, i64::from(tag::TRUE));
        let [whole, join] = core::array::from_fn(|_| self.builder.create_block());
        let payload = self.builder.append_block_param(join, types::I64);
        let nothing = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().brif(is_boolean, join, [nothing.into()].as_ref(), whole, []);
        self.seal(whole);
        self.builder.switch_to_block(whole);
        let read = self.builder.ins().load(types::I64, of_content(), place, layout::ARRAY_PAYLOADS);
        self.builder.ins().jump(join, [read.into()].as_ref());
        self.seal(join);
        self.builder.switch_to_block(join);
        payload
    }

    /// Whether the collector wants to know that something is stored into an object, then to a block.
    pub(super) fn check_barrier(&mut self, object: Value, value_tag: Value, is_plain: bool, slow: Block) {
        if is_plain {
            return;
        }
        let is_reference =
            self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, value_tag, i64::from(tag::STRING));
        let bits = self.builder.ins().uload8(types::I32, of_object(), object, layout::BARRIER);
        let bit = self.builder.ins().band_imm_s(bits, layout::BARRIER_BIT);
        let is_wanted = self.builder.ins().icmp_imm_s(IntCC::NotEqual, bit, 0);
        let is_wanted = self.builder.ins().band(is_reference, is_wanted);
        self.go_if(is_wanted, slow);
    }

    /// What a register has, as it is stored somewhere else: tag, payload, and whether it is known to be neither
    /// nil nor a reference.
    pub(super) fn value(&mut self, register: usize) -> (Value, Value, bool) {
        let found = self.tag_of(register);
        let is_plain = self.constant_tag(found).is_some_and(|found| (tag::FALSE..tag::STRING).contains(&found));
        (found, self.payload_of(register), is_plain)
    }

    pub(super) fn emit_set_index(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let key = (word.opcode() == Opcode::set_index).then(|| word.b());
        self.settle(instruction, word.a(), key);
        let kinds = self.kinds_held();
        let is_inline = self.code.may_be_table(instruction, word.a(), 0, &kinds)
            && key.is_none_or(|key| self.code.is_integer_key(instruction, key, &kinds));
        if !is_inline {
            return self.perform_here();
        }
        let slow = self.slow();
        let table = self.table(word.a(), slow);
        let index = self.index(key, word.b_count(), slow);
        let (value_tag, payload, is_plain) = self.value(word.c());
        if !is_plain {
            let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, value_tag, i64::from(tag::NIL));
            self.go_if(is_nil, slow);
        }
        self.check_barrier(table, value_tag, is_plain, slow);
        let array = self.array_of(word.a(), table);
        let [inside, outside, join] = core::array::from_fn(|_| self.builder.create_block());
        let is_inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, array.length);
        self.builder.ins().brif(is_inside, inside, [], outside, []);
        self.seal(inside);
        self.seal(outside);
        self.builder.switch_to_block(inside);
        // A nil element may be one that a metamethod wants.
        let places = self.element_place(array, index);
        let found = self.builder.ins().uload8(types::I32, of_content(), places.1, 0);
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
        self.go_if(is_nil, slow);
        self.store_element(places, value_tag, payload);
        self.builder.ins().jump(join, []);
        self.builder.switch_to_block(outside);
        // One more element, for which there is room.
        let length = self.builder.ins().uload32(of_object(), table, layout::TABLE_LENGTH);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, index, length);
        self.go_if(is_other, slow);
        self.check_room_for_element(table, length, slow);
        self.append_element(table, array, length, value_tag, payload);
        self.builder.ins().jump(join, []);
        self.seal(join);
        self.builder.switch_to_block(join);
    }

    /// Whether a table without metamethods has room in its array part for an element behind the last; if not, to a block.
    pub(super) fn check_room_for_element(&mut self, table: Value, length: Value, slow: Block) {
        let metatable = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_METATABLE);
        let hash = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_HASH);
        let either = self.builder.ins().bor(metatable, hash);
        self.go_if(either, slow);
        let (_, room) = self.array(table, slow);
        let is_full = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, length, room);
        self.go_if(is_full, slow);
    }

    /// Adds an element, for which there is room.
    pub(super) fn append_element(
        &mut self,
        table: Value,
        array: Array,
        length: Value,
        value_tag: Value,
        payload: Value,
    ) {
        let places = self.element_place(array, length);
        let longer = self.builder.ins().iadd_imm_s(length, 1);
        self.builder.ins().istore32(of_object(), longer, table, layout::TABLE_LENGTH);
        self.take_lengths();
        self.store_element(places, value_tag, payload);
    }

    /// Stores an element, where its payload and its tag are.
    fn store_element(&mut self, (place, tag_place): (Value, Value), value_tag: Value, payload: Value) {
        self.builder.ins().istore8(of_content(), value_tag, tag_place, 0);
        // Booleans have no payload there.
        if self.constant_tag(value_tag).is_none_or(|found| found > tag::TRUE) {
            self.builder.ins().store(of_content(), payload, place, layout::ARRAY_PAYLOADS);
        }
    }

    /// The tag and the payload in a slot.
    pub(super) fn load(&mut self, slot: Value, offset: i32) -> (Value, Value) {
        let found = self.builder.ins().load(types::I32, of_content(), slot, offset + layout::TAG);
        (found, self.builder.ins().load(types::I64, of_content(), slot, offset))
    }

    /// Stores a value into a slot of an object.
    pub(super) fn store_value(
        &mut self,
        object: Value,
        slot: Value,
        offset: i32,
        value: (Value, Value, bool),
        slow: Block,
    ) {
        let (value_tag, payload, is_plain) = value;
        self.check_barrier(object, value_tag, is_plain, slow);
        self.builder.ins().store(of_content(), payload, slot, offset);
        self.builder.ins().store(of_content(), value_tag, slot, offset + layout::TAG);
    }

    /// The address of the running closure.
    pub(super) fn closure(&mut self) -> Value {
        let closure = match self.closures[self.code.body_number(self.outside.instruction)] {
            Some(closure) => closure,
            None => self.builder.ins().load(types::I64, super::fixed(), self.base, layout::FUNCTION),
        };
        self.object(closure)
    }

    /// The address of the cell of one of the function's variables.
    pub(super) fn upvalue(&mut self, number: usize) -> Value {
        let closure = self.closure();
        let cell = self.builder.ins().uload32(of_object(), closure, layout::CLOSURE_CELLS + 4 * number as i32);
        self.object(cell)
    }

    /// The address of the cell in a register.
    fn cell(&mut self, register: usize, otherwise: Block) -> Value {
        let (found, payload) = (self.tag_of(register), self.payload_of(register));
        self.go_if_not(found, tag::CELL, otherwise);
        self.object(payload)
    }

    pub(super) fn emit_get_variable(&mut self, block: usize, instruction: usize) {
        let word = self.code.word(instruction);
        let loaded = self.code.loaded(block, instruction, word.a());
        let (cell, otherwise) = match word.opcode() {
            Opcode::get_upvalue => {
                let otherwise = if loaded == Kind::Any { None } else { Some(self.unexpected()) };
                (self.upvalue(word.b_count()), otherwise)
            }
            _ => {
                let otherwise = self.otherwise(loaded);
                (self.cell(word.b(), otherwise), Some(otherwise))
            }
        };
        let (found, payload) = self.load(cell, layout::CELL_VALUE);
        match otherwise {
            Some(otherwise) => self.write_value(word.a(), loaded, found, payload, otherwise),
            None => self.write_any(word.a(), found, payload),
        }
    }

    pub(super) fn emit_set_variable(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let slow = self.slow();
        let (cell, value) = match word.opcode() {
            Opcode::set_upvalue => (self.upvalue(word.b_count()), word.a()),
            _ => (self.cell(word.a(), slow), word.b()),
        };
        let value = self.value(value);
        self.store_value(cell, cell, layout::CELL_VALUE, value, slow);
    }
}
