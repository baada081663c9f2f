//! How a monitor's process gives up what it does not need: it keeps its partition, the sockets to its owner, memory and
//! time.

use crate::error::Error;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Requests to KVM's files: running, registers, memory; and looking at one's own pages.
const REQUESTS: [u64; 11] = [
    0xae80,      // KVM_RUN
    0x8090_ae81, // KVM_GET_REGS
    0x4090_ae82, // KVM_SET_REGS
    0x8138_ae83, // KVM_GET_SREGS
    0x4138_ae84, // KVM_SET_SREGS
    0x81a0_ae8c, // KVM_GET_FPU
    0x41a0_ae8d, // KVM_SET_FPU
    0x4020_ae46, // KVM_SET_USER_MEMORY_REGION
    0x4010_ae42, // KVM_GET_DIRTY_LOG
    0xaea3,      // KVM_GET_TSC_KHZ
    0xc060_6610, // PAGEMAP_SCAN
];

/// Calls that are allowed with any arguments.
const CALLS: [libc::c_long; 29] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_restart_syscall,
    libc::SYS_sigaltstack,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_delete,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Closes what the process that started this one left open beside the standard streams. Comes first: nothing of this
/// process's own is open yet.
pub fn close_inherited() {
    // SAFETY: no file descriptor from 3 on belongs to anything in this process, which has just begun.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// Lets the standard streams lead nowhere: the process has copies of those that it needs.
///
/// # Errors
/// There is no `/dev/null`.
pub fn leave_standard_streams() -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::System { what: "open /dev/null", reason: error.to_string() };
    let nowhere = std::fs::File::options().read(true).write(true).open("/dev/null").map_err(failed)?;
    for replace in [rustix::stdio::dup2_stdin, rustix::stdio::dup2_stdout, rustix::stdio::dup2_stderr] {
        replace(&nowhere).map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

/// Confines the process with all its threads. What it tries beyond that kills it.
///
/// # Errors
/// The system does not allow it.
pub fn enter() -> Result<(), Error> {
    let failed = |error: String| Error::System { what: "confine the monitor", reason: error };
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    for resource in [Resource::Core, Resource::Nproc, Resource::Fsize] {
        setrlimit(resource, nothing).map_err(|error| failed(error.to_string()))?;
    }
    // A guest in an endless loop does not outlive its owner.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| failed(error.to_string()))?;
    // Memory of the guest is nobody else's to look at.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| failed(error.to_string()))?;
    let program = filter().map_err(|error| failed(error.to_string()))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| failed(error.to_string()))
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let argument = |index, operator, value| SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = CALLS.iter().map(|&call| (call, Vec::new())).collect();
    let requests: Result<Vec<SeccompRule>, _> =
        REQUESTS.iter().map(|&request| SeccompRule::new(vec![argument(1, SeccompCmpOp::Eq, request)?])).collect();
    rules.insert(libc::SYS_ioctl, requests?);
    // Memory that is executed can be neither made nor had by changing its protection.
    let executable = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let rule = SeccompRule::new(vec![argument(2, SeccompCmpOp::MaskedEq(executable), 0)?])?;
        rules.insert(call, vec![rule]);
    }
    // The allocator gives memory a name, which people find in the list of mappings.
    let naming = SeccompRule::new(vec![argument(0, SeccompCmpOp::Eq, libc::PR_SET_VMA as u64)?])?;
    rules.insert(libc::SYS_prctl, vec![naming]);
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?.try_into()
}
