//! Where the monitor starts the image, and where it ends if it panics.

use crate::{agent, channel};
use core::{fmt::Write, panic::PanicInfo};

/// Where the processor starts, with the stack as after a call.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    agent::obey()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut text = channel::PanicText::new();
    let _ = write!(text, "{info}");
    text.send()
}

// The precompiled `alloc` was built for unwinding and names these; with `panic = "abort"` nobody calls them.

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    channel::PanicText::new().send()
}
