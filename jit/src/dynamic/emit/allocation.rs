//! Objects that are made in line: tables with what their constructors give them, closures and cells.
//!
//! ```text
//!   hole:    ... | table | fields, if any | array part, if any | ...
//!                ^ cursor before                                ^ cursor after
//! ```
//!
//! They are cut off the hole as the collector's allocator does it; where the hole is too small for them, the instruction is
//! performed.

use super::{Emitter, of_content, of_object};
use crate::dynamic::{kinds::Kind, operands::Operands};
use alloc::vec::Vec;
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::module::Capture;
use lunette_interpreter::machine_code::layout::{self, tag};

/// A table has so many fields and elements at most to be made in line.
const MOST_PARTS: usize = 8;
/// And a closure so many variables.
const MOST_CAPTURES: usize = 16;
/// Up to this key constructors fill the array part in line: offsets have 32 bits.
const LAST_KEY: usize = 1 << 16;

/// A new object, or a part of what was allocated.
#[derive(Clone, Copy)]
struct New {
    /// Its address.
    address: Value,
    /// Its reference, 64 bits.
    reference: Value,
}

impl Emitter<'_, '_, '_> {
    /// Takes bytes from the hole, a multiple of the unit of references; if there are not as many, to a block.
    fn allocate(&mut self, bytes: usize, slow: Block) -> New {
        let start = self.builder.ins().load(types::I64, of_object(), self.region, layout::HOLE_CURSOR);
        let end = self.builder.ins().iadd_imm_s(start, bytes as i64);
        let limit = self.builder.ins().load(types::I64, of_object(), self.region, layout::HOLE_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.go_if(is_over, slow);
        self.builder.ins().store(of_object(), end, self.region, layout::HOLE_CURSOR);
        let address = self.builder.ins().iadd(self.region, start);
        New { address, reference: self.builder.ins().ushr_imm_u(start, layout::REFERENCE_SHIFT) }
    }

    /// What lies so many bytes behind the beginning of what was allocated.
    fn part(&mut self, of: New, bytes: usize) -> New {
        New {
            address: self.builder.ins().iadd_imm_s(of.address, bytes as i64),
            reference: self.builder.ins().iadd_imm_s(of.reference, (bytes >> layout::REFERENCE_SHIFT) as i64),
        }
    }

    fn store_header(&mut self, of: New, header: i64, length: usize) {
        let header = self.builder.ins().iconst(types::I64, header | (length as i64) << 32);
        self.builder.ins().store(of_object(), header, of.address, 0);
    }

    /// Makes a table, with the parts that its constructor fills.
    pub(super) fn emit_new_table(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let (elements, fields) = (word.b_count(), word.c_count());
        if elements > MOST_PARTS || fields > MOST_PARTS {
            return self.perform_here();
        }
        let slow = self.slow();
        let fields_bytes = if fields == 0 { 0 } else { layout::ARRAY_PAYLOADS as usize + 16 * fields };
        // Payloads, and a byte for each tag.
        let payloads_bytes = layout::ARRAY_PAYLOADS as usize + 8 * elements;
        let array_bytes = if elements == 0 { 0 } else { payloads_bytes + 8 * elements.div_ceil(8) };
        let table = self.allocate(layout::TABLE_BYTES + fields_bytes + array_bytes, slow);
        self.store_header(table, layout::TABLE_HEADER, 0);
        let shape = self.builder.ins().load(types::I32, of_object(), self.region, layout::EMPTY_SHAPE);
        let nothing = self.builder.ins().iconst(types::I32, 0);
        let (mut slots, mut array, mut tags) = (nothing, nothing, nothing);
        if fields != 0 {
            let part = self.part(table, layout::TABLE_BYTES);
            self.store_header(part, layout::SLOTS_HEADER, fields);
            let nil = self.builder.ins().iconst(types::I64, 0);
            for place in 0..fields as i32 {
                let offset = layout::ARRAY_PAYLOADS + layout::SLOT_BYTES * place;
                self.builder.ins().store(of_content(), nil, part.address, offset);
                self.builder.ins().store(of_content(), nil, part.address, offset + layout::TAG);
            }
            slots = self.builder.ins().ireduce(types::I32, part.reference);
        }
        if elements != 0 {
            let part = self.part(table, layout::TABLE_BYTES + fields_bytes);
            self.store_header(part, layout::VALUES_HEADER, elements);
            let nil = self.builder.ins().iconst(types::I64, 0);
            for place in (payloads_bytes..array_bytes).step_by(8) {
                self.builder.ins().store(of_content(), nil, part.address, place as i32);
            }
            array = self.builder.ins().ireduce(types::I32, part.reference);
            tags = self.builder.ins().iadd_imm_s(array, (payloads_bytes >> layout::REFERENCE_SHIFT) as i64);
        }
        for (value, offset) in [
            (shape, layout::TABLE_SHAPE),
            (nothing, layout::TABLE_METATABLE),
            (slots, layout::TABLE_FIELDS),
            (array, layout::TABLE_ARRAY),
            (nothing, layout::TABLE_HASH),
            (nothing, layout::TABLE_LENGTH),
            (nothing, layout::TABLE_ABSENT),
            (tags, layout::TABLE_TAGS),
        ] {
            self.builder.ins().store(of_object(), value, table.address, offset);
        }
        self.write_as_any(word.a(), Kind::Table, table.reference);
    }

    /// Puts the values of a constructor into the array part of its table.
    pub(super) fn emit_set_list(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let count = word.k();
        // The first one has key 1, and so on.
        let first = match (word.d_count() as usize).checked_sub(1) {
            Some(first) if (1..=MOST_PARTS).contains(&count) && first + count <= LAST_KEY => first,
            _ => return self.perform_here(),
        };
        let slow = self.slow();
        let table = self.table(word.a(), slow);
        let length = self.builder.ins().uload32(of_object(), table, layout::TABLE_LENGTH);
        let is_longer = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, length, first as i64);
        self.go_if(is_longer, slow);
        let hash = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_HASH);
        self.go_if(hash, slow);
        let (array, room) = self.array(table, slow);
        let is_over = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, room, (first + count) as i64);
        self.go_if(is_over, slow);
        let bits = self.builder.ins().uload8(types::I32, of_object(), table, layout::BARRIER);
        let is_wanted = self.builder.ins().band_imm_s(bits, layout::BARRIER_BIT);
        self.go_if(is_wanted, slow);
        let (last, _, is_plain) = self.value(word.a() + count);
        if !is_plain {
            let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, last, i64::from(tag::NIL));
            self.go_if(is_nil, slow);
        }
        self.pay(count as i64, slow);
        let tags = self.referred(table, layout::TABLE_TAGS);
        for place in 0..count {
            let (value_tag, payload, _) = self.value(word.a() + 1 + place);
            let offset = layout::ARRAY_PAYLOADS + 8 * (first + place) as i32;
            self.builder.ins().store(of_content(), payload, array, offset);
            self.builder.ins().istore8(of_content(), value_tag, tags, (first + place) as i32);
        }
        let length = self.builder.ins().iconst(types::I32, (first + count) as i64);
        self.builder.ins().store(of_object(), length, table, layout::TABLE_LENGTH);
    }

    /// Makes a closure.
    pub(super) fn emit_closure(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let body = self.code.body_of(instruction);
        let Some(template) = body.unit.closures.get(&word.d_count()) else { return self.perform_here() };
        if template.captures.len() > MOST_CAPTURES {
            return self.perform_here();
        }
        let slow = self.slow();
        let mut cells = Vec::with_capacity(template.captures.len());
        for capture in &template.captures {
            let cell = match *capture {
                Capture::Register(register) => {
                    let register = body.offset + usize::from(register);
                    let (found, payload) = (self.tag_of(register), self.payload_of(register));
                    self.go_if_not(found, tag::CELL, slow);
                    self.builder.ins().ireduce(types::I32, payload)
                }
                Capture::Upvalue(number) => {
                    let closure = self.closure();
                    let offset = layout::CLOSURE_CELLS + 4 * i32::from(number);
                    let cell = self.builder.ins().load(types::I32, of_object(), closure, offset);
                    let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, cell, 0);
                    self.go_if(is_none, slow);
                    cell
                }
            };
            cells.push(cell);
        }
        let bytes = layout::CLOSURE_CELLS as usize + 4 * cells.len();
        let closure = self.allocate(bytes.next_multiple_of(1 << layout::REFERENCE_SHIFT), slow);
        self.store_header(closure, layout::CLOSURE_HEADER, 0);
        let prototype = self.builder.ins().iconst(types::I32, i64::from(template.prototype));
        let count = self.builder.ins().iconst(types::I32, cells.len() as i64);
        self.builder.ins().store(of_object(), prototype, closure.address, layout::CLOSURE_PROTOTYPE);
        self.builder.ins().store(of_object(), count, closure.address, layout::CLOSURE_COUNT);
        for (cell, offset) in cells.into_iter().zip((layout::CLOSURE_CELLS..).step_by(4)) {
            self.builder.ins().store(of_object(), cell, closure.address, offset);
        }
        let found = self.builder.ins().iconst(types::I32, i64::from(tag::CLOSURE));
        self.write_any(word.a(), found, closure.reference);
    }

    /// Puts a variable into a cell.
    pub(super) fn emit_new_cell(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let slow = self.slow();
        let (value_tag, payload, is_plain) = self.value(word.a());
        if !is_plain {
            let is_cell = self.builder.ins().icmp_imm_s(IntCC::Equal, value_tag, i64::from(tag::CELL));
            self.go_if(is_cell, slow);
        }
        let cell = self.allocate(layout::CELL_BYTES, slow);
        self.store_header(cell, layout::CELL_HEADER, 0);
        let value_tag = self.builder.ins().uextend(types::I64, value_tag);
        self.builder.ins().store(of_content(), payload, cell.address, layout::CELL_VALUE);
        self.builder.ins().store(of_content(), value_tag, cell.address, layout::CELL_VALUE + layout::TAG);
        let found = self.builder.ins().iconst(types::I32, i64::from(tag::CELL));
        self.write_any(word.a(), found, cell.reference);
    }
}
