//! Providers that pause a turn.

use az_ai::chat::Message;
use az_ai::scripted::ScriptedReply;
use az_core::ErrorKind;

use super::Stage;

fn paused(text: &str) -> ScriptedReply {
    ScriptedReply { stop: Some("pause_turn".to_owned()), ..ScriptedReply::text(text) }
}

#[tokio::test]
async fn a_pause_is_continued_with_the_same_request() {
    let stage = Stage::new([paused("I search."), paused(""), ScriptedReply::text("found")]);
    let task = stage.run("go").await;
    assert_eq!(task.answer.as_deref(), Some("found"));
    let asked = stage.requests();
    let turns = |request: usize| {
        let turns = asked[request].messages[2..].iter().map(|message| match message {
            Message::Assistant { reply } => reply.text.as_str(),
            other => panic!("something else is said: {other:?}"),
        });
        turns.collect::<Vec<_>>()
    };
    assert_eq!((turns(1), turns(2)), (vec!["I search."], vec!["I search.", ""]));
}

#[tokio::test]
async fn endless_pauses_are_an_error() {
    let mut lines: Vec<_> = (0..10).map(|_| paused("hm")).collect();
    let enough = Stage::new(lines.iter().cloned().chain([ScriptedReply::text("found")]));
    assert_eq!(enough.run("go").await.answer.as_deref(), Some("found"));

    lines.extend([paused("hm"), ScriptedReply::text("too late")]);
    let failure = Stage::new(lines).run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Agent, "the model paused 11 times in a row")
    );
}
