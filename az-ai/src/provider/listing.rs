//! The models that a server lists, and what the list says about them.

use serde_json::Value;

use crate::client::Fact;

/// A model in a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedModel {
    /// Its name in requests.
    pub name: String,
    /// What the list says about it.
    pub facts: Vec<Fact>,
    /// Whether it replies to conversations, unlike models for embeddings, speech or images.
    pub chats: bool,
    /// The program or company that serves it, as some lists say.
    pub owner: Option<String>,
}

impl ListedModel {
    /// Creates a model of which only the name is known. A name such as `nomic-embed-text` says that
    /// it does not chat.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { chats: !is_of_other_kind(&name), name, facts: Vec::new(), owner: None }
    }
}

/// Reads a list such as `{"data": [{"id": "…", "max_model_len": 4096}]}`.
pub(super) fn read(body: &[u8]) -> Result<Vec<ListedModel>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct List {
        data: Vec<Item>,
    }
    #[derive(serde::Deserialize)]
    struct Item {
        id: String,
        #[serde(flatten)]
        rest: serde_json::Map<String, Value>,
    }
    let list: List = serde_json::from_slice(body)?;
    Ok(list.data.into_iter().map(|item| listed(item.id, &Value::Object(item.rest))).collect())
}

fn listed(name: String, item: &Value) -> ListedModel {
    let owner = item.get("owned_by").and_then(Value::as_str).map(str::to_owned);
    let named = ListedModel::new(name);
    let facts = [window(item), most_output(item), tools(item)].into_iter().flatten().collect();
    let chats = chats(item).unwrap_or(named.chats);
    ListedModel { facts, chats, owner, ..named }
}

/// Returns the context window: of llama.cpp (`meta.n_ctx`), vLLM (`max_model_len`), LM Studio,
/// OpenRouter, Together, Groq and Mistral. The window that a model is loaded with comes before the
/// one that it was trained with.
fn window(item: &Value) -> Option<Fact> {
    let places = [
        "/meta/n_ctx",
        "/max_model_len",
        "/loaded_context_length",
        "/context_length",
        "/context_window",
        "/max_context_length",
    ];
    number(item, &places).map(Fact::ContextWindow)
}

fn most_output(item: &Value) -> Option<Fact> {
    let places = ["/top_provider/max_completion_tokens", "/max_completion_tokens"];
    number(item, &places).map(Fact::MaxOutput)
}

fn number(item: &Value, places: &[&str]) -> Option<u64> {
    let mut found = places.iter().filter_map(|place| item.pointer(place)?.as_u64());
    found.find(|number| *number > 0)
}

/// Returns whether tools are not supported: Mistral and OpenRouter say so.
fn tools(item: &Value) -> Option<Fact> {
    let can = item.pointer("/capabilities/function_calling").and_then(Value::as_bool);
    let parameters = item.get("supported_parameters").and_then(Value::as_array);
    let lists = || parameters.map(|all| all.iter().any(|one| one == "tools"));
    (can.or_else(lists) == Some(false)).then_some(Fact::NoTools)
}

/// Returns whether a model chats, if the list says so: as LM Studio, Together and Mistral do.
fn chats(item: &Value) -> Option<bool> {
    let kind = item.get("type").and_then(Value::as_str);
    let by_kind = kind.and_then(|kind| match kind {
        "llm" | "vlm" | "chat" | "language" | "code" => Some(true),
        "embeddings" | "embedding" | "rerank" | "image" | "audio" | "moderation" | "transcribe"
        | "video" => Some(false),
        _ => None,
    });
    by_kind.or_else(|| item.pointer("/capabilities/completion_chat")?.as_bool())
}

/// Whether a name is that of a model for embeddings, speech, images or filters.
fn is_of_other_kind(name: &str) -> bool {
    let name = name.to_lowercase();
    let parts = [
        "embed",
        "rerank",
        "whisper",
        "minilm",
        "diffusion",
        "moderation",
        "transcri",
        "dall-e",
        "nomic-bert",
        "llama-guard",
        "text-to-speech",
        "parakeet",
        "kokoro",
        "wav2vec",
    ];
    let words = ["tts", "stt", "asr", "bge", "e5", "gte", "clip", "bark", "piper", "flux", "sdxl"];
    let mut of_name = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.iter().any(|part| name.contains(part)) || of_name.any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fact, ListedModel, read};

    #[track_caller]
    fn facts(item: &serde_json::Value) -> Vec<Fact> {
        let list = json!({"data": [item]}).to_string();
        let mut models = read(list.as_bytes()).unwrap();
        models.pop().unwrap().facts
    }

    #[test]
    fn windows_and_tools_are_read_from_every_form_of_list() {
        let window = |tokens| vec![Fact::ContextWindow(tokens)];
        for item in [
            json!({"id": "m", "meta": {"n_ctx": 4096, "n_ctx_train": 32768}}),
            json!({"id": "m", "max_model_len": 4096}),
            json!({"id": "m", "loaded_context_length": 4096, "max_context_length": 32768}),
            json!({"id": "m", "context_length": 4096}),
            json!({"id": "m", "context_window": 4096}),
            json!({"id": "m", "context_length": 0, "max_context_length": 4096}),
        ] {
            assert_eq!(facts(&item), window(4_096), "{item}");
        }
        assert_eq!(facts(&json!({"id": "m", "meta": {"n_ctx_train": 32768}})), []);
        assert_eq!(facts(&json!({"id": "m", "capabilities": ["completion"]})), []);
        for item in [
            json!({"id": "m", "capabilities": {"function_calling": false}}),
            json!({"id": "m", "supported_parameters": ["stop"]}),
        ] {
            assert_eq!(facts(&item), [Fact::NoTools], "{item}");
        }
        let router = json!({"id": "m", "context_length": 9, "supported_parameters": ["tools"],
            "top_provider": {"max_completion_tokens": 3}});
        assert_eq!(facts(&router), [Fact::ContextWindow(9), Fact::MaxOutput(3)]);
    }

    #[test]
    fn models_for_other_purposes_are_recognised_by_type_or_name() {
        for name in [
            "text-embedding-nomic-embed-text-v1.5",
            "nomic-embed-text:latest",
            "bge-m3",
            "intfloat/e5-large",
            "whisper-1",
            "tts-1-hd",
            "jina-reranker-v2",
            "stable-diffusion-3",
        ] {
            assert!(!ListedModel::new(name).chats, "{name}");
        }
        for name in ["qwen3:8b", "llama-3.3-70b", "gpt-oss-20b", "gemma3", "deepseek-r1", "phi4"] {
            assert!(ListedModel::new(name).chats, "{name}");
        }
        let list =
            br#"{"data": [{"id": "a", "type": "embeddings"}, {"id": "bge", "type": "llm"}]}"#;
        let chats: Vec<_> = read(list).unwrap().into_iter().map(|model| model.chats).collect();
        assert_eq!(chats, [false, true]);
    }
}
