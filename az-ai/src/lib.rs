//! Language models: requests and replies, clients, routing, and the ReAct agent.
//!
//! | To provide | implement | bundled |
//! |---|---|---|
//! | a model client | [`client::LlmClient`] | [`provider::WireClient`] with the provider's [`provider::wire::Wire`], [`offline::OfflineClient`], [`scripted::ScriptedClient`]; [`recording::RecordedClient`] to record another client, [`recording::ReplayClient`] to replay the recording |
//! | embeddings | [`az_core::embed::Embedder`] | [`embed::WireEmbedder`] with the provider's [`embed::EmbedWire`] |
//! | model names | [`resolver::ModelResolver`] | [`resolver::Models`], [`catalog::ModelCatalog`] of a configuration |
//! | routing and fallbacks | [`routing::RoutingEngine`] | [`routing::RuleRouter`] |
//! | classification of prompts | [`routing::ComplexityClassifier`] | [`routing::KeywordClassifier`] |
//! | the agent's loop | [`react::ReActEngine`] | [`react::ReActAgent`] |
//!
//! A client takes a [`chat::ChatRequest`] and returns a [`chat::ChatReply`], complete or as a stream
//! of [`chat::ChatEvent`]s; these types are independent of the provider. The agent is an
//! [`az_core::Agent`]: its model and tool calls go through the run, which records them, limits them
//! and retries them.
//!
//! ```
//! use az_ai::client::{GenerateOptions, LlmClientExt};
//! use az_ai::scripted::{ScriptedReply, ScriptedClient};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let client = ScriptedClient::new([ScriptedReply::text("hello")]);
//! let reply = client.generate("say hello", "any-model", &GenerateOptions::default()).await?;
//! assert_eq!(reply.reply.text, "hello");
//! # Ok::<_, az_ai::Error>(()) }).unwrap();
//! ```
//!
//! Every contract lists numbered clauses; `testing` (feature of that name) has a conformance kit
//! for your own client to run.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod catalog;
pub mod chat;
pub mod client;
pub mod config;
pub mod error;
pub mod model_name;
pub mod pricing;
pub mod resolver;
pub mod routing;

pub mod embed;
pub mod offline;
pub mod provider;
pub mod recording;
pub mod scripted;

pub mod completer;
pub mod dispatch;
pub mod react;

mod cache;
mod charge;

pub mod estimate;
mod json_lines;
pub mod key;
mod plausible;
pub mod source;
mod surrogates;
pub mod token_price;

#[cfg(feature = "testing")]
pub mod testing;

pub use chat::{ChatReply, ChatRequest, Message};
pub use client::{LlmClient, LlmClientExt};
pub use error::{Error, Result};
pub use react::{ReActAgent, ReActEngine};
pub use resolver::{ModelResolver, Models};
pub use routing::{RoutingEngine, RuleRouter};
