//! What listings, JSON, CSV and later the HTTP API show: public structs with serde, made from the
//! core's types by pure functions. How they are laid out for a terminal is in [`output`](crate::output).
//!
//! Names say their units, in every view and event:
//!
//! | what | fields |
//! |---|---|
//! | money | `…_nanos`, whole nano-dollars, and `…_usd`, a decimal number as text |
//! | price of a token | `…_pico_per_token` and `…_usd_per_million` |
//! | time | `…_at`, RFC 3339 in UTC |
//! | duration | `…_ms`; `…_us` where most are shorter than a millisecond |
//! | count of tokens | `…_tokens` |
//!
//! An unknown amount is `null`, never 0.

mod budget;
mod cache_use;
mod charge;
mod child_task;
mod config_file;
mod context;
mod cost;
mod doctor;
mod event;
mod event_body;
mod failure;
mod log;
mod mcp;
mod model;
mod notice;
mod price;
mod record;
mod route;
mod setting;
mod store;
mod task;
mod tool;
mod trace;
mod units;
mod verdict;
mod waiting;

pub use budget::BudgetView;
pub use cache_use::CacheUseView;
pub use charge::{ChargeView, LedgerEntryView, UsageView};
pub use child_task::{ChildTaskView, ChildTotalsView};
pub use config_file::{CheckedFileView, ConfigFileView, ConfigProblemView};
pub use context::ContextChangeView;
pub use cost::CostSumView;
pub use doctor::{CheckStatus, CheckView, DoctorView};
pub use event::{EventBodyView, EventView};
pub use event_body::{
    BudgetAlertView, ModelIntentView, ModelResultView, OutcomeView, RunTotalsView, ToolResultView,
};
pub use failure::{FailureDetailView, FailureView};
pub use log::LogLineView;
pub use mcp::{McpDifferenceView, McpLeftOutView, McpServerView, McpTestView, McpToolView};
pub use model::{LongRequestView, ModelSummaryView, ModelView, PricesView, feature_names};
pub use notice::{NoticeView, WorkerReportView};
pub use price::{CostPartView, UsageCostView};
pub use record::{CommandRunView, LogRecordView};
pub use route::{RouteCandidateView, RouteStepView, RouteView, StepHealthView, StepOutcomeView};
pub use setting::SettingView;
pub use store::{LeftoverView, Soundness, StoreStatusView};
pub use task::{
    PrefixChangeView, TaskImageView, TaskOptionsView, TaskOriginView, TaskSummaryView, TaskView,
    ToolOutcomesView,
};
pub(crate) use tool::server_of;
pub use tool::{ToolSummaryView, ToolUsageView, ToolView};
pub use trace::{SpanRowView, SpanView};
pub use units::{millis, money, token_price};
pub use verdict::VerdictView;
pub use waiting::WaitingView;
