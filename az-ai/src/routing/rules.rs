//! Compiled rules.

use std::fmt;
use std::sync::{Arc, LazyLock};

use az_core::{TaskPriority, Usd};
use minijinja::{Environment, Expression, Value};

use super::check::{ConditionError, FALLBACK, check, describe};
use super::classifier::Complexity;
use super::problem::{Problem, ProblemLocation, RulesError};
use super::route::RuleOutcome;
use super::variables::{Variable, VariableValues};
use crate::config::RoutingRule;
use crate::resolver::Requirements;
use crate::source::SourceLocation;

/// MiniJinja without its filters, functions and tests.
static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(Environment::empty);

/// A rule with its compiled condition.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) rule: Arc<RoutingRule>,
    /// The name of its model.
    pub(super) name: Arc<str>,
    pub(super) condition: Condition,
}

/// The condition of a rule.
pub(super) enum Condition {
    /// Holds when no other rule does.
    Fallback,
    /// Holds when the expression is true.
    When { expression: Expression<'static, 'static>, reads: Vec<Variable> },
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fallback => f.write_str("Fallback"),
            Self::When { reads, .. } => {
                f.debug_struct("When").field("reads", reads).finish_non_exhaustive()
            }
        }
    }
}

impl Rule {
    /// Returns the variables that the condition uses.
    pub(super) fn reads(&self) -> &[Variable] {
        match &self.condition {
            Condition::Fallback => &[],
            Condition::When { reads, .. } => reads,
        }
    }

    pub(super) const fn is_fallback(&self) -> bool {
        matches!(self.condition, Condition::Fallback)
    }

    /// Evaluates the condition.
    pub(super) fn evaluate(&self, facts: &Value) -> RuleOutcome {
        let Condition::When { expression, .. } = &self.condition else {
            return RuleOutcome::Held;
        };
        match expression.eval(facts.clone()) {
            Ok(value) if value.is_true() => RuleOutcome::Held,
            Ok(_) => RuleOutcome::NotHeld,
            Err(error) => RuleOutcome::Failed(describe(&error)),
        }
    }
}

/// Rules that were checked together.
#[derive(Debug, Default)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<Rule>,
}

impl RuleSet {
    /// Checks and compiles rules. `near` returns `None` for a known model, and similar names for an
    /// unknown one.
    pub(super) fn check(
        rules: Vec<RoutingRule>,
        near: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Self, RulesError> {
        let mut problems = Vec::new();
        let mut checked = Vec::with_capacity(rules.len());
        for (rule, number) in rules.into_iter().zip(1..) {
            let condition = compile(rule.condition.trim());
            if let Err(flaw) = &condition {
                problems.push(problem_of(&rule, number, flaw));
            }
            if let Some(near) = near(&rule.provider) {
                let at = match &rule.locations {
                    Some(locations) => ProblemLocation::File(locations.provider.clone()),
                    None => ProblemLocation::Rule { number, character: None },
                };
                let what = format!("no model is called {:?}", rule.provider);
                problems.push(Problem { at, what, near });
            }
            if let Ok(condition) = condition {
                let name = rule.provider.as_str().into();
                checked.push(Rule { rule: Arc::new(rule), name, condition });
            }
        }
        if problems.is_empty() { Ok(Self { rules: checked }) } else { Err(RulesError { problems }) }
    }

    /// Whether any condition uses a variable.
    pub(super) fn reads(&self, variable: Variable) -> bool {
        self.rules.iter().any(|rule| rule.reads().contains(&variable))
    }
}

fn compile(condition: &str) -> Result<Condition, ConditionError> {
    if condition == FALLBACK {
        return Ok(Condition::Fallback);
    }
    let reads = check(condition)?;
    let flaw = |error: &minijinja::Error| ConditionError {
        offset: error.range().map_or(0, |range| range.start),
        what: format!("the condition cannot be evaluated: {}", describe(error)),
        near: Vec::new(),
    };
    let expression = LANGUAGE.compile_expression_owned(condition.to_owned());
    let expression = expression.map_err(|error| flaw(&error))?;
    for sample in samples() {
        expression.eval(Value::from_object(sample)).map_err(|error| flaw(&error))?;
    }
    Ok(Condition::When { expression, reads })
}

/// Returns the facts of a small and of a large request, to test conditions with.
fn samples() -> [VariableValues; 2] {
    let small = VariableValues {
        prompt_tokens: 100,
        request_tokens: 1200,
        max_tokens: 256,
        text_length: 40,
        complexity: Complexity::Simple,
        priority: TaskPriority::Low,
        model: None,
        requirements: Requirements::default(),
        budget_left: None,
    };
    let large = VariableValues {
        prompt_tokens: 20_000,
        request_tokens: 22_000,
        max_tokens: 8192,
        text_length: 60_000,
        complexity: Complexity::Code,
        priority: TaskPriority::Urgent,
        model: Some("some-model".to_owned()),
        requirements: Requirements { tools: true, images: true, format: true },
        budget_left: Some(Usd::from_dollars(5)),
    };
    [small, large]
}

/// Locates the error in a condition, as precisely as possible.
fn problem_of(rule: &RoutingRule, number: usize, flaw: &ConditionError) -> Problem {
    let blanks = rule.condition.len() - rule.condition.trim_start().len();
    let offset = flaw.offset.saturating_add(blanks);
    let at = match &rule.locations {
        Some(locations) => ProblemLocation::File(match &locations.condition {
            Some(location) => location.advanced(&rule.condition, offset),
            None => locations.rule.clone(),
        }),
        None => {
            let start = SourceLocation::start_of(String::new());
            let character = start.advanced(&rule.condition, offset).column;
            ProblemLocation::Rule { number, character: Some(character) }
        }
    };
    let what = match rule.condition.trim() {
        "" => flaw.what.clone(),
        condition => format!("{} (in `{condition}`)", flaw.what),
    };
    Problem { at, what, near: flaw.near.clone() }
}
