//! Anthropic's cache.
//!
//! Rules, from <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>:
//!
//! * A prefix contains the tools, the system text and the messages, in this order.
//! * At most four blocks are marked with `cache_control`; one for an hour comes before those for five
//!   minutes. Thinking blocks and empty texts cannot be marked.
//! * What is before each mark is written to the cache. A request reads the longest prefix that was
//!   written before and ends at a mark, or at one of the 20 blocks before it.
//! * A prefix below the minimum (1,024 to 4,096 tokens, by the model) is not cached.
//! * An entry lives for five minutes, or an hour, after its last use.
//! * `tool_choice` and thinking parameters are a part of the prefix of messages.

use std::collections::HashMap;

use az_ai::provider::wire::WireRequest;
use az_core::cost::Usage;
use serde_json::Value;

use super::block::{Blocks, items};
use super::provider::Cache;

const LOOK_BACK: usize = 20;
const MOST_MARKS: usize = 4;
const MARK: &str = "cache_control";

/// The cache, for one model.
#[derive(Debug)]
pub(super) struct Anthropic {
    /// The fewest tokens of a prefix that is cached.
    minimum: u64,
    /// The prefixes, with the time at which they expire and their life in seconds.
    entries: HashMap<u64, (u64, u64)>,
}

impl Anthropic {
    pub(super) fn new(minimum: u64) -> Self {
        Self { minimum, entries: HashMap::new() }
    }
}

fn blocks(body: &Value) -> Blocks {
    let mut blocks = Blocks::default();
    for tool in items(body, "tools") {
        blocks.push("tool", tool, MARK);
    }
    for text in items(body, "system") {
        blocks.push("system", text, MARK);
    }
    for parameter in ["tool_choice", "thinking"] {
        blocks.salt(&body.get(parameter).unwrap_or(&Value::Null).to_string());
    }
    for message in items(body, "messages") {
        let role = message["role"].as_str().expect("a role");
        for block in items(message, "content") {
            blocks.push(role, block, MARK);
            let kind = block["type"].as_str().unwrap_or_default();
            let is_marked = block.get(MARK).is_some();
            assert!(!is_marked || !kind.contains("thinking"), "thinking cannot be marked");
        }
    }
    blocks
}

fn life(mark: &Value) -> u64 {
    assert_eq!(mark["type"], "ephemeral");
    match mark.get("ttl").and_then(Value::as_str) {
        None | Some("5m") => 300,
        Some("1h") => 3_600,
        Some(other) => panic!("there is no life of {other}"),
    }
}

impl Cache for Anthropic {
    fn read(&mut self, request: &WireRequest, now: u64) -> Usage {
        let blocks = blocks(&request.body);
        let marks: Vec<(usize, u64)> = (0..)
            .zip(&blocks.all)
            .filter_map(|(place, block)| Some((place, life(block.mark.as_ref()?))))
            .collect();
        assert!(marks.len() <= MOST_MARKS, "a maximum of 4 blocks with cache_control");
        assert!(marks.is_sorted_by(|(_, one), (_, next)| one >= next), "an hour comes first");
        self.entries.retain(|_, (until, _)| *until >= now);

        let reachable = marks.iter().flat_map(|(place, _)| {
            let first = (place + 1).saturating_sub(LOOK_BACK);
            first..=*place
        });
        let hits = reachable.filter(|place| {
            let block = &blocks.all[*place];
            block.tokens >= self.minimum && self.entries.contains_key(&block.prefix)
        });
        let hit = hits.max();
        let read = hit.map_or(0, |place| blocks.all[place].tokens);
        if let Some(place) = hit {
            let (until, life) = self.entries.get_mut(&blocks.all[place].prefix).expect("a hit");
            *until = now + *life;
        }
        let mut usage = Usage { cache_read: read, ..Usage::default() };
        let mut written = read;
        for (place, life) in marks {
            let block = &blocks.all[place];
            if block.tokens < self.minimum {
                continue;
            }
            self.entries.insert(block.prefix, (now + life, life));
            let more = block.tokens.saturating_sub(written);
            written += more;
            match life {
                300 => usage.cache_write_5m += more,
                _ => usage.cache_write_1h += more,
            }
        }
        usage.input = blocks.tokens() - written;
        usage
    }
}
