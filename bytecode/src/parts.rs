//! Modules made of modules: without debug information, and of a single function.

use crate::instruction::{Opcode, Operand, OperandKind, Word};
use crate::module::{Function, Module};
use alloc::{string::String, vec, vec::Vec};

/// The source name of a module that does not tell.
const UNKNOWN_SOURCE: &[u8] = b"=?";

impl Module {
    /// Whether any function has lines, local variables or names of upvalues.
    pub fn has_debug_information(&self) -> bool {
        self.functions.iter().any(|function| {
            !function.lines.is_empty()
                || !function.locals.is_empty()
                || function.upvalues.iter().any(|upvalue| !upvalue.name.is_empty())
        })
    }

    /// Drops what only messages and debuggers need: the source name, lines, local variables, names of upvalues.
    pub fn strip(&mut self) {
        self.source = UNKNOWN_SOURCE.into();
        for function in &mut self.functions {
            function.lines = Vec::new();
            function.locals = Vec::new();
            for upvalue in &mut function.upvalues {
                upvalue.name = String::new();
            }
        }
    }

    /// The module whose main function is function `number`, with all functions in it; its upvalues stay described as
    /// they were. `None` if there is no such function, or a function in it does not come after the one around it, as
    /// the verifier demands.
    pub fn extract(&self, number: usize) -> Option<Module> {
        self.functions.get(number)?;
        let mut new_numbers: Vec<Option<u32>> = vec![None; self.functions.len()];
        let mut is_included = vec![false; self.functions.len()];
        is_included[number] = true;
        let mut included: Vec<&Function> = Vec::new();
        for (number, function) in self.functions.iter().enumerate().skip(number) {
            if !is_included[number] {
                continue;
            }
            new_numbers[number] = Some(included.len() as u32);
            included.push(function);
            for &word in &function.code {
                if let Some(operand) = function_operand(word) {
                    let inner = word.operand(operand) as usize;
                    if inner <= number {
                        return None;
                    }
                    *is_included.get_mut(inner)? = true;
                }
            }
        }
        let functions = included.into_iter().map(|function| renumber(function, &new_numbers)).collect::<Option<_>>()?;
        Some(Module { source: self.source.clone(), functions })
    }
}

/// The operand of `word` that names a function.
fn function_operand(word: Word) -> Option<Operand> {
    let entry = Opcode::from_number(word.opcode_number())?.entry();
    entry.operands.iter().copied().find(|operand| operand.kind == OperandKind::Function)
}

/// A copy of `function` whose closures are those of the new numbers.
fn renumber(function: &Function, new_numbers: &[Option<u32>]) -> Option<Function> {
    let mut function = function.clone();
    for word in &mut function.code {
        if let Some(operand) = function_operand(*word) {
            let new_number = new_numbers[word.operand(operand) as usize]?;
            *word = word.with_operand(operand, new_number.into())?;
        }
    }
    Some(function)
}
