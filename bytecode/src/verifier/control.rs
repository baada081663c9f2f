//! How the words of a function hang together: jumps, open lists, loops. The words themselves have been checked.

use super::VerifyErrorKind;
use super::words::value;
use crate::instruction::{Flow, Opcode, Word};

type Located = (u32, VerifyErrorKind);

/// Checks the control flow of `code`, which is not empty.
pub(super) fn verify(code: &[Word]) -> Result<(), Located> {
    for (number, &word) in code.iter().enumerate() {
        let Some(opcode) = Opcode::from_number(word.opcode_number()) else { continue };
        verify_instruction(code, number, word, opcode).map_err(|kind| (number as u32, kind))?;
    }
    Ok(())
}

fn verify_instruction(code: &[Word], number: usize, word: Word, opcode: Opcode) -> Result<(), VerifyErrorKind> {
    if matches!(opcode.entry().flow, Flow::Next | Flow::Branch) && number + 1 == code.len() {
        return Err(VerifyErrorKind::FallsOffEnd);
    }
    if let Some(distance) = word.jump_distance() {
        let is_back_edge = is_back_edge(opcode);
        if is_back_edge && distance >= 0 {
            return Err(VerifyErrorKind::ForwardBackEdge);
        }
        if !is_back_edge && distance < 0 {
            return Err(VerifyErrorKind::BackwardJump);
        }
        let (_, destination) = target(code, number).ok_or(VerifyErrorKind::JumpTarget)?;
        if list_use(destination).is_some() {
            return Err(VerifyErrorKind::JumpToOpenList);
        }
    }
    verify_open_lists(code, number, word)?;
    if is_loop_complete(code, number, word, opcode) { Ok(()) } else { Err(VerifyErrorKind::BrokenLoop) }
}

/// Whether `opcode` is one of those that jump backward: they poll.
fn is_back_edge(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::loop_back | Opcode::numeric_for_loop | Opcode::generic_for_loop)
}

/// The instruction to which the one at `number` jumps.
fn target(code: &[Word], number: usize) -> Option<(usize, Word)> {
    let distance = code.get(number)?.jump_distance()?;
    let target = usize::try_from(number as i64 + 1 + distance).ok()?;
    Some((target, *code.get(target)?))
}

/// The first register of the open list that `word` uses.
fn list_use(word: Word) -> Option<i64> {
    let offset = match Opcode::from_number(word.opcode_number())? {
        Opcode::call | Opcode::tail_call if value(word, 1) == 0 => 2,
        Opcode::return_values | Opcode::return_closing if value(word, 1) == 0 => 0,
        Opcode::set_list_open => 1,
        _ => return None,
    };
    Some(value(word, 0) + offset)
}

/// The first register of the open list that `word` makes.
fn list_made(word: Word) -> Option<i64> {
    let is_open = match Opcode::from_number(word.opcode_number())? {
        Opcode::call => value(word, 2) == 0,
        Opcode::tail_call => true,
        Opcode::variable_arguments => value(word, 1) == 0,
        _ => false,
    };
    is_open.then(|| value(word, 0))
}

/// Every open list goes straight from the instruction that makes it to one that uses it from there or from before.
fn verify_open_lists(code: &[Word], number: usize, word: Word) -> Result<(), VerifyErrorKind> {
    if let Some(used) = list_use(word) {
        let made = number.checked_sub(1).and_then(|previous| list_made(code[previous]));
        if made.is_none_or(|made| used > made) {
            return Err(VerifyErrorKind::NoOpenList);
        }
    }
    if list_made(word).is_some() && code.get(number + 1).is_none_or(|&next| list_use(next).is_none()) {
        return Err(VerifyErrorKind::OpenListUnused);
    }
    Ok(())
}

/// Whether the instruction, if it is one of a loop, has its counterparts where they belong:
///
/// ```text
///   numeric_for_prepare a ->end        generic_for_prepare a ->call
///   body: ...                          body: ...
///   numeric_for_loop a ->body          call: generic_for_call a
///   end:                               generic_for_loop a ->body
/// ```
fn is_loop_complete(code: &[Word], number: usize, word: Word, opcode: Opcode) -> bool {
    // The word at `position` is of `expected` for the same registers.
    let is = |position: Option<usize>, expected: Opcode| {
        position
            .and_then(|position| code.get(position))
            .is_some_and(|&other| other.opcode_number() == expected as u8 && value(other, 0) == value(word, 0))
    };
    let target_of = |position: usize| target(code, position).map(|(target, _)| target);
    match opcode {
        Opcode::numeric_for_prepare => target_of(number)
            .and_then(|end| end.checked_sub(1))
            .is_some_and(|last| is(Some(last), Opcode::numeric_for_loop) && target_of(last) == Some(number + 1)),
        Opcode::numeric_for_loop => target_of(number).and_then(|body| body.checked_sub(1)).is_some_and(|prepare| {
            is(Some(prepare), Opcode::numeric_for_prepare) && target_of(prepare) == Some(number + 1)
        }),
        Opcode::generic_for_prepare => target_of(number).is_some_and(|call| {
            is(Some(call), Opcode::generic_for_call)
                && is(Some(call + 1), Opcode::generic_for_loop)
                && target_of(call + 1) == Some(number + 1)
        }),
        Opcode::generic_for_call => is(Some(number + 1), Opcode::generic_for_loop),
        Opcode::generic_for_loop => {
            is(number.checked_sub(1), Opcode::generic_for_call)
                && target_of(number).and_then(|body| body.checked_sub(1)).is_some_and(|prepare| {
                    is(Some(prepare), Opcode::generic_for_prepare) && target_of(prepare) == Some(number - 1)
                })
        }
        _ => true,
    }
}
