//! Functions are compiled while programs go on: by threads of the process that are there while there is something to do.
//!
//! ```text
//!   instance --work--> queue of the process --> thread --> desk of the instance --finished work--> instance
//! ```
//!
//! An instance that is gone has no desk any more: what was to be done for it is dropped.

use lunette_interpreter::compiling::{FinishedWork, Work};
use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

/// So long a thread waits for something to do before it ends.
const PATIENCE: Duration = Duration::from_secs(1);
/// There is a thread for so many processors, and no more than so many.
const PROCESSORS_PER_THREAD: usize = 4;
const MOST_THREADS: usize = 4;

/// What is done. A thread's panic is the instance's.
type Done = Mutex<VecDeque<thread::Result<FinishedWork>>>;

/// Where an instance finds what was compiled for it.
#[derive(Default)]
pub(super) struct Desk(Arc<Done>);

struct Queue {
    work: VecDeque<(Work, Weak<Done>)>,
    threads: usize,
    idle: usize,
    most_threads: usize,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { work: VecDeque::new(), threads: 0, idle: 0, most_threads: 0 });
static IS_FILLED: Condvar = Condvar::new();

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// Has something compiled; gives it back if there can be no thread for that.
    pub fn order(&self, work: Work) -> Result<(), Work> {
        let mut queue = locked(&QUEUE);
        if queue.most_threads == 0 {
            let processors = thread::available_parallelism().map_or(1, usize::from);
            queue.most_threads = (processors / PROCESSORS_PER_THREAD).clamp(1, MOST_THREADS);
        }
        if queue.idle <= queue.work.len() && queue.threads < queue.most_threads {
            let started = thread::Builder::new().name("lunette-compiler".into()).spawn(compile);
            if started.is_err() && queue.threads == 0 {
                return Err(work);
            }
            queue.threads += usize::from(started.is_ok());
        }
        queue.work.push_back((work, Arc::downgrade(&self.0)));
        drop(queue);
        IS_FILLED.notify_one();
        Ok(())
    }

    /// What is done.
    pub fn take(&self) -> Option<FinishedWork> {
        let finished = locked(&self.0).pop_front()?;
        Some(finished.unwrap_or_else(|panic| panic::resume_unwind(panic)))
    }
}

/// What a thread does.
fn compile() {
    let mut queue = locked(&QUEUE);
    loop {
        let Some((work, desk)) = queue.work.pop_front() else {
            queue.idle += 1;
            let (awake, timeout) = IS_FILLED
                .wait_timeout_while(queue, PATIENCE, |queue| queue.work.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            queue = awake;
            queue.idle -= 1;
            if timeout.timed_out() && queue.work.is_empty() {
                queue.threads -= 1;
                return;
            }
            continue;
        };
        drop(queue);
        if desk.strong_count() > 0 {
            let start = Instant::now();
            let clock = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let finished = panic::catch_unwind(AssertUnwindSafe(|| work.run(clock)));
            if let Some(desk) = desk.upgrade() {
                locked(&desk).push_back(finished);
            }
        }
        queue = locked(&QUEUE);
    }
}
