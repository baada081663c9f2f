//! When a snapshot is taken of a program that runs: the machine offers it between two steps, where everything that is
//! needed to go on stands in frames.
//!
//! A snapshot is asked for from another thread by a [`SnapshotHandle`], or from inside by a native function that returns
//! [`Step::Snapshot`](crate::native::Step::Snapshot). The one who keeps snapshots, [`Keeper`], gets the machine, and may
//! write an image of it. While a function of the embedder is on the stack nobody is offered a snapshot.

use crate::{
    call::Next,
    dispatch::state::Status,
    error::Throw,
    execute::Exit,
    frame::HeaderSlot,
    host::{HostError, Response},
    limits::StopReason,
    machine::{Machine, STACK_RESERVE},
    native::{CAUGHT, Frame},
    traceback::FrameView,
};
use alloc::{boxed::Box, string::String, sync::Arc};
use core::sync::atomic::{AtomicBool, Ordering};

/// What takes snapshots: it is called with the machine at a point from which it can be gone on with.
pub type Keeper = Box<dyn FnMut(&mut Machine, Cause) -> Outcome + Send>;

/// Why a snapshot is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The program asked.
    Program,
    /// Somebody else asked, see [`SnapshotHandle`].
    Request,
    /// It is time for one, see [`Machine::set_snapshot_interval`].
    Interval,
}

/// What became of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken; the program goes on.
    Taken,
    /// It was taken; the program stops here.
    Stop,
    /// It was not taken, for this reason; the program goes on.
    Refused(String),
}

/// Asks for a snapshot from another thread or a signal handler.
#[derive(Clone, Debug)]
pub struct SnapshotHandle(Arc<AtomicBool>);

impl From<Arc<AtomicBool>> for SnapshotHandle {
    fn from(flag: Arc<AtomicBool>) -> SnapshotHandle {
        SnapshotHandle(flag)
    }
}

impl SnapshotHandle {
    /// Asks for one.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// The flag behind the handle.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

/// What the machine knows of snapshots.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub flag: Arc<AtomicBool>,
    /// Chances from one snapshot to the next; 0 for none.
    interval: u32,
    /// Chances left.
    left: u32,
}

impl Machine {
    /// Sets who keeps snapshots.
    pub fn set_keeper(&mut self, keeper: Option<Keeper>) {
        self.keeper = keeper;
    }

    /// Whether somebody keeps snapshots.
    pub fn has_keeper(&self) -> bool {
        self.keeper.is_some()
    }

    /// Asks for snapshots from elsewhere.
    pub fn snapshot_handle(&self) -> SnapshotHandle {
        SnapshotHandle(self.limits.requests.flag.clone())
    }

    /// For tests: offers a snapshot at every chance of this number; 0 for never. Chances come more often then.
    pub fn set_snapshot_interval(&mut self, interval: u32) {
        self.limits.requests.interval = interval;
        // The first chance is that from which a restored program goes on.
        self.limits.requests.left = interval.saturating_add(1);
        self.limits.set_short_slices(interval != 0);
        self.limits.is_snapshot_due = interval != 0;
    }

    /// One more than the last slot in use, at a point from which the machine can be gone on with.
    pub(crate) fn snapshot_top(&self) -> u32 {
        if !self.is_running() {
            return self.frame_top();
        }
        let top = if self.is_native_frame(self.base) {
            self.native_top(self.native_frame())
        } else {
            let frame = FrameView { thread: self.thread, base: self.base };
            let next = self
                .lua_frame(self.thread, self.base)
                .map(|prototype| (prototype, self.frame_header(frame).resume() - self.code_start(prototype)));
            match next {
                Some((prototype, number)) if self.takes_open_list(prototype, number) => {
                    self.frame_top().max(self.open_top)
                }
                _ => self.frame_top(),
            }
        };
        top.min(self.stack_length - STACK_RESERVE)
    }

    /// One more than the last slot in use by a native frame that is to be called.
    pub(crate) fn native_top(&self, frame: Frame) -> u32 {
        if frame.phase() == 0 || frame.phase() == CAUGHT { frame.window() } else { self.open_top.max(frame.window()) }
    }

    /// A snapshot may be due, before the machine goes on with `next`.
    #[cold]
    #[inline(never)]
    pub(crate) fn offer_due_snapshot(&mut self, next: Next) -> Next {
        let requests = &mut self.limits.requests;
        // An answer that waits for its function is not in an image.
        if next == Next::Leave || self.response.is_some() || self.host_calls != 1 {
            return next;
        }
        let mut cause = None;
        if requests.interval != 0 {
            requests.left = requests.left.saturating_sub(1);
            if requests.left == 0 {
                requests.left = requests.interval;
                cause = Some(Cause::Interval);
            }
        }
        if requests.flag.swap(false, Ordering::AcqRel) {
            cause = Some(Cause::Request);
        }
        self.limits.is_snapshot_due = self.limits.requests.interval != 0;
        match cause.map(|cause| self.offer_snapshot(cause)) {
            Some(Outcome::Stop) => {
                let throw = self.stop(StopReason::Snapshot);
                self.unwind(throw)
            }
            _ => next,
        }
    }

    fn offer_snapshot(&mut self, cause: Cause) -> Outcome {
        let Some(mut keeper) = self.keeper.take() else {
            return Outcome::Refused(String::from("nobody keeps snapshots"));
        };
        let outcome = keeper(self, cause);
        self.keeper = Some(keeper);
        outcome
    }

    /// The program asks for a snapshot: the answer comes as that of a request to the host, and not to the one that is
    /// restored.
    pub(crate) fn snapshot_for_program(&mut self) -> Result<Next, Throw> {
        let outcome = if self.host_calls == 1 {
            self.offer_snapshot(Cause::Program)
        } else {
            Outcome::Refused(String::from("a function of the host is running"))
        };
        self.response = Some(match outcome {
            Outcome::Taken => Response::Done,
            Outcome::Refused(message) => Response::Failed(HostError { message, code: 0 }),
            Outcome::Stop => return Err(self.stop(StopReason::Snapshot)),
        });
        Ok(Next::Native)
    }

    /// Goes on with the program that ran when the image was written, and gives what the call from the host gives that it
    /// began with. Nothing is given if no program ran.
    pub fn resume_restored(&mut self) -> Result<(u32, u32), Throw> {
        if !self.is_running() {
            return Ok((self.base, 0));
        }
        self.host_calls += 1;
        let next = self.next_of_frame();
        let status: Status = self.drive(next);
        let exit = self.execute(status);
        self.host_calls -= 1;
        match exit {
            Exit::Returned { first, count } => Ok((first, count)),
            Exit::Failed(throw) => {
                let main = self.main_thread();
                self.switch_back(main, crate::frame::FRAME_SLOTS, 0, 0);
                Err(throw)
            }
            Exit::None => unreachable!("the loop ran on without a reason to leave"),
        }
    }
}
