//! Classifies failures: whether the next candidate may succeed.

use az_core::ErrorKind;

/// Whether another candidate may succeed after a failure of this kind.
///
/// A request that is too long or too expensive for one model may fit another; and what one provider
/// calls invalid, such as a parameter that it does not support, another accepts.
pub(super) const fn may_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Protocol
            | ErrorKind::Unauthorized
            | ErrorKind::NotFound
            | ErrorKind::BadRequest
            | ErrorKind::ContentPolicy
            | ErrorKind::ContextWindow
            | ErrorKind::Budget
            | ErrorKind::Config
    )
}
