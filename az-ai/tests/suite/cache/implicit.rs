//! Caches without marks: a request reads the longest prefix that an earlier one had.
//!
//! | provider | rules | from |
//! |---|---|---|
//! | OpenAI before GPT-5.6 | from 1,024 tokens, in steps of 128; `prompt_cache_key` chooses the server; 5 to 10 minutes | <https://platform.openai.com/docs/guides/prompt-caching> |
//! | Gemini | from 4,096 tokens (third generation), no guarantee | <https://ai.google.dev/gemini-api/docs/caching> |
//! | `DeepSeek` | in steps of 64 tokens; hours | <https://api-docs.deepseek.com/guides/kv_cache> |
//! | xAI | each server has a cache of its own; `x-grok-conv-id` chooses the server | <https://docs.x.ai/developers/advanced-api-usage/prompt-caching> |
//!
//! Where a provider states a range, or no time, the simulator takes the least that helps.

use std::collections::HashMap;

use az_ai::provider::wire::WireRequest;
use az_core::cost::Usage;
use serde_json::Value;

use super::block::{Blocks, items};
use super::openai;
use super::provider::Cache;

/// How requests reach a server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Servers {
    /// There is one cache.
    One,
    /// Requests with the same key in this field of the body reach the same server, others the next one.
    ByField(&'static str),
    /// Requests with the same value of this header reach the same server, others the next one.
    ByHeader(&'static str),
}

/// A cache without marks, for one model.
#[derive(Debug)]
pub(super) struct Implicit {
    pub(super) minimum: u64,
    pub(super) step: u64,
    pub(super) life: u64,
    pub(super) servers: Servers,
    pub(super) blocks: fn(&Value) -> Blocks,
    /// The prefixes by server, with the time at which they expire.
    pub(super) entries: HashMap<(String, u64), u64>,
    pub(super) requests: usize,
}

impl Implicit {
    fn new(minimum: u64, step: u64, life: u64, servers: Servers) -> Self {
        let blocks = |body: &Value| openai::blocks(body).0;
        Self { minimum, step, life, servers, blocks, entries: HashMap::new(), requests: 0 }
    }

    pub(super) fn older_openai() -> Self {
        Self::new(1_024, 128, 300, Servers::ByField("prompt_cache_key"))
    }

    pub(super) fn gemini() -> Self {
        Self { blocks: gemini_blocks, ..Self::new(4_096, 1, 300, Servers::One) }
    }

    pub(super) fn deepseek() -> Self {
        Self::new(64, 64, 3_600, Servers::One)
    }

    pub(super) fn xai() -> Self {
        Self::new(128, 128, 300, Servers::ByHeader("x-grok-conv-id"))
    }

    fn server(&mut self, request: &WireRequest) -> String {
        self.requests += 1;
        let key = match self.servers {
            Servers::One => Some("the only one"),
            Servers::ByField(field) => request.body.get(field).and_then(Value::as_str),
            Servers::ByHeader(header) => {
                let found = request.headers.iter().find(|(name, _)| *name == header);
                found.map(|(_, value)| value.as_str())
            }
        };
        key.map_or_else(|| format!("server {}", self.requests % 4), str::to_owned)
    }
}

fn gemini_blocks(body: &Value) -> Blocks {
    let mut blocks = Blocks::default();
    if let Some(system) = body.get("systemInstruction") {
        blocks.push("system", system, "");
    }
    for tools in items(body, "tools") {
        blocks.push("tools", tools, "");
    }
    for content in items(body, "contents") {
        let role = content["role"].as_str().unwrap_or_default();
        for part in items(content, "parts") {
            blocks.push(role, part, "");
        }
    }
    blocks
}

impl Cache for Implicit {
    fn read(&mut self, request: &WireRequest, now: u64) -> Usage {
        let server = self.server(request);
        let blocks = (self.blocks)(&request.body);
        self.entries.retain(|_, until| *until >= now);
        let known = |prefix: u64| self.entries.contains_key(&(server.clone(), prefix));
        let hit = blocks.all.iter().take_while(|block| known(block.prefix)).last();
        let read = hit.map_or(0, |block| block.tokens / self.step * self.step);
        let read = if read < self.minimum { 0 } else { read };
        for block in &blocks.all {
            self.entries.insert((server.clone(), block.prefix), now + self.life);
        }
        Usage { cache_read: read, input: blocks.tokens() - read, ..Usage::default() }
    }
}
