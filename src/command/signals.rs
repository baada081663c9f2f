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
    snapshot: Arc<AtomicBool>,
    /// Set when somebody asks for something at a snapshot: see `control`.
    pub asked: Arc<AtomicBool>,
    registered: Vec<SigId>,
}

impl Signals {
    /// Has the signals of the process go to an instance.
    pub fn for_tenant(tenant: &Tenant) -> Result<Signals> {
        let (interrupt, snapshot) = (tenant.interrupt_handle().flag(), tenant.snapshot_handle().flag());
        let asked = Arc::new(AtomicBool::new(false));
        let mut signals = Signals {
            interrupt: interrupt.clone(),
            snapshot: snapshot.clone(),
            asked: asked.clone(),
            registered: Vec::new(),
        };
        // Whoever presses the keys again before the first time was noticed wants the process to end.
        signals.add(flag::register_conditional_default(SIGINT, interrupt.clone()))?;
        signals.add(flag::register(SIGINT, interrupt))?;
        signals.add(flag::register(SIGUSR1, asked))?;
        signals.add(flag::register(SIGUSR1, snapshot))?;
        Ok(signals)
    }

    /// Has them go to another instance from now on, and those that nobody has noticed yet.
    pub fn move_to(&mut self, tenant: &Tenant) -> Result<()> {
        let before = std::mem::replace(self, Signals::for_tenant(tenant)?);
        before.unregister();
        for (before, now) in
            [(&before.interrupt, &self.interrupt), (&before.asked, &self.asked), (&before.snapshot, &self.snapshot)]
        {
            now.fetch_or(before.load(Ordering::Acquire), Ordering::AcqRel);
        }
        Ok(())
    }

    fn unregister(&self) {
        for &id in &self.registered {
            unregister(id);
        }
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
        self.unregister();
    }
}

/// A reader that is gone ends the process, as it does other programs; Rust's start-up code had this signal ignored.
pub fn die_of_broken_pipes() {
    // If it cannot be registered, writes fail with an error as well.
    let _ = flag::register_conditional_default(SIGPIPE, Arc::new(AtomicBool::new(true)));
}
