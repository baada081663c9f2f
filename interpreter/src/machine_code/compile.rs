//! Functions of Lua are compiled: what the compiler is told, and where what it gives is entered.

use super::{NativeCode, Unit, tier::Uses};
use crate::{
    code_cache::{BlockNumber, Owner},
    compiling::Task,
    machine::Machine,
    typed::native::{Refusal, report::NativeOutcome},
};
use alloc::{boxed::Box, vec, vec::Vec};
use core::ptr::NonNull;
use lunette_bytecode::instruction::Word;
use lunette_gc::{function::Prototype, reference::Ref};

/// Of what compiled code was left for, one of so many at an instruction has it go on there.
const OFTEN: u32 = 16;

impl Machine {
    /// All functions of a module have been loaded.
    pub(crate) fn compile_lua_eagerly(&mut self, prototypes: &[Ref<Prototype>]) {
        if self.lua.compiling().is_eager() {
            prototypes.iter().for_each(|&prototype| self.compile_lua(prototype));
        }
    }

    /// Compiles a function, for the first time or with what was learnt since.
    pub(super) fn compile_lua(&mut self, prototype: Ref<Prototype>) {
        let Some(compile) = self.lua.compile else { return };
        let number = self.lua_number(prototype);
        if !self.may_compile(Owner::Lua(number)) {
            return;
        }
        let start = self.host.monotonic();
        let function = self.lua.record_mut(number);
        if function.left > 0 {
            function.often = (function.left / OFTEN).max(1);
        }
        let unit = Box::new(self.lua_unit(prototype));
        let name = Vec::from(self.lua.name(number));
        if let Some(records) = &mut self.lua.records {
            records.keep(name, Unit::clone(&unit));
        }
        self.begin_compiling(Owner::Lua(number), Task::Lua(compile, unit), self.lua.compiling(), start);
    }

    /// A function that is alive was compiled, and has its machine code installed, or not.
    pub(crate) fn install_lua(
        &mut self,
        number: u32,
        unit: &Unit,
        outcome: Result<(NativeCode, BlockNumber), Refusal>,
        nanoseconds: u64,
    ) {
        let function = self.lua.record_mut(number);
        function.left = 0;
        function.generation += 1;
        let (native, block) = match outcome {
            Ok(compiled) => compiled,
            Err(refusal) => {
                // What there is goes on.
                if function.address.is_none() {
                    function.outcome = NativeOutcome::Refused(refusal);
                }
                return;
            }
        };
        function.outcome = NativeOutcome::Compiled { bytes: native.bytes.len(), nanoseconds };
        let before = function.block.replace(block);
        let address = self.code.address(block);
        function.address = NonNull::new(address.cast_mut());
        function.entry_words = native.entries;
        function.register_count = native.register_count;
        let prototype = function.prototype;
        if native.is_callable {
            self.lua.know(number, address, unit);
        } else {
            self.lua.forget(number);
        }
        self.lua.compiled_count += 1;
        if let Some(prototype) = prototype {
            self.mark_entries(prototype, number);
        }
        if let Some(before) = before {
            self.retire(before);
        }
    }

    /// Marks the entries of a function's machine code.
    pub(super) fn mark_entries(&mut self, prototype: Ref<Prototype>, number: u32) {
        let function = self.lua.record_mut(number);
        let code = self.heap.get(prototype).code;
        function.is_partial = false;
        function.entries = vec![0; function.words as usize];
        function.uses = vec![Uses::default(); function.entry_words.len()];
        let (words, _) = self.heap.bytes(code).as_chunks::<8>();
        let mut words: Vec<Word> = words.iter().map(|&word| Word(u64::from_ne_bytes(word)).unmarked()).collect();
        for (entry, &word) in (1..=u16::MAX).zip(&function.entry_words) {
            function.entries[word as usize] = entry;
            words[word as usize].0 |= Word::MARK;
        }
        for (index, word) in words.iter().enumerate() {
            self.heap.write_bytes(code, 8 * index, &word.0.to_ne_bytes());
        }
    }
}
