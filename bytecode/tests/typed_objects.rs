//! What the verifier of typed code says of instructions with structures and arrays.

use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::{Function, Registers, Signature},
        instruction::Opcode,
        module::{CompositeType, Declarations, FieldType, HeapType, ReferenceType, StorageType, Type, ValueType},
        verifier::{VerifyErrorKind, list, verify},
    },
};

fn kind(composite: CompositeType) -> Type {
    Type { group: 0, group_length: 1, is_final: true, supertype: None, composite }
}

/// A module with a structure of a number, which lies at 16, and a reference, and an array of bytes.
fn declarations() -> Declarations {
    let field = |storage| FieldType { storage, is_mutable: true };
    let any = ReferenceType { is_nullable: true, heap: HeapType::Any };
    let fields = [field(StorageType::Value(ValueType::I32)), field(StorageType::Value(ValueType::Reference(any)))];
    Declarations {
        types: vec![kind(CompositeType::Structure(fields.into())), kind(CompositeType::Array(field(StorageType::I8)))],
        ..Declarations::default()
    }
}

fn refused(opcode: Opcode, operands: &[i64], list: &[Word]) -> Option<VerifyErrorKind> {
    let mut code = Vec::new();
    opcode.encode(operands, &mut code).unwrap();
    code.extend_from_slice(list);
    Opcode::return_none.encode(&[], &mut code).unwrap();
    let function = Function { registers: Registers { numbers: 4, references: 4 }, code, ..Function::default() };
    verify(&function, Signature::default(), &declarations().surroundings()).err().map(|error| error.kind)
}

#[test]
fn fields_lie_where_the_layout_has_them() {
    let no_field = Some(VerifyErrorKind::NoSuch("field"));
    assert_eq!(refused(Opcode::structure_get_32, &[0, 0, 0, 0, 8], &[]), None);
    assert_eq!(refused(Opcode::structure_get_32, &[0, 0, 0, 0, 0], &[]), no_field);
    assert_eq!(refused(Opcode::structure_get_64, &[0, 0, 0, 0, 8], &[]), no_field);
    assert_eq!(refused(Opcode::structure_get_32, &[0, 0, 2, 0, 8], &[]), no_field);
    assert_eq!(refused(Opcode::structure_set_reference, &[0, 0, 1, 0, 0], &[]), None);
    assert_eq!(refused(Opcode::structure_set_reference, &[0, 0, 0, 0, 8], &[]), no_field);
    let no_structure = Some(VerifyErrorKind::NoSuch("structure type"));
    assert_eq!(refused(Opcode::structure_new_default, &[0, 1], &[]), no_structure);
    assert_eq!(refused(Opcode::structure_new_default, &[0, 2], &[]), no_structure);
}

#[test]
fn objects_are_made_of_as_many_values_as_there_are() {
    let registers = |numbers: &[u32], references: &[u32]| list(numbers, references).unwrap();
    assert_eq!(refused(Opcode::structure_new, &[0, 1, 0, 1, 1], &registers(&[2], &[3])), None);
    let wrong = Some(VerifyErrorKind::Arguments);
    assert_eq!(refused(Opcode::structure_new, &[0, 1, 0, 2, 0], &registers(&[2, 2], &[])), wrong);
    assert_eq!(refused(Opcode::array_new_fixed, &[0, 1, 1, 3, 0], &registers(&[0, 1, 2], &[])), None);
    assert_eq!(refused(Opcode::array_new_fixed, &[0, 1, 1, 0, 1], &registers(&[], &[0])), wrong);
    let outside = Some(VerifyErrorKind::Register);
    assert_eq!(refused(Opcode::structure_new, &[0, 1, 0, 1, 1], &registers(&[2], &[4])), outside);
}

#[test]
fn heap_types_are_there() {
    for (heap, is_there) in [(HeapType::Equal, true), (HeapType::Concrete(1), true), (HeapType::Concrete(2), false)] {
        let expected = if is_there { None } else { Some(VerifyErrorKind::NoSuch("type")) };
        assert_eq!(refused(Opcode::reference_test, &[0, 0, heap.encode().into(), 1], &[]), expected);
    }
}
