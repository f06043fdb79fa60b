//! Queries for candidates.

use az_core::{Task, TaskPriority, Usd};

use crate::chat::{ChatRequest, DEFAULT_MAX_TOKENS};
use crate::estimate;

/// The properties of a request that its model is chosen by.
///
/// [`new`](Self::new) and [`for_task`](Self::for_task) estimate the sizes from the prompt; the
/// `with_` methods replace the estimates with known figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoutingQuery<'a> {
    /// The name of the requested model, if one was requested.
    pub model: Option<&'a str>,
    /// The name of the model that the task keeps, if it was chosen before. It is used without regard to
    /// the rules as long as it is usable.
    pub kept: Option<&'a str>,
    /// The prompt of the task.
    pub text: &'a str,
    /// The priority of the task.
    pub priority: TaskPriority,
    /// The estimated size of the task's own prompt in tokens: `tokens` in routing rules. It does
    /// not count the system prompt, the conversation and the tools, so that it stays the same for
    /// the whole task.
    pub prompt_tokens: u64,
    /// The estimated size of all that is sent in tokens: `request_tokens` in routing rules. It is
    /// compared with context windows. A resolver that does not use it may get 0, see
    /// [`QueryInputs`].
    pub request_tokens: u64,
    /// The limit of the reply in tokens.
    pub max_tokens: u32,
    /// The requirements on the model.
    pub requirements: Requirements,
    /// The remaining amount of the tightest hard budget; `None` without a budget, and possibly for
    /// a resolver that does not use it, see [`QueryInputs`].
    pub budget_left: Option<Usd>,
}

impl<'a> RoutingQuery<'a> {
    /// Creates a query for a prompt that is sent alone.
    pub fn new(text: &'a str) -> Self {
        Self {
            model: None,
            kept: None,
            text,
            priority: TaskPriority::default(),
            prompt_tokens: estimate::text(text),
            request_tokens: estimate::tokens(&ChatRequest::prompt("", text)),
            max_tokens: DEFAULT_MAX_TOKENS,
            requirements: Requirements::default(),
            budget_left: None,
        }
    }

    /// Creates a query for the prompt of a task, with its model, priority and estimate.
    pub fn for_task(task: &'a Task) -> Self {
        Self::new(&task.command)
            .with_model(task.model.as_deref())
            .with_priority(task.priority)
            .with_prompt_tokens(task.estimated_tokens)
    }

    /// Sets the name of the requested model.
    #[must_use]
    pub const fn with_model(self, model: Option<&'a str>) -> Self {
        Self { model, ..self }
    }

    /// Sets the name of the model that the task keeps.
    #[must_use]
    pub const fn with_kept(self, kept: Option<&'a str>) -> Self {
        Self { kept, ..self }
    }

    /// Sets the priority.
    #[must_use]
    pub const fn with_priority(self, priority: TaskPriority) -> Self {
        Self { priority, ..self }
    }

    /// Sets the size of the prompt; 0 keeps the estimate. A request is at least as large as its
    /// prompt.
    #[must_use]
    pub fn with_prompt_tokens(self, tokens: u64) -> Self {
        let prompt_tokens = if tokens == 0 { self.prompt_tokens } else { tokens };
        Self { prompt_tokens, request_tokens: self.request_tokens.max(prompt_tokens), ..self }
    }

    /// Sets the size of the whole request.
    #[must_use]
    pub const fn with_request_tokens(self, request_tokens: u64) -> Self {
        Self { request_tokens, ..self }
    }

    /// Sets the limit of the reply.
    #[must_use]
    pub const fn with_max_tokens(self, max_tokens: u32) -> Self {
        Self { max_tokens, ..self }
    }

    /// Sets the requirements on the model.
    #[must_use]
    pub const fn with_requirements(self, requirements: Requirements) -> Self {
        Self { requirements, ..self }
    }

    /// Sets the remaining amount of the tightest hard budget.
    #[must_use]
    pub const fn with_budget_left(self, budget_left: Option<Usd>) -> Self {
        Self { budget_left, ..self }
    }
}

/// The parts of a query that take time to compute, and whether a resolver uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryInputs {
    /// Whether [`RoutingQuery::request_tokens`] is used.
    pub request_tokens: bool,
    /// Whether [`RoutingQuery::budget_left`] is used.
    pub budget_left: bool,
}

/// What a request requires of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirements {
    /// Tools. This is a preference: a model without tool calls gets them described in its prompt.
    pub tools: bool,
    /// Images as input.
    pub images: bool,
    /// Replies in a given format.
    pub format: bool,
}

#[cfg(test)]
mod tests {
    use az_core::testing::sample;
    use az_core::{Task, TaskPriority};

    use super::RoutingQuery;

    fn task(command: &str) -> Task {
        Task::new(sample::task_id("t"), command, sample::at(0)).unwrap()
    }

    #[test]
    fn sizes_are_estimated_from_the_prompt() {
        let query = RoutingQuery::new("hello");
        assert_eq!((query.prompt_tokens, query.request_tokens), (2, 74));
        assert_eq!(query.with_prompt_tokens(0), query);
    }

    #[test]
    fn a_request_is_at_least_as_large_as_its_prompt() {
        let query = RoutingQuery::new("hello").with_prompt_tokens(9000);
        assert_eq!((query.prompt_tokens, query.request_tokens), (9000, 9000));
    }

    #[test]
    fn a_task_gives_its_model_its_priority_and_its_estimate() {
        let mut task = task("hello");
        assert_eq!(RoutingQuery::for_task(&task), RoutingQuery::new("hello"));
        (task.model, task.priority) = (Some("m".to_owned()), TaskPriority::High);
        task.estimated_tokens = 50;
        let expected = RoutingQuery::new("hello").with_model(Some("m"));
        let expected = expected.with_priority(TaskPriority::High).with_prompt_tokens(50);
        assert_eq!(RoutingQuery::for_task(&task), expected);
    }
}
