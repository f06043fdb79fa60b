//! `task.spawn`.

use std::sync::Arc;

use az_core::call::ModelNames;
use az_core::tool::{
    EffectClass, Invocation, SpawnRequest, TASK_SPAWN, TASK_WAIT, ToolOutput, ToolScope,
    is_model_of_a_file,
};
use az_core::{Result, Usd};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::tool::{TypedTool, invalid_argument};

/// Spawns a child task. The key of the call makes it idempotent: an interrupted call that is made again
/// returns the child that the first attempt created.
#[derive(Debug)]
pub struct SpawnTool(Arc<dyn ModelNames>);

/// The arguments of `task.spawn`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpawnArgs {
    /// What the child task is to do, with all that it needs to know: it does not see this conversation
    pub command: String,
    /// Names of the only tools that it may use; by default those that this task may use
    #[serde(default)]
    pub tools: Option<Vec<String>>,
    /// Name of the model; by default that of this task
    #[serde(default)]
    pub model: Option<String>,
    /// The most that it may spend, in dollars, as a part of what this task has left
    #[serde(default)]
    pub budget: Option<f64>,
}

impl SpawnTool {
    /// Creates the tool, which accepts these names of models.
    pub const fn new(models: Arc<dyn ModelNames>) -> Self {
        Self(models)
    }
}

impl TypedTool for SpawnTool {
    type Args = SpawnArgs;
    const NAME: &'static str = TASK_SPAWN;
    const DESCRIPTION: &'static str = "Start a child task, which works beside this one with a conversation of its own, in the same directory; \
         then wait for it with task.wait. Use it for parts of the work that do not depend on each other. \
         Returns the id of the child";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Idempotent;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const EXAMPLE: &'static str = r#"{"command": "list the functions in src/lib.rs that have no test", "tools": ["filesystem.read"], "budget": 0.2}"#;

    fn check(&self, args: &SpawnArgs) -> Result<()> {
        if args.command.trim().is_empty() {
            return Err(invalid_argument(Self::NAME, "command", "must not be empty"));
        }
        amount(Self::NAME, args.budget).map(drop)
    }

    async fn call(&self, args: SpawnArgs, call: &Invocation) -> Result<ToolOutput> {
        let children = call.children.get()?;
        let request = SpawnRequest::new(args.command)
            .with_tools(args.tools)
            .with_model(args.model)
            .with_budget(amount(Self::NAME, args.budget)?);
        let request = match &request.model {
            // Such a name is not looked up, which opens the file: it has to be that of the parent.
            Some(name) if !is_model_of_a_file(name) => {
                let full = self.0.full_name(name).await?;
                request.with_model(Some(full))
            }
            _ => request,
        };
        call.lease.check()?;
        let id = children.spawn(&call.key, &request).await?;
        let text = format!("{id}\n[{TASK_WAIT} waits for its result]");
        Ok(ToolOutput::done(text).with_data(json!(id)))
    }
}

/// Returns an amount of dollars exactly as it was written.
///
/// # Errors
///
/// `Invalid` for an amount that is not greater than zero.
pub(crate) fn amount(tool: &str, dollars: Option<f64>) -> Result<Option<Usd>> {
    let Some(dollars) = dollars else { return Ok(None) };
    let amount = dollars.to_string().parse::<Usd>().ok().filter(|amount| *amount > Usd::ZERO);
    match amount {
        Some(amount) => Ok(Some(amount)),
        None => {
            let reason = format!("must be an amount of dollars greater than 0, got {dollars}");
            Err(invalid_argument(tool, "budget", &reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use az_core::Usd;

    use super::amount;

    #[test]
    fn a_budget_is_read_exactly_and_is_greater_than_zero() {
        assert_eq!(amount("t", None).unwrap(), None);
        assert_eq!(amount("t", Some(0.1)).unwrap(), Some(Usd::from_nanos(100_000_000)));
        assert_eq!(amount("t", Some(3.0)).unwrap(), Some(Usd::from_nanos(3_000_000_000)));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-12] {
            let error = amount("t", Some(wrong)).unwrap_err().to_string();
            assert!(error.contains("arguments.budget: must be an amount of dollars"), "{error}");
        }
    }
}
