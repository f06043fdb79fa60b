//! The sandbox of Landlock rules and a seccomp filter.

use std::path::{Path, PathBuf};

use ::landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use async_trait::async_trait;

use super::capabilities::drop_dangerous;
use super::readable::{canonical, hidden_beneath, readable};
use super::seccomp::{Filters, restrict};
use crate::sandbox::session::{in_own_session, piped};
use crate::sandbox::thread::on_own_thread;
use crate::sandbox::{
    NetworkAccess, ReadAccess, Sandbox, SandboxError, SandboxPolicy, SandboxTier, SandboxedChild,
    SandboxedCommand,
};

/// The first version of Landlock that covers all ways of changing a file: Linux 6.2.
const NEEDED: ABI = ABI::V3;
/// The last version whose rights for files and scopes are used, if the kernel has them: Linux 6.12.
const USED: ABI = ABI::V6;

/// The devices that commands can use.
const DEVICES: [&str; 9] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/console",
];

/// What is readable where only some directories are: programs, libraries, and what they need.
const SYSTEM: [&str; 13] = [
    "/bin", "/etc", "/gnu", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/proc", "/run", "/sbin",
    "/sys", "/usr",
];

/// Confines commands by Landlock rules and a seccomp filter, without any privileges and without
/// other programs. It needs Linux 6.2.
///
/// Landlock only grants: it cannot hide or protect a part of a directory that is granted. Hidden
/// files are left out by granting what is beside them, and a policy that hides a part of what may be
/// changed is refused. The names of hidden files can be listed. Files in [`SandboxPolicy::protect`]
/// can be changed. Sockets are refused by the filter, except between processes that a command has
/// connected itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Landlock;

#[async_trait]
impl Sandbox for Landlock {
    fn tier(&self) -> SandboxTier {
        SandboxTier::Landlock
    }

    fn probe(&self) -> Result<(), SandboxError> {
        let unavailable =
            |reason: String| SandboxError::Unavailable { tier: SandboxTier::Landlock, reason };
        ruleset(&NetworkAccess::Off).map_err(|error| {
            unavailable(format!("the kernel has no Landlock of Linux 6.2 or later: {error}"))
        })?;
        Filters::landlock(&NetworkAccess::Off).map(drop).map_err(|error| {
            unavailable(format!("there is no system call filter for this processor: {error}"))
        })
    }

    async fn spawn(
        &self,
        command: SandboxedCommand,
        policy: SandboxPolicy,
    ) -> Result<SandboxedChild, SandboxError> {
        if let NetworkAccess::Proxy(_) = policy.network {
            return Err(SandboxError::no_hosts());
        }
        on_own_thread(move || {
            let filters = Filters::landlock(&policy.network)?;
            let rules = Rules::of(&policy)?;
            let mut process = piped(&command, &policy.temp);
            in_own_session(&mut process, Vec::new());
            // From here on, the thread is restricted, and so is what it starts.
            drop_dangerous();
            rules.enforce(&policy.network).map_err(|error| {
                SandboxError::setup("restricting the command", std::io::Error::other(error))
            })?;
            restrict(filters)?;
            Ok(SandboxedChild::new(process.spawn()?))
        })
        .await
    }
}

/// What is granted to a command.
#[derive(Debug)]
struct Rules {
    write: Vec<PathBuf>,
    read: Vec<PathBuf>,
}

impl Rules {
    /// Returns what is granted by a policy.
    fn of(policy: &SandboxPolicy) -> Result<Self, SandboxError> {
        let mut write: Vec<PathBuf> = Vec::new();
        for path in policy.write.iter().chain([&policy.temp]) {
            let found = path.canonicalize();
            write.push(
                found.map_err(|error| SandboxError::setup(path.display().to_string(), error))?,
            );
        }
        // What is in another one is granted with it. A process of an earlier command could exchange
        // it for a link before it is opened.
        let roots = write.clone();
        write.retain(|path| !roots.iter().any(|root| path != root && path.starts_with(root)));
        let mut hidden = canonical(&policy.hide);
        if let Some(path) = hidden_beneath(&write, &hidden) {
            return Err(cannot_hide(path));
        }
        hidden.push("/dev".into());
        let read = match &policy.read {
            ReadAccess::Everything => readable(&[PathBuf::from("/")], &hidden),
            ReadAccess::Only(paths) => {
                let system = SYSTEM.iter().map(PathBuf::from);
                let mut paths = canonical(paths);
                paths.retain(|path| !write.iter().any(|root| path.starts_with(root)));
                readable(&paths.into_iter().chain(system).collect::<Vec<_>>(), &hidden)
            }
        };
        Ok(Self { write, read })
    }

    /// Restricts the calling thread for good.
    fn enforce(&self, network: &NetworkAccess) -> Result<(), RulesetError> {
        let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir;
        let device = device | AccessFs::IoctlDev | AccessFs::Truncate;
        let devices = AccessFs::MakeBlock | AccessFs::MakeChar;
        let write = AccessFs::from_all(USED) & !devices;
        let mut rules = ruleset(network)?;
        // Names can be listed everywhere: programs list the directories above their own.
        rules = grant(rules, Path::new("/"), AccessFs::ReadDir.into())?;
        for path in &self.read {
            rules = grant(rules, path, read)?;
        }
        for path in DEVICES {
            rules = grant(rules, Path::new(path), device)?;
        }
        for path in &self.write {
            rules = grant(rules, path, write)?;
        }
        rules.restrict_self().map(drop)
    }
}

/// Creates rules that grant nothing. Rights that the kernel does not know are left out if they are
/// newer than [`NEEDED`].
fn ruleset(network: &NetworkAccess) -> Result<RulesetCreated, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(USED))?
        .scope(Scope::from_all(USED))?;
    let rules = match network {
        NetworkAccess::Off | NetworkAccess::Proxy(_) => {
            rules.handle_access(AccessNet::from_all(USED))?
        }
        NetworkAccess::On => rules,
    };
    rules.create()
}

/// Grants rights to a path. One that has vanished is left out.
fn grant(
    rules: RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(descriptor) => rules.add_rule(PathBeneath::new(descriptor, rights)),
        Err(_) => Ok(rules),
    }
}

fn cannot_hide(path: &Path) -> SandboxError {
    let path = path.display();
    SandboxError::Unsupported {
        tier: SandboxTier::Landlock,
        what: format!("cannot hide {path}, because it is in a directory that commands may change"),
        remedy: "install bubblewrap, or use another workspace".to_owned(),
    }
}
