//! What became machine code in an instance, what did not and why, and where machine code is left.

use lunette_interpreter::{
    Machine,
    code_cache::CodeFigures,
    typed::native::{
        Refusal,
        report::{NativeExitCause, NativeExitReport, NativeFunctionReport, NativeOutcome},
    },
};
use lunette_jit::Target;
use std::time::Duration;

/// Figures about the functions that were a bit hot.
///
/// ```
/// # use lunette::{AsContext, Configuration, Engine, Jit, machine_code::Outcome, webassembly::Module};
/// let configuration = Configuration::new().jit(Jit::Eager).reports_machine_code(true);
/// let mut instance = Engine::new(configuration).instantiate()?;
/// // (module (func (export "sum") (param i32) (result i32) (local i32)
/// //   (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
/// //     (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))
/// let file = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03sum\0\0\x0a\x1b\x01\x19\x01\x01\x7f\
///     \x03\x40\x20\x01\x20\0\x6a\x21\x01\x20\0\x41\x01\x6b\x22\0\x0d\0\x0b\x20\x01\x0b";
/// let exports = Module::new(&mut instance, file, "@sum.wasm")?.instantiate(&mut instance, None)?;
/// exports.function::<i32, i32>(&mut instance, "sum")?.call(&mut instance, 100)?;
/// let report = instance.machine_code();
/// assert!(report.functions[0].name == "'sum'" && matches!(report.functions[0].outcome, Outcome::Compiled { .. }));
/// assert!(report.exits[0].instruction == "return_one" && report.exits[0].count == 1);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MachineCode {
    /// The functions, those that took the most fuel while they were interpreted first. Those that the collector has freed are among
    /// them if [`Configuration::reports_machine_code`](crate::Configuration::reports_machine_code).
    pub functions: Vec<Function>,
    /// Instructions before which machine code was left, the most frequent first, if
    /// [`Configuration::reports_machine_code`](crate::Configuration::reports_machine_code).
    pub exits: Vec<Exit>,
    /// Bytes of machine code in use.
    pub bytes: u64,
    /// The most that there may be: [`Configuration::machine_code_limit`](crate::Configuration::machine_code_limit).
    pub limit: u64,
    /// How often the machine code of a function was taken away since there was no more room.
    pub evicted: u64,
    /// How long the program stood still at most for functions being compiled.
    pub longest_pause: Duration,
}

/// A function that was a bit hot.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Function {
    /// Its name: of WebAssembly's as in tracebacks, quoted or its number; of Lua's file and line.
    pub name: String,
    /// Words of its code.
    pub words: u32,
    /// Slices of fuel, of 20,000 units each, that ended in it while it was interpreted.
    pub slices: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was never hot enough.
    Interpreted,
    /// It was compiled.
    Compiled {
        /// Bytes of machine code.
        bytes: usize,
        /// How long that took.
        time: Duration,
    },
    /// It was hot, but nothing in it would have been faster.
    NothingGained,
    /// It was hot, but compiling it would have taken too long.
    TooLarge,
    /// It was hot, but there was no more room for machine code.
    NoRoom,
    /// It was hot, but could not be compiled.
    Failed,
}

/// What a function becomes on its way to machine code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// Its instructions (`spec/instructions.md`).
    pub ir: String,
    /// Cranelift's intermediate form, before it is optimised.
    pub clif: String,
    /// The machine code.
    pub assembly: String,
}

/// An instruction before which machine code was left, since the interpreter does it, or which it had performed by the interpreter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exit {
    /// The name of the function, as in tracebacks.
    pub function: String,
    /// The name of the instruction (`spec/instructions.md`).
    pub instruction: String,
    /// Where the operator that it was made for lies in the WebAssembly file, if that is known.
    pub offset: Option<u32>,
    /// The line of Lua's source that it was made for, if that is known.
    pub line: Option<u32>,
    /// Why.
    pub cause: ExitCause,
    /// How often.
    pub count: u64,
}

/// Why machine code did not do an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitCause {
    /// It never does, or a slice of fuel had ended: it was left for the interpreter.
    Left,
    /// It has met values of other kinds than were seen when it was compiled: it was left.
    Unexpected,
    /// It had the interpreter perform it, and went on.
    Performed,
}

impl Explanation {
    /// Those of all functions of this name that were hot. What cannot be compiled has no other form than the first.
    pub(crate) fn of(machine: &Machine, name: &str) -> Vec<Explanation> {
        let typed = machine.native_units(name).map(|unit| lunette_jit::typed::explain(unit, Target::Present));
        let dynamic = machine.lua_units(name).map(|unit| lunette_jit::dynamic::explain(unit, Target::Present));
        let explanations = typed.chain(dynamic);
        explanations.map(|lunette_jit::Explanation { ir, clif, assembly }| Explanation { ir, clif, assembly }).collect()
    }

    #[cfg(feature = "partitions")]
    pub(crate) fn of_partition(explanation: lunette_hw_bridge::message::Explanation) -> Explanation {
        let lunette_hw_bridge::message::Explanation { ir, clif, assembly } = explanation;
        Explanation { ir, clif, assembly }
    }
}

impl MachineCode {
    pub(crate) fn of(machine: &Machine) -> MachineCode {
        let functions = machine.native_function_reports().into_iter().chain(machine.lua_function_reports());
        let exits = machine.native_exit_reports().into_iter().chain(machine.lua_exit_reports());
        MachineCode::of_reports(functions, exits, machine.code_figures())
    }

    pub(crate) fn of_reports(
        functions: impl IntoIterator<Item = NativeFunctionReport>,
        exits: impl IntoIterator<Item = NativeExitReport>,
        figures: CodeFigures,
    ) -> MachineCode {
        let mut functions: Vec<Function> = functions.into_iter().map(Function::from).collect();
        functions.sort_by_key(|function| std::cmp::Reverse(function.slices));
        let mut exits: Vec<Exit> = exits.into_iter().map(Exit::from).collect();
        exits.sort_by_key(|exit| std::cmp::Reverse(exit.count));
        let CodeFigures { bytes, limit, evicted, longest_pause } = figures;
        MachineCode { functions, exits, bytes, limit, evicted, longest_pause: Duration::from_nanos(longest_pause) }
    }
}

impl From<NativeFunctionReport> for Function {
    fn from(report: NativeFunctionReport) -> Function {
        let NativeFunctionReport { name, words, slices, outcome } = report;
        Function { name: String::from_utf8_lossy(&name).into_owned(), words, slices, outcome: outcome.into() }
    }
}

impl From<NativeOutcome> for Outcome {
    fn from(outcome: NativeOutcome) -> Outcome {
        match outcome {
            NativeOutcome::Interpreted => Outcome::Interpreted,
            NativeOutcome::Compiled { bytes, nanoseconds } => {
                Outcome::Compiled { bytes, time: Duration::from_nanos(nanoseconds) }
            }
            NativeOutcome::Refused(Refusal::NothingGained) => Outcome::NothingGained,
            NativeOutcome::Refused(Refusal::TooLarge) => Outcome::TooLarge,
            NativeOutcome::Refused(Refusal::NoRoom) => Outcome::NoRoom,
            NativeOutcome::Refused(Refusal::Failed) => Outcome::Failed,
        }
    }
}

impl From<NativeExitReport> for Exit {
    fn from(report: NativeExitReport) -> Exit {
        let NativeExitReport { name, instruction, offset, line, cause, count } = report;
        let cause = match cause {
            NativeExitCause::Left => ExitCause::Left,
            NativeExitCause::Unexpected => ExitCause::Unexpected,
            NativeExitCause::Performed => ExitCause::Performed,
        };
        Exit { function: String::from_utf8_lossy(&name).into_owned(), instruction, offset, line, cause, count }
    }
}
