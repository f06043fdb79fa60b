//! The token that clients over HTTP need.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use az_core::digest::hex;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::{Access, DirectoryLock, write_atomically};
use crate::error::CliError;
use crate::suggestion::quoted;

/// The size of a token, in bytes before it is written in hexadecimal digits.
const SIZE: usize = 32;
/// The shortest token that is accepted, in characters.
const SHORTEST: usize = 16;
/// The bits of a file's mode that let other users than the owner do anything.
const OTHERS: u32 = 0o077;

/// Reads the token in a file. A file that does not exist is created with a new one, for this user only.
///
/// # Errors
///
/// A settings error for a file that others can read, or whose token could be guessed, and the system's.
pub(crate) fn read_or_create(path: &Path) -> Result<String, CliError> {
    let _lock = DirectoryLock::of_file(path, Access::Private)?;
    match fs::read_to_string(path) {
        Ok(text) => {
            let mode = fs::metadata(path).map_err(|error| io_error(path, error))?;
            check(path, text.trim(), mode.permissions().mode())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = new_token()?;
            write_atomically(path, format!("{token}\n").as_bytes(), Access::Secret)?;
            Ok(token)
        }
        Err(error) => Err(io_error(path, error)),
    }
}

fn check(path: &Path, token: &str, mode: u32) -> Result<String, CliError> {
    let shown = path.display().to_string();
    if mode & OTHERS != 0 {
        let remedy = format!("chmod 600 {}", quoted(&shown));
        let what = format!("other users can use the token in {shown}; `{remedy}` changes that");
        return Err(CliError::Settings(what));
    }
    if token.chars().count() < SHORTEST || token.contains(char::is_whitespace) {
        let what = format!("a token is one word of at least {SHORTEST} characters");
        let remedy = "delete the file, and a new one is made";
        return Err(CliError::Settings(format!("{shown} has no token: {what}; {remedy}")));
    }
    Ok(token.to_owned())
}

fn new_token() -> Result<String, CliError> {
    let mut bytes = [0; SIZE];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CliError::Io {
        what: "making a token".to_owned(),
        source: io::Error::other("the system has no random bytes"),
    })?;
    Ok(hex(&bytes))
}

fn io_error(path: &Path, source: io::Error) -> CliError {
    CliError::Io { what: format!("reading the token in {}", path.display()), source }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::read_or_create;

    #[test]
    fn a_token_is_made_once_and_only_the_user_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys/token");
        let token = read_or_create(&path).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_or_create(&path).unwrap(), token);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let error = read_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["", "short\n", "several words in a file\n"] {
            let path = directory.path().join("token");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert!(read_or_create(&path).is_err(), "{text:?}");
        }
    }
}
