//! Attempts to leave a sandbox. Each is blocked, or is in the table of what a tier cannot do, which is
//! in `docs/sandbox.md`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use az_mcp::sandbox::SandboxTier;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::support::{Home, tiers};

/// An attempt to leave the sandbox: a name for the table, and a command. What is in braces is
/// replaced. The command prints `ESCAPED` if it succeeds, or changes a file outside.
pub(crate) type Attack = (&'static str, &'static str);

pub(crate) const ATTACKS: &[Attack] = &[
    ("create a file beside the workspace", "echo x > ../created"),
    ("change a file in the home directory", "echo x >> ~/.bashrc"),
    ("change a file through a link in the workspace", "ln -s ~/.bashrc link; echo x >> link"),
    ("change a file through a hard link in the workspace", "ln ~/.bashrc hard; echo x >> hard"),
    ("move a file out of the workspace", "mv file ~/moved"),
    ("exchange a file of the workspace for one outside", "mv -f file ~/.bashrc"),
    (
        "truncate a file",
        "python3 -c 'import os; os.truncate(os.path.expanduser(\"~/.bashrc\"), 0)'",
    ),
    ("remove a file", "rm -f ~/.bashrc"),
    ("change a file through /proc/self/root", "echo x >> /proc/self/root$HOME/.bashrc"),
    ("change a file through /proc/self/cwd", "echo x >> /proc/self/cwd/../.bashrc"),
    ("change the mode of a file", "chmod 777 ~/.bashrc"),
    ("change the times of a file", "touch -d 2001-01-01 ~/.bashrc"),
    ("read a key", "cat ~/.ssh/id_ed25519"),
    ("read a key through a link in the workspace", "ln -s ~/.ssh keys; cat keys/id_ed25519"),
    ("read a key through /proc/self/root", "cat /proc/self/root$HOME/.ssh/id_ed25519"),
    ("read a key through a hard link", "ln ~/.ssh/id_ed25519 key; cat key"),
    ("read a key after moving its directory", "mv ~/.ssh keys; cat keys/id_ed25519"),
    ("read a password", "cat ~/.netrc"),
    ("read a token", "cat ~/.config/gh/hosts.yml"),
    ("list the names of hidden files", "ls -a ~/.ssh | grep -q id_ && echo ESCAPED"),
    ("read the environment of other processes", "{python} environments"),
    ("connect to a host", "{python} tcp {tcp}"),
    ("send a packet to a host", "{python} udp {udp}"),
    ("resolve a name", "{python} dns"),
    ("connect to a socket in the file system", "{python} unix {socket}"),
    ("connect to an abstract socket", "{python} abstract {abstract}"),
    ("use raw packets", "{python} family 17"),
    ("use raw IP packets", "{python} family 2 3"),
    ("connect to the hypervisor", "{python} family 40 1"),
    ("use the kernel's cryptography", "{python} family 38 5"),
    ("trace a process", "{python} ptrace {victim}"),
    ("open the memory of a process", "{python} memory {victim}"),
    ("read and write the memory of a process", "{python} vm_writev {victim}"),
    ("take a file descriptor of a process", "{python} get_descriptor {victim}"),
    ("signal a process", "{python} kill {victim}"),
    ("change the limits of a process", "{python} limit {victim}"),
    ("use an inherited file descriptor", "{python} descriptors"),
    ("use io_uring", "{python} io_uring"),
    ("create a user namespace", "{python} user_namespace"),
    ("create a user namespace by clone", "{python} user_namespace_by_clone"),
    ("create a user namespace by clone3", "{python} user_namespace_by_clone3"),
    ("enter the namespace of a process", "{python} join_namespace {victim}"),
    ("mount and unmount", "{python} mount"),
    ("change the root", "{python} pivot"),
    ("use the kernel's keyrings", "{python} keyring"),
    ("type into a terminal", "{python} typing"),
    ("change the kernel", "{python} kernel"),
    ("change the execution domain", "{python} personality"),
    ("make a system call of 32-bit programs", "{python} foreign_call"),
    ("make a system call of x32 programs", "{python} x32_call"),
    ("create a device", "{python} device"),
    ("open devices", "{python} devices"),
    ("change the kernel's settings", "{python} kernel_files"),
    ("change shared memory", "{python} shared_memory {shared}"),
    ("use System V shared memory", "{python} system_v {key}"),
    ("gain privileges", "{python} privileges"),
    ("change a hook of git", "echo x > .git/hooks/pre-commit"),
    (
        "replace the directory of git",
        "mv .git old && cp -r old .git && echo x > .git/hooks/pre-commit",
    ),
    ("change the configuration of git", "echo x >> .git/config"),
    ("change the rules of agents", "echo x >> AGENTS.md"),
    (
        "move the directory of workflows",
        "mv .github old; mkdir .github; cp -r old/* .github; echo x > .github/workflows/ci.yml",
    ),
    ("create a definition of CI beside others", "echo x > .github/workflows/new.yml"),
    ("create a hook of git", "echo x > .git/hooks/post-commit"),
    ("create a command of git in its configuration", "git config core.fsmonitor ./evil"),
    ("create rules of agents", "echo x > GEMINI.md"),
    ("replace a link to the rules of agents", "rm -f CLAUDE.md; echo x > CLAUDE.md"),
    ("lead git to another repository", "echo ../other > .git/commondir"),
    (
        "switch the sandbox off",
        "mkdir -p ~/.config/az; echo 'sandbox.tier = \"off\"' > ~/.config/az/config.toml",
    ),
];

/// The attempts that are made with access to the network, too.
pub(crate) const WITH_NETWORK: &[&str] = &[
    "connect to a socket in the file system",
    "connect to an abstract socket",
    "use raw packets",
    "read and write the memory of a process",
    "signal a process",
];

/// What a tier cannot block with access to the network.
pub(crate) const OPEN_WITH_NETWORK: &[(SandboxTier, &str, &str)] =
    &[(SandboxTier::Bwrap, "connect to an abstract socket", SHARED)];

/// What a tier cannot block, with the reason.
pub(crate) const OPEN: &[(SandboxTier, &str, &str)] = &[
    (SandboxTier::Landlock, "change the mode of a file", METADATA),
    (SandboxTier::Landlock, "change the times of a file", METADATA),
    (SandboxTier::Landlock, "list the names of hidden files", NAMES),
    (SandboxTier::Landlock, "change a hook of git", BENEATH),
    (SandboxTier::Landlock, "replace the directory of git", BENEATH),
    (SandboxTier::Landlock, "change the configuration of git", BENEATH),
    (SandboxTier::Landlock, "change the rules of agents", BENEATH),
    (SandboxTier::Landlock, "move the directory of workflows", BENEATH),
    (SandboxTier::Landlock, "create a definition of CI beside others", BENEATH),
    (SandboxTier::Landlock, "create a hook of git", BENEATH),
    (SandboxTier::Landlock, "create a command of git in its configuration", BENEATH),
    (SandboxTier::Landlock, "create rules of agents", BENEATH),
    (SandboxTier::Landlock, "replace a link to the rules of agents", BENEATH),
    (SandboxTier::Landlock, "lead git to another repository", BENEATH),
    (SandboxTier::Bwrap, "create rules of agents", ABSENT),
    (SandboxTier::Bwrap, "replace a link to the rules of agents", LINK),
    (SandboxTier::Bwrap, "lead git to another repository", ABSENT),
];

const METADATA: &str = "Landlock has no rights for modes, owners, times and extended attributes";
const NAMES: &str = "programs list the directories above their own, and a right to list holds for \
                     all directories in one";
const ABSENT: &str = "nothing can be mounted on a file that does not exist, in a directory that has \
                      to be writable";
const LINK: &str = "nothing can be mounted on a link; the file that it refers to is protected";
const SHARED: &str = "abstract sockets are those of a network namespace, which is shared then";
const BENEATH: &str = "Landlock cannot protect a part of a directory that may be changed";

/// Returns the path of a socket that this process listens on until it exits. The file is not removed:
/// a sandbox that is created at this moment would fail.
fn socket() -> &'static str {
    static LISTENER: OnceLock<(String, UnixListener)> = OnceLock::new();
    let listen = || {
        let places = ["/var/lib", env!("CARGO_TARGET_TMPDIR")];
        let listen = |place: &str| {
            let path = format!("{place}/az-sandbox-test.socket");
            fs::remove_file(&path).ok();
            UnixListener::bind(&path).ok().map(|listener| (path, listener))
        };
        places.into_iter().find_map(listen).unwrap()
    };
    &LISTENER.get_or_init(listen).0
}

/// What must not change in the workspace.
const IN_WORKSPACE: [&str; 9] = [
    ".git/commondir",
    ".git/config",
    ".git/hooks/post-commit",
    ".git/hooks/pre-commit",
    ".github/workflows/ci.yml",
    ".github/workflows/new.yml",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
];

/// What the attacks aim at: files, processes and sockets outside of the sandbox.
struct Targets {
    home: Home,
    before: BTreeMap<PathBuf, String>,
    victim: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    abstract_name: String,
    shared: PathBuf,
    _listener: UnixListener,
    _leaked: [OwnedFd; 2],
}

impl Targets {
    fn new(home: Home) -> io::Result<Self> {
        static TARGETS: AtomicU64 = AtomicU64::new(0);
        let number = TARGETS.fetch_add(1, Ordering::Relaxed);
        let abstract_name = format!("az-attack-{}-{number}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name)?;
        socket();
        let listener = UnixListener::bind_addr(&address)?;
        let victim = Command::new("sleep")
            .arg("1000")
            .env("CANARY", "the secret variable")
            .stdout(Stdio::null())
            .spawn()?;
        let shared = PathBuf::from(format!("/dev/shm/{abstract_name}"));
        fs::write(&shared, "the shared memory")?;
        let leaked = home.path().join("other/leaked");
        fs::write(&leaked, "the leaked file")?;
        let leaked: [OwnedFd; 2] = [
            fs::OpenOptions::new().write(true).open(leaked)?.into(),
            fs::File::open(home.path())?.into(),
        ];
        for descriptor in &leaked {
            fcntl_setfd(descriptor.as_fd(), FdFlags::empty())?;
        }
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        udp.set_nonblocking(true)?;
        fs::write(home.at("attacks.py"), include_str!("attacks.py"))?;
        let mut targets = Self {
            home,
            before: BTreeMap::new(),
            victim,
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp,
            abstract_name,
            shared,
            _listener: listener,
            _leaked: leaked,
        };
        targets.before = targets.state();
        Ok(targets)
    }

    /// Returns what must not change: all files outside of the workspace, and the protected ones in it.
    fn state(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        describe(self.home.path(), &self.home.at(""), &mut found);
        for name in IN_WORKSPACE {
            found.insert(
                self.home.at(name),
                fs::read_to_string(self.home.at(name)).unwrap_or_default(),
            );
        }
        found.insert(self.shared.clone(), fs::read_to_string(&self.shared).unwrap_or_default());
        found
    }

    /// Makes an attempt; returns how it succeeded, if it did.
    async fn attempt(&self, command: &str) -> Option<String> {
        let command = command
            .replace("{python}", "python3 attacks.py")
            .replace("{socket}", socket())
            .replace("{tcp}", &self.tcp.local_addr().unwrap().port().to_string())
            .replace("{udp}", &self.udp.local_addr().unwrap().port().to_string())
            .replace("{abstract}", &self.abstract_name)
            .replace("{victim}", &self.victim.id().to_string())
            .replace("{shared}", &self.abstract_name)
            .replace("{key}", &std::process::id().to_string());
        let output = self.home.run(&command).await;
        let text = output.text();
        let secret = ["ESCAPED", "the secret"].into_iter().find(|word| text.contains(word));
        if secret.is_some() {
            return Some(text.into_owned());
        }
        let arrived = self.udp.recv(&mut [0; 64]).is_ok();
        let changed = self.state();
        let changed = changed.iter().find(|(path, state)| self.before.get(*path) != Some(*state));
        let removed = self.before.keys().find(|path| !self.state().contains_key(*path));
        (arrived || changed.is_some() || removed.is_some()).then(|| {
            format!("arrived: {arrived}, changed: {changed:?}, removed: {removed:?}\n{text}")
        })
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        self.victim.kill().ok();
        self.victim.wait().ok();
        fs::remove_file(&self.shared).ok();
    }
}

/// Describes the files beneath a directory, without those beneath another.
fn describe(directory: &Path, without: &Path, found: &mut BTreeMap<PathBuf, String>) {
    use std::os::unix::fs::MetadataExt;
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        let metadata = entry.metadata().unwrap();
        if path == without.components().collect::<PathBuf>() || path.ends_with("temp") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let times = (metadata.mode(), if metadata.is_dir() { 0 } else { metadata.mtime() });
        found.insert(path.clone(), format!("{times:?} {text}"));
        if metadata.is_dir() {
            describe(&path, without, found);
        }
    }
}

#[tokio::test]
async fn every_attempt_to_leave_a_sandbox_is_blocked_or_listed() {
    assert!(ATTACKS.len() >= 20);
    let mut wrong = Vec::new();
    for tier in tiers() {
        for (name, command) in ATTACKS {
            let targets = Targets::new(Home::new(tier)).unwrap();
            let escaped = targets.attempt(command).await;
            let listed = OPEN.iter().any(|(open, attack, _)| (*open, *attack) == (tier, *name));
            match escaped {
                Some(how) if !listed => wrong.push(format!("{tier}: {name}: {how}")),
                None if listed => wrong.push(format!("{tier}: {name}: blocked, although listed")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn attempts_with_access_to_the_network_are_blocked_or_listed() {
    let mut wrong = Vec::new();
    for tier in tiers() {
        for (name, command) in ATTACKS.iter().filter(|(name, _)| WITH_NETWORK.contains(name)) {
            let targets = Targets::new(Home::new(tier).with_network()).unwrap();
            let escaped = targets.attempt(command).await.is_some();
            let listed = OPEN_WITH_NETWORK.iter().any(|(of, it, _)| (*of, *it) == (tier, *name));
            if escaped != listed {
                wrong.push(format!("{tier}: {name}: escaped: {escaped}, listed: {listed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not attempted without a sandbox: it reaches more than what the test has made.
const REACHES_THE_MACHINE: [&str; 8] = [
    "resolve a name",
    "mount and unmount",
    "change the root",
    "use the kernel's keyrings",
    "change the kernel",
    "create a device",
    "open devices",
    "change the kernel's settings",
];

/// Shows that the attempts are real: without a sandbox, most of them succeed.
#[tokio::test]
async fn without_a_sandbox_the_attempts_succeed() {
    let mut blocked = Vec::new();
    let tried = ATTACKS.iter().filter(|(name, _)| !REACHES_THE_MACHINE.contains(name));
    assert_eq!(tried.clone().count(), ATTACKS.len() - REACHES_THE_MACHINE.len());
    for (name, command) in tried {
        if Targets::new(Home::new(SandboxTier::None)).unwrap().attempt(command).await.is_none() {
            blocked.push(*name);
        }
    }
    assert!(blocked.len() < ATTACKS.len() / 3, "{blocked:?}");
}
