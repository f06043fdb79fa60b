//! Formats and prints what commands and runs show.

mod approver;
mod bar;
mod cache;
mod closed;
mod columns;
mod context;
mod csv;
mod events;
mod file;
mod humanize;
mod live;
mod log;
mod printer;
mod progress;
mod rows;
mod screen;
mod secret;
mod story;
mod style;
mod table;
mod tables;
mod typed;

pub use approver::TerminalApprover;
pub use bar::bar;
pub use cache::cache_in_words;
pub use closed::is_closed;
pub use columns::fit;
pub use context::{context_in_words, prefix_change_in_words};
pub use csv::csv;
pub use events::Lines;
pub use file::NewFile;
pub use humanize::{age, amount, cost_with_children, duration, printable, run_cost};
pub use live::{Live, TypedLines};
pub use log::{LogFormat, LogTable, LogTimes, LogWriter};
pub use printer::{Format, FormatArgs, Printer};
pub use progress::Progress;
pub use secret::{ask, ask_secret, can_ask, consents};
pub use story::{call_in_words, short};
pub use style::Style;
pub use table::Table;
pub use tables::{
    EventText, budget_in_words, budget_table, commands_table, cost_table, doctor_in_words,
    how_to_answer, mcp_servers_table, mcp_test_in_words, model_table, models_table, price_table,
    route_in_words, store_table, task_in_words, tasks_table, tool_in_words, tool_usage_table,
    tools_table, trace_in_words, uncertain_table, verdict_in_words, waiting_table,
};
pub use typed::can_type;
