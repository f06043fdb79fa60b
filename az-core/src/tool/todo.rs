//! The list of steps that a model keeps of its task.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the tool that sets the list. The fold of a journal keeps the list of its last call.
pub const TODO_SET: &str = "todo.set";

/// The steps of a task, as its model last listed them. It is the arguments of `todo.set`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TodoList {
    /// All steps in order, those that are completed too; the list replaces the one before
    pub items: Vec<TodoItem>,
}

/// A step of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TodoItem {
    /// What is to be done
    pub text: String,
    /// The status of the step
    pub status: TodoStatus,
}

/// The status of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// Done.
    Completed,
}

impl TodoList {
    /// Returns the list in the arguments of a call, if the call is of `todo.set` and they are a list.
    pub fn of_call(tool: &str, arguments: &Value) -> Option<Self> {
        if tool != TODO_SET {
            return None;
        }
        Self::deserialize(arguments).ok()
    }

    /// Returns the progress in one line: `2 of 5 steps done; in progress: run the tests`.
    pub fn progress(&self) -> String {
        if self.items.is_empty() {
            return "the list is empty".to_owned();
        }
        let done = self.count(TodoStatus::Completed);
        let noun = if self.items.len() == 1 { "step" } else { "steps" };
        let mut text = format!("{done} of {} {noun} done", self.items.len());
        let begun = self.items.iter().filter(|item| item.status == TodoStatus::InProgress);
        let begun: Vec<_> = begun.map(TodoItem::line).collect();
        if !begun.is_empty() {
            text.push_str(&format!("; in progress: {}", begun.join(", ")));
        }
        text
    }

    /// Returns the list with one step a line: `[x]` is done, `[>]` is in progress.
    pub fn render(&self) -> String {
        let lines = self.items.iter().map(|item| {
            let mark = match item.status {
                TodoStatus::Pending => ' ',
                TodoStatus::InProgress => '>',
                TodoStatus::Completed => 'x',
            };
            format!("[{mark}] {}", item.line())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the number of steps with a status.
    pub fn count(&self, status: TodoStatus) -> usize {
        self.items.iter().filter(|item| item.status == status).count()
    }
}

impl TodoItem {
    /// Returns the text in one line.
    fn line(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TODO_SET, TodoList};

    #[test]
    fn a_list_is_read_from_its_call_and_shown_with_its_progress() {
        let arguments = json!({"items": [
            {"text": "read the\n code", "status": "completed"},
            {"text": "change it", "status": "in_progress"},
            {"text": "test it", "status": "pending"},
        ]});
        let list = TodoList::of_call(TODO_SET, &arguments).unwrap();
        assert_eq!(list.render(), "[x] read the code\n[>] change it\n[ ] test it");
        assert_eq!(list.progress(), "1 of 3 steps done; in progress: change it");
        assert_eq!(TodoList::default().progress(), "the list is empty");
        assert_eq!(TodoList::of_call("todo.get", &arguments), None);
        assert_eq!(TodoList::of_call(TODO_SET, &json!({"items": "read"})), None);
    }
}
