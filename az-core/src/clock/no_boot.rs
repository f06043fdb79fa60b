//! The time since boot, on systems where it cannot be read.

use super::BootTime;

/// Returns `None`.
pub(super) const fn time() -> Option<BootTime> {
    None
}
