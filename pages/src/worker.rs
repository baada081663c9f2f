//! Work that is done by another thread, one piece after the other, where the process may have threads.

use rustix::time::{ClockId, clock_gettime};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

/// Something to be done, and whom to tell when it is.
type Order = (Box<dyn FnOnce() + Send>, mpsc::SyncSender<()>);

/// The thread of a process that can make no others.
static ONLY: OnceLock<mpsc::Sender<Order>> = OnceLock::new();

/// Makes a thread that does the work of all workers from now on: for processes that will not be able to make threads.
/// Where it cannot be made, what is made ahead is not made.
pub fn start() {
    let (sender, orders) = mpsc::channel::<Order>();
    let (ready, is_ready) = mpsc::sync_channel(1);
    let serve = move || {
        // What a thread needs to begin is done.
        let _ = ready.send(());
        for (work, done) in orders {
            work();
            // Nobody may be waiting.
            let _ = done.send(());
        }
    };
    if Builder::new().name("pages".to_owned()).spawn(serve).is_ok() && is_ready.recv().is_ok() {
        ONLY.get_or_init(|| sender);
    }
}

/// Work that has been begun.
#[derive(Debug)]
enum Underway {
    /// In a thread of its own.
    Thread(JoinHandle<()>),
    /// In the thread that there is.
    Only(mpsc::Receiver<()>),
}

/// Does work in another thread. Dropping it waits until that is done.
#[derive(Debug, Default)]
pub struct Worker {
    underway: Mutex<Option<Underway>>,
    /// Nanoseconds of processor time that it has taken.
    time: Arc<AtomicU64>,
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
        let time = self.time.clone();
        let work = move || {
            let start = processor_time();
            work();
            let taken = processor_time().saturating_sub(start);
            time.fetch_add(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        let underway = match ONLY.get() {
            Some(only) => {
                let (done, is_done) = mpsc::sync_channel(1);
                only.send((Box::new(work), done)).ok().map(|()| Underway::Only(is_done))
            }
            // Where there are no threads to be had, what is made ahead is not made: it can do without.
            None => Builder::new().name("pages".to_owned()).spawn(work).ok().map(Underway::Thread),
        };
        *self.underway.lock().unwrap_or_else(PoisonError::into_inner) = underway;
    }

    /// Processor time that what is done has taken.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.time.load(Ordering::Relaxed))
    }

    /// Waits until all is done.
    pub fn wait(&self) {
        let underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner).take();
        // One that panicked has said so.
        match underway {
            Some(Underway::Thread(thread)) => drop(thread.join()),
            Some(Underway::Only(done)) => drop(done.recv()),
            None => {}
        }
    }
}

/// Processor time of the present thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.wait();
    }
}
