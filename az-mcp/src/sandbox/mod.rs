//! Sandboxes: what a command may read, write and connect to, enforced by the system.
//!
//! | To decide | see |
//! |---|---|
//! | what a command may do | [`SandboxPolicy`] |
//! | how that is enforced | [`Sandbox`]: [`Landlock`], [`Bwrap`], [`Unconfined`] |
//! | which of them is used | [`SandboxMode`], [`SandboxOptions::choose`] |
//!
//! A sandbox confines the command and all processes that it starts, and cannot be left: it holds
//! whatever the command is. What each tier blocks and what it cannot is in `docs/sandbox.md`.

mod bridge;
mod child;
mod contract;
mod error;
mod git;
mod hidden;
mod options;
mod own;
mod policy;
mod protected;
mod proxy;
pub(crate) mod session;
mod temp;
mod thread;
mod unconfined;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod tiers;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod tiers;

pub use crate::host::HostPattern;
pub use bridge::{Bridge, run_bridge};
pub use child::{CommandExit, SandboxedChild};
pub use contract::{HELPER, Sandbox, SandboxTier, SandboxedCommand};
pub use error::SandboxError;
pub use options::{AllowedNetwork, ChosenSandbox, SandboxMode, SandboxOptions};
pub use policy::{NetworkAccess, ProxyAccess, ReadAccess, SandboxPolicy};
pub use proxy::{AddressCheck, EgressProxy, PublicAddresses, Resolver, SystemResolver};
pub use temp::TempDirs;
pub use tiers::{Bwrap, Landlock};
pub use unconfined::Unconfined;
