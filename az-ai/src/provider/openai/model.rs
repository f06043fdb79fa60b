//! The differences between OpenAI's models, by their names.

use crate::chat::Effort;

/// Whether an OpenAI model reasons: the `o` series and, since its fifth generation, the `gpt`
/// series except for its chat variants. See <https://platform.openai.com/docs/guides/reasoning>.
pub(super) fn thinks(model: &str) -> bool {
    if model.contains("-chat") || model.contains("-audio") || model.contains("-realtime") {
        return false;
    }
    let series = |prefix: &str, least: u32| generation(model, prefix).is_some_and(|n| n >= least);
    series("o", 1) || series("gpt-", 5) || model.starts_with("codex-")
}

/// Whether an OpenAI model takes `prompt_cache_breakpoint`: the `gpt` series since 5.6. See
/// <https://developers.openai.com/api/docs/guides/prompt-caching>.
pub(super) fn has_breakpoints(model: &str) -> bool {
    let Some(major) = generation(model, "gpt-") else { return false };
    let minor = generation(model, &format!("gpt-{major}.")).unwrap_or(0);
    (major, minor) >= (5, 6)
}

/// Whether an OpenAI model supports only Responses. See the endpoints of each model in
/// <https://platform.openai.com/docs/models>.
pub(super) fn needs_responses(model: &str) -> bool {
    let pro = thinks(model) && has_word(model, "pro");
    pro || has_word(model, "codex")
        || model.contains("deep-research")
        || model.starts_with("computer-use")
}

/// Returns the reasoning effort parameter of an OpenAI model; `None` for models without it. A model
/// whose reasoning cannot be disabled gets its lowest effort.
pub(super) fn effort(model: &str, effort: Effort) -> Option<&'static str> {
    let first = ["o1-mini", "o1-preview"].iter().any(|name| model.starts_with(name));
    // This model always uses the highest effort.
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

/// Returns the name of an effort.
pub(super) const fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// Whether a model is one of the first of the fifth generation, which always reason.
fn is_first_fifth(model: &str) -> bool {
    model == "gpt-5" || model.starts_with("gpt-5-")
}

fn has_word(model: &str, word: &str) -> bool {
    model.split('-').any(|part| part == word)
}

/// Returns the number after a prefix.
fn generation(model: &str, prefix: &str) -> Option<u32> {
    let rest = model.strip_prefix(prefix)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}
