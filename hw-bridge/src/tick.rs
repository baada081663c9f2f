//! A signal to the running thread every few milliseconds, which brings the guest out: then limits are looked at.

use crate::error::Error;
use std::{sync::OnceLock, time::Duration};
use vmm_sys_util::signal::{SIGRTMIN, register_signal_handler};

/// How often the guest comes out at least.
pub const PERIOD: Duration = Duration::from_millis(20);

/// Ticks for the present thread, until it is dropped.
#[derive(Debug)]
pub struct Ticks {
    timer: libc::timer_t,
}

/// That the signal comes is all: it ends the system call that runs the guest.
extern "C" fn ignore(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

fn install_handler(signal: libc::c_int) -> Result<(), Error> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| register_signal_handler(signal, ignore).map_err(|error| error.errno()));
    installed.map_err(|number| failed("handle signals", std::io::Error::from_raw_os_error(number)))
}

fn failed(what: &'static str, error: std::io::Error) -> Error {
    Error::System { what, reason: error.to_string() }
}

impl Ticks {
    /// Starts ticking.
    ///
    /// # Errors
    /// The system has no timers left.
    pub fn start() -> Result<Ticks, Error> {
        let signal = SIGRTMIN();
        install_handler(signal)?;
        // SAFETY: zero is a value of every field of this plain structure.
        let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        // SAFETY: the call has no preconditions.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };
        let mut timer = std::ptr::null_mut();
        // SAFETY: both structures are initialised and outlive the call.
        if unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) } != 0 {
            return Err(failed("make a timer", std::io::Error::last_os_error()));
        }
        let ticks = Ticks { timer };
        let period = libc::timespec { tv_sec: 0, tv_nsec: PERIOD.as_nanos() as libc::c_long };
        let setting = libc::itimerspec { it_interval: period, it_value: period };
        // SAFETY: the timer was made just now; the structure outlives the call.
        if unsafe { libc::timer_settime(ticks.timer, 0, &setting, std::ptr::null_mut()) } != 0 {
            return Err(failed("start a timer", std::io::Error::last_os_error()));
        }
        Ok(ticks)
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        // SAFETY: the timer is this value's own.
        unsafe { libc::timer_delete(self.timer) };
    }
}
