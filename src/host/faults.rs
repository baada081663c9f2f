//! Accesses of machine code beyond the end of a guarded memory: the system sends a signal, and the machine code goes on where it
//! traps. Every other fault is left to who cared for such before.

use super::code::is_code;
use lunette_interpreter::typed::native::fault::{FaultFrame, resume};
use std::{ffi::c_int, mem::MaybeUninit, sync::OnceLock};

/// What was done about faults before; `None` if nothing can be done about them here.
static BEFORE: OnceLock<Option<libc::sigaction>> = OnceLock::new();

type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// Has faults of machine code seen to, in all threads; whether they are.
pub(super) fn handle() -> bool {
    let install = || {
        let handler: Handler = on_fault;
        let mut before = MaybeUninit::uninit();
        // SAFETY: zeros are valid for all fields that are not set here, and the handler is of the kind that the flags say.
        unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            let is_installed = libc::sigaction(libc::SIGSEGV, &raw const action, before.as_mut_ptr()) == 0;
            is_installed.then(|| before.assume_init())
        }
    };
    BEFORE.get_or_init(install).is_some()
}

unsafe extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system gives the signal's circumstances. If the processor was in machine code, that was the machine's.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let pc = registers[libc::REG_RIP as usize] as u64;
        if is_code(pc as usize) {
            let stack = registers[libc::REG_RSP as usize] as *mut FaultFrame;
            if let Some(next) = resume(pc, stack, (*info).si_addr() as u64) {
                registers[libc::REG_RIP as usize] = next as i64;
                return;
            }
        }
        pass_on(signal, info, context);
    }
}

/// Does what was done before.
unsafe fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE.get().and_then(Option::as_ref);
    // SAFETY: the handler is the one that was there, and called as it was to be. The signal's ordinary effect comes when the
    // instruction is executed again.
    unsafe {
        match before {
            Some(before) if before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN => {
                std::mem::transmute::<usize, Handler>(before.sa_sigaction)(signal, info, context);
            }
            _ => {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::process::ExitStatusExt, process::Command};

    #[test]
    fn other_faults_are_as_deadly_as_before() {
        const CHILD: &str = "LUNETTE_TEST_FAULTS";
        if std::env::var_os(CHILD).is_some() {
            assert!(handle());
            // SAFETY: nothing lies there, and the process is to die of it.
            unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
            return;
        }
        let name = "host::faults::tests::other_faults_are_as_deadly_as_before";
        let status = Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).env(CHILD, "1").output();
        assert_eq!(status.unwrap().status.signal(), Some(libc::SIGSEGV));
    }
}
