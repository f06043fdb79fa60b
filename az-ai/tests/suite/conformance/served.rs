//! A simulated server with the behaviours of the kit, for any wire.

use std::marker::PhantomData;
use std::sync::Mutex;

use async_trait::async_trait;
use az_ai::client::Capabilities;
use az_ai::key::ApiKey;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::wire::Wire;
use az_ai::provider::{Endpoint, WireClient};
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour, RETRY_AFTER};
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use serde_json::{Value, json};

use super::{KEY, calling, staged};
use crate::support::server::{Answer, End, Server};

/// The format of a provider's responses.
pub(super) trait Voice: Default + Send + Sync + 'static {
    /// The wire that reads the responses.
    type Wire: Wire + Default;

    /// The finish reasons that the provider documents, in its terms, with ours.
    const FINISH_WORDS: &[(&str, FinishReason)];

    /// Returns the wire.
    fn wire() -> Self::Wire {
        Self::Wire::default()
    }

    /// Returns a response with text, a call for each of some arguments, and usage: input and output
    /// tokens.
    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value;

    /// Sets the finish reason of a complete response.
    fn end(whole: &mut Value, word: &str);

    /// Splits a complete response into the small pieces of a stream.
    fn pieces(whole: &Value) -> String;

    /// Returns an error response.
    fn error(message: &str) -> Value;
}

/// A server that answers both kinds of request: complete first, or streamed first.
#[derive(Debug, Default)]
pub(super) struct Served<V>(Mutex<Option<Server>>, PhantomData<V>);

#[async_trait]
impl<V: Voice> ClientFixture for Served<V> {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let mut body = match behaviour {
            ProviderBehaviour::RepliesWithoutUsage => V::whole("two words", &[], None),
            ProviderBehaviour::CallsTools => {
                V::whole("I look.", &[json!({"path": "é"}), json!({})], Some((3, 2)))
            }
            _ => V::whole("two words", &[], Some((3, 2))),
        };
        if let ProviderBehaviour::EndsWith(word) = behaviour {
            V::end(&mut body, word);
        }
        let half = |text: &str| Answer::stream(&text[..text.len() / 2], End::Cut);
        let (whole, stream) = match behaviour {
            ProviderBehaviour::DoesNotRespond => (Answer::Silence, Answer::Silence),
            ProviderBehaviour::RateLimited => {
                let seconds = RETRY_AFTER.as_secs().to_string();
                let busy = Answer::json(429, &V::error("slow down"));
                let busy = busy.with_header("retry-after", &seconds);
                (busy.clone(), busy)
            }
            ProviderBehaviour::RejectsKey => {
                let secret = V::error(&format!("bad key: {KEY}"));
                (Answer::json(401, &secret), Answer::json(400, &secret))
            }
            ProviderBehaviour::Disconnects => (half(&body.to_string()), half(&V::pieces(&body))),
            _ => (Answer::json(200, &body), Answer::stream(V::pieces(&body), End::Proper)),
        };
        let server = Server::start_either(whole, stream).await;
        let mut config = Endpoint::new("test", &server.url).with_api_key(ApiKey::new(KEY));
        if behaviour == ProviderBehaviour::WithoutTools {
            config.capabilities = Capabilities::FULL.without_tools();
        }
        *self.0.lock().unwrap() = Some(server);
        let http = HttpClient::new(&HttpOptions::default()).unwrap();
        let client = WireClient::new(config, V::wire(), http).unwrap();
        let reply = match behaviour {
            ProviderBehaviour::CallsTools => calling(),
            _ => ModelReply::text("two words"),
        };
        let usage =
            (behaviour != ProviderBehaviour::RepliesWithoutUsage).then(|| Usage::tokens(3, 2));
        let mut staged = staged(client, reply, usage);
        staged.secret = Some(KEY.to_owned());
        Some(staged)
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        V::FINISH_WORDS
    }

    async fn requests(&self) -> Option<usize> {
        self.0.lock().unwrap().as_ref().map(|server| server.requests().len())
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        let server = self.0.lock().unwrap().clone()?;
        Some(server.saw_disconnect().await)
    }
}
