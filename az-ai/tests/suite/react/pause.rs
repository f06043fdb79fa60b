//! Providers that stop in the middle of their own work.

use az_ai::chat::Message;
use az_ai::scripted::Line;
use az_core::ErrorKind;

use super::Stage;

fn paused(text: &str) -> Line {
    Line { stop: Some("pause_turn".to_owned()), ..Line::text(text) }
}

#[tokio::test]
async fn a_model_that_pauses_is_asked_again_as_is() {
    let stage = Stage::new([paused("I search."), paused(""), Line::text("found")]);
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
async fn a_model_that_does_nothing_but_pause_is_stopped() {
    let mut lines: Vec<_> = (0..10).map(|_| paused("hm")).collect();
    let enough = Stage::new(lines.iter().cloned().chain([Line::text("found")]));
    assert_eq!(enough.run("go").await.answer.as_deref(), Some("found"));

    lines.extend([paused("hm"), Line::text("too late")]);
    let failure = Stage::new(lines).run("go").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Agent, "the model paused 11 times in a row")
    );
}
