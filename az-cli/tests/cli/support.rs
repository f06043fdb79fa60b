//! A home, a workspace, and the binary in them.

use std::ffi::OsStr;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// An empty home and an empty workspace, gone with the test.
#[derive(Debug)]
pub(crate) struct Az {
    dir: TempDir,
    binary: PathBuf,
    vars: Vec<(String, String)>,
}

/// What a command ended with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Az {
    pub(crate) fn new() -> Self {
        Self::of(env!("CARGO_BIN_EXE_az"))
    }

    /// Creates a home in memory, where the system has a filesystem for that: syncs take no time there.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = TempDir::new_in(memory).or_else(|_| TempDir::new()).unwrap();
        Self::at(dir, env!("CARGO_BIN_EXE_az").into())
    }

    /// Another binary than `az`, in surroundings like its.
    pub(crate) fn of(binary: impl Into<PathBuf>) -> Self {
        Self::at(TempDir::new().unwrap(), binary.into())
    }

    fn at(dir: TempDir, binary: PathBuf) -> Self {
        fs::create_dir(dir.path().join("home")).unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, binary, vars: Vec::new() }
    }

    /// Sets a variable for all commands.
    pub(crate) fn with_var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vars.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Returns a path next to the home and the workspace.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("home/.local/share/az")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data_dir().join("az.db")
    }

    /// Writes a file into the workspace.
    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        fs::write(self.work().join(name), text).unwrap();
        self
    }

    /// Reads a file of the workspace; empty if it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.work().join(name)).unwrap_or_default()
    }

    /// Returns the command in the workspace, with an environment of its own and no input.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.command_of(&self.binary, args)
    }

    /// Returns a command of another program, with the same environment.
    pub(crate) fn command_of(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = interruptible(program);
        command
            .args(args)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path().join("home"))
            .env("AZ_SYSTEM_CONFIG", self.dir.path().join("system.toml"))
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn az(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    /// Runs a command that has to succeed; returns what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ended = self.az(args);
        assert_eq!(ended.code, Some(0), "az {args:?}: {ended:?}");
        ended.stdout
    }

    /// Starts a command.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::spawn(self.command(args))
    }

    /// Returns the id of the only task.
    #[track_caller]
    pub(crate) fn only_id(&self) -> String {
        let listed = self.ok(&["task", "list", "--format", "json"]);
        let tasks: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let tasks = tasks.as_array().unwrap();
        assert_eq!(tasks.len(), 1, "{listed}");
        tasks[0]["id"].as_str().unwrap().to_owned()
    }

    /// Returns a task as `az task show` has it.
    #[track_caller]
    pub(crate) fn shown(&self, id: &str) -> serde_json::Value {
        serde_json::from_str(&self.ok(&["task", "show", id, "--format", "json"])).unwrap()
    }
}

/// A running command; killed when dropped without a wait.
#[derive(Debug)]
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code();
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Waits until something is so, looking often; fails after ten seconds.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let given_up = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < given_up, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Writes a script for the `scripted:` model into the workspace; returns the model's name.
pub(crate) fn script(az: &Az, lines: &[serde_json::Value]) -> String {
    let path = az.work().join("script.jsonl");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, text).unwrap();
    format!("scripted:{}", path.display())
}

/// Whether a process with this text among its arguments is there.
pub(crate) fn is_running(text: &str) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let me = Path::new("/proc/self").canonicalize().ok() == Some(process.path());
        !me && String::from_utf8_lossy(&line).contains(text)
    })
}

/// Returns a program with interrupts enabled: a shell starts background jobs, such as a script's
/// `cargo test &`, with interrupts ignored, and programs inherit that.
fn interruptible(program: &Path) -> Command {
    if !ignores_interrupts() {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(program);
    command
}

fn ignores_interrupts() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 2 != 0)
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs a function in several threads, each with its number, and fails with the message of one that fails.
pub(crate) fn in_threads(count: usize, run: impl Fn(usize) + Sync) {
    let run = &run;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || run(number))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}
