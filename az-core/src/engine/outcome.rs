//! The outcome of a tool call, by what its toolbox returned.

use super::run::Run;
use crate::error::{Error, Result};
use crate::journal::ToolOutcome;
use crate::tool::{EffectClass, ToolOutput};

/// Returns the outcome of a call by what its toolbox returned.
pub(super) fn outcome_of(returned: Result<ToolOutput>) -> (ToolOutcome, ToolOutput) {
    match returned {
        Ok(output) if output.unknown => (ToolOutcome::Unknown, output),
        Ok(output) if output.ok => (ToolOutcome::Done, output),
        Ok(output) => (ToolOutcome::Failed, output),
        Err(error @ (Error::NotFound { .. } | Error::Invalid { .. })) => {
            (ToolOutcome::Refused, ToolOutput::failed(error.chain()))
        }
        Err(error @ (Error::Cancelled | Error::TimedOut { .. })) => {
            (ToolOutcome::Unknown, ToolOutput::unknown(error.chain()))
        }
        Err(error) => (ToolOutcome::Failed, ToolOutput::failed(error.chain())),
    }
}

impl Run {
    /// Returns the outcome to record for a call that was cut short; `None` records no result.
    ///
    /// A call without a result is recovered by the next run: it is made again or probed.
    pub(super) fn outcome_of_cut_short(&self, effect: EffectClass) -> Option<ToolOutcome> {
        match effect {
            // The next run could not determine more, and what the call printed would be lost.
            EffectClass::Unsafe => Some(ToolOutcome::Unknown),
            EffectClass::Read | EffectClass::Idempotent | EffectClass::Probe
                if self.stop.reason().is_some() =>
            {
                None
            }
            EffectClass::Read | EffectClass::Idempotent => Some(ToolOutcome::Failed),
            EffectClass::Probe => Some(ToolOutcome::Unknown),
        }
    }
}
