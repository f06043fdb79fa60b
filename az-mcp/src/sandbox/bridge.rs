//! The bridge from a command in a network namespace to the proxy outside of it.
//!
//! A program that is started in the namespace as a bridge listens on the loopback interface, starts
//! itself once more to pass connections on to the socket of the proxy, and becomes the command.

use std::ffi::OsString;
use std::fs;
use std::io::{self, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::HELPER;

/// A program that is a bridge if it is called with these arguments and more: it calls
/// [`run_bridge`] with what follows them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bridge {
    /// The program.
    pub program: PathBuf,
    /// The arguments.
    pub args: Vec<String>,
}

impl Bridge {
    /// Creates a bridge.
    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = String>) -> Self {
        Self { program: program.into(), args: args.into_iter().collect() }
    }
}

/// The argument of the process that passes connections on.
const SERVE: &str = "--serve";
/// How often the process looks whether it is the last one.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
/// The variables that name a proxy, by which programs find it.
const VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// Runs a bridge. `own` is how this program was called as a bridge, and `args` what follows: the
/// socket, the credential, the command and its arguments.
///
/// # Errors
///
/// That of the system; otherwise it becomes the command, or returns when no process needs it.
pub fn run_bridge(own: &Bridge, args: impl IntoIterator<Item = OsString>) -> io::Result<()> {
    let mut args = args.into_iter();
    let mut next = || args.next().ok_or_else(|| io::Error::other("an argument is missing"));
    let (socket, credential) = (next()?, next()?);
    if credential == SERVE {
        return serve(
            &TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?),
            socket.as_ref(),
        );
    }
    let program = next()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let proxy = format!("http://az:{}@127.0.0.1:{port}", credential.display());
    Command::new(&own.program)
        .args(&own.args)
        .arg(socket)
        .arg(SERVE)
        .env(HELPER, "1")
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut command = Command::new(program);
    command.args(args).envs(VARIABLES.map(|name| (name, &proxy)));
    // The command can be reached on its own loopback interface.
    command.envs([("NO_PROXY", "localhost,127.0.0.1"), ("no_proxy", "localhost,127.0.0.1")]);
    Err(command.exec())
}

/// Passes connections on until this is the last process of the namespace, beside its first.
fn serve(listener: &TcpListener, socket: &Path) -> io::Result<()> {
    loop {
        let mut ready = [PollFd::new(listener, PollFlags::IN)];
        if poll(&mut ready, Some(&LOOK))? > 0 {
            let (client, _) = listener.accept()?;
            let socket = socket.to_owned();
            thread::spawn(move || pass_on(client, &socket));
        } else if is_last()? {
            return Ok(());
        }
    }
}

fn is_last() -> io::Result<bool> {
    let names =
        fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count() <= 2)
}

/// Copies in both directions until both ends are closed.
fn pass_on(client: TcpStream, socket: &Path) -> io::Result<()> {
    let proxy = UnixStream::connect(socket)?;
    let (mut from_client, mut to_proxy) = (client.try_clone()?, proxy.try_clone()?);
    let forth = thread::spawn(move || {
        copy(&mut from_client, &mut to_proxy).ok();
        to_proxy.shutdown(Shutdown::Write).ok();
    });
    let (mut from_proxy, mut to_client) = (proxy, client);
    copy(&mut from_proxy, &mut to_client).ok();
    to_client.shutdown(Shutdown::Write).ok();
    forth.join().map_err(|_| io::Error::other("copying ended"))
}
