//! How long providers keep what they cached.

use std::time::Duration;

/// Returns the time after which a provider has probably dropped the conversation from its cache, if no
/// request used it since.
///
/// Anthropic keeps an entry for five minutes after its last use
/// (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>), `OpenAI` for thirty
/// (<https://developers.openai.com/api/docs/guides/prompt-caching>). Others state no time; an hour errs
/// towards an entry that is still there.
pub(crate) fn cache_life(provider: &str) -> Duration {
    let minutes = match provider {
        "anthropic" => 5,
        "openai" => 30,
        _ => 60,
    };
    Duration::from_secs(minutes * 60)
}

/// A pause between two requests after which the next one is expected to be as long. The provider's usual
/// life of an entry is five minutes.
pub(crate) const LONG_PAUSE: Duration = Duration::from_secs(4 * 60);
