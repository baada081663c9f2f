//! Where the processor starts in the image; all else is in the library, which can be checked without linking it.
#![no_std]
#![no_main]

/// Called by nothing: the stack is as after a call.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    lunette_guest::start()
}
