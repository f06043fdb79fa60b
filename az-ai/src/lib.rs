//! Models: what is said to them, who answers, and the agent that works with them.
//!
//! | To decide | implement | bundled |
//! |---|---|---|
//! | who answers | [`client::LlmClient`] | [`provider::WireClient`] with the provider's [`provider::wire::Wire`], [`offline::OfflineClient`], [`scripted::ScriptedClient`]; [`recording::RecordedClient`] before another, [`recording::ReplayClient`] after it |
//! | how texts become vectors | [`az_core::embed::Embedder`] | [`embed::WireEmbedder`] with the provider's [`embed::EmbedWire`] |
//! | which model a name means | [`resolver::ModelResolver`] | [`resolver::Models`], [`catalog::ModelCatalog`] of a configuration |
//! | who is asked, and who then | [`routing::RoutingEngine`] | [`routing::RuleRouter`] |
//! | what sort of work a text asks for | [`routing::ComplexityClassifier`] | [`routing::KeywordClassifier`] |
//! | how a task is carried out | [`react::ReActEngine`] | [`react::ReActAgent`] |
//!
//! A client takes a [`chat::ChatRequest`] and gives a [`chat::ChatReply`], whole or as a stream of
//! [`chat::ChatEvent`]s, in no provider's shape. The agent is an [`az_core::Agent`]: what it asks
//! and does goes through the run, which records, limits and repeats.
//!
//! ```
//! use az_ai::client::{GenerateOptions, LlmClientExt};
//! use az_ai::scripted::{Line, ScriptedClient};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let client = ScriptedClient::new([Line::text("hello")]);
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

pub mod dispatch;
pub mod react;

mod charge;

pub mod estimate;
mod json_lines;
pub mod key;
pub mod source;
pub mod token_price;

#[cfg(feature = "testing")]
pub mod testing;

pub use chat::{ChatReply, ChatRequest, Message};
pub use client::{LlmClient, LlmClientExt};
pub use error::{Error, Result};
pub use react::{ReActAgent, ReActEngine};
pub use resolver::{ModelResolver, Models};
pub use routing::{RoutingEngine, RuleRouter};
