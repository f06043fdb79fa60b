//! One rule.

use std::fmt;
use std::time::Duration;

use az_core::approval::call_digest;
use az_core::tool::{Access, PreparedCall};

use super::command::{certainly_matches, check_pattern, exact_pattern, may_match};
use super::pattern::{Places, check_host, check_path, host_matches, path_matches, tool_matches};

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleAction {
    /// The call may be made.
    Allow,
    /// A person is asked.
    Ask,
    /// The call may not be made.
    Deny,
}

impl RuleAction {
    /// The names of all actions.
    pub const NAMES: [&'static str; 3] = ["allow", "ask", "deny"];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// Returns the action of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny].into_iter().find(|action| action.as_str() == name)
    }
}

/// Whether a rule about paths is about reading or writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessKind {
    /// Reading a file, or listing a directory.
    Read,
    /// Creating, changing or deleting a file.
    Write,
}

/// A rule about calls: what they have to be, and what is decided about them. A criterion that is absent
/// fits every call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The decision.
    pub action: RuleAction,
    /// A pattern of names of tools, such as `filesystem.*`.
    pub tool: Option<String>,
    /// A pattern of paths, such as `secrets/**` or `*.pem`.
    pub path: Option<String>,
    /// Whether the rule is about reading or writing paths alone.
    pub access: Option<AccessKind>,
    /// A pattern of commands, such as `cargo test *`.
    pub command: Option<String>,
    /// A host, such as `example.org` or `*.example.org`.
    pub host: Option<String>,
    /// The digest of the tool and the arguments, as [`call_digest`] returns it.
    pub arguments: Option<String>,
    /// How long a call that is asked about waits before it is denied.
    pub deny_after: Option<Duration>,
    /// Why, for the person who is asked or for the model.
    pub reason: Option<String>,
    /// Where the rule is written, such as `az.toml:12`.
    pub source: String,
}

/// Formats the rule as `allow shell.execute, command "cargo test"`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = self.tool.as_deref().unwrap_or("every tool");
        write!(f, "{} {tool}", self.action.as_str())?;
        match self.access {
            Some(AccessKind::Read) => f.write_str(", reading")?,
            Some(AccessKind::Write) => f.write_str(", writing")?,
            None => {}
        }
        let path_alone = self.path == self.command && self.path == self.host;
        let criteria = if path_alone {
            vec![("", &self.path)]
        } else {
            vec![("path ", &self.path), ("command ", &self.command), ("host ", &self.host)]
        };
        for (name, value) in criteria {
            if let Some(value) = value {
                write!(f, ", {name}{value:?}")?;
            }
        }
        if let Some(digest) = &self.arguments {
            write!(f, ", these arguments ({})", digest.get(..12).unwrap_or(digest))?;
        }
        Ok(())
    }
}

impl Rule {
    /// Creates a rule about every call.
    pub fn new(action: RuleAction, source: impl Into<String>) -> Self {
        Self {
            action,
            tool: None,
            path: None,
            access: None,
            command: None,
            host: None,
            arguments: None,
            deny_after: None,
            reason: None,
            source: source.into(),
        }
    }

    /// Sets the pattern of names of tools.
    #[must_use]
    pub fn with_tool(mut self, pattern: impl Into<String>) -> Self {
        self.tool = Some(pattern.into());
        self
    }

    /// Sets the pattern of paths.
    #[must_use]
    pub fn with_path(mut self, pattern: impl Into<String>) -> Self {
        self.path = Some(pattern.into());
        self
    }

    /// Sets the pattern of commands.
    #[must_use]
    pub fn with_command(mut self, pattern: impl Into<String>) -> Self {
        self.command = Some(pattern.into());
        self
    }

    /// Sets the pattern of hosts.
    #[must_use]
    pub fn with_host(mut self, pattern: impl Into<String>) -> Self {
        self.host = Some(pattern.into());
        self
    }

    /// Returns the rule that allows calls such as this one and no others: by its command, its path, its host,
    /// or the digest of its arguments.
    pub fn allowing(call: &PreparedCall, source: impl Into<String>) -> Self {
        let invocation = &call.invocation;
        let rule = Self::new(RuleAction::Allow, source).with_tool(&invocation.tool);
        let literal = |text: &str| !text.contains(['*', '?', '[', '{', '\\', '!']);
        match call.accesses.as_slice() {
            [Access::Command { text, env }] if env.is_empty() => {
                if let Some(pattern) = exact_pattern(text) {
                    return rule.with_command(pattern);
                }
            }
            [Access::Host { name }] if literal(name) => return rule.with_host(name),
            accesses => {
                if let Some(path) = only_path(accesses).filter(|path| literal(path) && *path != ".")
                {
                    // Not the file of this name in every workspace.
                    let workspace = invocation.workspace.as_deref().filter(|dir| literal(dir));
                    return rule.with_path(match workspace {
                        Some(workspace) if !path.starts_with('/') => format!("{workspace}/{path}"),
                        _ if path.contains('/') => path.to_owned(),
                        _ => format!("./{path}"),
                    });
                }
            }
        }
        let digest = call_digest(&invocation.tool, &invocation.arguments);
        Self { arguments: Some(digest), ..rule }
    }

    /// Returns what is wrong with the rule.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if let Some(problem) = self.command.as_deref().and_then(check_pattern) {
            return Some(("command", problem.to_owned()));
        }
        if let Some(problem) = self.path.as_deref().and_then(check_path) {
            return Some(("path", problem.to_owned()));
        }
        if let Some(problem) = self.host.as_deref().and_then(check_host) {
            return Some(("host", problem.to_owned()));
        }
        let criteria = [&self.path, &self.command, &self.host].into_iter().flatten().count();
        if criteria > 1 {
            let one = "a rule is about paths, commands or hosts; write a rule for each";
            return Some((if self.path.is_some() { "path" } else { "command" }, one.to_owned()));
        }
        if self.deny_after.is_some() && self.action != RuleAction::Ask {
            return Some(("deny_after", "is of use only with `action = \"ask\"`".to_owned()));
        }
        if self.access.is_some() && self.path.is_none() {
            return Some(("access", "is of use only with `path`".to_owned()));
        }
        None
    }

    /// Whether the rule may be about calls of a tool.
    pub fn is_about(&self, tool: &str) -> bool {
        self.tool.as_deref().is_none_or(|pattern| tool_matches(pattern, tool))
    }

    /// Whether the rule names what a call accesses, or the call itself, and not only its tool.
    pub(super) fn is_specific(&self) -> bool {
        self.path.is_some()
            || self.command.is_some()
            || self.host.is_some()
            || self.arguments.is_some()
    }

    /// Whether the rule is about a call.
    ///
    /// A rule that allows has to fit everything that the call accesses, and one that denies or asks a
    /// part of it.
    pub(super) fn matches(&self, tool: &str, call: &PreparedCall, places: &Places<'_>) -> bool {
        if !self.is_about(tool) {
            return false;
        }
        let digest = || call_digest(tool, &call.invocation.arguments);
        if self.arguments.as_ref().is_some_and(|arguments| *arguments != digest()) {
            return false;
        }
        if self.path.is_none() && self.command.is_none() && self.host.is_none() {
            return true;
        }
        let mut accesses = call.accesses.iter();
        match self.action {
            RuleAction::Allow => {
                // Who may write a file may have it quoted, as an edit does.
                let fits = |access: &Access| match access {
                    Access::Read { path } if writes(call, path) => {
                        self.fits(access, places)
                            || self.fits(&Access::Write { path: path.clone() }, places)
                    }
                    access => self.fits(access, places),
                };
                !call.accesses.is_empty() && accesses.all(fits)
            }
            RuleAction::Ask | RuleAction::Deny => accesses.any(|access| self.fits(access, places)),
        }
    }

    fn fits(&self, access: &Access, places: &Places<'_>) -> bool {
        let path_fits = |path: &str, kind: AccessKind| {
            self.access.is_none_or(|access| access == kind)
                && self.path.as_ref().is_some_and(|pattern| path_matches(pattern, path, places))
        };
        match access {
            Access::Read { path } => path_fits(path, AccessKind::Read),
            Access::Write { path } => path_fits(path, AccessKind::Write),
            Access::Host { name } => {
                self.host.as_ref().is_some_and(|pattern| host_matches(pattern, name))
            }
            Access::Command { text, env } => self.command.as_ref().is_some_and(|pattern| {
                match self.action {
                    // Variables can change which program a name means, and what it does.
                    RuleAction::Allow => env.is_empty() && certainly_matches(pattern, text),
                    RuleAction::Ask | RuleAction::Deny => may_match(pattern, text),
                }
            }),
            _ => false,
        }
    }
}

fn writes(call: &PreparedCall, path: &str) -> bool {
    call.accesses
        .iter()
        .any(|access| matches!(access, Access::Write { path: written } if written == path))
}

/// Returns the path of the only file that is accessed, however often.
fn only_path(accesses: &[Access]) -> Option<&str> {
    fn path(access: &Access) -> Option<&str> {
        match access {
            Access::Read { path } | Access::Write { path } => Some(path),
            _ => None,
        }
    }
    let first = path(accesses.first()?)?;
    accesses.iter().all(|access| path(access) == Some(first)).then_some(first)
}
