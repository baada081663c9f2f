//! What the tests share.

use lunette_bytecode::instruction::{Opcode, Word};
use lunette_bytecode::module::{Function, Module};
use lunette_bytecode::verifier::verify;
use lunette_frontend::{CompileError, Limits, SyntaxError, compile};

/// Compiles a correct source; the module has to pass the verifier.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn module(source: &str) -> Module {
    let module = match compile(source.as_bytes(), b"=test", Limits::default()) {
        Ok(module) => module,
        Err(error) => panic!("{error}"),
    };
    if let Err(error) = verify(&module) {
        panic!("{error}");
    }
    module
}

/// Compiles a wrong source.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn error(source: &[u8]) -> SyntaxError {
    match compile(source, b"=x", Limits::default()) {
        Err(CompileError::Syntax(error)) => *error,
        other => panic!("expected a syntax error, got {other:?}"),
    }
}

/// The mnemonics of a function, without the last instruction, which returns.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn mnemonics(function: &Function) -> Vec<&'static str> {
    let (_, code) = function.code.split_last().expect("a function has code");
    code.iter().map(|&word| opcode(word).entry().name).collect()
}

/// The operands of an instruction, in the order of the table.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn operands(word: Word) -> Vec<i64> {
    opcode(word).entry().operands.iter().map(|&operand| word.operand(operand)).collect()
}

#[allow(dead_code, reason = "not every test file needs it")]
pub fn opcode(word: Word) -> Opcode {
    Opcode::from_number(word.opcode_number()).expect("a known opcode")
}
