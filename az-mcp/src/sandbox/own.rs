//! Keeps commands from changing what decides what they may do.

use std::path::{Path, PathBuf};

use super::{SandboxError, SandboxPolicy};

/// Checks that none of the directories that commands may change has files of `az` in it that cannot
/// be hidden, or a home directory, in which shells and other programs find their settings.
pub(super) fn check(
    policy: &SandboxPolicy,
    own: &[PathBuf],
    homes: &[PathBuf],
) -> Result<(), SandboxError> {
    let unsafe_to_change = |write: &Path| {
        let home = homes.iter().find(|home| resolved(home).starts_with(write));
        // What does not exist cannot be hidden, and a command could create it.
        let missing = || own.iter().find(|own| is_missing(own) && resolved(own).starts_with(write));
        let around = || own.iter().find(|own| write.starts_with(resolved(own)));
        home.or_else(missing).or_else(around).cloned()
    };
    for write in &policy.write {
        if let Some(holds) = unsafe_to_change(&resolved(write)) {
            return Err(SandboxError::Unprotected { write: write.clone(), holds });
        }
    }
    Ok(())
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err()
}

/// Returns a path without links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, found)) = found else { return path.to_owned() };
    match path.strip_prefix(above) {
        Ok(rest) if !rest.as_os_str().is_empty() => found.join(rest),
        Ok(_) | Err(_) => found,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_home_and_files_of_az_are_not_to_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("home/project")).unwrap();
        fs::create_dir_all(root.join("data/az")).unwrap();
        fs::write(root.join("data/config.toml"), "").unwrap();
        let own = ["home/.config/az", "data/config.toml", "data/az", "etc/az"];
        let own = own.map(|name| root.join(name));
        let refused = |name: &str| {
            let policy = SandboxPolicy::new(root.join(name), root.join("temp"));
            match check(&policy, &own, &[root.join("home")]) {
                Err(SandboxError::Unprotected { holds, .. }) => Some(holds),
                _ => None,
            }
        };
        assert_eq!(refused("home"), Some(root.join("home")));
        assert_eq!(refused(""), Some(root.join("home")));
        assert_eq!(refused("home/.config"), Some(root.join("home/.config/az")));
        assert_eq!(refused("data/az/output"), Some(root.join("data/az")));
        assert_eq!(refused("etc"), Some(root.join("etc/az")));
        // They are hidden in it.
        assert_eq!(refused("data"), None);
        assert_eq!(refused("home/project"), None);
    }
}
