//! Bearer tokens.

use std::fmt;

use ::http::HeaderMap;
use ::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

/// The digest of a token. Digests are compared, in a time that does not depend on how much is equal.
#[derive(Clone)]
pub(super) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Returns that of the token of a request, if it has one.
    pub(super) fn of_request(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::of(token.trim()))
    }

    /// Whether the digests are the same; every byte is compared.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest")
    }
}
