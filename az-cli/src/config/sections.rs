//! The sections that the layers of the configuration are read into.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use az_ai::config::{LlmConfig, ProviderConfig, RoutingRule};
use az_ai::dispatch::DispatchOptions;
use az_ai::provider::http::HttpOptions;
use az_ai::react::Sticky;
use az_core::engine::EngineOptions;
use az_core::task::UnattendedMode;
use az_mcp::sandbox::HostPattern;
use serde::{Deserialize, Deserializer, de};

use super::duration::parse_duration;
use super::mcp::McpSection;
use super::network::NetworkSection;
use super::sandbox::{SandboxSection, hosts};
use super::tool_rules::ToolRule;

/// The configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// The directory of the database.
    pub data_dir: Option<PathBuf>,
    /// The section about the store.
    pub store: StoreSection,
    /// The section about models.
    pub llm: LlmSection,
    /// The section about costs.
    pub cost: CostSection,
    /// The section about commands.
    pub shell: ShellSection,
    /// The section about tools.
    pub tools: ToolsSection,
    /// The section about MCP servers.
    pub mcp: McpSection,
    /// The section about the sandbox of commands.
    pub sandbox: SandboxSection,
    /// The section about tasks.
    pub task: TaskSection,
    /// The section about notifications.
    pub notify: NotifySection,
    /// The section about the log.
    pub log: LogSection,
    /// The section about proxies and certificates.
    pub network: NetworkSection,
    /// The section about output.
    pub output: OutputSection,
}

/// The section about models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmSection {
    /// The model of tasks that name none.
    pub model: Option<String>,
    /// The address of an OpenAI-compatible server, such as `http://127.0.0.1:8080/v1`.
    pub base_url: Option<String>,
    /// The limit of a reply in tokens, including reasoning.
    pub max_tokens: Option<NonZeroU32>,
    /// The time limits of responses.
    pub timeouts: TimeoutsSection,
    /// Entries: models with names of your own.
    pub providers: Vec<ProviderConfig>,
    /// The entry to use if no rule applies.
    pub default_provider: Option<String>,
    /// The routing rules.
    pub routing_rules: Vec<RoutingRule>,
    /// How long the choice of the rules holds.
    pub routing: RoutingSection,
    /// A file with the routing rules instead; its path is relative to this file.
    pub routing_file: Option<PathBuf>,
    /// A file with prices of your own; its path is relative to this file.
    pub prices_file: Option<PathBuf>,
    /// Whether calls are priced.
    pub cost_tracking: bool,
    /// Whether a fallback is called if the chosen model fails.
    pub fallback_enabled: bool,
}

impl Default for LlmSection {
    fn default() -> Self {
        let LlmConfig { cost_tracking, fallback_enabled, .. } = LlmConfig::default();
        Self {
            model: None,
            base_url: None,
            max_tokens: None,
            timeouts: TimeoutsSection::default(),
            providers: Vec::new(),
            default_provider: None,
            routing_rules: Vec::new(),
            routing: RoutingSection::default(),
            routing_file: None,
            prices_file: None,
            cost_tracking,
            fallback_enabled,
        }
    }
}

/// The section about routing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingSection {
    /// How long a task keeps its model.
    pub sticky: Sticky,
}

/// The time limits of responses, in seconds. One that is absent has its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutsSection {
    /// The limit of connecting.
    pub connect_seconds: Option<NonZeroU32>,
    /// The limit between a request and the beginning of its response.
    pub first_byte_seconds: Option<NonZeroU32>,
    /// The limit between two pieces of a response.
    pub idle_seconds: Option<NonZeroU32>,
    /// The limit between two events of a stream with content or usage.
    pub event_seconds: Option<NonZeroU32>,
    /// The limit of a response as a whole.
    pub total_seconds: Option<NonZeroU32>,
    /// The longest wait for a server that is loading its model.
    pub loading_seconds: Option<NonZeroU32>,
}

impl TimeoutsSection {
    /// Returns the longest wait for a server that is loading its model.
    pub fn loading_wait(self) -> Duration {
        limit(self.loading_seconds, DispatchOptions::default().loading_wait)
    }

    /// Returns the options of the HTTP client with these limits.
    pub fn http_options(self) -> HttpOptions {
        let default = HttpOptions::default();
        HttpOptions {
            connect_timeout: limit(self.connect_seconds, default.connect_timeout),
            first_byte_timeout: limit(self.first_byte_seconds, default.first_byte_timeout),
            idle_timeout: limit(self.idle_seconds, default.idle_timeout),
            event_timeout: limit(self.event_seconds, default.event_timeout),
            total_timeout: limit(self.total_seconds, default.total_timeout),
            ..default
        }
    }
}

fn limit(seconds: Option<NonZeroU32>, default: Duration) -> Duration {
    seconds.map_or(default, |seconds| Duration::from_secs(seconds.get().into()))
}

/// The section about the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// The address of the store, such as `sqlite:/home/me/az.db`.
    pub url: Option<String>,
}

/// The section about tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolsSection {
    /// The rules of the strongest layer that has some. [`FoundConfig::rules`](super::FoundConfig) has those
    /// of all layers, which count together.
    pub rules: Vec<ToolRule>,
    /// What to do about a call that needs an answer if no one can be asked.
    pub unattended: Option<UnattendedMode>,
    /// The section about `web.fetch`.
    pub web: WebSection,
}

/// The section about `web.fetch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSection {
    /// The hosts whose pages may be fetched.
    #[serde(deserialize_with = "hosts")]
    pub hosts: Vec<HostPattern>,
}

/// The section about costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CostSection {
    /// The time zone of days, weeks and months, such as `Europe/Berlin`; UTC if absent.
    pub time_zone: Option<String>,
}

/// The section about the commands that tools run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShellSection {
    /// The shell: an absolute path, or a name that is found in `PATH`.
    pub program: Option<String>,
    /// The variables that commands get beside the default ones: `NAME` takes the value from the
    /// environment of `az`, `NAME=VALUE` sets one.
    pub env: Vec<String>,
}

/// The section about tasks: the limits of those that are run without the options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TaskSection {
    /// The most steps.
    pub max_steps: Option<NonZeroU32>,
    /// The most tool calls.
    pub max_calls: Option<NonZeroU32>,
    /// The time limit of a run.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// The most child tasks of a task that run at once.
    pub max_children: Option<NonZeroU32>,
    /// The most levels of child tasks.
    pub max_child_levels: Option<u32>,
    /// The most child tasks below a task, at all levels together.
    pub max_descendants: Option<NonZeroU32>,
    /// The most of them that have not ended.
    pub max_unfinished_descendants: Option<NonZeroU32>,
    /// The most calls that child tasks in a process make at once.
    pub max_child_calls: Option<NonZeroU32>,
    /// The models that a task may give its child tasks, beside its own; all if absent.
    pub child_models: Option<Vec<String>>,
}

impl TaskSection {
    /// Sets the limits of child tasks.
    pub(crate) fn limit_children(&self, options: &mut EngineOptions) {
        options.max_child_levels = self.max_child_levels.unwrap_or(options.max_child_levels);
        for (set, limit) in [
            (self.max_children, &mut options.max_children),
            (self.max_descendants, &mut options.max_descendants),
            (self.max_unfinished_descendants, &mut options.max_unfinished_descendants),
            (self.max_child_calls, &mut options.max_child_calls),
        ] {
            let set = set.and_then(|most| usize::try_from(most.get()).ok());
            *limit = set.unwrap_or(*limit);
        }
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map(Some).map_err(de::Error::custom)
}

/// The section about notifications that a task waits for an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NotifySection {
    /// A program and its arguments; the notification is on its standard input.
    pub command: Vec<String>,
    /// The address that the notification is sent to.
    pub url: Option<String>,
    /// The file with the key that requests are signed with.
    pub key_file: Option<PathBuf>,
    /// The variable with the key that requests are signed with.
    pub key_env: Option<String>,
}

/// The section about the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LogSection {
    /// What is recorded.
    pub filter: Option<String>,
    /// How long records are kept.
    #[serde(deserialize_with = "duration")]
    pub keep: Option<Duration>,
    /// The size above which the oldest records are removed, in megabytes.
    pub max_megabytes: Option<NonZeroU32>,
}

impl LogSection {
    /// Returns the filter of what is recorded.
    pub fn filter(&self) -> &str {
        self.filter.as_deref().unwrap_or("info")
    }

    /// Returns how long records are kept.
    pub fn keep(&self) -> Duration {
        self.keep.unwrap_or(Duration::from_secs(30 * 24 * 60 * 60))
    }

    /// Returns the size above which the oldest records are removed, in bytes.
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_megabytes.map_or(100, NonZeroU32::get)) * 1_000_000
    }
}

/// The section about output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OutputSection {
    /// The format of listings.
    pub format: Option<OutputFormat>,
    /// When colours are printed.
    pub color: OutputColor,
}

/// The format of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputFormat {
    /// A table.
    Table,
    /// A JSON document.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// When colours are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputColor {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
