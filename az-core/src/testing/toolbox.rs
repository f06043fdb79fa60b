//! The kit of [`Toolbox`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::kit::{Checked, Fixture, Violation};
use crate::error::Error;
use crate::tool::{EffectClass, Invocation, Probed, Toolbox};
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

/// A fixture of a toolbox, with calls to try.
pub trait ToolboxFixture: Fixture<dyn Toolbox> {
    /// Returns calls and what comes of them; at least one of each kind that the tools know.
    fn examples(&self) -> Vec<Example>;
}

/// A call and what comes of it.
#[derive(Debug, Clone)]
pub struct Example {
    /// The call.
    pub call: Invocation,
    /// What comes of it.
    pub comes_to: ComesTo,
}

impl Example {
    /// Returns an example.
    pub const fn new(call: Invocation, comes_to: ComesTo) -> Self {
        Self { call, comes_to }
    }
}

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComesTo {
    /// The tool does what was asked.
    Done,
    /// The tool runs and fails.
    Failed,
    /// The arguments do not fit the tool's schema.
    Invalid,
    /// The tool runs until it is cancelled.
    Endless,
}

scenarios! {
    $crate
    /// Plays every scenario of [`Toolbox`]'s contract. One for which the fixture has no example is
    /// skipped.
    toolbox for ToolboxFixture, in toolbox_conformance;

    names_are_unique_and_well_formed;
    every_schema_is_of_an_object;
    specs_come_in_the_same_order;
    specs_are_shared_and_not_copied;
    an_unknown_tool_is_not_found;
    bad_arguments_are_invalid;
    a_tool_that_works_says_so;
    a_tool_that_fails_is_an_output;
    a_cancelled_call_returns_soon;
    a_call_is_as_mild_as_its_tool;
    only_a_probe_can_tell_what_happened;
    looking_changes_nothing_about_a_call;
}

/// What the scenarios are played with.
type Tools<'a> = &'a dyn ToolboxFixture;

/// How long a cancelled call may take, and any call of an example.
const SOON: Duration = Duration::from_secs(5);

/// Returns the examples of a kind, of which there has to be one.
fn examples(fixture: Tools<'_>, kind: ComesTo, need: &'static str) -> Checked<Vec<Invocation>> {
    let all = fixture.examples().into_iter();
    let of_kind = all.filter(|example| example.comes_to == kind);
    let calls: Vec<_> = of_kind.map(|example| example.call).collect();
    if calls.is_empty() {
        return Err(Violation::Unmet(need));
    }
    Ok(calls)
}

/// Returns how much harm a second call could do.
const fn severity(effect: EffectClass) -> u8 {
    match effect {
        EffectClass::Read => 0,
        EffectClass::Idempotent => 1,
        EffectClass::Probe => 2,
        EffectClass::Unsafe => 3,
    }
}

async fn names_are_unique_and_well_formed(fixture: Tools<'_>) -> Checked {
    let specs = fixture.open().await.specs();
    let mut seen = BTreeSet::new();
    for spec in specs.iter() {
        let name = &spec.name;
        let first = name.chars().next();
        ensure!(first.is_some_and(|c| c.is_ascii_alphabetic()), "{name:?} begins with no letter");
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        ensure!(name.chars().all(legal), "{name:?} has characters that no name has");
        ensure!(seen.insert(name), "two tools are called {name}");
    }
    Ok(())
}

async fn specs_come_in_the_same_order(fixture: Tools<'_>) -> Checked {
    let (one, two) = (fixture.open().await, fixture.open().await);
    ensure_eq!(one.specs(), two.specs(), "two handles list the tools differently");
    ensure_eq!(one.specs(), one.specs(), "the tools are listed differently each time");
    Ok(())
}

async fn specs_are_shared_and_not_copied(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let shared = Arc::ptr_eq(&tools.specs(), &tools.specs());
    ensure!(shared, "listing the tools copies their descriptions");
    Ok(())
}

async fn every_schema_is_of_an_object(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for spec in tools.specs().iter() {
        let of = spec.input_schema.get("type").and_then(Value::as_str);
        ensure_eq!(of, Some("object"), "what the arguments of {} are", spec.name);
    }
    Ok(())
}

async fn an_unknown_tool_is_not_found(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let call = Invocation::bare("no.such-tool", json!({}))?;
    let prepared = tools.prepare(call);
    ensure_refused!(prepared, Error::NotFound { .. }, "an unknown tool was prepared");
    Ok(())
}

async fn bad_arguments_are_invalid(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ComesTo::Invalid, "an example with bad arguments")? {
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        ensure_refused!(
            tools.prepare(call),
            Error::Invalid { reason, .. } if !reason.is_empty(),
            "{tool} took {arguments}, or gave no advice"
        );
    }
    Ok(())
}

async fn a_tool_that_works_says_so(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ComesTo::Done, "an example of a call that works")? {
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        let output = tools.call(call).await?;
        ensure!(output.ok, "{tool} did not do {arguments}: {}", output.text());
    }
    Ok(())
}

async fn a_tool_that_fails_is_an_output(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ComesTo::Failed, "an example of a call that fails")? {
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        match tools.call(call).await {
            Ok(output) => {
                ensure!(!output.ok, "{tool} did {arguments}");
                ensure!(!output.text().is_empty(), "{tool} failed and did not say how");
            }
            Err(error) => {
                let how = format!("{tool} failed by an error: {}", error.chain());
                return Err(Violation::Broken(how));
            }
        }
    }
    Ok(())
}

async fn a_cancelled_call_returns_soon(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ComesTo::Endless, "an example of a call without end")? {
        let (tool, cancel) = (call.tool.clone(), call.cancel.clone());
        let running = tokio::time::timeout(SOON, tools.call(call));
        let cancelling = async {
            // Let the call begin first.
            tokio::task::yield_now().await;
            cancel.cancel();
        };
        let (ended, ()) = futures_util::future::join(running, cancelling).await;
        ensure!(ended.is_ok(), "{tool} went on after it was cancelled");
    }
    Ok(())
}

async fn a_call_is_as_mild_as_its_tool(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let specs = tools.specs();
    for call in fixture.examples().into_iter().map(|example| example.call) {
        let Some(spec) = specs.iter().find(|spec| spec.name == call.tool) else {
            let how = format!("the example's tool {} is not listed", call.tool);
            return Err(Violation::Broken(how));
        };
        match tools.prepare(call) {
            Ok(call) => ensure!(
                severity(call.effect) <= severity(spec.effect),
                "a call of {} is {:?}, the tool {:?}",
                spec.name,
                call.effect,
                spec.effect
            ),
            Err(Error::Invalid { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

async fn only_a_probe_can_tell_what_happened(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ComesTo::Done, "an example of a call that works")? {
        let call = tools.prepare(call)?;
        if call.effect == EffectClass::Probe {
            continue;
        }
        let witness = tools.witness(&call).await?;
        tools.call(call.invocation.clone()).await?;
        let probed = tools.probe(&call, witness.as_ref()).await?;
        let tool = &call.invocation.tool;
        ensure_eq!(probed, Probed::Unknown, "what {tool} says of a call, being no probe");
    }
    Ok(())
}

async fn looking_changes_nothing_about_a_call(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for invocation in examples(fixture, ComesTo::Done, "an example of a call that works")? {
        let tool = invocation.tool.clone();
        let call = tools.prepare(invocation.clone())?;
        let witness = tools.witness(&call).await?;
        let again = tools.witness(&call).await?;
        ensure_eq!(again, witness, "{tool} sees another state after looking");
        let prepared = tools.prepare(invocation.clone())?;
        ensure_eq!(prepared.effect, call.effect, "the effect of {tool} after looking");
        let output = tools.invoke(prepared).await?;
        ensure!(output.ok, "{tool} did not work after looking");
        tools.abandon(&call).await?;
    }
    Ok(())
}
