//! The kit of [`Sandbox`].

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use az_core::testing::{Checked, Fixture, Violation};
use az_core::{ensure, ensure_eq, scenarios};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::sandbox::{Sandbox, SandboxError, SandboxPolicy, SandboxedCommand};

/// A fixture of a sandbox.
pub trait SandboxFixture: Fixture<dyn Sandbox> {
    /// Returns an empty directory for the files of the scenario, which is not in `/tmp`.
    fn directory(&self) -> PathBuf;
}

scenarios! {
    $crate
    /// Runs every scenario of [`Sandbox`]'s contract.
    sandbox for SandboxFixture, in sandbox_conformance;

    what_probes_well_runs_commands;
    only_what_is_writable_can_be_changed;
    hidden_files_cannot_be_read;
    no_host_can_be_connected_to;
    what_a_command_starts_is_confined;
    a_policy_is_enforced_or_refused;
    a_command_runs_as_it_is;
    processes_are_found_by_their_marks;
    a_start_that_is_given_up_leaves_no_process;
}

/// How long a process may take to do what it has to.
const SOON: Duration = Duration::from_secs(5);

/// How long a start takes at most.
const A_START: Duration = Duration::from_millis(500);

/// The fixture of a scenario.
type Sandboxes<'a> = &'a dyn SandboxFixture;

/// A workspace, a file with a secret, and a file that must not be changed.
struct Place {
    root: PathBuf,
    policy: SandboxPolicy,
}

impl Place {
    fn of(fixture: Sandboxes<'_>) -> Checked<Self> {
        let root = fixture.directory();
        let create = || -> io::Result<PathBuf> {
            for name in ["work", "temp", "keys"] {
                fs::create_dir_all(root.join(name))?;
            }
            fs::write(root.join("keys/key"), "secret")?;
            fs::write(root.join("other"), "unchanged")?;
            root.canonicalize()
        };
        let root = create().map_err(|error| Violation::Broken(error.to_string()))?;
        let policy = SandboxPolicy::new(root.join("work"), root.join("temp"));
        let policy = policy.with_hidden([root.join("keys")]);
        Ok(Self { root, policy })
    }

    fn command(&self, script: &str) -> SandboxedCommand {
        let script = script.replace("{root}", &self.root.display().to_string());
        let env = [("PATH", "/usr/bin:/bin"), ("KIT", "1")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        SandboxedCommand::new("/bin/sh", self.root.join("work"))
            .with_args(["-c".to_owned(), script])
            .with_env(env.into())
            .with_mark("KIT_MARK", self.root.display().to_string())
    }

    async fn run(&self, fixture: Sandboxes<'_>, script: &str) -> Checked<Output> {
        let sandbox = fixture.open().await;
        let child = sandbox.spawn(self.command(script), self.policy.clone()).await;
        let child = child.map_err(|error| unexpected(&error))?;
        let output = child.wait_with_output().await;
        output.map_err(|error| Violation::Broken(error.to_string()))
    }

    /// Runs a command whose output does not matter until it exits; others may still have it open.
    async fn start(&self, fixture: Sandboxes<'_>, script: &str) -> Checked {
        let sandbox = fixture.open().await;
        let child = sandbox.spawn(self.command(script), self.policy.clone()).await;
        let status = child.map_err(|error| unexpected(&error))?.wait().await;
        status.map(drop).map_err(|error| Violation::Broken(error.to_string()))
    }

    /// Returns the text of a file; empty if it does not exist.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).unwrap_or_default()
    }
}

fn unexpected(error: &SandboxError) -> Violation {
    Violation::Broken(format!("an unexpected error: {error}"))
}

/// Checks `Sandbox` 1.
async fn what_probes_well_runs_commands(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let sandbox = fixture.open().await;
    let probed = sandbox.probe();
    let child = sandbox.spawn(place.command("echo x > ran"), place.policy.clone()).await;
    let status = match child {
        Ok(mut child) => child.wait().await.ok(),
        Err(_) => None,
    };
    let ran = !place.read("work/ran").is_empty();
    ensure_eq!(ran, probed.is_ok(), "a command ran after {probed:?} and ended with {status:?}");
    Ok(())
}

/// Checks `Sandbox` 2.
async fn only_what_is_writable_can_be_changed(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let script = "echo x > {root}/new; echo x > {root}/other; rm {root}/other; echo x > inside; \
                  echo x > $TMPDIR/inside";
    place.run(fixture, script).await?;
    ensure_eq!(place.read("other"), "unchanged", "a file outside of the workspace");
    ensure!(!place.root.join("new").exists(), "a file was created outside of the workspace");
    ensure_eq!(place.read("work/inside"), "x\n", "a file in the workspace");
    ensure_eq!(place.read("temp/inside"), "x\n", "a file in the directory for temporary files");
    Ok(())
}

/// Checks `Sandbox` 3.
async fn hidden_files_cannot_be_read(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let script = "cat {root}/keys/key; ln -s {root}/keys link; cat link/key; cat {root}/other";
    let read = place.run(fixture, script).await?;
    ensure_eq!(String::from_utf8_lossy(&read.stdout), "unchanged", "what was read");
    Ok(())
}

/// Checks `Sandbox` 4.
async fn no_host_can_be_connected_to(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let broken = |error: io::Error| Violation::Broken(error.to_string());
    let listener = TcpListener::bind("127.0.0.1:0").map_err(broken)?;
    listener.set_nonblocking(true).map_err(broken)?;
    let port = listener.local_addr().map_err(broken)?.port();
    let script = format!("bash -c 'echo x > /dev/tcp/127.0.0.1/{port}'");
    let tried = place.run(fixture, &script).await?;
    ensure!(!tried.status.success() && listener.accept().is_err(), "a host was connected to");
    Ok(())
}

/// Checks `Sandbox` 5.
async fn what_a_command_starts_is_confined(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let script = "(setsid sh -c 'echo x > {root}/new; cat {root}/keys/key > found; echo x > done' \
                  > log 2>&1 &)";
    place.start(fixture, script).await?;
    until(|| !place.read("work/done").is_empty(), "the process that the command has started")
        .await?;
    ensure!(!place.root.join("new").exists(), "a file was created outside of the workspace");
    ensure_eq!(place.read("work/found"), "", "what was read");
    Ok(())
}

/// Checks `Sandbox` 6.
async fn a_policy_is_enforced_or_refused(fixture: Sandboxes<'_>) -> Checked {
    let mut place = Place::of(fixture)?;
    let key = place.root.join("work/key");
    fs::write(&key, "secret").map_err(|error| Violation::Broken(error.to_string()))?;
    place.policy.hide.push(key);
    let sandbox = fixture.open().await;
    match sandbox.spawn(place.command("cat key; echo x > ran"), place.policy.clone()).await {
        Ok(child) => {
            let output = child.wait_with_output().await;
            let read = output.map(|output| output.stdout).unwrap_or_default();
            ensure_eq!(String::from_utf8_lossy(&read), "", "what was read");
        }
        Err(SandboxError::Unsupported { remedy, .. }) => {
            ensure!(!remedy.is_empty(), "the error does not say what to do");
            ensure!(place.read("work/ran").is_empty(), "the command was run");
        }
        Err(error) => return Err(unexpected(&error)),
    }
    Ok(())
}

/// Checks `Sandbox` 7.
async fn a_command_runs_as_it_is(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let script = "pwd -P; env | grep -v '^PWD=\\|^OLDPWD=\\|^SHLVL=\\|^_=\\|^TMPDIR=' | sort; cat; \
                  ls /proc/self/fd | wc -w; (: > /dev/tty) 2> tty || echo no terminal; \
                  echo error >&2; exit 7";
    let output = place.run(fixture, script).await?;
    let root = place.root.display();
    // `ls` has opened the directory that it lists.
    let expect =
        format!("{root}/work\nKIT=1\nKIT_MARK={root}\nPATH=/usr/bin:/bin\n4\nno terminal\n");
    ensure_eq!(String::from_utf8_lossy(&output.stdout), expect, "the output");
    ensure_eq!(String::from_utf8_lossy(&output.stderr), "error\n", "the errors");
    ensure_eq!(output.status.code(), Some(7), "the exit code");
    Ok(())
}

/// Checks `Sandbox` 8.
async fn processes_are_found_by_their_marks(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    place.start(fixture, "setsid sleep 30 > log 2>&1 &").await?;
    let sleeping = || marked(&place.root).into_iter().find(|pid| runs(*pid, "sleep"));
    until(|| sleeping().is_some(), "the process that the command has left running").await?;
    for pid in marked(&place.root) {
        kill_process(pid, Signal::KILL).ok();
    }
    until(|| marked(&place.root).is_empty(), "the end of all processes").await
}

/// Checks `Sandbox` 9.
async fn a_start_that_is_given_up_leaves_no_process(fixture: Sandboxes<'_>) -> Checked {
    let place = Place::of(fixture)?;
    let sandbox = fixture.open().await;
    {
        let command = place.command("exec sleep 30 > log 2>&1");
        let start = sandbox.spawn(command, place.policy.clone());
        let started = tokio::time::timeout(Duration::ZERO, start).await;
        ensure!(started.is_err(), "the command was started at once");
    }
    // The start may go on for a while.
    let given_up = Instant::now();
    while given_up.elapsed() < A_START {
        tokio::task::yield_now().await;
    }
    let left = marked(&place.root);
    ensure!(left.is_empty(), "processes {left:?} are left");
    Ok(())
}

/// Returns the processes with the mark of a place.
fn marked(root: &Path) -> Vec<Pid> {
    let mark = format!("KIT_MARK={}", root.display());
    let has_it = |pid: &Pid| {
        let variables = fs::read(format!("/proc/{}/environ", pid.as_raw_pid())).unwrap_or_default();
        test_kill_process(*pid).is_ok()
            && variables.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|it| Pid::from_raw(it.file_name().to_str()?.parse().ok()?));
    pids.filter(has_it).collect()
}

fn runs(pid: Pid, program: &str) -> bool {
    let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_pid())).unwrap_or_default();
    words.split(|byte| *byte == 0).next() == Some(program.as_bytes())
}

/// Waits until something is so.
async fn until(mut holds: impl FnMut() -> bool, what: &str) -> Checked {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < SOON, "{what} was waited for in vain");
        tokio::task::yield_now().await;
    }
    Ok(())
}
