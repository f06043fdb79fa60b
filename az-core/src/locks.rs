//! The processes that hold locks on files.

use std::fmt;
use std::fs;

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockHolder {
    /// The number of the process.
    pub pid: u32,
    /// The name of its program.
    pub program: String,
    /// Whether it is stopped, as by SIGSTOP: it releases no lock until it is continued or killed.
    pub is_stopped: bool,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, program, is_stopped } = self;
        let state = if *is_stopped { ", which is stopped" } else { "" };
        write!(f, "{program} (process {pid}{state})")
    }
}

/// Returns another process that holds a lock for writing on the file with this inode number; `None`
/// if that cannot be found out, as on systems without `/proc/locks`.
pub fn holder(inode: u64) -> Option<LockHolder> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let pids = locks.lines().filter_map(|line| writer_of(line, inode));
    pids.filter(|pid| *pid != std::process::id()).find_map(process)
}

/// Returns the process of a line of `/proc/locks`, such as
/// `1: FLOCK  ADVISORY  WRITE 1234 08:01:131090 0 EOF`, if it holds a lock for writing on a file.
fn writer_of(line: &str, inode: u64) -> Option<u32> {
    let mut fields = line.split_whitespace().skip(3);
    let (access, pid, file) = (fields.next()?, fields.next()?, fields.next()?);
    let (_, number) = file.rsplit_once(':')?;
    // A line of a waiting process has another number of fields.
    (access == "WRITE" && number.parse() == Ok(inode)).then(|| pid.parse().ok())?
}

fn process(pid: u32) -> Option<LockHolder> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let (_, program) = before.split_once('(')?;
    let is_stopped = after.split_whitespace().next().is_some_and(|state| state == "T");
    Some(LockHolder { pid, program: program.to_owned(), is_stopped })
}

#[cfg(test)]
mod tests {
    use super::{LockHolder, process, writer_of};

    #[test]
    fn only_the_holder_of_a_lock_for_writing_is_found() {
        let held = "1: FLOCK  ADVISORY  WRITE 1234 08:01:131090 0 EOF";
        assert_eq!(writer_of(held, 131_090), Some(1234));
        assert_eq!(writer_of(held, 31_090), None);
        assert_eq!(writer_of("1: POSIX  ADVISORY  READ 1234 08:01:131090 124 124", 131_090), None);
        let waiting = "1: -> FLOCK  ADVISORY  WRITE 77 08:01:131090 0 EOF";
        assert_eq!(writer_of(waiting, 131_090), None);
    }

    #[test]
    fn a_process_is_named_with_its_state() {
        let this = process(std::process::id()).unwrap();
        assert!(!this.is_stopped && !this.program.is_empty(), "{this:?}");
        let stopped = LockHolder { pid: 7, program: "az".to_owned(), is_stopped: true };
        assert_eq!(stopped.to_string(), "az (process 7, which is stopped)");
    }
}
