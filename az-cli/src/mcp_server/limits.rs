//! What the clients of a server may do.

use az_core::task::TaskOptions;
use az_core::tool::{
    OUTPUT_READ, TASK_SPAWN, TASK_WAIT, TODO_SET, TOOL_CALL, TOOL_SEARCH, ToolSpec,
};
use az_mcp::policy::{Rule, RuleAction};

/// The tools that only work in a task.
const OF_TASKS: [&str; 6] = [OUTPUT_READ, TASK_SPAWN, TASK_WAIT, TODO_SET, TOOL_CALL, TOOL_SEARCH];
/// The tool that is only offered where `--allow` names it.
const SHELL: &str = "shell.execute";

/// What the clients of a server may do.
#[derive(Debug, Clone)]
pub(crate) struct ServeLimits {
    /// The tools, rules and workspace, as a task has them.
    pub(crate) options: TaskOptions,
}

impl ServeLimits {
    /// Whether clients get a tool.
    pub(crate) fn offers(&self, spec: &ToolSpec) -> bool {
        let name = spec.name.as_str();
        let is_chosen = |tools: &Vec<String>| tools.iter().any(|tool| tool == name);
        !OF_TASKS.contains(&name)
            && !spec.asks_person
            && self.options.tools.as_ref().is_none_or(is_chosen)
            && (name != SHELL || self.allows_shell())
    }

    /// Whether the tasks of clients may use a tool: what clients get, and what only works in a task. What a
    /// task does with its child tasks, it does with these.
    pub(crate) fn lets_tasks_use(&self, spec: &ToolSpec) -> bool {
        OF_TASKS.contains(&spec.name.as_str()) || self.offers(spec)
    }

    /// Whether a rule of `--allow` is about commands. Those of the configuration are for tasks that a person
    /// has started.
    fn allows_shell(&self) -> bool {
        self.options.allow.iter().any(|rule| {
            Rule::parse(rule, RuleAction::Allow, "--allow").is_ok_and(|rule| rule.is_about(SHELL))
        })
    }
}

#[cfg(test)]
mod tests {
    use az_core::task::TaskOptions;
    use az_core::tool::ToolSpec;
    use serde_json::json;

    use super::ServeLimits;

    #[track_caller]
    fn check(options: TaskOptions, name: &str, expected: bool) {
        let spec = ToolSpec::new(name, "", json!({"type": "object"}));
        assert_eq!(ServeLimits { options }.offers(&spec), expected, "{name}");
    }

    #[test]
    fn commands_are_offered_only_where_an_option_allows_them() {
        check(TaskOptions::default(), "shell.execute", false);
        check(TaskOptions::default().with_allow(["process.list"]), "shell.execute", false);
        check(TaskOptions::default().with_allow(["shell.execute(git *)"]), "shell.execute", true);
        check(TaskOptions::default().with_allow(["shell.execute"]), "shell.execute", true);
    }

    #[test]
    fn tools_of_tasks_and_those_that_were_not_chosen_are_not_offered() {
        check(TaskOptions::default(), "filesystem.read", true);
        check(TaskOptions::default(), "task.spawn", false);
        check(TaskOptions::default(), "output.read", false);
        check(TaskOptions::default().with_tools(["filesystem.read"]), "filesystem.read", true);
        check(TaskOptions::default().with_tools(["filesystem.read"]), "filesystem.write", false);
    }
}
