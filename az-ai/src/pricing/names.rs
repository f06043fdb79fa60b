//! Normalises the names of models and providers.

/// Returns the provider's name in the price table: `google` for `gemini`, for example.
pub fn provider_id(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let known = match name.as_str() {
        "claude" => "anthropic",
        "gemini" | "googleai" | "google-ai" | "google-gla" => "google",
        "grok" | "x-ai" | "x_ai" => "xai",
        "mistralai" => "mistral",
        "togetherai" | "together_ai" | "together-ai" => "together",
        "llama.cpp" | "llama-cpp" | "llama_cpp" => "llamacpp",
        "lm-studio" | "lm_studio" => "lmstudio",
        _ => return name,
    };
    known.to_owned()
}

/// Returns the names to look up, the most specific first: the name itself; without the prefixes and
/// suffixes of providers and routers; without a release date or number.
pub(super) fn candidates(provider: &str, model: &str) -> Vec<String> {
    let model = model.trim().to_lowercase();
    let mut bare = model.strip_prefix("models/").unwrap_or(&model);
    if let Some((prefix, rest)) = bare.split_once('/')
        && provider_id(prefix) == provider
        && provider != "openrouter"
    {
        bare = rest;
    }
    let mut names = vec![model.clone()];
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    add(bare);
    // A router's suffix for the choice of servers, such as `:nitro`.
    let mut stem = bare.split_once(':').map_or(bare, |(name, _)| name);
    add(stem);
    for _ in 0..2 {
        let Some(shorter) = without_release(stem) else { break };
        stem = shorter;
        add(stem);
    }
    let dashed = stem.replace('.', "-");
    add(&dashed);
    names
}

/// Removes a release from the end of a name: `-20250929`, `@20250929`, `-2025-08-07`, `-0613`,
/// `-001`, `-latest`. Any other suffix makes another model.
fn without_release(name: &str) -> Option<&str> {
    if let Some(stem) = name.strip_suffix("-latest") {
        return Some(stem);
    }
    let (stem, last) = name.rsplit_once(['-', '@'])?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(last) {
        return None;
    }
    match last.len() {
        3 | 4 | 8 => Some(stem),
        2 => {
            let (stem, month) = stem.rsplit_once('-')?;
            let (stem, year) = stem.rsplit_once('-')?;
            (digits(month) && month.len() == 2 && digits(year) && year.len() == 4).then_some(stem)
        }
        _ => None,
    }
    .filter(|stem| !stem.is_empty())
}

/// Splits a router's model name into the vendor, by our name, and the vendor's model.
pub(super) fn passed_through(model: &str) -> Option<(String, &str)> {
    let (vendor, model) = model.split_once('/')?;
    Some((provider_id(vendor), model))
}

#[cfg(test)]
mod tests {
    use super::{candidates, without_release};

    #[test]
    fn only_a_release_is_removed_from_a_name() {
        for (name, stem) in [
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("claude-sonnet-4-5@20250929", Some("claude-sonnet-4-5")),
            ("gpt-5-2025-08-07", Some("gpt-5")),
            ("gpt-4-0613", Some("gpt-4")),
            ("gemini-2.0-flash-001", Some("gemini-2.0-flash")),
            ("claude-3-5-haiku-latest", Some("claude-3-5-haiku")),
            ("claude-sonnet-4-5", None),
            ("gpt-5-mini", None),
            ("-0613", None),
            ("é-20250929", Some("é")),
        ] {
            assert_eq!(without_release(name), stem, "{name}");
        }
    }

    #[test]
    fn the_most_precise_name_comes_first() {
        assert_eq!(
            candidates("google", "models/Gemini-2.0-Flash-001"),
            [
                "models/gemini-2.0-flash-001",
                "gemini-2.0-flash-001",
                "gemini-2.0-flash",
                "gemini-2-0-flash"
            ]
        );
        assert_eq!(
            candidates("groq", "openai/gpt-oss-20b"),
            ["openai/gpt-oss-20b"],
            "a vendor's name is part of a host's"
        );
        assert_eq!(candidates("groq", "groq/x"), ["groq/x", "x"]);
    }
}
