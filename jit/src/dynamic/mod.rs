//! The compiler of dynamic functions, those of Lua.
//!
//! An instruction is compiled for the types that its operands are known to have, or were seen with (`kinds`); where others
//! come, compiled code is left before it, or goes on by having the interpreter perform it. What has no machine code of its own
//! is always performed so.
//!
//! The data flows `operands` and `registers` (what instructions read and write) → `inlining` (functions in the place of calls) →
//! `blocks` (control flow) → `kinds` (which registers hold numbers) → `peeling` (first turns of loops apart: then control flow
//! and kinds once more) → `arrays` (array parts that loops hold) → `emit` (Cranelift's form).

#[cfg(target_arch = "x86_64")]
mod arrays;
#[cfg(target_arch = "x86_64")]
mod blocks;
#[cfg(target_arch = "x86_64")]
mod emit;
#[cfg(target_arch = "x86_64")]
mod inlining;
#[cfg(target_arch = "x86_64")]
mod kinds;
#[cfg(target_arch = "x86_64")]
mod operands;
#[cfg(target_arch = "x86_64")]
mod peeling;
#[cfg(target_arch = "x86_64")]
mod registers;

use crate::{Explanation, Target};
use alloc::{format, string::String};
use lunette_interpreter::{
    machine_code::{NativeCode, Unit},
    typed::native::Refusal,
};

/// Compiles a function to texts, as [`compile`] would.
///
/// ```
/// use lunette_bytecode::instruction::Opcode;
/// use lunette_interpreter::machine_code::Unit;
///
/// let code = [Opcode::add.encode(&[0, 0, 1]), Opcode::return_one.encode(&[0])];
/// let code = Vec::from(code.map(|word| word.expect("the operands fit")));
/// let unit = Unit { seen: vec![Default::default(); 2], goes_on: vec![false; 2], code, register_count: 2, ..Unit::default() };
/// # #[cfg(target_arch = "x86_64")]
/// assert!(lunette_jit::dynamic::explain(&unit, lunette_jit::Target::Present).clif.contains("fadd"));
/// ```
pub fn explain(unit: &Unit, target: Target) -> Explanation {
    #[cfg(target_arch = "x86_64")]
    if let Ok((body, .., ir)) = emitted(unit, target) {
        return body.explain(ir());
    }
    let ir = unit.code.iter().enumerate().map(|(number, word)| format!("{number:5}  {word:?}\n")).collect();
    Explanation { ir, ..Explanation::default() }
}

/// How many instructions are compiled at most for a function: some loops twice.
pub fn most_words(unit: &Unit) -> usize {
    let words = unit.words();
    #[cfg(target_arch = "x86_64")]
    return words + words.min(peeling::MOST_PEELED_IN_ALL);
    #[cfg(not(target_arch = "x86_64"))]
    return words;
}

/// Compiles a function, if it gains by that and is not too large.
///
/// ```
/// use lunette_bytecode::instruction::Opcode;
/// use lunette_interpreter::{machine_code::Unit, typed::native::Refusal};
///
/// // There is nothing in it that the interpreter does not do.
/// let code = vec![Opcode::return_closing.encode(&[0, 1]).expect("the operands fit")];
/// let unit = Unit { seen: vec![Default::default()], goes_on: vec![false], code, register_count: 2, ..Unit::default() };
/// assert_eq!(lunette_jit::dynamic::compile(&unit, lunette_jit::Target::Present).err(), Some(Refusal::NothingGained));
/// ```
pub fn compile(unit: &Unit, target: Target) -> Result<NativeCode, Refusal> {
    #[cfg(target_arch = "x86_64")]
    return emitted(unit, target).and_then(|(body, entries, registers, _)| {
        let (is_callable, register_count) = (!unit.is_variadic, registers as u16);
        Ok(NativeCode { bytes: body.compile()?.bytes, entries, is_callable, register_count })
    });
    #[cfg(not(target_arch = "x86_64"))]
    return Err(Refusal::Failed);
}

/// The most numbers that all exits of a function store, as each instruction may have one: compiling takes about 10 us for each.
#[cfg(target_arch = "x86_64")]
const MOST_MOVED: usize = 1 << 15;

/// A function in Cranelift's form, its entries, how many registers it uses, and its instructions as text.
#[cfg(target_arch = "x86_64")]
fn emitted(
    unit: &Unit,
    target: Target,
) -> Result<(crate::target::Body, alloc::vec::Vec<u32>, usize, impl FnOnce() -> String), Refusal> {
    let analyse = |inlines: bool| {
        let mut spliced = inlining::Spliced::new(unit, inlines);
        let rounds = crate::target::rounds(target);
        let mut code = blocks::Code::new(spliced.clone(), rounds)?;
        let mut kinds = kinds::find_kinds(&code);
        let loops = peeling::worth_peeling(&code, &kinds);
        if inlines && !loops.is_empty() {
            loops.iter().for_each(|range| spliced.peel(range));
            code = blocks::Code::new(spliced, rounds)?;
            kinds = kinds::find_kinds(&code);
        }
        match kinds::moved(&code, &kinds) {
            moved if moved > MOST_MOVED => Err(Refusal::TooLarge),
            _ => Ok((code, kinds)),
        }
    };
    let (code, kinds) = analyse(true).or_else(|_| analyse(false))?;
    let (body, entries) = crate::target::Body::new(
        target,
        emit::signature(),
        crate::target::MachineAddress::Passed,
        |builder, frontend| emit::emit(&code, &kinds, builder, frontend),
    )?;
    Ok((body, entries, code.registers(), move || code.to_text()))
}
