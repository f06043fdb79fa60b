//! Whether another model may succeed where one failed.

use az_core::ErrorKind;

/// Whether a failure depends on the model that was asked, so that asking another one may help.
///
/// A request that is too long or too expensive for one model may suit another; and a parameter that
/// one provider rejects, another accepts.
pub(crate) const fn may_help(kind: ErrorKind) -> bool {
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
