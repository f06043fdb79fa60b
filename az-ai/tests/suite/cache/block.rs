//! The blocks of a request, in the order in which a provider reads them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::Value;

/// A block, and all that comes before it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Identifies the request up to the end of this block.
    pub(super) prefix: u64,
    /// The tokens of the request up to the end of this block.
    pub(super) tokens: u64,
    /// The mark on this block, if it has one.
    pub(super) mark: Option<Value>,
}

/// Collects the blocks of a request.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) all: Vec<Block>,
    hash: u64,
    /// The bytes so far.
    bytes: u64,
}

impl Blocks {
    /// Adds a block. A mark in the field `mark` is not a part of its content.
    pub(super) fn push(&mut self, label: &str, block: &Value, mark: &str) {
        let mut block = block.clone();
        let mark = block.as_object_mut().and_then(|block| block.remove(mark));
        self.salt(label);
        let text = block.to_string();
        self.salt(&text);
        self.bytes += text.len() as u64;
        // Four bytes a token, as in English prose and code.
        let tokens = self.bytes / 4;
        self.all.push(Block { prefix: self.hash, tokens, mark });
    }

    /// Makes all blocks that follow depend on a text that is not a block.
    pub(super) fn salt(&mut self, text: &str) {
        let mut hasher = DefaultHasher::new();
        (self.hash, text).hash(&mut hasher);
        self.hash = hasher.finish();
    }

    pub(super) fn tokens(&self) -> u64 {
        self.all.last().map_or(0, |block| block.tokens)
    }
}

/// Returns the items of an array in a body; none if the field is absent.
pub(super) fn items<'a>(body: &'a Value, field: &str) -> &'a [Value] {
    body.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
