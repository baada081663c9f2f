//! Traps, as errors that tell where.

use crate::{error::Throw, machine::Machine, traceback::FrameView};
use alloc::vec::Vec;
use lunette_bytecode::{chunk_name, typed::trap::Trap};
use lunette_gc::{reference::Ref, typed::TypedPrototype, value::Value};

/// Packs the places of words: their differences, in LEB128 with the sign in the lowest bit.
pub(super) fn encode_offsets(offsets: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = 0_i64;
    for &offset in offsets {
        let delta = i64::from(offset) - last;
        let mut number = ((delta << 1) ^ (delta >> 63)) as u64;
        last = offset.into();
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }
    bytes
}

/// What [`encode_offsets`] has packed.
pub(super) fn decode_offsets(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (mut offset, mut number, mut shift) = (0_i64, 0_u64, 0);
    bytes.iter().filter_map(move |&byte| {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 != 0 {
            return None;
        }
        offset += (number >> 1) as i64 ^ -((number & 1) as i64);
        (number, shift) = (0, 0);
        Some(offset as u32)
    })
}

impl Machine {
    /// Throws a trap at the running frame.
    #[cold]
    pub(crate) fn trap(&mut self, trap: Trap) -> Throw {
        let throw = self.runtime_error(format_args!("{}", trap.message()));
        self.is_trap.set(throw == Throw::Error);
        throw
    }

    /// The prototype of the frame, if it is a typed one.
    #[inline(always)]
    pub(crate) fn typed_prototype_of(&self, base: u32) -> Option<Ref<TypedPrototype>> {
        match self.function_of(base) {
            Value::Internal(prototype) => Some(prototype.cast()),
            _ => None,
        }
    }

    /// Where a resume point of a typed function is: the name of the module, and the place in its file, if it is known.
    pub(crate) fn typed_place(&self, prototype: Ref<TypedPrototype>, resume: u32) -> (Vec<u8>, Option<u32>) {
        let object = self.heap.get(prototype);
        let source = chunk_name::short_source(self.bytes(self.heap.get(object.module).source));
        let word = object.code.get().and_then(|code| resume.checked_sub(code.units() + 2));
        let offset = word
            .zip(object.offsets.get())
            .and_then(|(word, offsets)| decode_offsets(self.heap.bytes(offsets)).nth(word as usize));
        (source, offset)
    }
}

impl Machine {
    /// A typed frame's function in tracebacks: the name that its module has for it, else its number.
    pub(crate) fn typed_name(&self, frame: FrameView) -> Vec<u8> {
        let Value::Internal(prototype) = self.frame_function(frame) else { return Vec::new() };
        self.prototype_name(prototype.cast())
    }

    /// The name of a function likewise.
    pub(super) fn prototype_name(&self, prototype: Ref<TypedPrototype>) -> Vec<u8> {
        let prototype = self.heap.get(prototype);
        let file = self.heap.bytes(self.heap.get(prototype.module).bytes);
        match self.front_end.and_then(|front_end| (front_end.name)(file, prototype.number)) {
            Some(name) => alloc::format!("'{name}'").into_bytes(),
            None => alloc::format!("<{}>", prototype.number).into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_back() {
        let offsets = [5, 5, 9, 300, 7, u32::MAX, 0];
        let bytes = encode_offsets(&offsets);
        assert!(decode_offsets(&bytes).eq(offsets));
    }
}
