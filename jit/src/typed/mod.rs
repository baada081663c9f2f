//! The compiler of typed functions, those of WebAssembly.
//!
//! The data flows `registers` → `operands` → `meaning` (what instructions do) → `calls` and `objects` → `blocks` (control flow,
//! with sets of registers) → `kinds` (what registers hold) → `emit` (Cranelift's form).

#[cfg(target_arch = "x86_64")]
mod blocks;
#[cfg(target_arch = "x86_64")]
mod calls;
#[cfg(target_arch = "x86_64")]
mod emit;
#[cfg(target_arch = "x86_64")]
mod kinds;
#[cfg(target_arch = "x86_64")]
mod meaning;
#[cfg(target_arch = "x86_64")]
mod objects;
#[cfg(target_arch = "x86_64")]
mod operands;
#[cfg(target_arch = "x86_64")]
mod registers;

use crate::{Explanation, Target};
use alloc::string::ToString;
use lunette_bytecode::typed::text::Listing;
use lunette_interpreter::typed::native::{NativeCode, Refusal, Unit};

/// Compiles a function to texts, as [`compile`] would.
///
/// ```
/// use lunette_bytecode::typed::instruction::Opcode;
/// use lunette_interpreter::typed::native::Unit;
///
/// let mut unit = Unit::default();
/// Opcode::return_none.encode(&[], &mut unit.function.code).unwrap();
/// # #[cfg(target_arch = "x86_64")]
/// assert!(lunette_jit::typed::explain(&unit, lunette_jit::Target::Present).clif.contains("return"));
/// ```
pub fn explain(unit: &Unit, target: Target) -> Explanation {
    let ir = Listing(&unit.function).to_string();
    #[cfg(target_arch = "x86_64")]
    if let Ok((body, ..)) = emitted(unit, target) {
        return body.explain(ir);
    }
    Explanation { ir, ..Explanation::default() }
}

/// Compiles a function, if it gains by that and is not too large.
///
/// ```
/// use lunette_bytecode::typed::instruction::Opcode;
/// use lunette_interpreter::typed::native::{Refusal, Unit};
///
/// // There is nothing in it that the interpreter does not do.
/// let mut unit = Unit::default();
/// Opcode::trap.encode(&[0], &mut unit.function.code).unwrap();
/// assert_eq!(lunette_jit::typed::compile(&unit, lunette_jit::Target::Present).err(), Some(Refusal::NothingGained));
/// ```
pub fn compile(unit: &Unit, target: Target) -> Result<NativeCode, Refusal> {
    #[cfg(target_arch = "x86_64")]
    return emitted(unit, target)
        .and_then(|(body, entries, is_callable)| Ok(NativeCode { bytes: body.compile()?, entries, is_callable }));
    #[cfg(not(target_arch = "x86_64"))]
    return Err(Refusal::Failed);
}

/// A function in Cranelift's form, its entries, and whether it can be called.
#[cfg(target_arch = "x86_64")]
fn emitted(unit: &Unit, target: Target) -> Result<(crate::target::Body, alloc::vec::Vec<u32>, bool), Refusal> {
    let supports = |meaning: meaning::Meaning| match meaning {
        meaning::Meaning::Unary(operation, _, _) if operation.rounds() => crate::target::rounds(target),
        _ => true,
    };
    let code = blocks::Code::new(unit, supports)?;
    let (body, entries) =
        crate::target::Body::new(target, emit::signature(), |builder, frontend| emit::emit(&code, builder, frontend))?;
    Ok((body, entries, code.is_callable()))
}
