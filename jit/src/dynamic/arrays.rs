//! Tables whose array parts are looked up once for a loop, not at each access.
//!
//! In innermost loops where nothing is called on the usual way, an array part that does not get longer stays where it is. Of tables
//! in registers that the loop does not write, its place and length are held in the processor's registers (`emit::arrays`); what is
//! out of line in the loop looks them up again behind it.

use super::{
    blocks::Code,
    kinds::{Kind, sources},
    operands::Operands,
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use lunette_bytecode::instruction::Opcode;

/// The most tables of a loop: each takes three of the processor's registers.
const MOST_TABLES: usize = 2;

/// The loops in which array parts are held.
#[derive(Debug, Default)]
pub(crate) struct HeldArrays {
    /// Of each block the number of its loop, if that is one of these.
    loops: Vec<Option<usize>>,
    /// Of each loop the registers that have the tables.
    tables: Vec<Vec<usize>>,
}

impl HeldArrays {
    /// Finds the loops and their tables, where kinds are known.
    pub fn find(code: &Code<'_>, kinds: &[Option<Vec<Kind>>]) -> HeldArrays {
        let mut held = HeldArrays { loops: vec![None; code.blocks.len()], tables: Vec::new() };
        for (header, blocks) in innermost_loops(code) {
            let tables = tables_of(code, kinds, header, &blocks);
            if !tables.is_empty() {
                blocks.iter().for_each(|&block| held.loops[block] = Some(held.tables.len()));
                held.tables.push(tables);
            }
        }
        held
    }

    /// The number of the loop that a block is in.
    pub fn loop_of(&self, block: usize) -> Option<usize> {
        self.loops[block]
    }

    /// The registers of a loop's tables.
    pub fn tables(&self, number: usize) -> &[usize] {
        &self.tables[number]
    }
}

/// The blocks of loops without others in them, by their headers, which all ways from the function's beginning to them lead through.
fn innermost_loops(code: &Code<'_>) -> BTreeMap<usize, Vec<usize>> {
    let mut before = vec![Vec::new(); code.blocks.len()];
    for (number, block) in code.blocks.iter().enumerate() {
        block.successors.iter().for_each(|&next| before[next].push(number));
    }
    let mut loops: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, block) in code.blocks.iter().enumerate() {
        let last = code.word(block.instructions.end - 1);
        let Some(&header) = block.successors.first() else { continue };
        if last.jump_distance().is_none_or(|distance| distance >= 0) || loops.contains_key(&header) {
            continue;
        }
        let without = reached(code, header);
        let mut blocks = Vec::from([header]);
        let mut next = Vec::from_iter(before[header].iter().copied().filter(|&back| !without[back]));
        while let Some(block) = next.pop() {
            if !blocks.contains(&block) {
                blocks.push(block);
                next.extend(&before[block]);
            }
        }
        if blocks.len() > 1 || block.successors.contains(&number) {
            loops.insert(header, blocks);
        }
    }
    let headers = Vec::from_iter(loops.keys().copied());
    loops.retain(|header, blocks| headers.iter().all(|other| other == header || !blocks.contains(other)));
    loops
}

/// Which blocks can be reached from the function's beginning without a way through one of them.
fn reached(code: &Code<'_>, without: usize) -> Vec<bool> {
    let mut reached = vec![false; code.blocks.len()];
    let mut next = Vec::from([0]);
    while let Some(block) = next.pop() {
        if block != without && !reached[block] {
            reached[block] = true;
            next.extend(&code.blocks[block].successors);
        }
    }
    reached
}

/// The tables of a loop whose array parts are accessed most, if nothing in it is called on the usual way.
fn tables_of(code: &Code<'_>, kinds: &[Option<Vec<Kind>>], header: usize, blocks: &[usize]) -> Vec<usize> {
    let Some(at_header) = &kinds[header] else { return Vec::new() };
    let mut accesses: BTreeMap<usize, usize> = BTreeMap::new();
    let mut written = vec![false; code.registers()];
    for instruction in blocks.iter().flat_map(|&block| code.blocks[block].instructions.clone()) {
        let word = code.word(instruction);
        if !calls_nothing(code, instruction) {
            return Vec::new();
        }
        code.written(instruction).for_each(|register| written[register] = true);
        let table = match word.opcode() {
            Opcode::get_index | Opcode::get_integer => word.b(),
            Opcode::set_index | Opcode::set_integer => word.a(),
            _ => continue,
        };
        *accesses.entry(table).or_default() += 1;
    }
    let mut tables = Vec::from_iter(accesses.keys().copied());
    tables.retain(|&table| at_header[table] == Kind::Table && !written[table]);
    tables.sort_by_key(|table| core::cmp::Reverse(accesses[table]));
    tables.truncate(MOST_TABLES);
    tables
}

/// Whether nothing that an instruction does on the usual way, where it is compiled, changes the array part of a table.
fn calls_nothing(code: &Code<'_>, instruction: usize) -> bool {
    use Opcode::*;
    let word = code.word(instruction);
    let is_plain = code.entered(instruction).is_some() || sources(code, instruction).is_some();
    is_plain
        || word.jump_distance().is_some()
        || matches!(
            word.opcode(),
            copy | load_nil
                | load_false
                | load_true
                | load_integer
                | load_constant
                | not
                | negate
                | bit_not
                | length
                | get_index
                | get_integer
                | set_index
                | set_integer
                | get_field
                | get_upvalue_field
                | set_field
                | set_upvalue_field
                | get_upvalue
                | get_cell
                | set_upvalue
                | set_cell
        )
}
