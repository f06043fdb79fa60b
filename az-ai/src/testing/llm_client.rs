//! The kit of [`LlmClient`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use az_core::testing::{Checked, Violation};
use az_core::{ensure, ensure_eq, scenarios};
use futures_util::StreamExt;

use crate::chat::{Assembler, ChatEvent, ChatReply, ChatRequest, Ending, ToolDefinition};
use crate::client::{Capabilities, LlmClient};
use crate::error::{Error, Result, Sent};

/// What the other side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// It says some words, and what it used.
    Says,
    /// It says some words, and not what it used.
    SaysNoUsage,
    /// It asks for tools.
    Calls,
    /// It says some words, and the connection breaks.
    Breaks,
    /// It asks for patience, for [`PATIENCE`].
    Busy,
    /// It refuses the key, and says it back.
    BadKey,
    /// It says nothing at all.
    Silent,
    /// Its model has no tools.
    NoTools,
    /// It says some words, and this word for the reason that the reply ended.
    Ends(&'static str),
}

/// How long [`Scene::Busy`] asks to wait.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// A client in a scene.
#[derive(Debug)]
pub struct Staged {
    /// The client.
    pub client: Arc<dyn LlmClient>,
    /// What to ask it.
    pub request: ChatRequest,
    /// What it should say, in the scenes in which it says something.
    pub reply: ModelReply,
    /// What it should say that it used.
    pub usage: Option<Usage>,
    /// What must never be shown: its key, if it has one.
    pub secret: Option<String>,
}

/// Sets scenes.
#[async_trait]
pub trait ClientFixture: Send + Sync {
    /// Sets a scene; `None` when the client cannot be in it.
    async fn set(&self, scene: Scene) -> Option<Staged>;

    /// Returns the words that the provider documents for the reason that a reply ended, with their
    /// reasons; none when the client has no words.
    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        &[]
    }

    /// Returns how many requests have reached the other side; `None` when nobody can tell.
    async fn asked(&self) -> Option<usize>;

    /// Whether the other side notices, soon, that a call was given up; `None` when nobody can tell.
    async fn given_up(&self) -> Option<bool>;
}

scenarios! {
    $crate
    /// Plays every scenario of [`LlmClient`]'s contract. One whose scene the fixture does not set
    /// is skipped.
    llm_client for ClientFixture, in llm_client_conformance;

    words_come_whole;
    words_come_one_by_one_and_add_up;
    tools_are_asked_for_whole;
    tools_are_asked_for_in_a_stream;
    usage_that_was_not_said_is_not_invented;
    what_breaks_is_an_error_and_no_reply;
    nothing_follows_an_error;
    a_busy_provider_asks_for_patience;
    a_failed_call_is_not_made_again;
    what_a_model_cannot_do_is_refused;
    no_key_is_shown;
    nothing_is_sent_before_a_stream_is_read;
    a_dropped_call_is_given_up;
    a_dropped_stream_is_given_up;
    quotes_and_capabilities_stay_the_same;
    every_word_for_the_end_of_a_reply_has_its_reason;
    an_unknown_word_for_the_end_of_a_reply_is_kept;
}

type Client<'a> = &'a dyn ClientFixture;

/// How long a call is waited for that is about to be dropped.
const A_MOMENT: Duration = Duration::from_millis(50);

async fn set(fixture: Client<'_>, scene: Scene, need: &'static str) -> Checked<Staged> {
    fixture.set(scene).await.ok_or(Violation::Unmet(need))
}

fn failed(error: &Error) -> Violation {
    Violation::Broken(format!("an unexpected error: {}", error.chain()))
}

/// Reads a stream to its end, also past what should be its end.
async fn drain(staged: &Staged) -> Vec<Result<ChatEvent>> {
    staged.client.stream(&staged.request).collect().await
}

/// Reads a stream that should end well; checks that its deltas add up.
async fn finished(staged: &Staged) -> Checked<ChatReply> {
    let mut assembler = Assembler::default();
    let mut reply: Option<ChatReply> = None;
    for event in drain(staged).await {
        let event = event.map_err(|error| failed(&error))?;
        ensure!(reply.is_none(), "clause 2: something follows the end: {event:?}");
        assembler.add(&event);
        if let ChatEvent::Finished(finished) = event {
            reply = Some(*finished);
        }
    }
    let Some(reply) = reply else {
        return Err(Violation::Broken("clause 2: the stream ended without its end".to_owned()));
    };
    let finish = reply.reply.finish;
    let added_up = assembler.finish(Ending { finish, ..Ending::default() }).reply;
    let said =
        |reply: &ModelReply| (reply.text.clone(), reply.reasoning.clone(), reply.calls.clone());
    ensure_eq!(said(&added_up), said(&reply.reply), "clause 2: what the deltas add up to");
    Ok(reply)
}

/// Checks that a reply says what it should.
fn says(staged: &Staged, reply: &ChatReply) -> Checked {
    ensure_eq!(reply.reply.text, staged.reply.text, "what was said");
    let calls = |reply: &ModelReply| -> Vec<_> {
        let calls = reply.calls.iter();
        calls.map(|call| (call.name.clone(), call.arguments.clone())).collect()
    };
    ensure_eq!(calls(&reply.reply), calls(&staged.reply), "what was asked for");
    ensure_eq!(reply.usage, staged.usage, "clause 4: what was used");
    Ok(())
}

async fn whole(fixture: Client<'_>, scene: Scene, need: &'static str) -> Checked {
    let staged = set(fixture, scene, need).await?;
    let reply = staged.client.complete(&staged.request).await.map_err(|error| failed(&error))?;
    says(&staged, &reply)
}

async fn streamed(fixture: Client<'_>, scene: Scene, need: &'static str) -> Checked {
    let staged = set(fixture, scene, need).await?;
    says(&staged, &finished(&staged).await?)
}

async fn words_come_whole(fixture: Client<'_>) -> Checked {
    whole(fixture, Scene::Says, "words").await
}

async fn words_come_one_by_one_and_add_up(fixture: Client<'_>) -> Checked {
    streamed(fixture, Scene::Says, "words").await
}

async fn tools_are_asked_for_whole(fixture: Client<'_>) -> Checked {
    whole(fixture, Scene::Calls, "tools").await
}

async fn tools_are_asked_for_in_a_stream(fixture: Client<'_>) -> Checked {
    streamed(fixture, Scene::Calls, "tools").await
}

async fn usage_that_was_not_said_is_not_invented(fixture: Client<'_>) -> Checked {
    whole(fixture, Scene::SaysNoUsage, "a silence about usage").await?;
    streamed(fixture, Scene::SaysNoUsage, "a silence about usage").await
}

async fn what_breaks_is_an_error_and_no_reply(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Breaks, "a connection that breaks").await?;
    let whole = staged.client.complete(&staged.request).await;
    ensure!(whole.is_err(), "clause 3: half an answer is a reply: {whole:?}");
    for event in drain(&staged).await {
        let finished = matches!(event, Ok(ChatEvent::Finished(_)));
        ensure!(!finished, "clause 3: half a stream is a reply: {event:?}");
        if let Err(error) = event {
            ensure_eq!(error.sent(), Sent::Maybe, "whether a broken answer may be paid for");
            return Ok(());
        }
    }
    Err(Violation::Broken("clause 3: half a stream ends as if it were whole".to_owned()))
}

async fn nothing_follows_an_error(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Breaks, "a connection that breaks").await?;
    let events = drain(&staged).await;
    let first = events.iter().position(Result::is_err);
    ensure_eq!(first, events.len().checked_sub(1), "clause 2: where the error stands");
    Ok(())
}

async fn a_busy_provider_asks_for_patience(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Busy, "a rate limit").await?;
    let whole = staged.client.complete(&staged.request).await.err();
    let streamed = drain(&staged).await.into_iter().find_map(Result::err);
    for error in [whole, streamed] {
        let found = error.map(|e| (e.kind(), e.is_retryable(), e.retry_after(), e.sent()));
        let expected = (ErrorKind::RateLimited, true, Some(PATIENCE), Sent::No);
        ensure_eq!(found, Some(expected), "clause 6: what a rate limit is");
    }
    Ok(())
}

async fn a_failed_call_is_not_made_again(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Busy, "a rate limit").await?;
    let before = fixture.asked().await.ok_or(Violation::Unmet("a count of requests"))?;
    let failed = staged.client.complete(&staged.request).await;
    ensure!(failed.is_err(), "a busy provider gave a reply: {failed:?}");
    let asked = fixture.asked().await.map(|after| after - before);
    ensure_eq!(asked, Some(1), "clause 1: how often it was asked");
    Ok(())
}

async fn what_a_model_cannot_do_is_refused(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::NoTools, "a model without tools").await?;
    let before = fixture.asked().await;
    let tool =
        ToolDefinition::new("some.tool", "Does something.", serde_json::json!({"type": "object"}));
    let request = staged.request.clone().with_tools(vec![tool]);
    let whole = staged.client.complete(&request).await;
    let kind = whole.err().map(|error| (error.kind(), error.sent()));
    let refused = Some((ErrorKind::BadRequest, Sent::No));
    ensure_eq!(kind, refused, "clause 5: what becomes of tools for a model without");
    let streamed = staged.client.stream(&request).next().await.and_then(Result::err);
    let kind = streamed.map(|error| (error.kind(), error.sent()));
    ensure_eq!(kind, refused, "clause 5: what becomes of tools for a model without");
    ensure_eq!(fixture.asked().await, before, "clause 5: how many requests were sent");
    Ok(())
}

async fn no_key_is_shown(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::BadKey, "a bad key").await?;
    let secret = staged.secret.clone().ok_or(Violation::Unmet("a key"))?;
    let whole = staged.client.complete(&staged.request).await;
    let streamed = drain(&staged).await;
    let Err(error) = whole else {
        return Err(Violation::Broken("a bad key is good enough".to_owned()));
    };
    let shown = [
        ("the error", format!("{error:?} {}", error.chain())),
        ("the stream's error", format!("{streamed:?}")),
        ("the client's Debug", format!("{:?}", staged.client)),
    ];
    for (place, text) in shown {
        ensure!(!text.contains(&secret), "clause 8: {place} shows the key");
    }
    Ok(())
}

async fn nothing_is_sent_before_a_stream_is_read(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Says, "words").await?;
    let before = fixture.asked().await.ok_or(Violation::Unmet("a count of requests"))?;
    drop(staged.client.stream(&staged.request));
    ensure_eq!(fixture.asked().await, Some(before), "how many requests were sent");
    Ok(())
}

async fn a_dropped_call_is_given_up(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Silent, "a silence").await?;
    let call = staged.client.complete(&staged.request);
    let ended = tokio::time::timeout(A_MOMENT, call).await;
    ensure!(ended.is_err(), "a silent provider was heard: {ended:?}");
    given_up(fixture).await
}

async fn a_dropped_stream_is_given_up(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Silent, "a silence").await?;
    let mut stream = staged.client.stream(&staged.request);
    let ended = tokio::time::timeout(A_MOMENT, stream.next()).await;
    ensure!(ended.is_err(), "a silent provider was heard: {ended:?}");
    drop(stream);
    given_up(fixture).await
}

async fn given_up(fixture: Client<'_>) -> Checked {
    let given_up = fixture.given_up().await.ok_or(Violation::Unmet("a witness"))?;
    ensure!(given_up, "clause 7: the connection of a dropped call stays open");
    Ok(())
}

async fn quotes_and_capabilities_stay_the_same(fixture: Client<'_>) -> Checked {
    let staged = set(fixture, Scene::Says, "words").await?;
    let Staged { client, request, .. } = &staged;
    let before = fixture.asked().await;
    let quote = client.estimate_cost(request);
    ensure_eq!(client.estimate_cost(request), quote, "clause 9: a second quote");
    let shorter = client.estimate_cost(&request.clone().with_max_tokens(1)).max_cost;
    ensure!(shorter <= quote.max_cost, "clause 9: a shorter reply may cost {shorter:?}");
    let capabilities: Capabilities = client.capabilities(&request.model);
    let again = client.capabilities(&request.model);
    ensure_eq!(again, capabilities, "clause 9: what it says again that it can do");
    ensure_eq!(fixture.asked().await, before, "clause 9: how many requests were sent");
    let reply = client.complete(request).await.map_err(|error| failed(&error))?;
    if let (Some(most), Some(cost)) = (quote.max_cost, reply.cost) {
        ensure!(cost <= most, "clause 9: it cost {cost}, and {most} was the most");
    }
    Ok(())
}

async fn every_word_for_the_end_of_a_reply_has_its_reason(fixture: Client<'_>) -> Checked {
    let words = fixture.finish_words();
    if words.is_empty() {
        return Err(Violation::Unmet("words for the end of a reply"));
    }
    for (word, reason) in words {
        ends(fixture, word, *reason).await?;
    }
    Ok(())
}

async fn an_unknown_word_for_the_end_of_a_reply_is_kept(fixture: Client<'_>) -> Checked {
    if fixture.finish_words().is_empty() {
        return Err(Violation::Unmet("words for the end of a reply"));
    }
    ends(fixture, "brand_new", FinishReason::Other).await
}

/// Checks a reply that ends with a word, whole and streamed.
async fn ends(fixture: Client<'_>, word: &'static str, reason: FinishReason) -> Checked {
    let staged = set(fixture, Scene::Ends(word), "words for the end of a reply").await?;
    let whole = staged.client.complete(&staged.request).await;
    let streamed = drain(&staged).await.into_iter().find_map(|event| match event {
        Ok(ChatEvent::Finished(reply)) => Some(Ok(*reply)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    for reply in [Some(whole), streamed].into_iter().flatten() {
        match reply {
            Ok(ChatReply { reply, .. }) => {
                ensure_eq!((reply.finish, &*reply.stop), (reason, word), "clause 10: {word}");
            }
            Err(error) => ensure!(is_error(reason), "clause 10: {word} is an error: {error}"),
        }
    }
    Ok(())
}

/// Whether a client may return an error for a reply that ended so.
const fn is_error(reason: FinishReason) -> bool {
    matches!(reason, FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Error)
}
