//! What can go wrong with partitions.

use kvm_ioctls::Error as KvmError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A partition cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `/dev/kvm` cannot be opened.
    #[error("partitions need KVM, but /dev/kvm cannot be used: {reason}{}", advice(*.number))]
    Unavailable {
        /// In the words of C's `strerror`.
        reason: String,
        /// The number in C's `errno`.
        number: i32,
    },
    /// KVM does not do what it is asked for.
    #[error("KVM cannot {what}: {error}")]
    Kvm {
        /// What it was asked for.
        what: &'static str,
        /// Why not.
        error: KvmError,
    },
    /// There is no memory for the partition.
    #[error("cannot {what} memory of the partition: {reason}")]
    Memory {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// The system does not do what it is asked for.
    #[error("cannot {what}: {reason}")]
    System {
        /// What it was asked for.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// Machine code that is made in partitions could not run.
    #[error("partitions need a processor of level x86-64-v2, with SSE 4.2 and POPCNT")]
    Processor,
    /// A monitor in a process of its own cannot make a partition.
    #[error("{0}")]
    Monitor(String),
    /// A file is no template that can be used.
    #[error("{0}")]
    Template(String),
    /// The image in this program is not what it should be.
    #[error("the guest image is malformed: {0}")]
    Image(String),
}

/// How to get what is missing, on further lines.
fn advice(number: i32) -> &'static str {
    match number {
        libc::EACCES | libc::EPERM => {
            "\nLet the user have it: make the user a member of the group that owns /dev/kvm (as root: usermod -aG kvm USER, \
             then log in again). `lunette doctor` tells more."
        }
        _ => {
            "\nOn a computer: load the module kvm_intel or kvm_amd (as root: modprobe kvm_intel), and turn virtualization on \
             in the firmware.\nIn a virtual machine: let it have nested virtualization.\nIn a container: give it the device \
             (--device /dev/kvm).\n`lunette doctor` tells more."
        }
    }
}

impl Error {
    /// For `map_err`: KVM could not do this.
    pub(crate) fn kvm(what: &'static str) -> impl FnOnce(KvmError) -> Error {
        move |error| Error::Kvm { what, error }
    }

    /// For `map_err`: memory could not be treated like this.
    pub(crate) fn memory<E: fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Error {
        move |error| Error::Memory { what, reason: error.to_string() }
    }
}

/// Why a partition was ended by the monitor. It cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum End {
    /// The guest broke: an exception of the processor.
    #[error("the partition broke: {0}")]
    Fault(Fault),
    /// The runtime in the guest could not go on.
    #[error("the runtime in the partition panicked: {message}{}", on_new_line(.traceback))]
    Panic {
        /// What it said.
        message: String,
        /// The Lua functions that were running, if the guest could say so.
        traceback: Option<String>,
    },
    /// The guest did what it must not.
    #[error("the partition broke the rules: {0}")]
    Violation(String),
    /// It wanted more memory than it may have.
    #[error("not enough memory")]
    Memory,
    /// It did not stop in time.
    #[error("time limit reached")]
    Time,
    /// It did not react to an interrupt.
    #[error("interrupted!")]
    Interrupt,
    /// It wrote more than it may.
    #[error("output limit reached")]
    Output,
    /// KVM or the host's memory failed.
    #[error("{0}")]
    Failed(String),
}

fn on_new_line(text: &Option<String>) -> String {
    text.as_ref().map(|text| format!("\n{text}")).unwrap_or_default()
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        End::Failed(error.to_string())
    }
}

/// An exception of the processor that the guest cannot handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Number of the exception.
    pub vector: u8,
    /// Its error code, 0 for those that have none.
    pub code: u64,
    /// Address of the instruction.
    pub instruction: u64,
    /// Address of the stack.
    pub stack: u64,
    /// Address that was accessed, for page faults.
    pub address: Option<u64>,
    /// The Lua functions that were running, if the guest could say so.
    pub traceback: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.vector {
            0 => "division error",
            1 => "debug exception",
            3 => "breakpoint",
            4 => "overflow",
            6 => "invalid instruction",
            8 => "double fault",
            12 => "stack fault",
            13 => "general protection fault",
            14 => "page fault",
            16 => "floating-point exception",
            17 => "unaligned access",
            19 => "vector floating-point exception",
            _ => "exception",
        };
        write!(formatter, "{name} (number {}) at {:#x}", self.vector, self.instruction)?;
        if let Some(address) = self.address {
            let access = match self.code {
                code if code & 16 != 0 => "executing",
                code if code & 2 != 0 => "writing",
                _ => "reading",
            };
            write!(formatter, ", {access} {address:#x}")?;
        }
        formatter.write_str(&on_new_line(&self.traceback))
    }
}
