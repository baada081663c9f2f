//! The static part of fuel of typed code, by the rule of [`crate::fuel`]: a back-edge costs the words it spans, from its
//! target to its end, and entering a function costs one and the words that no back-edge spans.

use super::instruction::{jump_distance, length};
use crate::instruction::Word;
use alloc::vec::Vec;

/// The cost of entering a function with this code, which has been verified.
pub fn entry_cost(code: &[Word]) -> u32 {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(length) = code.get(at..).and_then(length) {
        let end = at + length;
        if let Some(distance @ ..0) = jump_distance(&code[at..]) {
            let start = end.saturating_sub(distance.unsigned_abs() as usize);
            // Spans end later and later: those that this one reaches into become part of it.
            let mut span = (start, end);
            while let Some(&(other, other_end)) = spans.last()
                && other_end > start
            {
                span.0 = span.0.min(other);
                spans.pop();
            }
            spans.push(span);
        }
        at = end;
    }
    let spanned: usize = spans.iter().map(|(start, end)| end - start).sum();
    1 + (code.len() - spanned.min(code.len())) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typed::instruction::Opcode;

    #[test]
    fn words_in_loops_are_paid_by_the_back_edges() {
        let mut code = Vec::new();
        Opcode::zero_numbers.encode(&[0, 1], &mut code).unwrap();
        Opcode::load_constant.encode(&[0, 1], &mut code).unwrap();
        Opcode::loop_if.encode(&[0, -3], &mut code).unwrap();
        Opcode::copy.encode(&[0, 0], &mut code).unwrap();
        Opcode::loop_back.encode(&[-5], &mut code).unwrap();
        Opcode::return_none.encode(&[], &mut code).unwrap();
        assert_eq!(code.len(), 7);
        assert_eq!(entry_cost(&code), 1 + 2);
    }
}
