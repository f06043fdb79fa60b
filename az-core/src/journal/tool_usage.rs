//! How often tools were called, and how long they took.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::tool_result::ToolOutcome;

/// A recorded result of a tool call, without its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[non_exhaustive]
pub struct ToolCallSummary {
    /// The tool.
    pub tool: String,
    /// The outcome.
    pub outcome: ToolOutcome,
    /// The duration of the call, in milliseconds.
    pub millis: u64,
}

impl ToolCallSummary {
    /// Creates a summary.
    pub fn new(tool: impl Into<String>, outcome: ToolOutcome, millis: u64) -> Self {
        Self { tool: tool.into(), outcome, millis }
    }
}

/// The calls of one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolUsage {
    /// The tool.
    pub tool: String,
    /// The number of calls, those that were refused included.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many were not made: the policy or the tool refused them.
    pub refused: u64,
    /// Of how many the outcome is unknown.
    pub unknown: u64,
    /// The duration that half of the calls that were made did not exceed, in milliseconds; `None` if none
    /// was made.
    pub p50_millis: Option<u64>,
    /// The duration that 95 of 100 calls that were made did not exceed, in milliseconds.
    pub p95_millis: Option<u64>,
}

/// Sums up calls by tool, the most frequent ones first.
pub fn tool_usage(calls: impl IntoIterator<Item = ToolCallSummary>) -> Vec<ToolUsage> {
    let mut by_tool: BTreeMap<String, Vec<(ToolOutcome, u64)>> = BTreeMap::new();
    for ToolCallSummary { tool, outcome, millis } in calls {
        by_tool.entry(tool).or_default().push((outcome, millis));
    }
    let mut usage: Vec<_> = by_tool.into_iter().map(|(tool, calls)| sum(tool, &calls)).collect();
    // A stable sort: tools with as many calls stay in the order of their names.
    usage.sort_by_key(|tool| std::cmp::Reverse(tool.calls));
    usage
}

fn sum(tool: String, calls: &[(ToolOutcome, u64)]) -> ToolUsage {
    let count = |wanted: ToolOutcome| {
        let found = calls.iter().filter(|(outcome, _)| *outcome == wanted).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    let made = calls.iter().filter(|(outcome, _)| *outcome != ToolOutcome::Refused);
    let mut durations: Vec<u64> = made.map(|(_, millis)| *millis).collect();
    durations.sort_unstable();
    ToolUsage {
        tool,
        calls: u64::try_from(calls.len()).unwrap_or(u64::MAX),
        failed: count(ToolOutcome::Failed),
        refused: count(ToolOutcome::Refused),
        unknown: count(ToolOutcome::Unknown),
        p50_millis: percentile(&durations, 50),
        p95_millis: percentile(&durations, 95),
    }
}

/// Returns the smallest of sorted values that this many percent of them do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::{ToolCallSummary, ToolUsage, tool_usage};
    use crate::journal::ToolOutcome;

    #[test]
    fn calls_are_counted_by_tool_and_outcome() {
        let mut calls: Vec<_> =
            (1..=100).map(|n| ToolCallSummary::new("b", ToolOutcome::Done, n)).collect();
        for outcome in [ToolOutcome::Failed, ToolOutcome::Refused, ToolOutcome::Unknown] {
            calls.push(ToolCallSummary::new("a", outcome, 7));
        }
        calls.push(ToolCallSummary::new("c", ToolOutcome::Refused, 0));
        let usage = |tool: &str, calls, [failed, refused, unknown]: [u64; 3], p50, p95| ToolUsage {
            tool: tool.to_owned(),
            calls,
            failed,
            refused,
            unknown,
            p50_millis: p50,
            p95_millis: p95,
        };
        let expected = [
            usage("b", 100, [0, 0, 0], Some(50), Some(95)),
            usage("a", 3, [1, 1, 1], Some(7), Some(7)),
            usage("c", 1, [0, 1, 0], None, None),
        ];
        assert_eq!(tool_usage(calls), expected);
        assert_eq!(tool_usage([]), []);
    }
}
