//! The environment and the files in which keys are looked up.

use std::path::Path;

use az_ai::catalog::{Environment, KeyFile};

use crate::config::{Env, FoundConfig};

/// Returns what keys and addresses are looked up in: the process's environment, and files, whose paths
/// are relative to the file that has the entries.
pub(super) fn environment(env: &Env, file: &FoundConfig) -> Environment {
    let (variables, file) = (env.clone(), file.clone());
    Environment::new(move |name| variables.get(name).map(str::to_owned)).with_key_files(
        move |path| {
            let path = file.beside("llm.providers", Path::new(path));
            KeyFile { text: std::fs::read_to_string(&path), path: path.display().to_string() }
        },
    )
}
