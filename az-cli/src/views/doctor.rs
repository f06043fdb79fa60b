//! The findings of `az doctor`.

use schemars::JsonSchema;
use serde::Serialize;

/// What `az doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DoctorView {
    /// The version of `az`.
    pub version: String,
    /// The worst status of all checks.
    pub status: CheckStatus,
    /// The number of errors.
    pub errors: usize,
    /// The number of warnings.
    pub warnings: usize,
    /// The findings, in the order of the checks.
    pub checks: Vec<CheckView>,
}

impl DoctorView {
    /// Creates the view of these findings.
    pub fn new(version: impl Into<String>, checks: Vec<CheckView>) -> Self {
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        let (errors, warnings) = (count(CheckStatus::Error), count(CheckStatus::Warning));
        let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
        Self { version: version.into(), status, errors, warnings, checks }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CheckView {
    /// What was checked: `config`, `trust`, `store`, `ledger`, `disk`, `clock`, `files`, `sandbox`,
    /// `key`, `provider`, `local_server`, `model` or `terminal`.
    pub check: &'static str,
    /// Which of them: the path of a file, the address of a store or a server, the name of an entry or a model;
    /// `null` if there is only one.
    pub subject: Option<String>,
    /// How it is.
    pub status: CheckStatus,
    /// What was found.
    pub found: String,
    /// What to do about it: a command, or a key to set; `null` if there is nothing to do.
    pub remedy: Option<String>,
}

/// How serious a finding is, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// Nothing is wrong.
    Ok,
    /// Something may go wrong, or does not work that need not.
    Warning,
    /// Something does not work.
    Error,
}

impl CheckStatus {
    /// Returns the status in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl CheckView {
    /// Creates the finding that nothing is wrong.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        let found = found.into();
        Self { check, subject: None, status: CheckStatus::Ok, found, remedy: None }
    }

    /// Creates the finding of something that may go wrong.
    pub fn warning(check: &'static str, found: impl Into<String>) -> Self {
        Self { status: CheckStatus::Warning, ..Self::ok(check, found) }
    }

    /// Creates the finding of something that does not work.
    pub fn error(check: &'static str, found: impl Into<String>) -> Self {
        Self { status: CheckStatus::Error, ..Self::ok(check, found) }
    }

    /// Returns the finding with what it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Returns the finding with what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckStatus, CheckView, DoctorView};

    #[test]
    fn the_status_is_that_of_the_worst_finding() {
        let view = |checks| DoctorView::new("1", checks);
        let (ok, warning) = (CheckView::ok("disk", ""), CheckView::warning("clock", ""));
        assert_eq!(view(vec![]).status, CheckStatus::Ok);
        assert_eq!(view(vec![warning.clone(), ok.clone()]).status, CheckStatus::Warning);
        let all = view(vec![CheckView::error("store", ""), warning, ok]);
        assert_eq!((all.status, all.errors, all.warnings), (CheckStatus::Error, 1, 1));
    }
}
