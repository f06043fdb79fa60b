//! The policy of rules.

use std::iter;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use az_core::Task;
use az_core::policy::{ApprovalTerms, Policy, PolicyDecision, WorkspacePolicy};
use az_core::tool::{Access, PreparedCall, ToolSpec};

use super::pattern::Places;
use super::protected::is_protected;
use super::rule::{Rule, RuleAction};

/// The rules of one file, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFile(pub Vec<Rule>);

/// A policy by rules.
///
/// 1. In each file, the first rule that matches a call counts. The task's own `allow` and `deny` options
///    are the first file.
/// 2. If it denies in any file, the call is denied. Otherwise the first file with a match decides.
/// 3. Writing a [protected](is_protected) file needs an approval of its own, unless a rule allows it by
///    the path, the command or the arguments.
/// 4. Where no rule matches, another policy decides: by default what the tool can reach, as
///    [`WorkspacePolicy::by_scope`] does.
///
/// The same rules decide in the same way. Rules can be [added](Self::add) while tasks run; a clone has
/// them as well.
#[derive(Debug, Clone)]
pub struct RulePolicy {
    files: Vec<RuleFile>,
    /// The rules that were added, the last one first.
    added: Arc<RwLock<RuleFile>>,
    /// The index of the file that they are added to.
    added_to: usize,
    home: Option<PathBuf>,
    otherwise: Option<Arc<dyn Policy>>,
}

/// A decision, and what it is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The decision.
    pub decision: PolicyDecision,
    /// What decided.
    pub by: DecidedBy,
}

/// What decided about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecidedBy {
    /// A rule.
    Rule(Box<Rule>),
    /// A protected file that the call writes.
    Protected(&'static str),
    /// The scope and the effect of the tool.
    Scope,
}

impl Default for RulePolicy {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl RulePolicy {
    /// Creates a policy with the rules of these files, those that take precedence first.
    pub fn new(files: Vec<RuleFile>) -> Self {
        let added = Arc::default();
        Self { files, added, added_to: 0, home: None, otherwise: None }
    }

    /// Sets the home directory, which `~/` means in patterns of paths.
    #[must_use]
    pub fn with_home(mut self, home: Option<PathBuf>) -> Self {
        self.home = home;
        self
    }

    /// Sets the policy for calls that no rule matches.
    #[must_use]
    pub fn otherwise(mut self, policy: Arc<dyn Policy>) -> Self {
        self.otherwise = Some(policy);
        self
    }

    /// Sets the index of the file that rules are [added](Self::add) to; without it, the first. There need not
    /// be such a file.
    #[must_use]
    pub const fn adding_to(mut self, file: usize) -> Self {
        self.added_to = file;
        self
    }

    /// Adds a rule before the others of its file.
    pub fn add(&self, rule: Rule) {
        self.added.write().unwrap_or_else(PoisonError::into_inner).0.insert(0, rule);
    }

    /// Decides about a call, and returns what decided.
    pub fn explain(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> Verdict {
        let places =
            Places { workspace: task.options.workspace.as_deref(), home: self.home.as_deref() };
        let of_task = of_task(task);
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        let (before, after) = self.files.split_at(self.added_to.min(self.files.len()));
        let (changed, after) = match after {
            [changed, after @ ..] => (changed.0.as_slice(), after),
            [] => (&[][..], after),
        };
        let files = iter::once([&[], of_task.0.as_slice()])
            .chain(before.iter().map(|file| [&[], file.0.as_slice()]))
            .chain([[added.0.as_slice(), changed]])
            .chain(after.iter().map(|file| [&[], file.0.as_slice()]));
        let matched: Vec<_> = files
            .filter_map(|file| {
                file.into_iter().flatten().find(|rule| rule.matches(&tool.name, call, &places))
            })
            .collect();
        let denying = matched.iter().find(|rule| rule.action == RuleAction::Deny);
        let rule = denying.or(matched.first()).copied();
        let protected = written(call).find_map(is_protected);
        match (rule, protected) {
            (Some(rule), Some(protected))
                if rule.action == RuleAction::Allow && !rule.is_specific() =>
            {
                protected_verdict(protected)
            }
            (Some(rule), _) => rule_verdict(rule),
            (None, Some(protected)) => protected_verdict(protected),
            (None, None) => {
                let decision = match &self.otherwise {
                    Some(policy) => policy.evaluate(task, tool, call),
                    // The options of the task have been read as rules.
                    None => WorkspacePolicy::by_scope(tool, call),
                };
                Verdict { decision, by: DecidedBy::Scope }
            }
        }
    }
}

impl Policy for RulePolicy {
    fn evaluate(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision {
        self.explain(task, tool, call).decision
    }
}

/// Returns the rules of a task's options. A rule that cannot be read allows nothing, and denies its tool.
fn of_task(task: &Task) -> RuleFile {
    let rules = |specs: &[String], action: RuleAction, option: &str| -> Vec<Rule> {
        let parsed = specs.iter().map(|spec| {
            let source = format!("{option} {spec}");
            Rule::parse(spec, action, source.clone()).ok().or_else(|| {
                let tool = spec.split('(').next().unwrap_or_default().trim();
                let denies = action == RuleAction::Deny;
                denies.then(|| Rule::new(action, source).with_tool(tool))
            })
        });
        parsed.flatten().collect()
    };
    let mut of_task = rules(&task.options.deny, RuleAction::Deny, "--deny");
    of_task.extend(rules(&task.options.allow, RuleAction::Allow, "--allow"));
    RuleFile(of_task)
}

fn written(call: &PreparedCall) -> impl Iterator<Item = &str> {
    call.accesses.iter().filter_map(|access| match access {
        Access::Write { path } => Some(path.as_str()),
        _ => None,
    })
}

fn protected_verdict(protected: &'static str) -> Verdict {
    let reason = format!("it writes {protected}, which other programs run or obey");
    let decision = PolicyDecision::Ask(ApprovalTerms::new(reason).per_call());
    Verdict { decision, by: DecidedBy::Protected(protected) }
}

fn rule_verdict(rule: &Rule) -> Verdict {
    let reason = |default: &str| rule.reason.clone().unwrap_or_else(|| default.to_owned());
    let decision = match rule.action {
        RuleAction::Allow => PolicyDecision::Allow,
        RuleAction::Ask => {
            let terms = ApprovalTerms::new(reason("a rule asks about such calls"))
                .with_deny_after(rule.deny_after);
            // A rule about certain calls asks about each of them.
            PolicyDecision::Ask(if rule.is_specific() { terms.per_call() } else { terms })
        }
        RuleAction::Deny => PolicyDecision::Deny { reason: reason("a rule denies such calls") },
    };
    Verdict { decision, by: DecidedBy::Rule(Box::new(rule.clone())) }
}
