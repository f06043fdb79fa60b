//! `todo.set`: the list of steps that a model keeps of its task.

use az_core::Result;
use az_core::schema::Place;
use az_core::tool::{EffectClass, Invocation, TODO_SET, TodoList, ToolOutput, ToolScope};

use crate::check::{arguments_root, invalid_arguments};
use crate::tool::TypedTool;

/// The most steps in a list.
const MOST_ITEMS: usize = 50;
/// The longest text of a step, in characters.
const LONGEST_TEXT: usize = 200;
/// The most bytes of all texts together: the list is repeated to the model, and shown.
const MOST_BYTES: usize = 3 << 10;

/// Sets the list of steps of the task.
///
/// The call is all that happens: the journal has its arguments, and the fold of the journal has the list.
#[derive(Debug)]
pub struct TodoSetTool;

impl TypedTool for TodoSetTool {
    type Args = TodoList;
    const NAME: &'static str = TODO_SET;
    const DESCRIPTION: &'static str = "Set the list of steps of this task, the whole list each time. Use it for a task of three or more \
         steps: list them before you begin, and set the list again whenever a step is begun or done. You are \
         reminded of it when an earlier part of the conversation is shortened";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"items": [{"text": "read the code", "status": "completed"}, {"text": "change it", "status": "in_progress"}]}"#;

    fn check(&self, list: &TodoList) -> Result<()> {
        let refused =
            |at: &Place, reason: &str| Err(invalid_arguments(Self::NAME, &at.problem(reason)));
        let (items, at) = (&list.items, arguments_root().key("items"));
        if items.len() > MOST_ITEMS {
            let number = items.len();
            return refused(&at, &format!("must be at most {MOST_ITEMS} steps, got {number}"));
        }
        for (index, item) in items.iter().enumerate() {
            let length = item.text.chars().count();
            let reason = match item.text.trim() {
                "" => "must not be empty".to_owned(),
                _ if length <= LONGEST_TEXT => continue,
                _ => format!("must be at most {LONGEST_TEXT} characters, got {length}"),
            };
            return refused(&at.item(index).key("text"), &reason);
        }
        let bytes: usize = items.iter().map(|item| item.text.len()).sum();
        if bytes > MOST_BYTES {
            let reason =
                format!("must have at most {MOST_BYTES} bytes of text in all, got {bytes}");
            return refused(&at, &reason);
        }
        Ok(())
    }

    async fn call(&self, list: TodoList, _call: &Invocation) -> Result<ToolOutput> {
        Ok(ToolOutput::done(list.progress()))
    }
}
