//! Typed functions as machine code: when they are compiled, and how the loop gets into and out of it.
//!
//! A slice of fuel that ends in a function heats it. A hot one is compiled by whoever was registered for that, and its code is
//! installed again, without marks, but for those that say where compiled code may be entered: at its beginning, at the
//! targets of jumps back, and behind instructions that compiled code leaves to the loop.
//!
//! ```text
//!   loop:      ... | entry | ...                               ... | instruction | ...
//!                      |  registers: frame                            ^  registers: frame
//!                      v                                              |
//!   compiled code:  ...                              registers: the processor's
//! ```
//!
//! Compiled code begins with the registers in the frame and leaves them there, before an instruction that the loop then
//! executes. So calls, traps, polls, exceptions and collections are the loop's, and frames are the truth whenever anybody
//! looks at them. Machine code lies outside the region; marks whose code is not there any more (the instance was cloned, or
//! came from another process) mean nothing.

use super::{
    forwarding::{ENTRY, unmarked},
    state::State,
};
use crate::{dispatch::state::Register, machine::Machine};
use alloc::{vec, vec::Vec};
use lunette_bytecode::{
    instruction::Word,
    typed::function::{Function, Registers},
};
use lunette_gc::{reference::Ref, storage::ByteArray, typed::TypedPrototype};

/// Where compiled code finds things: offsets in bytes.
pub mod layout {
    use crate::machine::Machine;
    use core::mem::offset_of;
    use lunette_gc::{
        heap::Heap,
        reference::REFERENCE_SCALE,
        typed::{Instance, LinearMemory, MemoryData},
    };

    /// In the machine, the fuel that is left of the slice: 64 bits, signed.
    pub const BUDGET: i32 = offset_of!(Machine, budget) as i32;
    /// In the machine, the address of the instance.
    pub const INSTANCE: i32 = offset_of!(Machine, instance) as i32;
    /// In the machine, the address of the region.
    pub const REGION: i32 = (offset_of!(Machine, heap) + Heap::BASE_OFFSET) as i32;
    /// In an instance, the reference to its memories.
    pub const MEMORIES: i32 = offset_of!(Instance, memories) as i32;
    /// In an array of references, the first.
    pub const FIRST_ELEMENT: i32 = 8;
    /// In a memory, the reference to its bytes.
    pub const MEMORY_DATA: i32 = offset_of!(LinearMemory, data) as i32;
    /// In the object of a memory's bytes, the first.
    pub const DATA_BYTES: i64 = size_of::<MemoryData>() as i64;
    /// From a memory's first byte, how many there are: 64 bits.
    pub const MEMORY_LENGTH: i32 = offset_of!(MemoryData, length) as i32 - DATA_BYTES as i32;
    /// A reference shifted so is the distance from the region's address.
    pub const REFERENCE_SHIFT: i64 = REFERENCE_SCALE.trailing_zeros() as i64;

    /// In an instance, the number of a global of its own.
    pub const fn global(number: usize) -> i32 {
        (size_of::<Instance>() + number * super::super::moves::GLOBAL_BYTES) as i32
    }
}

/// What a function is compiled to: a function of the C convention, of the address of number register 0, that of the memory
/// in use, that of the machine, and the number of the entry (32 bits), which returns the word at which the loop goes on, and
/// the address of the memory in use then.
#[derive(Clone, Debug, Default)]
pub struct NativeCode {
    /// The machine code, which can lie anywhere.
    pub bytes: Vec<u8>,
    /// Of each entry the word of the function where it is.
    pub entries: Vec<u32>,
}

/// Compiles a function that was verified and whose results take so many number registers, and, if the last is true, even
/// the shortest parts of it. `None` if that would gain nothing.
pub type Compile = fn(&Function, u32, bool) -> Option<NativeCode>;

/// What the machine does about machine code.
#[derive(Default)]
pub(crate) struct NativeTier {
    compile: Option<Compile>,
    is_eager: bool,
    functions: Vec<NativeFunction>,
}

struct NativeFunction {
    prototype: Ref<TypedPrototype>,
    /// Of the machine code.
    address: *const u8,
    /// Of each word, one more than the number of the entry there; 0 if there is none.
    entries: Vec<u16>,
}

// SAFETY: the machine code is executed by the machine that owns this only.
unsafe impl Send for NativeFunction {}

/// A function is hot when so many slices of fuel have ended in it, and one more for so many words: what compiling takes.
const HOT: u32 = 4;
const WORDS_OF_SLICE: u32 = 8;
/// Function that is not compiled. Below that are slices.
const NEVER: u32 = 1 << 24;
/// Function whose machine code is the first of the machine's.
const FIRST: u32 = NEVER + 1;

/// Where compiled code has left to.
#[repr(C)]
struct Exit {
    word: u64,
    memory: *mut u8,
}

type Entered = unsafe extern "sysv64" fn(*mut u8, *mut u8, *mut Machine, u32) -> Exit;

impl Machine {
    /// Has hot functions compiled, or, if `is_eager`, all that are called.
    pub fn set_compiler(&mut self, compile: Compile, is_eager: bool) {
        (self.native.compile, self.native.is_eager) = (Some(compile), is_eager);
    }

    /// How many functions run as machine code.
    pub fn native_functions(&self) -> usize {
        self.native.functions.len()
    }

    /// A slice of fuel has ended in a function.
    #[cold]
    pub(super) fn heat(&mut self, prototype: Ref<TypedPrototype>) {
        let object = self.heap.get(prototype);
        let heat = object.tier.get() + 1;
        if heat >= NEVER {
            return;
        }
        object.tier.set(heat);
        let words = object.code.get().map_or(0, |code| self.heap.get(code).length() / 8);
        if heat >= HOT + words / WORDS_OF_SLICE {
            self.compile(prototype);
        }
    }

    /// A function has got its code.
    pub(super) fn compile_eagerly(&mut self, prototype: Ref<TypedPrototype>) {
        if self.native.is_eager {
            self.compile(prototype);
        }
    }

    fn compile(&mut self, prototype: Ref<TypedPrototype>) {
        let Some(compile) = self.native.compile else { return };
        self.heap.get(prototype).tier.set(NEVER);
        let object = self.heap.get(prototype);
        let function = Function {
            registers: Registers { numbers: object.numbers.get(), references: object.references.get() },
            code: self.installed_words(prototype),
            catches: self.installed_catches(prototype),
            offsets: Vec::new(),
        };
        let Some(native) = compile(&function, object.result_numbers, self.native.is_eager) else { return };
        let Some(address) = self.host.install_code(&native.bytes) else { return };
        let mut entries = vec![0; function.code.len()];
        let mut words = function.code;
        for (number, &word) in native.entries.iter().enumerate() {
            let Ok(number) = u16::try_from(number + 1) else { break };
            entries[word as usize] = number;
            words[word as usize].0 |= ENTRY as u64;
        }
        let Some(code) = self.heap.get(prototype).code.get() else { return };
        for (index, word) in words.iter().enumerate() {
            self.heap.write_bytes(code, 8 * index, &word.0.to_ne_bytes());
        }
        self.heap.get(prototype).tier.set(FIRST + self.native.functions.len() as u32);
        self.native.functions.push(NativeFunction { prototype, address: address.as_ptr(), entries });
    }
}

/// Enters compiled code at the instruction before `pc`, and gives the state before an instruction that the loop is to
/// execute, with its word as it is without marks.
///
/// # Safety
/// The state is the machine's, in a typed frame.
pub(super) unsafe fn enter<D>(s: State<D>) -> (State<D>, Word) {
    // SAFETY: the frame is a typed one, of the prototype before its header, whose code was installed.
    unsafe {
        let at = s.pc.sub(1);
        let region = (*s.machine).heap.base();
        let slots = (*s.machine).stack.add((*s.machine).base as usize * 16);
        let units = Register(slots.sub(32).cast()).payload() as u32;
        let prototype: Ref<TypedPrototype> = Ref::from_units(units).unwrap_unchecked();
        let object: *mut TypedPrototype = prototype.pointer(region);
        let code: Ref<ByteArray> = (*object).code.get().unwrap_unchecked();
        let words = code.pointer(region).add(1).cast::<u64>();
        let number = (*object).tier.get().wrapping_sub(FIRST) as usize;
        let functions = &(*s.machine).native.functions;
        let function = functions.get(number).filter(|function| function.prototype == prototype);
        let entry = function.and_then(|function| {
            let entry = *function.entries.get(at.offset_from(words) as usize)?;
            Some((function.address, u32::from(entry.checked_sub(1)?)))
        });
        let (pc, memory) = match entry {
            Some((address, entry)) => {
                let entered: Entered = core::mem::transmute(address);
                let exit = entered(s.base, s.memory, s.machine, entry);
                (words.add(exit.word as usize).cast_const(), exit.memory)
            }
            None => {
                // The machine code is elsewhere.
                at.cast_mut().write(unmarked(Word(*at)).0);
                (*object).tier.set(0);
                (at, s.memory)
            }
        };
        (State { pc: pc.add(1), memory, ..s }, unmarked(Word(*pc)))
    }
}
