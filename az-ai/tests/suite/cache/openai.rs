//! OpenAI's cache since GPT-5.6, over chat completions.
//!
//! Rules, from <https://developers.openai.com/api/docs/guides/prompt-caching> and the descriptions of
//! `prompt_cache_breakpoint` and `prompt_cache_options` in the API's reference:
//!
//! * A prefix contains the tools and the messages, in this order.
//! * The provider sets one implicit breakpoint at the latest message of the user or a tool. A request may
//!   mark the end of content parts with `prompt_cache_breakpoint`; marks on messages of the model are
//!   ignored. A request writes the implicit breakpoint and the latest three marks.
//! * A request reads the longest prefix that was written before and ends exactly at one of its
//!   breakpoints; it does not fall back to a shorter prefix.
//! * A prefix below 1,024 tokens is not cached.
//! * Requests with the same `prompt_cache_key` reach the same cache.
//! * An entry lives for at least 30 minutes after its last use.

use std::collections::HashMap;

use az_ai::provider::wire::WireRequest;
use az_core::cost::Usage;
use serde_json::{Value, json};

use super::block::{Blocks, items};
use super::provider::Cache;

const MARK: &str = "prompt_cache_breakpoint";
const MINIMUM: u64 = 1_024;
const LIFE: u64 = 1_800;
const EXPLICIT_WRITES: usize = 3;

/// The cache, for one model.
#[derive(Debug, Default)]
pub(super) struct OpenAi {
    /// The prefixes by the key of the request, with the time at which they expire.
    entries: HashMap<(String, u64), u64>,
}

/// Returns the blocks of a body of chat completions, and the place of the last block that the user or a
/// tool said.
pub(super) fn blocks(body: &Value) -> (Blocks, Option<usize>) {
    let mut blocks = Blocks::default();
    for tool in items(body, "tools") {
        blocks.push("tool", tool, MARK);
    }
    let mut latest = None;
    for message in items(body, "messages") {
        let role = message["role"].as_str().expect("a role");
        let mut rest = message.clone();
        let content = rest.as_object_mut().and_then(|rest| rest.remove("content"));
        blocks.salt(&rest.to_string());
        match content {
            Some(Value::Array(parts)) => {
                for part in &parts {
                    assert!(
                        part.get(MARK).is_none_or(|mark| *mark == json!({"mode": "explicit"})),
                        "{part}"
                    );
                    blocks.push(role, part, MARK);
                }
            }
            content => {
                let block = json!({"content": content, "calls": rest.get("tool_calls")});
                blocks.push(role, &block, MARK);
            }
        }
        if role == "user" || role == "tool" {
            latest = blocks.all.len().checked_sub(1);
        }
        if role == "assistant" {
            blocks.all.last_mut().expect("a block").mark = None;
        }
    }
    (blocks, latest)
}

impl Cache for OpenAi {
    fn read(&mut self, request: &WireRequest, now: u64) -> Usage {
        let key = request.body.get("prompt_cache_key").and_then(Value::as_str);
        let key = key.unwrap_or_default().to_owned();
        assert!(key.len() <= 64, "a key has at most 64 characters");
        let (blocks, implicit) = blocks(&request.body);
        self.entries.retain(|_, until| *until >= now);
        let explicit: Vec<usize> = (0..)
            .zip(&blocks.all)
            .filter_map(|(place, block)| block.mark.as_ref().map(|_| place))
            .collect();
        let breakpoints = explicit.iter().copied().chain(implicit);
        let hit = breakpoints
            .filter(|place| self.entries.contains_key(&(key.clone(), blocks.all[*place].prefix)))
            .max();
        let read = hit.map_or(0, |place| blocks.all[place].tokens);
        let written = explicit.into_iter().rev().take(EXPLICIT_WRITES).chain(implicit);
        let mut end = read;
        for place in written.chain(hit) {
            let block = &blocks.all[place];
            if block.tokens >= MINIMUM {
                self.entries.insert((key.clone(), block.prefix), now + LIFE);
                end = end.max(block.tokens);
            }
        }
        Usage {
            cache_read: read,
            cache_write_5m: end - read,
            input: blocks.tokens() - end,
            ..Usage::default()
        }
    }
}
