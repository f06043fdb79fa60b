//! The sandboxes of Linux.

mod arguments;
mod bwrap;
mod calls;
mod capabilities;
mod landlock;
mod memory_file;
mod mounts;
mod readable;
mod running;
mod seccomp;
mod sockets;
mod stages;
mod status;
mod view;

pub use self::bwrap::Bwrap;
pub use self::landlock::Landlock;
