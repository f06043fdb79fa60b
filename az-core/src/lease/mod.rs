//! Lease time: the time in which leases and holds expire. It does not jump when the wall clock is set.

mod anchor;
mod clock;

pub use anchor::{LONGEST_LEASE, LeaseAnchors, boot_began};
pub use clock::LeaseClock;
