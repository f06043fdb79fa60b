//! The planner as an `LlmClient`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply, ToolCall, ToolOutcome};
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::parse::parse;
use super::plan::{Next, check_tools, next};
use crate::chat::{ChatReply, ChatRequest, ChatStream, Message, ToolMessage, replay};
use crate::client::{Capabilities, CostEstimate, LlmClient};
use crate::error::{Error, Result};

/// The name of the provider and of its only model.
pub(super) const NAME: &str = "offline";

/// Answers commands of a small language by calling tools; see the [module](super).
///
/// The reply is a function of the conversation alone: the last user message and the tool results
/// after it. Hints are not read: the plan is made from the whole command before its first step.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfflineClient;

impl OfflineClient {
    /// Creates a client.
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
        Capabilities::FULL.with_whole_results().with_planned_steps().with_context_window(u64::MAX)
    }

    fn estimate_cost(&self, _request: &ChatRequest) -> CostEstimate {
        CostEstimate::free(0)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        reply(request)
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let reply = reply(request).map(replay);
        stream::once(future::ready(reply)).try_flatten().boxed()
    }
}

fn reply(request: &ChatRequest) -> Result<ChatReply> {
    let Conversation { command, results, calls } = conversation(&request.messages)?;
    let offered: BTreeSet<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    let steps = parse(command, &offered)?;
    check_tools(&steps, &offered)?;
    let mut reply = ModelReply::default();
    match next(&steps, &results)? {
        Next::Call { tool, arguments } => {
            let id = format!("call_{}", calls + 1);
            reply.calls.push(ToolCall { id, name: tool.to_owned(), arguments });
        }
        Next::Answer(text) => reply.text = text,
    }
    let finish = if reply.calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    Ok(ChatReply {
        reply: reply.with_finish(finish),
        // The planner uses no tokens, so zeros are exact.
        usage: Some(Usage::default()),
        cost: Some(Usd::ZERO),
        model: NAME.to_owned(),
        ..ChatReply::default()
    })
}

/// The command and its results so far.
struct Conversation<'a> {
    command: &'a str,
    /// The results of tools, without those of steps that are repeated.
    results: Vec<&'a ToolMessage>,
    /// The number of calls made, repeated ones included.
    calls: usize,
}

/// Reads a conversation. A step that failed or was refused is repeated once the task was resumed; a
/// step that may have happened is not.
fn conversation(messages: &[Message]) -> Result<Conversation<'_>> {
    let mut command = None;
    let mut results: Vec<&ToolMessage> = Vec::new();
    let mut calls = 0;
    for message in messages {
        match message {
            Message::User { text, .. } => {
                command = Some(text.as_str());
                results.clear();
            }
            Message::Tool(result) => {
                results.push(result);
                calls += 1;
            }
            Message::Resumed { .. } => {
                results.pop_if(|last| {
                    matches!(last.outcome, ToolOutcome::Failed | ToolOutcome::Refused)
                });
            }
            Message::System { .. }
            | Message::Hint { .. }
            | Message::Summary { .. }
            | Message::Assistant { .. } => {}
        }
    }
    let command = command.ok_or_else(|| Error::NotUnderstood {
        reason: "the conversation has no user message".to_owned(),
    })?;
    Ok(Conversation { command, results, calls })
}

#[cfg(test)]
mod tests {
    use az_core::journal::{ModelReply, ToolOutcome};

    use super::{Message, ToolMessage, conversation};

    fn called(outcome: ToolOutcome) -> [Message; 2] {
        let result = ToolMessage {
            call_id: String::new(),
            tool: String::new(),
            outcome,
            text: String::new(),
            omitted: 0,
            images: Vec::new(),
            data: None,
        };
        [Message::assistant(ModelReply::default()), Message::Tool(result)]
    }

    /// Returns the number of results that count, and of calls made.
    fn read(messages: impl IntoIterator<Item = Message>) -> (usize, usize) {
        let messages: Vec<_> = [Message::user("go")].into_iter().chain(messages).collect();
        let read = conversation(&messages).unwrap();
        (read.results.len(), read.calls)
    }

    #[test]
    fn after_a_resume_only_steps_without_effect_are_repeated() {
        let resumed = || Message::Resumed { text: "again".to_owned() };
        for (outcome, left) in [
            (ToolOutcome::Done, 2),
            (ToolOutcome::Unknown, 2),
            (ToolOutcome::Failed, 1),
            (ToolOutcome::Refused, 1),
        ] {
            let both = || called(ToolOutcome::Done).into_iter().chain(called(outcome));
            assert_eq!(read(both()), (2, 2), "{outcome:?}, and not taken up again");
            let hint = Message::Hint { text: "write x to y.txt".to_owned() };
            assert_eq!(read(both().chain([hint])), (2, 2), "{outcome:?} before a hint");
            assert_eq!(read(both().chain([resumed()])), (left, 2), "{outcome:?}");
            assert_eq!(read([resumed()].into_iter().chain(both())), (2, 2), "{outcome:?} later");
        }
    }
}
