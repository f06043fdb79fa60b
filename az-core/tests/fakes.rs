//! Properties of the fakes and mocks beyond their contracts.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::collections::BTreeMap;

use az_core::cost::CostTracker;
use az_core::engine::{EventSink, RecordedEvent, RunEvent, RunEventKind};
use az_core::task::TaskQueue;
use az_core::testing::mocks::{MockCostTracker, MockTaskQueue};
use az_core::testing::sample::{always, at, claim, entry, note, payer, task_id};
use az_core::testing::{FakeTool, FakeToolbox, Recorder};
use az_core::tool::{EffectClass, Invocation, Probed, ToolOutput, Toolbox};
use az_core::{Error, Usd};
use serde_json::json;

fn call(tool: &str, key: &str) -> Invocation {
    Invocation::bare(tool, json!({})).unwrap().with_key(key)
}

#[tokio::test]
async fn a_fake_toolbox_counts_effects_by_key() {
    let tools = FakeToolbox::new()
        .with(FakeTool::new("read"))
        .with(FakeTool::new("put").with_effect(EffectClass::Idempotent))
        .with(FakeTool::new("add").with_effect(EffectClass::Unsafe));
    for (tool, key) in [("read", "t:1"), ("put", "t:2"), ("add", "t:3")] {
        // The second time from another handle, as after a restart.
        tools.call(call(tool, key)).await.unwrap();
        tools.clone().call(call(tool, key)).await.unwrap();
    }
    let expected = [("t:2".to_owned(), 1), ("t:3".to_owned(), 2)];
    assert_eq!(tools.effects(), BTreeMap::from(expected));
    assert_eq!(tools.invoked().len(), 6);
}

#[tokio::test]
async fn a_fake_probe_finds_whether_the_call_took_effect() {
    let tools = FakeToolbox::new().with(
        FakeTool::new("append")
            .with_effect(EffectClass::Probe)
            .answering(ToolOutput::done("first"))
            .answering(ToolOutput::done("again")),
    );
    let call = call("append", "t:1");
    let prepared = tools.prepare(call.clone()).unwrap();
    assert_eq!(tools.probe(&prepared, None).await.unwrap(), Probed::DidNotHappen);
    for text in ["first", "again", "again"] {
        assert_eq!(tools.call(call.clone()).await.unwrap(), ToolOutput::done(text));
    }
    let happened = Probed::Happened(ToolOutput::done("again"));
    assert_eq!(tools.probe(&prepared, None).await.unwrap(), happened);
    tools.abandon(&prepared).await.unwrap();
    assert_eq!(tools.abandoned().len(), 1);
}

#[test]
fn a_recorder_keeps_events_in_order() {
    let recorder = Recorder::new();
    let event = |kind| RunEvent::new(task_id("t"), at(0), kind);
    let kinds = [
        RunEventKind::Recorded(Box::new(RecordedEvent::new(3, note("first")))),
        RunEventKind::TextDelta { text: "second".to_owned() },
    ];
    for kind in kinds.clone() {
        recorder.clone().emit(&event(kind));
    }
    assert_eq!(recorder.events(), kinds.clone().map(event));
    assert_eq!(recorder.kinds(), kinds);
    assert_eq!(recorder.names(), ["note", "text_delta"]);
    assert_eq!(recorder.recorded(), [note("first").body]);
}

#[tokio::test]
async fn a_mock_fails_the_nth_call() {
    let mut queue = MockTaskQueue::new();
    queue.expect_claim().times(1).returning(|_| Ok(None));
    queue.expect_claim().times(1).returning(|_| Err(Error::Internal("disk on fire".to_owned())));
    assert!(queue.claim(&claim("a", 1, 2)).await.unwrap().is_none());
    assert!(queue.claim(&claim("a", 1, 2)).await.is_err());
}

#[tokio::test]
async fn a_mock_takes_owned_values_for_optional_references() {
    let mut costs = MockCostTracker::new();
    costs
        .expect_entries()
        .withf(|_, of| *of == Some(payer("task:t")))
        .returning(|_, _| Ok(vec![entry("t", "m0", 5, 1)]));
    costs.expect_total_in().returning(|_| Ok(Usd::ZERO));
    let costs: &dyn CostTracker = &costs;
    let entries = costs.entries(always(), Some(&payer("task:t"))).await.unwrap();
    assert_eq!(entries, [entry("t", "m0", 5, 1)]);
    assert_eq!(costs.total_in(always()).await.unwrap(), Usd::ZERO);
}
