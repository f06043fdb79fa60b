//! Replies that are cut off, and replies with too many or impossible calls.

use az_ai::chat::Message;
use az_ai::client::Capabilities;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::cost::Usage;
use az_core::journal::{EventBody, ToolOutcome};
use az_core::{ErrorKind, Usd};
use serde_json::json;

use super::{Stage, read, reader};

pub(super) fn cut(mut reply: ScriptedReply) -> ScriptedReply {
    reply.stop = Some("length".to_owned());
    reply
}

/// Returns the text of the last message of a request, which the user says.
fn told(stage: &Stage, request: usize) -> String {
    match stage.requests()[request].messages.last() {
        Some(Message::User { text, .. }) => text.clone(),
        last => panic!("{last:?}"),
    }
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_not_made_and_the_model_is_told_why() {
    let half = cut(read("a").with_call("filesystem.read", json!("{\"path\": \"b")));
    let client = ScriptedClient::new([half, read("b"), ScriptedReply::text("done")])
        .with_capabilities(Capabilities::FULL.with_max_output(5_000));
    let stage = Stage::of(client).with_tools(reader("A"));
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("done"));

    let paths: Vec<_> =
        stage.tools.invoked().into_iter().map(|made| made.arguments["path"].clone()).collect();
    assert_eq!(paths, ["a", "b"], "the complete call is made, and the other one is not");
    let told = told(&stage, 1);
    let begins = "[Your last reply was cut off at its length limit of 2048 tokens. The call of \
                  filesystem.read was not complete and was not made.";
    assert!(told.starts_with(begins), "{told}");
    assert!(!format!("{:?}", stage.requests()[1].messages).contains("malformed"));
    let limits: Vec<_> = stage.requests().iter().map(|request| request.max_tokens).collect();
    assert_eq!(limits, [2_048, 5_000, 2_048], "raised after the cut, where the model allows it");
}

/// Checks `ReActEngine` 6.
#[tokio::test]
async fn the_third_reply_in_a_row_that_is_cut_off_ends_the_task() {
    let half = || cut(ScriptedReply::call("filesystem.read", json!("{\"path\": \"b")));
    let stage = Stage::new((0..9).map(|_| half())).with_tools(reader("A"));
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (
            ErrorKind::Agent,
            "3 replies of the model in a row were cut off at their length limit of 2048 tokens; \
             raise llm.max_tokens, which includes reasoning, or divide the task into smaller ones"
        )
    );
    assert_eq!((stage.requests().len(), stage.tools.invoked().len()), (3, 0));
    let limits: Vec<_> = stage.requests().iter().map(|request| request.max_tokens).collect();
    assert_eq!(limits, [2_048; 3], "the model is not known to allow more");
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_continued() {
    let stage = Stage::new([
        cut(ScriptedReply::text("The first ha")),
        ScriptedReply::text("lf, and more."),
    ]);
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("The first half, and more."));
    assert!(told(&stage, 1).contains("continue exactly where it ends"));
}

#[tokio::test]
async fn calls_in_text_that_were_cut_off_are_not_made() {
    for text in
        ["Thought: look\nAction: filesystem.read", "Action: filesystem.read\nAction Input: {\"pa"]
    {
        let client =
            ScriptedClient::new([cut(ScriptedReply::text(text)), ScriptedReply::text("done")]);
        let stage = Stage::of(client.with_capabilities(Capabilities::TEXT)).with_tools(reader("A"));
        assert_eq!(stage.run("go").await.answer.as_deref(), Some("done"));
        assert_eq!(stage.tools.invoked().len(), 0, "{text}");
    }
}

#[tokio::test]
async fn a_reply_with_too_many_calls_is_refused_as_a_whole() {
    let calls = |n: usize| {
        (1..n).fold(read("f0"), |reply, i| {
            reply.with_call("filesystem.read", json!({"path": format!("f{i}")}))
        })
    };
    let stage = Stage::new([cut(calls(33)), ScriptedReply::text("done")]).with_tools(reader("A"));
    assert_eq!(stage.run("go").await.answer.as_deref(), Some("done"));
    assert_eq!(stage.tools.invoked().len(), 0);
    let requests = stage.requests();
    let results = requests[1].messages.iter().filter_map(|message| match message {
        Message::Tool(result) => Some((result.outcome, result.text.clone())),
        _ => None,
    });
    let reason = "the reply has 33 tool calls, and at most 32 are made for one reply; none of them \
                  was made. Make fewer calls at a time";
    assert_eq!(results.collect::<Vec<_>>(), vec![(ToolOutcome::Refused, reason.to_owned()); 33]);

    let stage = Stage::new([calls(32), ScriptedReply::text("done")]).with_tools(reader("A"));
    stage.run("go").await;
    assert_eq!(stage.tools.invoked().len(), 32);
}

#[tokio::test]
async fn the_same_call_in_one_reply_is_one_finding_of_the_loop_guard() {
    let same = || {
        (1..5).fold(read("a"), |reply, _| reply.with_call("filesystem.read", json!({"path": "a"})))
    };
    let stage = Stage::new([same(), same(), same()]).with_tools(reader("A"));
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Agent, "{failure:?}");
    assert_eq!(stage.tools.invoked().len(), 5, "the model was warned after the first reply");
}

#[tokio::test]
async fn refused_calls_have_their_results_in_the_order_of_the_turn() {
    let calls = read("a")
        .with_call("nonsense", json!({}))
        .with_call("filesystem.read", json!({"path": "b"}));
    let stage = Stage::new([calls, ScriptedReply::text("done")]).with_tools(reader("A"));
    let task = stage.run("go").await;
    let results =
        stage.events(&task).await.into_iter().filter_map(|event| match event.event.body {
            EventBody::ToolResult(result) => Some((result.tool, result.outcome)),
            _ => None,
        });
    let read = |outcome| ("filesystem.read".to_owned(), outcome);
    let expected = [
        read(ToolOutcome::Done),
        ("nonsense".to_owned(), ToolOutcome::Refused),
        read(ToolOutcome::Done),
    ];
    assert_eq!(results.collect::<Vec<_>>(), expected);
    let Message::Tool(refused) = stage.requests()[1].messages[4].clone() else {
        panic!("no result")
    };
    assert!(
        refused.text.contains("there is no tool \"nonsense\"; the tools are filesystem.read"),
        "{}",
        refused.text
    );
}

/// Such a reply is no answer.
#[tokio::test]
async fn a_reply_that_was_cut_off_far_below_its_limit_is_a_full_context() {
    let full = || {
        let usage = Usage::tokens(4_090, 1);
        cut(ScriptedReply::text("Though").with_usage(usage, Usd::from_nanos(1)))
    };
    let stage = Stage::new([full(), full(), full()]);
    let failure = stage.run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (
            ErrorKind::ContextWindow,
            "scripted: the reply was cut off after 1 of 2048 tokens, because the context window \
             is full at 4091 tokens"
        )
    );
}
