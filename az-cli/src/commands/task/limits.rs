//! The options for the limits of a task.

use std::time::Duration;

use az_core::task::{TaskOptions, UnattendedMode};
use az_mcp::policy::RuleAction;
use clap::Args;

use crate::commands::ask_mode::AskMode;
use crate::config::parse_duration;
use crate::error::CliError;
use crate::services::Services;

/// The limits of a task; a resumed task can be given other ones.
#[derive(Debug, Args)]
pub(super) struct LimitArgs {
    /// Run these calls without approval: tools, or TOOL(PATTERN), separated by commas
    #[arg(long, value_name = "RULES")]
    allow: Vec<String>,
    /// Never make these calls: tools, or TOOL(PATTERN), separated by commas
    #[arg(long, value_name = "RULES")]
    deny: Vec<String>,
    /// Pass these environment variables to its commands, separated by commas; only the names are
    /// stored
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = variable)]
    pub(super) env: Vec<String>,
    /// Stop after this many steps in all [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_steps: Option<u32>,
    /// Stop after this many tool calls in all [default: 10 for each step]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_calls: Option<u32>,
    /// Stop after this time, such as 90s, 10m or 1h30m; a resumed task starts anew
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// If a call needs an approval and no one can be asked: park the task until the call is answered,
    /// or end it as failed [default: deny]
    #[arg(long, value_name = "MODE")]
    ask: Option<AskMode>,
}

impl LimitArgs {
    /// Returns what to do about a call that needs an answer if no one can be asked, if the option is set.
    fn unattended(&self) -> Option<UnattendedMode> {
        self.ask.map(UnattendedMode::from)
    }

    /// Sets the limits that the command line has.
    pub(super) fn apply_to(&self, options: &mut TaskOptions) {
        options.max_steps = self.max_steps.or(options.max_steps);
        options.max_calls = self.max_calls.or(options.max_calls);
        options.timeout = self.timeout.or(options.timeout);
        options.unattended = self.unattended().or(options.unattended);
    }

    /// Returns the rules of `--allow` and those of `--deny`.
    ///
    /// # Errors
    ///
    /// A usage error for a rule that cannot be read, or about a tool that does not exist.
    pub(super) fn rules(
        &self,
        services: &Services,
    ) -> Result<(Vec<String>, Vec<String>), CliError> {
        rules_of(&self.allow, &self.deny, services)
    }
}

/// Returns the rules of `--allow` and those of `--deny`, each by itself.
///
/// # Errors
///
/// A usage error for a rule that cannot be read, or about a tool that does not exist.
pub(in crate::commands) fn rules_of(
    allow: &[String],
    deny: &[String],
    services: &Services,
) -> Result<(Vec<String>, Vec<String>), CliError> {
    let (allow, deny) = (split_rules(allow), split_rules(deny));
    services.check_rules("--allow", RuleAction::Allow, &allow)?;
    services.check_rules("--deny", RuleAction::Deny, &deny)?;
    Ok((allow, deny))
}

/// Splits rules at the commas that are not in parentheses.
fn split_rules(texts: &[String]) -> Vec<String> {
    let mut rules = Vec::new();
    for text in texts {
        let mut depth = 0_i32;
        let parts = text.split(|char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            char == ',' && depth <= 0
        });
        rules.extend(parts.map(|rule| rule.trim().to_owned()));
    }
    rules
}

/// Checks the name of a variable.
fn variable(name: &str) -> Result<String, String> {
    match name {
        "" => Err("must be the name of a variable".to_owned()),
        name if name.contains('=') => Err(
            "must be a name without a value, because a value would be stored with the task; set the \
             variable in the environment of az, or in shell.env of the configuration file"
                .to_owned(),
        ),
        name => Ok(name.to_owned()),
    }
}
