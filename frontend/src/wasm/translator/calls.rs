//! Calls: arguments are read from where they are, results land on the stack.

use super::{
    Translator,
    registers::{number, reference},
    stack::Entry,
};
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers, Signature},
    instruction::{Opcode, list_words},
};

/// What is called.
#[derive(Clone, Copy)]
pub(super) enum Callee {
    /// A function of the module.
    Function(u32),
    /// An element of a table, of this type. The index is on the stack.
    Element { kind: u32, table: u32 },
    /// The function of this type that is on the stack.
    Reference(u32),
}

impl Translator<'_> {
    fn callee_kind(&self, callee: Callee) -> u32 {
        match callee {
            Callee::Function(function) => self.surroundings.functions.get(function as usize).copied().unwrap_or(0),
            Callee::Element { kind, .. } | Callee::Reference(kind) => kind,
        }
    }

    /// A call.
    pub(super) fn call(&mut self, callee: Callee) {
        let kind = self.callee_kind(callee);
        let Some(function) = self.declarations.function_type(kind) else { return };
        let signature = self.signature(kind);
        let count = function.parameters.len();
        // The index or the function.
        let chosen = if matches!(callee, Callee::Function(_)) { 0 } else { self.pop() };
        let Signature { parameters, results } = signature;
        let is_fast = parameters.numbers <= 4
            && parameters.references == 0
            && results.references == 0
            && !matches!(callee, Callee::Reference(_));
        if is_fast {
            let arguments = self.few_arguments(count);
            self.drop_top(count);
            let a = self.window(results).0;
            match callee {
                Callee::Function(function) => self.code.ad(Opcode::call, a, function),
                _ => self.code.abc(Opcode::call_indirect, a, chosen, 0),
            }
            self.code.quarters(arguments);
            if let Callee::Element { kind, table } = callee {
                self.code.halves(kind, table);
            }
        } else {
            self.send_arguments(count);
            let list = self.stack.height() - count;
            let next = self.next_below(list);
            let (a, r) = self.window_at(next, results);
            let (words, g, h) = sizes(parameters);
            match callee {
                Callee::Function(function) => {
                    self.code.abc(Opcode::call_general, a, r, words);
                    self.code.halves(function, u32::from(g) | u32::from(h) << 16);
                }
                Callee::Element { kind, table } => {
                    self.code.abc(Opcode::call_indirect_general, a, chosen, words);
                    self.code.quarters([r, 0, g, h]);
                    self.code.halves(kind, table);
                }
                Callee::Reference(kind) => {
                    self.code.abc(Opcode::call_reference, a, chosen, words);
                    self.code.quarters([r, 0, g, h]);
                    self.code.halves(kind, 0);
                }
            }
            self.list(count);
            self.drop_top(count);
        }
        let mut numbers = 0;
        for kind in function.results.iter().map(|result| result.kind()) {
            self.push_home(kind);
            numbers += u32::from(kind != GlobalKind::Reference);
        }
        // One result may go elsewhere; more stay in their window.
        if numbers != 1 {
            self.code.barrier();
        }
    }

    /// A tail call.
    pub(super) fn tail_call(&mut self, callee: Callee) {
        let kind = self.callee_kind(callee);
        let Some(function) = self.declarations.function_type(kind) else { return };
        let count = function.parameters.len();
        let chosen = if matches!(callee, Callee::Function(_)) { 0 } else { self.pop() };
        self.send_arguments(count);
        let (words, g, h) = sizes(self.signature(kind).parameters);
        match callee {
            Callee::Function(function) => {
                self.code.abc(Opcode::tail_call, 0, 0, words);
                self.code.halves(function, u32::from(g) | u32::from(h) << 16);
            }
            Callee::Element { kind, table } => {
                self.code.abc(Opcode::tail_call_indirect, 0, chosen, words);
                self.code.quarters([0, 0, g, h]);
                self.code.halves(kind, table);
            }
            Callee::Reference(kind) => {
                self.code.abc(Opcode::tail_call_reference, 0, chosen, words);
                self.code.quarters([0, 0, g, h]);
                self.code.halves(kind, 0);
            }
        }
        self.list(count);
        self.end_reachable();
    }

    /// Registers of the top values, which are at most four number registers, as operands; 0 for those not there.
    fn few_arguments(&mut self, count: usize) -> [u16; 4] {
        let mut arguments = [0; 4];
        let mut at = 0;
        for index in 0..count {
            let &[entry, ..] = self.stack.top(count - index) else { break };
            let register = self.register(entry);
            for part in 0..entry.size().numbers {
                if let Some(argument) = arguments.get_mut(at) {
                    *argument = number(register + part);
                }
                at += 1;
            }
        }
        arguments
    }

    /// Has constants among the top values in registers.
    pub(super) fn send_arguments(&mut self, count: usize) {
        let height = self.stack.height();
        for index in height.saturating_sub(count)..height {
            if self.stack.entry(index).is_some_and(Entry::is_constant) {
                self.send_home(index);
            }
        }
    }

    /// Appends the list of the top values' registers.
    pub(super) fn list(&mut self, count: usize) {
        let mut packed = [0; 4];
        let mut filled = 0;
        for wants_references in [false, true] {
            for index in 0..count {
                let &[entry, ..] = self.stack.top(count - index) else { break };
                if (entry.kind == GlobalKind::Reference) != wants_references {
                    continue;
                }
                let register = entry.register().unwrap_or(0);
                let size = entry.size();
                for part in 0..size.numbers + size.references {
                    packed[filled] = if wants_references { reference(register) } else { number(register + part) };
                    filled += 1;
                    if filled == 4 {
                        self.code.quarters(packed);
                        (packed, filled) = ([0; 4], 0);
                    }
                }
            }
        }
        if filled > 0 {
            self.code.quarters(packed);
        }
    }

    pub(super) fn drop_top(&mut self, count: usize) {
        for _ in 0..count {
            self.stack.pop();
        }
    }

    /// The first homes free if only so many values were on the stack.
    pub(super) fn next_below(&self, height: usize) -> Registers {
        let mut next = self.stack.next();
        let count = self.stack.height() - height;
        for entry in self.stack.top(count) {
            let size = entry.size();
            next.numbers -= size.numbers;
            next.references -= size.references;
        }
        next
    }

    fn window(&self, results: Registers) -> (u16, u16) {
        self.window_at(self.stack.next(), results)
    }

    /// Where results go, as operands; what there is none of goes nowhere.
    fn window_at(&self, next: Registers, results: Registers) -> (u16, u16) {
        let a = if results.numbers > 0 { number(next.numbers) } else { 0 };
        let r = if results.references > 0 { reference(next.references) } else { 0 };
        (a, r)
    }
}

/// Words of a list of arguments, and how many there are of each kind.
pub(super) fn sizes(parameters: Registers) -> (u16, u16, u16) {
    let words = list_words(parameters.numbers as usize, parameters.references as usize);
    (words as u16, parameters.numbers as u16, parameters.references as u16)
}
