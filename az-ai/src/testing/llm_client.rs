//! The conformance kit of [`LlmClient`](crate::client::LlmClient).

mod fixture;

use az_core::ErrorKind;
use az_core::journal::{FinishReason, ModelReply};
use az_core::testing::{Checked, Violation};
use az_core::{ensure, ensure_eq, scenarios};
use futures_util::StreamExt;

use super::dropped_call::{check_disconnect, drop_when_sent};
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending, ToolDefinition};
use crate::client::{Capabilities, Fact};
use crate::error::{Error, Result, Sent};

pub use self::fixture::{ClientCase, ClientFixture, ProviderBehaviour, RETRY_AFTER};

scenarios! {
    $crate
    /// Runs every scenario of [`LlmClient`](crate::client::LlmClient)'s contract. A scenario whose
    /// behaviour the fixture does not provide is skipped.
    llm_client for ClientFixture, in llm_client_conformance;

    a_complete_reply_is_returned;
    a_streams_deltas_add_up_to_the_reply;
    a_complete_reply_contains_tool_calls;
    a_stream_contains_tool_calls;
    unreported_usage_is_absent;
    a_broken_connection_is_an_error_and_not_a_reply;
    nothing_follows_an_error;
    a_rate_limit_has_the_requested_wait;
    a_failed_call_is_not_retried;
    an_unsupported_request_is_refused_before_it_is_sent;
    no_key_is_shown;
    nothing_is_sent_before_a_stream_is_polled;
    a_dropped_call_closes_its_connection;
    a_dropped_stream_closes_its_connection;
    estimates_and_capabilities_are_deterministic;
    a_learned_fact_holds_for_its_model_only;
    every_documented_term_has_its_finish_reason;
    an_unknown_term_is_kept_with_finish_reason_other;
}

type Client<'a> = &'a dyn ClientFixture;

async fn client_case(
    fixture: Client<'_>,
    behaviour: ProviderBehaviour,
    need: &'static str,
) -> Checked<ClientCase> {
    fixture.client(behaviour).await.ok_or(Violation::Unmet(need))
}

fn failed(error: &Error) -> Violation {
    Violation::Broken(format!("an unexpected error: {}", error.chain()))
}

/// Reads a stream to its end, and continues to poll after that.
async fn drain(staged: &ClientCase) -> Vec<Result<ChatEvent>> {
    staged.client.stream(&staged.request).collect().await
}

/// Reads a stream that should succeed; checks that its deltas add up.
async fn finished(staged: &ClientCase) -> Checked<ChatReply> {
    let mut assembler = Assembler::default();
    let mut reply: Option<ChatReply> = None;
    for event in drain(staged).await {
        let event = event.map_err(|error| failed(&error))?;
        ensure!(reply.is_none(), "clause 2: an event follows `Finished`: {event:?}");
        assembler.add(&event);
        if let ChatEvent::Finished(finished) = event {
            reply = Some(*finished);
        }
    }
    let Some(reply) = reply else {
        return Err(Violation::Broken("clause 2: the stream ended without `Finished`".to_owned()));
    };
    let finish = reply.reply.finish;
    let added_up = assembler.finish(Ending { finish, ..Ending::default() }).reply;
    let said =
        |reply: &ModelReply| (reply.text.clone(), reply.reasoning.clone(), reply.calls.clone());
    ensure_eq!(said(&added_up), said(&reply.reply), "clause 2: the sum of the deltas");
    Ok(reply)
}

/// Checks a reply against the expectation.
fn check_reply(staged: &ClientCase, reply: &ChatReply) -> Checked {
    ensure_eq!(reply.reply.text, staged.reply.text, "the text");
    let calls = |reply: &ModelReply| -> Vec<_> {
        let calls = reply.calls.iter();
        calls.map(|call| (call.name.clone(), call.arguments.clone())).collect()
    };
    ensure_eq!(calls(&reply.reply), calls(&staged.reply), "the tool calls");
    ensure_eq!(reply.usage, staged.usage, "clause 4: the usage");
    Ok(())
}

async fn check_complete(
    fixture: Client<'_>,
    behaviour: ProviderBehaviour,
    need: &'static str,
) -> Checked {
    let staged = client_case(fixture, behaviour, need).await?;
    let reply = staged.client.complete(&staged.request).await.map_err(|error| failed(&error))?;
    check_reply(&staged, &reply)
}

async fn check_streamed(
    fixture: Client<'_>,
    behaviour: ProviderBehaviour,
    need: &'static str,
) -> Checked {
    let staged = client_case(fixture, behaviour, need).await?;
    check_reply(&staged, &finished(&staged).await?)
}

/// Checks `LlmClient` 2.
async fn a_complete_reply_is_returned(fixture: Client<'_>) -> Checked {
    check_complete(fixture, ProviderBehaviour::Replies, "a reply").await
}

/// Checks `LlmClient` 2.
async fn a_streams_deltas_add_up_to_the_reply(fixture: Client<'_>) -> Checked {
    check_streamed(fixture, ProviderBehaviour::Replies, "a reply").await
}

/// Checks `LlmClient` 2.
async fn a_complete_reply_contains_tool_calls(fixture: Client<'_>) -> Checked {
    check_complete(fixture, ProviderBehaviour::CallsTools, "tool calls").await
}

/// Checks `LlmClient` 2.
async fn a_stream_contains_tool_calls(fixture: Client<'_>) -> Checked {
    check_streamed(fixture, ProviderBehaviour::CallsTools, "tool calls").await
}

/// Checks `LlmClient` 4.
async fn unreported_usage_is_absent(fixture: Client<'_>) -> Checked {
    check_complete(fixture, ProviderBehaviour::RepliesWithoutUsage, "a reply without usage")
        .await?;
    check_streamed(fixture, ProviderBehaviour::RepliesWithoutUsage, "a reply without usage").await
}

/// Checks `LlmClient` 3.
async fn a_broken_connection_is_an_error_and_not_a_reply(fixture: Client<'_>) -> Checked {
    let staged =
        client_case(fixture, ProviderBehaviour::Disconnects, "a connection that breaks").await?;
    let complete = staged.client.complete(&staged.request).await;
    ensure!(complete.is_err(), "clause 3: a partial response is a reply: {complete:?}");
    for event in drain(&staged).await {
        let finished = matches!(event, Ok(ChatEvent::Finished(_)));
        ensure!(!finished, "clause 3: a partial stream is a reply: {event:?}");
        if let Err(error) = event {
            ensure_eq!(error.sent(), Sent::Maybe, "whether a broken response may cost something");
            return Ok(());
        }
    }
    Err(Violation::Broken("clause 3: a partial stream ends without an error".to_owned()))
}

/// Checks `LlmClient` 2.
async fn nothing_follows_an_error(fixture: Client<'_>) -> Checked {
    let staged =
        client_case(fixture, ProviderBehaviour::Disconnects, "a connection that breaks").await?;
    let events = drain(&staged).await;
    let first = events.iter().position(Result::is_err);
    ensure_eq!(first, events.len().checked_sub(1), "clause 2: the position of the error");
    Ok(())
}

/// Checks `LlmClient` 6.
async fn a_rate_limit_has_the_requested_wait(fixture: Client<'_>) -> Checked {
    let staged = client_case(fixture, ProviderBehaviour::RateLimited, "a rate limit").await?;
    let complete = staged.client.complete(&staged.request).await.err();
    let streamed = drain(&staged).await.into_iter().find_map(Result::err);
    for error in [complete, streamed] {
        let found = error.map(|e| (e.kind(), e.is_retryable(), e.retry_after(), e.sent()));
        let expected = (ErrorKind::RateLimited, true, Some(RETRY_AFTER), Sent::No);
        ensure_eq!(found, Some(expected), "clause 6: the error of a rate limit");
    }
    Ok(())
}

/// Checks `LlmClient` 1.
async fn a_failed_call_is_not_retried(fixture: Client<'_>) -> Checked {
    let staged = client_case(fixture, ProviderBehaviour::RateLimited, "a rate limit").await?;
    let before = fixture.requests().await.ok_or(Violation::Unmet("a count of requests"))?;
    let failed = staged.client.complete(&staged.request).await;
    ensure!(failed.is_err(), "a rate-limited call succeeded: {failed:?}");
    let requests = fixture.requests().await.map(|after| after - before);
    ensure_eq!(requests, Some(1), "clause 1: the number of requests");
    Ok(())
}

/// Checks `LlmClient` 5.
async fn an_unsupported_request_is_refused_before_it_is_sent(fixture: Client<'_>) -> Checked {
    let staged =
        client_case(fixture, ProviderBehaviour::WithoutTools, "a model without tools").await?;
    let before = fixture.requests().await;
    let tool =
        ToolDefinition::new("some.tool", "Does something.", serde_json::json!({"type": "object"}));
    let request = staged.request.clone().with_tools(vec![tool]);
    let complete = staged.client.complete(&request).await;
    let kind = complete.err().map(|error| (error.kind(), error.sent()));
    let refused = Some((ErrorKind::BadRequest, Sent::No));
    ensure_eq!(kind, refused, "clause 5: a request with tools to a model without");
    let streamed = staged.client.stream(&request).next().await.and_then(Result::err);
    let kind = streamed.map(|error| (error.kind(), error.sent()));
    ensure_eq!(kind, refused, "clause 5: a request with tools to a model without");
    ensure_eq!(fixture.requests().await, before, "clause 5: the number of requests");
    Ok(())
}

/// Checks `LlmClient` 8.
async fn no_key_is_shown(fixture: Client<'_>) -> Checked {
    let staged = client_case(fixture, ProviderBehaviour::RejectsKey, "a rejected key").await?;
    let secret = staged.secret.clone().ok_or(Violation::Unmet("a key"))?;
    let complete = staged.client.complete(&staged.request).await;
    let streamed = drain(&staged).await;
    let Err(error) = complete else {
        return Err(Violation::Broken("a rejected key was accepted".to_owned()));
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

/// Checks `LlmClient` 1.
async fn nothing_is_sent_before_a_stream_is_polled(fixture: Client<'_>) -> Checked {
    let staged = client_case(fixture, ProviderBehaviour::Replies, "a reply").await?;
    let before = fixture.requests().await.ok_or(Violation::Unmet("a count of requests"))?;
    drop(staged.client.stream(&staged.request));
    ensure_eq!(fixture.requests().await, Some(before), "the number of requests");
    Ok(())
}

/// Checks `LlmClient` 7.
async fn a_dropped_call_closes_its_connection(fixture: Client<'_>) -> Checked {
    let staged =
        client_case(fixture, ProviderBehaviour::DoesNotRespond, "a provider that does not respond")
            .await?;
    drop_when_sent(fixture, staged.client.complete(&staged.request)).await?;
    check_disconnect(fixture).await
}

/// Checks `LlmClient` 7.
async fn a_dropped_stream_closes_its_connection(fixture: Client<'_>) -> Checked {
    let staged =
        client_case(fixture, ProviderBehaviour::DoesNotRespond, "a provider that does not respond")
            .await?;
    let mut stream = staged.client.stream(&staged.request);
    drop_when_sent(fixture, stream.next()).await?;
    drop(stream);
    check_disconnect(fixture).await
}

/// Checks `LlmClient` 9.
async fn estimates_and_capabilities_are_deterministic(fixture: Client<'_>) -> Checked {
    let staged = client_case(fixture, ProviderBehaviour::Replies, "a reply").await?;
    let ClientCase { client, request, .. } = &staged;
    let before = fixture.requests().await;
    let estimate = client.estimate_cost(request);
    ensure_eq!(client.estimate_cost(request), estimate, "clause 9: the second estimate");
    let shorter = client.estimate_cost(&request.clone().with_max_tokens(1)).max_cost;
    ensure!(shorter <= estimate.max_cost, "clause 9: a shorter reply may cost {shorter:?}");
    let capabilities: Capabilities = client.capabilities(&request.model);
    let again = client.capabilities(&request.model);
    ensure_eq!(again, capabilities, "clause 9: the second capabilities");
    ensure_eq!(fixture.requests().await, before, "clause 9: the number of requests");
    let reply = client.complete(request).await.map_err(|error| failed(&error))?;
    if let (Some(most), Some(cost)) = (estimate.max_cost, reply.cost) {
        ensure!(cost <= most, "clause 9: it cost {cost}, and {most} was the most");
    }
    Ok(())
}

/// Checks `LlmClient` 11.
async fn a_learned_fact_holds_for_its_model_only(fixture: Client<'_>) -> Checked {
    let staged = client_case(fixture, ProviderBehaviour::CallsTools, "tool calls").await?;
    let ClientCase { client, request, .. } = &staged;
    let before = (client.capabilities(&request.model), client.capabilities("another"));
    client.learn(&request.model, Fact::NoTools);
    let after = (client.capabilities(&request.model), client.capabilities("another"));
    if after == before {
        return Err(Violation::Unmet("a client that learns"));
    }
    ensure_eq!(after, (before.0.without_tools(), before.1), "clause 11: the capabilities");
    let refused = client.complete(request).await.err().map(|error| error.sent());
    ensure_eq!(refused, Some(Sent::No), "clause 11: a request with tools after `NoTools`");
    Ok(())
}

/// Checks `LlmClient` 10.
async fn every_documented_term_has_its_finish_reason(fixture: Client<'_>) -> Checked {
    let words = fixture.finish_words();
    if words.is_empty() {
        return Err(Violation::Unmet("documented finish reasons"));
    }
    for (word, reason) in words {
        check_finish_reason(fixture, word, *reason).await?;
    }
    Ok(())
}

/// Checks `LlmClient` 10.
async fn an_unknown_term_is_kept_with_finish_reason_other(fixture: Client<'_>) -> Checked {
    if fixture.finish_words().is_empty() {
        return Err(Violation::Unmet("documented finish reasons"));
    }
    check_finish_reason(fixture, "brand_new", FinishReason::Other).await
}

/// Checks the finish reason of a reply, complete and streamed.
async fn check_finish_reason(
    fixture: Client<'_>,
    word: &'static str,
    reason: FinishReason,
) -> Checked {
    let staged =
        client_case(fixture, ProviderBehaviour::EndsWith(word), "documented finish reasons")
            .await?;
    let complete = staged.client.complete(&staged.request).await;
    let streamed = drain(&staged).await.into_iter().find_map(|event| match event {
        Ok(ChatEvent::Finished(reply)) => Some(Ok(*reply)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    for reply in [Some(complete), streamed].into_iter().flatten() {
        match reply {
            Ok(ChatReply { reply, .. }) => {
                ensure_eq!((reply.finish, &*reply.stop), (reason, word), "clause 10: {word}");
            }
            Err(error) => ensure!(is_error(reason), "clause 10: {word} is an error: {error}"),
        }
    }
    Ok(())
}

/// Whether a client may return an error for a reply with this finish reason.
const fn is_error(reason: FinishReason) -> bool {
    matches!(reason, FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Error)
}
