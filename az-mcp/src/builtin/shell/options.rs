//! The options of `shell.execute`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::{inherited, non_interactive};
use super::program::default_program;
use crate::sandbox::SandboxOptions;
use crate::secrets::KnownSecrets;

/// Options for running commands.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShellOptions {
    /// The shell.
    pub program: PathBuf,
    /// The whole environment of every command, before the variables of a task and of a call.
    pub env: BTreeMap<String, String>,
    /// The variables that a task may name in its `env` option.
    pub available: BTreeMap<String, String>,
    /// The timeout of calls that do not set one.
    pub default_timeout: Duration,
    /// How many bytes of stdout and of stderr are kept.
    pub output_limit: usize,
    /// The directory for what background processes print; without one, it is discarded.
    pub output_dir: Option<PathBuf>,
    /// How commands are confined.
    pub sandbox: SandboxOptions,
    /// The secrets that are masked in output before it is cut.
    pub secrets: KnownSecrets,
}

impl Default for ShellOptions {
    /// Returns options with bash if it is installed, else `/bin/sh`, and an environment that only
    /// keeps programs from asking for input.
    fn default() -> Self {
        Self {
            program: default_program(),
            env: non_interactive(),
            available: BTreeMap::new(),
            default_timeout: Duration::from_secs(120),
            output_limit: 256 << 10,
            output_dir: None,
            sandbox: SandboxOptions::default(),
            secrets: KnownSecrets::default(),
        }
    }
}

impl fmt::Debug for ShellOptions {
    /// Values of variables may be secrets: only the names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShellOptions")
            .field("program", &self.program)
            .field("env", &self.env.keys())
            .field("available", &self.available.keys())
            .field("default_timeout", &self.default_timeout)
            .field("output_limit", &self.output_limit)
            .field("output_dir", &self.output_dir)
            .field("sandbox", &self.sandbox)
            .field("secrets", &self.secrets)
            .finish()
    }
}

impl ShellOptions {
    /// Adds those variables of an environment that development tools need: paths, user, language,
    /// time zone, proxies, and the homes and caches of compilers and package managers. All others
    /// are left out, and so are those that hold a key, a token or a password. A task can name any
    /// of them in its `env` option.
    #[must_use]
    pub fn with_inherited_env(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.available.extend(environment);
        for (name, value) in inherited(&self.available) {
            // What keeps programs from asking for input stays.
            self.env.entry(name).or_insert(value);
        }
        self
    }

    /// Sets the shell.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Sets the directory for what background processes print. It is created for the current user
    /// only.
    #[must_use]
    pub fn with_output_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.output_dir = Some(directory.into());
        self
    }

    /// Sets how commands are confined.
    #[must_use]
    pub fn with_sandbox(mut self, sandbox: SandboxOptions) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// Sets the secrets that are masked in output before it is cut.
    #[must_use]
    pub fn with_secrets(mut self, secrets: KnownSecrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the timeout of calls that do not set one.
    #[must_use]
    pub const fn with_default_timeout(mut self, timeout: Duration) -> Self {
        self.default_timeout = timeout;
        self
    }

    /// Sets how many bytes of stdout and of stderr are kept.
    #[must_use]
    pub const fn with_output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }
}
