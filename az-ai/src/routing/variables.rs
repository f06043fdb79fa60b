//! The variables of conditions.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use az_core::{TaskPriority, Usd};
use minijinja::Value;
use minijinja::value::Object;

use super::classifier::Complexity;
use crate::resolver::{Requirements, RoutingQuery};

/// A variable in the condition of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// The estimated tokens of the task's prompt.
    Tokens,
    /// The estimated tokens of the whole request.
    RequestTokens,
    /// The limit of the reply in tokens.
    MaxTokens,
    /// The characters of the task's prompt.
    TextLength,
    /// The kind of work.
    Complexity,
    /// The priority of the task.
    Priority,
    /// The requested model.
    Model,
    /// The requirements on the model.
    Features,
    /// The remaining amount of the tightest hard budget.
    BudgetLeft,
}

/// The type of a variable's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    Number,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text or `none`.
    Name,
    /// Any of these texts.
    AnyOf(&'static [&'static str]),
}

const FEATURES: &[&str] = &["tools", "vision", "format"];
const PRIORITIES: &[&str] = &["low", "medium", "high", "urgent"];
const NANOS_PER_DOLLAR: f64 = 1e9;

impl Variable {
    /// All variables, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::Tokens,
        Self::RequestTokens,
        Self::MaxTokens,
        Self::TextLength,
        Self::Complexity,
        Self::Priority,
        Self::Model,
        Self::Features,
        Self::BudgetLeft,
    ];

    /// Returns its name in conditions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::RequestTokens => "request_tokens",
            Self::MaxTokens => "max_tokens",
            Self::TextLength => "text_length",
            Self::Complexity => "complexity",
            Self::Priority => "priority",
            Self::Model => "model",
            Self::Features => "features",
            Self::BudgetLeft => "budget_left",
        }
    }

    /// Returns its description.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Tokens => "the estimated tokens of the task's own prompt",
            Self::RequestTokens => {
                "the estimated tokens of the whole request: system prompt, conversation and tools"
            }
            Self::MaxTokens => "the limit of the reply in tokens",
            Self::TextLength => "the characters of the task's own prompt",
            Self::Complexity => "the kind of work, classified from the prompt",
            Self::Priority => "the priority of the task",
            Self::Model => "the requested model, or `none`",
            Self::Features => "what the model must support",
            Self::BudgetLeft => {
                "the dollars that the tightest hard budget has left; infinite without a budget"
            }
        }
    }

    /// Describes its values.
    pub fn values(self) -> String {
        let list = |words: &[&str]| {
            let quoted: Vec<_> = words.iter().map(|word| format!("`'{word}'`")).collect();
            quoted.join(", ")
        };
        match self.sort() {
            ValueType::Number => "a number".to_owned(),
            ValueType::OneOf(words) => list(words),
            ValueType::Name => "a text, or `none`".to_owned(),
            ValueType::AnyOf(words) => format!("a list with any of {}", list(words)),
        }
    }

    /// Finds a variable by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variable| variable.name() == name)
    }

    pub(super) const fn sort(self) -> ValueType {
        match self {
            Self::Tokens
            | Self::RequestTokens
            | Self::MaxTokens
            | Self::TextLength
            | Self::BudgetLeft => ValueType::Number,
            Self::Complexity => ValueType::OneOf(Complexity::NAMES),
            Self::Priority => ValueType::OneOf(PRIORITIES),
            Self::Model => ValueType::Name,
            Self::Features => ValueType::AnyOf(FEATURES),
        }
    }
}

/// The value of a variable, for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableValue {
    /// A number.
    Number(u64),
    /// A text.
    Text(Cow<'static, str>),
    /// Several texts.
    Texts(Vec<&'static str>),
    /// The remaining amount of a budget.
    Left(Usd),
    /// There is no budget.
    Unlimited,
    /// No value: no model was requested.
    Nothing,
}

/// Formats it as in a condition.
impl fmt::Display for VariableValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Texts(texts) => {
                let quoted: Vec<_> = texts.iter().map(|text| format!("'{text}'")).collect();
                write!(f, "[{}]", quoted.join(", "))
            }
            Self::Left(left) => left.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
            Self::Nothing => f.write_str("none"),
        }
    }
}

impl From<VariableValue> for Value {
    fn from(fact: VariableValue) -> Self {
        match fact {
            VariableValue::Number(number) => number.into(),
            VariableValue::Text(Cow::Borrowed(text)) => text.into(),
            VariableValue::Text(Cow::Owned(text)) => text.into(),
            VariableValue::Texts(texts) => texts.into(),
            VariableValue::Left(left) => dollars(left).into(),
            // Every comparison has the result of a very large amount.
            VariableValue::Unlimited => f64::INFINITY.into(),
            VariableValue::Nothing => ().into(),
        }
    }
}

/// Converts an amount for a comparison. It is never added up, and a literal such as `0.25` becomes
/// the same float.
#[expect(clippy::cast_precision_loss, reason = "beyond 9 million dollars a nano-dollar is lost")]
fn dollars(amount: Usd) -> f64 {
    amount.nanos() as f64 / NANOS_PER_DOLLAR
}

/// The values of all variables for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VariableValues {
    pub(super) prompt_tokens: u64,
    pub(super) request_tokens: u64,
    pub(super) max_tokens: u32,
    pub(super) text_length: usize,
    pub(super) complexity: Complexity,
    pub(super) priority: TaskPriority,
    pub(super) model: Option<String>,
    pub(super) requirements: Requirements,
    pub(super) budget_left: Option<Usd>,
}

impl VariableValues {
    pub(super) fn of(query: &RoutingQuery<'_>, complexity: Complexity) -> Self {
        Self {
            prompt_tokens: query.prompt_tokens,
            request_tokens: query.request_tokens,
            max_tokens: query.max_tokens,
            text_length: query.text.chars().count(),
            complexity,
            priority: query.priority,
            model: query.model.map(str::to_owned),
            requirements: query.requirements,
            budget_left: query.budget_left,
        }
    }

    pub(super) fn get(&self, variable: Variable) -> VariableValue {
        match variable {
            Variable::Tokens => VariableValue::Number(self.prompt_tokens),
            Variable::RequestTokens => VariableValue::Number(self.request_tokens),
            Variable::MaxTokens => VariableValue::Number(self.max_tokens.into()),
            Variable::TextLength => {
                VariableValue::Number(u64::try_from(self.text_length).unwrap_or(u64::MAX))
            }
            Variable::Complexity => VariableValue::Text(self.complexity.as_str().into()),
            Variable::Priority => VariableValue::Text(self.priority.as_str().into()),
            Variable::Model => self
                .model
                .clone()
                .map_or(VariableValue::Nothing, |name| VariableValue::Text(name.into())),
            Variable::Features => {
                let Requirements { tools, images, format } = self.requirements;
                let required = FEATURES.iter().zip([tools, images, format]);
                VariableValue::Texts(
                    required.filter(|(_, required)| *required).map(|(name, _)| *name).collect(),
                )
            }
            Variable::BudgetLeft => {
                self.budget_left.map_or(VariableValue::Unlimited, VariableValue::Left)
            }
        }
    }
}

/// The context of a condition: each variable is computed when the condition uses it.
impl Object for VariableValues {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(self.get(Variable::named(key)?).into())
    }
}

#[cfg(test)]
mod tests {
    use az_core::TaskPriority;

    use super::{PRIORITIES, Variable};

    #[test]
    fn the_document_lists_the_variables() {
        let row = |variable: &Variable| {
            let (name, about) = (variable.name(), variable.about());
            format!("| `{name}` | {about} | {} |\n", variable.values())
        };
        let rows: String = Variable::ALL.iter().map(row).collect();
        let document = include_str!("../../../docs/routing.md");
        assert!(document.contains(&rows), "docs/routing.md should have:\n{rows}");
    }

    #[test]
    fn priorities_are_those_of_tasks() {
        let names: Vec<_> = TaskPriority::ALL.iter().map(|priority| priority.as_str()).collect();
        assert_eq!(names, PRIORITIES);
    }
}
