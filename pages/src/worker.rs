//! Work that is done by another thread, one piece after the other, where the process may have threads.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
};

/// Whether the process must stay with the thread that it has.
static IS_ALONE: AtomicBool = AtomicBool::new(false);

/// Has workers of this process do their work where it is asked for: for processes that may not make threads.
pub fn stay_alone() {
    IS_ALONE.store(true, Ordering::Relaxed);
}

/// Does work in another thread. Dropping it waits until that is done.
#[derive(Debug, Default)]
pub struct Worker {
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Has something done after what was asked for before, for which this waits.
    ///
    /// ```
    /// use lunette_pages::worker::Worker;
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// let (worker, count) = (Worker::default(), Arc::new(AtomicU32::new(0)));
    /// for _ in 0..3 {
    ///     let count = count.clone();
    ///     worker.run(move || drop(count.fetch_add(1, Ordering::Relaxed)));
    /// }
    /// worker.wait();
    /// assert_eq!(count.load(Ordering::Relaxed), 3);
    /// ```
    pub fn run(&self, work: impl FnOnce() + Send + 'static) {
        self.wait();
        if IS_ALONE.load(Ordering::Relaxed) {
            return work();
        }
        // Where there are no threads to be had, what is made ahead is not made: it can do without.
        let thread = Builder::new().name("pages".to_owned()).spawn(work).ok();
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = thread;
    }

    /// Waits until all is done.
    pub fn wait(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.wait();
    }
}
