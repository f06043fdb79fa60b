//! The one way to call a model: candidates, cost estimate, hold, send, retry, fallback, settle.
//!
//! A [`Dispatcher`] tries candidates in order on an [`Account`](az_core::call::Account): it takes
//! the most that a call can cost as a hold, waits while other calls hold the budget, asks for a
//! shorter reply where that fits, sends the request, repeats what may succeed later, changes the
//! request where a refusal shows that the model does not accept a part of it, falls back to the next
//! candidate, and reports to the router. What is sent is a [`Prompt`]; the agent has one
//! for its transcript, and [`ChatPrompt`] is a request as it is. [`DispatchClient`] offers all of it
//! as an [`LlmClient`](crate::LlmClient), for programs without tasks.

mod budget_wait;
mod candidate_call;
mod client;
mod dispatcher;
mod effect;
mod error;
mod failures;
mod fallback;
mod loading;
mod options;
mod prompt;
mod recovery;
mod shorten;
mod sources;

pub use client::DispatchClient;
pub use dispatcher::{Dispatched, Dispatcher, Outcome};
pub use error::DispatchError;
pub use options::DispatchOptions;
pub use prompt::{ChatPrompt, Delivery, Prompt, Rejection};
