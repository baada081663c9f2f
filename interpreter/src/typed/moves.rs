//! Moves, constants, selections and globals.

use super::{
    slow,
    state::{Bits64, Driver, Flow, Number, State, field},
};
use crate::dispatch::state::{NIL, Operands, Register};
use lunette_bytecode::instruction::Word;
use lunette_gc::typed::Instance;

/// Bytes of a global in its instance.
pub(super) const GLOBAL_BYTES: usize = 32;

macro_rules! bodies {
    ($($name:ident($words:literal) |$s:ident, $w:ident| $body:block)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { $body }
            $s.next($words)
        }
    )* };
}

bodies! {
    copy_vector(0) |s, w| { s.set128(w.a(), s.get128(w.b())); }
    copy_reference(0) |s, w| { s.reference(w.a()).copy_from(s.reference(w.b())); }
    copy_numbers(0) |s, w| {
        core::ptr::copy(s.base.add(w.b()).cast::<u64>(), s.base.add(w.a()).cast::<u64>(), w.c());
    }
    copy_references(0) |s, w| {
        core::ptr::copy(s.reference(w.b()).0, s.reference(w.a()).0, w.c());
    }
    copy_to_far(0) |s, w| { s.set64(w.d() as usize * 8, s.get64(w.a())); }
    copy_reference_from_far(0) |s, w| { s.reference(w.a()).copy_from(s.reference(w.d() as usize * 16)); }
    copy_reference_to_far(0) |s, w| { s.reference(w.d() as usize * 16).copy_from(s.reference(w.a())); }
    load_vector(2) |s, w| { s.set64(w.a(), s.literal(0)); s.set64(w.a() + 8, s.literal(1)); }
    zero_numbers(0) |s, w| {
        let mut register = s.base.add(w.a()).cast::<u64>();
        let end = register.add(w.d() as usize);
        while register < end {
            // Volatile, so that the compiler makes no call of it, before which the state would have to be saved.
            register.write_volatile(0);
            register = register.add(1);
        }
    }
    null_references(0) |s, w| {
        for number in 0..w.d() as usize {
            s.reference(w.a() + number * 16).set(NIL, 0);
        }
    }
    select_vector(1) |s, w| {
        let source = if s.get32(field(s.literal(0), 0)) != 0 { w.b() } else { w.c() };
        s.set128(w.a(), s.get128(source));
    }
    select_reference(1) |s, w| {
        let source = if s.get32(field(s.literal(0), 0)) != 0 { w.b() } else { w.c() };
        s.reference(w.a()).copy_from(s.reference(source));
    }
    set_global(0) |s, w| { (*own_global(s, w.d()).0).payload.set(s.left(w.a())); }
    reference_null(0) |s, w| { s.reference(w.a()).set(NIL, 0); }
    reference_is_null(0) |s, w| { s.set32(w.a(), u32::from(s.reference(w.b()).tag() == NIL)); }
    reference_equal(0) |s, w| {
        let (left, right) = (s.reference(w.b()), s.reference(w.c()));
        s.set32(w.a(), u32::from(left.tag() == right.tag() && left.payload() == right.payload()));
    }
}

/// `name(literal words) |s, w| value` for what goes to number register `a`.
macro_rules! values {
    ($($name:ident($words:literal) |$s:ident, $w:ident| $value:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                $value.put($s, $w.a()).next($words)
            }
        }
    )* };
}

values! {
    copy(0) |s, w| Bits64(s.left(w.b()));
    copy_from_far(0) |s, w| s.get64(w.d() as usize * 8);
    load_integer(0) |s, w| (w.d_signed() as u64);
    load_unsigned(0) |s, w| w.d();
    load_constant(1) |s, w| Bits64(s.literal(0));
    select(1) |s, w| {
        let (yes, no) = (s.right(w.b()), s.get64(w.c()));
        Bits64(if s.left::<u32>(field(s.literal(0), 0)) != 0 { yes } else { no })
    };
    get_global(0) |s, w| own_global(s, w.d()).payload();
}

/// The slot of a global of the instance's own.
#[inline(always)]
unsafe fn own_global<D: Driver>(s: State<D>, number: u32) -> Register {
    // SAFETY: the machine outlives its loop.
    let globals = unsafe { s.instance() }.wrapping_add(1).cast::<u8>();
    Register(globals.wrapping_add(number as usize * GLOBAL_BYTES).cast())
}

const _: () = assert!(size_of::<Instance>().is_multiple_of(8));

macro_rules! out_of_line {
    ($($name:ident)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the state is the machine's.
            unsafe { s.call_out(w, 0, slow::$name) }
        }
    )* };
}

out_of_line! {
    get_global_vector set_global_vector get_global_reference set_global_reference get_imported_global set_imported_global
    reference_function
}

#[inline(always)]
pub(super) unsafe fn reference_as_non_null<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { if s.reference(w.a()).tag() == NIL { s.slow(w, 0, slow::null_reference) } else { Flow::Next(s) } }
}
