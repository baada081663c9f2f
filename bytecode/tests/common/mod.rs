//! What several tests need: a generator of numbers and modules to work on.
#![allow(dead_code, reason = "each test uses its part")]

use lunette_bytecode::instruction::{Opcode, Word};
use lunette_bytecode::module::*;

/// A small deterministic generator (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn bytes(&mut self) -> Bytes {
        (0..self.below(12)).map(|_| self.next() as u8).collect()
    }

    fn name(&mut self) -> String {
        (0..self.below(6)).map(|_| ['a', '_', '(', 'é', '"', '\\'][self.index(6)]).collect()
    }

    fn constant(&mut self) -> Constant {
        match self.below(9) {
            0 => Constant::Nil,
            1 => Constant::Boolean(self.chance(2)),
            2 => Constant::Integer(self.next() as i64),
            3 => Constant::Integer(self.below(100) as i64 - 50),
            4 => Constant::Integer(i64::MIN),
            5 => Constant::Float(f64::from_bits(self.next())),
            6 => Constant::Float(f64::from_bits(self.next() | 0x7ff << 52)),
            7 => Constant::Float([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1.0, 1e16, 5e-324][self.index(7)]),
            _ => Constant::String(self.bytes()),
        }
    }

    /// A module that need not make any sense, except that it has lines for all instructions or none.
    pub fn module(&mut self) -> Module {
        let functions = (0..self.below(4)).map(|_| self.function()).collect();
        Module { source: self.bytes(), functions }
    }

    fn function(&mut self) -> Function {
        let code: Vec<Word> = (0..self.below(20)).map(|_| self.word()).collect();
        let lines = if self.chance(2) {
            Vec::new()
        } else {
            code.iter().map(|_| self.next() as u32 >> self.below(32)).collect()
        };
        Function {
            line_defined: self.next() as u32,
            last_line_defined: self.below(100) as u32,
            parameter_count: self.next() as u8,
            is_variadic: self.chance(2),
            register_count: self.next() as u16,
            constants: (0..self.below(8)).map(|_| self.constant()).collect(),
            sites: (0..self.below(4)).map(|_| self.below(8) as u32).collect(),
            upvalues: (0..self.below(4))
                .map(|_| Upvalue {
                    name: self.name(),
                    capture: match self.chance(2) {
                        true => Capture::Register(self.next() as u8),
                        false => Capture::Upvalue(self.next() as u8),
                    },
                    attribute: [Attribute::Regular, Attribute::Constant, Attribute::ToBeClosed][self.index(3)],
                })
                .collect(),
            locals: (0..self.below(4))
                .map(|_| Local {
                    name: self.name(),
                    register: self.next() as u8,
                    start: self.next() as u32,
                    end: self.next() as u32,
                })
                .collect(),
            code,
            lines,
        }
    }

    /// Any bits, or the bits of an instruction with small operands.
    pub fn word(&mut self) -> Word {
        if self.chance(8) {
            return Word(self.next());
        }
        let opcode = Opcode::ALL[self.index(Opcode::ALL.len())];
        let operands: Vec<i64> = opcode.entry().operands.iter().map(|_| self.below(10) as i64 - 2).collect();
        opcode.encode(&operands).unwrap_or(Word(opcode as u64))
    }
}

/// A valid module with every kind of operand and every structure that the verifier knows.
pub const SAMPLE: &str = r#"
module "@sample.lua"

function f0
  defined 0 0
  parameters 0 variadic
  registers 16
  upvalue u0 "_ENV" r0
  constant k0 "print"
  constant k1 1.5
  constant k2 -7
  constant k3 nil
  constant k4 "name"
  constant k5 true
  constant k6 "any \x00\xff\"\\\n bytes"
  site site0 k0
  site site1 k4
  site site2 k4
  local "a" r0 1 40
  local "(for state)" r4 9 16
code
  line 1
    load_integer r0, #-100000
    load_nil r1, #3
    load_constant r2, k6
    new_cell r0, #4
    closure r3, f2, #4
    closure r3, f2, #4
  line 2
    load_integer r4, #1
    load_integer r5, #10
    load_integer r6, #1
    numeric_for_prepare r4, ->after
  body:
    add_integer r1, r7, #-5, #1
    jump_if r1, ->skip
    multiply_constant r1, r1, k1, #0
  skip:
    numeric_for_loop r4, ->body
  after:
  line 5
    get_upvalue_field r4, u0, site0
    variable_arguments r6, #0
    call r4, #0, #1
    get_upvalue_field r4, u0, site1
    call r4, #1, #4
    generic_for_prepare r4, ->iterate
  each:
    jump_equal_constant r8, k3, ->iterate
    jump_less_integer r8, #3, ->iterate
    to_be_closed r8
    close r8
  iterate:
    generic_for_call r4, #2
    generic_for_loop r4, ->each
  line 4
  loop:
    jump_if_not r1, ->done
    get_method r4, r3, site2
    call r4, #2, #0
    call r2, #0, #3
    jump ->next
  next:
    loop_back ->loop
  done:
    new_table r4, #2, #0, #5
    load_true r5
    set_list r4, #1, #1
    variable_arguments r5, #0
    set_list_open r4, #2
    concat r4, #3, #5
    closure r5, f1, #0
    call r4, #1, #0
    return_closing r4, #0
end

function f1
  defined 3 9
  parameters 2
  registers 4
  upvalue u0 "a" r0 constant
  upvalue u1 "_ENV" u0 to_be_closed
code
    get_upvalue r2, u1
    set_upvalue r2, u0
    closure r3, f3, #4
    tail_call r0, #1
    return_values r0, #0
end

function f2
  defined 10 10
  parameters 0
  registers 0
code
    return_none
end

function f3
  defined 4 5
  parameters 1
  registers 1
  upvalue u0 "b" u1
code
    return_one r0
end
"#;
