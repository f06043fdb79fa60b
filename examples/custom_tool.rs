//! A custom tool with typed arguments, whose schema is derived from the types, checked by the kit.

use std::io::Write;
use std::sync::Arc;

use az_core::Toolbox;
use az_core::testing::toolbox::{ExpectedOutcome, ToolboxExamples};
use az_core::tool::{EffectClass, Invocation, ToolOutput, ToolScope};
use az_mcp::{ToolRegistry, TypedTool, tool::invalid_argument};
use serde_json::json;

/// Rolls dice that always show the same number.
#[derive(Debug)]
struct Dice;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Roll {
    /// How many dice
    count: u32,
    /// How many sides each has
    sides: u32,
}

impl TypedTool for Dice {
    type Args = Roll;
    const NAME: &'static str = "game.roll";
    const DESCRIPTION: &'static str = "Roll dice and return their sum";
    const CATEGORY: &'static str = "game";
    const RETURNS: &'static str = "number";
    const EFFECT: EffectClass = EffectClass::Read;
    // It only computes, so no approval is needed.
    const SCOPE: ToolScope = ToolScope::Workspace;

    fn check(&self, roll: &Roll) -> az_core::Result<()> {
        let refused = || invalid_argument(Self::NAME, "sides", "must be at least 1");
        (roll.sides > 0).then_some(()).ok_or_else(refused)
    }

    async fn call(&self, roll: Roll, _call: &Invocation) -> az_core::Result<ToolOutput> {
        let sum = u64::from(roll.count) * u64::from(roll.sides.div_ceil(2));
        Ok(ToolOutput::done(sum.to_string()).with_data(json!(sum)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut out, mut tools) = (std::io::stdout(), ToolRegistry::new());
    tools.add(Dice)?;
    for arguments in [json!({"count": 2, "sides": 6}), json!({"cuont": 2}), json!({"sides": 0})] {
        let result = tools.call_tool(Dice::NAME, arguments.clone(), None).await;
        writeln!(out, "{arguments} -> {}", serde_json::to_string(&result)?)?;
    }
    let done = (Dice::NAME, json!({"count": 1, "sides": 6}), ExpectedOutcome::Done);
    let invalid = (Dice::NAME, json!({"count": 1, "sides": 0}), ExpectedOutcome::Invalid);
    let tools: Arc<dyn Toolbox> = Arc::new(tools);
    let fixture = ToolboxExamples::new(tools, [done, invalid])?;
    write!(out, "{}", az_core::testing::toolbox(|| fixture.clone()).await)?;
    Ok(())
}
