//! Structures and arrays that are made in line.
//!
//! ```text
//!   hole:    ... | header with the type | fields             | ...      a structure
//!            ... | header with the type, length | elements   | ...      an array
//!                ^ cursor before                             ^ cursor after
//! ```
//!
//! They are cut off the hole as the collector's allocator does it; where it is too small, the allocator looks for another one; if
//! there is none, or a collection is due, the instruction is left to the interpreter.

use super::{Emitter, own, references::Known};
use crate::typed::{
    meaning::Meaning,
    objects,
    operands::{argument, listed_reference, operand},
    registers::{Set, listed},
};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::typed::instruction::Field;
use lunette_interpreter::typed::native::{Form, ObjectType, layout};

impl<'f> Emitter<'_, 'f, '_> {
    /// Makes a structure or an array.
    pub(super) fn emit_new(&mut self, instruction: usize, meaning: Meaning, live: &Set) {
        let words = self.code.words(instruction);
        let Some(kind) = objects::type_of(self.code.unit, words, meaning) else {
            unreachable!("what is compiled has its type")
        };
        let content = objects::content_bytes(words, meaning, kind);
        let head = kind.form.head_bytes();
        let bytes = (head + content).next_multiple_of(1 << layout::REFERENCE_SHIFT);
        if meaning != Meaning::NewDefaultStructure {
            let numbers = operand(words, Field::G);
            for index in 0..operand(words, Field::H) {
                let form = kind.references.get(index).map_or(kind.form, |field| field.form());
                self.check_fits_in(form, instruction, listed_reference(words, numbers, index), live);
            }
        }
        let start = self.cut(bytes, instruction, live);
        let region = self.region();
        let object = self.builder.ins().iadd(region, start);
        let mut known = Known::Structure(kind.kind);
        match meaning {
            Meaning::NewStructure => self.fill_structure(instruction, object, kind),
            Meaning::NewFixedArray => {
                let count = operand(words, Field::G) + operand(words, Field::H);
                let length = if kind.form == Form::ArrayVector { count / 2 } else { count };
                let length = self.builder.ins().iconst(types::I64, length as i64);
                self.builder.ins().store(own(), length, object, layout::OBJECT_LENGTH);
                known = Known::Array(kind.form);
                self.fill_array(instruction, object, kind.form);
            }
            _ => {
                let zero = self.builder.ins().iconst(types::I64, 0);
                for place in (head..bytes).step_by(8) {
                    self.builder.ins().store(own(), zero, object, place as i32);
                }
            }
        }
        let header = self.builder.ins().iconst(types::I64, layout::object_header(kind.form, kind.kind));
        self.builder.ins().store(own(), header, object, 0);
        let payload = self.builder.ins().ushr_imm_u(start, layout::REFERENCE_SHIFT);
        let reference = self.object_reference(payload);
        let register = operand(words, Field::A);
        self.write_reference(register, reference);
        self.found.known.insert(register, known);
    }

    /// Cuts bytes off the hole: from where in the region on. Leaves for the interpreter if there are not so many.
    fn cut(&mut self, bytes: usize, instruction: usize, live: &Set) -> Value {
        let [over, next] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(over);
        let (start, end) =
            (self.builder.append_block_param(next, types::I64), self.builder.append_block_param(next, types::I64));
        let (first, last, is_over) = self.hole(bytes);
        self.builder.ins().brif(is_over, over, [], next, &[first.into(), last.into()]);
        self.seal([over]);
        self.builder.switch_to_block(over);
        let (machine, function) = (self.machine(), self.load_own(types::I64, layout::PROVIDE_HOLE));
        let wanted = self.builder.ins().iconst(types::I64, bytes as i64);
        self.builder.ins().call_indirect(self.provide_hole_signature, function, &[machine, wanted]);
        let (first, last, is_over) = self.hole(bytes);
        self.leave_if(is_over, instruction, live);
        self.builder.ins().jump(next, &[first.into(), last.into()]);
        self.seal([next]);
        self.builder.switch_to_block(next);
        let region = self.region();
        self.builder.ins().store(own(), end, region, layout::HOLE_CURSOR);
        start
    }

    /// Where the hole begins, the end of what would be cut off it, and whether that is too much.
    fn hole(&mut self, bytes: usize) -> (Value, Value, Value) {
        let region = self.region();
        let start = self.builder.ins().load(types::I64, own(), region, layout::HOLE_CURSOR);
        let end = self.builder.ins().iadd_imm_s(start, bytes as i64);
        let limit = self.builder.ins().load(types::I64, own(), region, layout::HOLE_LIMIT);
        (start, end, self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit))
    }

    fn fill_structure(&mut self, instruction: usize, object: Value, kind: &'f ObjectType) {
        let words = self.code.words(instruction);
        let mut place = 0;
        for field in &kind.numbers {
            let offset = layout::OBJECT_FIELDS + field.offset() as i32;
            let bytes = field.form().element_bytes().min(8) as u8;
            for half in 0..if field.form() == Form::ArrayVector { 2 } else { 1 } {
                self.store_number(listed(words, place) / 8, object, offset + 8 * half, bytes);
                place += 1;
            }
        }
        for (index, field) in kind.references.iter().enumerate() {
            let reference = self.read_reference(listed_reference(words, place, index));
            self.store_in(field.form(), object, layout::OBJECT_FIELDS + field.offset() as i32, reference);
        }
    }

    fn fill_array(&mut self, instruction: usize, object: Value, form: Form) {
        let words = self.code.words(instruction);
        let (numbers, references) = (operand(words, Field::G), operand(words, Field::H));
        // A vector is two numbers.
        let bytes = form.element_bytes().min(8);
        for index in 0..numbers {
            let offset = layout::OBJECT_ELEMENTS + (bytes * index) as i32;
            self.store_number(argument(words, index as u32), object, offset, bytes as u8);
        }
        for index in 0..references {
            let reference = self.read_reference(listed_reference(words, numbers, index));
            let offset = layout::OBJECT_ELEMENTS + (form.element_bytes() * index) as i32;
            self.store_in(form, object, offset, reference);
        }
    }
}
