//! Where the monitor starts the image, and where it ends if it panics.

use crate::{agent, channel::LastWords, faults, post_mortem};
use core::{fmt::Write, panic::PanicInfo};
use lunette_hw_interface::channel::PANIC;

/// Obeys the monitor until nobody wants the instance any more.
pub fn start() -> ! {
    post_mortem::offer();
    faults::offer();
    agent::obey()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut words = LastWords::default();
    let _ = write!(words, "{info}");
    words.send(PANIC)
}

// The precompiled `alloc` was built for unwinding and names these; with `panic = "abort"` nobody calls them.

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    LastWords::default().send(PANIC)
}
