//! Views as tables and text for a terminal.

mod budget;
mod command;
mod cost;
mod doctor;
mod log;
mod mcp;
mod model;
mod price;
mod route;
mod store;
mod task;
mod tool;
mod trace;

pub use budget::{budget_in_words, budget_table};
pub use command::commands_table;
pub use cost::{cost_table, uncertain_table};
pub use doctor::doctor_in_words;
pub use log::EventText;
pub use mcp::{mcp_servers_table, mcp_test_in_words};
pub use model::{model_table, models_table};
pub use price::price_table;
pub use route::route_in_words;
pub use store::store_table;
pub use task::{how_to_answer, task_in_words, tasks_table, waiting_table};
pub use tool::{tool_in_words, tool_usage_table, tools_table, verdict_in_words};
pub use trace::trace_in_words;
