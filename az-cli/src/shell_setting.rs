//! The settings of the shell that runs commands.

use std::path::{Path, PathBuf};

use az_mcp::builtin::shell::ShellOptions;
use az_mcp::sandbox::SandboxMode;

use crate::config::Env;
use crate::error::CliError;
use crate::mcp_servers::Approvals;
use crate::settings::Settings;

impl Settings {
    /// Returns the options of `shell.execute`: the configured shell, variables and sandbox,
    /// and the directory for what background processes print.
    ///
    /// # Errors
    ///
    /// A settings error for a shell that does not exist, or a variable without a name.
    pub fn shell_options(&self, env: &Env) -> Result<ShellOptions, CliError> {
        let mut options = ShellOptions::default().with_inherited_env(env.all());
        if let Some(name) = &self.shell.program {
            let program = find_program(name, env)
                .map_err(|reason| self.file.problem("shell.program", &reason))?;
            options = options.with_program(program);
        }
        for variable in &self.shell.env {
            options = match variable.split_once('=') {
                Some(("", _)) => {
                    let reason = format!("{variable:?} has no name; use NAME or NAME=VALUE");
                    return Err(self.file.problem("shell.env", &reason).into());
                }
                Some((name, value)) => options.with_env(name, value),
                None => match env.get(variable) {
                    Some(value) => options.with_env(variable, value),
                    None => options,
                },
            };
        }
        let mut sandbox = self.sandbox.options(&self.file);
        sandbox.hide.extend(self.key_files());
        sandbox.own.extend(self.own_files(env));
        sandbox.hide.extend(self.file.user.iter().map(|file| file.with_file_name("keys")));
        // They exist as long as the database is open.
        sandbox.hide.extend(self.store.file().into_iter().flat_map(beside_database));
        sandbox.bridge = crate::sandbox_bridge::bridge();
        options = options.with_sandbox(sandbox);
        Ok(match self.output_dir(env) {
            Some(directory) => options.with_output_dir(directory),
            None => options,
        })
    }

    /// Returns `true` if commands run in a sandbox, or not at all.
    pub fn confines_commands(&self) -> bool {
        self.sandbox.options(&self.file).mode != SandboxMode::Off
    }

    /// Returns the files that decide what `az` does, and its data.
    fn own_files(&self, env: &Env) -> Vec<PathBuf> {
        let directories = [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
        ];
        let directories = directories.iter();
        let directories =
            directories.filter_map(|(name, usual)| Some(env.base_dir(name, usual)?.join("az")));
        let mut own: Vec<_> = directories.collect();
        if let Some(file) = &self.file.user {
            own.push(file.clone());
        }
        own.extend(self.store.file().map(Path::to_owned));
        own.push(self.approvals_dir(env));
        own
    }

    /// Returns the files of the approved tools of MCP servers, beside the database or in the user's directory
    /// for state.
    pub(crate) fn approvals(&self, env: &Env) -> Approvals {
        Approvals::new(self.approvals_dir(env))
    }

    fn approvals_dir(&self, env: &Env) -> PathBuf {
        let beside = self.output_dir(env).map(|directory| directory.with_file_name("mcp"));
        beside.unwrap_or_else(|| "mcp".into())
    }

    /// Returns the directory for what background processes print: beside the database, or in the
    /// user's directory for state.
    pub fn output_dir(&self, env: &Env) -> Option<PathBuf> {
        let beside = self.store.file().and_then(Path::parent).map(|dir| dir.join("output"));
        beside.or_else(|| Some(env.base_dir("XDG_STATE_HOME", ".local/state")?.join("az/output")))
    }
}

/// Returns the files that SQLite has beside a database.
fn beside_database(file: &Path) -> [PathBuf; 2] {
    ["-shm", "-wal"].map(|end| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Returns the path of a program that is given by an absolute path, or by a name that is looked up
/// in `PATH`.
fn find_program(name: &str, env: &Env) -> Result<PathBuf, String> {
    let path = Path::new(name);
    if path.is_absolute() {
        let found = path.is_file().then(|| path.to_owned());
        return found.ok_or_else(|| format!("{name} is not a file"));
    }
    if name.contains('/') || name.is_empty() {
        return Err(format!("{name:?} must be an absolute path, or a name without `/`"));
    }
    let directories = env.get("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(directories).map(|directory| directory.join(name));
    candidates.find(|path| path.is_file()).ok_or_else(|| format!("{name} is not in PATH"))
}

#[cfg(test)]
mod tests {
    use super::find_program;
    use crate::config::Env;

    #[test]
    fn a_shell_is_found_by_its_path_or_in_the_search_path() {
        let env = Env::from([("PATH", "/nowhere:/bin")]);
        assert_eq!(find_program("sh", &env), Ok("/bin/sh".into()));
        assert_eq!(find_program("/bin/sh", &env), Ok("/bin/sh".into()));
        for (name, reason) in [
            ("no-such-shell", "no-such-shell is not in PATH"),
            ("/bin/no-such-shell", "/bin/no-such-shell is not a file"),
            ("bin/sh", "\"bin/sh\" must be an absolute path, or a name without `/`"),
            ("", "\"\" must be an absolute path, or a name without `/`"),
        ] {
            assert_eq!(find_program(name, &env), Err(reason.to_owned()));
        }
    }
}
