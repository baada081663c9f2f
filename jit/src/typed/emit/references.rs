//! Reference registers: a tag and a payload each, held as the number registers are; and what is known of what they refer to.

use super::{Emitter, own};
use alloc::{vec, vec::Vec};
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Value, condcodes::IntCC, types};
use cranelift_frontend::Variable;
use lunette_interpreter::typed::native::{Form, layout};

/// A reference.
#[derive(Clone, Copy)]
pub(super) struct Reference {
    /// What it is: 32 bits.
    pub tag: Value,
    /// The small integer, or the object's place in units of references: 64 bits.
    pub payload: Value,
}

/// Where reference registers' contents are.
#[derive(Clone, Default)]
pub(super) struct References {
    variables: Vec<Option<[Variable; 2]>>,
    /// Of each register whether its variables have its content; it is in the frame if not.
    is_held: Vec<bool>,
}

/// What is known of a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It fits into a packed slot, as all of these do.
    Packed,
    /// A structure or an array, or null, whose payload is 0.
    Object,
    /// A structure of a type, in units of references, or of a subtype of it.
    Structure(u32),
    /// An array of a form.
    Array(Form),
}

impl Known {
    /// Whether that is looked at where compiled code is entered.
    pub fn is_looked_at_again(self) -> bool {
        !matches!(self, Known::Packed | Known::Object)
    }
}

impl References {
    pub fn new(count: usize) -> References {
        References { variables: vec![None; count], is_held: vec![false; count] }
    }

    /// At the beginning of a block, all are held or none.
    pub fn begin(&mut self, is_held: bool) {
        self.is_held.fill(is_held);
    }
}

impl Emitter<'_, '_, '_> {
    fn reference_variables(&mut self, register: usize) -> [Variable; 2] {
        *self.references.variables[register]
            .get_or_insert_with(|| [types::I32, types::I64].map(|kind| self.builder.declare_var(kind)))
    }

    fn hold_reference(&mut self, register: usize, Reference { tag, payload }: Reference) {
        let [of_tag, of_payload] = self.reference_variables(register);
        self.builder.def_var(of_tag, tag);
        self.builder.def_var(of_payload, payload);
        self.references.is_held[register] = true;
    }

    /// What lies in a slot.
    pub(super) fn load_slot(&mut self, slot: Value, offset: i32) -> Reference {
        let tag = self.builder.ins().load(types::I32, own(), slot, offset + layout::SLOT_TAG);
        let payload = self.builder.ins().load(types::I64, own(), slot, offset + layout::SLOT_PAYLOAD);
        Reference { tag, payload }
    }

    /// Puts a reference into a slot.
    pub(super) fn store_slot(&mut self, slot: Value, offset: i32, Reference { tag, payload }: Reference) {
        let wide = self.builder.ins().uextend(types::I64, tag);
        self.builder.ins().store(own(), payload, slot, offset + layout::SLOT_PAYLOAD);
        self.builder.ins().store(own(), wide, slot, offset + layout::SLOT_TAG);
    }

    /// The address of reference register 0, and the offset of another one from there.
    fn slot_of(&mut self, register: usize) -> (Value, i32) {
        (self.slots, (layout::SLOT_BYTES * register as i64) as i32)
    }

    /// Has the content of a register in the frame in its variables.
    pub(super) fn load_reference(&mut self, register: usize) {
        let (slots, offset) = self.slot_of(register);
        let reference = self.load_slot(slots, offset);
        self.hold_reference(register, reference);
    }

    /// Puts the content of a register into the frame.
    pub(super) fn store_reference(&mut self, register: usize) {
        let reference = self.read_reference(register);
        let (slots, offset) = self.slot_of(register);
        self.store_slot(slots, offset, reference);
    }

    pub(super) fn read_reference(&mut self, register: usize) -> Reference {
        if !self.references.is_held[register] {
            self.load_reference(register);
        }
        let [tag, payload] = self.reference_variables(register).map(|variable| self.builder.use_var(variable));
        Reference { tag, payload }
    }

    pub(super) fn write_reference(&mut self, register: usize, reference: Reference) {
        self.found.known.remove(&register);
        self.hold_reference(register, reference);
        if self.code.keeps_frame {
            self.store_reference(register);
        }
    }

    /// A tag that is a constant.
    pub(super) fn known_tag(&self, tag: Value) -> Option<i64> {
        let graph = &self.builder.func.dfg;
        match graph.insts[graph.value_def(tag).inst()?] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }

    pub(super) fn null(&mut self) -> Reference {
        let tag = self.builder.ins().iconst(types::I32, layout::NULL_TAG);
        Reference { tag, payload: self.builder.ins().iconst(types::I64, 0) }
    }

    /// A reference to a structure or an array.
    pub(super) fn object_reference(&mut self, payload: Value) -> Reference {
        Reference { tag: self.builder.ins().iconst(types::I32, layout::OBJECT_TAG), payload }
    }

    pub(super) fn copy_reference(&mut self, to: usize, from: usize) {
        let reference = self.read_reference(from);
        let known = self.found.known.get(&from).copied();
        self.write_reference(to, reference);
        self.found.known.extend(known.map(|known| (to, known)));
    }

    pub(super) fn is_null(&mut self, register: usize) -> Value {
        let Reference { tag, payload } = self.read_reference(register);
        // So that the tag need not be made.
        let (value, null) = if self.found.known.get(&register) == Some(&Known::Object) {
            (payload, 0)
        } else {
            (tag, layout::NULL_TAG)
        };
        self.builder.ins().icmp_imm_s(IntCC::Equal, value, null)
    }

    /// Whether a register does not refer to a structure or an array.
    pub(super) fn is_no_object(&mut self, register: usize) -> Value {
        if self.found.known.get(&register) == Some(&Known::Object) {
            return self.is_null(register);
        }
        let Reference { tag, .. } = self.read_reference(register);
        self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::OBJECT_TAG)
    }
}
