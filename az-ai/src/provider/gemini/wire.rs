//! The wire of Google's Gemini API.

use crate::provider::tool_names::ToolNames;
use serde::Deserialize;
use serde_json::Value;

use super::{decode, encode, error, stream, usage};
use crate::chat::{ChatReply, ChatRequest};
use crate::error::{Refusal, Result};
use crate::provider::listing::ListedModel;
use crate::provider::reported::ReportedUsage;
use crate::provider::wire::{Answered, Auth, Delivery, StreamDecoder, Wire, WireRequest};

/// Translates to and from Google's Gemini API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gemini;

impl Gemini {
    /// The address of the Gemini API.
    pub const BASE_URL: &'static str = "https://generativelanguage.googleapis.com/v1beta";
}

impl Wire for Gemini {
    fn auth(&self) -> Auth {
        Auth::Header("x-goog-api-key")
    }

    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &ToolNames) -> WireRequest {
        let method = match delivery {
            Delivery::Whole => "generateContent",
            Delivery::Streamed => "streamGenerateContent?alt=sse",
        };
        let path = format!("{}:{method}", model_path(&request.model));
        WireRequest::new(path, encode::request(request, names))
    }

    fn reply(&self, body: &[u8], answered: Answered) -> Result<ChatReply> {
        decode::reply(body, answered)
    }

    fn decoder(&self, answered: Answered) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(answered))
    }

    fn note_usage(&self, json: &Value, reported: &mut ReportedUsage) {
        usage::note(json, reported);
    }

    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal {
        error::refusal(provider, status, body)
    }

    fn models_path(&self) -> &'static str {
        "/models?pageSize=1000"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<ListedModel>, serde_json::Error> {
        let list: ModelList = serde_json::from_slice(body)?;
        let bare = |name: String| name.strip_prefix("models/").map_or(name.clone(), str::to_owned);
        Ok(list.models.into_iter().map(|model| ListedModel::new(bare(model.name))).collect())
    }
}

/// Returns the path of a model: `models/…`, or its own path for `tunedModels/…`.
fn model_path(model: &str) -> String {
    let folder = if model.contains('/') { "" } else { "models/" };
    let mut path = format!("/{folder}");
    for byte in model.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[derive(Deserialize)]
struct ModelList {
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}

#[cfg(test)]
mod tests {
    use crate::provider::tool_names::ToolNames;

    use super::{Gemini, ListedModel};
    use crate::chat::ChatRequest;
    use crate::provider::wire::{Delivery, Wire};

    #[test]
    fn the_path_contains_model_and_delivery() {
        let path = |model: &str, delivery| {
            Gemini.call(&ChatRequest::prompt(model, "hi"), delivery, &ToolNames::default()).path
        };
        assert_eq!(path("gemini-x", Delivery::Whole), "/models/gemini-x:generateContent");
        assert_eq!(
            path("models/gemini-x", Delivery::Streamed),
            "/models/gemini-x:streamGenerateContent?alt=sse"
        );
        assert_eq!(path("tunedModels/a", Delivery::Whole), "/tunedModels/a:generateContent");
        assert_eq!(path("a b?c", Delivery::Whole), "/models/a%20b%3Fc:generateContent");
    }

    #[test]
    fn listed_models_have_the_names_of_requests() {
        let list = br#"{"models": [{"name": "models/a"}, {"name": "tunedModels/b"}]}"#;
        assert_eq!(Gemini.models(list).unwrap(), ["a", "tunedModels/b"].map(ListedModel::new));
        assert_eq!(Gemini.models(b"{}").unwrap(), []);
        assert!(Gemini.models(b"[").is_err());
    }
}
