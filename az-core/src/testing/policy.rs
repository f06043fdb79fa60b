//! The kit of [`Policy`].

use serde_json::json;

use super::kit::{Checked, Fixture};
use super::sample::task;
use crate::policy::{Policy, PolicyDecision};
use crate::task::Task;
use crate::tool::{EffectClass, Invocation, PreparedCall, ToolScope, ToolSpec};
use crate::{ensure, ensure_eq, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`Policy`]'s contract.
    policy for Fixture<dyn Policy>, in policy_conformance;

    the_same_call_gets_the_same_decision;
    ask_and_deny_have_a_reason;
    a_tool_that_the_task_allows_needs_no_approval;
}

/// The fixture of a scenario.
type Policies<'a> = &'a dyn Fixture<dyn Policy>;

/// Returns a tool and a call of it for every scope and effect class.
fn samples() -> Checked<Vec<(ToolSpec, PreparedCall)>> {
    let effects =
        [EffectClass::Read, EffectClass::Idempotent, EffectClass::Probe, EffectClass::Unsafe];
    let scopes = [ToolScope::Workspace, ToolScope::Network, ToolScope::System];
    let mut samples = Vec::new();
    for scope in scopes {
        for effect in effects {
            let name = format!("test.{scope:?}_{effect:?}").to_lowercase();
            let call = Invocation::bare(&name, json!({}))?;
            let spec = ToolSpec::new(name, "Does something", json!({ "type": "object" }));
            let spec = spec.with_scope(scope).with_effect(effect);
            samples.push((spec, PreparedCall::new(call, effect)));
        }
    }
    Ok(samples)
}

/// Returns a task that allows no tool by name.
fn strict_task() -> Task {
    task("t", 0)
}

/// Checks `Policy` 1.
async fn the_same_call_gets_the_same_decision(fixture: Policies<'_>) -> Checked {
    let (one, two) = (fixture.open().await, fixture.open().await);
    let task = strict_task();
    for (tool, call) in samples()? {
        let decision = one.evaluate(&task, &tool, &call);
        let again = one.evaluate(&task, &tool, &call);
        ensure_eq!(again, decision, "the second decision about {}", tool.name);
        let other = two.evaluate(&task, &tool, &call);
        ensure_eq!(other, decision, "another handle's decision about {}", tool.name);
    }
    Ok(())
}

/// Checks `Policy` 2.
async fn ask_and_deny_have_a_reason(fixture: Policies<'_>) -> Checked {
    let policy = fixture.open().await;
    for (tool, call) in samples()? {
        let reason = match policy.evaluate(&strict_task(), &tool, &call) {
            PolicyDecision::Ask(terms) => terms.reason,
            PolicyDecision::Deny { reason } => reason,
            PolicyDecision::Allow => continue,
        };
        ensure!(!reason.trim().is_empty(), "{} is not allowed, without a reason", tool.name);
    }
    Ok(())
}

/// Checks `Policy` 3.
async fn a_tool_that_the_task_allows_needs_no_approval(fixture: Policies<'_>) -> Checked {
    let policy = fixture.open().await;
    for (tool, call) in samples()? {
        let mut task = strict_task();
        task.options.allow.push(tool.name.clone());
        let decision = policy.evaluate(&task, &tool, &call);
        let asks = matches!(decision, PolicyDecision::Ask(terms) if !terms.is_per_call);
        ensure!(!asks, "{} needs approval, although the task allows it", tool.name);
    }
    Ok(())
}
