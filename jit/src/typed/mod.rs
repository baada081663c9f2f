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

#[cfg(target_arch = "x86_64")]
use crate::target::{Body, Compiled, MachineAddress};
use crate::{Explanation, Target};
use alloc::string::ToString;
#[cfg(target_arch = "x86_64")]
use alloc::vec::Vec;
#[cfg(target_arch = "x86_64")]
use emit::guards;
use lunette_bytecode::typed::text::Listing;
#[cfg(target_arch = "x86_64")]
use lunette_interpreter::typed::native::fault::Faults;
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
    if let Ok((body, _)) = emitted(unit, target) {
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
    return compile_guarded(unit, target)?.map_or_else(
        || {
            let unit = Unit { is_guarded: false, ..unit.clone() };
            compile_guarded(&unit, target)?.ok_or(Refusal::Failed)
        },
        Ok,
    );
    #[cfg(not(target_arch = "x86_64"))]
    return Err(Refusal::Failed);
}

/// What is known of a function in Cranelift's form.
#[cfg(target_arch = "x86_64")]
struct Emitted {
    entries: Vec<u32>,
    is_callable: bool,
    /// If it relies on guards, the words of its accesses to memory.
    accesses: Option<Vec<u32>>,
}

/// A function in Cranelift's form.
#[cfg(target_arch = "x86_64")]
fn emitted(unit: &Unit, target: Target) -> Result<(Body, Emitted), Refusal> {
    let supports = |meaning: meaning::Meaning| match meaning {
        meaning::Meaning::Unary(operation, _, _) if operation.rounds() => crate::target::rounds(target),
        // It has all of that if it rounds.
        meaning::Meaning::Vector(_) => crate::target::rounds(target),
        _ => true,
    };
    let code = blocks::Code::new(unit, supports)?;
    let (body, (entries, accesses)) =
        Body::new(target, emit::signature(), MachineAddress::Constant, |builder, frontend| {
            emit::emit(&code, builder, frontend)
        })?;
    Ok((body, Emitted { entries, is_callable: code.is_callable(), accesses }))
}

/// Compiles a function; `None` if it relies on guards and it is not known where each of its accesses is in the machine code.
#[cfg(target_arch = "x86_64")]
fn compile_guarded(unit: &Unit, target: Target) -> Result<Option<NativeCode>, Refusal> {
    let (body, Emitted { entries, is_callable, accesses }) = emitted(unit, target)?;
    let compiled = body.compile()?;
    let faults = match accesses {
        None => None,
        Some(accesses) => match faults(&compiled, &accesses) {
            None => return Ok(None),
            faults => faults,
        },
    };
    Ok(Some(NativeCode { bytes: compiled.bytes, entries, is_callable, faults }))
}

/// Where in machine code accesses may fault, and where it goes on then.
#[cfg(target_arch = "x86_64")]
fn faults(compiled: &Compiled, accesses: &[u32]) -> Option<Faults> {
    let words = guards::find_accesses(&compiled.traps, accesses)?;
    let &(block, _) = compiled.places.iter().find(|(_, place)| guards::is_fault_block(*place))?;
    // The stack pointer is to point to what is noted, and the block begins with a fence.
    let is_right = compiled.slot == Some(0) && compiled.bytes[block as usize..].starts_with(&[0x0f, 0xae, 0xf0]);
    debug_assert!(is_right, "the fault block is not as it was emitted");
    is_right.then_some(Faults { block, words })
}
