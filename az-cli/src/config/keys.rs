//! The table of all keys of the configuration.
//!
//! Everything that knows the keys reads it: the check of files, `az config`, the JSON Schema, and the
//! table in `docs/configuration.md`. A test holds it to the sections that files are read into.

use az_mcp::policy::RuleAction;

use super::key::Key;
use super::kind::Kind::{
    AbsolutePath, Bool, Choice, Count, CountOrOff, Duration, Features, Hosts, LogFilter, Models,
    Path, Paths, Price, Secret, StoreUrl, Table, Tables, Text, TimeZone, Url, Variables, Words,
};
use super::mcp::MCP;

/// The largest number that fits a limit of tokens, seconds or steps.
const U32: u64 = 0xffff_ffff;
/// The largest number that TOML has.
const I64: u64 = 0x7fff_ffff_ffff_ffff;

/// All keys, in the order in which they are documented.
pub const KEYS: &[Key] = &[
    Key::new("data_dir", AbsolutePath, "The directory of the database `az.db`")
        .or_found("`$XDG_DATA_HOME/az`, else `~/.local/share/az`")
        .set_by("AZ_DATA_DIR"),
    Key::new("store", Table(STORE), "The store of tasks, journals and costs"),
    Key::new("llm", Table(LLM), "Models, their providers, and the routing between them"),
    Key::new("cost", Table(COST), "Costs and budgets"),
    Key::new("shell", Table(SHELL), "The commands that tools run"),
    Key::new("tools", Table(TOOLS), "What tools may do"),
    Key::new("mcp", Table(MCP), "The MCP servers whose tools tasks have"),
    Key::new("sandbox", Table(SANDBOX), "What the commands that tools run may do"),
    Key::new("task", Table(TASK), "The limits of tasks that are run without the option"),
    Key::new("notify", Table(NOTIFY), "Notifications that a task waits for an answer"),
    Key::new("log", Table(LOG), "The log"),
    Key::new("network", Table(NETWORK), "Proxies and certificates"),
    Key::new("output", Table(OUTPUT), "What commands print"),
];

const NOTIFY: &[Key] = &[
    Key::new(
        "command",
        Words,
        "A program with its arguments, which gets the notification as JSON on its standard input",
    )
    .or("[]")
    .set_by("AZ_NOTIFY_COMMAND"),
    Key::new("url", Url, "The address that the notification is posted to").set_by("AZ_NOTIFY_URL"),
    Key::new("key_file", Path, "The file that has the key with which requests are signed")
        .set_by("AZ_NOTIFY_KEY_FILE"),
    Key::new("key_env", Text, "The variable that has the key instead").set_by("AZ_NOTIFY_KEY_ENV"),
];

const STORE: &[Key] = &[Key::new(
    "url",
    StoreUrl,
    "The address of the store, such as `sqlite:/srv/az/az.db`, instead of `data_dir`",
)
.set_by("AZ_STORE")];

const LLM: &[Key] = &[
    Key::new(
        "model",
        Text,
        "The model to use instead of the rules and the default, by any name of a model",
    )
    .set_by("AZ_MODEL")
    .harmless(),
    Key::new("base_url", Url, "The address of a server that is compatible with OpenAI's API")
        .set_by("AZ_LLM_BASE_URL"),
    Key::new(
        "max_tokens",
        Count(U32),
        "The limit of the reply of a step in tokens, including reasoning",
    )
    .or("4096")
    .set_by("AZ_LLM_MAX_TOKENS"),
    Key::new("timeouts", Table(TIMEOUTS), "The time limits of responses"),
    Key::new("providers", Tables(PROVIDER), "Entries: models under names of your own"),
    Key::new(
        "default_provider",
        Text,
        "The model if the task names none and no rule matches: an entry, `provider/model` or `offline`",
    )
    .set_by("AZ_LLM_DEFAULT_PROVIDER")
    .harmless(),
    Key::new("routing_rules", Tables(RULE), "The routing rules; the first that matches decides"),
    Key::new("routing", Table(ROUTING), "How long the routing rules' choice holds"),
    Key::new("routing_file", Path, "A file with the routing rules, TOML or JSON, instead")
        .set_by("AZ_LLM_ROUTING_FILE"),
    Key::new("prices_file", Path, "A file with prices of your own").set_by("AZ_LLM_PRICES_FILE"),
    Key::new("cost_tracking", Bool, "Whether the cost of calls is computed")
        .or("true")
        .set_by("AZ_LLM_COST_TRACKING"),
    Key::new("fallback_enabled", Bool, "Whether another model is tried when one fails")
        .or("true")
        .set_by("AZ_LLM_FALLBACK_ENABLED"),
];

const ROUTING: &[Key] = &[Key::new(
    "sticky",
    Choice(&["task", "step"]),
    "How long a task keeps its model: to its end, or for one step. Another model reads the whole \
     conversation at the full price",
)
.or("task")
.set_by("AZ_LLM_ROUTING_STICKY")
.harmless()];

const TIMEOUTS: &[Key] = &[
    Key::new("connect_seconds", Count(U32), "The limit of connecting to a provider")
        .or("10")
        .set_by("AZ_LLM_TIMEOUTS_CONNECT_SECONDS")
        .harmless(),
    Key::new(
        "first_byte_seconds",
        Count(U32),
        "The limit between a request and the beginning of its response",
    )
    .or("300")
    .set_by("AZ_LLM_TIMEOUTS_FIRST_BYTE_SECONDS")
    .harmless(),
    Key::new("idle_seconds", Count(U32), "The limit between two pieces of a response")
        .or("300")
        .set_by("AZ_LLM_TIMEOUTS_IDLE_SECONDS")
        .harmless(),
    Key::new(
        "event_seconds",
        Count(U32),
        "The limit between two events of a stream with content or usage; heartbeats do not count",
    )
    .or("600")
    .set_by("AZ_LLM_TIMEOUTS_EVENT_SECONDS")
    .harmless(),
    Key::new("total_seconds", Count(U32), "The limit of a response as a whole")
        .or("3600")
        .set_by("AZ_LLM_TIMEOUTS_TOTAL_SECONDS")
        .harmless(),
    Key::new(
        "loading_seconds",
        Count(U32),
        "The longest wait for a server that is loading its model",
    )
    .or("120")
    .set_by("AZ_LLM_TIMEOUTS_LOADING_SECONDS")
    .harmless(),
];

const PROVIDER: &[Key] = &[
    Key::new("name", Text, "The name of the entry").required(),
    Key::new("provider", Text, "The provider, such as `anthropic`, or `openai-compatible`")
        .required(),
    Key::new("model", Text, "The model, by the provider's name"),
    Key::new("api_key", Secret, "The API key; prefer one of the two below"),
    Key::new("api_key_env", Text, "The environment variable that has the API key"),
    Key::new("api_key_file", Path, "The file that has the API key"),
    Key::new("base_url", Url, "The address of the API, if it is not the provider's own"),
    Key::new("cost_per_token", Price, "The price of a token in dollars"),
    Key::new("input_cost_per_token", Price, "The price of an input token in dollars"),
    Key::new("output_cost_per_token", Price, "The price of an output token in dollars"),
    Key::new(
        "cost_per_request",
        Price,
        "The fee of a request in dollars, beside that of its tokens",
    ),
    Key::new("first_byte_seconds", Count(U32), "As `llm.timeouts`, for this provider"),
    Key::new("idle_seconds", Count(U32), "As `llm.timeouts`, for this provider"),
    Key::new("event_seconds", Count(U32), "As `llm.timeouts`, for this provider"),
    Key::new("total_seconds", Count(U32), "As `llm.timeouts`, for this provider"),
    Key::new("max_tokens", Count(I64), "The limit of a reply in tokens"),
    Key::new("context_window", Count(I64), "The limit of a request and its reply in tokens"),
    Key::new("features", Features, "What the model supports"),
];

const RULE: &[Key] = &[
    Key::new("condition", Text, "An expression, such as `tokens < 500`, or `fallback`").required(),
    Key::new("provider", Text, "The name of the model").required(),
    Key::new("reason", Text, "The reason, which is recorded with the choice"),
];

const COST: &[Key] = &[Key::new(
    "time_zone",
    TimeZone,
    "Where days, weeks and months begin, such as `Europe/Berlin`",
)
.or("\"UTC\"")
.set_by("AZ_COST_TIME_ZONE")];

const SHELL: &[Key] = &[
    Key::new("program", Text, "The shell: an absolute path, or a name that is found in `PATH`")
        .or_found("`bash` if it is installed, else `/bin/sh`")
        .set_by("AZ_SHELL_PROGRAM"),
    Key::new(
        "env",
        Variables,
        "More variables for commands: `NAME` takes the value from the environment of `az`, \
         `NAME=VALUE` sets one",
    )
    .or("[]")
    .set_by("AZ_SHELL_ENV"),
];

const TOOLS: &[Key] = &[
    Key::new(
        "rules",
        Tables(TOOL_RULE),
        "The rules about tool calls; the first of a file that matches a call counts, and a denial in any file",
    ),
    Key::new(
        "unattended",
        Choice(&["deny", "wait"]),
        "A call that needs an answer if no one can be asked: the task fails, or waits for it",
    )
    .or("\"deny\"")
    .set_by("AZ_TOOLS_UNATTENDED"),
    Key::new("web", Table(WEB), "The tool `web.fetch`"),
];

const WEB: &[Key] = &[Key::new(
    "hosts",
    Hosts,
    "The hosts whose pages `web.fetch` may fetch, such as `docs.rs` and `*.example.org`; without any, there \
     is no such tool",
)
.or("[]")
.set_by("AZ_TOOLS_WEB_HOSTS")];

const TOOL_RULE: &[Key] = &[
    Key::new("action", Choice(&RuleAction::NAMES), "What is decided about a call").required(),
    Key::new("tool", Text, "The tool, such as `shell.execute` or `filesystem.*`"),
    Key::new("path", Text, "The path that it accesses, such as `secrets/**` or `*.pem`"),
    Key::new("access", Choice(&["read", "write"]), "How it accesses the path, if not both"),
    Key::new("command", Text, "The command that it runs, such as `cargo test *`"),
    Key::new("host", Text, "The host that it connects to, such as `*.example.org`"),
    Key::new("arguments", Text, "The digest of the tool and the arguments, for one certain call"),
    Key::new("deny_after", Duration, "How long an approval is waited for, such as `1h`"),
    Key::new("reason", Text, "The reason, for the person who is asked or for the model"),
];

const SANDBOX: &[Key] = &[
    Key::new(
        "tier",
        Choice(&["auto", "bwrap", "landlock", "off"]),
        "How commands are confined; `auto` means the strongest way that works, and `off` not at all",
    )
    .or("\"auto\"")
    .set_by("AZ_SANDBOX_TIER"),
    Key::new(
        "network",
        Choice(&["off", "hosts", "on"]),
        "Whether commands may use the network: not, for `hosts` only (with `bwrap`), or as they like",
    )
        .or("\"off\"")
        .set_by("AZ_SANDBOX_NETWORK"),
    Key::new(
        "hosts",
        Hosts,
        "The hosts that commands may connect to, such as `crates.io`, `*.example.org` and `example.org:8443`",
    )
    .or("[]")
    .set_by("AZ_SANDBOX_HOSTS"),
    Key::new(
        "read",
        Paths,
        "What commands may read, beside the workspace and the system's programs",
    )
    .or_found("everything but files with secrets, such as `~/.ssh`")
    .set_by("AZ_SANDBOX_READ"),
    Key::new("write", Paths, "What commands may change, beside the workspace and their `$TMPDIR`")
        .or("[]")
        .set_by("AZ_SANDBOX_WRITE"),
    Key::new("hide", Paths, "What commands may not read, beside files with well-known secrets")
        .or("[]")
        .set_by("AZ_SANDBOX_HIDE"),
    Key::new("show", Paths, "What commands may read although it has well-known secrets")
        .or("[]")
        .set_by("AZ_SANDBOX_SHOW"),
];

const TASK: &[Key] = &[
    Key::new("max_steps", Count(U32), "The most steps of a task, as for `--max-steps`")
        .or("50")
        .set_by("AZ_TASK_MAX_STEPS")
        .harmless(),
    Key::new("max_calls", Count(U32), "The most tool calls of a task, as for `--max-calls`")
        .or_found("10 for each step")
        .set_by("AZ_TASK_MAX_CALLS")
        .harmless(),
    Key::new("timeout", Duration, "The time limit of a run, such as `10m`, as for `--timeout`")
        .set_by("AZ_TASK_TIMEOUT")
        .harmless(),
    Key::new("max_children", Count(64), "The most child tasks of a task that run at once")
        .or("16")
        .set_by("AZ_TASK_MAX_CHILDREN"),
    Key::new(
        "max_child_levels",
        CountOrOff(8),
        "The most levels of child tasks: a task, its child tasks, and theirs are two levels; 0 means no child tasks",
    )
    .or("3")
    .set_by("AZ_TASK_MAX_CHILD_LEVELS"),
    Key::new("max_descendants", Count(U32), "The most child tasks below a task, at all levels together")
        .or("256")
        .set_by("AZ_TASK_MAX_DESCENDANTS"),
    Key::new(
        "max_unfinished_descendants",
        Count(U32),
        "The most child tasks below a task that have not ended, at all levels together",
    )
    .or("64")
    .set_by("AZ_TASK_MAX_UNFINISHED_DESCENDANTS"),
    Key::new(
        "max_child_calls",
        Count(1024),
        "The most calls of models and tools that child tasks in a process make at once",
    )
    .or("16")
    .set_by("AZ_TASK_MAX_CHILD_CALLS"),
    Key::new("child_models", Models, "The models that a task may give its child tasks, beside its own")
        .or_found("all")
        .set_by("AZ_TASK_CHILD_MODELS"),
];

const LOG: &[Key] = &[
    Key::new(
        "filter",
        LogFilter,
        "What is recorded: a level (`error`, `warn`, `info`, `debug`, `trace` or `off`), and \
         `target=level` for parts of the program, separated by commas, as in `RUST_LOG`",
    )
    .or("\"info\"")
    .set_by("AZ_LOG"),
    Key::new("keep", Duration, "How long records are kept, such as `30d`")
        .or("\"30d\"")
        .set_by("AZ_LOG_KEEP"),
    Key::new(
        "max_megabytes",
        Count(U32),
        "The size of the log above which the oldest records are removed, in megabytes",
    )
    .or("100")
    .set_by("AZ_LOG_MAX_MEGABYTES"),
];

const NETWORK: &[Key] = &[
    Key::new("proxy", Url, "The proxy of all requests, such as `http://proxy:3128`")
        .or_found("the variables `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`")
        .set_by("AZ_NETWORK_PROXY"),
    Key::new("no_proxy", Text, "Hosts that no proxy is used for, separated by commas, or `*`")
        .or_found("the variable `NO_PROXY`")
        .set_by("AZ_NETWORK_NO_PROXY"),
    Key::new("ca_file", Path, "A file with further certificate authorities, in PEM")
        .set_by("AZ_NETWORK_CA_FILE"),
    Key::new("client_certificate", Path, "A file with the client's certificate, in PEM")
        .set_by("AZ_NETWORK_CLIENT_CERTIFICATE"),
    Key::new("client_key", Path, "A file with the private key of the client's certificate, in PEM")
        .set_by("AZ_NETWORK_CLIENT_KEY"),
];

const OUTPUT: &[Key] = &[
    Key::new(
        "format",
        Choice(&["table", "json", "csv"]),
        "The format of listings, as for `--format`",
    )
    .or("\"table\"")
    .set_by("AZ_OUTPUT_FORMAT")
    .harmless(),
    Key::new(
        "color",
        Choice(&["auto", "always", "never"]),
        "When to print colours; `auto` means on a terminal",
    )
    .or("\"auto\"")
    .set_by("AZ_OUTPUT_COLOR")
    .harmless(),
];

/// Names of keys that the command line accepts, with the keys that they mean.
pub const ALIASES: &[(&str, &str)] = &[
    ("llm.provider", "llm.default_provider"),
    ("llm.rules", "llm.routing_rules"),
    ("cost.timezone", "cost.time_zone"),
    ("log.level", "log.filter"),
    ("output.colour", "output.color"),
];
