//! The environment and the files in which keys are looked up.

use std::path::{Path, PathBuf};

use az_ai::catalog::{Environment, KeyFile};

use crate::config::{Env, FoundConfig};

/// Returns what keys and addresses are looked up in: the process's environment, and files, whose paths
/// are relative to the file that has the entries.
pub(super) fn environment(env: &Env, file: &FoundConfig) -> Environment {
    let (variables, home) = (env.clone(), env.path("HOME"));
    let file = file.clone();
    Environment::new(move |name| variables.get(name).map(str::to_owned)).with_key_files(
        move |path| {
            let path = expand(path, home.as_deref(), &file);
            KeyFile { text: std::fs::read_to_string(&path), path: path.display().to_string() }
        },
    )
}

/// Returns a path in which `~` is the home directory.
fn expand(path: &str, home: Option<&Path>, file: &FoundConfig) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_), None) => path.into(),
        (None, _) => file.beside("llm.providers", Path::new(path)),
    }
}
