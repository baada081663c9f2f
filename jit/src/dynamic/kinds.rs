//! Which registers hold numbers, or tables, for certain, found by following the control flow forward; and for which types of
//! its operands an instruction is compiled.
//!
//! What is read from a table, or is a parameter, may be anything. The types with which the interpreter has seen an operand say
//! what to expect; compiled code looks, and from there on it is known.

use super::{blocks::Code, inlining::is_call, operands::Operands};
use alloc::{vec, vec::Vec};
use lunette_bytecode::instruction::{Opcode, OperandKind};
use lunette_interpreter::{
    feedback::{OPERANDS, Tags},
    frame::FRAME_SLOTS,
    machine_code::{NativeCallee, layout::tag},
    native::Builtin,
};

/// What is known of a register's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it is in the frame.
    Any,
    /// It is an integer.
    Integer,
    /// It is a float.
    Float,
    /// It is a table, and in the frame as well.
    Table,
}

impl Kind {
    /// What is known where control comes from two places.
    pub fn join(self, other: Kind) -> Kind {
        if self == other { self } else { Kind::Any }
    }

    /// Its tag, if it is known.
    pub fn tag(self) -> Option<u32> {
        match self {
            Kind::Any => None,
            Kind::Integer => Some(tag::INTEGER),
            Kind::Float => Some(tag::FLOAT),
            Kind::Table => Some(tag::TABLE),
        }
    }

    pub fn of_tag(found: u32) -> Kind {
        match found {
            tag::INTEGER => Kind::Integer,
            tag::FLOAT => Kind::Float,
            tag::TABLE => Kind::Table,
            _ => Kind::Any,
        }
    }
}

/// What an operand is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Integer,
    Float,
    /// A number, as far as is known.
    Number,
    /// Something else.
    Other,
}

/// For which operands an operation of numbers is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Both are integers.
    Integers,
    /// One of them is a float.
    Floats,
    /// Integers, or floats.
    Numbers,
    /// None: it is performed.
    Performed,
}

/// Where an operand of an operation is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// In a register; it is this one of the instruction's operands that are read.
    Register(usize, usize),
    /// It is a constant of a kind.
    Constant(Kind, u64),
}

/// The operands of an operation of numbers, or of a comparison.
pub(crate) fn sources(code: &Code<'_>, instruction: usize) -> Option<[Source; 2]> {
    let word = code.word(instruction);
    let constant = |number: usize| match code.unit_of(instruction).constants.get(number) {
        Some(&(tag, payload)) => Source::Constant(Kind::of_tag(tag), payload),
        None => unreachable!("a verified instruction has its constants"),
    };
    let integer = |value: i64| Source::Constant(Kind::Integer, value as u64);
    use Opcode::*;
    Some(match word.opcode() {
        add | subtract | multiply | divide | modulo | power | floor_divide | bit_and | bit_or | bit_xor
        | shift_left | shift_right => [Source::Register(word.b(), 0), Source::Register(word.c(), 1)],
        add_constant
        | subtract_constant
        | multiply_constant
        | divide_constant
        | modulo_constant
        | power_constant
        | floor_divide_constant
        | bit_and_constant
        | bit_or_constant
        | bit_xor_constant => [Source::Register(word.b(), 0), constant(word.c())],
        add_integer | subtract_integer | shift_left_integer | shift_right_integer => {
            [Source::Register(word.b(), 0), integer(word.c_signed())]
        }
        jump_less | jump_not_less | jump_less_equal | jump_not_less_equal | jump_equal | jump_not_equal => {
            [Source::Register(word.a(), 0), Source::Register(word.b(), 1)]
        }
        jump_equal_integer
        | jump_not_equal_integer
        | jump_less_integer
        | jump_not_less_integer
        | jump_less_equal_integer
        | jump_not_less_equal_integer
        | jump_greater_integer
        | jump_not_greater_integer
        | jump_greater_equal_integer
        | jump_not_greater_equal_integer => [Source::Register(word.a(), 0), integer(word.b_signed())],
        jump_equal_constant | jump_not_equal_constant => [Source::Register(word.a(), 0), constant(word.b())],
        _ => return None,
    })
}

impl Code<'_> {
    /// Whether compiled code goes on at an instruction, whatever it meets.
    pub fn goes_on(&self, instruction: usize) -> bool {
        self.unit_of(instruction).goes_on[self.at(instruction)]
    }

    /// The tags that one of the operands an instruction reads was seen with.
    pub fn seen(&self, instruction: usize, place: usize) -> Tags {
        self.unit_of(instruction).seen[self.at(instruction)][place]
    }

    /// The same, for operands of numbers.
    fn seen_number(&self, instruction: usize, place: usize) -> Tags {
        let seen = self.seen(instruction, place);
        // Tests are to see expectations that fail.
        if self.unit.is_eager && seen == Tags::default() && instruction.is_multiple_of(3) {
            return Tags(1 << if instruction.is_multiple_of(2) { tag::INTEGER } else { tag::FLOAT });
        }
        seen
    }

    /// What one of the operands that an instruction reads is expected to be.
    pub fn expected(&self, instruction: usize, source: Source, kinds: &[Kind]) -> Expected {
        let (kind, seen) = match source {
            Source::Register(register, place) => (kinds[register], self.seen_number(instruction, place)),
            Source::Constant(kind, _) => (kind, Tags::default()),
        };
        match kind {
            Kind::Integer => return Expected::Integer,
            Kind::Float => return Expected::Float,
            Kind::Table => return Expected::Other,
            Kind::Any if matches!(source, Source::Constant(..)) => return Expected::Other,
            Kind::Any => {}
        }
        let numbers = 1 << tag::INTEGER | 1 << tag::FLOAT;
        match seen.0 {
            0 => Expected::Number,
            seen if seen == 1 << tag::INTEGER => Expected::Integer,
            seen if seen == 1 << tag::FLOAT => Expected::Float,
            seen if seen & numbers == 0 => Expected::Other,
            _ => Expected::Number,
        }
    }

    /// How an operation is compiled.
    pub fn plan(&self, instruction: usize, sources: [Source; 2], kinds: &[Kind]) -> Plan {
        use Opcode::*;
        let [left, right] = sources.map(|source| self.expected(instruction, source, kinds));
        let word = self.word(instruction);
        let is_integer = (left, right) == (Expected::Integer, Expected::Integer);
        let is_float = left == Expected::Float || right == Expected::Float;
        let is_other = left == Expected::Other || right == Expected::Other;
        match word.opcode() {
            _ if is_other => Plan::Performed,
            add | subtract | multiply | add_constant | subtract_constant | multiply_constant | add_integer
            | subtract_integer => match () {
                () if is_integer => Plan::Integers,
                () if is_float => Plan::Floats,
                () => Plan::Numbers,
            },
            divide | divide_constant => Plan::Floats,
            modulo | modulo_constant | bit_and | bit_or | bit_xor | bit_and_constant | bit_or_constant
            | bit_xor_constant | shift_left | shift_right | shift_left_integer | shift_right_integer => {
                if is_float {
                    Plan::Performed
                } else {
                    Plan::Integers
                }
            }
            floor_divide | floor_divide_constant => match is_float {
                true if self.rounds => Plan::Floats,
                true => Plan::Performed,
                false => Plan::Integers,
            },
            power_constant if left == Expected::Float && matches!(sources[1], Source::Constant(Kind::Integer, 2)) => {
                Plan::Floats
            }
            power | power_constant => Plan::Performed,
            // Integers and floats are compared exactly, which takes more.
            _ => match (left, right) {
                (Expected::Integer, Expected::Integer) => Plan::Integers,
                (Expected::Float, Expected::Float) => Plan::Floats,
                (Expected::Float, Expected::Integer) if matches!(sources[1], Source::Constant(..)) => Plan::Floats,
                _ => Plan::Numbers,
            },
        }
    }

    /// What a call does that is done in its place, and the kind of its result.
    pub fn builtin(&self, instruction: usize, kinds: &[Kind]) -> Option<(Builtin, Kind)> {
        let word = self.word(instruction);
        let builtin = self.native_callee(instruction)?.builtin?;
        let is_tail = word.opcode() == Opcode::tail_call && self.body_number(instruction) != 0;
        if word.opcode() != Opcode::call && !is_tail {
            return None;
        }
        match builtin {
            // It gives one result.
            _ if is_tail => {}
            Builtin::Select => return self.selects(instruction).then_some((builtin, Kind::Any)),
            Builtin::Pairs | Builtin::IntegerPairs => {
                return (word.b_count() == 2 && word.c_count() > 3).then_some((builtin, Kind::Any));
            }
            Builtin::Insert => return ((word.b_count(), word.c_count()) == (3, 1)).then_some((builtin, Kind::Any)),
            Builtin::Remove => {
                return (word.b_count() == 2 && matches!(word.c_count(), 1 | 2)).then_some((builtin, Kind::Any));
            }
            _ if word.c_count() != 2 => return None,
            _ => {}
        }
        let argument = |number: usize| kinds[word.a() + FRAME_SLOTS as usize + number];
        let may_be_table = |kind| matches!(kind, Kind::Any | Kind::Table);
        let result = match (builtin, word.b_count().checked_sub(1)?) {
            (Builtin::SquareRoot, 1) if argument(0) != Kind::Table => Kind::Float,
            (Builtin::Floor, 1) if argument(0) != Kind::Table && self.rounds => Kind::Integer,
            (Builtin::Minimum | Builtin::Maximum, 2) => match [argument(0), argument(1)] {
                [Kind::Integer, Kind::Integer] => Kind::Integer,
                [Kind::Float, Kind::Float] => Kind::Float,
                _ => return None,
            },
            (Builtin::SetMetatable, 2) if [0, 1].iter().all(|&number| may_be_table(argument(number))) => Kind::Table,
            // There may be none.
            (Builtin::Byte, 1) if argument(0) == Kind::Any => Kind::Any,
            (Builtin::Byte, 2) if argument(0) == Kind::Any && matches!(argument(1), Kind::Any | Kind::Integer) => {
                Kind::Any
            }
            _ => return None,
        };
        Some((builtin, result))
    }

    /// The native function that a call was seen to call, if there is a shorter way than that of all.
    pub fn native_callee(&self, instruction: usize) -> Option<NativeCallee> {
        let callee = self.unit_of(instruction).native_callees.get(&(self.at(instruction) as u32)).copied();
        callee.filter(|_| !self.goes_on(instruction))
    }

    /// Whether a call is one of `select` for one of the function's further arguments, or their number: then it is done with
    /// the instruction before it, which would copy all of them.
    pub fn selects(&self, call: usize) -> bool {
        let is_first = || self.blocks.binary_search_by_key(&call, |block| block.instructions.start).is_ok();
        let word = self.word(call);
        if !self.unit.is_variadic
            || word.opcode() != Opcode::call
            || (word.b_count(), word.c_count()) != (0, 2)
            || self.native_callee(call).is_none_or(|callee| callee.builtin != Some(Builtin::Select))
            || is_first()
        {
            return false;
        }
        let list = self.word(call - 1);
        list.opcode() == Opcode::variable_arguments
            && (list.a(), list.b_count()) == (word.a() + FRAME_SLOTS as usize + 1, 0)
            && !self.goes_on(call - 1)
    }

    /// In which kind an instruction is to give what it reads from a table or a variable: the one in which it is soon used first,
    /// in the block or in those that follow.
    pub fn loaded(&self, block: usize, instruction: usize, register: usize) -> Kind {
        if self.goes_on(instruction) {
            return Kind::Any;
        }
        let mut due = Vec::from([(block, instruction + 1)]);
        let mut looked_at = 0;
        // A block comes twice at most: the one in which this begins, and as one that follows.
        for visited in 0..MOST_FOLLOWED {
            let Some(&(block, first)) = due.get(visited) else { break };
            let mut is_written = false;
            for next in first..self.blocks[block].instructions.end {
                looked_at += 1;
                if looked_at > LOOKED_AT {
                    return Kind::Any;
                }
                if let Some(place) = self.place_read(next, register) {
                    return self.seen_number(next, place).only().map_or(Kind::Any, Kind::of_tag);
                }
                is_written = self.written(next).contains(&register);
                if is_written {
                    break;
                }
            }
            if !is_written {
                for &next in &self.blocks[block].successors {
                    let start = self.blocks[next].instructions.start;
                    if !due.contains(&(next, start)) && self.blocks[next].live.has(register) {
                        due.push((next, start));
                    }
                }
            }
        }
        Kind::Any
    }

    /// Which of the operands that an instruction reads a register is, if it is one that was looked at.
    fn place_read(&self, instruction: usize, register: usize) -> Option<usize> {
        let word = self.word(instruction);
        let operands = word.opcode().entry().operands.iter();
        let mut read = operands
            .filter(|operand| matches!(operand.kind, OperandKind::Read | OperandKind::Update | OperandKind::Range))
            .take(OPERANDS);
        read.position(|&operand| operand.kind == OperandKind::Read && word.operand(operand) == register as i64)
    }

    /// Whether an operand in a register is seen to be a table, or may be.
    pub fn may_be_table(&self, instruction: usize, register: usize, place: usize, kinds: &[Kind]) -> bool {
        let seen = self.seen(instruction, place).0;
        match kinds[register] {
            Kind::Table => true,
            Kind::Any => seen == 0 || seen & 1 << tag::TABLE != 0,
            _ => false,
        }
    }

    /// Whether an operand in a register is taken for a table: where it is none, compiled code is left before anything else.
    pub fn is_table(&self, instruction: usize, register: usize, place: usize, kinds: &[Kind]) -> bool {
        self.is_expected(instruction, kinds[register], place, Kind::Table)
    }

    /// The same for an integer.
    pub fn is_integer(&self, instruction: usize, register: usize, place: usize, kinds: &[Kind]) -> bool {
        self.is_expected(instruction, kinds[register], place, Kind::Integer)
    }

    fn is_expected(&self, instruction: usize, found: Kind, place: usize, kind: Kind) -> bool {
        let seen = self.seen(instruction, place);
        let is_chosen = self.unit.is_eager && seen == Tags::default() && instruction.is_multiple_of(2);
        let is_seen = is_chosen || seen.only().is_some_and(|seen| Some(seen) == kind.tag());
        found == kind || found == Kind::Any && is_seen && !self.goes_on(instruction)
    }

    /// What is known of the table and the key of an instruction that reads or writes an element or a field, once it was looked
    /// whether they are what they are taken for.
    fn follow_access(&self, instruction: usize, table: usize, key: Option<usize>, kinds: &mut [Kind]) {
        if self.is_table(instruction, table, 0, kinds) {
            let is_integer = key.is_some_and(|key| self.is_integer(instruction, key, 1, kinds));
            kinds[table] = Kind::Table;
            if let Some(key) = key.filter(|_| is_integer) {
                kinds[key] = Kind::Integer;
            }
        }
    }

    /// What an instruction changes.
    pub fn follow(&self, block: usize, instruction: usize, kinds: &mut [Kind]) {
        use Opcode::*;
        let word = self.word(instruction);
        let goes_on = self.goes_on(instruction);
        let a = word.a();
        if self.entered(instruction).is_some() {
            if !is_call(word) {
                kinds[word.b()] = Kind::Table;
            }
            return kinds[self.written(instruction)].fill(Kind::Any);
        }
        if let Some(sources) = sources(self, instruction) {
            let plan = self.plan(instruction, sources, kinds);
            let is_known = sources.iter().all(|&source| match source {
                Source::Register(register, _) => kinds[register] != Kind::Any,
                Source::Constant(..) => true,
            });
            let is_equality = matches!(
                word.opcode(),
                jump_equal
                    | jump_not_equal
                    | jump_equal_constant
                    | jump_not_equal_constant
                    | jump_equal_integer
                    | jump_not_equal_integer
            );
            if !goes_on && !is_equality {
                for source in sources {
                    let expected = self.expected(instruction, source, kinds);
                    if let (Source::Register(register, _), true) = (source, refines(plan)) {
                        match expected {
                            Expected::Integer => kinds[register] = Kind::Integer,
                            Expected::Float => kinds[register] = Kind::Float,
                            Expected::Number if plan == Plan::Integers => kinds[register] = Kind::Integer,
                            _ => {}
                        }
                    }
                }
            }
            if word.jump_distance().is_none() {
                kinds[a] = match plan {
                    Plan::Integers if is_known || !goes_on => Kind::Integer,
                    Plan::Floats if is_known || !goes_on => Kind::Float,
                    _ => Kind::Any,
                };
            }
            return;
        }
        match word.opcode() {
            copy => kinds[a] = kinds[word.b()],
            load_integer => kinds[a] = Kind::Integer,
            load_constant => {
                kinds[a] = match self.unit_of(instruction).constants.get(word.d_signed() as usize) {
                    Some(&(tag, _)) if tag != tag::TABLE => Kind::of_tag(tag),
                    _ => Kind::Any,
                };
            }
            negate => kinds[a] = self.unary(instruction, kinds),
            bit_not => {
                kinds[a] = match self.unary(instruction, kinds) {
                    Kind::Integer => Kind::Integer,
                    _ => Kind::Any,
                };
            }
            new_table => kinds[a] = Kind::Table,
            length => {
                self.follow_access(instruction, word.b(), None, kinds);
                kinds[a] = if self.is_length(instruction, kinds) { Kind::Integer } else { Kind::Any };
            }
            get_index | get_integer | get_field => {
                let key = (word.opcode() == get_index).then(|| word.c());
                self.follow_access(instruction, word.b(), key, kinds);
                let is_table = self.may_be_table(instruction, word.b(), 0, kinds);
                let loaded = if is_table { self.loaded(block, instruction, a) } else { Kind::Any };
                let is_inline = word.opcode() != get_index || self.is_integer_key(instruction, word.c(), kinds);
                if loaded != Kind::Any && is_inline {
                    kinds[word.b()] = Kind::Table;
                    if word.opcode() == get_index {
                        kinds[word.c()] = Kind::Integer;
                    }
                }
                kinds[a] = if is_inline { loaded } else { Kind::Any };
            }
            set_index | set_integer | set_field | initialize_field => {
                let key = (word.opcode() == set_index).then(|| word.b());
                self.follow_access(instruction, a, key, kinds);
            }
            get_method => {
                self.follow_access(instruction, word.b(), None, kinds);
                let object = kinds[word.b()];
                kinds[a..a + 3].fill(Kind::Any);
                kinds[a + 2] = if object == Kind::Table { object } else { Kind::Any };
            }
            get_upvalue | get_upvalue_field | get_cell => kinds[a] = self.loaded(block, instruction, a),
            numeric_for_prepare => {
                if self.is_integer_loop(instruction, kinds) {
                    kinds[a..a + 4].fill(Kind::Integer);
                } else {
                    kinds[a..a + 4].fill(Kind::Any);
                }
            }
            numeric_for_loop => {
                let kind = self.loop_kind(instruction, kinds);
                kinds[a..a + 4].fill(kind);
            }
            _ => {
                let builtin = self.builtin(instruction, kinds);
                let range = self.written(instruction);
                let end = range.end.min(kinds.len());
                if range.start < end {
                    kinds[range.start..end].fill(Kind::Any);
                }
                if let Some((_, result)) = builtin {
                    kinds[a] = result;
                }
            }
        }
    }

    /// The kind for which an operation of one operand is compiled; any if it is performed.
    pub fn unary(&self, instruction: usize, kinds: &[Kind]) -> Kind {
        match kinds[self.word(instruction).b()] {
            kind @ (Kind::Integer | Kind::Float) => kind,
            Kind::Table => Kind::Any,
            Kind::Any if self.goes_on(instruction) => Kind::Any,
            Kind::Any => match self.seen_number(instruction, 0).only().map(Kind::of_tag) {
                Some(kind @ (Kind::Integer | Kind::Float)) => kind,
                _ => Kind::Any,
            },
        }
    }

    /// Whether a length is compiled, for a table or for a string.
    pub fn is_length(&self, instruction: usize, kinds: &[Kind]) -> bool {
        let seen = self.seen(instruction, 0).0;
        let is_seen = seen == 1 << tag::TABLE || seen == 1 << tag::STRING;
        !self.goes_on(instruction) && (kinds[self.word(instruction).b()] == Kind::Table || is_seen)
    }

    /// Whether an index is an integer, as far as is known.
    pub fn is_integer_key(&self, instruction: usize, register: usize, kinds: &[Kind]) -> bool {
        match kinds[register] {
            Kind::Integer => true,
            Kind::Any => matches!(self.seen(instruction, 1).0, seen if seen == 0 || seen & 1 << tag::INTEGER != 0),
            _ => false,
        }
    }

    /// Whether the preparation of a loop is compiled, for integers.
    pub fn is_integer_loop(&self, instruction: usize, kinds: &[Kind]) -> bool {
        let a = self.word(instruction).a();
        !self.goes_on(instruction)
            && kinds[a..a + 3].iter().all(|kind| matches!(kind, Kind::Any | Kind::Integer))
            && matches!(self.seen(instruction, 0).only(), None | Some(tag::INTEGER))
    }

    /// The kind for which a loop is compiled.
    pub fn loop_kind(&self, instruction: usize, kinds: &[Kind]) -> Kind {
        match kinds[self.word(instruction).a()] {
            Kind::Any if self.goes_on(instruction) => Kind::Any,
            Kind::Any => match self.seen(instruction, 0).only() {
                None | Some(tag::INTEGER) => Kind::Integer,
                Some(tag::FLOAT) => Kind::Float,
                Some(_) => Kind::Any,
            },
            kind => kind,
        }
    }
}

/// Whether operands are known to be what they were expected to be behind what a plan makes.
fn refines(plan: Plan) -> bool {
    matches!(plan, Plan::Integers | Plan::Floats)
}

/// How many instructions behind a load are looked at, in so many blocks.
const LOOKED_AT: usize = 32;
const MOST_FOLLOWED: usize = 4;

/// Of each block what is known of all registers at its beginning; `None` if nothing goes there.
pub(crate) fn find_kinds(code: &Code<'_>) -> Vec<Option<Vec<Kind>>> {
    let mut at_start: Vec<Option<Vec<Kind>>> = vec![None; code.blocks.len()];
    let nothing = vec![Kind::Any; code.registers()];
    at_start[0] = Some(nothing.clone());
    let mut due: Vec<usize> = vec![0];
    loop {
        while let Some(number) = due.pop() {
            let mut kinds = at_start[number].clone().unwrap_or_else(|| nothing.clone());
            for instruction in code.blocks[number].instructions.clone() {
                code.follow(number, instruction, &mut kinds);
            }
            for &next in &code.blocks[number].successors {
                let live = code.blocks[next].live;
                let changed = match &mut at_start[next] {
                    Some(known) => {
                        let mut changed = false;
                        for (register, known) in known.iter_mut().enumerate() {
                            let joined = known.join(kinds[register]);
                            changed |= joined != *known;
                            *known = joined;
                        }
                        changed
                    }
                    unknown => {
                        let of_live = |register| if live.has(register) { kinds[register] } else { Kind::Any };
                        *unknown = Some((0..kinds.len()).map(of_live).collect());
                        true
                    }
                };
                if changed && !due.contains(&next) {
                    due.push(next);
                }
            }
        }
        // What only the interpreter goes to is in the frame.
        match (0..code.blocks.len()).find(|&block| code.blocks[block].is_entry && at_start[block].is_none()) {
            Some(block) => {
                at_start[block] = Some(nothing.clone());
                due.push(block);
            }
            None => return at_start,
        }
    }
}

/// How many numbers are not in the frame at each instruction, in all: what exits there would store.
pub(crate) fn moved(code: &Code<'_>, at_start: &[Option<Vec<Kind>>]) -> usize {
    let mut moved = 0;
    for (number, block) in code.blocks.iter().enumerate() {
        let Some(mut kinds) = at_start[number].clone() else { continue };
        let mut live = code.live_after(number);
        let mut lives: Vec<_> = block
            .instructions
            .clone()
            .rev()
            .map(|instruction| {
                code.live_before(instruction, &mut live);
                live
            })
            .collect();
        for instruction in block.instructions.clone() {
            let live = lives.pop().unwrap_or_default();
            let is_number = |register: &usize| matches!(kinds.get(*register), Some(Kind::Integer | Kind::Float));
            moved += live.iter().filter(is_number).count();
            code.follow(number, instruction, &mut kinds);
        }
    }
    moved
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dynamic::inlining::Spliced;
    use lunette_bytecode::instruction::Word;
    use lunette_interpreter::{machine_code::Unit, typed::native::Refusal};

    /// A function of these instructions.
    pub(in crate::dynamic) fn unit(registers: u16, instructions: &[(Opcode, &[i64])]) -> Unit {
        let words = instructions.iter().map(|(opcode, operands)| opcode.encode(operands).expect("the operands fit"));
        let code: Vec<Word> = words.collect();
        let seen = vec![Default::default(); code.len()];
        Unit { goes_on: vec![false; code.len()], seen, code, register_count: registers, ..Unit::default() }
    }

    #[test]
    fn what_is_added_up_in_a_loop_is_known() {
        // R[0] is a parameter, R[1] adds up integers, R[2] floats; R[3] to R[6] are the loop's.
        let unit = unit(
            7,
            &[
                (Opcode::load_integer, &[1, 0]),
                (Opcode::load_integer, &[3, 1]),
                (Opcode::divide, &[2, 1, 3]),
                (Opcode::load_integer, &[4, 9]),
                (Opcode::load_integer, &[5, 1]),
                (Opcode::numeric_for_prepare, &[3, 4]),
                (Opcode::add, &[1, 1, 6]),
                (Opcode::add, &[2, 2, 6]),
                (Opcode::add, &[0, 0, 6]),
                (Opcode::numeric_for_loop, &[3, -4]),
                (Opcode::return_values, &[0, 4]),
            ],
        );
        let code = Code::new(Spliced::new(&unit, true), true).expect("it can be compiled");
        let kinds = find_kinds(&code);
        let header = code.blocks.iter().rposition(|block| block.is_entry).expect("there is a loop");
        assert_eq!(
            kinds[header].as_deref(),
            Some(
                &[Kind::Any, Kind::Integer, Kind::Float, Kind::Integer, Kind::Integer, Kind::Integer, Kind::Integer][..]
            )
        );
    }

    #[test]
    fn functions_with_too_much_to_store_at_exits_are_refused() {
        let registers = 200;
        let mut instructions: Vec<(Opcode, Vec<i64>)> =
            (0..registers).map(|register| (Opcode::load_integer, vec![register, 1])).collect();
        instructions.extend((0..400).map(|number| (Opcode::add, vec![0, 0, number % registers])));
        instructions.push((Opcode::return_values, vec![0, registers + 1]));
        let borrowed: Vec<(Opcode, &[i64])> =
            instructions.iter().map(|(opcode, operands)| (*opcode, &operands[..])).collect();
        let unit = unit(registers as u16, &borrowed);
        assert_eq!(crate::dynamic::compile(&unit, crate::Target::Present).err(), Some(Refusal::TooLarge));
    }
}
