//! Providers that need no more than a key, or not even that.

/// Which API a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Anthropic's messages.
    Anthropic,
    /// OpenAI's own chat completions and responses.
    OpenAi,
    /// `DeepSeek`'s chat completions.
    DeepSeek,
    /// Mistral's chat completions.
    Mistral,
    /// Gemini's.
    Gemini,
    /// Ollama's own.
    Ollama,
    /// Chat completions, as everybody speaks them.
    Compatible,
}

/// A provider, where it is, and where its key is kept by custom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownProvider {
    /// Its name here, under which calls are booked.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Which API it speaks.
    pub api: Api,
    /// Where it is; nothing when everybody has it somewhere else.
    pub base_url: Option<&'static str>,
    /// The environment variables that say that it is elsewhere.
    pub base_url_env: &'static [&'static str],
    /// The environment variables that hold its key; none when it wants no key.
    pub key_env: &'static [&'static str],
    /// The model to ask when none is named.
    pub model: Option<&'static str>,
}

/// A name that works out of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: &'static str,
    /// The provider.
    pub provider: &'static str,
    /// The model behind it as of this version.
    pub model: &'static str,
}

/// The names, in the order in which one is chosen when several have a key.
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
    },
    KnownProvider {
        name: "openai",
        aliases: &[],
        api: Api::OpenAi,
        base_url: Some("https://api.openai.com/v1"),
        base_url_env: &["OPENAI_BASE_URL"],
        key_env: &["OPENAI_API_KEY"],
        model: Some("gpt-5.6"),
    },
    KnownProvider {
        name: "gemini",
        aliases: &["google"],
        api: Api::Gemini,
        base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
        base_url_env: &["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
        key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        model: Some("gemini-3.8-flash"),
    },
    KnownProvider {
        name: "deepseek",
        aliases: &[],
        api: Api::DeepSeek,
        base_url: Some("https://api.deepseek.com"),
        base_url_env: &["DEEPSEEK_BASE_URL"],
        key_env: &["DEEPSEEK_API_KEY"],
        model: Some("deepseek-v4-flash"),
    },
    KnownProvider {
        name: "ollama",
        aliases: &[],
        api: Api::Ollama,
        base_url: Some("http://127.0.0.1:11434"),
        base_url_env: &["OLLAMA_BASE_URL", "OLLAMA_HOST"],
        key_env: &[],
        model: None,
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
    },
    compatible("xai", "https://api.x.ai/v1", &["XAI_API_KEY"], &["XAI_BASE_URL"])
        .with_model("grok-4.7"),
    compatible(
        "openrouter",
        "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY"],
        &["OPENROUTER_BASE_URL"],
    )
    .with_model("openrouter/auto"),
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
    }
}

impl KnownProvider {
    /// Finds a provider by its name or another name for it.
    pub fn find(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|known| known.name == name || known.aliases.contains(&name))
    }

    /// Whether it runs on one's own machine, where nobody sends a bill.
    pub fn is_local(&self) -> bool {
        self.base_url.is_some_and(|url| url.starts_with("http://127.0.0.1"))
    }

    const fn with_model(mut self, model: &'static str) -> Self {
        self.model = Some(model);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{KnownProvider, NAMES, PROVIDERS};

    #[test]
    fn every_name_is_there_once_and_leads_to_a_provider() {
        let names = || PROVIDERS.iter().flat_map(|known| known.aliases.iter().chain([&known.name]));
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
        for known in NAMES {
            let provider = KnownProvider::find(known.provider).unwrap();
            assert_eq!(provider.model, Some(known.model), "{}", known.name);
        }
        assert_eq!(KnownProvider::find("google").unwrap().name, "gemini");
        assert_eq!(KnownProvider::find("nobody"), None);
    }
}
