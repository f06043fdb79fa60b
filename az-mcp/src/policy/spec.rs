//! Rules as words: `TOOL`, or `TOOL(PATTERN)`.

use az_core::{Error, Result};

use super::command::check_pattern;
use super::pattern::{check_host, check_path};
use super::rule::{Rule, RuleAction};

impl Rule {
    /// Parses a rule such as `filesystem.write` or `shell.execute(cargo test *)`. The pattern is one of
    /// commands, paths or hosts, as the tool accesses them.
    ///
    /// # Errors
    ///
    /// `Invalid` for a text of another form.
    pub fn parse(text: &str, action: RuleAction, source: impl Into<String>) -> Result<Self> {
        let invalid = || {
            let what = "must be the name of a tool, or TOOL(PATTERN), such as \
                        \"shell.execute(cargo test *)\"";
            Error::invalid("rule", format!("{text:?}: {what}"))
        };
        let (tool, pattern) = match text.trim().split_once('(') {
            None => (text.trim(), None),
            Some((tool, rest)) => (tool.trim(), Some(rest.strip_suffix(')').ok_or_else(invalid)?)),
        };
        let legal = |char: char| char.is_ascii_alphanumeric() || "_.-*".contains(char);
        if tool.is_empty() || !tool.chars().all(legal) || pattern.is_some_and(str::is_empty) {
            return Err(invalid());
        }
        let problem = match pattern {
            Some(pattern) if tool.starts_with("filesystem") => check_path(pattern),
            Some(pattern) if tool.starts_with("shell") => check_pattern(pattern),
            Some(pattern) if tool.split(['.', '*']).next() == Some("web") => check_host(pattern),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Error::invalid("rule", format!("{text:?}: the pattern {problem}")));
        }
        let rule = Self::new(action, source).with_tool(tool);
        Ok(match pattern {
            None => rule,
            Some(pattern) => rule.with_path(pattern).with_command(pattern).with_host(pattern),
        })
    }
}
