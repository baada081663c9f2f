//! Conditions: comparisons, `and`, `or` and `not`, compiled to jumps.

use super::chain::{immediate, is_logical};
use super::expression::{Operand, Term};
use super::jump::JumpList;
use super::register::Destination;
use super::{Done, Generator};
use crate::ast::*;
use crate::error::Failure;
use lunette_bytecode::instruction::Opcode;

/// The branch that jumps just when one with this opcode does not.
pub(super) fn inverse(opcode: Opcode) -> Option<Opcode> {
    const PAIRS: [(Opcode, Opcode); 11] = [
        (Opcode::jump_if, Opcode::jump_if_not),
        (Opcode::jump_equal, Opcode::jump_not_equal),
        (Opcode::jump_less, Opcode::jump_not_less),
        (Opcode::jump_less_equal, Opcode::jump_not_less_equal),
        (Opcode::jump_equal_integer, Opcode::jump_not_equal_integer),
        (Opcode::jump_less_integer, Opcode::jump_not_less_integer),
        (Opcode::jump_less_equal_integer, Opcode::jump_not_less_equal_integer),
        (Opcode::jump_greater_integer, Opcode::jump_not_greater_integer),
        (Opcode::jump_greater_equal_integer, Opcode::jump_not_greater_equal_integer),
        (Opcode::jump_equal_constant, Opcode::jump_not_equal_constant),
        (Opcode::jump, Opcode::jump),
    ];
    PAIRS.into_iter().find_map(|(one, other)| match () {
        () if opcode == Opcode::jump => None,
        () if opcode == one => Some(other),
        () if opcode == other => Some(one),
        () => None,
    })
}

/// A comparison with its operands in place: the branch that jumps if it holds.
struct Comparison {
    opcode: Opcode,
    operands: [i64; 2],
    /// Whether the second operand is a register.
    has_two_registers: bool,
    /// Whether the branch should be the inverse: it is `~=`.
    is_negated: bool,
}

/// Jumps out of a condition whose value is wanted.
#[derive(Default)]
struct Exits {
    /// To where the value is complete.
    complete: JumpList,
    /// To where it becomes true.
    to_true: JumpList,
    /// To where it becomes false.
    to_false: JumpList,
}

impl Exits {
    fn boolean(&mut self, value: bool) -> &mut JumpList {
        if value { &mut self.to_true } else { &mut self.to_false }
    }
}

/// The operands of `and` or `or` of the same precedence.
struct Run {
    chain: Chain,
    first: u32,
    last: u32,
    is_or: bool,
}

fn is_comparison(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Less
            | BinaryOperator::Greater
            | BinaryOperator::LessEqual
            | BinaryOperator::GreaterEqual
            | BinaryOperator::NotEqual
            | BinaryOperator::Equal
    )
}

impl Generator<'_> {
    /// Whether the term is best compiled to jumps.
    pub(super) fn is_condition(&self, term: Term) -> bool {
        match term {
            Term::Node(id) => {
                let ExpressionKind::Unary(UnaryOperator::Not, inner) = self.ast.expression(id).kind else {
                    return false;
                };
                self.is_condition(self.term(inner))
            }
            Term::Chain(..) => {
                self.last_link(term).is_some_and(|link| is_comparison(link.operator) || is_logical(link.operator))
            }
        }
    }

    fn run(&self, term: Term) -> Option<Run> {
        let Term::Chain(chain, last) = term else { return None };
        let operator = self.ast.link(chain, last - 1).operator;
        if !is_logical(operator) {
            return None;
        }
        let mut first = last - 1;
        while first > 0 && self.ast.link(chain, first - 1).operator == operator {
            first -= 1;
        }
        Some(Run { chain, first, last, is_or: operator == BinaryOperator::Or })
    }

    /// Jumps if the truth of `term` is `when`, and goes on otherwise. A value is tested in the line of `end`, the word
    /// after the term, if that is given.
    pub(super) fn condition(&mut self, mut term: Term, mut when: bool, end: Option<u32>, list: &mut JumpList) -> Done {
        while let Term::Node(id) = term
            && let Expression { kind: ExpressionKind::Unary(UnaryOperator::Not, inner), position } =
                self.ast.expression(id)
        {
            self.position = position;
            term = self.term(inner);
            when = !when;
        }
        if let Some(run) = self.run(term) {
            return self.logical_condition(&run, when, end, list);
        }
        let mark = self.function.free;
        if let Some((left, link)) = self.comparison_parts(term)? {
            let comparison = self.comparison(left, link)?;
            self.function.free = mark;
            return self.branch(&comparison, when, list);
        }
        match self.operand_before(term, end)? {
            Operand::Constant(constant) => {
                if constant.is_true() == when {
                    self.emit_jump(Opcode::jump, &[], list)?;
                }
            }
            operand => {
                let register = self.register(operand)?;
                self.emit_jump(if when { Opcode::jump_if } else { Opcode::jump_if_not }, &[register.into()], list)?;
            }
        }
        self.function.free = mark;
        Ok(())
    }

    fn logical_condition(&mut self, run: &Run, when: bool, end: Option<u32>, list: &mut JumpList) -> Done {
        let (last, last_end) = self.operand_of_run(run, run.last, end);
        if run.is_or == when {
            for number in run.first..run.last {
                let (operand, end) = self.operand_of_run(run, number, end);
                self.condition(operand, when, end, list)?;
            }
            return self.condition(last, when, last_end, list);
        }
        let mut over = JumpList::default();
        for number in run.first..run.last {
            let (operand, end) = self.operand_of_run(run, number, end);
            self.condition(operand, !when, end, &mut over)?;
        }
        self.condition(last, when, last_end, list)?;
        self.patch_here(over);
        Ok(())
    }

    /// An operand of a run, and where the operator after it ends; `end` is that of the run.
    fn operand_of_run(&self, run: &Run, number: u32, end: Option<u32>) -> (Term, Option<u32>) {
        let operand = match number {
            number if number == run.first => self.prefix(run.chain, run.first),
            number => self.term(self.ast.link(run.chain, number - 1).operand),
        };
        let is_last = number == run.last;
        (operand, if is_last { end } else { Some(self.ast.link(run.chain, number).position) })
    }

    // ---- comparisons ----

    /// Evaluates the left operand of a term that is a comparison.
    fn comparison_parts(&mut self, term: Term) -> Result<Option<(Operand, Link)>, Failure> {
        match (term, self.last_link(term)) {
            (Term::Chain(chain, links), Some(link)) if is_comparison(link.operator) => {
                let left = self.operand_before(self.prefix(chain, links - 1), Some(link.position))?;
                Ok(Some((left, link)))
            }
            _ => Ok(None),
        }
    }

    /// Evaluates the right operand of a comparison and chooses its instruction.
    fn comparison(&mut self, left: Operand, link: Link) -> Result<Comparison, Failure> {
        let right = self.operand(self.term(link.operand))?;
        let is_negated = link.operator == BinaryOperator::NotEqual;
        let single = match (left, right) {
            (_, Operand::Constant(constant)) => Some((left, constant, false)),
            (Operand::Constant(constant), _) => Some((right, constant, true)),
            _ => None,
        };
        if let Some((variable, constant, is_swapped)) = single {
            let form = match (integer_comparison(link.operator, is_swapped), immediate(constant)) {
                (Some(opcode), Some(operand)) => Some((opcode, operand)),
                _ if matches!(link.operator, BinaryOperator::Equal | BinaryOperator::NotEqual) => {
                    self.small_constant(constant)?.map(|operand| (Opcode::jump_equal_constant, operand))
                }
                _ => None,
            };
            if let Some((opcode, operand)) = form {
                let register = self.register(variable)?;
                let operands = [register.into(), operand];
                return Ok(Comparison { opcode, operands, has_two_registers: false, is_negated });
            }
        }
        let left = self.register(left)?.into();
        let right = self.register(right)?.into();
        let (opcode, operands) = match link.operator {
            BinaryOperator::Less => (Opcode::jump_less, [left, right]),
            BinaryOperator::Greater => (Opcode::jump_less, [right, left]),
            BinaryOperator::LessEqual => (Opcode::jump_less_equal, [left, right]),
            BinaryOperator::GreaterEqual => (Opcode::jump_less_equal, [right, left]),
            _ => (Opcode::jump_equal, [left, right]),
        };
        Ok(Comparison { opcode, operands, has_two_registers: true, is_negated })
    }

    /// Emits the branch of a comparison.
    fn branch(&mut self, comparison: &Comparison, when: bool, list: &mut JumpList) -> Done {
        let opcode = if when != comparison.is_negated {
            comparison.opcode
        } else {
            inverse(comparison.opcode).unwrap_or(comparison.opcode)
        };
        self.emit_jump(opcode, &comparison.operands, list)
    }

    /// Evaluates a comparison to a boolean.
    pub(super) fn comparison_value(
        &mut self,
        left: Operand,
        link: Link,
        mark: u32,
        destination: Destination,
    ) -> Result<u8, Failure> {
        let comparison = self.comparison(left, link)?;
        self.function.free = mark;
        let target = self.take(destination)?;
        let reads_target = comparison.operands[0] == i64::from(target)
            || comparison.has_two_registers && comparison.operands[1] == i64::from(target);
        let mut to_true = JumpList::default();
        if reads_target {
            self.branch(&comparison, true, &mut to_true)?;
            let exits = Exits { to_true, ..Exits::default() };
            self.complete(exits, Some(false), target)?;
        } else {
            self.emit(Opcode::load_true, &[target.into()])?;
            self.branch(&comparison, true, &mut to_true)?;
            self.emit(Opcode::load_false, &[target.into()])?;
            self.patch_here(to_true);
        }
        Ok(target)
    }

    // ---- values of conditions ----

    /// Evaluates `not term`, where the term is a condition.
    pub(super) fn negated_condition(&mut self, term: Term, destination: Destination) -> Result<u8, Failure> {
        let mut exits = Exits::default();
        self.condition(term, false, None, &mut exits.to_true)?;
        let target = self.take(destination)?;
        self.complete(exits, Some(false), target)?;
        Ok(target)
    }

    /// Evaluates a term whose last operator is `and` or `or`.
    pub(super) fn logical(&mut self, term: Term, destination: Destination) -> Result<u8, Failure> {
        let Some(run) = self.run(term) else { return self.value(term, destination) };
        let base = self.function.free;
        let mut exits = Exits::default();
        for number in run.first..run.last {
            let (operand, end) = self.operand_of_run(&run, number, None);
            self.value_or_jump(operand, run.is_or, end, destination, &mut exits)?;
        }
        let (last, _) = self.operand_of_run(&run, run.last, None);
        let has_boolean_exits = !exits.to_true.is_empty() || !exits.to_false.is_empty();
        let mut falls_to = None;
        if has_boolean_exits && self.is_condition(last) && self.run(last).is_none() {
            self.condition(last, true, None, &mut exits.to_true)?;
            falls_to = Some(false);
        } else {
            self.value(last, destination)?;
        }
        self.function.free = base;
        let target = self.take(destination)?;
        self.complete(exits, falls_to, target)?;
        Ok(target)
    }

    /// If the truth of `term` is `when`, puts its value in `destination`, or finds it to be a boolean, and jumps.
    fn value_or_jump(
        &mut self,
        term: Term,
        when: bool,
        end: Option<u32>,
        destination: Destination,
        exits: &mut Exits,
    ) -> Done {
        if let Some(run) = self.run(term) {
            return self.logical_or_jump(&run, when, end, destination, exits);
        }
        let base = self.function.free;
        let is_negation = matches!(term, Term::Node(id)
            if matches!(self.ast.expression(id).kind, ExpressionKind::Unary(UnaryOperator::Not, _)));
        if is_negation || self.is_condition(term) {
            return self.condition(term, when, end, exits.boolean(when));
        }
        let operand = match term {
            Term::Chain(..) => self.chain(term, destination)?,
            Term::Node(id) if self.is_in_place(id) => self.operand(term)?,
            Term::Node(_) => Operand::Register(self.value(term, destination)?),
        };
        self.pass(term, end);
        match operand {
            Operand::Constant(constant) if constant.is_true() != when => {}
            Operand::Constant(constant) => {
                self.load(constant, destination)?;
                self.emit_jump(Opcode::jump, &[], &mut exits.complete)?;
            }
            operand => {
                self.function.free = base;
                let register = self.put(operand, destination)?;
                let opcode = if when { Opcode::jump_if } else { Opcode::jump_if_not };
                self.emit_jump(opcode, &[register.into()], &mut exits.complete)?;
            }
        }
        self.function.free = base;
        Ok(())
    }

    fn logical_or_jump(
        &mut self,
        run: &Run,
        when: bool,
        end: Option<u32>,
        destination: Destination,
        exits: &mut Exits,
    ) -> Done {
        let (last, last_end) = self.operand_of_run(run, run.last, end);
        if run.is_or == when {
            for number in run.first..run.last {
                let (operand, end) = self.operand_of_run(run, number, end);
                self.value_or_jump(operand, when, end, destination, exits)?;
            }
            return self.value_or_jump(last, when, last_end, destination, exits);
        }
        let mut over = JumpList::default();
        for number in run.first..run.last {
            let (operand, end) = self.operand_of_run(run, number, end);
            self.condition(operand, !when, end, &mut over)?;
        }
        self.value_or_jump(last, when, last_end, destination, exits)?;
        self.patch_here(over);
        Ok(())
    }

    /// Ends a condition whose value is wanted in `target`: where control falls through, the value is complete, or it
    /// is the boolean `falls_to`.
    fn complete(&mut self, mut exits: Exits, falls_to: Option<bool>, target: u8) -> Done {
        let Exits { to_true, to_false, .. } = exits;
        let needs_false = falls_to == Some(false) || !to_false.is_empty();
        if falls_to.is_none() && !(to_true.is_empty() && to_false.is_empty()) {
            self.emit_jump(Opcode::jump, &[], &mut exits.complete)?;
        }
        if needs_false {
            self.patch_here(to_false);
            self.emit(Opcode::load_false, &[target.into()])?;
            if !to_true.is_empty() {
                self.emit_jump(Opcode::jump, &[], &mut exits.complete)?;
            }
        }
        if !to_true.is_empty() {
            self.patch_here(to_true);
            self.emit(Opcode::load_true, &[target.into()])?;
        }
        self.patch_here(exits.complete);
        Ok(())
    }
}

/// The comparison with an integer on the right, or on the left if `is_swapped`.
fn integer_comparison(operator: BinaryOperator, is_swapped: bool) -> Option<Opcode> {
    Some(match (operator, is_swapped) {
        (BinaryOperator::Equal | BinaryOperator::NotEqual, _) => Opcode::jump_equal_integer,
        (BinaryOperator::Less, false) | (BinaryOperator::Greater, true) => Opcode::jump_less_integer,
        (BinaryOperator::LessEqual, false) | (BinaryOperator::GreaterEqual, true) => Opcode::jump_less_equal_integer,
        (BinaryOperator::Greater, false) | (BinaryOperator::Less, true) => Opcode::jump_greater_integer,
        (BinaryOperator::GreaterEqual, false) | (BinaryOperator::LessEqual, true) => Opcode::jump_greater_equal_integer,
        _ => return None,
    })
}
