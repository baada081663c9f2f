//! The processor that is compiled for, and the way from Cranelift's form to machine code.

use crate::{Explanation, Target};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{
    arch::{
        asm,
        x86_64::{__cpuid, __cpuid_count},
    },
    sync::atomic::{AtomicU32, Ordering},
};
use cranelift_codegen::{
    Context, MachTrap,
    control::ControlPlane,
    ir::{Function, Signature, SourceLoc, TrapCode, UserFuncName},
    isa::{self, OwnedTargetIsa, TargetFrontendConfig},
    settings::{self, Configurable},
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use lunette_interpreter::typed::native::Refusal;
use target_lexicon::triple;

/// What of the processor's instructions beyond those that all have is used: a bit for each of [`NAMES`].
#[derive(Clone, Copy)]
struct Features(u32);

const NAMES: [&str; 10] = [
    "has_sse3",
    "has_ssse3",
    "has_sse41",
    "has_sse42",
    "has_popcnt",
    "has_bmi1",
    "has_bmi2",
    "has_lzcnt",
    "has_avx",
    "has_avx2",
];
/// The bit of what rounds.
const ROUNDS: u32 = 1 << 2;
/// What the processor has, once it was asked, with the highest bit set: in a virtual machine each question takes ten microseconds.
static DETECTED: AtomicU32 = AtomicU32::new(0);
const IS_KNOWN: u32 = 1 << 31;

impl Features {
    fn of(target: Target) -> Features {
        match target {
            Target::Present => Features::detect(),
            Target::Baseline => Features::BASELINE,
        }
    }

    /// Those of x86-64-v2.
    const BASELINE: Features = Features(0b11111);

    fn detect() -> Features {
        let known = DETECTED.load(Ordering::Relaxed);
        if known & IS_KNOWN != 0 {
            return Features(known);
        }
        let basic = __cpuid(1).ecx;
        let extended = if __cpuid(0).eax >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
        let more = if __cpuid(0x8000_0000).eax > 0x8000_0000 { __cpuid(0x8000_0001).ecx } else { 0 };
        // Whether the system keeps the upper halves of vectors.
        let wide = if keeps_vectors(basic) { u32::MAX } else { 0 };
        let words_and_bits = [
            (basic, 0),
            (basic, 9),
            (basic, 19),
            (basic, 20),
            (basic, 23),
            (extended, 3),
            (extended, 8),
            (more, 5),
            (basic & wide, 28),
            (extended & wide, 5),
        ];
        let features = words_and_bits
            .into_iter()
            .enumerate()
            .fold(IS_KNOWN, |features, (number, (word, bit))| features | (word >> bit & 1) << number);
        DETECTED.store(features, Ordering::Relaxed);
        Features(features)
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().enumerate().filter_map(move |(number, name)| (self.0 >> number & 1 != 0).then_some(name))
    }
}

/// Whether the system saves and restores registers of 256 bits, given what the processor says of itself.
fn keeps_vectors(basic: u32) -> bool {
    const OSXSAVE: u32 = 1 << 27;
    if basic & OSXSAVE == 0 {
        return false;
    }
    let saved: u32;
    // SAFETY: the processor has the instruction, and the system allows it.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") saved, out("edx") _, options(nomem, nostack, preserves_flags));
    }
    saved & 0b110 == 0b110
}

/// The most bytes of the processor's stack that a function may take: it sees that it has no room when it has taken them.
const MOST_FRAME: u32 = 32 << 10;

/// Where compiled code has the machine's address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineAddress {
    /// In a parameter.
    Passed,
    /// In itself. The processor's register that Cranelift leaves to such purposes (`r15`) is for the code to use.
    Constant,
}

fn isa(features: Features, machine: MachineAddress) -> Option<OwnedTargetIsa> {
    let mut shared = settings::builder();
    shared.set("opt_level", "speed").ok()?;
    shared.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }).ok()?;
    shared.set("unwind_info", "false").ok()?;
    shared.set("enable_probestack", "false").ok()?;
    shared.set("enable_pinned_reg", if machine == MachineAddress::Constant { "true" } else { "false" }).ok()?;
    let mut builder = isa::lookup(triple!("x86_64")).ok()?;
    for name in features.names() {
        builder.enable(name).ok()?;
    }
    builder.finish(settings::Flags::new(shared)).ok()
}

/// A function in Cranelift's form.
pub(crate) struct Body {
    context: Context,
    isa: OwnedTargetIsa,
}

/// Machine code, which can lie anywhere.
pub(crate) struct Compiled {
    pub bytes: Vec<u8>,
    /// Instructions that may trap.
    pub traps: Vec<Trap>,
    /// From which offset on which place of Cranelift's form the code is of.
    pub places: Vec<(u32, SourceLoc)>,
    /// From the stack pointer to the first stack slot, if there is one.
    pub slot: Option<u32>,
}

/// An instruction of machine code that may trap.
pub(crate) struct Trap {
    pub offset: u32,
    pub code: TrapCode,
    /// In Cranelift's form, if it is known.
    pub place: Option<SourceLoc>,
}

/// Whether the processor has an instruction that rounds.
pub(crate) fn rounds(target: Target) -> bool {
    Features::of(target).0 & ROUNDS != 0
}

impl Body {
    /// The function of this signature whose body is made by `emit`; what that gives is given as well.
    pub fn new<R>(
        target: Target,
        signature: Signature,
        machine: MachineAddress,
        emit: impl FnOnce(FunctionBuilder<'_>, TargetFrontendConfig) -> R,
    ) -> Result<(Body, R), Refusal> {
        let isa = isa(Features::of(target), machine).ok_or(Refusal::Failed)?;
        let mut context = Context::for_function(Function::with_name_signature(UserFuncName::user(0, 0), signature));
        let mut builders = FunctionBuilderContext::new();
        let builder = FunctionBuilder::new(&mut context.func, &mut builders);
        let given = emit(builder, isa.frontend_config());
        Ok((Body { context, isa }, given))
    }

    /// It as texts.
    pub fn explain(mut self, ir: String) -> Explanation {
        let clif = self.context.func.display().to_string();
        self.context.set_disasm(true);
        let compiled = self.context.compile(&*self.isa, &mut ControlPlane::default());
        let assembly = compiled.ok().and_then(|compiled| compiled.vcode.clone()).unwrap_or_default();
        Explanation { ir, clif, assembly }
    }

    /// It as machine code.
    pub fn compile(mut self) -> Result<Compiled, Refusal> {
        let compiled = match self.context.compile(&*self.isa, &mut ControlPlane::default()) {
            Ok(compiled) => compiled,
            // A fault of ours, which tests are to see.
            Err(error) if cfg!(debug_assertions) => panic!("the function cannot be compiled: {:?}", error.inner),
            Err(_) => return Err(Refusal::Failed),
        };
        let layout = compiled.buffer.frame_layout();
        let frame = layout.map_or(0, |layout| layout.frame_to_fp_offset);
        let slot = layout.and_then(|layout| layout.stackslots.values().next()).map(|slot| slot.offset);
        // Nothing is referred to outside of it.
        if !compiled.buffer.relocs().is_empty() {
            return Err(Refusal::Failed);
        }
        if frame > MOST_FRAME {
            return Err(Refusal::TooLarge);
        }
        let places = compiled.buffer.get_srclocs_sorted();
        let place_of = |offset: u32| {
            let after = places.partition_point(|place| place.start <= offset);
            places[..after].last().filter(|place| offset < place.end).map(|place| place.loc)
        };
        let trap = |trap: &MachTrap| Trap { offset: trap.offset, code: trap.code, place: place_of(trap.offset) };
        Ok(Compiled {
            bytes: Vec::from(compiled.code_buffer()),
            traps: compiled.buffer.traps().iter().map(trap).collect(),
            places: places.iter().map(|place| (place.start, place.loc)).collect(),
            slot,
        })
    }
}
