//! Paid model calls: the request, the attempt, and the account that it is made on.
//!
//! An [`Account`] holds money before a call and settles it afterwards. A [`Run`](crate::Run) is the
//! account of a task, and records every attempt in its journal; a [`PayerAccount`] serves programs
//! without a task, such as a gateway or an embedder; [`Unbooked`] books nothing.

mod account;
mod attempt;
mod completer;
mod model_names;
mod payer;
mod retry;
mod unbooked;

pub use account::{Account, call_with_retries};
pub use attempt::{
    Attempt, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest, Restart,
};
pub use completer::{Completer, Completion, CompletionRequest};
pub use model_names::ModelNames;
pub use payer::{AccountEvent, AccountListener, PayerAccount};
pub use retry::RetryPolicy;
pub use unbooked::Unbooked;
