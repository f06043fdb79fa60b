//! Recordings of exchanges with a model, which can be replayed without a network.
//!
//! A recording is text with one JSON object a line: a [`Header`], then an [`Exchange`] for each
//! completed call, in order of completion. Of a request only a digest and its beginning are kept;
//! of the reply, everything. So a recording contains no API key, and replaying a task costs what
//! recording it cost.
//!
//! A recording can be written by hand; optional fields may be left out:
//!
//! ```text
//! {"format":"az-recording","version":1,"provider":"demo","model":"demo-1"}
//! {"place":0,"task":"say hello","outcome":{"failed":{"what":"refused","kind":"rate_limited","message":"slow down","status":429,"retry_after_millis":1000}}}
//! {"place":0,"task":"say hello","millis":900,"outcome":{"replied":{"reply":{"text":"hello"},"usage":{"input":9,"output":2},"cost":57000}}}
//! ```
//!
//! ```
//! use std::sync::Arc;
//!
//! use az_ai::client::{GenerateOptions, LlmClientExt};
//! use az_ai::recording::{Header, RecordedClient, ReplayClient};
//! use az_ai::scripted::{ScriptedReply, ScriptedClient};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let dir = std::env::temp_dir().join(format!("az-recording-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir).unwrap();
//! # let path = dir.join("hello.jsonl");
//! let client = Arc::new(ScriptedClient::new([ScriptedReply::text("hello")]));
//! let (header, options) = (Header::of(&*client, "any-model"), GenerateOptions::default());
//! let recorded = RecordedClient::to_file(client, &header, &path)?;
//! let reply = recorded.generate("say hello", "any-model", &options).await?;
//!
//! let replayed = ReplayClient::from_json_lines(&std::fs::read_to_string(&path).unwrap())?;
//! assert_eq!(replayed.generate("say hello", "any-model", &options).await?, reply);
//! # std::fs::remove_dir_all(&dir).unwrap();
//! # Ok::<_, az_ai::Error>(()) }).unwrap();
//! ```

mod failure;
mod file;
mod format;
mod log;
mod pace;
mod piece;
mod read;
mod record;
mod recorder;
mod replay;

pub use failure::Failure;
pub use format::{Exchange, Header, Outcome, Replied};
pub use pace::Pace;
pub use piece::{Piece, Timed};
pub use record::RecordedClient;
pub use replay::ReplayClient;
