//! What calls used and cost.

use az_core::cost::{Charge, CostEntry, Usage};
use az_core::{CallId, TaskId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::money;

/// What a model call used. The cached, tool and audio tokens are parts of the input; the reasoning and
/// audio tokens are parts of the output.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct UsageView {
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Input tokens that were read from a cache.
    pub cache_read_tokens: u64,
    /// Input tokens that were written to a cache for five minutes.
    pub cache_write_5m_tokens: u64,
    /// Input tokens that were written to a cache for an hour.
    pub cache_write_1h_tokens: u64,
    /// Input tokens that the provider's own tools added.
    pub tool_input_tokens: u64,
    /// Audio input tokens.
    pub audio_input_tokens: u64,
    /// Output tokens of the model's reasoning.
    pub reasoning_tokens: u64,
    /// Audio output tokens.
    pub audio_output_tokens: u64,
    /// Calls of the provider's own tools, such as web searches.
    pub server_tool_calls: u64,
    /// The service tier that the provider reports.
    pub service_tier: Option<String>,
    /// The region that the provider reports.
    pub region: Option<String>,
    /// The speed that the provider reports.
    pub speed: Option<String>,
}

impl From<&Usage> for UsageView {
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.total_input(),
            output_tokens: usage.total_output(),
            cache_read_tokens: usage.cache_read,
            cache_write_5m_tokens: usage.cache_write_5m,
            cache_write_1h_tokens: usage.cache_write_1h,
            tool_input_tokens: usage.tool_input,
            audio_input_tokens: usage.audio_input,
            reasoning_tokens: usage.reasoning,
            audio_output_tokens: usage.audio_output,
            server_tool_calls: usage.server_tool_calls,
            service_tier: usage.service_tier.clone(),
            region: usage.region.clone(),
            speed: usage.speed.clone(),
        }
    }
}

/// What one call is charged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ChargeView {
    /// The cost; absent if the price is unknown.
    pub cost_nanos: Option<i64>,
    /// The cost in dollars.
    pub cost_usd: Option<String>,
    /// The cost by the price table, where the provider reported another.
    pub computed_nanos: Option<i64>,
    /// The computed cost in dollars.
    pub computed_usd: Option<String>,
    /// What the provider's cache saved; absent if it is unknown. Negative if writing to the cache cost more
    /// than reading from it saved.
    pub saved_nanos: Option<i64>,
    /// What the cache saved, in dollars.
    pub saved_usd: Option<String>,
    /// Whether the cost is an upper bound or an estimate.
    pub estimated: bool,
    /// Whether the call may have cost nothing; the cost is then the most that it can have cost.
    pub uncertain: bool,
    /// What the call used.
    #[serde(flatten)]
    pub usage: UsageView,
}

impl From<&Charge> for ChargeView {
    fn from(charge: &Charge) -> Self {
        let (cost_nanos, cost_usd) = charge.cost.map(money).unzip();
        let (computed_nanos, computed_usd) = charge.computed.map(money).unzip();
        let (saved_nanos, saved_usd) = charge.saving().map(money).unzip();
        Self {
            cost_nanos,
            cost_usd,
            computed_nanos,
            computed_usd,
            saved_nanos,
            saved_usd,
            estimated: charge.estimated,
            uncertain: charge.uncertain,
            usage: (&charge.usage).into(),
        }
    }
}

/// An entry of the ledger: one call, and who paid for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LedgerEntryView {
    /// When the entry was booked.
    pub booked_at: Timestamp,
    /// The payer, such as `task:ID`.
    pub payer: String,
    /// The payer's id, if it is a task.
    pub task: Option<TaskId>,
    /// The call.
    pub call: CallId,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What the call cost.
    #[serde(flatten)]
    pub charge: ChargeView,
}

impl From<CostEntry> for LedgerEntryView {
    fn from(entry: CostEntry) -> Self {
        Self {
            booked_at: entry.at,
            payer: entry.payer.to_string(),
            task: entry.payer.task().cloned(),
            charge: (&entry.charge).into(),
            call: entry.call,
            provider: entry.provider,
            model: entry.model,
        }
    }
}
