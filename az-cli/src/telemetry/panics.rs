//! Panics that the program handles.

use std::panic;

use az_core::blocking::NO_THREAD;

/// Prints no panic of Tokio that the caller turns into an error.
pub fn hide_handled_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.payload_as_str().is_some_and(|message| message.starts_with(NO_THREAD)) {
            print(info);
        }
    }));
}
