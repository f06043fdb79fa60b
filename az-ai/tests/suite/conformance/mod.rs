//! The kit of `LlmClient`, run against every client of this crate, and a test of the kit itself.

mod anthropic;
mod dispatched;
mod gemini;
mod offline;
mod ollama;
mod openai;
mod priced;
mod recorded;
mod replayed;
mod responses;
mod saboteurs;
mod scripted;
mod served;

use std::sync::Arc;

use az_ai::chat::{ChatRequest, ToolDefinition};
use az_ai::client::LlmClient;
use az_ai::testing::llm_client::ClientCase;
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use serde_json::json;

const KEY: &str = "sk-very-secret";

fn calling() -> ModelReply {
    ModelReply::text("I look.")
        .with_call("filesystem.read", json!({"path": "é"}))
        .with_call("filesystem.read", json!({}))
}

fn staged(client: impl LlmClient, reply: ModelReply, usage: Option<Usage>) -> ClientCase {
    let tool = ToolDefinition::new("filesystem.read", "Reads a file.", json!({"type": "object"}));
    let request = ChatRequest::prompt("m", "go").with_tools(vec![tool]);
    ClientCase { client: Arc::new(client), request, reply, usage, secret: None }
}
