//! Reads processes from `/proc`.

use std::fs;
use std::io;

use az_core::Timestamp;
use az_core::secret::mask_command;
use az_core::text::one_line;
use rustix::param::{clock_ticks_per_second, page_size};

use super::entry::ProcessEntry;
use super::users::Users;

/// The maximum length of a command line, in characters.
const COMMAND: usize = 500;
/// The length at which the kernel cuts the name of a process, in bytes.
const NAME: usize = 15;

/// The fields of `/proc/PID/stat` that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::builtin) struct ProcessStat {
    /// The name of the program, cut.
    name: String,
    /// The letter of its state, such as `R`.
    state: char,
    /// The process that started it.
    pub(in crate::builtin) parent: i32,
    /// When it was started, in ticks since the machine was. With the process id, it identifies a process.
    pub(in crate::builtin) started: u64,
    /// The processor time that it has used, in ticks.
    cpu: u64,
    /// The memory that it has in RAM, in pages.
    resident: u64,
}

impl ProcessStat {
    /// Returns whether the process has exited.
    pub(in crate::builtin) const fn has_exited(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Lists the processes by id.
///
/// # Errors
///
/// If `/proc` cannot be read.
pub(super) fn processes() -> io::Result<Vec<ProcessEntry>> {
    let machine = Machine::read()?;
    let users = Users::read();
    let mut found: Vec<_> = pids().filter_map(|pid| machine.entry(pid, &users)).collect();
    found.sort_by_key(|entry| entry.pid);
    Ok(found)
}

/// What times of processes are relative to.
struct Machine {
    /// When the machine was started, in seconds since 1970.
    booted: Option<i64>,
    /// How long it has been running, in seconds.
    uptime: f64,
    ticks_per_second: u64,
    page_size: u64,
}

impl Machine {
    fn read() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let booted = stat.lines().find_map(|line| line.strip_prefix("btime "));
        let uptime = fs::read_to_string("/proc/uptime")?;
        let uptime = uptime.split(' ').next().and_then(|seconds| seconds.parse().ok());
        Ok(Self {
            booted: booted.and_then(|seconds| seconds.trim().parse().ok()),
            uptime: uptime.unwrap_or_default(),
            ticks_per_second: clock_ticks_per_second().max(1),
            page_size: u64::try_from(page_size()).unwrap_or_default(),
        })
    }

    /// Describes a process, unless it has exited.
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more precision")]
    fn entry(&self, pid: i32, users: &Users) -> Option<ProcessEntry> {
        let stat = stat(pid)?;
        let words = command_words(pid);
        let masked = mask_command(words.iter().map(String::as_str));
        let name = full_name(&stat.name, words.first());
        let command = match masked.as_str() {
            "" => format!("[{name}]"),
            masked => one_line(masked, COMMAND),
        };
        let seconds = |ticks: u64| ticks as f64 / self.ticks_per_second as f64;
        let age = (self.uptime - seconds(stat.started)).max(0.01);
        let started = i64::try_from(stat.started / self.ticks_per_second).ok();
        let started = self.booted.zip(started).and_then(|(boot, since)| boot.checked_add(since));
        Some(ProcessEntry {
            pid: u32::try_from(pid).ok()?,
            ppid: u32::try_from(stat.parent).unwrap_or_default(),
            user: users.name(user(pid)?),
            name,
            state: state_in_words(stat.state),
            cpu_percent: (seconds(stat.cpu) / age * 1_000.0).round() / 10.0,
            memory_bytes: stat.resident.saturating_mul(self.page_size),
            started_at: started.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            command,
        })
    }
}

/// Returns the ids of the processes.
pub(in crate::builtin) fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Reads the state of a process; `None` if there is no such process.
pub(in crate::builtin) fn stat(pid: i32) -> Option<ProcessStat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<ProcessStat> {
    // The name is in parentheses and may contain any characters, including parentheses.
    let (before, rest) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(ProcessStat {
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: number(19)?,
        cpu: number(11)?.saturating_add(number(12)?),
        resident: number(21)?,
    })
}

/// Returns the words of the command line of a process; none for one of the kernel, and for one that has
/// exited.
pub(in crate::builtin) fn command_words(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Returns the number of the user of a process.
///
/// The owner of its directory in `/proc` is another one, if the process must not be inspected.
fn user(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_ascii_whitespace().next()?.parse().ok()
}

/// Returns the name of a program that the kernel has cut, from the command line.
fn full_name(cut: &str, program: Option<&String>) -> String {
    let file = program.and_then(|program| program.rsplit('/').next()).unwrap_or_default();
    let is_cut = cut.len() == NAME && file.starts_with(cut);
    if is_cut { one_line(file, COMMAND) } else { cut.to_owned() }
}

const fn state_in_words(letter: char) -> &'static str {
    match letter {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting",
        'T' | 't' => "stopped",
        'I' => "idle",
        'Z' | 'X' => "zombie",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::{ProcessStat, full_name, parse_stat};

    #[test]
    fn a_name_may_contain_parentheses_and_blanks() {
        let text = "12 (a) R (b) S 7 1 1 0 -1 0 0 0 0 0 30 12 0 0 20 0 1 0 555 1000 42 0 0";
        let expected = ProcessStat {
            name: "a) R (b".to_owned(),
            state: 'S',
            parent: 7,
            started: 555,
            cpu: 42,
            resident: 42,
        };
        assert_eq!(parse_stat(text), Some(expected));
        for broken in ["", "1 (a", "1 a) S", "1 (a) S 7 1"] {
            assert_eq!(parse_stat(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_cut_name_is_completed_by_the_command_line() {
        for (cut, program, expected) in [
            ("rust-analyzer-p", "/x/rust-analyzer-proc-macro-srv", "rust-analyzer-proc-macro-srv"),
            ("bash", "/bin/bash-5", "bash"),
            ("exactly-15-char", "/x/other", "exactly-15-char"),
        ] {
            assert_eq!(full_name(cut, Some(&program.to_owned())), expected);
        }
        assert_eq!(full_name("kworker", None), "kworker");
    }
}
