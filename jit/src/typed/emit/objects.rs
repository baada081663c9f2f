//! Structures, arrays and small integers: their types and bounds are looked at in line. What traps leaves for the interpreter, and
//! so does making an object for which the hole has no room.

use super::{
    Emitter, fixed, own,
    references::{Known, Reference},
    type_of,
};
use crate::typed::{
    kinds::loaded,
    meaning::{Kind, Meaning},
    objects,
    operands::{argument, listed_reference, operand},
    registers::{Set, listed},
};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::typed::{instruction::Field, module::HeapType};
use lunette_interpreter::typed::native::{Form, ObjectType, layout};

/// The most payloads of which something is known.
const MOST_KNOWN: usize = 64;

impl<'f> Emitter<'_, 'f, '_> {
    /// Instructions of references; `live` are the registers that are read from it on.
    pub(super) fn emit_reference(&mut self, block: usize, instruction: usize, meaning: Meaning, live: &Set) {
        let register = |field| operand(self.code.words(instruction), field);
        match meaning {
            Meaning::CopyReference => self.copy_reference(register(Field::A), register(Field::B)),
            Meaning::CopyReferenceFromFar => self.copy_reference(register(Field::A), register(Field::D)),
            Meaning::CopyReferenceToFar => self.copy_reference(register(Field::D), register(Field::A)),
            Meaning::CopyReferences => {
                let (to, from, count) = (register(Field::A), register(Field::B), register(Field::C));
                let forward = to <= from;
                for index in 0..count {
                    let index = if forward { index } else { count - 1 - index };
                    self.copy_reference(to + index, from + index);
                }
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
            Meaning::GetReferenceField => {
                let to = register(Field::A);
                let (structure, offset) = self.field(instruction, meaning, Field::B);
                let reference = self.load_packed(instruction, (structure, offset), live);
                self.write_reference(to, reference);
            }
            Meaning::SetReferenceField => {
                let (object, from) = (register(Field::A), register(Field::B));
                let (structure, offset) = self.field(instruction, meaning, Field::A);
                let reference = self.read_reference(from);
                self.check_fits(instruction, reference, live);
                self.store_packed(structure, offset, reference);
                let Reference { payload, .. } = self.read_reference(object);
                self.emit_barrier(structure, payload, reference);
            }
            Meaning::GetElement { bytes, is_signed, kind } => {
                let (to, form) = (register(Field::A), form_of(bytes));
                let element = self.element(instruction, (Field::B, Field::C), form);
                self.load_number(block, instruction, to, (element, layout::OBJECT_CONTENT), (bytes, is_signed, kind));
            }
            Meaning::SetElement { bytes } => {
                let (from, form) = (register(Field::C), form_of(bytes));
                let element = self.element(instruction, (Field::A, Field::B), form);
                self.store_number(from, element, layout::OBJECT_CONTENT, bytes);
            }
            Meaning::GetReferenceElement => {
                let to = register(Field::A);
                let element = self.element(instruction, (Field::B, Field::C), Form::ArrayReference);
                let reference = self.load_packed(instruction, (element, layout::OBJECT_CONTENT), live);
                self.write_reference(to, reference);
            }
            Meaning::SetReferenceElement => {
                let (array, from) = (register(Field::A), register(Field::C));
                let element = self.element(instruction, (Field::A, Field::B), Form::ArrayReference);
                let reference = self.read_reference(from);
                self.check_fits(instruction, reference, live);
                self.store_packed(element, layout::OBJECT_CONTENT, reference);
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
    fn address(&mut self, payload: Value) -> Value {
        let region = self.region();
        let distance = self.builder.ins().ishl_imm_u(payload, layout::REFERENCE_SHIFT);
        self.builder.ins().iadd(region, distance)
    }

    /// Leaves for the interpreter, which traps, in a block that all who go there have been emitted.
    fn emit_trap(&mut self, exit: Block, instruction: usize) {
        self.builder.switch_to_block(exit);
        self.builder.seal_block(exit);
        let mut read = Set::new(self.code.registers());
        self.code.visit(instruction, |register| read.add(register), |_| {});
        self.leave(instruction, &read);
    }

    fn know(&mut self, payload: Value, known: Known) {
        if self.found.known.len() < MOST_KNOWN {
            self.found.known.insert(payload, known);
        }
    }

    /// The structure of the register in a field, of the type that the instruction names, and the place of its field.
    fn field(&mut self, instruction: usize, meaning: Meaning, register: Field) -> (Value, i32) {
        let words = self.code.words(instruction);
        let Some(wanted) = objects::type_of(self.code.unit, words, meaning) else {
            unreachable!("what is compiled has its type")
        };
        let Reference { tag, payload } = self.read_reference(operand(words, register));
        let address = self.address(payload);
        if self.found.known.get(&payload) != Some(&Known::Structure(wanted.kind)) {
            let exit = self.builder.create_block();
            self.builder.set_cold_block(exit);
            let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::OBJECT_TAG);
            self.go_if(is_other, exit, &[]);
            let next = self.builder.create_block();
            self.go_by_type(address, wanted, next, exit);
            self.emit_trap(exit, instruction);
            self.builder.switch_to_block(next);
            self.builder.seal_block(next);
            self.know(payload, Known::Structure(wanted.kind));
        }
        (address, layout::OBJECT_CONTENT + operand(words, Field::M) as i32)
    }

    /// Goes to one of two blocks, the first if an object is of a type or a subtype.
    fn go_by_type(&mut self, address: Value, wanted: &ObjectType, yes: Block, no: Block) {
        let found = self.builder.ins().load(types::I32, own(), address, layout::OBJECT_TYPE);
        let is_same = self.builder.ins().icmp_imm_u(IntCC::Equal, found, i64::from(wanted.kind));
        let other = self.builder.create_block();
        self.builder.set_cold_block(other);
        self.builder.ins().brif(is_same, yes, [], other, []);
        self.builder.switch_to_block(other);
        self.builder.seal_block(other);
        let region = self.region();
        let found = self.object(region, found);
        let depth = self.builder.ins().load(types::I32, own(), found, layout::TYPE_DEPTH);
        let is_above = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, depth, i64::from(wanted.depth));
        self.go_if(is_above, no, &[]);
        let place = layout::TYPE_SUPERTYPES + 4 * wanted.depth as i32;
        let supertype = self.builder.ins().load(types::I32, own(), found, place);
        let is_subtype = self.builder.ins().icmp_imm_u(IntCC::Equal, supertype, i64::from(wanted.kind));
        self.builder.ins().brif(is_subtype, yes, [], no, []);
    }

    /// Goes to one of two blocks by whether the reference in a register is of the type that an instruction names.
    pub(super) fn branch_on_type(&mut self, instruction: usize, register: usize, yes: Block, no: Block) {
        let words = self.code.words(instruction);
        let (heap, null) = (operand(words, Field::L) as u32, if operand(words, Field::M) == 0 { no } else { yes });
        let Reference { tag, payload } = self.read_reference(register);
        let is_null = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::NULL_TAG);
        self.go_if(is_null, null, &[]);
        let is_tag = |emitter: &mut Self, tag_: i64| emitter.builder.ins().icmp_imm_s(IntCC::Equal, tag, tag_);
        match HeapType::decode(heap) {
            HeapType::Concrete(number) => {
                let wanted = &self.code.unit.objects[&number];
                // Functions have their type in the same place.
                let wanted_tag = if wanted.form == Form::Function { layout::FUNCTION_TAG } else { layout::OBJECT_TAG };
                let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, wanted_tag);
                self.go_if(is_other, no, &[]);
                let address = self.address(payload);
                self.go_by_type(address, wanted, yes, no);
            }
            HeapType::I31 => self.go_by_small(tag, payload, yes, no),
            HeapType::Equal => {
                let is_object = is_tag(self, layout::OBJECT_TAG);
                self.go_if(is_object, yes, &[]);
                self.go_by_small(tag, payload, yes, no);
            }
            heap @ (HeapType::Structure | HeapType::Array) => {
                let is_object = is_tag(self, layout::OBJECT_TAG);
                let next = self.builder.create_block();
                self.builder.ins().brif(is_object, next, [], no, []);
                self.builder.switch_to_block(next);
                self.builder.seal_block(next);
                let address = self.address(payload);
                let form = self.builder.ins().uload8(types::I32, own(), address, layout::OBJECT_FORM);
                let condition = if heap == HeapType::Structure { IntCC::Equal } else { IntCC::UnsignedLessThan };
                let is_one = self.builder.ins().icmp_imm_u(condition, form, Form::Structure as i64);
                self.builder.ins().brif(is_one, yes, [], no, []);
            }
            HeapType::Function => {
                let is_function = is_tag(self, layout::FUNCTION_TAG);
                self.builder.ins().brif(is_function, yes, [], no, []);
            }
            HeapType::Any | HeapType::Extern | HeapType::Exception => {
                self.builder.ins().jump(yes, []);
            }
            _ => {
                self.builder.ins().jump(no, []);
            }
        }
    }

    /// Goes to one of two blocks by whether a reference is an integer of 31 bits.
    fn go_by_small(&mut self, tag: Value, payload: Value, yes: Block, no: Block) {
        let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::INTEGER_TAG);
        let distance = self.builder.ins().iadd_imm_s(payload, 1 << 30);
        let is_small = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, distance, 1 << 31);
        let is_one = self.builder.ins().band(is_integer, is_small);
        self.builder.ins().brif(is_one, yes, [], no, []);
    }

    /// The address of the array in a register, of a form if one is wanted.
    fn array(&mut self, instruction: usize, register: usize, wanted: Option<Form>) -> Value {
        let Reference { tag, payload } = self.read_reference(register);
        let address = self.address(payload);
        if let Some(Known::Array(form)) = self.found.known.get(&payload)
            && wanted.is_none_or(|wanted| wanted == *form)
        {
            return address;
        }
        let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::OBJECT_TAG);
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
            self.know(payload, Known::Array(form));
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

    /// The reference in a packed slot. What lies in a cell is left to the interpreter.
    fn load_packed(&mut self, instruction: usize, (place, offset): (Value, i32), live: &Set) -> Reference {
        let tag = self.builder.ins().load(types::I32, own(), place, offset + layout::PACKED_TAG);
        let payload = self.builder.ins().load(types::I32, own(), place, offset + layout::PACKED_PAYLOAD);
        let is_cell = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::CELL_TAG);
        self.leave_if(is_cell, instruction, live);
        let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::INTEGER_TAG);
        let integer = self.builder.ins().sextend(types::I64, payload);
        let units = self.builder.ins().uextend(types::I64, payload);
        Reference { tag, payload: self.builder.ins().select(is_integer, integer, units) }
    }

    /// Puts a reference that fits into a packed slot.
    fn store_packed(&mut self, place: Value, offset: i32, Reference { tag, payload }: Reference) {
        let payload = self.builder.ins().ireduce(types::I32, payload);
        self.builder.ins().store(own(), payload, place, offset + layout::PACKED_PAYLOAD);
        self.builder.ins().store(own(), tag, place, offset + layout::PACKED_TAG);
    }

    /// Leaves before an instruction if a reference does not fit into a packed slot.
    fn check_fits(&mut self, instruction: usize, Reference { tag, payload }: Reference, live: &Set) {
        if self.known_tag(tag).is_some_and(|known| known != layout::INTEGER_TAG) {
            return;
        }
        let distance = self.builder.ins().iadd_imm_s(tag, -layout::INTEGER_TAG);
        let is_number = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, distance, layout::NUMBER_TAGS);
        let [number, exit, next] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(number);
        self.builder.set_cold_block(exit);
        self.builder.ins().brif(is_number, number, [], next, []);
        self.builder.switch_to_block(number);
        self.builder.seal_block(number);
        let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::INTEGER_TAG);
        let low = self.builder.ins().ireduce(types::I32, payload);
        let same = self.builder.ins().sextend(types::I64, low);
        let is_small = self.builder.ins().icmp(IntCC::Equal, same, payload);
        let fits = self.builder.ins().band(is_integer, is_small);
        self.builder.ins().brif(fits, next, [], exit, []);
        self.builder.switch_to_block(exit);
        self.builder.seal_block(exit);
        self.leave(instruction, live);
        self.builder.switch_to_block(next);
        self.builder.seal_block(next);
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

    fn store_number(&mut self, from: usize, place: Value, offset: i32, bytes: u8) {
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

    /// Tells the collector that a reference was written into an object, if it wants to know.
    fn emit_barrier(&mut self, address: Value, payload: Value, written: Reference) {
        let bits = self.builder.ins().uload8(types::I32, own(), address, layout::BARRIER);
        let is_wanted = self.builder.ins().band_imm_s(bits, layout::BARRIER_BIT);
        let [wanted, next] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(wanted);
        self.builder.ins().brif(is_wanted, wanted, [], next, []);
        self.builder.switch_to_block(wanted);
        let function = self.builder.ins().load(types::I64, own(), self.machine, layout::WRITTEN);
        let tag = self.builder.ins().uextend(types::I64, written.tag);
        let arguments = [self.machine, payload, tag, written.payload];
        self.builder.ins().call_indirect(self.written_signature, function, &arguments);
        self.builder.ins().jump(next, []);
        self.seal([wanted, next]);
        self.builder.switch_to_block(next);
    }

    /// Makes a structure or an array.
    fn emit_new(&mut self, instruction: usize, meaning: Meaning, live: &Set) {
        let words = self.code.words(instruction);
        let Some(kind) = objects::type_of(self.code.unit, words, meaning) else {
            unreachable!("what is compiled has its type")
        };
        let content = objects::content_bytes(words, meaning, kind);
        let bytes = (layout::OBJECT_CONTENT as usize + content).next_multiple_of(1 << layout::REFERENCE_SHIFT);
        if meaning != Meaning::NewDefaultStructure {
            let numbers = operand(words, Field::G);
            for index in 0..operand(words, Field::H) {
                let reference = self.read_reference(listed_reference(words, numbers, index));
                self.check_fits(instruction, reference, live);
            }
        }
        let region = self.region();
        let start = self.builder.ins().load(types::I64, own(), region, layout::HOLE_CURSOR);
        let end = self.builder.ins().iadd_imm_s(start, bytes as i64);
        let limit = self.builder.ins().load(types::I64, own(), region, layout::HOLE_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.leave_if(is_over, instruction, live);
        self.builder.ins().store(own(), end, region, layout::HOLE_CURSOR);
        let object = self.builder.ins().iadd(region, start);
        let mut length = 0;
        let mut known = Known::Structure(kind.kind);
        match meaning {
            Meaning::NewStructure => self.fill_structure(instruction, object, kind),
            Meaning::NewFixedArray => {
                let count = operand(words, Field::G) + operand(words, Field::H);
                length = if kind.form == Form::ArrayVector { count / 2 } else { count };
                known = Known::Array(kind.form);
                self.fill_array(instruction, object, kind.form);
            }
            _ => {
                let zero = self.builder.ins().iconst(types::I64, 0);
                for place in (layout::OBJECT_CONTENT as usize..bytes).step_by(8) {
                    self.builder.ins().store(own(), zero, object, place as i32);
                }
            }
        }
        let header = self.builder.ins().iconst(types::I64, layout::object_header(kind.form));
        self.builder.ins().store(own(), header, object, 0);
        let rest = self.builder.ins().iconst(types::I64, i64::from(kind.kind) | (length as i64) << 32);
        self.builder.ins().store(own(), rest, object, layout::OBJECT_TYPE);
        let payload = self.builder.ins().ushr_imm_u(start, layout::REFERENCE_SHIFT);
        let reference = self.object_reference(payload);
        self.write_reference(operand(words, Field::A), reference);
        self.know(payload, known);
    }

    fn fill_structure(&mut self, instruction: usize, object: Value, kind: &'f ObjectType) {
        let words = self.code.words(instruction);
        let mut place = 0;
        for &(offset, form) in &kind.numbers {
            let offset = layout::OBJECT_CONTENT + offset as i32;
            let bytes = form.element_bytes().min(8) as u8;
            for half in 0..if form == Form::ArrayVector { 2 } else { 1 } {
                self.store_number(listed(words, place) / 8, object, offset + 8 * half, bytes);
                place += 1;
            }
        }
        for (index, &offset) in kind.references.iter().enumerate() {
            let reference = self.read_reference(listed_reference(words, place, index));
            self.store_packed(object, layout::OBJECT_CONTENT + offset as i32, reference);
        }
    }

    fn fill_array(&mut self, instruction: usize, object: Value, form: Form) {
        let words = self.code.words(instruction);
        let (numbers, references) = (operand(words, Field::G), operand(words, Field::H));
        // A vector is two numbers.
        let bytes = form.element_bytes().min(8);
        for index in 0..numbers {
            let offset = layout::OBJECT_CONTENT + (bytes * index) as i32;
            self.store_number(argument(words, index as u32), object, offset, bytes as u8);
        }
        for index in 0..references {
            let reference = self.read_reference(listed_reference(words, numbers, index));
            let offset = layout::OBJECT_CONTENT + (form.element_bytes() * index) as i32;
            self.store_packed(object, offset, reference);
        }
    }
}

/// The form of arrays of numbers of so many bytes.
fn form_of(bytes: u8) -> Form {
    Form::from_number(bytes.trailing_zeros() as u8)
}
