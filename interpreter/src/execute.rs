//! Calls from the host, and the loop around the dispatch loop.

use crate::{
    call::Next,
    dispatch,
    dispatch::state::Status,
    error::Throw,
    frame::{FRAME_SLOTS, Return},
    machine::Machine,
};
use lunette_gc::value::Value;

/// Why the dispatch loop was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was not, or only to go on in another driver.
    None,
    /// The function called by the host returned: its results stand in the slots.
    Returned {
        /// Index of the first result's slot.
        first: u32,
        /// Number of results.
        count: u32,
    },
    /// An error nobody caught is pending, or the instance must stop.
    Failed(Throw),
}

impl Machine {
    /// Calls `function` from the host with these arguments and runs until it returns.
    ///
    /// The results stand in the stack's slots, `count` of them from index `first` on, until the next call. A native
    /// function of the host may call this while it runs; coroutines cannot yield across it.
    pub fn call(&mut self, function: Value, arguments: &[Value]) -> Result<(u32, u32), Throw> {
        self.host_calls += 1;
        let outcome = self.call_from_host(function, arguments);
        self.host_calls -= 1;
        outcome
    }

    fn call_from_host(&mut self, function: Value, arguments: &[Value]) -> Result<(u32, u32), Throw> {
        let (thread, base, number_base) = (self.thread, self.base, self.number_base);
        let depth = self.get_thread().native_depth.get();
        let window = self.frame_top();
        self.ensure_stack(window + FRAME_SLOTS, arguments.len() as u32)?;
        self.set_value(window, function);
        for (index, &value) in arguments.iter().enumerate() {
            self.set_value(window + FRAME_SLOTS + index as u32, value);
        }
        let status = match self.enter_native_level(true, false) {
            Ok(flags) => match self.push_call(window, arguments.len() as u32, -1, Return::Exit, flags) {
                Ok(next) => self.drive(next),
                Err(throw) => {
                    self.leave_native_level(flags);
                    self.raise_from_host(throw)
                }
            },
            Err(throw) => self.raise_from_host(throw),
        };
        match self.execute(status) {
            Exit::Returned { first, count } => Ok((first, count)),
            Exit::Failed(throw) => {
                self.switch_back(thread, base, number_base, depth);
                self.restore_stack();
                Err(throw)
            }
            Exit::None => unreachable!("the loop ran on without a reason to leave"),
        }
    }

    /// The call itself failed: nothing was entered.
    fn raise_from_host(&mut self, throw: Throw) -> Status {
        self.exit = Exit::Failed(self.settle(throw));
        Status::Leave
    }

    pub(crate) fn execute(&mut self, status: Status) -> Exit {
        self.with_native_stack(|machine| machine.run_until_exit(status))
    }

    fn run_until_exit(&mut self, mut status: Status) -> Exit {
        loop {
            let exit = core::mem::replace(&mut self.exit, Exit::None);
            if exit != Exit::None {
                return exit;
            }
            match status {
                Status::Leave if self.hooked => status = self.run_hooked(),
                _ => {
                    dispatch::run(self);
                    status = Status::Leave;
                    if self.exit == Exit::None && !self.hooked {
                        status = Status::Reload;
                    }
                }
            }
        }
    }

    /// Makes the pending error what `throw` says: a memory error has its message by now.
    pub(crate) fn settle(&mut self, throw: Throw) -> Throw {
        if throw == Throw::Memory { self.memory_error() } else { throw }
    }

    /// Runs finalizers that are due, from the host.
    pub fn run_finalizers(&mut self) {
        let top = self.frame_top();
        if let Ok(Next::Native | Next::Lua) = self.begin_finalizers(top, Return::Exit) {
            self.host_calls += 1;
            let status = self.drive(Next::Native);
            let _ = self.execute(status);
            self.host_calls -= 1;
        }
    }
}
