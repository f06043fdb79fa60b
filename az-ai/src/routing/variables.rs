//! What a rule can ask about.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use az_core::{TaskPriority, Usd};
use minijinja::Value;
use minijinja::value::Object;

use super::classifier::Complexity;
use crate::resolver::{Needs, Wanted};

/// A variable in the condition of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// About how many tokens are sent.
    Tokens,
    /// How many tokens the reply may have.
    MaxTokens,
    /// How many characters the task has.
    TextLength,
    /// What sort of work it is.
    Complexity,
    /// How soon it should run.
    Priority,
    /// The model that was named.
    Model,
    /// What the model has to be able to do.
    Features,
    /// What the tightest budget has left.
    BudgetLeft,
}

/// What sort of value a variable has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Number,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text, or none.
    Name,
    /// Any of these texts.
    AnyOf(&'static [&'static str]),
}

const FEATURES: &[&str] = &["tools", "vision", "format"];
const PRIORITIES: &[&str] = &["low", "medium", "high", "urgent"];
const NANOS_PER_DOLLAR: f64 = 1e9;

impl Variable {
    /// All of them, as they are listed.
    pub const ALL: &[Self] = &[
        Self::Tokens,
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
            Self::MaxTokens => "max_tokens",
            Self::TextLength => "text_length",
            Self::Complexity => "complexity",
            Self::Priority => "priority",
            Self::Model => "model",
            Self::Features => "features",
            Self::BudgetLeft => "budget_left",
        }
    }

    /// Says what it is, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Tokens => "about how many tokens are sent: messages and tools",
            Self::MaxTokens => "how many tokens the reply may have",
            Self::TextLength => "how many characters the task has",
            Self::Complexity => "what sort of work the task is",
            Self::Priority => "how soon the task should run",
            Self::Model => "the model that was named, or `none`",
            Self::Features => "what the model has to be able to do",
            Self::BudgetLeft => {
                "dollars that the tightest hard budget has left; without one, more \
                                 than any number"
            }
        }
    }

    /// Returns the values that it can have, in words.
    pub fn values(self) -> String {
        let list = |words: &[&str]| {
            let quoted: Vec<_> = words.iter().map(|word| format!("`'{word}'`")).collect();
            quoted.join(", ")
        };
        match self.sort() {
            Sort::Number => "a number".to_owned(),
            Sort::OneOf(words) => list(words),
            Sort::Name => "a text, or `none`".to_owned(),
            Sort::AnyOf(words) => format!("a list with any of {}", list(words)),
        }
    }

    /// Finds a variable by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variable| variable.name() == name)
    }

    pub(super) const fn sort(self) -> Sort {
        match self {
            Self::Tokens | Self::MaxTokens | Self::TextLength | Self::BudgetLeft => Sort::Number,
            Self::Complexity => Sort::OneOf(Complexity::NAMES),
            Self::Priority => Sort::OneOf(PRIORITIES),
            Self::Model => Sort::Name,
            Self::Features => Sort::AnyOf(FEATURES),
        }
    }
}

/// The value of a variable, for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// A number.
    Number(u64),
    /// A text.
    Text(Cow<'static, str>),
    /// Several texts.
    Texts(Vec<&'static str>),
    /// What is left of a budget.
    Left(Usd),
    /// There is no budget.
    Unlimited,
    /// Nothing was named.
    Nothing,
}

/// Writes it as a condition would have it.
impl fmt::Display for Fact {
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

impl From<Fact> for Value {
    fn from(fact: Fact) -> Self {
        match fact {
            Fact::Number(number) => number.into(),
            Fact::Text(Cow::Borrowed(text)) => text.into(),
            Fact::Text(Cow::Owned(text)) => text.into(),
            Fact::Texts(texts) => texts.into(),
            Fact::Left(left) => dollars(left).into(),
            // So that any comparison with it comes out as it does for somebody who has plenty.
            Fact::Unlimited => f64::INFINITY.into(),
            Fact::Nothing => ().into(),
        }
    }
}

/// Returns an amount as conditions compare it. It is compared with and never added up, and what a
/// person writes, such as `0.25`, becomes the same float.
#[expect(clippy::cast_precision_loss, reason = "beyond 9 million dollars a nano-dollar is lost")]
fn dollars(amount: Usd) -> f64 {
    amount.nanos() as f64 / NANOS_PER_DOLLAR
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) tokens: u64,
    pub(super) max_tokens: u32,
    pub(super) text_length: usize,
    pub(super) complexity: Complexity,
    pub(super) priority: TaskPriority,
    pub(super) model: Option<String>,
    pub(super) needs: Needs,
    pub(super) budget_left: Option<Usd>,
}

impl Facts {
    pub(super) fn of(wanted: &Wanted<'_>, complexity: Complexity) -> Self {
        Self {
            tokens: wanted.tokens,
            max_tokens: wanted.max_tokens,
            text_length: wanted.text.chars().count(),
            complexity,
            priority: wanted.priority,
            model: wanted.model.map(str::to_owned),
            needs: wanted.needs,
            budget_left: wanted.budget_left,
        }
    }

    pub(super) fn get(&self, variable: Variable) -> Fact {
        match variable {
            Variable::Tokens => Fact::Number(self.tokens),
            Variable::MaxTokens => Fact::Number(self.max_tokens.into()),
            Variable::TextLength => {
                Fact::Number(u64::try_from(self.text_length).unwrap_or(u64::MAX))
            }
            Variable::Complexity => Fact::Text(self.complexity.as_str().into()),
            Variable::Priority => Fact::Text(self.priority.as_str().into()),
            Variable::Model => {
                self.model.clone().map_or(Fact::Nothing, |name| Fact::Text(name.into()))
            }
            Variable::Features => {
                let Needs { tools, images, format } = self.needs;
                let needed = FEATURES.iter().zip([tools, images, format]);
                Fact::Texts(needed.filter(|(_, needed)| *needed).map(|(name, _)| *name).collect())
            }
            Variable::BudgetLeft => self.budget_left.map_or(Fact::Unlimited, Fact::Left),
        }
    }
}

/// The surroundings of a condition: its variables, worked out when they are asked for.
impl Object for Facts {
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
