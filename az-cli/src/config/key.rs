//! What a key of the configuration is: its kind of value, its default, its variable.

use super::kind::Kind;

/// A key of the configuration. The table of all of them is [`KEYS`](super::keys::KEYS).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Key {
    /// The name within its table.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// What it sets.
    pub about: &'static str,
    /// What applies where no layer sets it.
    pub default: DefaultValue,
    /// The environment variable that sets it.
    pub variable: Option<&'static str>,
    /// Whether a project file may set it before it is trusted, and a store at all.
    pub harmless: bool,
    /// Whether a table that can have this key must have it.
    pub required: bool,
}

/// What applies where no layer sets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// Nothing.
    None,
    /// A value, as TOML.
    Toml(&'static str),
    /// What `az` finds on the machine, in words.
    Found(&'static str),
}

impl Key {
    /// Creates a key without a default and without a variable, which a project file may set only once
    /// it is trusted.
    pub(super) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        let (default, variable) = (DefaultValue::None, None);
        Self { name, kind, about, default, variable, harmless: false, required: false }
    }

    /// Returns the key with a default value, as TOML.
    pub(super) const fn or(mut self, toml: &'static str) -> Self {
        self.default = DefaultValue::Toml(toml);
        self
    }

    /// Returns the key with a default that depends on the machine.
    pub(super) const fn or_found(mut self, words: &'static str) -> Self {
        self.default = DefaultValue::Found(words);
        self
    }

    /// Returns the key with the environment variable that sets it.
    pub(super) const fn set_by(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    /// Returns the key as one that a project file may set before it is trusted.
    pub(super) const fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// Returns the key as one that its table must have.
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Returns the keys below this one; none unless it is a table, or has several of them.
    pub const fn below(&self) -> &'static [Self] {
        match self.kind {
            Kind::Table(keys) | Kind::Tables(keys) | Kind::NamedTables(keys) => keys,
            _ => &[],
        }
    }

    /// Finds the key of this name in a table; the case of names does not count.
    pub fn find(keys: &'static [Self], name: &str) -> Option<&'static Self> {
        keys.iter().find(|key| key.name.eq_ignore_ascii_case(name))
    }
}
