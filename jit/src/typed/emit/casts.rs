//! Whether references are of types: tags first, then the object's own type, then its supertypes.

use super::{Emitter, own, references::Reference};
use crate::typed::operands::operand;
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::typed::{instruction::Field, module::HeapType};
use lunette_interpreter::typed::native::{Form, ObjectType, layout};

impl Emitter<'_, '_, '_> {
    /// Goes to one of two blocks, the first if an object is of a type or a subtype.
    pub(super) fn go_by_type(&mut self, address: Value, wanted: &ObjectType, yes: Block, no: Block) {
        let place = if wanted.form == Form::Function { layout::FUNCTION_TYPE } else { layout::OBJECT_TYPE };
        let found = self.builder.ins().load(types::I32, own(), address, place);
        let is_same = self.builder.ins().icmp_imm_u(IntCC::Equal, found, i64::from(wanted.kind));
        if wanted.is_final {
            self.builder.ins().brif(is_same, yes, [], no, []);
            return;
        }
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
        let is_tag = |emitter: &mut Self, wanted| emitter.builder.ins().icmp_imm_s(IntCC::Equal, tag, wanted);
        match HeapType::decode(heap) {
            HeapType::Concrete(number) => {
                let wanted = &self.code.unit.objects[&number];
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
    pub(super) fn go_by_small(&mut self, tag: Value, payload: Value, yes: Block, no: Block) {
        let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::INTEGER_TAG);
        let distance = self.builder.ins().iadd_imm_s(payload, 1 << 30);
        let is_small = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, distance, 1 << 31);
        let is_one = self.builder.ins().band(is_integer, is_small);
        self.builder.ins().brif(is_one, yes, [], no, []);
    }
}
