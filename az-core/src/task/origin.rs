//! Where the record of a task begins that continues another one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::image::TaskImage;
use super::model::Task;
use super::options::TaskOptions;
use crate::id::TaskId;

/// The part of another task's record that a task begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskOrigin {
    /// The other task.
    pub task: TaskId,
    /// The number of its steps that are copied.
    pub steps: usize,
    /// The number of its events that are copied.
    pub events: u64,
    /// The first task of the conversation. Its id is what providers know the cached conversation by.
    pub first: TaskId,
    /// Whether later steps of the other task may have changed something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_part: bool,
    /// What the user said in the copied steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// The number of steps before the command of this task.
    #[serde(default)]
    pub command_after: usize,
    /// What the model is told with the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the user said in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The number of steps before it.
    pub after: usize,
    /// The text.
    pub text: String,
    /// Input for it, which is data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Images for it.
    #[serde(default, with = "crate::serde_arc", skip_serializing_if = "has_none")]
    pub images: Arc<[TaskImage]>,
    /// What the model is told with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

fn has_none(images: &Arc<[TaskImage]>) -> bool {
    images.is_empty()
}

impl Said {
    /// Creates a text that was said after a number of steps.
    pub fn new(after: usize, text: impl Into<String>) -> Self {
        Self { after, text: text.into(), input: None, images: Arc::default(), note: None }
    }
}

impl TaskOrigin {
    /// Returns the origin of a task that begins with the first steps of another one, which are in its first
    /// `events` events, and the command that it has: `text`, which follows them, or the last one that the
    /// user gave before.
    pub fn new(of: &Task, steps: usize, events: u64, text: Option<String>) -> (Self, Said) {
        let mut said: Vec<Said> = of.said().filter(|said| said.after <= steps).collect();
        let command = match text {
            Some(text) => Some(Said::new(steps, text)),
            None => said.pop(),
        };
        let command = command.unwrap_or_else(|| of.command_said());
        let first = of.options.origin.as_ref().map_or(&of.id, |origin| &origin.first).clone();
        let (task, command_after) = (of.id.clone(), command.after);
        let note = command.note.clone();
        let is_part = false;
        (Self { task, steps, events, first, is_part, said, command_after, note }, command)
    }
}

impl TaskOrigin {
    /// Sets whether later steps of the other task may have changed something.
    #[must_use]
    pub const fn with_later_changes(mut self, are_possible: bool) -> Self {
        self.is_part = are_possible;
        self
    }
}

impl TaskOptions {
    /// Returns the images of the conversation: those of the tasks that the task continues, and its own.
    pub fn all_images(&self) -> impl Iterator<Item = &TaskImage> {
        let earlier = self.origin.iter().flat_map(|origin| &origin.said);
        earlier.flat_map(|said| &*said.images).chain(&*self.images)
    }
}

impl Task {
    /// Returns what the user said in the conversation of the task, in order: the commands of the tasks that it
    /// continues, and its own.
    pub fn said(&self) -> impl Iterator<Item = Said> + '_ {
        let earlier = self.options.origin.iter().flat_map(|origin| &origin.said).cloned();
        earlier.chain([self.command_said()])
    }

    /// Returns the number of steps before the command of the task, which belong to earlier commands.
    pub fn steps_before_command(&self) -> usize {
        self.options.origin.as_ref().map_or(0, |origin| origin.command_after)
    }

    /// Returns the id that providers know the cached conversation of the task by.
    pub fn conversation(&self) -> &TaskId {
        self.options.origin.as_ref().map_or(&self.id, |origin| &origin.first)
    }

    fn command_said(&self) -> Said {
        Said {
            after: self.steps_before_command(),
            text: self.command.clone(),
            input: self.options.input.clone(),
            images: Arc::clone(&self.options.images),
            note: self.options.origin.as_ref().and_then(|origin| origin.note.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, TaskOrigin};
    use crate::task::Task;
    use crate::testing::sample::{task, task_id};

    fn texts(task: &Task) -> Vec<(usize, String)> {
        task.said().map(|said| (said.after, said.text)).collect()
    }

    /// Returns a task that begins with the first steps of another one.
    fn fork(id: &str, of: &Task, steps: usize, text: Option<&str>) -> Task {
        let (origin, Said { text, .. }) = TaskOrigin::new(of, steps, 9, text.map(str::to_owned));
        let mut fork = Task { command: text, ..task(id, 0) };
        fork.options.origin = Some(origin);
        fork
    }

    #[test]
    fn a_conversation_has_what_the_user_said_in_its_steps() {
        let first = Task { command: "one".to_owned(), ..task("first", 0) };
        let said = |pairs: &[(usize, &str)]| -> Vec<(usize, String)> {
            pairs.iter().map(|(after, text)| (*after, (*text).to_owned())).collect()
        };
        assert_eq!(texts(&first), said(&[(0, "one")]));
        let second = fork("second", &first, 3, Some("two"));
        assert_eq!(texts(&second), said(&[(0, "one"), (3, "two")]));
        let third = fork("third", &second, 5, Some("three"));
        assert_eq!(texts(&third), said(&[(0, "one"), (3, "two"), (5, "three")]));
        assert_eq!(texts(&fork("again", &third, 4, None)), said(&[(0, "one"), (3, "two")]));
        assert_eq!(texts(&fork("earlier", &third, 2, None)), said(&[(0, "one")]));
        assert_eq!(texts(&fork("other", &third, 2, Some("x"))), said(&[(0, "one"), (2, "x")]));
        assert_eq!(texts(&fork("begin", &third, 0, None)), said(&[(0, "one")]));
        for task in [&first, &second, &third] {
            assert_eq!(task.conversation(), &task_id("first"));
        }
    }
}
