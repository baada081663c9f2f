//! What is said of a runtime that breaks: the built-in image with a few bytes of machine code replaced.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use elf::{ElfBytes, abi::PT_LOAD, endian::LittleEndian};
use lunette_hw_bridge::{End, image::BUILT_IN};
use std::time::{Duration, Instant};
use support::Tenant;

/// ud2; a word at address 8 read; a loop without end; a call of itself.
const INVALID: &[u8] = &[0x0f, 0x0b];
const LOW_READ: &[u8] = &[0x48, 0x8b, 0x04, 0x25, 8, 0, 0, 0];
const LOOP: &[u8] = &[0xeb, 0xfe];
const RECURSION: &[u8] = &[0xe8, 0xfb, 0xff, 0xff, 0xff];

/// Address of the function whose symbol has this in its name.
fn address_of(function: &str) -> u64 {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(BUILT_IN).expect("the image is well-formed");
    let (symbols, names) = elf.symbol_table().expect("the image is well-formed").expect("the image has symbols");
    let symbol =
        symbols.iter().find(|symbol| names.get(symbol.st_name as usize).is_ok_and(|name| name.contains(function)));
    symbol.unwrap_or_else(|| panic!("the image has no {function}")).st_value
}

/// The image with this code at the beginning of these functions.
fn broken(functions: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = BUILT_IN.to_vec();
    let elf = ElfBytes::<LittleEndian>::minimal_parse(BUILT_IN).expect("the image is well-formed");
    let segments = elf.segments().expect("the image has segments");
    for &(function, code) in functions {
        let address = address_of(function);
        let is_there = |start: u64, bytes: u64| (start..start + bytes).contains(&address);
        let segment = segments
            .iter()
            .find(|segment| segment.p_type == PT_LOAD && is_there(segment.p_vaddr, segment.p_filesz))
            .expect("functions are loaded");
        let at = (address - segment.p_vaddr + segment.p_offset) as usize;
        image[at..at + code.len()].copy_from_slice(code);
    }
    image
}

/// `os.clock` breaks, deep in functions.
const PROGRAM: &str = "\
local function inner()
  os.clock()
end
function outer()
  local thread = coroutine.wrap(function() inner() end)
  pcall(thread)
end
outer()";

const CLOCK: &str = "os_library5clock";
const REPORT: &str = "post_mortem6report";

fn end_of(functions: &[(&str, &[u8])]) -> End {
    let mut neighbour = Tenant::new();
    let end = Tenant::of(&broken(functions)).try_run(PROGRAM).expect_err("the guest breaks");
    neighbour.run("print('as ever')");
    assert_eq!(neighbour.output(), "as ever\n");
    end
}

#[test]
fn a_fault_names_the_lua_functions_that_ran() {
    for (code, kind) in [
        (INVALID, "invalid instruction (number 6) at 0x"),
        (LOW_READ, "page fault (number 14) at 0x"),
        // The stack that overflows is not the one that the report needs.
        (RECURSION, "page fault (number 14) at 0x"),
    ] {
        let end = end_of(&[(CLOCK, code)]);
        let said = end.to_string();
        assert!(said.starts_with(&format!("the partition broke: {kind}")), "{said}");
        let End::Fault(fault) = end else { panic!("{said}") };
        let traceback = fault.traceback.expect("the guest can say what ran");
        let lines: Vec<&str> = traceback.lines().collect();
        assert_eq!(lines[..3], ["stack traceback:", "\t[C]: in function 'os.clock'", "\ttest:2: in upvalue 'inner'"]);
        assert!(lines[3].starts_with("\ttest:5: in function <test:5>"), "{traceback}");
        assert!(said.ends_with(&traceback), "{said}");
    }
}

#[test]
fn a_report_that_breaks_as_well_is_done_without() {
    for code in [INVALID, LOW_READ, LOOP, RECURSION] {
        let start = Instant::now();
        let end = end_of(&[(CLOCK, LOW_READ), (REPORT, code)]);
        let End::Fault(fault) = end else { panic!("{end}") };
        assert_eq!((fault.vector, fault.address, fault.traceback), (14, Some(8), None));
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_panic_names_them_as_well() {
    // mov eax, imm32; jmp rax
    let panics = [&[0xb8][..], &(address_of("panic_cannot_unwind") as u32).to_le_bytes(), &[0xff, 0xe0]].concat();
    let End::Panic { message, traceback } = end_of(&[(CLOCK, &panics)]) else { panic!("the guest panics") };
    assert!(message.contains("panic in a function that cannot unwind"), "{message}");
    assert!(traceback.is_some_and(|text| text.contains("in function 'os.clock'\n\ttest:2: in upvalue 'inner'")));
}
