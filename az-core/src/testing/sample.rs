//! Values for tests: short to write, and deterministic.

use std::time::Duration;

use serde_json::json;

use crate::clock::{Timestamp, from_micros, later};
use crate::cost::{
    Budget, Charge, CostEntry, Hold, Limit, Payer, Period, Scope, Settlement, TimeRange, Usage,
};
use crate::error::ErrorKind;
use crate::id::{CallId, TaskId, WorkerId};
use crate::journal::{
    EventBody, ModelIntent, ModelOutcome, ModelReply, ModelResult, NewEvent, Purpose, SCHEMA,
    ToolIntent, ToolOutcome, ToolResult,
};
use crate::money::Usd;
use crate::task::{Claim, Failure, Outcome, Spawned, Task, TaskOptions, Waiting};
use crate::tool::{EffectClass, ToolOutput};

/// Monday, 5 January 2026, 00:00 UTC: minute 0 of every test.
const MONDAY: i64 = 1_767_571_200_000_000;

/// The minutes of a day, for tests that cross midnight.
pub const DAY: i64 = 24 * 60;

/// Returns the time this many minutes after the beginning of a week in UTC.
pub fn at(minute: i64) -> Timestamp {
    from_micros(minute.saturating_mul(60_000_000).saturating_add(MONDAY))
}

/// Returns all of time.
pub const fn always() -> TimeRange {
    TimeRange { start: Timestamp::MIN, end: Timestamp::MAX }
}

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident: $type:ident;)+) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            ///
            /// If the text is not a valid id.
            pub fn $name(id: &str) -> $type {
                $type::new(id).expect("a valid id")
            }
        )+
    };
}

named! {
    /// Returns the id of a task.
    task_id: TaskId;
    /// Returns a worker.
    worker: WorkerId;
    /// Returns the id of a call.
    call_id: CallId;
}

/// Returns a task created at a minute.
///
/// # Panics
///
/// If the text is not a valid id.
#[expect(clippy::expect_used, reason = "the command is fixed")]
pub fn task(id: &str, minute: i64) -> Task {
    Task::new(task_id(id), format!("do {id}"), at(minute)).expect("a valid task")
}

/// Returns a task that a parent has spawned.
///
/// # Panics
///
/// If a text is not a valid id.
pub fn spawned(id: &str, parent: &str) -> Task {
    let options = TaskOptions::default().with_spawned(Spawned::at_level(1));
    task(id, 0).with_options(options).with_parent(task_id(parent))
}

/// Returns a claim of the next task, from one minute to another.
pub fn claim(who: &str, now: i64, until: i64) -> Claim {
    Claim::next(worker(who), at(now), at(until))
}

/// Returns the claim of one task, from one minute to another.
pub fn claim_of(id: &str, who: &str, now: i64, until: i64) -> Claim {
    claim(who, now, until).of(task_id(id))
}

/// Returns the wait of call `t0.0` for the approval of the tool `echo`.
pub fn waiting() -> Waiting {
    Waiting::for_approval(call_id("t0.0"), "echo", "d").with_reason("it is loud")
}

/// Returns the outcome of a completed task.
pub fn completed(answer: &str) -> Outcome {
    Outcome::Completed { answer: answer.to_owned() }
}

/// Returns the outcome of a failed task.
pub fn failed(why: &str) -> Outcome {
    Outcome::Failed { failure: Failure::new(ErrorKind::Agent, why) }
}

/// Returns the outcome of a cancelled task.
pub fn cancelled(who: &str) -> Outcome {
    Outcome::Cancelled {
        failure: Failure::new(ErrorKind::Cancelled, format!("cancelled by {who}")),
    }
}

/// Returns a hard budget without alerts.
pub const fn budget(scope: Scope, period: Period, nanos: i64) -> Budget {
    Budget { scope, period, amount: Usd::from_nanos(nanos), alerts: Vec::new(), limit: Limit::Hard }
}

/// Returns a hold for the model `m` of the provider `p`, taken at a minute, for an hour.
pub fn hold(task: &str, call: &str, nanos: i64, minute: i64) -> Hold {
    Hold {
        payer: Payer::Task(task_id(task)),
        call: call_id(call),
        provider: "p".to_owned(),
        model: "m".to_owned(),
        amount: Some(Usd::from_nanos(nanos)),
        at: at(minute),
        until: at(minute + 60),
    }
}

/// Returns a payer, given as `KIND:ID`.
///
/// # Panics
///
/// If the text is not a valid payer.
#[expect(clippy::expect_used, reason = "tests pass valid names")]
pub fn payer(name: &str) -> Payer {
    name.parse().expect("a valid payer")
}

/// Returns the settlement of a call with this cost, ten input tokens and five output tokens.
pub fn paid(nanos: i64) -> Settlement {
    Settlement::paid(Some(Usd::from_nanos(nanos)), Usage::tokens(10, 5))
}

/// Returns an entry for the model `m` of the provider `p` with ten input tokens and five output
/// tokens.
pub fn entry(task: &str, call: &str, nanos: i64, minute: i64) -> CostEntry {
    CostEntry {
        payer: Payer::Task(task_id(task)),
        call: call_id(call),
        provider: "p".to_owned(),
        model: "m".to_owned(),
        charge: Charge::new(Usage::tokens(10, 5), Some(Usd::from_nanos(nanos))),
        at: at(minute),
    }
}

/// Returns the event that begins a run.
pub fn run_started(owner: &str) -> NewEvent {
    let (owner, schema) = (worker(owner), SCHEMA);
    NewEvent::new(EventBody::RunStarted { schema, owner, steps: 0, continues: None })
}

/// Returns a copy of an event of another task.
pub fn copied(event: NewEvent) -> NewEvent {
    NewEvent::new(EventBody::Copied { written_at: at(0), event: Box::new(event) })
}

/// Returns a note.
pub fn note(text: &str) -> NewEvent {
    NewEvent::new(EventBody::Note { text: text.to_owned() })
}

/// Returns the intent of a call to the model `m` of the provider `p` for the next step.
pub fn llm_intent(call: &str, hold: Option<i64>, until: i64) -> NewEvent {
    let intent = ModelIntent {
        provider: "p".to_owned(),
        model: "m".to_owned(),
        purpose: Purpose::Step,
        hold: hold.map(Usd::from_nanos),
        hold_until: at(until),
        estimated_tokens: 10,
        reason: None,
        sent: None,
    };
    NewEvent::about(call_id(call), EventBody::LlmIntent(intent))
}

/// Returns the result of a model call.
pub fn llm_result(call: &str, reply: ModelReply, settlement: Settlement) -> NewEvent {
    let result = ModelResult { outcome: ModelOutcome::Replied { reply }, settlement, millis: 12 };
    NewEvent::about(call_id(call), EventBody::LlmResult(result))
}

/// Returns the intent to call the tool `echo`.
pub fn tool_intent(call: &str) -> NewEvent {
    let intent = ToolIntent {
        tool: "echo".to_owned(),
        arguments: json!({ "text": call }),
        effect: EffectClass::Idempotent,
        witness: None,
    };
    NewEvent::about(call_id(call), EventBody::ToolIntent(intent))
}

/// Returns the result of a call of the tool `echo`.
pub fn tool_result(call: &str) -> NewEvent {
    let output = ToolOutput::done(call);
    let result = ToolResult::new("echo", ToolOutcome::Done, output).with_millis(3);
    NewEvent::about(call_id(call), EventBody::ToolResult(result))
}

/// Returns the event that ends a run.
pub const fn run_finished(outcome: Outcome) -> NewEvent {
    NewEvent::new(EventBody::RunFinished { outcome, totals: None })
}

/// Returns the time at a minute with a fraction of a second, as clocks return it.
pub fn odd_time(minute: i64) -> Timestamp {
    later(at(minute), Duration::from_micros(1_234_567))
}
