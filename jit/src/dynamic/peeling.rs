//! Loops whose first turn is compiled apart from the others.
//!
//! What is known of a register where a loop begins has to hold for each of its turns. Before the first one nothing may be known yet
//! of what each turn then looks at, like the table that it reads; and `local sum = 0` is an integer until a float is added. So the
//! first turn is made of the loop as it is, and all others of a copy, where both are known: nothing is looked at again there, and
//! numbers stay in the processor's registers.
//!
//! ```text
//!   before   the loop:   header ... back       behind
//!                                    |          ^
//!                                    v          |
//!                         copy:    header ... back
//!                                    ^__________|
//! ```
//!
//! The interpreter enters the copy alone: it comes from a later turn.

use super::{
    blocks::Code,
    inlining::{Body, Instruction, Spliced},
    kinds::Kind,
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::ops::Range;

/// The most instructions of a loop that is copied, with those of what it calls, and of all copies.
const MOST_PEELED: usize = 80;
pub(super) const MOST_PEELED_IN_ALL: usize = 160;

/// The innermost loops of a function of which more is known at the end of each turn than at the beginning of the first.
pub(crate) fn worth_peeling(code: &Code<'_>, kinds: &[Option<Vec<Kind>>]) -> Vec<Range<usize>> {
    let mut loops: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, block) in code.blocks.iter().enumerate().filter(|(number, _)| kinds[*number].is_some()) {
        for &next in block.successors.iter().filter(|&&next| next <= number) {
            let is_own = |block: usize| code.body_number(code.blocks[block].instructions.start) == 0;
            if is_own(number) && is_own(next) {
                loops.entry(next).or_default().push(number);
            }
        }
    }
    let mut room = MOST_PEELED_IN_ALL;
    let mut chosen = Vec::new();
    for (&header, backs) in &loops {
        let Some(&last) = backs.iter().max() else { continue };
        let range = code.blocks[header].instructions.start..code.blocks[last].instructions.end;
        let is_innermost = loops.keys().all(|&inner| inner <= header || inner > last);
        let words = range.len() + code.words_inlined(&range);
        // The function's beginning is its own, and calls go there.
        if header == 0 || !is_innermost || words > MOST_PEELED.min(room) || !gains(code, kinds, header, backs) {
            continue;
        }
        room -= words;
        chosen.push(range);
    }
    chosen
}

/// Whether something is known of a register on all ways back to a loop's header that is not known there.
fn gains(code: &Code<'_>, kinds: &[Option<Vec<Kind>>], header: usize, backs: &[usize]) -> bool {
    let Some(at_header) = &kinds[header] else { return false };
    let at_ends: Vec<Vec<Kind>> = backs
        .iter()
        .filter_map(|&back| {
            let mut at_end = kinds[back].clone()?;
            for instruction in code.blocks[back].instructions.clone() {
                code.follow(back, instruction, &mut at_end);
            }
            Some(at_end)
        })
        .collect();
    code.blocks[header].live.iter().filter(|&register| at_header.get(register) == Some(&Kind::Any)).any(|register| {
        let known = at_ends.iter().map(|at_end| at_end[register]).reduce(Kind::join);
        known.is_some_and(|known| known != Kind::Any)
    })
}

impl Spliced<'_> {
    /// Copies a loop of the function itself, with what is in the place of calls in it.
    pub fn peel(&mut self, range: &Range<usize>) {
        let header = range.start;
        let start = self.instructions.len();
        // Where the copies of instructions are, and of bodies.
        let mut places: BTreeMap<usize, usize> = range.clone().zip(start..).collect();
        let own = self.instructions[range.clone()].to_vec();
        self.instructions.extend(own);
        // Where nothing follows, the loop does not end.
        if self.bodies[0].instructions.contains(&range.end) {
            self.push_jump(0, range.end, range.end);
        }
        let mut bodies: BTreeMap<usize, usize> = BTreeMap::from([(0, 0)]);
        for number in 1..self.bodies.len() {
            let Body { unit, offset, call, ref instructions } = self.bodies[number];
            let Some(&call) = call.and_then(|call| places.get(&call)) else { continue };
            let start = self.instructions.len();
            places.extend(instructions.clone().zip(start..));
            let copied = self.instructions[instructions.clone()].to_vec();
            self.instructions.extend(copied);
            bodies.insert(number, self.bodies.len());
            self.bodies.push(Body { unit, offset, call: Some(call), instructions: start..self.instructions.len() });
        }
        for (&place, &copy) in &places {
            let Instruction { word, body, at, target } = self.instructions[place];
            let target = target.map(|target| places.get(&target).copied().unwrap_or(target));
            self.instructions[copy] = Instruction { word, body: bodies[&body], at, target };
            if let Some(body) = self.entered.get(&place) {
                self.entered.insert(copy, bodies[body]);
            }
            if let Some(target) = self.goes_to.get(&place) {
                self.goes_to.insert(copy, places.get(target).copied().unwrap_or(*target));
            }
        }
        // The first turn goes on with the copy.
        for place in places.into_keys() {
            let instruction = &mut self.instructions[place];
            if instruction.target == Some(header) {
                instruction.target = Some(start);
            }
        }
        self.peeled.push(range.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::kinds::{find_kinds, tests::unit};
    use lunette_bytecode::instruction::Opcode;
    use lunette_interpreter::{feedback::Tags, machine_code::Unit, machine_code::layout::tag};

    /// local sum = 0; for i = 1, 9 do sum = sum + t[i] end; return sum
    fn sum() -> Unit {
        let mut unit = unit(
            7,
            &[
                (Opcode::load_integer, &[1, 0]),
                (Opcode::load_integer, &[2, 1]),
                (Opcode::load_integer, &[3, 9]),
                (Opcode::load_integer, &[4, 1]),
                (Opcode::numeric_for_prepare, &[2, 3]),
                (Opcode::get_index, &[6, 0, 5]),
                (Opcode::add, &[1, 1, 6]),
                (Opcode::numeric_for_loop, &[2, -3]),
                (Opcode::return_one, &[1]),
            ],
        );
        unit.seen[5] = [Tags(1 << tag::TABLE), Tags(1 << tag::INTEGER), Tags::default()];
        unit.seen[6] = [Tags(1 << tag::INTEGER | 1 << tag::FLOAT), Tags(1 << tag::FLOAT), Tags::default()];
        unit
    }

    #[test]
    fn turns_behind_the_first_know_what_they_add_up_and_read() {
        let unit = sum();
        let mut spliced = Spliced::new(&unit, true);
        let code = Code::new(spliced.clone(), true).expect("it can be compiled");
        let kinds = find_kinds(&code);
        let loops = worth_peeling(&code, &kinds);
        assert_eq!((loops.len(), &loops[0]), (1, &(5..8)));
        spliced.peel(&loops[0]);
        let code = Code::new(spliced, true).expect("it can be compiled");
        let text = code.to_text();
        let expected = [
            "    5  get_index A=6 B=0 C=5",
            "    6  add A=1 B=1 C=6",
            "    7  numeric_for_loop A=2 D=-3 to 9",
            "    8  return_one A=1",
            "    9      5  get_index A=6 B=0 C=5",
            "   10      6  add A=1 B=1 C=6",
            "   11      7  numeric_for_loop A=2 D=-3 to 9",
            "   12      8  jump D=0 to 8",
        ];
        assert_eq!(text.lines().skip(5).collect::<Vec<_>>(), expected);
        let kinds = find_kinds(&code);
        let entries: Vec<usize> = (0..code.blocks.len()).filter(|&block| code.blocks[block].is_entry).collect();
        let [0, header] = entries[..] else { panic!("{entries:?}") };
        assert_eq!(code.blocks[header].instructions.start, 9);
        assert_eq!(kinds[header].as_ref().map(|kinds| [kinds[0], kinds[1]]), Some([Kind::Table, Kind::Float]));
        // All is known there by now.
        assert_eq!(worth_peeling(&code, &kinds), []);
    }

    #[test]
    fn loops_that_know_all_are_not_copied() {
        let unit = unit(
            6,
            &[
                (Opcode::load_integer, &[0, 0]),
                (Opcode::load_integer, &[1, 1]),
                (Opcode::load_integer, &[2, 9]),
                (Opcode::load_integer, &[3, 1]),
                (Opcode::numeric_for_prepare, &[1, 2]),
                (Opcode::add, &[0, 0, 4]),
                (Opcode::numeric_for_loop, &[1, -2]),
                (Opcode::return_one, &[0]),
            ],
        );
        let code = Code::new(Spliced::new(&unit, true), true).expect("it can be compiled");
        assert_eq!(worth_peeling(&code, &find_kinds(&code)), []);
    }

    #[test]
    fn what_is_in_the_place_of_calls_is_copied_with_them() {
        let mut unit = unit(
            8,
            &[
                (Opcode::load_integer, &[1, 0]),
                (Opcode::get_upvalue, &[2, 0]),
                (Opcode::copy, &[4, 0]),
                (Opcode::call, &[2, 2, 2]),
                (Opcode::add, &[1, 1, 2]),
                (Opcode::loop_back, &[-5]),
            ],
        );
        unit.seen[4] = [Tags(1 << tag::FLOAT), Tags(1 << tag::FLOAT), Tags::default()];
        unit.callees.insert(3, sum_of_one());
        let mut spliced = Spliced::new(&unit, true);
        spliced.peel(&(1..6));
        let text = Code::new(spliced, true).expect("it can be compiled").to_text();
        let copies: Vec<&str> =
            text.lines().filter(|line| line.contains("in the place") || line.contains("call")).collect();
        let expected =
            ["    3  call A=2 B=2 C=2", "in the place of 3:", "   12      3  call A=2 B=2 C=2", "in the place of 12:"];
        assert_eq!(copies, expected);
    }

    /// function(x) return x + x end
    fn sum_of_one() -> Unit {
        Unit { parameter_count: 1, ..unit(2, &[(Opcode::add, &[1, 0, 0]), (Opcode::return_one, &[1])]) }
    }
}
