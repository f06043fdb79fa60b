//! The tools that clients get, with the policy applied to their calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use az_core::policy::{Policy, PolicyDecision, access_check};
use az_core::text::one_line;
use az_core::tool::{
    BackgroundProcess, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, is_model_of_a_file,
};
use az_core::{Error, Result, Task, TaskId, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::server::TASK_TOOLS;
use serde_json::Value;

use super::limits::ServeLimits;
use crate::output::duration;

/// The longest text of a failure in the log, in characters.
const LONGEST: usize = 400;

/// The tools that clients get. A call is made if the policy allows it, and refused if it would ask: no one
/// is there. Each call is in the log before it is made, and with its end.
#[derive(Debug)]
pub(crate) struct ServedTools {
    tools: Arc<dyn Toolbox>,
    /// The tools that run tasks. The policy applies to the calls of the tasks, and of its rules only those that
    /// deny to these.
    tasks: ToolRegistry,
    policy: Arc<dyn Policy>,
    /// The tools, rules and workspace of the calls.
    task: Arc<Task>,
    limits: ServeLimits,
    chosen: Mutex<Chosen>,
}

/// The tools of the toolbox, and those of them that are offered.
#[derive(Debug, Default)]
struct Chosen {
    all: Arc<[ToolSpec]>,
    offered: Arc<[ToolSpec]>,
}

impl ServedTools {
    /// Creates the toolbox. Calls are decided about as those of the task, which has the options of the limits.
    pub(crate) fn new(
        tools: Arc<dyn Toolbox>,
        policy: Arc<dyn Policy>,
        task: Task,
        limits: ServeLimits,
    ) -> Self {
        let mut options = limits.options.clone();
        options.allow.extend(TASK_TOOLS.map(str::to_owned));
        let task = Arc::new(task.with_options(options));
        let (tasks, chosen) = (ToolRegistry::new(), Mutex::default());
        Self { tools, tasks, policy, task, limits, chosen }
    }

    /// Adds the tools that run tasks.
    #[must_use]
    pub(crate) fn with_tasks(mut self, tasks: ToolRegistry) -> Self {
        self.tasks = tasks;
        self
    }

    /// Returns the toolbox that has a tool.
    fn owner(&self, tool: &str) -> &dyn Toolbox {
        if TASK_TOOLS.contains(&tool) { &self.tasks } else { &*self.tools }
    }

    fn spec(&self, name: &str) -> Result<ToolSpec> {
        let specs = self.specs();
        let spec = specs.iter().find(|spec| spec.name == name);
        spec.cloned().ok_or_else(|| Error::not_found("tool", name))
    }

    /// Returns why a call may not be made, and adds the check of what it really accesses.
    fn refusal(&self, spec: &ToolSpec, call: &mut PreparedCall) -> Option<String> {
        let name = &spec.name;
        let model = call.invocation.arguments.get("model").and_then(Value::as_str);
        if let Some(model) =
            model.filter(|model| spec.category == "ai" && is_model_of_a_file(model))
        {
            return Some(format!(
                "{model} reads or writes a file, which no client may; name another model"
            ));
        }
        match self.policy.evaluate(&self.task, spec, call) {
            PolicyDecision::Allow => {
                if !call.accesses.is_empty() {
                    call.invocation.access = access_check(&self.policy, &self.task, spec, call);
                }
                None
            }
            PolicyDecision::Deny { reason } => Some(format!("{name} is not allowed: {reason}")),
            PolicyDecision::Ask(terms) => {
                let how = if terms.is_per_call {
                    "a rule of the configuration of az that names what it accesses"
                } else {
                    "`az mcp serve --allow TOOL`, or a rule of the configuration of az"
                };
                Some(format!(
                    "{name} needs approval, and no one can be asked here: {}. Only the person who runs this \
                     server can allow it, by {how}",
                    terms.reason
                ))
            }
        }
    }
}

#[async_trait]
impl Toolbox for ServedTools {
    fn specs(&self) -> Arc<[ToolSpec]> {
        let all = self.tools.specs();
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&chosen.all, &all) {
            let tasks = self.tasks.specs();
            let both = all.iter().chain(&*tasks);
            let offered = both.filter(|spec| self.limits.offers(spec)).cloned().collect();
            *chosen = Chosen { all, offered };
        }
        Arc::clone(&chosen.offered)
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let name = self.spec(&call.tool)?.name;
        self.owner(&name).prepare(call)
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.owner(&call.invocation.tool).witness(call).await
    }

    async fn invoke(&self, mut call: PreparedCall) -> Result<ToolOutput> {
        let spec = self.spec(&call.invocation.tool)?;
        let (name, id) = (&spec.name, call.invocation.call.clone());
        if let Some(why) = self.refusal(&spec, &mut call) {
            tracing::info!(target: "az::mcp", "call {id} of {name} was refused: {}", one_line(&why, LONGEST));
            return Ok(ToolOutput::failed(why));
        }
        tracing::info!(target: "az::mcp", "call {id} of {name} begins");
        let begun = Instant::now();
        let output = self.owner(name).invoke(call).await;
        let took = duration(begun.elapsed());
        tracing::info!(target: "az::mcp", "call {id} of {name} {} after {took}", ending(&output));
        output
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        self.owner(&call.invocation.tool).probe(call, witness).await
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.owner(&call.invocation.tool).abandon(call).await
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.tools.background(task).await
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.tools.end_background(task).await
    }
}

fn ending(output: &Result<ToolOutput>) -> String {
    match output {
        Ok(output) if output.ok => "returned".to_owned(),
        Ok(output) if output.unknown => "was interrupted: its effect is unknown".to_owned(),
        Ok(_) => "failed".to_owned(),
        Err(error) => format!("failed: {}", one_line(&error.to_string(), LONGEST)),
    }
}
