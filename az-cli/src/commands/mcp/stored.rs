//! Writes servers into the user's file, and their secrets into files that only the user can read.

use std::collections::BTreeMap;
use std::path::Path;

use az_core::secret::is_secret_name;
use toml_edit::{Array, Value};

use crate::config::{ConfigFile, KeyPath, is_entry_name};
use crate::error::CliError;

/// A server as it was typed or imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NewServer {
    pub(super) name: String,
    pub(super) command: Option<String>,
    pub(super) args: Vec<String>,
    /// The variables with their values; without one, the value is that of the environment of `az`.
    pub(super) env: Vec<(String, Option<String>)>,
    pub(super) cwd: Option<String>,
    pub(super) url: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) era: Option<String>,
}

/// Returns the path of the file with a server's secrets, relative to the user's file.
pub(super) fn secrets_file(name: &str) -> String {
    format!("keys/mcp-{name}.env")
}

/// Returns the path of a key of a server.
pub(super) fn key(name: &str, field: &str) -> Result<KeyPath, CliError> {
    let point = if field.is_empty() { "" } else { "." };
    KeyPath::parse(&format!("mcp.servers.{name}{point}{field}")).map_err(CliError::Usage)
}

impl NewServer {
    /// Checks the name.
    ///
    /// # Errors
    ///
    /// A usage error for a name that is not allowed.
    pub(super) fn check(&self) -> Result<(), CliError> {
        if is_entry_name(&self.name) {
            return Ok(());
        }
        Err(CliError::Usage(format!(
            "{:?} cannot be the name of a server; use letters, digits, _ and -, at most 32",
            self.name
        )))
    }

    /// Adds the server to the user's file, not used yet, with its secrets in a file beside it.
    ///
    /// # Errors
    ///
    /// A text that is not TOML, or a name that is not allowed.
    pub(super) fn store(&self, file: &mut ConfigFile) -> Result<(), CliError> {
        self.check()?;
        let (env, headers, secrets) = self.without_secrets();
        let mut set = |field: &str, value: Value| -> Result<(), CliError> {
            Ok(file.set_toml(&key(&self.name, field)?, value.to_string().trim())?)
        };
        for (field, text) in
            [("command", &self.command), ("cwd", &self.cwd), ("url", &self.url), ("era", &self.era)]
        {
            if let Some(text) = text {
                set(field, Value::from(text.as_str()))?;
            }
        }
        for (field, items) in [("args", &self.args), ("env", &env), ("headers", &headers)] {
            if !items.is_empty() {
                set(field, Value::Array(items.iter().map(String::as_str).collect::<Array>()))?;
            }
        }
        if !secrets.is_empty() {
            set("env_file", Value::from(secrets_file(&self.name)))?;
        }
        set("enabled", Value::from(false))?;
        if !secrets.is_empty() {
            let directory = file.path().parent().unwrap_or(Path::new("."));
            let path = directory.join(secrets_file(&self.name));
            let lines = secrets.iter().map(|(name, value)| format!("{name}={}\n", quoted(value)));
            file.add_secret(path, lines.collect());
        }
        Ok(())
    }

    /// Returns the variables and headers as they are written, and the secrets that they name.
    fn without_secrets(&self) -> (Vec<String>, Vec<String>, BTreeMap<String, String>) {
        let mut secrets = BTreeMap::new();
        let env = self.env.iter().map(|(name, value)| match value {
            Some(value) if is_secret_name(name) && !value.contains("${") => {
                secrets.insert(name.clone(), value.clone());
                name.clone()
            }
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        });
        let env = env.collect();
        let headers = self.headers.iter().map(|(name, value)| {
            if !is_secret_header(name) || value.contains("${") {
                return format!("{name}: {value}");
            }
            let variable = format!("HEADER_{}", name.replace('-', "_").to_uppercase());
            secrets.insert(variable.clone(), value.clone());
            format!("{name}: ${{{variable}}}")
        });
        let headers = headers.collect();
        (env, headers, secrets)
    }
}

/// Whether a header holds a secret, by its name. One that is not well known is taken for one.
fn is_secret_header(name: &str) -> bool {
    let plain = ["accept", "content-type", "user-agent", "x-version", "mcp-protocol-version"];
    !plain.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns a value in double quotes, as files of variables have it.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('$', "\\$").replace('\n', "\\n"))
}
