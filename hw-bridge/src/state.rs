//! A processor at an exit: registers that a guest has at its command.

use crate::windows::Guards;
use kvm_bindings::{kvm_fpu, kvm_regs};
use serde::{Deserialize, Serialize};

/// What a guest that waits for a message consists of beside its memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// General registers.
    pub(crate) general: kvm_regs,
    /// Registers of vectors and floating-point numbers.
    pub(crate) vector: VectorRegisters,
    /// From where on places are guarded.
    pub(crate) guards: Guards,
}

/// Registers of vectors and floating-point numbers; the guest does not use those of the x87.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VectorRegisters {
    values: [[u8; 16]; 16],
    control: u32,
}

impl From<kvm_fpu> for VectorRegisters {
    fn from(registers: kvm_fpu) -> VectorRegisters {
        VectorRegisters { values: registers.xmm, control: registers.mxcsr }
    }
}

impl From<&VectorRegisters> for kvm_fpu {
    fn from(registers: &VectorRegisters) -> kvm_fpu {
        kvm_fpu { fcw: 0x37f, xmm: registers.values, mxcsr: registers.control, ..kvm_fpu::default() }
    }
}
