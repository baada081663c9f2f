//! Safepoints: where the collector may run, and where finalizers are started.

use crate::{
    call::Next,
    closing::Afterwards,
    dispatch::state::{Operands, OutOfLine, Status},
    error::Throw,
    frame::Return,
    machine::{Machine, STACK_RESERVE},
};
use lunette_bytecode::instruction::{Opcode, OperandKind, Word};
use lunette_gc::{
    collector::{Mode, Progress},
    value::Value,
};

impl Machine {
    /// Runs the collector, with slots below `top` in use, and goes on as `next` says or with finalizers first. Those for
    /// which there is no room are left for another safepoint: what comes before a safepoint is done, and can't fail.
    pub(crate) fn safepoint(&mut self, top: u32, next: Next) -> Next {
        self.store_thread(top);
        // SAFETY: every reference that is used afterwards is in a root, in a stack below its top, or in a handle.
        self.timed(|heap| ((), unsafe { heap.collector().collect_due() }));
        self.after_collection(top);
        if !self.finalizing
            && self.heap.has_pending_finalizers()
            && let Ok(finalizers) = self.begin_finalizers(top, Return::Interlude)
        {
            return finalizers;
        }
        next
    }

    /// A safepoint of the running Lua frame, after the instruction `word`.
    #[cold]
    pub(crate) fn lua_safepoint(&mut self, word: Word) -> Status {
        let top = self.live_top(word);
        let next = self.safepoint(top, Next::Lua);
        self.drive(next)
    }

    /// One more than the last slot that the running Lua frame needs after the instruction `word`.
    pub(crate) fn live_top(&self, word: Word) -> u32 {
        let window = self.register_index(word.a());
        match Opcode::ALL[word.opcode_number() as usize] {
            Opcode::tail_call => self.open_top,
            Opcode::call if word.c() == 0 => self.open_top,
            Opcode::call => window + word.c() as u32 - 1,
            Opcode::generic_for_call => window + 4 + word.b() as u32,
            Opcode::set_list | Opcode::set_list_open => window + 1,
            opcode => {
                let is_known = opcode.entry().operands.iter().any(|operand| operand.kind == OperandKind::Live);
                if is_known && word.k() != 0 { self.base + word.k() as u32 } else { self.frame_top() }
            }
        }
    }

    /// Collects all garbage, with slots below `top` in use.
    pub fn collect_fully(&mut self, top: u32) {
        self.store_thread(top);
        // SAFETY: as for `safepoint`.
        self.timed(|heap| (unsafe { heap.collector().full() }, Progress::Full));
        self.after_collection(top);
    }

    /// A safepoint of the host, or of a function of the host that runs: the collector does what is due. Only roots,
    /// arguments and locals of the running function, and handles keep objects.
    pub fn host_safepoint(&mut self) {
        let top = self.host_top();
        self.store_thread(top);
        // SAFETY: as for `safepoint`.
        self.timed(|heap| ((), unsafe { heap.collector().collect_due() }));
        self.after_collection(top);
    }

    /// Collects all garbage at a safepoint of the host.
    pub fn collect_from_host(&mut self) {
        self.collect_fully(self.host_top());
    }

    /// One more than the last slot in use when the host has its turn.
    fn host_top(&self) -> u32 {
        if self.is_suspended() { self.snapshot_top() } else { self.frame_top() }
    }

    /// Tries an instruction again that failed for memory.
    #[cold]
    #[inline(never)]
    pub(crate) fn retry<F: OutOfLine>(&mut self, word: Word, function: F) -> Status {
        let top = self.frame_top().max(self.open_top.min(self.stack_length - STACK_RESERVE));
        self.collect_fully(top);
        match function(self, word) {
            Ok(status) => status,
            Err(throw) => self.raise(throw),
        }
    }

    /// Does a part of a collection, with slots below `top` in use: see [`lunette_gc::collector::Collector::step`].
    pub fn collect_step(&mut self, top: u32, kibibytes: usize) -> bool {
        self.store_thread(top);
        // SAFETY: as for `safepoint`.
        let is_complete = self.timed(|heap| {
            // SAFETY: as for `safepoint`.
            let is_complete = unsafe { heap.collector().step(kibibytes) };
            (is_complete, if is_complete { Progress::Full } else { Progress::Step })
        });
        self.after_collection(top);
        is_complete
    }

    /// Sets the collector's mode, with slots below `top` in use, and gives the previous one.
    pub fn set_collector_mode(&mut self, top: u32, mode: Mode) -> Mode {
        self.store_thread(top);
        let markings = self.heap.markings();
        // SAFETY: as for `safepoint`.
        let previous = unsafe { self.heap.collector().set_mode(mode) };
        if self.heap.markings() != markings {
            self.forget_dead_functions(false);
        }
        self.after_collection(top);
        previous
    }

    /// Whether finalizers are being run.
    pub fn is_finalizing(&self) -> bool {
        self.finalizing
    }

    /// Notes whether finalizers are being run: while they are, no others are started.
    pub fn set_finalizing(&mut self, finalizing: bool) {
        self.finalizing = finalizing;
    }

    fn after_collection(&mut self, top: u32) {
        self.method_cache.clear();
        self.field_cache.clear();
        // Stacks that were deep once are given back.
        let used = top + STACK_RESERVE;
        if self.stack_length > 1024 && used < self.stack_length / 8 {
            let _ = self.resize_stack((used * 2).next_power_of_two());
        }
    }

    /// Starts the library function that runs pending finalizers, above slot `top`.
    pub(crate) fn begin_finalizers(&mut self, top: u32, return_kind: Return) -> Result<Next, Throw> {
        let Some(number) = self.finalizer_native else {
            return Ok(self.next_of_frame());
        };
        let closure = self.heap.new_native_closure(number, 0)?;
        self.finalizing = true;
        let saved = self.saved_open_top(top);
        self.push_interlude(top, Value::NativeClosure(closure), &[], saved, Afterwards::GoOnFinalized, return_kind)
            .inspect_err(|_| self.finalizing = false)
    }
}
