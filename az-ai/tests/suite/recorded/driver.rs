//! Plays recordings to the client over the loopback.

use az_ai::chat::{Assembler, ChatEvent, ChatReply, Ending};
use az_ai::client::LlmClient;
use az_ai::error::Error;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::{Endpoint, WireClient};
use az_core::journal::FinishReason;
use futures_util::{StreamExt, TryStreamExt};

use super::cuts::cut;
use super::exchange::{Exchange, recorded};
use super::is_spoken;
use super::spoken::{Said, Spoken};
use super::table::Row;
use crate::support::server::{Answer, End, Server};

/// How many streams of a provider come byte by byte.
const BYTE_BY_BYTE: usize = 20;
/// The longest that do, in bytes.
const LONGEST: usize = 12_000;

/// Plays all exchanges of a provider that speak a wire, and those that speak none.
pub(super) async fn play<S: Spoken>(provider: &'static str) -> Row {
    let exchanges = recorded(provider);
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let mut row = Row::new(provider, S::NAME);
    let mut streams: Vec<&Exchange> = Vec::new();
    for exchange in &exchanges {
        if S::speaks(exchange) {
            match exchange.status {
                200 if exchange.is_streamed() => {
                    streams.push(exchange);
                    row.finishes.extend(streamed::<S>(exchange, &http).await);
                    row.streamed += 1;
                    row.cuts += cut::<S>(exchange);
                }
                200 => {
                    row.finishes.extend(whole::<S>(exchange, &http).await);
                    row.whole += 1;
                }
                _ => {
                    refused::<S>(exchange, &http).await;
                    row.errors += 1;
                }
            }
        } else if S::ADOPTS && !is_spoken(exchange) {
            foreign::<S>(exchange, &http).await;
            row.foreign += 1;
        }
    }
    streams.retain(|exchange| exchange.response.len() <= LONGEST);
    streams.sort_by_key(|exchange| exchange.response.len());
    for exchange in streams.into_iter().take(BYTE_BY_BYTE) {
        let pieces = exchange.response.bytes().map(|byte| vec![byte]).collect();
        check::<S>(exchange, &S::expected(exchange), stream::<S>(exchange, pieces, &http).await);
        row.byte_by_byte += 1;
    }
    row
}

async fn client<S: Spoken>(answer: Answer, http: &HttpClient) -> WireClient {
    let server = Server::start(answer).await;
    let endpoint = Endpoint::new("test", server.url.trim_end_matches("/v1"));
    WireClient::new(endpoint, S::wire(), http.clone()).unwrap()
}

fn answer(exchange: &Exchange) -> Answer {
    Answer::Whole {
        status: exchange.status,
        headers: vec![("content-type", exchange.content_type.clone())],
        body: exchange.response.clone().into_bytes(),
    }
}

fn check<S: Spoken>(
    exchange: &Exchange,
    expected: &Result<Said, String>,
    got: Result<ChatReply, Error>,
) {
    let name = &exchange.name;
    match (expected, got) {
        (Ok(said), Ok(reply)) => {
            said.check(name, &reply);
            S::check(exchange, &reply);
        }
        (Err(message), Err(Error::Refused(refusal))) => {
            assert_eq!(refusal.message, *message, "{name}");
        }
        (expected, got) => panic!("{name}: {got:?} for {expected:?}"),
    }
}

/// A reply that came whole, asked for whole and as a stream; returns how it ended.
async fn whole<S: Spoken>(exchange: &Exchange, http: &HttpClient) -> Option<Finish> {
    let expected = S::expected(exchange);
    let client = client::<S>(answer(exchange), http).await;
    let reply = client.complete(&S::request(exchange)).await;
    let finish = reply.as_ref().ok().map(finish);
    check::<S>(exchange, &expected, reply);
    check::<S>(exchange, &expected, folded(exchange, &client, &S::request(exchange)).await);
    finish
}

/// The word that a reply ended with, and its reason.
type Finish = (String, FinishReason);

fn finish(reply: &ChatReply) -> Finish {
    (reply.reply.stop.clone(), reply.reply.finish)
}

/// A stream, cut into pieces at random three times; returns how it ended.
async fn streamed<S: Spoken>(exchange: &Exchange, http: &HttpClient) -> Option<Finish> {
    let expected = S::expected(exchange);
    let mut dice = Dice(exchange.response.len() as u64);
    let mut replies = Vec::new();
    for largest in [usize::MAX, 1_000, 61] {
        let pieces = pieces(exchange.response.as_bytes(), largest, &mut dice);
        let reply = stream::<S>(exchange, pieces, http).await;
        replies.extend(reply.as_ref().ok().cloned());
        check::<S>(exchange, &expected, reply);
    }
    assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{}", exchange.name);
    replies.first().map(finish)
}

async fn stream<S: Spoken>(
    exchange: &Exchange,
    pieces: Vec<Vec<u8>>,
    http: &HttpClient,
) -> Result<ChatReply, Error> {
    let client = client::<S>(Answer::Stream { pieces, end: End::Proper }, http).await;
    folded(exchange, &client, &S::request(exchange)).await
}

/// Reads a stream; checks that its pieces add up to the reply at its end.
async fn folded(
    exchange: &Exchange,
    client: &WireClient,
    request: &az_ai::ChatRequest,
) -> Result<ChatReply, Error> {
    let name = &exchange.name;
    let events: Vec<ChatEvent> = client.stream(request).try_collect().await?;
    let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("{name}: no end") };
    let mut assembler = Assembler::default();
    events.iter().for_each(|event| assembler.add(event));
    let (finish, stop) = (reply.reply.finish, &reply.reply.stop);
    assert_ne!(finish, FinishReason::Other, "{name}: {stop:?} is not in the table of the wire");
    assert_eq!(finish == FinishReason::Unknown, stop.is_empty(), "{name}");
    let added_up = assembler.finish(Ending { finish, ..Ending::default() }).reply;
    assert_eq!(
        (&added_up.text, &added_up.reasoning, &added_up.calls),
        (&reply.reply.text, &reply.reply.reasoning, &reply.reply.calls),
        "{name}"
    );
    Ok((**reply).clone())
}

/// A refusal is a typed error with the provider's own message, and perhaps what to do after it.
async fn refused<S: Spoken>(exchange: &Exchange, http: &HttpClient) {
    let name = &exchange.name;
    let result = client::<S>(answer(exchange), http).await.complete(&S::request(exchange)).await;
    check_refusal(exchange, result.map(|reply| format!("{name}: {reply:?}")));
}

fn check_refusal(exchange: &Exchange, result: Result<String, Error>) {
    let name = &exchange.name;
    let Err(Error::Refused(refusal)) = result else { panic!("{name}: {result:?}") };
    assert_eq!(refusal.status, Some(exchange.status), "{name}");
    let is_quoted = |message: &str| {
        let quoted = serde_json::to_string(message).unwrap();
        exchange.response.contains(quoted.trim_matches('"'))
    };
    let message = refusal.message.as_str();
    let ends = ["; ", " ("].iter().filter_map(|end| message.rfind(end));
    let said = ends.min().map_or(message, |end| &message[..end]);
    assert!(!said.is_empty() && (is_quoted(message) || is_quoted(said)), "{name}: {refusal}");
}

/// What was never meant for a chat client is survived; a list of models is read as one.
async fn foreign<S: Spoken>(exchange: &Exchange, http: &HttpClient) {
    let client = client::<S>(answer(exchange), http).await;
    if exchange.method == "GET" && exchange.path.ends_with("/models") {
        let models = client.models().await;
        if exchange.status != 200 {
            return check_refusal(exchange, models.map(|models| format!("{models:?}")));
        }
        assert!(!models.unwrap().is_empty(), "{}", exchange.name);
        return;
    }
    let request = S::request(exchange);
    client.complete(&request).await.err();
    client.stream(&request).collect::<Vec<_>>().await;
}

/// Random numbers that are the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// Returns a number from 1 to `most`.
    pub(super) fn roll(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33;
        1 + usize::try_from(mixed).unwrap() % most
    }
}

fn pieces(mut bytes: &[u8], largest: usize, dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(dice.roll(largest.min(bytes.len())));
        pieces.push(piece.to_vec());
        bytes = rest;
    }
    pieces
}
