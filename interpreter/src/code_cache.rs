//! The machine code of an instance, for functions of Lua and of WebAssembly alike: what is being compiled, what there is, and what
//! goes where there is no more room.
//!
//! ```text
//!   hot function --> underway --> (waiting) --> block --> retired --> given back to the home
//!                    compiled,     no room                replaced
//!                    maybe aside
//! ```
//!
//! Where there is no room the coldest functions are interpreted again: a hand goes round the blocks in the order in which they were
//! made, and takes the code of functions that were not seen running since it last came by. They may become hot again, and keep
//! what was learnt of them. The same is done with functions that the collector has found dead.
//!
//! A block goes only when it is certainly not being executed: while no machine code is on the processor's stack. In a call from the
//! host that machine code has led to, those go that were made since.

use crate::{
    compiling::{Compiling, FinishedWork, Product, Task, Work},
    machine::Machine,
    typed::native::Refusal,
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::{mem, ptr::NonNull};

/// The most functions that are being compiled at a time: others stay hot.
const MOST_UNDERWAY: usize = 16;
/// Minor collections look for dead functions when there are twice as many as there were alive, and so many more.
const FEW: usize = 64;

/// Whose machine code it is: the function of this number in the one tier or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Lua(u32),
    Typed(u32),
}

/// Names a block: later ones have greater numbers.
pub(crate) type BlockNumber = u64;

/// Machine code of a function that was installed.
struct Block {
    address: NonNull<u8>,
    bytes: usize,
    /// None if it was replaced.
    owner: Option<Owner>,
}

/// A function that is being compiled.
struct Underway {
    ticket: u64,
    owner: Owner,
}

/// What the machine knows about its machine code.
#[derive(Default)]
pub(crate) struct CodeCache {
    blocks: BTreeMap<BlockNumber, Block>,
    /// How many blocks were ever made.
    made: BlockNumber,
    /// The block that is looked at next when there is no room.
    hand: BlockNumber,
    /// Blocks that were replaced and might have been running.
    retired: Vec<BlockNumber>,
    bytes: usize,
    /// How often machine code is on the processor's stack, in one another.
    depth: u32,
    /// How often it was when the innermost call from the host began.
    floor: u32,
    /// Blocks below this are as old as machine code that called the host.
    pinned: BlockNumber,
    underway: Vec<Underway>,
    tickets: u64,
    /// What is compiled, but had no room.
    waiting: Vec<FinishedWork>,
    /// How many functions were alive when all were looked at.
    alive: usize,
    evicted: u64,
    /// Nanoseconds.
    longest_pause: u64,
}

/// Figures about the machine code of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CodeFigures {
    /// Bytes in use.
    pub bytes: u64,
    /// The most that there may be.
    pub limit: u64,
    /// How often a function's machine code was taken away for lack of room.
    pub evicted: u64,
    /// How long the program stood still at most for compiling, in nanoseconds.
    pub longest_pause: u64,
}

/// Where machine code was on the stack when a call from the host began.
pub(crate) struct Outer {
    floor: u32,
    pinned: BlockNumber,
}

/// What has become of machine code that was to be installed.
enum Installed {
    Yes(BlockNumber),
    /// There may be room when what runs has ended.
    Later,
    No,
}

impl CodeCache {
    /// Machine code is entered.
    #[inline(always)]
    pub fn enter(&mut self) {
        self.depth += 1;
    }

    /// It was left.
    #[inline(always)]
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A call from the host begins.
    pub fn begin_call(&mut self) -> Outer {
        let outer = Outer { floor: self.floor, pinned: self.pinned };
        if self.depth > self.floor {
            (self.floor, self.pinned) = (self.depth, self.made);
        }
        outer
    }

    /// It has ended.
    pub fn end_call(&mut self, outer: Outer) {
        (self.floor, self.pinned) = (outer.floor, outer.pinned);
    }

    /// Where a block is.
    pub fn address(&self, block: BlockNumber) -> *const u8 {
        self.blocks.get(&block).map_or(core::ptr::null(), |block| block.address.as_ptr())
    }

    /// Whether a block is certainly not being executed.
    fn is_idle(&self, block: BlockNumber) -> bool {
        self.depth == self.floor && block >= self.pinned
    }

    fn add(&mut self, address: NonNull<u8>, bytes: usize, owner: Owner) -> BlockNumber {
        self.blocks.insert(self.made, Block { address, bytes, owner: Some(owner) });
        self.bytes += bytes;
        self.made += 1;
        self.made - 1
    }

    /// The next block that may go.
    fn next_idle(&mut self) -> Option<(BlockNumber, Option<Owner>)> {
        if self.depth != self.floor {
            return None;
        }
        let from = self.hand.max(self.pinned);
        let (&number, block) = self.blocks.range(from..).next().or_else(|| self.blocks.range(self.pinned..).next())?;
        self.hand = number + 1;
        Some((number, block.owner))
    }
}

impl Machine {
    /// Figures about machine code.
    pub fn code_figures(&self) -> CodeFigures {
        CodeFigures {
            bytes: self.code.bytes as u64,
            limit: self.host.code_limit() as u64,
            evicted: self.code.evicted,
            longest_pause: self.code.longest_pause,
        }
    }

    /// Whether a function may be compiled now: it is not being compiled already, and not too many others are.
    pub(crate) fn may_compile(&self, owner: Owner) -> bool {
        let underway = &self.code.underway;
        underway.len() < MOST_UNDERWAY && underway.iter().all(|other| other.owner != owner)
    }

    /// Whether anything is being compiled, or waits for being installed.
    pub(crate) fn is_compiling(&self) -> bool {
        !self.code.underway.is_empty() || !self.code.waiting.is_empty()
    }

    /// Has a function compiled: aside if it is for speed and the home does so. The program has been standing still since `start`.
    pub(crate) fn begin_compiling(&mut self, owner: Owner, task: Task, compiling: Compiling, start: u64) {
        self.code.tickets += 1;
        let ticket = self.code.tickets;
        self.code.underway.push(Underway { ticket, owner });
        let work = Work { ticket, task };
        let rest = if compiling.is_eager() { Err(work) } else { self.host.compile_aside(work) };
        if let Err(work) = rest {
            let finished = work.run(|| self.host.monotonic());
            self.finish_compiling(finished);
        }
        self.note_compiling_pause(start);
    }

    /// A slice of fuel has ended: takes up what was compiled meanwhile, and gives up what was replaced.
    pub(crate) fn look_after_code(&mut self) {
        if !self.code.retired.is_empty() {
            self.remove_retired();
        }
        if !self.is_compiling() {
            return;
        }
        let start = self.host.monotonic();
        for finished in mem::take(&mut self.code.waiting) {
            self.finish_compiling(finished);
        }
        while let Some(finished) = self.host.take_compiled() {
            self.finish_compiling(finished);
        }
        self.note_compiling_pause(start);
    }

    fn note_compiling_pause(&mut self, start: u64) {
        let pause = self.host.monotonic().saturating_sub(start);
        self.code.longest_pause = self.code.longest_pause.max(pause);
    }

    /// A function was compiled, if it is still there.
    fn finish_compiling(&mut self, finished: FinishedWork) {
        let place = self.code.underway.iter().position(|underway| underway.ticket == finished.ticket);
        let Some(place) = place else { return };
        let owner = self.code.underway[place].owner;
        let is_current = match &finished.product {
            Product::Lua(..) => true,
            Product::Typed(unit, _) => self.is_current(unit),
        };
        let installed = match finished.product.bytes() {
            Ok(bytes) if is_current => match self.install(bytes, owner) {
                Installed::Yes(block) => Ok(block),
                Installed::No => Err(Refusal::NoRoom),
                Installed::Later => {
                    self.code.waiting.push(finished);
                    return;
                }
            },
            Ok(_) => Err(Refusal::NoRoom),
            Err(refusal) => Err(refusal),
        };
        self.code.underway.swap_remove(place);
        match (owner, finished.product) {
            _ if !is_current => {}
            (Owner::Lua(number), Product::Lua(unit, outcome)) => {
                let native = installed.and_then(|block| Ok((outcome?, block)));
                self.install_lua(number, &unit, native, finished.nanoseconds);
            }
            (Owner::Typed(number), Product::Typed(unit, outcome)) => {
                let native = installed.and_then(|block| Ok((outcome?, block)));
                self.install_typed(number, *unit, native, finished.nanoseconds);
            }
            _ => {}
        }
    }

    /// Puts machine code where it can be executed, in the place of others if need be.
    fn install(&mut self, bytes: &[u8], owner: Owner) -> Installed {
        if bytes.len() > self.host.code_limit() {
            return Installed::No;
        }
        self.remove_retired();
        let name = match owner {
            Owner::Lua(number) => self.lua.name(number),
            Owner::Typed(number) => self.native.name(number),
        };
        let name = Vec::from(name);
        loop {
            if let Some(address) = self.host.install_code(bytes, &name) {
                return Installed::Yes(self.code.add(address, bytes.len(), owner));
            }
            if !self.evict() {
                return if self.code.blocks.is_empty() { Installed::No } else { Installed::Later };
            }
        }
    }

    /// Takes the machine code of a cold function away; `false` if there is none that may go.
    fn evict(&mut self) -> bool {
        // The first time the hand comes by, a function may have been used.
        for _ in 0..=2 * self.code.blocks.len() {
            let Some((block, owner)) = self.code.next_idle() else { return false };
            let was_used = match owner {
                Some(Owner::Lua(number)) => self.lua.take_use(number),
                Some(Owner::Typed(number)) => self.native.take_use(number),
                None => false,
            };
            if was_used {
                continue;
            }
            match owner {
                Some(Owner::Lua(number)) => self.lua.evict(number),
                Some(Owner::Typed(number)) => self.native.evict(number),
                None => self.code.retired.retain(|&retired| retired != block),
            }
            self.code.evicted += u64::from(owner.is_some());
            self.remove(block);
            return true;
        }
        false
    }

    /// Nobody enters a block any more.
    pub(crate) fn retire(&mut self, block: BlockNumber) {
        if self.code.is_idle(block) {
            self.remove(block);
        } else if let Some(retired) = self.code.blocks.get_mut(&block) {
            retired.owner = None;
            self.code.retired.push(block);
        }
    }

    fn remove_retired(&mut self) {
        for block in mem::take(&mut self.code.retired) {
            self.retire(block);
        }
    }

    fn remove(&mut self, number: BlockNumber) {
        if let Some(block) = self.code.blocks.remove(&number) {
            self.code.bytes -= block.bytes;
            self.host.remove_code(block.address, block.bytes);
        }
    }

    /// The collector has just found out what is alive, among young objects only or among all: functions that are not are forgotten.
    pub(crate) fn forget_dead_functions(&mut self, is_minor: bool) {
        // Afterwards something else may lie where a dead function was.
        let (lua, native, heap) = (&self.lua, &self.native, &self.heap);
        self.code.underway.retain(|underway| match underway.owner {
            Owner::Lua(number) => lua.is_alive(number, heap),
            Owner::Typed(number) => native.is_alive(number, heap),
        });
        let count = self.lua.count() + self.native.count();
        if is_minor && count <= 2 * self.code.alive + FEW {
            return;
        }
        let blocks = [self.lua.remove_dead(&self.heap), self.native.remove_dead(&self.heap)];
        blocks.into_iter().flatten().for_each(|block| self.retire(block));
        self.code.alive = self.lua.count() + self.native.count();
    }
}
