//! Where settings come from: the command line, the environment, the store, and files.
//!
//! [`KEYS`] is the table of all keys. [`ConfigLayers`] reads the layers and resolves them into a
//! [`FoundConfig`].

mod check;
mod document;
mod duration;
mod edit;
mod edit_rules;
mod env;
mod env_file;
mod excerpt;
mod file;
mod files;
mod key;
mod keys;
mod kind;
mod layer;
mod load;
mod log_filter;
mod mcp;
mod merge;
mod network;
mod path;
mod problem;
mod sandbox;
mod schema;
mod sections;
#[cfg(test)]
mod tests;
mod tool_rules;
mod trust;
mod typed_key;
mod value;
mod write;

pub(crate) use check::{NAMES_FILE, names_file};
pub(crate) use document::{open_regular, read_small};
pub use duration::parse_duration;
pub use env::Env;
pub use excerpt::Excerpt;
pub use file::ConfigFile;
pub(crate) use files::is_same;
pub use files::{ConfigFiles, PROJECT_FILE};
pub use key::{DefaultValue, Key};
pub use keys::{ALIASES, KEYS};
pub use kind::Kind;
pub(crate) use kind::header_of;
pub use layer::{Layer, Origin};
pub use load::{ConfigLayers, FoundConfig, ProjectState};
pub use log_filter::parse_log_filter;
pub(crate) use log_filter::{PROTOCOL, with_usual_limits};
pub use mcp::{McpSection, McpServerSection};
pub(crate) use network::password_of;
pub use network::{NetworkSection, ProxyAddress};
pub(crate) use path::is_entry_name;
pub use path::{KeyPath, Step, all_keys};
pub use problem::{ConfigError, ConfigProblem};
pub use sandbox::{NetworkSetting, SandboxSection, SandboxSetting};
pub use sections::{
    CostSection, FileConfig, LlmSection, LogSection, NotifySection, OutputColor, OutputFormat,
    OutputSection, ShellSection, StoreSection, TaskSection, TimeoutsSection, ToolsSection,
    WebSection,
};
pub use trust::TrustRecord;
pub use value::{SettingValue, default_of, plain, value_in_store};
pub use write::{Access, DirectoryLock, write_atomically};
