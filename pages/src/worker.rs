//! Work that is done by another thread, one piece after the other, where the process may have threads.
//!
//! A thread is there only as long as there is something to be done, unless the process can make no others.

use rustix::time::{ClockId, clock_gettime};
use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    thread::Builder,
    time::Duration,
};

/// Something to be done.
type Work = Box<dyn FnOnce() + Send>;

/// How many pieces may wait while one is being done.
const MOST_WAITING: usize = 2;

/// The thread of a process that can make no others.
static ONLY: OnceLock<mpsc::Sender<Work>> = OnceLock::new();

/// Makes a thread that does the work of all workers from now on: for processes that will not be able to make threads.
/// Where it cannot be made, what is made ahead is not made.
pub fn start() {
    let (sender, orders) = mpsc::channel::<Work>();
    let (ready, is_ready) = mpsc::sync_channel(1);
    let serve = move || {
        // What a thread needs to begin is done.
        let _ = ready.send(());
        orders.into_iter().for_each(|work| work());
    };
    if Builder::new().name("pages".to_owned()).spawn(serve).is_ok() && is_ready.recv().is_ok() {
        ONLY.get_or_init(|| sender);
    }
}

/// Has a thread do something; whether there is one.
fn begin(work: Work) -> bool {
    match ONLY.get() {
        Some(only) => only.send(work).is_ok(),
        None => Builder::new().name("pages".to_owned()).spawn(work).is_ok(),
    }
}

/// What a worker has to do.
#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Whether a thread sees to it.
    is_attended: bool,
    /// Processor time that it has taken.
    time: Duration,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the state is as said.
    fn wait_while(&self, mut is_so: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state(), |state| is_so(state)).unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that waits.
    fn attend(&self) {
        while let Some(work) = self.next() {
            let start = processor_time();
            // Work that panics has said so; what comes after it is done nevertheless.
            let _ = catch_unwind(AssertUnwindSafe(work));
            self.state().time += processor_time().saturating_sub(start);
        }
    }

    /// The next piece; if there is none, the thread is done.
    fn next(&self) -> Option<Work> {
        let mut state = self.state();
        let work = state.waiting.pop_front();
        state.is_attended = work.is_some();
        self.changed.notify_all();
        work
    }
}

/// Does work in another thread. Dropping it waits until that is done.
#[derive(Default)]
pub struct Worker {
    queue: Arc<Queue>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").field("time", &self.time()).finish_non_exhaustive()
    }
}

impl Worker {
    /// Has something done after what was asked for before. If much waits, so does this.
    ///
    /// ```
    /// use lunette_pages::worker::Worker;
    /// use std::sync::{Arc, Mutex};
    /// let (worker, done) = (Worker::default(), Arc::new(Mutex::new(Vec::new())));
    /// for number in 0..100 {
    ///     let done = done.clone();
    ///     worker.run(move || done.lock().unwrap().push(number));
    /// }
    /// worker.wait();
    /// assert!(done.lock().unwrap().iter().copied().eq(0..100));
    /// ```
    pub fn run(&self, work: impl FnOnce() + Send + 'static) {
        let mut state = self.queue.wait_while(|state| state.waiting.len() >= MOST_WAITING);
        state.waiting.push_back(Box::new(work));
        if !state.is_attended {
            let queue = self.queue.clone();
            state.is_attended = begin(Box::new(move || queue.attend()));
        }
        if !state.is_attended {
            // Where there are no threads to be had, what is made ahead is not made: it can do without.
            state.waiting.clear();
        }
    }

    /// Processor time that what is done has taken.
    pub fn time(&self) -> Duration {
        self.queue.state().time
    }

    /// Waits until all is done.
    pub fn wait(&self) {
        drop(self.queue.wait_while(|state| state.is_attended));
    }
}

/// Processor time of the present thread.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.wait();
    }
}
