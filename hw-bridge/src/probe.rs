//! What the system offers, as far as only asking it tells.

use crate::{error::Error, partition::Hypervisor};
use kvm_ioctls::Cap;

/// The version of KVM's interface, which has been the same since 2007.
pub const KVM_VERSION: i32 = 12;

/// What KVM has of what partitions need, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kvm {
    /// Version of its interface.
    pub version: i32,
    /// What is missing.
    pub missing: Vec<&'static str>,
}

/// Asks KVM.
///
/// # Errors
/// It cannot be had.
pub fn kvm() -> Result<Kvm, Error> {
    let hypervisor = Hypervisor::open()?;
    let needed = [
        (Cap::UserMemory, "user memory"),
        (Cap::SetTssAddr, "task state addresses"),
        (Cap::ExtCpuid, "features of processors"),
        (Cap::ImmediateExit, "immediate exits"),
        (Cap::GetTscKhz, "frequency of the clock"),
    ];
    let kvm = hypervisor.kvm();
    let missing = needed.into_iter().filter(|(capability, _)| !kvm.check_extension(*capability));
    Ok(Kvm { version: kvm.get_api_version(), missing: missing.map(|(_, name)| name).collect() })
}

/// Whether page faults of the process can be handled by itself.
///
/// # Errors
/// They cannot, for this reason.
pub fn userfaultfd() -> Result<(), std::io::Error> {
    // SAFETY: the call makes a descriptor and has no preconditions.
    let descriptor = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK) };
    match i32::try_from(descriptor) {
        Ok(descriptor) if descriptor >= 0 => {
            // SAFETY: the descriptor is this function's own.
            unsafe { libc::close(descriptor) };
            Ok(())
        }
        _ => Err(std::io::Error::last_os_error()),
    }
}
