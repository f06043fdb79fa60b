//! The planner as a client.

use std::collections::BTreeSet;

use async_trait::async_trait;
use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::parse::parse;
use super::plan::{Next, check_tools, next};
use crate::chat::{ChatReply, ChatRequest, ChatStream, Message, ToolMessage, replay};
use crate::client::{Capabilities, LlmClient, Quote};
use crate::error::{Error, Result};

/// The provider's name, and its only model's.
pub(super) const NAME: &str = "offline";

/// Answers commands of a small language by calling tools; see the [module](super).
///
/// What it does next is a function of the conversation alone: the last thing the user said, and
/// the tool results that followed.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfflineClient;

impl OfflineClient {
    /// Returns a client.
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl LlmClient for OfflineClient {
    fn provider(&self) -> &str {
        NAME
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        Capabilities::FULL
    }

    fn quote(&self, _request: &ChatRequest) -> Quote {
        Quote { max_cost: Some(Usd::ZERO), estimated_tokens: 0 }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
        reply(request)
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let reply = reply(request).map(replay);
        stream::once(future::ready(reply)).try_flatten().boxed()
    }
}

fn reply(request: &ChatRequest) -> Result<ChatReply> {
    let (command, results) = conversation(&request.messages)?;
    let steps = parse(command)?;
    let offered: BTreeSet<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    check_tools(&steps, &offered)?;
    let mut reply = ModelReply::default();
    match next(&steps, &results)? {
        Next::Call(call) => reply.calls.push(call),
        Next::Answer(text) => reply.text = text,
    }
    let stop = if reply.calls.is_empty() { "stop" } else { "tool_calls" };
    stop.clone_into(&mut reply.stop);
    Ok(ChatReply {
        reply,
        // It has no tokens: zeros are the truth, not a guess.
        usage: Some(Usage::default()),
        cost: Some(Usd::ZERO),
        model: NAME.to_owned(),
        request_id: None,
    })
}

/// Returns the command, and what the tools returned since.
fn conversation(messages: &[Message]) -> Result<(&str, Vec<&ToolMessage>)> {
    let mut command = None;
    let mut results = Vec::new();
    for message in messages {
        match message {
            Message::User { text } => {
                command = Some(text.as_str());
                results.clear();
            }
            Message::Tool(result) => results.push(result),
            Message::System { .. } | Message::Summary { .. } | Message::Assistant { .. } => {}
        }
    }
    let command = command.ok_or_else(|| Error::NotUnderstood {
        reason: "the offline planner was told nothing".to_owned(),
    })?;
    Ok((command, results))
}
