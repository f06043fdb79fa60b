//! Whether somebody else may do what one model could not.

use az_core::ErrorKind;

/// Whether a failure says something about who was asked, so that asking another may help.
///
/// A request that is wrong stays wrong wherever it is sent; one that is too long, or too dear, may
/// be neither elsewhere.
pub(crate) const fn may_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Protocol
            | ErrorKind::Unauthorized
            | ErrorKind::NotFound
            | ErrorKind::ContentPolicy
            | ErrorKind::ContextWindow
            | ErrorKind::Budget
            | ErrorKind::Config
    )
}
