//! Machine code that is compiled in the partition: it is written at one address and executed at another, and the same pages
//! are behind both. Memory is added there when it is first written to.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{
    arch::x86_64::__cpuid,
    ptr::{NonNull, copy_nonoverlapping, write_bytes},
    sync::atomic::{AtomicU64, Ordering},
};
use lunette_hw_interface::{
    allowance,
    layout::{CODE, CODE_WRITTEN},
    message::{self, Configuration},
};
use lunette_interpreter::{
    Machine,
    compiling::Compiling,
    host::CodeSpace,
    machine_code,
    typed::native::{self, Refusal},
};
use lunette_jit::{Explanation, MEMORY_OF_WORD, Target, dynamic, typed};

/// What is put where machine code was: the processor stops there.
const BREAKPOINT: u8 = 0xcc;

/// How many bytes of machine code there may be: by the limit of the heap, and as it was asked for.
static MOST: AtomicU64 = AtomicU64::new(0);
static MOST_ASKED: AtomicU64 = AtomicU64::new(u64::MAX);
/// How many bytes compiling may take.
static MOST_COMPILING: AtomicU64 = AtomicU64::new(0);

/// Has functions compiled.
pub fn compile(machine: &mut Machine, configuration: &Configuration) {
    MOST_ASKED.store(configuration.code_limit.unwrap_or(u64::MAX), Ordering::Relaxed);
    let compiling = match configuration.compiling {
        message::Compiling::Never => return,
        message::Compiling::Hot => Compiling::Hot,
        message::Compiling::Loaded => Compiling::Loaded,
        message::Compiling::Chaos => Compiling::Chaos,
    };
    machine.set_compiler(compile_typed, compiling);
    machine.set_lua_compiler(compile_lua, compiling);
    if configuration.reports_machine_code {
        machine.record_native();
        machine.record_lua();
    }
}

/// The forms of the functions of this name.
pub fn explain(machine: &Machine, name: &str) -> Vec<message::Explanation> {
    let typed = machine.native_units(name).map(|unit| typed::explain(unit, Target::Baseline));
    let dynamic = machine.lua_units(name).map(|unit| dynamic::explain(unit, Target::Baseline));
    typed.chain(dynamic).map(|Explanation { ir, clif, assembly }| message::Explanation { ir, clif, assembly }).collect()
}

/// Sets how much memory that may take, by the limit of the heap.
pub fn set_memory_limit(heap: u64) {
    MOST.store(allowance::code(heap), Ordering::Relaxed);
    MOST_COMPILING.store(allowance::compiler(heap), Ordering::Relaxed);
}

fn compile_typed(unit: &native::Unit) -> Result<native::NativeCode, Refusal> {
    check_size(unit.function.code.len())?;
    typed::compile(unit, Target::Baseline)
}

fn compile_lua(unit: &machine_code::Unit) -> Result<machine_code::NativeCode, Refusal> {
    if check_size(dynamic::most_words(unit)).is_err() && !unit.callees.is_empty() {
        // There may be memory for the function itself.
        return compile_lua(&machine_code::Unit { callees: BTreeMap::new(), ..unit.clone() });
    }
    check_size(dynamic::most_words(unit))?;
    dynamic::compile(unit, Target::Baseline)
}

/// Memory that ends while something is compiled would end the partition.
fn check_size(words: usize) -> Result<(), Refusal> {
    let is_small = (words as u64).saturating_mul(MEMORY_OF_WORD) <= MOST_COMPILING.load(Ordering::Relaxed);
    if is_small { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// The most bytes of machine code.
pub fn limit() -> usize {
    MOST.load(Ordering::Relaxed).min(MOST_ASKED.load(Ordering::Relaxed)) as usize
}

/// Puts machine code where it can be executed; its address, or `None` if there would be too much of it.
pub fn install(space: &mut CodeSpace, code: &[u8]) -> Option<NonNull<u8>> {
    let place = space.take(code.len(), limit())? as u64;
    // SAFETY: this part of the addresses is nobody else's; memory is there or is added, as there may be so much of it.
    unsafe { copy_nonoverlapping(code.as_ptr(), (CODE_WRITTEN + place) as *mut u8, code.len()) };
    forget_fetched();
    NonNull::new((CODE + place) as *mut u8)
}

/// Takes machine code away that was installed, and that nobody executes.
pub fn remove(space: &mut CodeSpace, address: NonNull<u8>, bytes: usize) {
    let place = address.addr().get() as u64 - CODE;
    // SAFETY: it was installed there.
    unsafe { write_bytes((CODE_WRITTEN + place) as *mut u8, BREAKPOINT, bytes) };
    space.give_back(place as usize, bytes);
}

/// The processor may have fetched what was there before: it does not know what is written at another address.
fn forget_fetched() {
    core::hint::black_box(__cpuid(0));
}
