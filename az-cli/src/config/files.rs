//! Where the files of the configuration are.

use std::path::{Path, PathBuf};

use super::Env;

/// The name of a project's file.
pub const PROJECT_FILE: &str = "az.toml";

/// The paths of the files, whether they exist or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigFiles {
    /// The user's file; `None` without a home directory.
    pub user: Option<PathBuf>,
    /// Whether `AZ_CONFIG` names the user's file, which must exist then.
    pub user_is_named: bool,
    /// The nearest project file, if there is one.
    pub project: Option<PathBuf>,
    /// The file of the machine.
    pub system: PathBuf,
}

impl ConfigFiles {
    /// Finds the files: the user's, that of the machine, and the nearest `az.toml` of `directory` and the
    /// directories above it.
    pub fn find(env: &Env, directory: Option<&Path>) -> Self {
        let named = env.path("AZ_CONFIG");
        let usual = || Some(env.base_dir("XDG_CONFIG_HOME", ".config")?.join("az/config.toml"));
        let (user_is_named, user) = (named.is_some(), named.or_else(usual));
        let system = env.path("AZ_SYSTEM_CONFIG");
        let system = system.unwrap_or_else(|| PathBuf::from("/etc/az/config.toml"));
        let others = [user.as_deref(), Some(&system)];
        let candidates = directory.into_iter().flat_map(Path::ancestors);
        let project = candidates.map(|directory| directory.join(PROJECT_FILE));
        // A file that is the user's own is not a project's, whatever its name.
        let project = project
            .filter(|path| std::fs::symlink_metadata(path).is_ok())
            .find(|path| !others.into_iter().flatten().any(|other| is_same(path, other)));
        Self { user, user_is_named, project, system }
    }
}

/// Whether two paths are those of one file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().ok().is_some_and(|one| other.canonicalize().ok() == Some(one))
}
