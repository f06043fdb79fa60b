//! Addresses of stores.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::Error;

/// The address of a store: a scheme that chooses the backend, and a target that the backend opens.
///
/// Examples are `sqlite:/home/me/az.db`, `memory:` and `postgres://host/az`. A target may be any
/// path of the system, so it need not be UTF-8. Debug and display output hide a password.
///
/// ```
/// use az_core::store::StoreAddress;
///
/// let address: StoreAddress = "postgres://me:secret@db.example/az".parse()?;
/// assert_eq!(address.scheme(), "postgres");
/// assert_eq!(address.to_string(), "postgres://me:***@db.example/az");
/// # Ok::<(), az_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreAddress {
    scheme: Box<str>,
    target: OsString,
}

impl StoreAddress {
    /// Returns the address of `target` in the backend that `scheme` names.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] unless the scheme is lower-case ASCII letters and digits that begin with
    /// a letter.
    pub fn new(scheme: &str, target: impl Into<OsString>) -> Result<Self, Error> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !scheme.starts_with(|c: char| c.is_ascii_lowercase()) || !scheme.chars().all(legal) {
            return Err(Error::invalid(
                "store address",
                format!(
                    "the scheme {scheme:?} must be lower-case letters and digits, as in \
                     sqlite:PATH"
                ),
            ));
        }
        Ok(Self { scheme: scheme.into(), target: target.into() })
    }

    /// Returns the scheme, which names the backend.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Returns the text after the scheme and its colon, with passwords.
    pub fn target(&self) -> &OsStr {
        &self.target
    }

    /// Returns the target as a path.
    pub fn path(&self) -> &Path {
        Path::new(&self.target)
    }
}

impl FromStr for StoreAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some((scheme, target)) if !scheme.contains(['/', '.']) => Self::new(scheme, target),
            _ => Err(Error::invalid(
                "store address",
                format!("{text:?} has no scheme; for a file, write sqlite:{text}"),
            )),
        }
    }
}

/// Formats the address without its password.
impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.scheme, without_password(&self.target.to_string_lossy())))
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// Replaces the password of `//user:password@host/…`.
fn without_password(target: &str) -> String {
    let masked = || {
        let rest = target.strip_prefix("//")?;
        let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, host) = authority.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        let path = rest.get(authority.len()..)?;
        Some(format!("//{user}:***@{host}{path}"))
    };
    masked().unwrap_or_else(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::StoreAddress;

    #[test]
    fn an_address_is_a_scheme_and_a_target() {
        for (text, scheme, target) in [
            ("sqlite:/data/az.db", "sqlite", "/data/az.db"),
            ("sqlite:a:b.db", "sqlite", "a:b.db"),
            ("memory:", "memory", ""),
            ("postgres://h/az", "postgres", "//h/az"),
        ] {
            let address: StoreAddress = text.parse().unwrap();
            assert_eq!((address.scheme(), address.target()), (scheme, target.as_ref()));
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn a_path_without_a_scheme_is_refused_with_how_to_write_it() {
        let refused = |text: &str| text.parse::<StoreAddress>().unwrap_err().to_string();
        assert_eq!(
            refused("/data/az.db"),
            "invalid store address: \"/data/az.db\" has no scheme; for a file, write \
             sqlite:/data/az.db"
        );
        assert_eq!(
            refused("SQLite:x"),
            "invalid store address: the scheme \"SQLite\" must be lower-case letters and digits, \
             as in sqlite:PATH"
        );
        assert!(refused("./a:b").contains("has no scheme"));
        assert!(refused(":x").contains("the scheme \"\""));
    }

    #[test]
    fn passwords_are_neither_displayed_nor_debugged() {
        for (text, shown) in [
            ("postgres://me:s3@cret@h:5432/az", "postgres://me:***@h:5432/az"),
            ("postgres://me:s3cret@h", "postgres://me:***@h"),
            ("postgres://me@h/az", "postgres://me@h/az"),
        ] {
            let address: StoreAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), format!("{shown:?}"));
        }
    }
}
