//! The wire: which of OpenAI's interfaces a request goes to.

use az_core::naming::NameMap;
use serde::Deserialize;

use super::chat::{decode, encode, stream};
use super::dialect::Dialect;
use super::error;
use crate::chat::{ChatReply, ChatRequest};
use crate::error::{Refusal, Result};
use crate::provider::wire::{Answered, Auth, Call, Delivery, StreamDecoder, Wire};

/// Speaks chat completions.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAi {
    dialect: Dialect,
}

impl OpenAi {
    /// Where OpenAI itself is.
    pub const BASE_URL: &'static str = "https://api.openai.com/v1";

    /// Returns a wire that speaks a dialect.
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect }
    }
}

impl Wire for OpenAi {
    fn auth(&self) -> Auth {
        Auth::Bearer
    }

    fn call(&self, request: &ChatRequest, delivery: Delivery, names: &NameMap) -> Call {
        let body = encode::request(request, self.dialect, delivery, names);
        Call { path: "/chat/completions".to_owned(), body }
    }

    fn reply(&self, body: &[u8], answered: Answered) -> Result<ChatReply> {
        decode::reply(body, answered)
    }

    fn decoder(&self, answered: Answered) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(answered))
    }

    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal {
        error::refusal(provider, Some(status), body)
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<String>, serde_json::Error> {
        let list: ModelList = serde_json::from_slice(body)?;
        Ok(list.data.into_iter().map(|model| model.id).collect())
    }
}

#[derive(Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}
