//! What else goes wrong while a process is stopped at a crash point.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use rustix::fs::{FlockOperation, flock};

use super::process::Process;
use super::world::{EFFECTS, Effect, Progress, World, answer, new_database};

/// For how long the database is locked, and how long a process waits for it then.
const LOCKED_FOR: Duration = Duration::from_millis(90);
pub(super) const BUSY_MILLIS: &str = "20";

/// By how many seconds the clock jumps.
const JUMP: i64 = 3600;

/// Another task that makes one call in the same workspace. It has a database of its own, so that it also
/// runs while the first one is stopped in a transaction.
#[derive(Debug)]
pub(super) struct Twin {
    pub(super) database: PathBuf,
    process: Option<Process>,
}

/// What another program did to a file.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) effect: Effect,
    /// The content of a replaced file, or the bytes that were added.
    pub(super) text: String,
    /// Whether the intent of the call was on record.
    pub(super) begun: bool,
    /// Whether the process that was stopped at the time has done nothing since: it was killed, or its task
    /// was taken over.
    pub(super) was_last: bool,
}

impl Twin {
    pub(super) fn start(world: &World, number: usize, at: Progress) -> Self {
        let effect = EFFECTS[at.effect];
        let data = world.az.beside(&format!("twin-{number}"));
        let script = world.az.beside(&format!("twin-{number}.jsonl"));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("az.db"), new_database()).unwrap();
        fs::write(&script, format!("{}\n{}\n", effect.turn(), answer())).unwrap();
        let model = format!("scripted:{}", script.display());
        let args = ["task", "run", "the same", "--allow", "shell.execute", "--model", &model];
        let mut command = world.az.command(args);
        command.env("AZ_DATA_DIR", &data);
        let process = Process::start(command, &world.stderr());
        Self { database: data.join("az.db"), process: Some(process) }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Waits for its end; returns what is wrong with it.
    pub(super) fn join(&mut self) -> Option<String> {
        let code = self.process.take()?.wait();
        (code != Some(0)).then(|| format!("the other task exited with {code:?}"))
    }
}

impl Edit {
    /// Replaces the file, or adds the same bytes as the call.
    pub(super) fn make(world: &World, number: usize, at: Progress) -> Self {
        let effect = EFFECTS[at.effect];
        let text = match effect {
            Effect::Replace { .. } => format!("edit {number}"),
            Effect::Append(_) | Effect::Insert(_) | Effect::Shell(_) => effect.text(),
        };
        let path = world.az.work().join(effect.file());
        match effect {
            Effect::Replace { .. } => fs::write(path, &text).unwrap(),
            Effect::Append(_) | Effect::Insert(_) | Effect::Shell(_) => {
                let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
                file.write_all(text.as_bytes()).unwrap();
            }
        }
        Self { effect, text, begun: at.begun, was_last: false }
    }
}

/// Whether a process has locked the file of a call.
pub(super) fn is_locked(world: &World, at: Progress) -> bool {
    let file = File::open(world.az.work().join(EFFECTS[at.effect].file()));
    file.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
}

/// Locks the database for a while: now, or as soon as a stopped process that has locked it releases it.
pub(super) fn lock_database(world: &World) -> JoinHandle<()> {
    let mut db = Connection::open(world.az.database()).unwrap();
    db.busy_timeout(Duration::from_secs(30)).unwrap();
    let (locked, is_locked) = mpsc::channel();
    let holder = std::thread::spawn(move || {
        let lock = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        locked.send(()).ok();
        std::thread::sleep(LOCKED_FOR);
        lock.rollback().unwrap();
    });
    is_locked.recv_timeout(LOCKED_FOR / 4).ok();
    holder
}

/// Sets the wall clock of all processes of the world, forward or back.
pub(super) fn jump_clock(world: &World, forward: bool) {
    let seconds = if forward { JUMP } else { -JUMP };
    fs::write(world.clock_shift(), seconds.to_string()).unwrap();
}
