//! The home directories in which a user has secrets.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::ShellOptions;

/// Returns the home directories of the user: those that commands and `az` find in `HOME`, and that
/// of the system's list of users. A command can read in each of them, whatever its `HOME` is.
pub(super) fn homes(options: &ShellOptions) -> Vec<PathBuf> {
    let named = [options.env.get("HOME"), options.available.get("HOME")].into_iter().flatten();
    let listed = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = rustix::process::getuid().as_raw();
    let found = named.map(PathBuf::from).chain(std::env::home_dir()).chain(home_of(user, &listed));
    // A service may have none: `/` or a directory that does not exist.
    let mut homes: Vec<_> = found.filter(|home| home != Path::new("/") && home.is_dir()).collect();
    homes.sort();
    homes.dedup();
    homes
}

/// Returns the home directory of a user in a list of users like `/etc/passwd`.
fn home_of(user: u32, list: &str) -> Option<PathBuf> {
    let fields = |line: &str| -> Option<(u32, PathBuf)> {
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.nth(2)?.into()))
    };
    list.lines().filter_map(fields).find(|(id, _)| *id == user).map(|(_, home)| home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_of_a_user_is_found_in_the_list_of_users() {
        let list =
            "root:x:0:0:root:/root:/bin/bash\nbroken\nme:x:1000:1000:Me,,,:/home/me:/bin/sh\n";
        assert_eq!(home_of(1000, list), Some("/home/me".into()));
        assert_eq!(home_of(0, list), Some("/root".into()));
        assert_eq!(home_of(1, list), None);
    }

    #[test]
    fn a_home_that_is_set_for_commands_does_not_replace_that_of_the_user() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = |dir: &tempfile::TempDir| dir.path().to_str().unwrap().to_owned();
        let options = ShellOptions::default()
            .with_inherited_env([("HOME".to_owned(), path(&own))])
            .with_env("HOME", path(&other));
        let homes = homes(&options);
        assert!(homes.contains(&own.path().to_owned()), "{homes:?}");
        assert!(homes.contains(&other.path().to_owned()), "{homes:?}");
    }
}
