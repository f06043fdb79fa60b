//! Arbitrary events, valid or not.

use az_core::clock::from_micros;
use az_core::content::ContentPart;
use az_core::cost::{Charge, Settlement, Usage};
use az_core::error::ErrorKind;
use az_core::journal::{
    Continued, Event, EventBody, History, ModelIntent, ModelOutcome, ModelReply, ModelResult,
    NewEvent, Purpose, ToolIntent, ToolOutcome, ToolResult, fold,
};
use az_core::money::Usd;
use az_core::task::{Failure, FailureDetail, Outcome};
use az_core::testing::sample::{call_id, copied, note, task_id, worker};
use az_core::tool::{EffectClass, ToolOutput};
use proptest::prelude::*;
use serde_json::Value;

/// Few ids, so that several events have the same.
fn call() -> impl Strategy<Value = Option<az_core::CallId>> {
    let id = prop::sample::select(&["m0", "m1", "t0.0", "t0.1", "t1.0", "e:x"][..]);
    prop::option::of(id.prop_map(call_id))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z\u{0}\"\\\\é\u{1F980}\n]{0,12}", Just("é".repeat(5000)),]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn usd() -> impl Strategy<Value = Option<Usd>> {
    prop::option::of(any::<i64>().prop_map(Usd::from_nanos))
}

fn usage() -> impl Strategy<Value = Usage> {
    let tier = prop::option::of(text());
    (any::<[u64; 4]>(), tier, any::<bool>()).prop_map(|([a, b, c, d], service_tier, estimated)| {
        Usage {
            input: a,
            output: b,
            cache_read: c,
            server_tool_calls: d,
            service_tier,
            estimated,
            ..Usage::default()
        }
    })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    prop_oneof![
        Just(Settlement::Full),
        Just(Settlement::Nothing),
        (usd(), usd(), usage(), any::<bool>()).prop_map(|(cost, computed, usage, estimated)| {
            let charge = Charge { estimated, ..Charge::new(usage, cost) };
            Settlement::Paid(charge.with_computed(computed))
        }),
    ]
}

fn reply() -> impl Strategy<Value = ModelReply> {
    let calls = prop::collection::vec((text(), json()), 0..3);
    let replay = prop::option::of(json().prop_filter("null is no replay", |v| !v.is_null()));
    (text(), text(), calls, text(), replay).prop_map(|(said, reasoning, calls, stop, replay)| {
        let mut reply =
            ModelReply { reasoning, stop, replay: replay.map(Box::new), ..ModelReply::text(said) };
        for (name, arguments) in calls {
            reply = reply.with_call(name, arguments);
        }
        reply
    })
}

fn failure() -> impl Strategy<Value = Failure> {
    let limit = any::<Option<u32>>();
    let detail = limit.prop_map(|limit| limit.map(|limit| FailureDetail::StepLimit { limit }));
    (text(), detail)
        .prop_map(|(text, detail)| Failure::new(ErrorKind::Budget, text).with_detail(detail))
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        text().prop_map(|answer| Outcome::Completed { answer }),
        failure().prop_map(|failure| Outcome::Failed { failure }),
        failure().prop_map(|failure| Outcome::Cancelled { failure }),
    ]
}

fn model() -> impl Strategy<Value = EventBody> {
    let purpose = prop_oneof![
        Just(Purpose::Step),
        any::<usize>().prop_map(|turns| Purpose::Summary { turns }),
    ];
    let intent = (text(), purpose, usd(), any::<u64>()).prop_map(|(model, purpose, hold, n)| {
        EventBody::LlmIntent(ModelIntent {
            provider: model.clone(),
            model,
            purpose,
            hold,
            hold_until: from_micros(0),
            estimated_tokens: n,
            reason: None,
            sent: None,
        })
    });
    let did = prop_oneof![
        reply().prop_map(|reply| ModelOutcome::Replied { reply }),
        text().prop_map(|message| ModelOutcome::Failed { kind: ErrorKind::Protocol, message }),
        Just(ModelOutcome::Interrupted),
    ];
    let result = (did, settlement(), any::<u64>()).prop_map(|(outcome, settlement, millis)| {
        EventBody::LlmResult(ModelResult { outcome, settlement, millis })
    });
    prop_oneof![intent, result]
}

fn tool() -> impl Strategy<Value = EventBody> {
    let present = || prop::option::of(json().prop_filter("null is none", |v| !v.is_null()));
    let intent = (text(), json(), present()).prop_map(|(tool, arguments, witness)| {
        EventBody::ToolIntent(ToolIntent { tool, arguments, effect: EffectClass::Unsafe, witness })
    });
    let part = prop_oneof![
        text().prop_map(ContentPart::text),
        (text(), text()).prop_map(|(mime_type, data)| ContentPart::image(mime_type, data)),
        (text(), text()).prop_map(|(uri, name)| ContentPart::link(uri, name)),
    ];
    let parts = prop::collection::vec(part, 0..3);
    let result = (text(), parts, present()).prop_map(|(tool, parts, data)| {
        let output = parts.into_iter().fold(ToolOutput::failed(""), ToolOutput::with_part);
        let mut result = ToolResult::new(tool, ToolOutcome::Unknown, output);
        result.data = data;
        EventBody::ToolResult(result)
    });
    let asked = (text(), text(), text(), json(), any::<bool>()).prop_map(
        |(tool, digest, reason, arguments, is_limited)| {
            let deny_at = is_limited.then(|| from_micros(9));
            EventBody::ApprovalAsked { tool, digest, reason, arguments, deny_at }
        },
    );
    let given = (text(), any::<bool>(), text(), prop::option::of(text()), prop::option::of(text()))
        .prop_map(|(digest, granted, by, tool, reason)| EventBody::ApprovalGiven {
            digest,
            granted,
            by,
            tool,
            reason,
        });
    let options = prop::collection::vec(text(), 0..3);
    let question =
        (text(), text(), text(), options).prop_map(|(tool, digest, question, options)| {
            EventBody::QuestionAsked { tool, digest, question, options }
        });
    let answer = (text(), text(), prop::option::of(text()), prop::option::of(text())).prop_map(
        |(digest, by, text, reason)| EventBody::QuestionAnswered { digest, by, text, reason },
    );
    prop_oneof![intent, result, asked, given, question, answer]
}

fn run() -> impl Strategy<Value = EventBody> {
    prop_oneof![
        any::<(u32, u32)>().prop_map(|(schema, steps)| EventBody::RunStarted {
            schema,
            owner: worker("a"),
            steps,
            continues: [None, Some(Continued::Whole), Some(Continued::Part)][schema as usize % 3],
        }),
        text().prop_map(|text| copied(note(&text)).body),
        outcome().prop_map(|outcome| EventBody::RunFinished { outcome, totals: None }),
        text().prop_map(|text| EventBody::Note { text }),
        text().prop_map(|text| EventBody::Observation { text }),
        crate::legal::record().prop_map(|events| EventBody::Snapshot {
            history: Box::new(fold(&events).unwrap_or_else(|_| History::default())),
        }),
    ]
}

/// Returns any event.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let body = prop_oneof![3 => model(), 3 => tool(), 1 => run()];
    (0..40_u64, any::<u64>(), call(), body).prop_map(|(seq, epoch, call, body)| Event {
        task: task_id("t"),
        seq,
        epoch,
        at: from_micros(1),
        event: NewEvent { call, body },
    })
}
