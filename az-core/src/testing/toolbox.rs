//! The kit of [`Toolbox`](crate::tool::Toolbox).

mod fixture;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::kit::{Checked, Violation};
use super::sample::{at, task_id, worker};
use crate::clock::ManualClock;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{Lease, LeaseFence, Moment};
use crate::tool::{EffectClass, Invocation, Probed, ToolOutput};
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

pub use fixture::{Example, ExpectedOutcome, ToolboxExamples, ToolboxFixture};

scenarios! {
    $crate
    /// Runs every scenario of the contract of [`Toolbox`](crate::tool::Toolbox). Those for which the fixture has no example
    /// are skipped.
    toolbox for ToolboxFixture, in toolbox_conformance;

    names_are_unique_and_well_formed;
    every_schema_is_of_an_object;
    specs_are_in_a_stable_order;
    specs_are_shared_and_not_copied;
    an_unknown_tool_is_not_found;
    bad_arguments_are_invalid;
    a_successful_call_returns_an_ok_output;
    a_failed_call_returns_an_output_that_is_not_ok;
    a_cancelled_call_returns_soon;
    a_cancelled_call_is_unknown;
    a_call_is_at_most_as_severe_as_its_tool;
    probing_a_call_of_another_class_returns_unknown;
    witness_and_probe_change_nothing;
    background_processes_live_until_their_task_ends;
    a_call_under_an_expired_lease_changes_nothing;
    a_model_replaces_nothing_that_it_has_not_seen;
}

/// The fixture of a scenario.
type Tools<'a> = &'a dyn ToolboxFixture;

/// The time limit of a cancelled call, and of every example call.
const SOON: Duration = Duration::from_secs(5);

/// Returns the examples of a kind, of which there must be one.
fn examples(
    fixture: Tools<'_>,
    kind: ExpectedOutcome,
    need: &'static str,
) -> Checked<Vec<Invocation>> {
    let all = fixture.examples().into_iter();
    let of_kind = all.filter(|example| example.comes_to == kind);
    let calls: Vec<_> = of_kind.map(|example| example.call).collect();
    if calls.is_empty() {
        return Err(Violation::Unmet(need));
    }
    Ok(calls)
}

/// Checks `Toolbox` 1.
async fn names_are_unique_and_well_formed(fixture: Tools<'_>) -> Checked {
    let specs = fixture.open().await.specs();
    let mut seen = BTreeSet::new();
    for spec in specs.iter() {
        let name = &spec.name;
        let first = name.chars().next();
        ensure!(
            first.is_some_and(|c| c.is_ascii_alphabetic()),
            "{name:?} does not begin with a letter"
        );
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        ensure!(name.chars().all(legal), "{name:?} has invalid characters");
        ensure!(seen.insert(name), "two tools have the name {name}");
    }
    Ok(())
}

/// Checks `Toolbox` 2.
async fn specs_are_in_a_stable_order(fixture: Tools<'_>) -> Checked {
    let (one, two) = (fixture.open().await, fixture.open().await);
    ensure_eq!(one.specs(), two.specs(), "two handles list the tools differently");
    ensure_eq!(one.specs(), one.specs(), "two lists of one handle differ");
    Ok(())
}

/// Checks `Toolbox` 2.
async fn specs_are_shared_and_not_copied(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let shared = Arc::ptr_eq(&tools.specs(), &tools.specs());
    ensure!(shared, "listing the tools copies their descriptions");
    Ok(())
}

/// Checks `Toolbox` 1.
async fn every_schema_is_of_an_object(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for spec in tools.specs().iter() {
        let of = spec.input_schema.get("type").and_then(Value::as_str);
        ensure_eq!(of, Some("object"), "the type in the schema of {}", spec.name);
    }
    Ok(())
}

/// Checks `Toolbox` 3.
async fn an_unknown_tool_is_not_found(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let call = Invocation::bare("no.such-tool", json!({}))?;
    let prepared = tools.prepare(call);
    ensure_refused!(prepared, Error::NotFound { .. }, "an unknown tool was prepared");
    Ok(())
}

/// Checks `Toolbox` 3.
async fn bad_arguments_are_invalid(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ExpectedOutcome::Invalid, "an example with bad arguments")? {
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        ensure_refused!(
            tools.prepare(call),
            Error::Invalid { reason, .. } if !reason.is_empty(),
            "{tool} accepted {arguments}, or its error has no advice"
        );
    }
    Ok(())
}

/// Checks `Toolbox` 5.
async fn a_successful_call_returns_an_ok_output(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ExpectedOutcome::Done, "an example of a call that works")? {
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        let output = tools.call(call).await?;
        ensure!(output.ok, "{tool} failed with {arguments}: {}", output.text());
    }
    Ok(())
}

/// Checks `Toolbox` 5.
async fn a_failed_call_returns_an_output_that_is_not_ok(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ExpectedOutcome::Failed, "an example of a call that fails")? {
        let (tool, arguments) = (call.tool.clone(), call.arguments.clone());
        match tools.call(call).await {
            Ok(output) => {
                ensure!(!output.ok, "{tool} succeeded with {arguments}");
                ensure!(!output.text().is_empty(), "{tool} failed without a message");
            }
            Err(error) => {
                let how =
                    format!("{tool} failed with an error instead of an output: {}", error.chain());
                return Err(Violation::Broken(how));
            }
        }
    }
    Ok(())
}

/// Checks `Toolbox` 6.
async fn a_cancelled_call_returns_soon(fixture: Tools<'_>) -> Checked {
    for (tool, output) in cancelled(fixture).await? {
        ensure!(output.is_some(), "{tool} continued after it was cancelled");
    }
    Ok(())
}

/// Checks `Toolbox` 7.
async fn a_cancelled_call_is_unknown(fixture: Tools<'_>) -> Checked {
    for (tool, output) in cancelled(fixture).await? {
        let Some(output) = output else { continue };
        let output = output?;
        ensure!(!output.ok, "{tool} succeeded though it was cancelled");
        ensure!(output.unknown, "the output of {tool} does not say that its effect is unknown");
    }
    Ok(())
}

/// Makes and cancels each call without end; returns the tools and their outputs, `None` for a call
/// that does not return.
async fn cancelled(fixture: Tools<'_>) -> Checked<Vec<(String, Option<Result<ToolOutput>>)>> {
    let tools = fixture.open().await;
    let mut outputs = Vec::new();
    for call in examples(fixture, ExpectedOutcome::Endless, "an example of a call without end")? {
        let (tool, cancel) = (call.tool.clone(), call.cancel.clone());
        let running = tokio::time::timeout(SOON, tools.call(call));
        let cancelling = async {
            // Let the call begin first.
            tokio::task::yield_now().await;
            cancel.cancel();
        };
        let (ended, ()) = futures_util::future::join(running, cancelling).await;
        outputs.push((tool, ended.ok()));
    }
    Ok(outputs)
}

/// Checks `Toolbox` 4.
async fn a_call_is_at_most_as_severe_as_its_tool(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let specs = tools.specs();
    for call in fixture.examples().into_iter().map(|example| example.call) {
        let Some(spec) = specs.iter().find(|spec| spec.name == call.tool) else {
            let how = format!("the example's tool {} is not listed", call.tool);
            return Err(Violation::Broken(how));
        };
        match tools.prepare(call) {
            Ok(call) => ensure!(
                call.effect <= spec.effect,
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

/// Checks `Toolbox` 8.
async fn probing_a_call_of_another_class_returns_unknown(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ExpectedOutcome::Done, "an example of a call that works")? {
        let call = tools.prepare(call)?;
        if call.effect == EffectClass::Probe {
            continue;
        }
        let witness = tools.witness(&call).await?;
        tools.call(call.invocation.clone()).await?;
        let probed = tools.probe(&call, witness.as_ref()).await?;
        let tool = &call.invocation.tool;
        ensure_eq!(probed, Probed::Unknown, "the probe of {tool}, whose class is not probe");
    }
    Ok(())
}

/// Returns the fence of a lease that has expired.
fn expired() -> LeaseFence {
    let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
    let sent = Moment::now(&*clock);
    let lease = Lease { task: task_id("t"), owner: worker("w"), epoch: 1, until: at(1) };
    let fence = LeaseFence::new(&lease, SOON, Arc::<ManualClock>::clone(&clock), sent);
    clock.advance(SOON);
    fence
}

/// Checks `Toolbox` 10.
async fn a_call_under_an_expired_lease_changes_nothing(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for call in examples(fixture, ExpectedOutcome::Done, "an example of a call that works")? {
        let mut call = tools.prepare(call)?;
        if call.effect == EffectClass::Read {
            continue;
        }
        let witness = tools.witness(&call).await?;
        call.invocation.witness.clone_from(&witness);
        call.invocation.lease = expired();
        let tool = call.invocation.tool.clone();
        let again = tools.prepare(call.invocation.clone())?;
        ensure_refused!(
            tools.invoke(call).await,
            Error::LeaseLost { .. },
            "{tool} was not refused under an expired lease"
        );
        let happened = matches!(tools.probe(&again, witness.as_ref()).await?, Probed::Happened(_));
        ensure!(!happened, "{tool} changed something under an expired lease");
    }
    Ok(())
}

/// Checks `Toolbox` 11.
async fn a_model_replaces_nothing_that_it_has_not_seen(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let need = "an example of a call that replaces content";
    for call in examples(fixture, ExpectedOutcome::Replaces, need)? {
        let tool = call.tool.clone();
        let output = tools.call(call.clone().with_seen(Some(Arc::default()))).await?;
        ensure!(!output.ok, "{tool} replaced what the model has not seen");
        ensure!(!output.text().is_empty(), "{tool} does not say what to do");
        let output = tools.call(call).await?;
        ensure!(output.ok, "{tool} refused a call without views: {}", output.text());
    }
    Ok(())
}

/// Checks `Toolbox` 8.
async fn witness_and_probe_change_nothing(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    for invocation in examples(fixture, ExpectedOutcome::Done, "an example of a call that works")? {
        let tool = invocation.tool.clone();
        let call = tools.prepare(invocation.clone())?;
        let witness = tools.witness(&call).await?;
        let again = tools.witness(&call).await?;
        ensure_eq!(again, witness, "the witness of {tool} changed");
        let prepared = tools.prepare(invocation.clone())?;
        ensure_eq!(prepared.effect, call.effect, "the effect class of {tool} changed");
        let output = tools.invoke(prepared).await?;
        ensure!(output.ok, "{tool} failed after a witness and a probe");
        tools.abandon(&call).await?;
    }
    Ok(())
}

/// Checks `Toolbox` 9.
async fn background_processes_live_until_their_task_ends(fixture: Tools<'_>) -> Checked {
    let tools = fixture.open().await;
    let need = "an example of a call that leaves something running";
    for invocation in examples(fixture, ExpectedOutcome::Background, need)? {
        let (tool, task) = (invocation.tool.clone(), invocation.task.clone());
        let other = TaskId::new(format!("{task}:other"))?;
        let call = tools.prepare(invocation)?;
        ensure_eq!(call.effect, EffectClass::Unsafe, "the effect class of {tool}");
        tools.invoke(call).await?;
        let running = tools.background(&task).await?;
        ensure!(!running.is_empty(), "what {tool} left running is not listed");
        let ended = tools.end_background(&other).await?;
        ensure_eq!(ended, [], "what another task has left running");
        let still = tools.background(&task).await?;
        ensure_eq!(still, running, "the end of another task changed what {tool} left running");
        // Another handle, as after a restart.
        let ended = fixture.open().await.end_background(&task).await?;
        ensure_eq!(ended, running, "the processes that the end of the task ended");
        let left = tools.background(&task).await?;
        ensure_eq!(left, [], "the processes that {tool} left running after the end of the task");
    }
    Ok(())
}
