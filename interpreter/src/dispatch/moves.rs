//! Moves, constants, upvalues and cells.

use super::state::{CELL, Driver, FALSE, Flow, INTEGER, NIL, Operands, State, TRUE};
use crate::slow;
use lunette_bytecode::instruction::Word;
use lunette_gc::function::VariableCell;

#[inline(always)]
pub(super) unsafe fn copy<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.register(w.a()).copy_from(s.register(w.b())) };
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn load_nil<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    for index in 0..w.b() {
        // SAFETY: the extent is verified.
        unsafe { s.register_after(w.a(), index).set(NIL, 0) };
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn load_false<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.register(w.a()).set(FALSE, 0) };
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn load_true<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.register(w.a()).set(TRUE, 0) };
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn load_integer<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.register(w.a()).set(INTEGER, w.d_signed() as u64) };
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn load_constant<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.register(w.a()).copy_from(s.constant(w.d() as usize * 16)) };
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn closure<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::closure) }
}

#[inline(always)]
pub(super) unsafe fn get_upvalue<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.register(w.a()).copy_from(s.upvalue(w.b())) };
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn set_upvalue<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let value = s.upvalue(w.b());
        value.copy_from(s.register(w.a()));
        let cell = value.0.byte_sub(core::mem::offset_of!(VariableCell, value));
        if s.needs_barrier(cell.cast()) {
            return s.slow(w, slow::upvalue_barrier);
        }
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn new_cell<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::new_cell) }
}

#[inline(always)]
pub(super) unsafe fn get_cell<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified; the tag says that the payload refers to a cell.
    unsafe {
        let source = s.register(w.b());
        if source.tag() != CELL {
            return s.slow(w, slow::not_a_cell);
        }
        let cell: *mut VariableCell = s.object(source.payload());
        s.register(w.a()).copy_from(super::state::Register(&raw mut (*cell).value));
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn set_cell<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified; the tag says that the payload refers to a cell.
    unsafe {
        let target = s.register(w.a());
        if target.tag() != CELL {
            return s.slow(w, slow::not_a_cell);
        }
        let cell: *mut VariableCell = s.object(target.payload());
        super::state::Register(&raw mut (*cell).value).copy_from(s.register(w.b()));
        if s.needs_barrier(&raw const (*cell).header) {
            return s.slow(w, slow::cell_barrier);
        }
    }
    Flow::Next(s)
}
