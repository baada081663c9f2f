//! Functions as a whole.

use super::Generator;
use super::constant::Key;
use super::jump::{Jump, JumpList};
use super::register::Destination;
use crate::ast::{self, FunctionId, ListId, LocalId};
use crate::error::Failure;
use crate::memory::OutOfMemory;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_bytecode::module::{Capture, Constant, Function, Local, Upvalue};

/// Up to how many constants a map of them is kept for the next function.
const MAX_KEPT_CONSTANTS: usize = 64;

/// A variable to be closed that is in scope.
#[derive(Clone, Copy)]
pub(super) struct Closer {
    /// How many variables of the function were in scope before it.
    pub(super) level: u32,
    pub(super) register: u8,
}

/// A loop that is being generated.
#[derive(Clone, Copy)]
pub(super) struct Loop {
    /// How many variables are in scope where it leads to.
    pub(super) level: u32,
    /// The jumps of its `break` statements.
    pub(super) exits: JumpList,
    /// Whether variables to be closed are closed where those jumps lead.
    pub(super) is_closed_at_exit: bool,
}

/// A function that is being generated.
#[derive(Default)]
pub(super) struct FunctionState {
    pub(super) code: Vec<Word>,
    pub(super) lines: Vec<u32>,
    pub(super) constants: Vec<Constant>,
    pub(super) constant_numbers: HashMap<Key, u32>,
    pub(super) sites: Vec<u32>,
    pub(super) locals: Vec<Local>,
    /// The jumps, in the order of their instructions.
    pub(super) jumps: Vec<Jump>,
    /// The first free register.
    pub(super) free: u32,
    pub(super) register_count: u32,
    /// The variables in scope: number of the debug information, or `None` for constants.
    pub(super) active: Vec<Option<u32>>,
    pub(super) closers: Vec<Closer>,
    /// A captured variable to be closed that has no cell yet, and its register.
    pub(super) late_cell: Option<(LocalId, u8)>,
    pub(super) loops: Vec<Loop>,
    /// The last instruction known to be the target of a jump.
    pub(super) last_target: u32,
    /// How many of the last instructions take their line from the next one.
    pub(super) without_line: usize,
}

impl FunctionState {
    /// Makes the state fit for another function, whose vectors then need not grow again.
    fn clear(&mut self) {
        self.jumps.clear();
        // To clear a map takes as long as it is large.
        if self.constant_numbers.capacity() > MAX_KEPT_CONSTANTS {
            self.constant_numbers = HashMap::new();
        }
        self.constant_numbers.clear();
        (self.free, self.register_count, self.last_target, self.without_line) = (0, 0, 0, 0);
    }
}

impl Generator<'_> {
    /// Generates a function and everything in it; gives its number in the module.
    pub(super) fn function(&mut self, id: FunctionId) -> Result<u32, Failure> {
        let number = ast::append(&mut self.functions, Function::default(), self.memory)?;
        let unused = self.spare.pop().unwrap_or_default();
        let enclosing = core::mem::replace(&mut self.function, unused);
        let declaration = self.ast.function(id);
        self.position = declaration.opening;
        self.reserve(declaration.parameter_count)?;
        for parameter in 0..declaration.parameter_count {
            self.activate_local(LocalId(declaration.first_parameter.0 + parameter), parameter as u8)?;
        }
        self.block(declaration.body)?;
        if declaration.definition.is_some() {
            self.position = declaration.end;
        }
        self.return_values(ListId::EMPTY)?;
        self.function.closers.clear();
        let end = self.function.code.len() as u32;
        for debug in self.function.active.drain(..).flatten() {
            self.function.locals[debug as usize].end = end;
        }
        self.encode_jumps()?;
        let mut function = core::mem::replace(&mut self.function, enclosing);
        self.functions[number as usize] = self.finish(id, &mut function)?;
        function.clear();
        self.memory.push(&mut self.spare, function)?;
        Ok(number)
    }

    /// The module's form of a generated function.
    fn finish(&self, id: FunctionId, state: &mut FunctionState) -> Result<Function, Failure> {
        let declaration = self.ast.function(id);
        let (line_defined, last_line_defined) = match declaration.definition {
            Some(definition) => (self.lines.line(definition), self.lines.line(declaration.end)),
            None => (0, 0),
        };
        let mut upvalues = Vec::new();
        self.memory.reserve(&mut upvalues, declaration.upvalues.len())?;
        for upvalue in &declaration.upvalues {
            let local = self.ast.local(upvalue.local);
            upvalues.push(Upvalue {
                name: self.text(self.strings.get(local.name))?,
                capture: match upvalue.from {
                    Some(number) => Capture::Upvalue(number),
                    None => Capture::Register(self.registers[upvalue.local.0 as usize]),
                },
                attribute: local.attribute,
            });
        }
        Ok(Function {
            line_defined,
            last_line_defined,
            parameter_count: declaration.parameter_count as u8,
            is_variadic: declaration.is_variadic,
            register_count: state.register_count as u16,
            code: self.memory.take(&mut state.code)?,
            constants: self.memory.take(&mut state.constants)?,
            sites: self.memory.take(&mut state.sites)?,
            upvalues,
            lines: self.memory.take(&mut state.lines)?,
            locals: self.memory.take(&mut state.locals)?,
        })
    }

    /// A name, which is of ASCII letters.
    pub(super) fn text(&self, name: &[u8]) -> Result<String, OutOfMemory> {
        self.memory.charge(name.len())?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// A closure of the function in `destination`.
    pub(super) fn closure(&mut self, id: FunctionId, destination: Destination) -> Result<u8, Failure> {
        let number = self.function(id)?;
        let register = self.take(destination)?;
        let end = self.ast.functions[id.0 as usize].end;
        self.emit_at(Opcode::closure, &[register.into(), number.into()], end)?;
        Ok(register)
    }
}
