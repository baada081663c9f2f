//! Each instruction word by itself: its opcode, its unused bits and its operands.

use super::VerifyErrorKind;
use crate::instruction::{Opcode, OperandKind, Word};
use crate::module::{Constant, Function};
use alloc::vec::Vec;

/// The value of the operand at `index` in the table. Only for known opcodes with so many operands.
pub(super) fn value(word: Word, index: usize) -> i64 {
    Opcode::from_number(word.opcode_number())
        .and_then(|opcode| opcode.entry().operands.get(index))
        .map_or(0, |&operand| word.operand(operand))
}

/// Checks all words of `function`. `used_sites` is working memory, one bit a site.
pub(super) fn verify(function: &Function, used_sites: &mut Vec<u64>) -> Result<(), (Option<u32>, VerifyErrorKind)> {
    let site_words = function.sites.len().div_ceil(64);
    used_sites.clear();
    super::reserve(used_sites, site_words).map_err(|kind| (None, kind))?;
    used_sites.resize(site_words, 0);
    for (number, &word) in function.code.iter().enumerate() {
        verify_word(function, word, used_sites).map_err(|kind| (Some(number as u32), kind))?;
    }
    for site in 0..function.sites.len() {
        if used_sites[site / 64] >> (site % 64) & 1 == 0 {
            return Err((None, VerifyErrorKind::UnusedSite(site)));
        }
    }
    Ok(())
}

fn verify_word(function: &Function, word: Word, used_sites: &mut [u64]) -> Result<(), VerifyErrorKind> {
    let opcode =
        Opcode::from_number(word.opcode_number()).ok_or(VerifyErrorKind::UnknownOpcode(word.opcode_number()))?;
    let entry = opcode.entry();
    if !word.is_canonical() {
        return Err(VerifyErrorKind::StrayBits);
    }
    for &operand in entry.operands {
        verify_operand(function, operand.kind, word.operand(operand), used_sites)?;
    }
    let extent = entry.extent(word);
    if extent > u64::from(function.register_count) {
        return Err(VerifyErrorKind::Register(extent - 1));
    }
    let least_count = match opcode {
        Opcode::load_nil | Opcode::generic_for_call => 1,
        Opcode::concat => 2,
        _ => 0,
    };
    if least_count > 0 && value(word, 1) < least_count {
        return Err(VerifyErrorKind::Count);
    }
    Ok(())
}

fn verify_operand(
    function: &Function,
    kind: OperandKind,
    value: i64,
    used_sites: &mut [u64],
) -> Result<(), VerifyErrorKind> {
    // The kinds that name something are unsigned.
    let number = value as u64;
    match kind {
        OperandKind::Write | OperandKind::Read | OperandKind::Update | OperandKind::Range => {
            if number >= u64::from(function.register_count) {
                return Err(VerifyErrorKind::Register(number));
            }
        }
        OperandKind::Constant | OperandKind::WideConstant => {
            if number >= function.constants.len() as u64 {
                return Err(VerifyErrorKind::Constant(number));
            }
        }
        OperandKind::Number => match function.constants.get(value as usize) {
            Some(Constant::Integer(_) | Constant::Float(_)) => {}
            Some(_) => return Err(VerifyErrorKind::ConstantKind(number)),
            None => return Err(VerifyErrorKind::Constant(number)),
        },
        OperandKind::Upvalue => {
            if number >= function.upvalues.len() as u64 {
                return Err(VerifyErrorKind::Upvalue(number));
            }
        }
        OperandKind::Live => {
            if number > u64::from(function.register_count) {
                return Err(VerifyErrorKind::Live(number));
            }
        }
        OperandKind::Site => {
            if number >= function.sites.len() as u64 {
                return Err(VerifyErrorKind::Site(number));
            }
            let bit = 1 << (number % 64);
            let used = &mut used_sites[value as usize / 64];
            if *used & bit != 0 {
                return Err(VerifyErrorKind::SharedSite(number));
            }
            *used |= bit;
        }
        // Functions are checked as a tree, jumps with the control flow; the others are plain numbers.
        OperandKind::Function
        | OperandKind::Jump
        | OperandKind::WideJump
        | OperandKind::Integer
        | OperandKind::WideInteger
        | OperandKind::Count
        | OperandKind::WideCount
        | OperandKind::SmallCount
        | OperandKind::Swapped => {}
    }
    Ok(())
}
