//! The exit codes of `az`.

/// The exit code of `az doctor` if it found errors.
pub const UNHEALTHY: u8 = 1;

/// Every exit code with its meaning, for `az --help`; `docs/operations.md` explains them.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "success"),
    (
        1,
        "the task failed: the agent gave up, or reached the limit of steps; `az doctor` found errors; or the \
         tool of `az tools call` failed, or an MCP server refused a request",
    ),
    (2, "invalid arguments, or an answer that the task does not wait for"),
    (3, "a budget has too little left for the next call"),
    (65, "the provider rejects the request, or the `offline` planner cannot read the task"),
    (66, "no such task, tool, MCP server or database"),
    (69, "the provider, or an MCP server, cannot be reached or started"),
    (70, "internal error"),
    (73, "the database cannot be created, opened or written"),
    (74, "the disk is full, or reading or writing failed"),
    (
        75,
        "try again later: the task waits for an answer, the task or the database is in use, or a rate limit was reached",
    ),
    (76, "the provider's reply is invalid or incomplete"),
    (77, "a tool call needs approval or is not allowed, or the provider rejects the key"),
    (78, "invalid configuration, or an unknown model"),
    (124, "the time limit was reached"),
    (130, "cancelled"),
];
