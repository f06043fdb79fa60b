//! The options of `shell.execute`.

use std::collections::BTreeMap;
use std::time::Duration;

/// The variables that are passed on to commands; they do not hold keys or tokens.
const INHERITED: [&str; 12] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR",
    "COLUMNS", "LINES",
];

/// Options for running commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellOptions {
    /// The whole environment of every command, before the variables of a call.
    pub env: BTreeMap<String, String>,
    /// The timeout of calls that do not set one.
    pub default_timeout: Duration,
    /// How many bytes of stdout and of stderr are kept.
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
    /// Adds those variables of an environment that commands usually need: paths, user, language,
    /// time zone and terminal. All others are left out, because they may hold keys and tokens.
    #[must_use]
    pub fn with_inherited_env(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let is_inherited = |name: &str| INHERITED.contains(&name) || name.starts_with("LC_");
        self.env.extend(environment.into_iter().filter(|(name, _)| is_inherited(name)));
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
