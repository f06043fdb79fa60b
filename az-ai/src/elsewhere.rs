//! Whether somebody else may do what one model could not.

use az_core::ErrorKind;

/// Whether a failure says something about who was asked, so that asking another may help.
///
/// One that is too long, or too dear, may be neither elsewhere; and what one provider calls wrong,
/// such as a parameter that it does not take, another takes.
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
