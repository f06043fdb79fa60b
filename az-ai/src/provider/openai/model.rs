//! In what OpenAI's own models differ, as far as their names say.

use crate::chat::Effort;

/// Whether one of OpenAI's models thinks: the `o` series and, since its fifth generation, the `gpt`
/// series but for its chat variants. See <https://platform.openai.com/docs/guides/reasoning>.
pub(super) fn thinks(model: &str) -> bool {
    if model.contains("-chat") || model.contains("-audio") || model.contains("-realtime") {
        return false;
    }
    let series = |prefix: &str, least: u32| generation(model, prefix).is_some_and(|n| n >= least);
    series("o", 1) || series("gpt-", 5) || model.starts_with("codex-")
}

/// Whether one of OpenAI's models answers over Responses only. See the endpoints that
/// <https://platform.openai.com/docs/models> names for each.
pub(super) fn needs_responses(model: &str) -> bool {
    let pro = thinks(model) && has_word(model, "pro");
    pro || has_word(model, "codex")
        || model.contains("deep-research")
        || model.starts_with("computer-use")
}

/// Returns the word for how much one of OpenAI's models is to think; none for those that take no
/// such word. One that cannot be kept from thinking is asked for the least it knows.
pub(super) fn effort(model: &str, effort: Effort) -> Option<&'static str> {
    let first = ["o1-mini", "o1-preview"].iter().any(|name| model.starts_with(name));
    // It always thinks as hard as it can.
    let hardest = is_first_fifth(model) && has_word(model, "pro");
    if !thinks(model) || first || hardest {
        return None;
    }
    Some(match effort {
        Effort::None if has_word(model, "codex") || !model.starts_with("gpt-") => "low",
        Effort::None if is_first_fifth(model) => "minimal",
        effort => word(effort),
    })
}

/// Returns the word for a measure of thought.
pub(super) const fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// Whether a model is of the fifth generation as it first was, which always thinks.
fn is_first_fifth(model: &str) -> bool {
    model == "gpt-5" || model.starts_with("gpt-5-")
}

fn has_word(model: &str, word: &str) -> bool {
    model.split('-').any(|part| part == word)
}

/// Returns the number that follows a prefix.
fn generation(model: &str, prefix: &str) -> Option<u32> {
    let rest = model.strip_prefix(prefix)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}
