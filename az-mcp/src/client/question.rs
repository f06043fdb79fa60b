//! Questions of servers to the person who runs a task.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

/// A question of a server.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerQuestion {
    /// The server that asks.
    pub server: String,
    /// What it asks for, in its own words.
    pub message: String,
    /// The JSON Schema of the answer: an object with fields of text, numbers, booleans and choices.
    pub schema: Value,
}

/// The answer to a question of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerAnswer {
    /// The fields of the answer.
    Given(Map<String, Value>),
    /// The person does not answer, or there is no one to ask.
    Declined,
}

type Answer = dyn Fn(ServerQuestion) -> BoxFuture<'static, ServerAnswer> + Send + Sync;

/// Answers the questions of a server; by default, they are declined.
#[derive(Clone, Default)]
pub struct Answerer(Option<Arc<Answer>>);

impl Answerer {
    /// Creates an answerer by a function, which asks a person.
    pub fn new<F: Future<Output = ServerAnswer> + Send + 'static>(
        answer: impl Fn(ServerQuestion) -> F + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(move |question| answer(question).boxed())))
    }

    /// Whether questions may be answered.
    pub(super) const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Answers a question.
    pub(super) async fn answer(&self, question: ServerQuestion) -> ServerAnswer {
        match &self.0 {
            Some(answer) => answer(question).await,
            None => ServerAnswer::Declined,
        }
    }
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answerer").field(&self.0.is_some()).finish()
    }
}
