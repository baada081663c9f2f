//! The verifier: decides whether a module may run. What it accepts cannot break the memory safety of the interpreter,
//! and every cycle in it passes a poll.
//!
//! It works in three steps, each linear in the module's size: the functions as a tree, each function's words by
//! themselves (`words`), and how the words of a function hang together (`control`). `spec/verification.md` lists the
//! rules, and what is left to be checked while running.

mod control;
mod error;
mod words;

pub use error::{VerifyError, VerifyErrorKind};

use crate::instruction::{MAX_REGISTERS, Opcode};
use crate::module::{Capture, Constant, Function, Module};
use alloc::vec::Vec;

/// The most upvalues of a function.
pub const MAX_UPVALUES: usize = 255;

/// Checks that `module` keeps all rules.
pub fn verify(module: &Module) -> Result<(), VerifyError> {
    if module.functions.is_empty() {
        return Err(VerifyError { function: 0, instruction: None, kind: VerifyErrorKind::NoFunctions });
    }
    let mut enclosing: Vec<Option<u32>> = Vec::new();
    let mut used_sites = Vec::new();
    for (number, function) in module.functions.iter().enumerate() {
        let located = |(instruction, kind)| VerifyError { function: number as u32, instruction, kind };
        if number == 0 {
            reserve(&mut enclosing, module.functions.len()).map_err(|kind| located((None, kind)))?;
            enclosing.resize(module.functions.len(), None);
        }
        verify_frame(function).map_err(|kind| located((None, kind)))?;
        if number > 0 {
            // Functions come after those that close over them, so that this is known by now.
            let enclosing = enclosing[number].ok_or_else(|| located((None, VerifyErrorKind::Orphan)))?;
            verify_captures(function, &module.functions[enclosing as usize]).map_err(|kind| located((None, kind)))?;
        }
        words::verify(function, &mut used_sites).map_err(located)?;
        control::verify(&function.code).map_err(|(instruction, kind)| located((Some(instruction), kind)))?;
        for (instruction, &word) in function.code.iter().enumerate() {
            if word.opcode_number() == Opcode::closure as u8 {
                let closed_over = words::value(word, 1) as u32;
                note_closure(&mut enclosing, number as u32, closed_over)
                    .map_err(|kind| located((Some(instruction as u32), kind)))?;
            }
        }
    }
    Ok(())
}

/// Makes room for `count` elements, or reports that there is no memory for them.
fn reserve<T>(vector: &mut Vec<T>, count: usize) -> Result<(), VerifyErrorKind> {
    vector.try_reserve_exact(count).map_err(|_| VerifyErrorKind::OutOfMemory)
}

/// Checks all of `function` but its code.
fn verify_frame(function: &Function) -> Result<(), VerifyErrorKind> {
    let registers = u32::from(function.register_count);
    if registers > MAX_REGISTERS {
        return Err(VerifyErrorKind::TooManyRegisters(function.register_count));
    }
    if registers < u32::from(function.parameter_count) {
        return Err(VerifyErrorKind::ParametersBeyondRegisters);
    }
    if function.upvalues.len() > MAX_UPVALUES {
        return Err(VerifyErrorKind::TooManyUpvalues(function.upvalues.len()));
    }
    if function.code.is_empty() {
        return Err(VerifyErrorKind::NoCode);
    }
    if function.code.len() > i32::MAX as usize {
        return Err(VerifyErrorKind::TooMuchCode);
    }
    if !function.lines.is_empty() && function.lines.len() != function.code.len() {
        return Err(VerifyErrorKind::LinesDiffer);
    }
    for (number, local) in function.locals.iter().enumerate() {
        if u32::from(local.register) >= registers {
            return Err(VerifyErrorKind::LocalRegister(number));
        }
        if local.start > local.end || local.end as usize > function.code.len() {
            return Err(VerifyErrorKind::LocalExtent(number));
        }
    }
    for (number, &constant) in function.sites.iter().enumerate() {
        if !matches!(function.constants.get(constant as usize), Some(Constant::String(_))) {
            return Err(VerifyErrorKind::SiteKey(number));
        }
    }
    Ok(())
}

/// Checks where `function` takes its upvalues from.
fn verify_captures(function: &Function, enclosing: &Function) -> Result<(), VerifyErrorKind> {
    for (number, upvalue) in function.upvalues.iter().enumerate() {
        let exists = match upvalue.capture {
            Capture::Register(register) => u16::from(register) < enclosing.register_count,
            Capture::Upvalue(upvalue) => usize::from(upvalue) < enclosing.upvalues.len(),
        };
        if !exists {
            return Err(VerifyErrorKind::Capture(number));
        }
    }
    Ok(())
}

/// Notes that the function `number` closes over `closed_over`, which no other may and which comes after it.
fn note_closure(enclosing: &mut [Option<u32>], number: u32, closed_over: u32) -> Result<(), VerifyErrorKind> {
    let entry = enclosing.get_mut(closed_over as usize).ok_or(VerifyErrorKind::NoSuchFunction(closed_over))?;
    if closed_over <= number {
        return Err(VerifyErrorKind::ClosureOfEarlierFunction(closed_over));
    }
    match *entry {
        Some(other) if other != number => Err(VerifyErrorKind::SharedFunction(closed_over)),
        _ => {
            *entry = Some(number);
            Ok(())
        }
    }
}
