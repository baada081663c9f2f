//! Structures and arrays that compiled code makes itself: small ones. The others it leaves to the interpreter.

use crate::typed::{
    meaning::{Meaning, Test},
    operands::{operand, signed_operand},
};
use lunette_bytecode::{
    instruction::Word,
    typed::{instruction::Field, module::HeapType},
};
use lunette_interpreter::typed::native::{Form, ObjectType, Unit};

/// The most bytes of fields or elements.
const MOST_BYTES: usize = 256;

/// The type that an instruction with a meaning names.
pub(crate) fn type_of<'u>(unit: &'u Unit, words: &[Word], meaning: Meaning) -> Option<&'u ObjectType> {
    let field = if meaning == Meaning::NewDefaultStructure { Field::D } else { Field::L };
    unit.objects.get(&(operand(words, field) as u32))
}

/// Bytes of the fields or elements of what an instruction makes.
pub(crate) fn content_bytes(words: &[Word], meaning: Meaning, of: &ObjectType) -> usize {
    match meaning {
        Meaning::NewFixedArray => {
            let (numbers, references) = (operand(words, Field::G), operand(words, Field::H));
            // A vector is two numbers.
            if of.form == Form::ArrayVector { 8 * numbers } else { of.form.element_bytes() * (numbers + references) }
        }
        _ => of.bytes as usize,
    }
}

/// Whether compiled code does what an instruction means.
pub(crate) fn is_compiled(unit: &Unit, words: &[Word], meaning: Meaning) -> bool {
    match meaning {
        Meaning::NewStructure | Meaning::NewDefaultStructure | Meaning::NewFixedArray => {
            type_of(unit, words, meaning).is_some_and(|of| content_bytes(words, meaning, of) <= MOST_BYTES)
        }
        Meaning::GetField { .. }
        | Meaning::SetField { .. }
        | Meaning::GetReferenceField(_)
        | Meaning::SetReferenceField(_) => {
            // The offset is an immediate of 32 bits.
            type_of(unit, words, meaning).is_some() && signed_operand(words, Field::M) < 1 << 30
        }
        Meaning::IsOfType | Meaning::Cast | Meaning::Jump(Test::OfType | Test::NotOfType) => {
            let heap = operand(words, Field::L) as u32;
            !HeapType::is_concrete(heap) || unit.objects.contains_key(&heap)
        }
        _ => true,
    }
}
