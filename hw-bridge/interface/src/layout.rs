//! Where things lie in a partition.
//!
//! ```text
//!   guest physical               guest virtual             access
//!   0x0                          not mapped
//!   0x1000    tables of the CPU  the same                  CPL 0 only
//!   0x10_0000 channel            the same                  read, write
//!   0x11_0000 outbox, inbox      the same                  read, write
//!   0x14_0000                    not mapped: guard
//!   0x14_1000 stack              the same                  read, write
//!   0x20_0000 first of the arena ARENA                     read, write
//!   0x40_0000 image              the same                  as its segments say; none is both written and executed
//!   0x100_0000 first of region   REGION                    read, write
//!   TABLES    page tables        not mapped; more are added when they are needed
//!   GROWTH    more memory        after ARENA's or REGION's read, write; mapped when first touched
//!                                PLACES                    likewise, but for what is guarded
//!             machine code       CODE_WRITTEN              read, write; likewise
//!                                and CODE                  read, execute
//! ```
//!
//! What lies below [`BASE_BYTES`] is the *base memory*: with it a partition is cloned and reset, but for the image's constants
//! and code, which are the same pages of the host for all.

/// Bytes of the smallest page.
pub const PAGE_BYTES: u64 = 0x1000;
/// Bytes of the pages of which memory that grows is mapped.
pub const LARGE_PAGE_BYTES: u64 = 0x20_0000;

/// Global descriptors.
pub const DESCRIPTORS: u64 = 0x1000;
/// Interrupt descriptors.
pub const INTERRUPTS: u64 = 0x2000;
/// The task state: where the stack for exceptions is.
pub const TASK: u64 = 0x3000;
/// Code that tells the monitor of exceptions.
pub const STUBS: u64 = 0x4000;
/// The page of the stack for exceptions.
pub const STUB_STACK: u64 = 0x5000;
/// End of what only the processor needs.
pub const SYSTEM_END: u64 = 0x6000;

/// The page with [`Channel`](crate::channel::Channel).
pub const CHANNEL: u64 = 0x10_0000;
/// Messages to the monitor, unless the guest says that they lie elsewhere.
pub const OUTBOX: u64 = 0x11_0000;
/// Bytes of the outbox.
pub const OUTBOX_BYTES: usize = 0x1_0000;
/// Messages from the monitor, likewise.
pub const INBOX: u64 = 0x12_0000;
/// Bytes of the inbox.
pub const INBOX_BYTES: usize = 0x1_0000;
/// Lowest address of the stack; the page before it is a guard.
pub const STACK: u64 = 0x14_1000;
/// End of the stack, where it begins.
pub const STACK_END: u64 = 0x20_0000;

/// Physical address of the first part of the arena.
pub const ARENA_START: u64 = 0x20_0000;
/// Bytes of that part.
pub const ARENA_START_BYTES: u64 = 0x20_0000;
/// Lowest address at which the image may lie.
pub const IMAGE: u64 = 0x40_0000;
/// End of the place for the image.
pub const IMAGE_END: u64 = 0x100_0000;
/// Physical address of the first part of the region.
pub const REGION_START: u64 = 0x100_0000;
/// Bytes of that part.
pub const REGION_START_BYTES: u64 = 0x40_0000;
/// Bytes of the base memory.
pub const BASE_BYTES: u64 = 0x140_0000;

/// Memory of Rust's allocator: virtual address.
pub const ARENA: u64 = 0x10_0000_0000;
/// The most bytes of the arena.
pub const ARENA_BYTES: u64 = 0x8_0000_0000;
/// The instance's region: virtual address.
pub const REGION: u64 = 0x20_0000_0000;
/// The most bytes of the region.
pub const REGION_BYTES: u64 = 0x8_0000_0000;
/// Places for linear memories, at the end of the region: virtual address. From an address on, each can be guarded.
pub const PLACES: u64 = REGION + REGION_BYTES - PLACE_COUNT as u64 * PLACE_BYTES;
/// How many there are.
pub const PLACE_COUNT: usize = 3;
/// Bytes of each.
pub const PLACE_BYTES: u64 = 0x1_0020_0000;

/// Machine code that the guest has compiled, where it is executed: virtual address.
pub const CODE: u64 = 0x30_0000_0000;
/// The same memory where it is written: virtual address.
pub const CODE_WRITTEN: u64 = 0x31_0000_0000;
/// The most bytes of that machine code.
pub const CODE_BYTES: u64 = 0x400_0000;

/// Physical address of the page tables.
pub const TABLES: u64 = 0x4000_0000;
/// Bytes of the page tables at first: the fixed ones, one for each GiB of arena and region, machine code.
pub const TABLES_BYTES: u64 = 0x10_0000;
/// Bytes that are added to them: there is one table for each large page of places in which a guard ever began.
pub const MORE_TABLES_BYTES: u64 = 0x20_0000;
/// The most bytes of the page tables: what there is at first, and one for each large page of places.
pub const MOST_TABLES_BYTES: u64 = 0x200_0000;
/// Physical address of the first memory that is added.
pub const GROWTH: u64 = 0x10_0000_0000;
