//! What registers hold: variables of a kind, or the frame.

use super::{Emitter, of_frame, of_object};
use crate::dynamic::kinds::Kind;
use cranelift_codegen::ir::{InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, types};
use cranelift_frontend::Variable;
use lunette_interpreter::machine_code::layout::{self, tag};

/// Where a register's content is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// What is known of it: if anything, a variable of that kind has it.
    pub kind: Kind,
    /// Whether the frame has it as well; only numbers may not be there.
    pub is_stored: bool,
    /// The integer that it is, if that is known.
    pub constant: Option<i64>,
    /// Its tag and payload, if nothing is known of it, and where they have been read or written.
    pub tag: Option<Value>,
    pub payload: Option<Value>,
}

impl Default for Held {
    fn default() -> Held {
        Held { kind: Kind::Any, is_stored: true, constant: None, tag: None, payload: None }
    }
}

impl Held {
    /// As it is at the beginning of a block.
    pub fn of_kind(kind: Kind) -> Held {
        let is_stored = matches!(kind, Kind::Any | Kind::Table);
        Held { kind, is_stored, ..Held::default() }
    }
}

fn type_of(kind: Kind) -> Type {
    if kind == Kind::Float { types::F64 } else { types::I64 }
}

/// Where a register is, from register 0 on.
pub(super) fn place(register: usize) -> i32 {
    register as i32 * layout::SLOT_BYTES
}

impl Emitter<'_, '_, '_> {
    /// Where something of the frame is that the instruction belongs to, from register 0 of the function that is compiled on.
    pub(super) fn frame_place(&self, offset: i32) -> i32 {
        place(self.code.body_of(self.outside.instruction).offset) + offset
    }

    /// The address of register 0 of the frame that the instruction belongs to.
    pub(super) fn frame_base(&mut self) -> Value {
        match self.frame_place(0) {
            0 => self.base,
            offset => self.builder.ins().iadd_imm_s(self.base, i64::from(offset)),
        }
    }

    fn variable(&mut self, register: usize, kind: Kind) -> Variable {
        match self.variables[register][kind as usize] {
            Some(variable) => variable,
            None => {
                let variable = self.builder.declare_var(type_of(kind));
                self.variables[register][kind as usize] = Some(variable);
                variable
            }
        }
    }

    /// The content of a register of a known kind.
    pub(super) fn read(&mut self, register: usize) -> Value {
        let variable = self.variable(register, self.held[register].kind);
        self.builder.use_var(variable)
    }

    /// The tag of a register, 32 bits.
    pub(super) fn tag_of(&mut self, register: usize) -> Value {
        if let Some(tag) = self.held[register].kind.tag() {
            return self.builder.ins().iconst(types::I32, i64::from(tag));
        }
        if let Some(tag) = self.held[register].tag {
            return tag;
        }
        let tag = self.builder.ins().load(types::I32, of_frame(), self.base, place(register) + layout::TAG);
        self.held[register].tag = Some(tag);
        tag
    }

    /// What a tag is, if it does not depend on what happens.
    pub(super) fn constant_tag(&self, tag: Value) -> Option<u32> {
        let graph = &self.builder.func.dfg;
        let instruction = graph.value_def(graph.resolve_aliases(tag)).inst()?;
        match graph.insts[instruction] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => u32::try_from(imm.bits()).ok(),
            _ => None,
        }
    }

    /// The payload of a register.
    pub(super) fn payload_of(&mut self, register: usize) -> Value {
        match self.held[register].kind {
            Kind::Any => {}
            Kind::Float => {
                let value = self.read(register);
                return self.builder.ins().bitcast(types::I64, MemFlagsData::new(), value);
            }
            Kind::Integer | Kind::Table => return self.read(register),
        }
        if let Some(payload) = self.held[register].payload {
            return payload;
        }
        let payload = self.builder.ins().load(types::I64, of_frame(), self.base, place(register));
        self.held[register].payload = Some(payload);
        payload
    }

    /// From here on a register of which nothing was known is of a kind.
    pub(super) fn refine(&mut self, register: usize, kind: Kind) {
        let payload = match (kind, self.held[register].payload) {
            (Kind::Float, None) => self.builder.ins().load(types::F64, of_frame(), self.base, place(register)),
            (Kind::Float, Some(payload)) => self.builder.ins().bitcast(types::F64, MemFlagsData::new(), payload),
            _ => self.payload_of(register),
        };
        let variable = self.variable(register, kind);
        self.builder.def_var(variable, payload);
        self.held[register] = Held { kind, is_stored: true, ..Held::default() };
    }

    /// Writes a number.
    pub(super) fn write(&mut self, register: usize, kind: Kind, value: Value) {
        let variable = self.variable(register, kind);
        self.builder.def_var(variable, value);
        self.held[register] = Held { kind, is_stored: false, ..Held::default() };
    }

    pub(super) fn write_integer_constant(&mut self, register: usize, value: i64) {
        let integer = self.builder.ins().iconst(types::I64, value);
        self.write(register, Kind::Integer, integer);
        self.held[register].constant = Some(value);
    }

    /// Writes something to the frame.
    pub(super) fn write_any(&mut self, register: usize, tag: Value, payload: Value) {
        self.builder.ins().store(of_frame(), payload, self.base, place(register));
        self.builder.ins().store(of_frame(), tag, self.base, place(register) + layout::TAG);
        self.held[register] = Held { tag: Some(tag), payload: Some(payload), ..Held::default() };
    }

    /// Writes a number or a table, of which nothing else is to be known.
    pub(super) fn write_as_any(&mut self, register: usize, kind: Kind, payload: Value) {
        let tag = self.builder.ins().iconst(types::I32, i64::from(kind.tag().unwrap_or_default()));
        let payload = match kind {
            Kind::Float => self.builder.ins().bitcast(types::I64, MemFlagsData::new(), payload),
            _ => payload,
        };
        self.write_any(register, tag, payload);
    }

    /// Writes what has just been read from somewhere else, of a kind.
    pub(super) fn write_loaded(&mut self, register: usize, kind: Kind, payload: Value) {
        if kind == Kind::Table {
            self.write_as_any(register, kind, payload);
            self.refine(register, kind);
        } else {
            let value = match kind {
                Kind::Float => self.builder.ins().bitcast(types::F64, MemFlagsData::new(), payload),
                _ => payload,
            };
            self.write(register, kind, value);
        }
    }

    pub(super) fn write_nil(&mut self, register: usize) {
        self.write_tag(register, tag::NIL);
    }

    pub(super) fn write_boolean(&mut self, register: usize, value: bool) {
        self.write_tag(register, if value { tag::TRUE } else { tag::FALSE });
    }

    fn write_tag(&mut self, register: usize, tag: u32) {
        let tag = self.builder.ins().iconst(types::I32, i64::from(tag));
        let nothing = self.builder.ins().iconst(types::I64, 0);
        self.write_any(register, tag, nothing);
    }

    pub(super) fn emit_constant(&mut self, register: usize, number: usize) {
        let Some(&(tag, payload)) = self.code.unit_of(self.outside.instruction).constants.get(number) else {
            unreachable!("a verified instruction has its constants")
        };
        match Kind::of_tag(tag) {
            Kind::Integer => self.write_integer_constant(register, payload as i64),
            Kind::Float => {
                let value = self.builder.ins().f64const(f64::from_bits(payload));
                self.write(register, Kind::Float, value);
            }
            _ => {
                let tag = self.builder.ins().iconst(types::I32, i64::from(tag));
                let payload = self.builder.ins().iconst(types::I64, payload as i64);
                self.write_any(register, tag, payload);
            }
        }
    }

    /// Puts the content of a register into another.
    pub(super) fn copy(&mut self, to: usize, from: usize) {
        match self.held[from] {
            Held { kind: Kind::Any, .. } => {
                let (tag, payload) = (self.tag_of(from), self.payload_of(from));
                self.write_any(to, tag, payload);
            }
            Held { kind: Kind::Table, .. } => {
                let payload = self.read(from);
                self.write_loaded(to, Kind::Table, payload);
            }
            Held { kind, constant, .. } => {
                let value = self.read(from);
                self.write(to, kind, value);
                self.held[to].constant = constant;
            }
        }
    }

    /// Puts a number into the frame that is not there.
    pub(super) fn store_number(&mut self, register: usize) {
        if let Held { kind: kind @ (Kind::Integer | Kind::Float), is_stored: false, .. } = self.held[register] {
            let value = self.read(register);
            let tag = self.builder.ins().iconst(types::I32, i64::from(kind.tag().unwrap_or_default()));
            self.builder.ins().store(of_frame(), value, self.base, place(register));
            self.builder.ins().store(of_frame(), tag, self.base, place(register) + layout::TAG);
        }
    }

    /// Reads a register of a known kind from the frame, which has it.
    pub(super) fn reload(&mut self, register: usize) {
        let Held { kind, constant, .. } = self.held[register];
        let value = match constant {
            Some(constant) => self.builder.ins().iconst(types::I64, constant),
            None => self.builder.ins().load(type_of(kind), of_frame(), self.base, place(register)),
        };
        let variable = self.variable(register, kind);
        self.builder.def_var(variable, value);
    }

    /// The address of an object, from a reference of 64 bits.
    pub(super) fn object(&mut self, reference: Value) -> Value {
        let distance = self.builder.ins().ishl_imm_u(reference, layout::REFERENCE_SHIFT);
        self.builder.ins().iadd(self.region, distance)
    }

    /// The address of an object to which a reference in another is.
    pub(super) fn referred(&mut self, object: Value, offset: i32) -> Value {
        let reference = self.builder.ins().uload32(of_object(), object, offset);
        self.object(reference)
    }
}
