//! The sandboxes of Linux.

mod bwrap;
mod calls;
mod capabilities;
mod landlock;
mod memory_file;
mod mounts;
mod readable;
mod seccomp;
mod sockets;

pub use self::bwrap::Bwrap;
pub use self::landlock::Landlock;
