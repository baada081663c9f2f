//! What the fuzz targets do with their input. Each function panics if Lunette does what it must never do.

pub mod guest_memory;
pub mod hypercalls;
pub mod migration;
pub mod page_batches;
pub mod wasm;

use lunette::{AsContext, Configuration, Engine, Jit, Program, Value, Variadic};
use lunette_bytecode::{assembler, disassembler, file, module::Module, verifier};
use lunette_frontend::Limits;

/// Memory for reading and compiling.
const MEMORY: usize = 16 << 20;
/// Inputs whose length is a multiple of this run under stress of the collector.
const STRESSED: usize = 4;
/// Inputs whose length is a multiple of this run with every function compiled.
const COMPILED: usize = 5;

/// Compiles any bytes. What the compiler accepts passes the verifier and survives the module file.
pub fn lua_source(source: &[u8]) {
    let Ok(module) = lunette_frontend::compile(source, b"=fuzz", Limits { memory: MEMORY }) else {
        return;
    };
    assert_eq!(verifier::verify(&module), Ok(()));
    assert_eq!(file::read(&file::write(&module), usize::MAX).as_ref(), Ok(&module));
    survives_text(&module);
}

/// Reads any bytes as a module file. What is read has one form as a file; what is verified survives the text form.
pub fn module_file(bytes: &[u8]) {
    let bytes = sealed(bytes);
    let Ok(module) = file::read(&bytes, MEMORY) else {
        return;
    };
    assert_eq!(file::write(&module), bytes);
    let text = disassembler::disassemble(&module);
    if verifier::verify(&module).is_ok() {
        assert_eq!(assembler::assemble(&text).as_ref(), Ok(&module), "{text}");
        for number in 0..module.functions.len() {
            let extracted = module.extract(number).expect("a function of the module");
            assert_eq!(verifier::verify(&extracted), Ok(()));
        }
    }
}

/// Runs what the verifier accepts, whoever made it.
pub fn run_module(bytes: &[u8]) {
    if let Ok(program) = Program::from_bytes(&sealed(bytes)) {
        run(&program, bytes.len());
    }
}

/// Compiles and runs any bytes.
pub fn run_source(source: &[u8]) {
    if let Ok(program) = engine(source.len()).compile(source, "=fuzz") {
        run(&program, source.len());
    }
}

/// Restores any bytes as an image (its checksum is corrected) and goes on with the program in it. What the program then
/// is, is an image again, which is the same when that is restored.
pub fn restore_image(bytes: &[u8]) {
    let Some((content, _)) = bytes.split_at_checked(bytes.len().saturating_sub(8)) else { return };
    let sealed = [content, &lunette_interpreter::image::checksum(content).to_le_bytes()].concat();
    let engine = engine(bytes.len());
    let Ok(mut instance) = engine.restore(&sealed[..]) else { return };
    let [mut image, mut second, mut again] = [const { Vec::new() }; 3];
    // Files that cannot be flushed leave messages, and a snapshot its trace.
    if instance.snapshot(&mut image).is_ok()
        && instance.snapshot(&mut second).is_ok()
        && image == second
        && let Ok(mut restored) = engine.restore(&image[..])
        && restored.snapshot(&mut again).is_ok()
    {
        assert!(image == again, "an image is another one when it is restored and written again");
    }
    let _ = instance.resume::<Variadic<Value>>();
    let _ = instance.collect_garbage();
    let _ = instance.snapshot(std::io::sink());
}

fn engine(length: usize) -> Engine {
    let jit = match length % COMPILED {
        0 => Jit::Eager,
        1 => Jit::Chaos,
        _ => Jit::Off,
    };
    let configuration = Configuration::new().memory_limit(8 << 20).output_limit(1 << 16).jit(jit);
    Engine::new(if length.is_multiple_of(STRESSED) {
        configuration.fuel(20_000).collection_stress(11)
    } else {
        configuration.fuel(200_000)
    })
}

/// Runs a program within limits. That it fails is fine.
fn run(program: &Program, length: usize) {
    let mut instance = engine(length).instantiate().expect("an empty instance is within the limits");
    let _ = instance.run::<Variadic<Value>>(program, ());
    // Whatever the program did, the instance has to be in order.
    let _ = instance.collect_garbage();
}

fn survives_text(module: &Module) {
    let text = disassembler::disassemble(module);
    assert_eq!(assembler::assemble(&text).as_ref(), Ok(module), "{text}");
}

/// The file with the checksum that it should have, without which no change would get far.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let content = &bytes[..bytes.len().saturating_sub(8)];
    let checksum = content
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    [content, &checksum.to_le_bytes()].concat()
}
