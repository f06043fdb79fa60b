//! What the caller decides about commands.

use std::collections::BTreeMap;
use std::time::Duration;

/// The variables that a command may see of the program's environment, where it has them.
const HARMLESS: [&str; 12] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR",
    "COLUMNS", "LINES",
];

/// How commands are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellOptions {
    /// The environment of every command, all of it.
    pub env: BTreeMap<String, String>,
    /// How long a command may take that does not say.
    pub default_timeout: Duration,
    /// How many bytes are kept of each of its two outputs.
    pub output_limit: usize,
}

impl Default for ShellOptions {
    fn default() -> Self {
        Self {
            env: BTreeMap::new(),
            default_timeout: Duration::from_secs(120),
            output_limit: 256 << 10,
        }
    }
}

impl ShellOptions {
    /// Returns the options with what is harmless of an environment: where programs and the user's
    /// files are, language, time zone, terminal. Keys and tokens are not on that list.
    #[must_use]
    pub fn with_harmless_of(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let harmless = |name: &str| HARMLESS.contains(&name) || name.starts_with("LC_");
        self.env.extend(environment.into_iter().filter(|(name, _)| harmless(name)));
        self
    }

    /// Returns the options with one more variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Returns the options with another time limit for commands that do not say.
    #[must_use]
    pub const fn with_default_timeout(mut self, timeout: Duration) -> Self {
        self.default_timeout = timeout;
        self
    }

    /// Returns the options with another limit on what is kept of each output.
    #[must_use]
    pub const fn with_output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }
}
