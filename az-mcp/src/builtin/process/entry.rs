//! A running process, as `process.list` returns it.

use az_core::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// A running process.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ProcessEntry {
    /// Its id.
    pub pid: u32,
    /// The id of the process that started it; 0 for the first process.
    pub ppid: u32,
    /// The name of its user; the number of one that has no name.
    pub user: String,
    /// The name of its program.
    pub name: String,
    /// `running`, `sleeping`, `waiting`, `stopped`, `zombie` or `idle`.
    pub state: &'static str,
    /// The share of one processor that it has used since it was started, in percent.
    pub cpu_percent: f64,
    /// The memory that it has in RAM, in bytes.
    pub memory_bytes: u64,
    /// The time at which it was started, in RFC 3339.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// Its command line, with secrets masked; the name in brackets if it has none.
    pub command: String,
}
