//! Places in linear memory, and objects of the region.

use super::{Emitter, Held, fixed};
use crate::typed::{meaning::Kind, operands::operand};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, condcodes::IntCC, types};
use lunette_bytecode::typed::instruction::Field;
use lunette_interpreter::typed::native::{fault::MOST_OFFSET, layout};

/// The most addresses of which it is known that they were checked.
const MOST_CHECKED: usize = 64;

impl Emitter<'_, '_, '_> {
    /// The place in memory that an instruction accesses, without its offset, if all of it lies within; and how it does so.
    pub(super) fn place(&mut self, instruction: usize, bytes: u8) -> (MemFlagsData, Value) {
        let address = operand(self.code.words(instruction), Field::B);
        let is_narrow = match self.held[address] {
            Held { constant: Some(address), .. } => u32::try_from(address).is_ok(),
            Held { kind, .. } => kind == Kind::I32,
        };
        let memory = self.memory();
        let size = operand(self.code.words(instruction), Field::C) as i64 + i64::from(bytes);
        let known = self.read(address, if is_narrow { Kind::I32 } else { Kind::I64 });
        let address = if is_narrow { self.convert(known, Kind::I32, Kind::I64) } else { known };
        if is_narrow
            && size <= i64::from(MOST_OFFSET)
            && let Some(flags) = self.guarded(instruction)
        {
            return (flags, self.builder.ins().iadd(memory, address));
        }
        // The bounds are checked before.
        let flags = MemFlagsData::new().with_notrap().with_alias_region(Some(self.memory_region));
        if self.found.checked.get(&known).is_some_and(|&checked| checked >= size) {
            return (flags, self.builder.ins().iadd(memory, address));
        }
        if self.found.checked.len() < MOST_CHECKED {
            self.found.checked.insert(known, size);
        }
        let length = self.builder.ins().load(types::I64, fixed(), memory, layout::MEMORY_LENGTH);
        let end = self.builder.ins().iadd_imm_s(address, size);
        let mut is_outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
        if !is_narrow {
            let overflows = self.builder.ins().icmp(IntCC::UnsignedLessThan, end, address);
            is_outside = self.builder.ins().bor(is_outside, overflows);
        }
        self.trap_if(is_outside, instruction);
        (flags, self.builder.ins().iadd(memory, address))
    }

    pub(super) fn instance(&mut self) -> Value {
        let machine = self.machine();
        self.builder.ins().load(types::I64, fixed(), machine, layout::INSTANCE)
    }

    pub(super) fn region(&mut self) -> Value {
        let machine = self.machine();
        self.builder.ins().load(types::I64, fixed(), machine, layout::REGION)
    }

    /// The address of an object from a reference to it.
    pub(super) fn object(&mut self, region: Value, reference: Value) -> Value {
        let wide = self.builder.ins().uextend(types::I64, reference);
        let distance = self.builder.ins().ishl_imm_u(wide, layout::REFERENCE_SHIFT);
        self.builder.ins().iadd(region, distance)
    }
}
