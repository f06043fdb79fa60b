//! The scenes of the kit, set on a server that speaks any of the wires.

use std::marker::PhantomData;
use std::sync::Mutex;

use async_trait::async_trait;
use az_ai::client::Capabilities;
use az_ai::key::ApiKey;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::wire::Wire;
use az_ai::provider::{Endpoint, WireClient};
use az_ai::testing::llm_client::{ClientFixture, PATIENCE, Scene, Staged};
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use serde_json::{Value, json};

use super::{KEY, calling, staged};
use crate::support::server::{Answer, End, Server};

/// How a provider says things.
pub(super) trait Voice: Default + Send + Sync + 'static {
    /// What understands it.
    type Wire: Wire + Default;

    /// The words for the reason that a reply ended, as the provider documents them.
    const FINISH_WORDS: &[(&str, FinishReason)];

    /// Returns it.
    fn wire() -> Self::Wire {
        Self::Wire::default()
    }

    /// Says words, calls a tool with each of some arguments, and says what it used: input and
    /// output.
    fn whole(words: &str, arguments: &[Value], used: Option<(u64, u64)>) -> Value;

    /// Sets the word for the reason that a reply ended.
    fn end(whole: &mut Value, word: &str);

    /// Turns a whole reply into a stream of small pieces.
    fn pieces(whole: &Value) -> String;

    /// Says no.
    fn error(message: &str) -> Value;
}

/// A server that answers both kinds of request: whole first, or streamed first.
#[derive(Debug, Default)]
pub(super) struct Served<V>(Mutex<Option<Server>>, PhantomData<V>);

#[async_trait]
impl<V: Voice> ClientFixture for Served<V> {
    async fn set(&self, scene: Scene) -> Option<Staged> {
        let mut body = match scene {
            Scene::SaysNoUsage => V::whole("two words", &[], None),
            Scene::Calls => V::whole("I look.", &[json!({"path": "é"}), json!({})], Some((3, 2))),
            _ => V::whole("two words", &[], Some((3, 2))),
        };
        if let Scene::Ends(word) = scene {
            V::end(&mut body, word);
        }
        let half = |text: &str| Answer::stream(&text[..text.len() / 2], End::Cut);
        let (whole, stream) = match scene {
            Scene::Silent => (Answer::Silence, Answer::Silence),
            Scene::Busy => {
                let seconds = PATIENCE.as_secs().to_string();
                let busy = Answer::json(429, &V::error("slow down"));
                let busy = busy.with_header("retry-after", &seconds);
                (busy.clone(), busy)
            }
            Scene::BadKey => {
                let secret = V::error(&format!("bad key: {KEY}"));
                (Answer::json(401, &secret), Answer::json(400, &secret))
            }
            Scene::Breaks => (half(&body.to_string()), half(&V::pieces(&body))),
            _ => (Answer::json(200, &body), Answer::stream(V::pieces(&body), End::Proper)),
        };
        let server = Server::start_either(whole, stream).await;
        let mut config = Endpoint::new("test", &server.url).with_api_key(ApiKey::new(KEY));
        if scene == Scene::NoTools {
            config.capabilities = Capabilities::FULL.without_tools();
        }
        *self.0.lock().unwrap() = Some(server);
        let http = HttpClient::new(&HttpOptions::default()).unwrap();
        let client = WireClient::new(config, V::wire(), http).unwrap();
        let reply = match scene {
            Scene::Calls => calling(),
            _ => ModelReply::text("two words"),
        };
        let usage = (scene != Scene::SaysNoUsage).then(|| Usage::tokens(3, 2));
        let mut staged = staged(client, reply, usage);
        staged.secret = Some(KEY.to_owned());
        Some(staged)
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        V::FINISH_WORDS
    }

    async fn asked(&self) -> Option<usize> {
        self.0.lock().unwrap().as_ref().map(|server| server.asked().len())
    }

    async fn given_up(&self) -> Option<bool> {
        let server = self.0.lock().unwrap().clone()?;
        Some(server.given_up().await)
    }
}
