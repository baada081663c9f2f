//! Signals that are for the instance: Ctrl-C interrupts it, another one has it offer a snapshot.

use lunette::{Error, Result, Tenant};
use signal_hook::{
    SigId,
    consts::{SIGINT, SIGPIPE, SIGUSR1},
    flag,
    low_level::unregister,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The signals of one instance, as long as they are for it.
pub struct Signals {
    interrupt: Arc<AtomicBool>,
    /// Set when somebody asks for something at a snapshot: see `control`.
    pub asked: Arc<AtomicBool>,
    registered: Vec<SigId>,
}

impl Signals {
    /// Has the signals of the process go to an instance.
    pub fn for_tenant(tenant: &Tenant) -> Result<Signals> {
        let mut signals =
            Signals { interrupt: tenant.interrupt_handle().flag(), asked: Arc::default(), registered: Vec::new() };
        let (interrupt, asked) = (signals.interrupt.clone(), signals.asked.clone());
        // Whoever presses the keys again before the first time was noticed wants the process to end.
        signals.add(flag::register_conditional_default(SIGINT, interrupt.clone()))?;
        signals.add(flag::register(SIGINT, interrupt))?;
        signals.add(flag::register(SIGUSR1, asked))?;
        signals.add(flag::register(SIGUSR1, tenant.snapshot_handle().flag()))?;
        Ok(signals)
    }

    fn add(&mut self, registered: io::Result<SigId>) -> Result<()> {
        self.registered.push(registered.map_err(Error::external)?);
        Ok(())
    }

    /// Forgets an interrupt that came while nothing ran.
    pub fn forget_interrupt(&self) {
        self.interrupt.store(false, Ordering::Release);
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for &id in &self.registered {
            unregister(id);
        }
    }
}

/// A reader that is gone ends the process, as it does other programs; Rust's start-up code had this signal ignored.
pub fn die_of_broken_pipes() {
    // If it cannot be registered, writes fail with an error as well.
    let _ = flag::register_conditional_default(SIGPIPE, Arc::new(AtomicBool::new(true)));
}
