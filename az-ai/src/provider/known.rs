//! Providers that need only a key, or nothing.

/// The API of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's chat completions and Responses.
    OpenAi,
    /// `DeepSeek`'s chat completions.
    DeepSeek,
    /// Mistral's chat completions.
    Mistral,
    /// Gemini's API.
    Gemini,
    /// Ollama's own API.
    Ollama,
    /// Chat completions, as compatible servers support them.
    Compatible,
}

/// A provider with its usual address and the usual variables of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownProvider {
    /// The name, under which calls are booked.
    pub name: &'static str,
    /// Aliases.
    pub aliases: &'static [&'static str],
    /// The API.
    pub api: Api,
    /// The base address; `None` when it must be configured.
    pub base_url: Option<&'static str>,
    /// The environment variables that override the address.
    pub base_url_env: &'static [&'static str],
    /// The environment variables with the key; none when no key is needed.
    pub key_env: &'static [&'static str],
    /// The default model.
    pub model: Option<&'static str>,
    /// The statuses of failures that it documents as free, besides those with which any server
    /// rejects a request before the model gets it.
    pub free_statuses: &'static [u16],
}

/// A model name that works without a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: &'static str,
    /// The provider.
    pub provider: &'static str,
    /// The model that it stands for in this version.
    pub model: &'static str,
}

/// The names, in the order of preference when several have a key.
pub const NAMES: &[KnownName] = &[
    KnownName { name: "claude", provider: "anthropic", model: "claude-sonnet-5-5" },
    KnownName { name: "gpt4", provider: "openai", model: "gpt-5.6" },
    KnownName { name: "gemini", provider: "gemini", model: "gemini-3.8-flash" },
    KnownName { name: "deepseek", provider: "deepseek", model: "deepseek-v4-flash" },
];

/// The providers.
pub const PROVIDERS: &[KnownProvider] = &[
    KnownProvider {
        name: "anthropic",
        aliases: &[],
        api: Api::Anthropic,
        base_url: Some("https://api.anthropic.com"),
        base_url_env: &["ANTHROPIC_BASE_URL"],
        key_env: &["ANTHROPIC_API_KEY"],
        model: Some("claude-sonnet-5-5"),
        free_statuses: &[],
    },
    KnownProvider {
        name: "openai",
        aliases: &[],
        api: Api::OpenAi,
        base_url: Some("https://api.openai.com/v1"),
        base_url_env: &["OPENAI_BASE_URL"],
        key_env: &["OPENAI_API_KEY"],
        model: Some("gpt-5.6"),
        free_statuses: &[],
    },
    KnownProvider {
        name: "gemini",
        aliases: &["google"],
        api: Api::Gemini,
        base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
        base_url_env: &["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
        key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        model: Some("gemini-3.8-flash"),
        // "If your request fails with a 400 or 500 error, you won't be charged for the tokens used":
        // <https://ai.google.dev/gemini-api/docs/billing>.
        free_statuses: &[400, 500],
    },
    KnownProvider {
        name: "deepseek",
        aliases: &[],
        api: Api::DeepSeek,
        base_url: Some("https://api.deepseek.com"),
        base_url_env: &["DEEPSEEK_BASE_URL"],
        key_env: &["DEEPSEEK_API_KEY"],
        model: Some("deepseek-v4-flash"),
        free_statuses: &[],
    },
    KnownProvider {
        name: "ollama",
        aliases: &[],
        api: Api::Ollama,
        base_url: Some("http://127.0.0.1:11434"),
        base_url_env: &["OLLAMA_BASE_URL", "OLLAMA_HOST"],
        key_env: &[],
        model: None,
        free_statuses: &[],
    },
    compatible("groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"], &["GROQ_BASE_URL"])
        .with_model("openai/gpt-oss-120b"),
    KnownProvider {
        name: "mistral",
        aliases: &[],
        api: Api::Mistral,
        base_url: Some("https://api.mistral.ai/v1"),
        base_url_env: &["MISTRAL_BASE_URL"],
        key_env: &["MISTRAL_API_KEY"],
        model: Some("mistral-large-latest"),
        free_statuses: &[],
    },
    compatible("xai", "https://api.x.ai/v1", &["XAI_API_KEY"], &["XAI_BASE_URL"])
        .with_model("grok-4.7"),
    compatible(
        "openrouter",
        "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY"],
        &["OPENROUTER_BASE_URL"],
    )
    .with_model("openrouter/auto")
    // "When a response contains no output tokens and either has a blank finish reason or an error, you
    // will not be charged for the request": <https://openrouter.ai/docs/features/zero-completion-insurance>.
    .with_free_statuses(&[408, 500, 502, 503, 504, 524, 529]),
    compatible(
        "together",
        "https://api.together.xyz/v1",
        &["TOGETHER_API_KEY"],
        &["TOGETHER_BASE_URL"],
    )
    .with_model("zai-org/GLM-5.3"),
    compatible("vllm", "http://127.0.0.1:8000/v1", &[], &["VLLM_BASE_URL"]),
    compatible("llamacpp", "http://127.0.0.1:8080/v1", &[], &["LLAMACPP_BASE_URL"]),
    compatible("lmstudio", "http://127.0.0.1:1234/v1", &[], &["LMSTUDIO_BASE_URL"]),
    KnownProvider {
        name: "openai-compatible",
        aliases: &["compatible", "custom"],
        api: Api::Compatible,
        base_url: None,
        base_url_env: &[],
        key_env: &[],
        model: None,
        free_statuses: &[],
    },
];

const fn compatible(
    name: &'static str,
    base_url: &'static str,
    key_env: &'static [&'static str],
    base_url_env: &'static [&'static str],
) -> KnownProvider {
    KnownProvider {
        name,
        aliases: &[],
        api: Api::Compatible,
        base_url: Some(base_url),
        base_url_env,
        key_env,
        model: None,
        free_statuses: &[],
    }
}

impl KnownProvider {
    /// Finds a provider by its name or an alias.
    pub fn find(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|known| known.name == name || known.aliases.contains(&name))
    }

    /// Whether it is a local server, whose calls are free.
    pub fn is_local(&self) -> bool {
        self.base_url.is_some_and(|url| url.starts_with("http://127.0.0.1"))
    }

    const fn with_free_statuses(mut self, statuses: &'static [u16]) -> Self {
        self.free_statuses = statuses;
        self
    }

    const fn with_model(mut self, model: &'static str) -> Self {
        self.model = Some(model);
        self
    }
}

/// Whether the provider at an address documents that it does not charge for requests that fail with
/// a status. A gateway at another address may have rules of its own.
pub(super) fn is_free(base_url: &str, status: u16) -> bool {
    let known = PROVIDERS.iter().find(|known| known.base_url == Some(base_url));
    known.is_some_and(|known| known.free_statuses.contains(&status))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{KnownProvider, NAMES, PROVIDERS, is_free};

    #[test]
    fn names_are_unique_and_have_a_provider() {
        let names = || PROVIDERS.iter().flat_map(|known| known.aliases.iter().chain([&known.name]));
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
        for known in NAMES {
            let provider = KnownProvider::find(known.provider).unwrap();
            assert_eq!(provider.model, Some(known.model), "{}", known.name);
        }
        assert_eq!(KnownProvider::find("google").unwrap().name, "gemini");
        assert_eq!(KnownProvider::find("unknown"), None);
    }

    #[test]
    fn a_status_is_free_only_at_the_address_of_the_provider_that_documents_it() {
        let openrouter = "https://openrouter.ai/api/v1";
        for (address, status, expect) in [
            (openrouter, 408, true),
            (openrouter, 502, true),
            (openrouter, 529, true),
            (openrouter, 499, false),
            ("https://gateway.example/api/v1", 502, false),
            ("https://api.openai.com/v1", 500, false),
        ] {
            assert_eq!(is_free(address, status), expect, "{status} of {address}");
        }
    }
}
