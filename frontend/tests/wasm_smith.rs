//! Generated modules: all are translated, and what they become is accepted by the verifier.

use arbitrary::Unstructured;
use lunette_bytecode::typed::{text::Listing, verifier::verify};
use lunette_frontend::wasm::{Module, WasmError};
use wasm_smith::Config;

/// Bytes that look random, always the same.
fn seed(mut state: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.push((state >> 56) as u8);
    }
    bytes
}

fn configuration(number: u64) -> Config {
    Config {
        max_instructions: 1000,
        min_funcs: 1,
        multi_value_enabled: true,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        tail_call_enabled: number.is_multiple_of(2),
        extended_const_enabled: true,
        memory64_enabled: number.is_multiple_of(3),
        max_memories: if number.is_multiple_of(4) { 3 } else { 1 },
        max_tables: 4,
        compact_imports_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        wide_arithmetic_enabled: false,
        custom_page_sizes_enabled: false,
        ..Config::default()
    }
}

#[test]
fn generated_modules_are_translated() {
    let mut functions = 0;
    for number in 0..3000 {
        let bytes = seed(number, 4096);
        let Ok(generated) = wasm_smith::Module::new(configuration(number), &mut Unstructured::new(&bytes)) else {
            continue;
        };
        let file = generated.to_bytes();
        let module = Module::parse(&file, true).unwrap_or_else(|error| panic!("module {number}: {error}"));
        for own in 0..module.declarations.bodies.len() as u32 {
            let index = module.declarations.imported.functions + own;
            let function = match module.translate(&file, index) {
                Ok(function) => function,
                Err(WasmError::Limit { .. }) => continue,
                Err(error) => panic!("module {number}, function {index}: {error}"),
            };
            let kind = module.declarations.functions[index as usize];
            let signature = module.surroundings.types[kind as usize].unwrap();
            if let Err(error) = verify(&function, signature, &module.surroundings) {
                panic!("module {number}, function {index}: {error}\n{}", Listing(&function));
            }
            functions += 1;
        }
    }
    assert!(functions > 2500, "{functions}");
}
