//! The processor that is compiled for: the one that this runs on.

use crate::{
    Explanation,
    blocks::Code,
    emit::{emit, signature},
    meaning::Meaning,
};
use alloc::{string::ToString, vec::Vec};
use core::arch::x86_64::{__cpuid, __cpuid_count};
use cranelift_codegen::{
    Context,
    control::ControlPlane,
    ir::{Function as Body, UserFuncName},
    isa::{self, OwnedTargetIsa},
    settings::{self, Configurable},
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use lunette_interpreter::typed::native::{NativeCode, Refusal, Unit};
use target_lexicon::triple;

/// What of the processor's instructions beyond those that all have is used.
#[derive(Clone, Copy)]
struct Features {
    sse41: bool,
    names: [Option<&'static str>; 8],
}

impl Features {
    fn detect() -> Features {
        let basic = __cpuid(1).ecx;
        let extended = if __cpuid(0).eax >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
        let more = if __cpuid(0x8000_0000).eax > 0x8000_0000 { __cpuid(0x8000_0001).ecx } else { 0 };
        let has = |word: u32, bit: u32, name| (word >> bit & 1 != 0).then_some(name);
        Features {
            sse41: basic >> 19 & 1 != 0,
            names: [
                has(basic, 0, "has_sse3"),
                has(basic, 9, "has_ssse3"),
                has(basic, 19, "has_sse41"),
                has(basic, 20, "has_sse42"),
                has(basic, 23, "has_popcnt"),
                has(extended, 3, "has_bmi1"),
                has(extended, 8, "has_bmi2"),
                has(more, 5, "has_lzcnt"),
            ],
        }
    }
}

/// The most bytes of the processor's stack that a function may take: it sees that it has no room when it has taken them.
const MOST_FRAME: u32 = 32 << 10;

fn target(features: Features) -> Option<OwnedTargetIsa> {
    let mut shared = settings::builder();
    shared.set("opt_level", "speed").ok()?;
    shared.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }).ok()?;
    shared.set("unwind_info", "false").ok()?;
    shared.set("enable_probestack", "false").ok()?;
    let mut builder = isa::lookup(triple!("x86_64")).ok()?;
    for name in features.names.into_iter().flatten() {
        builder.enable(name).ok()?;
    }
    builder.finish(settings::Flags::new(shared)).ok()
}

/// A function in Cranelift's form.
struct Emitted {
    context: Context,
    isa: OwnedTargetIsa,
    entries: Vec<u32>,
    is_callable: bool,
}

fn emitted(unit: &Unit) -> Result<Emitted, Refusal> {
    let features = Features::detect();
    let supports = |meaning: Meaning| match meaning {
        Meaning::Unary(operation, _, _) if operation.rounds() => features.sse41,
        _ => true,
    };
    let code = Code::new(unit, supports)?;
    let isa = target(features).ok_or(Refusal::Failed)?;
    let mut context = Context::for_function(Body::with_name_signature(UserFuncName::user(0, 0), signature()));
    let mut builders = FunctionBuilderContext::new();
    let builder = FunctionBuilder::new(&mut context.func, &mut builders);
    let entries = emit(&code, builder, isa.frontend_config());
    Ok(Emitted { context, isa, entries, is_callable: code.is_callable() })
}

/// See [`crate::explain`].
pub(crate) fn explain(unit: &Unit) -> Result<Explanation, Refusal> {
    let Emitted { mut context, isa, .. } = emitted(unit)?;
    let clif = context.func.display().to_string();
    context.set_disasm(true);
    let compiled = context.compile(&*isa, &mut ControlPlane::default()).map_err(|_| Refusal::Failed)?;
    Ok(Explanation { clif, assembly: compiled.vcode.clone().unwrap_or_default() })
}

/// See [`crate::compile`].
pub(crate) fn compile(unit: &Unit) -> Result<NativeCode, Refusal> {
    let Emitted { mut context, isa, entries, is_callable } = emitted(unit)?;
    let compiled = match context.compile(&*isa, &mut ControlPlane::default()) {
        Ok(compiled) => compiled,
        // A fault of ours, which tests are to see.
        Err(error) if cfg!(debug_assertions) => panic!("the function cannot be compiled: {:?}", error.inner),
        Err(_) => return Err(Refusal::Failed),
    };
    let frame = compiled.buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset);
    // Nothing is referred to outside of it.
    if !compiled.buffer.relocs().is_empty() {
        return Err(Refusal::Failed);
    }
    if frame > MOST_FRAME {
        return Err(Refusal::TooLarge);
    }
    Ok(NativeCode { bytes: Vec::from(compiled.code_buffer()), entries, is_callable })
}
