//! The differences between models, by their names.
//!
//! Sources: the provider's list of models (`capabilities`), and its guides on extended and adaptive
//! thinking, structured outputs and migration to newer models.

use crate::chat::Effort;

/// The parameters that a model accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) thinking: Thinking,
    pub(super) rest: Rest,
    pub(super) thoughts: Thoughts,
    pub(super) temperature: Temperature,
    pub(super) formats: Formats,
}

/// The form of the thinking parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Not supported.
    Never,
    /// A budget in tokens.
    Budget,
    /// An effort level; the model decides how much to think.
    Adaptive,
    /// An effort level; thinking is returned only if it is requested.
    Hidden,
    /// An effort level; the model thinks unless thinking is disabled.
    Unasked,
}

/// How thinking is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// By omitting the parameter.
    Unasked,
    /// Explicitly.
    Disabled,
    /// Explicitly; the model may still think between tool calls.
    BetweenTools,
    /// Not at all: only the lowest effort can be requested.
    Never,
}

/// The models that earlier thinking may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thoughts {
    /// Any model.
    Free,
    /// Only the model that produced it, in the same conversation.
    Bound,
}

/// Whether a model accepts a temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temperature {
    Taken,
    Refused,
}

/// The form of structured output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formats {
    /// As `output_config.format`.
    Native,
    /// As a tool that the model must call.
    Tool,
}

impl Dialect {
    /// Returns the parameters of a model. A Claude model whose version is not in its name, or is
    /// newer than the known ones, is treated like the newest; another vendor's model gets only the
    /// parameters that have always existed.
    pub(super) fn of(model: &str) -> Self {
        let Some((_, name)) = model.split_once("claude") else { return Self::COMPATIBLE };
        let Some(version) = version(name) else { return Self::NEWEST };
        let family = |names: &[&str]| names.iter().any(|family| name.contains(family));
        let thinking = match version {
            _ if version < (3, 7) => Thinking::Never,
            _ if version < (4, 6) => Thinking::Budget,
            (4, 6) => Thinking::Adaptive,
            (4, _) => Thinking::Hidden,
            _ => Thinking::Unasked,
        };
        let rest = match version {
            _ if version < (5, 0) => Rest::Unasked,
            (5, 0) if family(&["opus", "sonnet"]) => Rest::Disabled,
            _ if version > (5, 0) && family(&["sonnet"]) => Rest::BetweenTools,
            _ => Rest::Never,
        };
        let shapes = version >= (4, 5) || (version == (4, 1) && family(&["opus"]));
        Self {
            thinking,
            rest,
            thoughts: if version < (5, 1) { Thoughts::Free } else { Thoughts::Bound },
            temperature: if version < (4, 7) { Temperature::Taken } else { Temperature::Refused },
            formats: if shapes { Formats::Native } else { Formats::Tool },
        }
    }

    const NEWEST: Self = Self {
        thinking: Thinking::Unasked,
        rest: Rest::Never,
        thoughts: Thoughts::Bound,
        temperature: Temperature::Refused,
        formats: Formats::Native,
    };
    const COMPATIBLE: Self = Self {
        thinking: Thinking::Budget,
        rest: Rest::Disabled,
        thoughts: Thoughts::Free,
        temperature: Temperature::Taken,
        formats: Formats::Tool,
    };
}

/// Parses the version in a model's name: `-opus-4-7`, `-sonnet-4-20250514`, `-3-5-haiku@20241022`.
fn version(name: &str) -> Option<(u8, u8)> {
    let mut parts = name.split(['-', '.', '@', ':', '/']);
    // A date is not part of a version.
    let short = |part: &str| part.parse().ok().filter(|_| part.len() <= 2);
    let major = parts.find_map(short)?;
    Some((major, parts.next().and_then(short).unwrap_or(0)))
}

/// The smallest thinking budget, in tokens.
const LEAST: u32 = 1024;

/// Returns the thinking budget within a maximum of output tokens; `None` when it is too small.
pub(super) fn budget(effort: Effort, max_tokens: u32) -> Option<u32> {
    let share = match effort {
        Effort::None => return None,
        Effort::Low => max_tokens / 5,
        Effort::Medium => max_tokens / 2,
        Effort::High => max_tokens / 5 * 4,
    };
    Some(share.max(LEAST)).filter(|budget| *budget < max_tokens)
}

/// Returns the effort level, for models that accept one.
pub(super) const fn word(effort: Effort, dialect: Dialect) -> Option<&'static str> {
    if matches!(dialect.thinking, Thinking::Never | Thinking::Budget) {
        return None;
    }
    match (effort, dialect.rest) {
        (Effort::None, Rest::Never) | (Effort::Low, _) => Some("low"),
        (Effort::None, _) => None,
        (Effort::Medium, _) => Some("medium"),
        (Effort::High, _) => Some("high"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Formats, Rest, Temperature, Thinking, Thoughts, budget};
    use crate::chat::Effort;

    #[test]
    fn parameters_follow_from_the_models_name() {
        use Formats::{Native, Tool};
        use Temperature::{Refused, Taken};
        use Thinking::{Adaptive, Budget, Hidden, Never};
        for (model, thinking, temperature, formats) in [
            ("claude-3-haiku-20240307", Never, Taken, Tool),
            ("claude-3-5-sonnet@20241022", Never, Taken, Tool),
            ("claude-3-7-sonnet-latest", Budget, Taken, Tool),
            ("claude-sonnet-4-20250514", Budget, Taken, Tool),
            ("claude-opus-4-0", Budget, Taken, Tool),
            ("claude-opus-4-1-20250805", Budget, Taken, Native),
            ("claude-haiku-4-5", Budget, Taken, Native),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Budget, Taken, Native),
            ("claude-sonnet-4-6", Adaptive, Taken, Native),
            ("anthropic/claude-opus-4.6", Adaptive, Taken, Native),
            ("claude-opus-4-7", Hidden, Refused, Native),
            ("claude-opus-4-8", Hidden, Refused, Native),
            ("claude-opus-5", Thinking::Unasked, Refused, Native),
            ("claude-fable-5-2", Thinking::Unasked, Refused, Native),
            ("claude-mythos-preview", Thinking::Unasked, Refused, Native),
            ("deepseek-v4-pro", Budget, Taken, Tool),
            ("", Budget, Taken, Tool),
        ] {
            let dialect = Dialect::of(model);
            let found = (dialect.thinking, dialect.temperature, dialect.formats);
            assert_eq!(found, (thinking, temperature, formats), "{model}");
        }
    }

    #[test]
    fn newer_models_think_by_default_without_returning_it() {
        use Thoughts::{Bound, Free};
        for (model, rest, thoughts) in [
            ("claude-opus-4-8", Rest::Unasked, Free),
            ("claude-opus-5", Rest::Disabled, Free),
            ("claude-sonnet-5", Rest::Disabled, Free),
            ("claude-fable-5", Rest::Never, Free),
            ("claude-opus-5-5", Rest::Never, Bound),
            ("claude-sonnet-5-5", Rest::BetweenTools, Bound),
            ("claude-haiku-9", Rest::Never, Bound),
            ("claude-whatever", Rest::Never, Bound),
        ] {
            let dialect = Dialect::of(model);
            assert_eq!((dialect.rest, dialect.thoughts), (rest, thoughts), "{model}");
        }
    }

    #[test]
    fn the_thinking_budget_leaves_tokens_for_the_reply() {
        assert_eq!(budget(Effort::None, 100_000), None);
        assert_eq!(budget(Effort::High, 1024), None);
        assert_eq!(budget(Effort::High, 1025), Some(1024));
        assert_eq!(budget(Effort::Low, 2048), Some(1024));
        assert_eq!(budget(Effort::Medium, 10_000), Some(5_000));
        assert!(budget(Effort::High, u32::MAX).is_some_and(|budget| budget < u32::MAX));
    }
}
