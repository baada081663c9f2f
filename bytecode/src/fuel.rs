//! The static part of fuel: what a function's code costs by its shape alone.
//!
//! A back-edge spans the words from its target to itself, and costs their number whenever it is taken. Entering a
//! function costs one and the number of words that no back-edge spans. So between two charges runs at most
//! the function's code once, and no tier has to count instructions.

use crate::instruction::Word;

/// The cost of taking the back-edge `word`; 0 if it is none.
pub fn back_edge_cost(word: Word) -> u32 {
    match word.jump_distance() {
        Some(distance) if distance < 0 => distance.unsigned_abs() as u32,
        _ => 0,
    }
}

/// The cost of entering a function with this code.
pub fn entry_cost(code: &[Word]) -> u32 {
    let mut cost = 1;
    // The lowest word that the back-edges seen so far go to.
    let mut lowest = usize::MAX;
    for (number, &word) in code.iter().enumerate().rev() {
        let span = back_edge_cost(word) as usize;
        if span > 0 {
            lowest = lowest.min((number + 1).saturating_sub(span));
        }
        cost += u32::from(number < lowest);
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruction::Opcode;

    #[test]
    fn words_in_loops_are_paid_by_the_back_edges() {
        let word = |opcode: Opcode, operands: &[i64]| opcode.encode(operands).unwrap();
        let code = [
            word(Opcode::load_nil, &[0, 1]),
            word(Opcode::load_true, &[0]),
            word(Opcode::loop_back, &[-1]),
            word(Opcode::load_true, &[0]),
            word(Opcode::loop_back, &[-4]),
            word(Opcode::return_none, &[]),
        ];
        assert_eq!(code.map(back_edge_cost), [0, 0, 1, 0, 4, 0]);
        assert_eq!(entry_cost(&code), 3);
        assert_eq!(entry_cost(&code[5..]), 2);
    }
}
