//! Tasks that continue another one: what the copied steps lack is not part of their work.

use std::sync::Arc;

use az_ai::client::Capabilities;
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::Task;
use az_core::content::ImageContent;
use az_core::engine::ExecutionEngine;
use az_core::journal::complete_steps;
use az_core::task::{TaskImage, TaskOptions, TaskOrigin};

use super::cut::cut;
use super::shop::Choice;
use super::{Stage, task};

/// Runs a task with a text that continues another one after its last complete step.
async fn follow_up(stage: &Stage, old: &Task, text: &str) -> Task {
    let events = complete_steps(&stage.events(old).await).unwrap().events;
    let (steps, end) = (events.len() - 1, *events.last().unwrap());
    let (origin, command) = TaskOrigin::new(old, steps, end, Some(text.to_owned()));
    let mut new = task("t2".to_owned(), &command.text);
    new.options.origin = Some(origin);
    stage.engine().execute(new, None).await.unwrap()
}

fn parts(count: usize) -> impl Iterator<Item = ScriptedReply> {
    (0..count).map(|part| cut(ScriptedReply::text(format!("part {part}, "))))
}

#[tokio::test]
async fn what_was_cut_off_before_the_command_is_not_part_of_its_answer() {
    let client = ScriptedClient::new(parts(3).chain([ScriptedReply::text("hello")]))
        .with_capabilities(Capabilities::FULL.with_max_output(5_000));
    let stage = Stage::of(client);
    let old = stage.run("write a book").await;
    assert_eq!(old.answer, None);
    let new = follow_up(&stage, &old, "never mind; just say hello").await;
    assert_eq!(new.answer.as_deref(), Some("hello"));
    let limits: Vec<_> = stage.requests().iter().map(|request| request.max_tokens).collect();
    assert_eq!(limits, [2_048, 5_000, 5_000, 2_048]);
}

#[tokio::test]
async fn replies_that_were_cut_off_before_the_command_do_not_count() {
    let end = [ScriptedReply::text("and the end.")];
    let stage = Stage::new(parts(5).chain(end));
    let old = stage.run("write a book").await;
    let new = follow_up(&stage, &old, "write another one").await;
    assert_eq!(new.answer.as_deref(), Some("part 3, part 4, and the end."));
}

#[tokio::test]
async fn a_model_is_chosen_that_takes_the_images_of_the_whole_conversation() {
    let answers = || ScriptedClient::new(["a cat", "yes"].map(ScriptedReply::text));
    let models = Arc::new(Choice::default().with("a-1", answers()));
    let stage = Stage::with_models(Arc::<Choice>::clone(&models));
    let content = ImageContent { mime_type: "image/png".to_owned(), data: "eA==".to_owned() };
    let options = TaskOptions::default().with_images([TaskImage::new("cat.png", content)]);
    let old = task("t1".to_owned(), "what is it?").with_options(options);
    let old = stage.engine().execute(old, None).await.unwrap();
    follow_up(&stage, &old, "are you sure?").await;
    let required = models.required.lock().unwrap();
    assert_eq!(required.iter().map(|needs| needs.images).collect::<Vec<_>>(), [true, true]);
}
