//! A custom tool with typed arguments and results, whose schema is derived from the types.

use std::io::Write;

use az_core::tool::{EffectClass, Invocation, ToolOutput, ToolScope};
use az_mcp::{ToolRegistry, TypedTool};
use serde_json::json;

/// Rolls dice that always show the same number.
#[derive(Debug)]
struct Dice;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Roll {
    /// How many dice
    count: u32,
    /// How many sides each has
    #[serde(default = "six")]
    sides: u32,
}

const fn six() -> u32 {
    6
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

    async fn call(&self, roll: Roll, _call: &Invocation) -> az_core::Result<ToolOutput> {
        if roll.sides == 0 {
            return Ok(ToolOutput::failed("dice have at least one side"));
        }
        let sum = u64::from(roll.count) * u64::from(roll.sides.div_ceil(2));
        Ok(ToolOutput::done(sum.to_string()).with_data(json!(sum)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut tools = ToolRegistry::new();
    tools.add(Dice)?;
    let mut out = std::io::stdout();
    for tool in tools.list_tools() {
        writeln!(out, "{}", serde_json::to_string_pretty(&tool)?)?;
    }
    for arguments in [json!({"count": 2}), json!({"cuont": 2}), json!({"count": 1, "sides": 0})] {
        let result = tools.call_tool("game.roll", arguments.clone(), None).await;
        writeln!(out, "{arguments} -> {}", serde_json::to_string(&result)?)?;
    }
    Ok(())
}
