//! WebAssembly modules.

use lunette_bytecode::typed::{text::Listing, verifier::verify};
use lunette_frontend::wasm::{Module, function_name, function_names};
use wasm_smith::Config;

/// Translates any bytes, as a module if they look like one, else as the choices of a generator of modules. What functions
/// become is verified.
pub fn translate(bytes: &[u8]) {
    if bytes.starts_with(b"\0asm") {
        translate_module(bytes);
    } else if let Ok(module) = wasm_smith::Module::new(configuration(), &mut arbitrary::Unstructured::new(bytes)) {
        let bytes = module.to_bytes();
        assert!(translate_module(&bytes), "a generated module was refused");
    }
}

fn configuration() -> Config {
    Config {
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        shared_everything_threads_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// Whether it is a module.
fn translate_module(bytes: &[u8]) -> bool {
    let is_valid = Module::parse(bytes, true).is_ok();
    let Ok(module) = Module::parse(bytes, false) else {
        assert!(!is_valid);
        return false;
    };
    let declarations = &module.declarations;
    let mut are_valid = true;
    for own in 0..declarations.bodies.len() as u32 {
        let index = declarations.imported.functions + own;
        let Ok(function) = module.translate(bytes, index) else {
            are_valid = false;
            continue;
        };
        let kind = declarations.functions[index as usize] as usize;
        let signature = module.surroundings.types[kind].expect("a function's type");
        if let Err(error) = verify(&function, signature, &module.surroundings) {
            panic!("function {index}: {error}\n{}", Listing(&function));
        }
    }
    let _ = (function_names(bytes), function_name(bytes, 0));
    assert!(is_valid || !are_valid);
    is_valid
}
