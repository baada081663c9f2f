//! Instructions with references, by their meaning: types and bounds are looked at in line, and what traps leaves for the
//! interpreter.

use super::{
    Emitter, fixed, own,
    references::{Known, Reference},
    type_of,
};
use crate::typed::{
    kinds::loaded,
    meaning::{Kind, Meaning},
    objects,
    operands::{copy_order, operand},
    registers::Set,
};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::typed::instruction::Field;
use lunette_interpreter::typed::native::{Form, layout};

impl Emitter<'_, '_, '_> {
    /// Instructions of references; `live` are the registers that are read from it on.
    pub(super) fn emit_reference(&mut self, block: usize, instruction: usize, meaning: Meaning, live: &Set) {
        let register = |field| operand(self.code.words(instruction), field);
        match meaning {
            Meaning::CopyReference => self.copy_reference(register(Field::A), register(Field::B)),
            Meaning::CopyReferenceFromFar => self.copy_reference(register(Field::A), register(Field::D)),
            Meaning::CopyReferenceToFar => self.copy_reference(register(Field::D), register(Field::A)),
            Meaning::CopyReferences => {
                let (to, from, count) = (register(Field::A), register(Field::B), register(Field::C));
                copy_order(to, from, count).for_each(|index| self.copy_reference(to + index, from + index));
            }
            Meaning::NullReference | Meaning::NullReferences => {
                let count = if meaning == Meaning::NullReference { 1 } else { register(Field::D) };
                let first = register(Field::A);
                for register in first..first + count {
                    let null = self.null();
                    self.write_reference(register, null);
                }
            }
            Meaning::SelectReference => {
                let (to, yes, no) = (register(Field::A), register(Field::B), register(Field::C));
                let condition = self.read(register(Field::E), Kind::I32);
                let (yes, no) = (self.read_reference(yes), self.read_reference(no));
                let tag = self.builder.ins().select(condition, yes.tag, no.tag);
                let payload = self.builder.ins().select(condition, yes.payload, no.payload);
                self.write_reference(to, Reference { tag, payload });
            }
            Meaning::GetGlobalReference => {
                let (to, number) = (register(Field::A), register(Field::D));
                let instance = self.own_global(instruction, number, live);
                let reference = self.load_slot(instance, layout::global(number));
                self.write_reference(to, reference);
            }
            Meaning::SetGlobalReference => {
                let (from, number) = (register(Field::A), register(Field::D));
                let instance = self.own_global(instruction, number, live);
                let reference = self.read_reference(from);
                self.store_slot(instance, layout::global(number), reference);
                let region = self.region();
                let distance = self.builder.ins().isub(instance, region);
                let units = self.builder.ins().ushr_imm_u(distance, layout::REFERENCE_SHIFT);
                self.emit_barrier(instance, units, reference);
            }
            Meaning::IsNull => {
                let (to, is_null) = (register(Field::A), self.is_null(register(Field::B)));
                self.write_bool(to, is_null);
            }
            Meaning::AreSame => {
                let to = register(Field::A);
                let (left, right) = (register(Field::B), register(Field::C));
                let (left, right) = (self.read_reference(left), self.read_reference(right));
                let have_same_tag = self.builder.ins().icmp(IntCC::Equal, left.tag, right.tag);
                let are_same = self.builder.ins().icmp(IntCC::Equal, left.payload, right.payload);
                let are_same = self.builder.ins().band(have_same_tag, are_same);
                self.write_bool(to, are_same);
            }
            Meaning::AsNonNull => {
                let is_null = self.is_null(register(Field::A));
                self.trap_if(is_null, instruction);
            }
            Meaning::IsOfType => {
                let to = register(Field::A);
                let [yes, no, next] = core::array::from_fn(|_| self.builder.create_block());
                let truth = self.builder.append_block_param(next, types::I32);
                self.branch_on_type(instruction, register(Field::B), yes, no);
                for (block, value) in [(yes, 1), (no, 0)] {
                    self.builder.switch_to_block(block);
                    self.builder.seal_block(block);
                    let value = self.builder.ins().iconst(types::I32, value);
                    self.builder.ins().jump(next, &[value.into()]);
                }
                self.builder.switch_to_block(next);
                self.builder.seal_block(next);
                self.write(to, Kind::I32, truth);
            }
            Meaning::Cast => {
                let [yes, no] = core::array::from_fn(|_| self.builder.create_block());
                self.builder.set_cold_block(no);
                self.branch_on_type(instruction, register(Field::A), yes, no);
                self.emit_trap(no, instruction);
                self.builder.switch_to_block(yes);
                self.builder.seal_block(yes);
            }
            Meaning::MakeSmall => {
                let to = register(Field::A);
                let number = self.read(register(Field::B), Kind::I32);
                let high = self.builder.ins().ishl_imm_u(number, 1);
                let small = self.builder.ins().sshr_imm_u(high, 1);
                let payload = self.builder.ins().sextend(types::I64, small);
                let tag = self.builder.ins().iconst(types::I32, layout::INTEGER_TAG);
                self.write_reference(to, Reference { tag, payload });
            }
            Meaning::GetSmall { is_signed } => {
                let to = register(Field::A);
                let Reference { tag, payload } = self.read_reference(register(Field::B));
                let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::INTEGER_TAG);
                self.trap_if(is_other, instruction);
                let number = self.builder.ins().ireduce(types::I32, payload);
                let number = if is_signed { number } else { self.builder.ins().band_imm_s(number, 0x7fff_ffff) };
                self.write(to, Kind::I32, number);
            }
            Meaning::GetField { bytes, is_signed, kind } => {
                let to = register(Field::A);
                let (structure, offset) = self.field(instruction, meaning, Field::B);
                self.load_number(block, instruction, to, (structure, offset), (bytes, is_signed, kind));
            }
            Meaning::SetField { bytes } => {
                let from = register(Field::B);
                let (structure, offset) = self.field(instruction, meaning, Field::A);
                self.store_number(from, structure, offset, bytes);
            }
            Meaning::GetReferenceField(form) => {
                let to = register(Field::A);
                let (structure, offset) = self.field(instruction, meaning, Field::B);
                self.load_from(form, instruction, (structure, offset), to, live);
            }
            Meaning::SetReferenceField(form) => {
                let (object, from) = (register(Field::A), register(Field::B));
                let (structure, offset) = self.field(instruction, meaning, Field::A);
                self.check_fits_in(form, instruction, from, live);
                let reference = self.read_reference(from);
                self.store_in(form, structure, offset, reference);
                let Reference { payload, .. } = self.read_reference(object);
                self.emit_barrier(structure, payload, reference);
            }
            Meaning::GetElement { bytes, is_signed, kind } => {
                let (to, form) = (register(Field::A), form_of(bytes));
                let element = self.element(instruction, (Field::B, Field::C), form);
                self.load_number(block, instruction, to, (element, layout::OBJECT_ELEMENTS), (bytes, is_signed, kind));
            }
            Meaning::SetElement { bytes } => {
                let (from, form) = (register(Field::C), form_of(bytes));
                let element = self.element(instruction, (Field::A, Field::B), form);
                self.store_number(from, element, layout::OBJECT_ELEMENTS, bytes);
            }
            Meaning::GetReferenceElement(form) => {
                let to = register(Field::A);
                let element = self.element(instruction, (Field::B, Field::C), form);
                self.load_from(form, instruction, (element, layout::OBJECT_ELEMENTS), to, live);
            }
            Meaning::SetReferenceElement(form) => {
                let (array, from) = (register(Field::A), register(Field::C));
                let element = self.element(instruction, (Field::A, Field::B), form);
                self.check_fits_in(form, instruction, from, live);
                let reference = self.read_reference(from);
                self.store_in(form, element, layout::OBJECT_ELEMENTS, reference);
                let Reference { payload, .. } = self.read_reference(array);
                let address = self.address(payload);
                self.emit_barrier(address, payload, reference);
            }
            Meaning::ArrayLength => {
                let to = register(Field::A);
                let array = self.array(instruction, register(Field::B), None);
                let length = self.builder.ins().load(types::I32, own(), array, layout::OBJECT_LENGTH);
                self.write(to, Kind::I32, length);
            }
            Meaning::NewStructure | Meaning::NewDefaultStructure | Meaning::NewFixedArray => {
                self.emit_new(instruction, meaning, live);
            }
            _ => unreachable!("{meaning:?} is no matter of references"),
        }
    }

    fn write_bool(&mut self, to: usize, truth: Value) {
        let wide = self.builder.ins().uextend(types::I32, truth);
        self.write(to, Kind::I32, wide);
    }

    /// The instance, if a global is its own; left before the instruction if it is not.
    fn own_global(&mut self, instruction: usize, number: usize, live: &Set) -> Value {
        let (instance, region) = (self.instance(), self.region());
        let imported = self.builder.ins().load(types::I32, fixed(), instance, layout::IMPORTED_GLOBALS);
        let imported = self.object(region, imported);
        let count = self.builder.ins().load(types::I32, fixed(), imported, layout::ARRAY_LENGTH);
        let is_imported = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, count, number as i64);
        self.leave_if(is_imported, instruction, live);
        instance
    }

    /// The address of the object that a payload refers to.
    pub(super) fn address(&mut self, payload: Value) -> Value {
        let region = self.region();
        let distance = self.builder.ins().ishl_imm_u(payload, layout::REFERENCE_SHIFT);
        self.builder.ins().iadd(region, distance)
    }

    /// Leaves for the interpreter, which traps, in a block that all who go there have been emitted.
    pub(super) fn emit_trap(&mut self, exit: Block, instruction: usize) {
        self.builder.switch_to_block(exit);
        self.builder.seal_block(exit);
        let mut read = Set::new(self.code.registers());
        self.code.visit(instruction, |register| read.add(register), |_| {});
        self.leave(instruction, &read);
    }

    /// Goes to a block if a register does not refer to what is known of it elsewhere.
    pub(super) fn check_known(&mut self, register: usize, known: Known, other: Block) {
        let Reference { tag, payload } = self.read_reference(register);
        let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::OBJECT_TAG);
        self.go_if(is_other, other, &[]);
        let address = self.address(payload);
        match known {
            Known::Packed | Known::Object => unreachable!("that is not looked at again"),
            Known::Structure(kind) => {
                let next = self.builder.create_block();
                let Some(wanted) = self.code.unit.objects.values().find(|wanted| wanted.kind == kind) else {
                    unreachable!("the types that instructions name are there")
                };
                self.go_by_type(address, wanted, next, other);
                self.builder.switch_to_block(next);
                self.builder.seal_block(next);
            }
            Known::Array(form) => {
                let found = self.builder.ins().uload8(types::I32, own(), address, layout::OBJECT_FORM);
                let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, found, form as i64);
                self.go_if(is_other, other, &[]);
            }
        }
    }

    /// The structure of the register in a field, of the type that the instruction names, and the place of its field.
    fn field(&mut self, instruction: usize, meaning: Meaning, register: Field) -> (Value, i32) {
        let words = self.code.words(instruction);
        let Some(wanted) = objects::type_of(self.code.unit, words, meaning) else {
            unreachable!("what is compiled has its type")
        };
        let register = operand(words, register);
        let Reference { payload, .. } = self.read_reference(register);
        let address = self.address(payload);
        if self.found.known.get(&register) != Some(&Known::Structure(wanted.kind)) {
            let exit = self.builder.create_block();
            self.builder.set_cold_block(exit);
            let is_other = self.is_no_object(register);
            self.go_if(is_other, exit, &[]);
            let next = self.builder.create_block();
            self.go_by_type(address, wanted, next, exit);
            self.emit_trap(exit, instruction);
            self.builder.switch_to_block(next);
            self.builder.seal_block(next);
            self.found.known.insert(register, Known::Structure(wanted.kind));
        }
        (address, layout::OBJECT_FIELDS + operand(words, Field::M) as i32)
    }

    /// The address of the array in a register, of a form if one is wanted.
    fn array(&mut self, instruction: usize, register: usize, wanted: Option<Form>) -> Value {
        let Reference { payload, .. } = self.read_reference(register);
        let address = self.address(payload);
        if let Some(Known::Array(form)) = self.found.known.get(&register)
            && wanted.is_none_or(|wanted| wanted == *form)
        {
            return address;
        }
        let is_other = self.is_no_object(register);
        let exit = self.builder.create_block();
        self.builder.set_cold_block(exit);
        self.go_if(is_other, exit, &[]);
        let form = self.builder.ins().uload8(types::I32, own(), address, layout::OBJECT_FORM);
        let is_other = match wanted {
            Some(wanted) => self.builder.ins().icmp_imm_s(IntCC::NotEqual, form, wanted as i64),
            None => {
                let first_other = Form::Structure as i64;
                self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, form, first_other)
            }
        };
        self.go_if(is_other, exit, &[]);
        let Some(next) = self.builder.current_block() else { unreachable!("the checks were emitted into a block") };
        self.emit_trap(exit, instruction);
        self.builder.switch_to_block(next);
        if let Some(form) = wanted {
            self.found.known.insert(register, Known::Array(form));
        }
        address
    }

    /// Where the element lies, but for the array's fixed part, whose array and index are in the registers of two fields.
    fn element(&mut self, instruction: usize, (array, index): (Field, Field), form: Form) -> Value {
        let words = self.code.words(instruction);
        let array = self.array(instruction, operand(words, array), Some(form));
        let index = self.read(operand(words, index), Kind::I32);
        let length = self.builder.ins().load(types::I32, own(), array, layout::OBJECT_LENGTH);
        let is_outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.trap_if(is_outside, instruction);
        let index = self.builder.ins().uextend(types::I64, index);
        let distance = self.builder.ins().ishl_imm_u(index, i64::from(form.element_bytes().trailing_zeros()));
        self.builder.ins().iadd(array, distance)
    }

    fn load_number(
        &mut self,
        block: usize,
        instruction: usize,
        to: usize,
        (place, offset): (Value, i32),
        (bytes, is_signed, kind): (u8, bool, Kind),
    ) {
        let kind = if kind == Kind::Any { loaded(self.code, block, instruction, to, bytes) } else { kind };
        let (wide, ins) = (type_of(kind), self.builder.ins());
        let value = match (bytes, is_signed, kind) {
            (1, false, _) => ins.uload8(wide, own(), place, offset),
            (1, true, _) => ins.sload8(wide, own(), place, offset),
            (2, false, _) => ins.uload16(wide, own(), place, offset),
            (2, true, _) => ins.sload16(wide, own(), place, offset),
            (4, _, Kind::I64) => ins.uload32(own(), place, offset),
            _ => ins.load(wide, own(), place, offset),
        };
        self.write(to, kind, value);
    }

    pub(super) fn store_number(&mut self, from: usize, place: Value, offset: i32, bytes: u8) {
        let kind = match (bytes, self.held[from].kind) {
            (4, Kind::F32) => Kind::F32,
            (8, Kind::F64) => Kind::F64,
            (8, _) => Kind::I64,
            _ => Kind::I32,
        };
        let value = self.read(from, kind);
        match bytes {
            1 => self.builder.ins().istore8(own(), value, place, offset),
            2 => self.builder.ins().istore16(own(), value, place, offset),
            _ => self.builder.ins().store(own(), value, place, offset),
        };
    }
}

/// The form of arrays of numbers of so many bytes.
fn form_of(bytes: u8) -> Form {
    Form::from_number(bytes.trailing_zeros() as u8)
}
