//! How a server is reached.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::http::HttpClient;
use super::limits::Limits;
use super::question::Answerer;

/// The variables that a program inherits. Everything else that it needs is configured for it.
const INHERITED: [&str; 7] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG"];

/// The versions of the protocol that a server speaks.
///
/// Version 2026-07-28 has no handshake and no sessions; all versions before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// It is found out by asking the server.
    #[default]
    Auto,
    /// Versions up to 2025-11-25.
    Legacy,
    /// Version 2026-07-28.
    Modern,
}

impl Era {
    /// Returns the name, as in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// A program that is an MCP server on its standard input and output.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCommand {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Its working directory; `None` is that of this process.
    pub cwd: Option<PathBuf>,
}

impl fmt::Debug for ServerCommand {
    /// Values of variables may be secrets: only the names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCommand")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("cwd", &self.cwd)
            .finish()
    }
}

impl ServerCommand {
    /// Creates a command with an empty environment.
    pub fn new(
        program: impl Into<String>,
        args: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.into(), args, env: BTreeMap::new(), cwd: None }
    }

    /// Adds the variables of an environment that every program gets: those about the user, the language
    /// and the terminal, and `PATH`. All others, which may be secrets, are left out.
    #[must_use]
    pub fn with_inherited_env(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let known = environment.into_iter();
        self.env.extend(known.filter(|(name, _)| INHERITED.contains(&name.as_str())));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cwd = Some(directory.into());
        self
    }
}

/// A server that is reached over streamable HTTP.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpServer {
    /// The address of its endpoint.
    pub url: String,
    /// The headers of every request.
    pub headers: Vec<(String, String)>,
    /// The HTTP client. It must not follow redirects to another origin, which would get the headers.
    pub client: HttpClient,
}

impl HttpServer {
    /// Creates a server without headers.
    pub fn new(url: impl Into<String>, client: HttpClient) -> Self {
        Self { url: url.into(), headers: Vec::new(), client }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl fmt::Debug for HttpServer {
    /// The address and the headers may hold secrets: only the names of the headers are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("HttpServer").field("headers", &names).finish_non_exhaustive()
    }
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub enum ServerTransport {
    /// Over the standard input and output of a program.
    Command(ServerCommand),
    /// Over streamable HTTP.
    Http(HttpServer),
}

/// A server, how it is reached, and what is accepted from it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The name, for messages and for the names of its tools.
    pub name: String,
    /// How it is reached.
    pub transport: ServerTransport,
    /// The versions of the protocol that it speaks.
    pub era: Era,
    /// The directories that it is told to work in. Only servers of the legacy era ask for them.
    pub roots: Vec<PathBuf>,
    /// What is accepted from it.
    pub limits: Limits,
    /// Answers its questions to a person.
    pub answerer: Answerer,
}

impl ServerOptions {
    /// Creates the options of a server whose era is not known.
    pub fn new(name: impl Into<String>, transport: ServerTransport) -> Self {
        Self {
            name: name.into(),
            transport,
            era: Era::Auto,
            roots: Vec::new(),
            limits: Limits::default(),
            answerer: Answerer::default(),
        }
    }

    /// Sets the versions of the protocol that the server speaks.
    #[must_use]
    pub fn with_era(mut self, era: Era) -> Self {
        self.era = era;
        self
    }

    /// Sets the directories that the server is told to work in.
    #[must_use]
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = PathBuf>) -> Self {
        self.roots = roots.into_iter().collect();
        self
    }

    /// Sets what answers the questions of the server to a person.
    #[must_use]
    pub fn with_answerer(mut self, answerer: Answerer) -> Self {
        self.answerer = answerer;
        self
    }

    /// Sets what is accepted from the server.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}
