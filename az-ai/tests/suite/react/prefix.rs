//! A request that does not begin with the one before it is recorded with the part that changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::Task;
use az_core::journal::{EventBody, PrefixChange, RequestPart, fold};
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::ToolOutput;

use super::{Stage, read};

/// A script whose model has other capabilities after some requests.
#[derive(Debug)]
struct Changing {
    script: ScriptedClient,
    sent: AtomicUsize,
    after: Capabilities,
}

#[async_trait]
impl LlmClient for Changing {
    fn provider(&self) -> &str {
        self.script.provider()
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        if self.sent.load(Ordering::SeqCst) < 2 { Capabilities::FULL } else { self.after }
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        self.script.estimate_cost(request)
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        self.script.complete(request).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.script.stream(request)
    }
}

/// Returns a task of four steps, with two images of tools, whose model changes after two of them.
async fn changed_to(after: Capabilities) -> (Stage, Task) {
    let tool = FakeTool::new("filesystem.read").requiring("path");
    let tool = tool.answering(ToolOutput::done("x").with_image("image/png", "AAAA"));
    let lines = [read("a"), read("b"), read("c"), ScriptedReply::text("Final Answer: done")];
    let script = ScriptedClient::new(lines).recording();
    let client = Changing { script, sent: AtomicUsize::new(0), after };
    let stage = Stage::with_client(Arc::new(client)).with_tools(FakeToolbox::new().with(tool));
    let task = stage.run("go").await;
    (stage, task)
}

/// Returns the recorded changes: as the intents have them, and as the fold has them.
async fn changes(
    stage: &Stage,
    task: &Task,
) -> (Vec<Option<RequestPart>>, Vec<(u32, RequestPart)>) {
    let events = stage.events(task).await;
    let sent = events.iter().filter_map(|event| match &event.event.body {
        EventBody::LlmIntent(intent) => Some(intent.sent.as_ref().unwrap().changed),
        _ => None,
    });
    let history = fold(&events).unwrap();
    let changes = history.context.prefix_changes.iter();
    let changes = changes.map(|PrefixChange { step, part, .. }| (*step, *part));
    (sent.collect(), changes.collect())
}

#[tokio::test]
async fn the_first_part_of_a_request_that_changed_is_recorded_once() {
    let (mut text, mut blind) = (Capabilities::FULL, Capabilities::FULL);
    (text.tools, blind.vision) = (false, false);
    for (after, part) in [
        (Capabilities::FULL, None),
        // The images of earlier results are left out: those after the command and the first reply.
        (blind, Some(RequestPart::Message(3))),
        // The tools are described in the system text, and cached before it.
        (text, Some(RequestPart::Tools)),
    ] {
        let (stage, task) = changed_to(after).await;
        let (sent, folded) = changes(&stage, &task).await;
        assert_eq!(sent, [None, None, part, None], "{after:?}");
        assert_eq!(folded, part.map(|part| (3, part)).into_iter().collect::<Vec<_>>());
    }
}
