//! The policy of the configuration, and the approver that adds rules to it.

use std::path::Path;
use std::sync::Arc;

use az_ai::resolver::near;
use az_core::Toolbox;
use az_core::tool::PreparedCall;
use az_mcp::client::PREFIX;
use az_mcp::policy::{Rule, RuleAction, RulePolicy};

use super::Services;
use crate::config::{ConfigError, ConfigFile, Layer};
use crate::error::CliError;
use crate::models::did_you_mean;
use crate::output::{Live, TerminalApprover};

impl Services {
    /// Returns the policy: the rules of the configuration, and what applies where none matches.
    ///
    /// # Errors
    ///
    /// A settings error for a rule about tools that do not exist.
    pub fn policy(&self) -> Result<Arc<RulePolicy>, CliError> {
        if let Some(policy) = self.policy.get() {
            return Ok(Arc::clone(policy));
        }
        let files = &self.settings.file.rules;
        // Which tools servers have is not known before they were listed.
        let is_of_server =
            |rule: &&Rule| rule.tool.as_ref().is_some_and(|tool| tool.starts_with(PREFIX));
        let rules = files.iter().flat_map(|(_, file)| &file.0);
        for rule in rules.filter(|rule| !is_of_server(rule)) {
            self.check_rule(rule).map_err(|what| {
                CliError::Settings(format!("{}: tools.rules: {what}", rule.source))
            })?;
        }
        // What is always allowed is stored in the user's file.
        let stronger = files.iter().take_while(|(layer, _)| *layer < Layer::User).count();
        let files = files.iter().map(|(_, file)| file.clone()).collect();
        // Workspaces are canonical, so that the home directory has to be, too.
        let home = self.env.path("HOME").map(|home| home.canonicalize().unwrap_or(home));
        let policy = Arc::new(RulePolicy::new(files).adding_to(stronger).with_home(home));
        Ok(Arc::clone(self.policy.get_or_init(|| policy)))
    }

    /// Checks that a rule names a tool that exists.
    fn check_rule(&self, rule: &Rule) -> Result<(), String> {
        let Some(pattern) = &rule.tool else { return Ok(()) };
        let known = self.tool_names().map_err(|error| error.to_string())?;
        if known.iter().any(|name| rule.is_about(name)) {
            return Ok(());
        }
        let likely = did_you_mean(&near(pattern, known.iter().map(String::as_str)));
        let known = known.join(", ");
        Err(format!("no tool is named {pattern:?}; the tools are {known}{likely}"))
    }

    pub(super) fn tool_names(&self) -> Result<Vec<String>, CliError> {
        Ok(self.toolbox()?.specs().iter().map(|spec| spec.name.clone()).collect())
    }

    /// Checks rules of the options `--allow` and `--deny`.
    ///
    /// # Errors
    ///
    /// A usage error for a rule that cannot be read, or about a tool that does not exist.
    pub fn check_rules(
        &self,
        option: &str,
        action: RuleAction,
        rules: &[String],
    ) -> Result<(), CliError> {
        let wrong = |what: String| CliError::Usage(format!("{option}: {what}"));
        for text in rules {
            let rule = Rule::parse(text, action, option);
            let rule = rule.map_err(|error| wrong(error.to_string()))?;
            self.check_rule(&rule).map_err(wrong)?;
        }
        Ok(())
    }

    /// Returns an approver that asks at a terminal, if there is one. A call that is always allowed is
    /// allowed by the policy of these services as well.
    ///
    /// # Errors
    ///
    /// As [`policy`](Self::policy).
    pub fn approver(&self, terminal: Option<Arc<Live>>) -> Result<TerminalApprover, CliError> {
        let approver = TerminalApprover::new(terminal);
        let Some(path) = self.settings.layers.files().user.clone() else { return Ok(approver) };
        let policy = self.policy()?;
        Ok(approver.with_rules(Arc::new(move |rule: &Rule| {
            let kept = keep_rule(&path, rule)?;
            let mut rule = rule.clone();
            rule.source.clone_from(&kept);
            policy.add(rule);
            Ok(kept)
        })))
    }

    /// Adds the rule that allows calls such as this one to the user's configuration; returns the path of the
    /// file.
    ///
    /// # Errors
    ///
    /// A settings error without a home directory, or for a file that cannot be changed.
    pub fn allow_always(&self, call: &PreparedCall) -> Result<String, CliError> {
        let path = self.settings.layers.files().user.clone().ok_or_else(|| {
            CliError::Settings("HOME is not set, so a rule cannot be stored".to_owned())
        })?;
        keep_rule(&path, &Rule::allowing(call, ""))
    }
}

/// Adds a rule to the user's file; returns its path.
///
/// # Errors
///
/// A settings error for a file that cannot be changed.
pub(crate) fn keep_rule(path: &Path, rule: &Rule) -> Result<String, CliError> {
    let mut file = ConfigFile::open(Layer::User, path)?;
    file.prepend_rule(rule)?;
    if let Some(problem) = file.problems().into_iter().next() {
        return Err(CliError::Config(ConfigError::Invalid(vec![problem])));
    }
    file.write()?;
    Ok(path.display().to_string())
}
