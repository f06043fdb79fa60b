//! A file of the configuration that is changed.

use std::fmt;
use std::path::{Path, PathBuf};

use az_mcp::policy::Rule;

use super::document::LayerText;
use super::edit;
use super::edit_rules::prepend_rule;
use super::layer::Layer;
use super::path::KeyPath;
use super::problem::{ConfigError, ConfigProblem};
use super::typed_key::refused;
use super::write::{Access, DirectoryLock, write_atomically};

/// A file that only the user can read.
struct SecretFile {
    path: PathBuf,
    text: String,
}

impl fmt::Debug for SecretFile {
    /// The text is a secret: only the path is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretFile").field(&self.path).finish()
    }
}

/// A file of the configuration, as it is to be written.
#[derive(Debug)]
pub struct ConfigFile {
    text: LayerText,
    path: PathBuf,
    before: Option<String>,
    /// Files of keys that are written together with this file.
    secrets: Vec<SecretFile>,
    lock: Option<DirectoryLock>,
}

impl ConfigFile {
    /// Reads a file; one that does not exist is empty.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is not UTF-8.
    pub fn read(layer: Layer, path: &Path) -> Result<Self, ConfigError> {
        let read = LayerText::read(layer, path)?;
        let before = read.as_ref().map(|text| text.text.clone());
        let text = read.unwrap_or_else(|| LayerText {
            layer,
            source: path.display().to_string(),
            path: Some(path.to_owned()),
            text: String::new(),
        });
        Ok(Self { text, path: path.to_owned(), before, secrets: Vec::new(), lock: None })
    }

    /// Reads a file to change it: until this value is dropped, other processes of `az` wait.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn open(layer: Layer, path: &Path) -> Result<Self, ConfigError> {
        let lock = DirectoryLock::of_file(path, layer.access())?;
        Ok(Self { lock: Some(lock), ..Self::read(layer, path)? })
    }

    /// Adds a file that only the user can read and that this file names. It is written before this one.
    pub fn add_secret(&mut self, path: PathBuf, text: String) {
        self.secrets.push(SecretFile { path, text });
    }

    /// Whether the file exists.
    pub const fn exists(&self) -> bool {
        self.before.is_some()
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text.text
    }

    /// Replaces the whole text.
    pub fn set_text(&mut self, text: String) {
        self.text.text = text;
    }

    /// Returns all that is wrong with the text.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        self.text.parse().err().unwrap_or_default()
    }

    /// Whether the text sets a key.
    pub fn has(&self, path: &KeyPath) -> bool {
        edit::has(self.text(), path)
    }

    /// Sets a key to a value that was typed.
    ///
    /// # Errors
    ///
    /// A value that the key cannot have, or a text that is not TOML.
    pub fn set(&mut self, path: &KeyPath, typed: &str) -> Result<(), ConfigError> {
        let wrong = |what: String| ConfigError::Setting(format!("{path}: {what}"));
        let toml = path.key.kind.literal(typed).map_err(wrong)?;
        if let Some(reason) = refused(path.key, &toml) {
            return Err(wrong(reason.to_owned()));
        }
        self.set_toml(path, &toml)
    }

    /// Sets a key to a value as TOML.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_toml(&mut self, path: &KeyPath, toml: &str) -> Result<(), ConfigError> {
        self.check_syntax()?;
        let wrong = |what: String| ConfigError::Setting(format!("{path}: {what}"));
        self.text.text = edit::set(self.text(), path, toml).map_err(wrong)?;
        Ok(())
    }

    /// Adds a rule about tool calls before all others.
    ///
    /// # Errors
    ///
    /// A text that is not TOML, or that the rule cannot be added to.
    pub fn prepend_rule(&mut self, rule: &Rule) -> Result<(), ConfigError> {
        self.check_syntax()?;
        let text = prepend_rule(self.text(), rule);
        self.text.text =
            text.map_err(|what| ConfigError::Setting(format!("{}: {what}", self.path.display())))?;
        Ok(())
    }

    /// Removes a key; returns whether it was there.
    ///
    /// # Errors
    ///
    /// A text that is not TOML.
    pub fn unset(&mut self, path: &KeyPath) -> Result<bool, ConfigError> {
        self.check_syntax()?;
        let removed = edit::unset(self.text(), path).map_err(ConfigError::Setting)?;
        let was_there = removed.is_some();
        if let Some(text) = removed {
            self.text.text = text;
        }
        Ok(was_there)
    }

    /// A text that is not TOML cannot be changed key by key.
    fn check_syntax(&self) -> Result<(), ConfigError> {
        let problems = self.problems();
        let syntax = problems.into_iter().filter(|problem| problem.is_syntax());
        let syntax: Vec<_> = syntax.collect();
        if syntax.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(syntax)) }
    }

    /// Writes the file, if its text was changed, and those that were added to it. A new user's file can be read by the user only. A file
    /// that was read and not opened is locked from the check for changes until it is written.
    ///
    /// # Errors
    ///
    /// A file that another program has changed since it was read, a read-only one, or the system's.
    pub fn write(&mut self) -> Result<(), ConfigError> {
        let is_same = self.before.as_deref() == Some(self.text());
        if is_same && self.secrets.is_empty() {
            return Ok(());
        }
        let access = self.text.layer.access();
        let _lock = match self.lock {
            Some(_) => None,
            None => Some(DirectoryLock::of_file(&self.path, access)?),
        };
        if self.is_changed_by_another() {
            let path = self.path.display();
            return Err(ConfigError::Changed(format!(
                "{path} was changed by another program in the meantime; nothing was written"
            )));
        }
        for SecretFile { path, text } in std::mem::take(&mut self.secrets) {
            write_atomically(&path, text.as_bytes(), Access::Secret)?;
        }
        if is_same {
            return Ok(());
        }
        write_atomically(&self.path, self.text().as_bytes(), access)?;
        self.before = Some(self.text().to_owned());
        Ok(())
    }

    /// Whether the file is not as it was when it was read.
    pub fn is_changed_by_another(&self) -> bool {
        let now = std::fs::read(&self.path).ok();
        now.as_deref() != self.before.as_ref().map(String::as_bytes)
    }
}
