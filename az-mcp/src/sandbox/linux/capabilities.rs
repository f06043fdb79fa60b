//! Takes capabilities from processes of root, which no command in a workspace needs.

use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

/// What root may no longer do: change the kernel, the machine and other processes, bypass
/// permissions of files for reading, and use raw network packets.
const DROPPED: [CapabilitySet; 22] = [
    CapabilitySet::AUDIT_CONTROL,
    CapabilitySet::AUDIT_READ,
    CapabilitySet::BLOCK_SUSPEND,
    CapabilitySet::BPF,
    CapabilitySet::CHECKPOINT_RESTORE,
    CapabilitySet::DAC_READ_SEARCH,
    CapabilitySet::LEASE,
    CapabilitySet::LINUX_IMMUTABLE,
    CapabilitySet::MAC_ADMIN,
    CapabilitySet::MAC_OVERRIDE,
    CapabilitySet::MKNOD,
    CapabilitySet::NET_ADMIN,
    CapabilitySet::NET_RAW,
    CapabilitySet::PERFMON,
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::SYS_BOOT,
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_PTRACE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::SYS_TIME,
    CapabilitySet::SYSLOG,
    CapabilitySet::WAKE_ALARM,
];

/// Removes the capabilities from the bounding set of this thread: programs that it executes cannot
/// have them. Only a thread of root can do it, and only root's programs have any.
pub(super) fn drop_dangerous() {
    for capability in DROPPED {
        if remove_capability_from_bounding_set(capability).is_err() {
            return;
        }
    }
}
