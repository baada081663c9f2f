//! Which variables have the contents of registers, and what they are as numbers of other kinds.

use super::{Emitter, Held, type_of};
use crate::typed::meaning::Kind;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::Variable;

impl Emitter<'_, '_, '_> {
    pub(super) fn variable(&mut self, register: usize, kind: Kind) -> Variable {
        match self.variables[register][kind as usize] {
            Some(variable) => variable,
            None => {
                let variable = self.builder.declare_var(type_of(kind));
                self.variables[register][kind as usize] = Some(variable);
                variable
            }
        }
    }

    /// The content of a register as a number of a kind.
    pub(super) fn read(&mut self, register: usize, kind: Kind) -> Value {
        let kind = kind.held();
        let held = self.held[register];
        if let Some(constant) = held.constant {
            return self.constant(kind, constant);
        }
        if held.kinds & 1 << kind as u8 != 0 {
            let variable = self.variable(register, kind);
            return self.builder.use_var(variable);
        }
        if let Some(vector) = held.kind.vector_of(register) {
            let half = self.half(vector, register);
            return self.convert(half, Kind::I64, kind);
        }
        if held.kinds == 0 {
            // In the frame only.
            let value = self.load_register(register, held.kind);
            let variable = self.variable(register, held.kind);
            self.builder.def_var(variable, value);
            self.held[register].kinds = 1 << held.kind as u8;
        }
        let variable = self.variable(register, held.kind);
        let value = self.builder.use_var(variable);
        self.convert(value, held.kind, kind)
    }

    /// The same; it is held in that kind, too, from here on.
    pub(super) fn read_into(&mut self, register: usize, kind: Kind) -> Value {
        let value = self.read(register, kind);
        if self.held[register].kinds & 1 << kind as u8 == 0 {
            let variable = self.variable(register, kind);
            self.builder.def_var(variable, value);
            self.held[register].kinds |= 1 << kind as u8;
        }
        value
    }

    pub(super) fn write(&mut self, register: usize, kind: Kind, value: Value) {
        self.split_vector(register);
        let variable = self.variable(register, kind);
        self.builder.def_var(variable, value);
        self.held[register] = Held { kinds: 1 << kind as u8, kind, constant: None };
        if self.code.keeps_frame {
            self.store_register(register);
        }
    }

    pub(super) fn write_constant(&mut self, register: usize, constant: u64) {
        self.split_vector(register);
        self.held[register] = Held { kinds: 0, kind: Kind::Any, constant: Some(constant) };
        if self.code.keeps_frame {
            self.store_register(register);
        }
    }

    pub(super) fn constant(&mut self, kind: Kind, bits: u64) -> Value {
        match kind {
            Kind::I32 => self.builder.ins().iconst(types::I32, i64::from(bits as u32)),
            Kind::Any | Kind::I64 | Kind::Vector | Kind::High => self.builder.ins().iconst(types::I64, bits as i64),
            Kind::F32 => self.builder.ins().f32const(ir::immediates::Ieee32::with_bits(bits as u32)),
            Kind::F64 => self.builder.ins().f64const(ir::immediates::Ieee64::with_bits(bits)),
        }
    }

    /// The same bits as a number of another kind.
    pub(super) fn convert(&mut self, value: Value, from: Kind, to: Kind) -> Value {
        let flags = MemFlagsData::new();
        match (from, to) {
            (Kind::F64, _) => {
                let bits = self.builder.ins().bitcast(types::I64, flags, value);
                if to == Kind::I64 { bits } else { self.convert(bits, Kind::I64, to) }
            }
            (Kind::F32, _) => {
                let bits = self.builder.ins().bitcast(types::I32, flags, value);
                if to == Kind::I32 { bits } else { self.convert(bits, Kind::I32, to) }
            }
            (Kind::I32, Kind::F32) => self.builder.ins().bitcast(types::F32, flags, value),
            (Kind::I64, Kind::F64) => self.builder.ins().bitcast(types::F64, flags, value),
            (Kind::I32, Kind::I64) => self.builder.ins().uextend(types::I64, value),
            (Kind::I64, Kind::I32) => self.builder.ins().ireduce(types::I32, value),
            (Kind::I32, Kind::F64) => {
                let wide = self.builder.ins().uextend(types::I64, value);
                self.convert(wide, Kind::I64, Kind::F64)
            }
            (Kind::I64, Kind::F32) => {
                let low = self.builder.ins().ireduce(types::I32, value);
                self.convert(low, Kind::I32, Kind::F32)
            }
            _ => value,
        }
    }

    /// Puts the content of a register into another.
    pub(super) fn copy(&mut self, to: usize, from: usize) {
        match self.held[from] {
            Held { constant: Some(constant), .. } => self.write_constant(to, constant),
            Held { kind, .. } => {
                let kind = kind.of_half();
                let value = self.read(from, kind);
                self.write(to, kind, value);
            }
        }
    }

    /// The kind in which a register's content is held; any if it is a constant.
    pub(super) fn kind_of(&self, register: usize) -> Kind {
        if self.held[register].constant.is_some() { Kind::Any } else { self.held[register].kind.of_half() }
    }
}
