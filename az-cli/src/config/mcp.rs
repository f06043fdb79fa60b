//! The section about MCP servers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use az_mcp::client::Era;
use serde::Deserialize;
use toml::de::DeValue;

use super::key::Key;
use super::kind::Kind::{
    Bool, Choice, Duration as Time, Headers, NamedTables, Names, Path, Text, Url, Variables, Words,
};
use super::sections::duration;

/// The keys of the section.
pub(super) const MCP: &[Key] = &[Key::new(
    "servers",
    NamedTables(SERVER),
    "The servers, each under its name: a program with `command`, or an address with `url`",
)];

const SERVER: &[Key] = &[
    Key::new("command", Text, "The program that is the server, on its standard input and output"),
    Key::new("args", Words, "The arguments of the program").or("[]"),
    Key::new(
        "env",
        Variables,
        "The variables of the program beside `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM`, `USER` and `LANG`: \
         `NAME` takes the value from `env_file` or the environment of `az`, `NAME=VALUE` sets one, in which \
         `${OTHER}` is the value of another",
    )
    .or("[]"),
    Key::new(
        "env_file",
        Path,
        "A file with variables, `NAME=VALUE` on each line, for `env` and `headers`",
    ),
    Key::new("cwd", Path, "The directory in which the program runs")
        .or_found("the working directory of `az`"),
    Key::new("url", Url, "The address of a server over streamable HTTP"),
    Key::new(
        "headers",
        Headers,
        "The headers of each request; `${NAME}` is the value of a variable",
    )
    .or("[]"),
    Key::new(
        "era",
        Choice(&["auto", "legacy", "modern"]),
        "The versions of the protocol: up to 2025-11-25 (`legacy`), 2026-07-28 (`modern`), or what the \
         server answers to",
    )
    .or("\"auto\""),
    Key::new(
        "timeout",
        Time,
        "How long the server may be silent during a call; a report of progress begins it anew",
    )
    .or("\"60s\""),
    Key::new("tools", Names, "The tools that are used").or_found("all"),
    Key::new(
        "read_only",
        Names,
        "The tools that change nothing: an interrupted call of one is made again",
    )
    .or("[]"),
    Key::new("enabled", Bool, "Whether the server is used").or("true"),
];

/// The section about MCP servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpSection {
    /// The servers, by name.
    pub servers: BTreeMap<String, McpServerSection>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct McpServerSection {
    /// The program.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its variables: `NAME`, or `NAME=VALUE`.
    pub env: Vec<String>,
    /// The file with variables.
    pub env_file: Option<PathBuf>,
    /// The directory in which it runs.
    pub cwd: Option<PathBuf>,
    /// The address of a server over HTTP.
    pub url: Option<String>,
    /// The headers of each request.
    pub headers: Vec<String>,
    /// The versions of the protocol that it speaks.
    pub era: Era,
    /// How long it may be silent.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// The tools that are used; `None` means all.
    pub tools: Option<Vec<String>>,
    /// The tools that change nothing.
    pub read_only: Vec<String>,
    /// Whether it is used.
    pub enabled: bool,
}

impl Default for McpServerSection {
    fn default() -> Self {
        Self {
            command: None,
            args: Vec::new(),
            env: Vec::new(),
            env_file: None,
            cwd: None,
            url: None,
            headers: Vec::new(),
            era: Era::Auto,
            timeout: None,
            tools: None,
            read_only: Vec::new(),
            enabled: true,
        }
    }
}

/// Returns what is wrong with a server whose values may be valid each by itself: `None` also for a table
/// that another layer completes.
pub(super) fn problem_of_server(value: &DeValue<'_>) -> Option<&'static str> {
    let table = value.as_table()?;
    let has = |wanted: &str| table.keys().any(|name| name.get_ref().eq_ignore_ascii_case(wanted));
    (has("command") && has("url"))
        .then_some("has a command and a url; a server is a program or an address")
}
