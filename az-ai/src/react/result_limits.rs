//! How much of a tool's result a model sees.

use az_core::tool::OUTPUT_READ;

/// The name of the tool that reads files.
const FILE_READ: &str = "filesystem.read";

/// Fewer bytes a token are rare; see [`estimate`](crate::estimate).
const BYTES_PER_TOKEN: usize = 3;

/// A result may take one half of a context window.
const SHARE_OF_WINDOW: u64 = 2;

/// The most bytes of a result that a model sees, by the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResultLimits {
    /// The limit of the tools that return a part of a file or of an earlier result: what the model asked
    /// to read.
    pub reads: usize,
    /// The limit of all other tools, such as commands.
    pub others: usize,
}

impl Default for ResultLimits {
    fn default() -> Self {
        Self { reads: 24 << 10, others: 16 << 10 }
    }
}

impl ResultLimits {
    /// No limits: all that the fold keeps.
    pub(super) const NONE: Self = Self::of_any(usize::MAX);

    /// Creates one limit for all tools.
    pub const fn of_any(bytes: usize) -> Self {
        Self { reads: bytes, others: bytes }
    }

    /// Returns the limits for a model with this context window: a result takes at most half of it.
    pub(super) fn within(self, window: u64) -> Self {
        let tokens = usize::try_from(window / SHARE_OF_WINDOW).unwrap_or(usize::MAX);
        let most = tokens.saturating_mul(BYTES_PER_TOKEN);
        Self { reads: self.reads.min(most), others: self.others.min(most) }
    }

    /// Returns the limit of a tool.
    pub(super) fn of(self, tool: &str) -> usize {
        if tool == FILE_READ || tool == OUTPUT_READ { self.reads } else { self.others }
    }

    /// Returns the limits, none of which is larger than `bytes`.
    pub(super) fn at_most(self, bytes: usize) -> Self {
        Self { reads: self.reads.min(bytes), others: self.others.min(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::ResultLimits;

    #[test]
    fn limits_depend_on_the_tool_and_on_the_window() {
        let limits = |window| {
            let limits = ResultLimits::default().within(window);
            ["filesystem.read", "output.read", "shell.execute"].map(|tool| limits.of(tool))
        };
        assert_eq!(limits(200_000), [24 << 10, 24 << 10, 16 << 10]);
        assert_eq!(limits(8_000), [12_000; 3]);
        assert_eq!(limits(0), [0; 3]);
        assert_eq!(ResultLimits::NONE.of("any"), usize::MAX);
    }
}
